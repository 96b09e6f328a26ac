//go:build unix && !linux

package cgroup

import (
	"errors"
	"fmt"
	"os"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// look gives what is known of one process: there is no /proc to read, so only
// its process group and session.
func look(pid int) (proc.Stat, error) {
	if err := sys.Kill(pid, 0); errors.Is(err, sys.ESRCH) {
		return proc.Stat{}, os.ErrNotExist
	}
	s := proc.Stat{PID: pid, State: 'S'}
	s.Group, _ = sys.ProcessGroup(pid)
	s.Session, _ = sys.Session(pid)
	return s, nil
}

// table gives the processes that were registered; others are not to be found
// here, but are signalled with their process group.
func (n *none) table() []proc.Stat {
	var all []proc.Stat
	for pid, m := range n.members {
		if s, err := look(pid); err == nil && !m.gone {
			all = append(all, s)
		}
	}
	return all
}

// children gives none: the system does not tell without sysctl(3).
func (n *none) children() []proc.Stat { return nil }

// orphans is not to be had here: they are not the manager's.
func (n *none) orphans() (pids []int, ok bool) { return nil, false }

// signalGroups reaches what was forked by registered processes and has stayed in
// their process groups. SIGKILL is for all in the end, so none is spared there.
func (g *loose) signalGroups(sig value.Signal, except []int) error {
	if len(except) > 0 && sig != value.SIGKILL {
		return nil // its group would be signalled with the one to be spared
	}
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	var errs []error
	for pid, m := range g.n.members {
		if m.unit != g || pid <= 1 {
			continue
		}
		if group, err := sys.ProcessGroup(pid); !m.gone && (err != nil || group != pid) {
			continue
		}
		if err := sys.Kill(-pid, sig); err != nil && !errors.Is(err, sys.ESRCH) {
			errs = append(errs, fmt.Errorf("signal %v to group %d of %s: %w", sig, pid, g.unit, err))
		}
	}
	return errors.Join(errs...)
}
