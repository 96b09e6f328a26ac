package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/host/proc"
	"rouse/internal/host/sandbox"
	"rouse/internal/host/sys"
)

// mounts makes the mount namespace and what is in it, if anything asks for one. It
// reports whether the root directory was changed.
func (p *planner) mounts() bool {
	c := p.view()
	directive, ok := c.Needed()
	if !ok {
		return false
	}
	if c.Root != "" {
		root, err := filepath.EvalSymlinks(c.Root)
		if err != nil {
			p.fail(&StepError{
				Step: "find root directory " + c.Root, Directive: "RootDirectory", Err: err,
				Errno: int(sys.ErrnoOf(err)), Status: StatusNamespace,
			})
			return false
		}
		c.Root = root
	}
	err := p.viewPlace(c)
	if err == nil {
		c.Mounts, err = proc.Mounts()
	}
	if err != nil {
		p.fail(&StepError{
			Step: "prepare mounts", Directive: directive, Err: err, Errno: int(sys.ErrnoOf(err)),
			Status: StatusNamespace,
		})
		return false
	}
	p.add(step{
		kind: stepCalls, text: "make mount namespace", directive: directive,
		status: StatusNamespace, calls: p.viewCalls(c),
	})
	return c.Root != ""
}

// HasView reports whether the process gets a mount namespace of its own.
func (s *Spawner) HasView(r *Request) bool {
	if r.Exec == nil {
		return false
	}
	p := &planner{s: s, r: r, x: r.Exec, part: partNamespaces}
	_, ok := p.view().Needed()
	return ok
}

// view is what the request says about mounts.
func (p *planner) view() *sandbox.Config {
	c := &sandbox.Config{
		Exec: p.x, Wants: p.wants, Privileged: p.privileged(), Deep: p.s.kernel.deepMounts,
		Dirs: p.r.Dirs, Tmp: p.r.Tmp, VarTmp: p.r.VarTmp, Credentials: p.r.Credentials,
		Incoming: p.r.Incoming, Notify: p.r.Notify, OwnTmp: p.only != nil,
	}
	if root := p.x.RootDirectory; root != "/" && !p.r.NoChroot && p.wants("RootDirectory") {
		c.Root = root
	}
	return c
}

// viewPlace finds where the view is put together. Who has no runtime directory uses a
// temporary one.
func (p *planner) viewPlace(c *sandbox.Config) (err error) {
	place := p.s.Place
	if place.Base == "" {
		if p.temporary, err = os.MkdirTemp("", "view"); err != nil {
			return err
		}
		place = sandbox.Place{Base: p.temporary + "/root", Blocked: p.temporary + "/blocked"}
		if err := place.Make(); err != nil {
			return err
		}
	}
	c.Base, c.Blocked, c.AllCredentials = place.Base, place.Blocked, place.Credentials
	return nil
}

// viewCalls lists the calls from the new namespace on to the new root directory.
func (p *planner) viewCalls(c *sandbox.Config) []call {
	w := callRow{base: c.Base}
	unshare := w.add("unshare", "mount namespace", sys.CallUnshare, num(sys.NewMounts))
	umask := w.add("set", "umask", sys.CallUmask, num(0))
	w.add("change propagation of", "/", sys.CallMount, num(0), textArg("/"), num(0),
		num(int(sandbox.FlagSlave|sandbox.FlagRecursive)), num(0))
	place, own := filepath.Dir(p.temporary), -1
	if p.temporary != "" {
		own = w.add("open", place, sys.CallOpenat, num(sys.AtFDCWD), textArg(place),
			num(sys.OpenPlace), num(0))
	}
	root := c.Root
	if root == "" {
		root = "/"
	}
	w.add("mount", root, sys.CallMount, textArg(root), textArg(c.Base), num(0),
		num(int(sandbox.FlagBind|sandbox.FlagRecursive)), num(0))
	w.list[len(w.list)-1].directive = "RootDirectory"
	for _, s := range c.Steps() {
		w.step(&s)
	}
	w.pivot()
	flags := sandbox.Flags(p.x.MountFlags)
	if flags == 0 || !p.wants("MountFlags") {
		flags = sandbox.FlagShared
	}
	w.add("change propagation of", "/", sys.CallMount, num(0), textArg("/"), num(0),
		num(int(flags|sandbox.FlagRecursive)), num(0))
	w.list[len(w.list)-1].directive = "MountFlags"
	if c.Incoming != "" {
		w.add("change propagation of", sandbox.IncomingPath, sys.CallMount, num(0),
			textArg(sandbox.IncomingPath), num(0), num(int(sandbox.FlagSlave)), num(0))
	}
	if own >= 0 {
		w.remove(own, filepath.Base(p.temporary))
	}
	w.add("set", "umask", sys.CallUmask, resultOf(umask))
	if !c.Essential() {
		// Containers and their filters forbid it. Then all that only takes away is left
		// out, as by systemd.
		first := &w.list[unshare]
		first.fine = []sys.Errno{sys.EPERM, sys.ENOSYS, sys.EOPNOTSUPP}
		first.skip = len(w.list) - 1 - unshare
	}
	return w.list
}

// A callRow is a row of calls for a step.
type callRow struct {
	list []call
	base string // what paths in messages are below
}

// add adds a call, which does something to path, and gives its index.
func (w *callRow) add(does, path string, nr uintptr, args ...arg) int {
	w.list = append(w.list, call{does: does, path: path, nr: nr, args: args})
	return len(w.list) - 1
}

// verbs are what messages call a step of a view.
var verbs = [sandbox.Verbs]string{
	sandbox.Mount: "mount", sandbox.Unmount: "unmount", sandbox.Mkdir: "make directory",
	sandbox.Touch: "make file", sandbox.Node: "make device", sandbox.Symlink: "make symlink",
	sandbox.Set: "change mount", sandbox.Clear: "change mount", sandbox.Remount: "change mount",
	sandbox.Fail: "find",
}

// step adds the calls of a step of a view.
func (w *callRow) step(s *sandbox.Step) {
	at := len(w.list)
	path := strings.TrimPrefix(s.Path, w.base)
	if path == "" {
		path = "/"
	}
	add := func(nr uintptr, args ...arg) { w.add(verbs[s.Do], path, nr, args...) }
	var fine []sys.Errno
	here, name := num(sys.AtFDCWD), textArg(s.Path)
	switch s.Do {
	case sandbox.Mount:
		add(sys.CallMount, textOrNull(s.Source), name, textOrNull(s.Type), num(int(s.Flags)),
			textOrNull(s.Options))
	case sandbox.Unmount:
		add(sys.CallUmount, name, num(sys.MountDetach))
	case sandbox.Mkdir:
		add(sys.CallMkdirat, here, name, num(int(s.Mode)))
		fine = []sys.Errno{sys.EEXIST}
	case sandbox.Touch:
		add(sys.CallMknodat, here, name, num(int(s.Mode)|sys.TypeFile), num(0))
		fine = []sys.Errno{sys.EEXIST}
	case sandbox.Node:
		add(sys.CallMknodat, here, name, num(int(s.Mode)|sys.TypeChar), num(int(s.Device)))
	case sandbox.Symlink:
		add(sys.CallSymlinkat, textArg(s.Source), here, name)
		fine = []sys.Errno{sys.EEXIST}
	case sandbox.Set, sandbox.Clear:
		const kept = sandbox.FlagReadOnly | sandbox.FlagNoSUID | sandbox.FlagNoDev | sandbox.FlagNoExec
		attr, deep := sys.MountAttr(uint64(s.Flags&kept), 0), 0
		if s.Flags&sandbox.FlagRecursive != 0 {
			deep = sys.AtRecursive
		}
		if s.Do == sandbox.Clear {
			attr = sys.MountAttr(0, uint64(s.Flags&kept))
			fine = []sys.Errno{sys.ENOENT, sys.EINVAL}
		}
		add(sys.CallMountSetattr, here, name, num(deep), blockArg(attr), num(sys.MountAttrSize))
	case sandbox.Remount:
		flags := s.Flags | sandbox.FlagBind | sandbox.FlagRemount
		add(sys.CallMount, num(0), name, num(0), num(int(flags)), num(0))
		fine = []sys.Errno{sys.ENOENT, sys.EINVAL}
	case sandbox.Fail:
		add(opFail, num(s.Errno))
	case sandbox.Verbs:
		return
	}
	w.list[at].fine, w.list[at].any, w.list[at].directive = fine, s.Optional, s.Directive
	if len(s.Else) > 0 {
		for i := range s.Else {
			w.step(&s.Else[i])
		}
		// What is not permitted in a container or user namespace, or not known to the kernel.
		w.list[at].fine = []sys.Errno{sys.EPERM, sys.EACCES, sys.EINVAL}
		w.list[at].done = len(w.list) - at - 1
	}
}

// textOrNull is a null pointer for no text.
func textOrNull(s string) arg {
	if s == "" {
		return num(0)
	}
	return textArg(s)
}

// pivot makes the base the root directory. A root file system that is the kernel's first
// one cannot be left; then the base is moved over it.
func (w *callRow) pivot() {
	const root = "change root directory to"
	w.add(root, w.base, sys.CallChdir, textArg(w.base))
	pivot := w.add(root, w.base, sys.CallPivotRoot, textArg("."), textArg("."))
	w.list[pivot].fine, w.list[pivot].skip = []sys.Errno{sys.EINVAL}, 1
	leave := w.add("leave", "old root directory", sys.CallUmount, textArg("."), num(sys.MountDetach))
	w.list[leave].done = 2
	w.add(root, w.base, sys.CallMount, textArg("."), textArg("/"), num(0), num(sys.MountMove), num(0))
	w.add(root, w.base, sys.CallChroot, textArg("."))
	w.add(root, w.base, sys.CallChdir, textArg("/"))
}

// remove removes the temporary directory of a view, in the directory that call place has
// opened: nobody else may be left who could.
func (w *callRow) remove(place int, name string) {
	w.add("remove", name, sys.CallFchdir, resultOf(place))
	for _, n := range []struct {
		name  string
		flags int
	}{
		{"/blocked/dir", sys.AtRemoveDir}, {"/blocked/reg", 0}, {"/blocked/fifo", 0},
		{"/blocked/sock", 0}, {"/blocked/chr", 0}, {"/blocked/blk", 0},
		{"/blocked", sys.AtRemoveDir}, {"/root", sys.AtRemoveDir}, {"", sys.AtRemoveDir},
	} {
		w.add("remove", name+n.name, sys.CallUnlinkat, num(sys.AtFDCWD), textArg(name+n.name),
			num(n.flags))
		w.list[len(w.list)-1].any = true
	}
	w.add("change directory to", "/", sys.CallChdir, textArg("/"))
}

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
