package spawn

import (
	"os"
	"strconv"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// namespaces makes the namespaces for the network, IPC, mounts and host name, and the
// mounts in them. It reports whether the root directory was changed with them.
func (p *planner) namespaces() bool {
	if p.unprivilegedUsers() {
		p.userNamespace() // in which all the others are permitted
	}
	x := p.x
	p.namespace(shared{
		directive: "PrivateNetwork", private: x.PrivateNetwork, given: p.r.Network,
		pathDirective: "NetworkNamespacePath", path: x.NetworkNamespacePath,
		flag: sys.NewNetwork, status: StatusNetwork, what: "network namespace", after: loopback,
	})
	p.namespace(shared{
		directive: "PrivateIPC", private: x.PrivateIPC, given: p.r.IPC,
		pathDirective: "IPCNamespacePath", path: x.IPCNamespacePath,
		flag: sys.NewIPC, status: StatusNamespace, what: "IPC namespace",
	})
	rooted := p.mounts()
	if x.ProtectHostname && !p.privileged() && p.wants("ProtectHostname") {
		// Where it is not permitted, the filter alone must do, as for systemd.
		p.add(step{
			kind: stepCalls, text: "make host name namespace", directive: "ProtectHostname",
			status: StatusNamespace,
			calls: []call{{
				nr: sys.CallUnshare, args: []arg{num(sys.NewHostName)}, fine: forbidden,
			}},
		})
	}
	return rooted
}

// forbidden are the errors of places where namespaces are not permitted, or not known.
var forbidden = []sys.Errno{sys.EPERM, sys.ENOSYS, sys.EOPNOTSUPP}

// A shared is a namespace that processes of a unit have together.
type shared struct {
	directive, pathDirective, path, what string

	private      bool
	given        int // a descriptor of it; 0 is none
	flag, status int
	after        func() []call // in a new one; nil is nothing
}

// namespace enters a namespace, or makes one for the process alone.
func (p *planner) namespace(n shared) {
	s := step{kind: stepCalls, status: n.status, directive: n.directive}
	switch {
	case n.path != "" && p.wants(n.pathDirective):
		s.directive, s.text = n.pathDirective, "enter "+n.what+" "+n.path
		fd, err := sys.Open(n.path, sys.OpenReadOnly)
		if err != nil {
			p.fail(&StepError{
				Step: s.text, Directive: s.directive, Errno: int(sys.ErrnoOf(err)), Status: s.status,
			})
			return
		}
		p.opened = append(p.opened, fd)
		s.calls = p.enter(fd, n.flag)
	case !n.private || !p.wants(n.directive):
		return
	case n.given > 0:
		s.text = "enter " + n.what
		s.calls = p.enter(n.given, n.flag)
	default:
		s.text = "make " + n.what
		var after []call
		if n.after != nil {
			after = n.after()
		}
		s.calls = append([]call{{
			nr: sys.CallUnshare, args: []arg{num(n.flag)}, fine: []sys.Errno{sys.EPERM, sys.EACCES},
			skip: len(after),
		}}, after...)
	}
	p.add(s)
}

// enter lists the calls that enter the namespace fd. An executor or a keeper, who is not given
// it, finds it with the manager. (It has threads, which no user namespace takes.)
func (p *planner) enter(fd, flag int) []call {
	if p.s.means != meansExecutor && p.talk == nil {
		return []call{{nr: sys.CallSetns, args: []arg{num(fd), num(flag)}}}
	}
	path := "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + strconv.Itoa(fd)
	return []call{
		{nr: sys.CallOpenat, args: []arg{num(sys.AtFDCWD), textArg(path), num(sys.OpenExec), num(0)}},
		{nr: sys.CallSetns, args: []arg{resultOf(0), num(flag)}},
	}
}

// loopback brings the interface of a new network namespace up, as far as that can be done.
func loopback() []call {
	return []call{
		{nr: sys.CallSocket, args: []arg{num(sys.SocketInet), num(sys.SocketDatagram), num(0)},
			any: true, skip: 2},
		{nr: sys.CallIoctl, args: []arg{
			resultOf(1), num(sys.InterfaceSetFlags), blockArg(sys.InterfaceUp("lo")),
		}, any: true},
		{nr: sys.CallClose, args: []arg{resultOf(1)}, any: true},
	}
}

// unprivilegedUsers reports whether the user namespace comes first, for it is what permits
// all the rest. Who is privileged makes it last, for then nothing more is permitted.
func (p *planner) unprivilegedUsers() bool {
	return p.s.kernel.capabilities.Effective&(1<<linux.CapSysAdmin) == 0
}

// privateUsers makes or enters the user namespace of PrivateUsers=.
func (p *planner) privateUsers() {
	if !p.unprivilegedUsers() {
		p.userNamespace()
	}
}

// userNamespace enters a new user namespace with root, the manager's user and the unit's.
func (p *planner) userNamespace() {
	if !p.x.PrivateUsers || p.privileged() || !p.wants("PrivateUsers") {
		return
	}
	const directive = "PrivateUsers"
	uid, gid := -1, p.who.gid
	if p.who.user != nil {
		uid = p.who.user.UID
	}
	fd, err := newNamespace(sys.NewUsers, func(pid int) error {
		return sys.MapUsers(pid, idMap(os.Geteuid(), uid), idMap(os.Getegid(), gid))
	})
	if err != nil {
		p.fail(&StepError{
			Step: "make user namespace", Directive: directive, Err: err,
			Errno: int(sys.ErrnoOf(err)), Status: StatusUser,
		})
		return
	}
	p.opened = append(p.opened, fd)
	p.add(step{
		kind: stepCalls, text: "enter user namespace", directive: directive, status: StatusUser,
		calls: p.enter(fd, sys.NewUsers),
	})
}

// idMap maps the manager's own number and another one to themselves.
func idMap(own, other int) string {
	line := func(n int) string { return strconv.Itoa(n) + " " + strconv.Itoa(n) + " 1\n" }
	if other < 0 || other == own {
		return line(own)
	}
	return line(own) + line(other)
}

// NewNamespace makes a namespace, which lives as long as the descriptor that is given.
func NewNamespace(kind Namespace) (fd int, err error) {
	flag := sys.NewNetwork
	if kind == IPCNamespace {
		flag = sys.NewIPC
	}
	return newNamespace(flag, func(int) error { return nil })
}

// newNamespace makes a namespace by a short-lived process, which is in it until it is
// open. set is called with the process.
func newNamespace(flag int, set func(pid int) error) (fd int, err error) {
	ready, write, err := sys.Pipe()
	if err != nil {
		return -1, err
	}
	defer sys.CloseFD(ready)
	s := step{kind: stepCalls, status: 1}
	if flag == sys.NewNetwork {
		s.calls = append(s.calls, call{nr: sys.CallGetpid})
		s.calls = append(s.calls, loopback()...)
	}
	s.calls = append(s.calls,
		call{nr: sys.CallWrite, args: []arg{num(write), textArg("."), num(1)}},
		call{nr: sys.CallPpoll, args: []arg{num(0), num(0), num(0), num(0), num(0)}})
	pl := &plan{steps: []step{s}}
	a, err := newArena(pl.size())
	if err != nil {
		sys.CloseFD(write)
		return -1, err
	}
	defer a.free()
	a.reset()
	pl.compile(a, way{})
	c := a.control()
	c.flags = uintptr(flag)
	forkAndRun(c)
	sys.CloseFD(write)
	pid := int(c.pid)
	if pid < 0 {
		return -1, sys.Errno(-pid)
	}
	defer func() {
		_ = sys.Kill(pid, value.SIGKILL)
		_ = sys.ReapSilent(pid)
	}()
	if err := sys.AwaitByte(ready); err != nil {
		return -1, err
	}
	if err := set(pid); err != nil {
		return -1, err
	}
	return sys.OpenNamespace(pid, flag)
}
