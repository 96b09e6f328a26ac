package cgroup

import (
	"rouse/internal/host/proc"
	"rouse/internal/unit/value"
)

// look gives what is known of one process.
func look(pid int) (proc.Stat, error) { return proc.Read(pid) }

// table gives all processes.
func (n *none) table() []proc.Stat {
	all, err := proc.All()
	if err != nil {
		n.config.Log("list processes: " + err.Error())
	}
	return all
}

// children gives the children of the manager, dead ones too.
func (n *none) children() []proc.Stat {
	var list []proc.Stat
	pids, ok := proc.Children(n.self)
	for _, pid := range pids {
		if s, err := proc.Read(pid); err == nil {
			list = append(list, s)
		}
	}
	if ok {
		return list
	}
	for _, s := range n.table() {
		if s.Parent == n.self {
			list = append(list, s)
		}
	}
	return list
}

// orphans gives those children of the manager that it did not start, and some that
// it did: orphans go to its first thread. ok is false if the kernel does not tell.
func (n *none) orphans() (pids []int, ok bool) { return proc.ThreadChildren(n.self, n.self) }

// signalGroups has nothing to do: every process was found in the table.
func (g *loose) signalGroups(value.Signal, []int) error { return nil }
