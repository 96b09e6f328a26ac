package spawn

import (
	"errors"
	"os"
	"strconv"

	"rouse/internal/host/sys"
)

// Into makes a bind mount in the mount namespace of a process. The mount is made apart,
// from what is on the host, and then a short-lived process takes it along.
func (b Bind) Into(pid int) error {
	name := "/proc/" + strconv.Itoa(pid) + "/ns/mnt"
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	if its, err := os.Readlink(name); err != nil || its == own {
		return errors.Join(err, ErrSameView)
	}
	namespace, err := sys.OpenNamespace(pid, sys.NewMounts)
	if err != nil {
		return err
	}
	defer sys.CloseFD(namespace)
	root, err := sys.OpenPath("/proc/" + strconv.Itoa(pid) + "/root")
	if err != nil {
		return err
	}
	defer sys.CloseFD(root)
	info, err := os.Stat(b.Source)
	if err != nil {
		return err
	}
	tree, err := sys.CloneMount(b.Source, b.ReadOnly)
	if err != nil {
		return err
	}
	defer sys.CloseFD(tree)
	w := callRow{}
	w.add("enter mount namespace of process", strconv.Itoa(pid), sys.CallSetns, num(namespace),
		num(sys.NewMounts))
	// Its root directory need not be that of the namespace.
	w.add("enter root directory of process", strconv.Itoa(pid), sys.CallFchdir, num(root))
	w.add("enter root directory of process", strconv.Itoa(pid), sys.CallChroot, textArg("."))
	if b.Make {
		w.place(b.Where, info.IsDir())
	}
	w.add("mount", b.Where, sys.CallMoveMount, num(tree), textArg(""), num(sys.AtFDCWD),
		textArg(b.Where), num(sys.MoveEmptyPath))
	return w.run()
}

// place makes the mount point path, with the directories above it, as far as they are not
// there. What cannot be made is missed by the mount.
func (w *callRow) place(path string, isDir bool) {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			w.add("make directory", path[:i], sys.CallMkdirat, num(sys.AtFDCWD), textArg(path[:i]),
				num(0o755))
			w.list[len(w.list)-1].any = true
		}
	}
	if isDir {
		w.add("make directory", path, sys.CallMkdirat, num(sys.AtFDCWD), textArg(path), num(0o755))
	} else {
		w.add("make file", path, sys.CallMknodat, num(sys.AtFDCWD), textArg(path),
			num(sys.TypeFile|0o600), num(0))
	}
	w.list[len(w.list)-1].any = true
}

// run has a short-lived process make the calls, and waits for it.
func (w *callRow) run() error {
	s := step{kind: stepCalls, status: 1, calls: w.list}
	s.calls = append(s.calls, call{nr: sys.CallExitGroup, args: []arg{num(0)}})
	p := &plan{steps: []step{s}}
	a, err := newArena(p.size())
	if err != nil {
		return err
	}
	defer a.free()
	a.reset()
	steps := p.compile(a, way{}).steps
	c := a.control()
	c.flags = sys.CloneVfork // and no signal at the end
	forkAndRun(c)
	pid := int(c.pid)
	if pid < 0 {
		return sys.Errno(-pid)
	}
	if err := sys.ReapSilent(pid); err != nil {
		return err
	}
	if failed := p.outcome(c, steps); failed != nil {
		return failed.Unwrap()
	}
	return nil
}
