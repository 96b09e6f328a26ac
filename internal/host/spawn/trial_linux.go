package spawn

import (
	"fmt"

	"rouse/internal/host/sys"
)

// Try reports why the trial fails; nil is that it does not. An error that is no
// sys.Errno means that nothing was tried.
func Try(t Trial) error {
	if t >= Trials {
		return fmt.Errorf("trial %d: there is none", t)
	}
	how := meansFork
	if haveVfork {
		how = meansClone
	}
	if emulated(how) {
		return fmt.Errorf("trials in an emulator: %w", sys.ErrUnsupported)
	}
	// The last step ends the process, with success.
	p := &plan{fault: &StepError{}, steps: []step{
		{kind: stepCalls, calls: t.calls()}, {kind: stepFail},
	}}
	a, err := newArena(p.size())
	if err != nil {
		return fmt.Errorf("try: %w", err)
	}
	defer a.free()
	a.reset()
	steps := p.compile(a, way{ignored: sys.IgnoredSignals(), handlers: true}).steps
	c := a.control()
	c.vfork(how, -1)
	c.flags &^= uintptr(sys.SIGCHLD) // so that it is nobody's but ours
	dumpable := sys.Dumpable()
	c.run(how)
	if dumpable {
		_ = sys.SetDumpable() // which a user namespace has changed, for the memory is shared
	}
	pid := int(c.pid)
	if pid <= 0 {
		return fmt.Errorf("try: fork: %w", sys.Errno(-pid))
	}
	if err := sys.ReapSilent(pid); err != nil {
		return fmt.Errorf("try: wait: %w", err)
	}
	at := int(c.failed-1) / int(opSize)
	if steps[at] == 0 {
		return sys.Errno(c.errno)
	}
	return nil
}

// allowAll is a filter that lets every call pass: BPF_RET, SECCOMP_RET_ALLOW, in the
// byte order of the machine.
var allowAll = sys.FilterReturn(sys.FilterAllow)

// calls are what a trial does.
func (t Trial) calls() []call {
	unshare := func(flags int) call { return call{nr: sys.TryUnshare, args: []arg{num(flags)}} }
	mounts := []call{
		// First that nothing comes back to where the namespace is from.
		{nr: sys.TryMount, args: []arg{num(0), textArg("/"), num(0), num(sys.MountSlave), num(0)}},
		{nr: sys.TryMount, args: []arg{
			textArg("tmpfs"), textArg("/"), textArg("tmpfs"), num(0), num(0),
		}},
	}
	switch t {
	case TrialMounts:
		return append([]call{unshare(sys.NewMounts)}, mounts...)
	case TrialProc:
		return []call{unshare(sys.NewMounts), mounts[0], {nr: sys.TryMount, args: []arg{
			textArg("proc"), textArg("/proc"), textArg("proc"), num(0), textArg("hidepid=2"),
		}}}
	case TrialNetwork:
		return []call{unshare(sys.NewNetwork)}
	case TrialIPC:
		return []call{unshare(sys.NewIPC)}
	case TrialHostName:
		return []call{unshare(sys.NewHostName)}
	case TrialUsers:
		return []call{unshare(sys.NewUsers)}
	case TrialUserMounts:
		return append([]call{unshare(sys.NewUsers | sys.NewMounts)}, mounts...)
	case TrialUserNetwork:
		return []call{unshare(sys.NewUsers | sys.NewNetwork)}
	case TrialFilter:
		return []call{
			{nr: sys.TryPrctl, args: []arg{num(sys.PrctlNoNewPrivs), num(1), num(0), num(0), num(0)}},
			{nr: sys.TryPrctl, args: []arg{
				num(sys.PrctlSeccomp), num(sys.SeccompFilter), filterArg(allowAll),
			}},
		}
	case TrialKeyring:
		return []call{{nr: sys.TryKeyctl, args: []arg{num(sys.JoinSessionKeyring), num(0)}}}
	case TrialMemory:
		return []call{{nr: sys.TryMempolicy, args: []arg{num(0), num(0), num(0)}}}
	case TrialChroot:
		return []call{{nr: sys.CallChroot, args: []arg{textArg("/")}}}
	case TrialGroups:
		return []call{{nr: sys.CallSetgroups, args: []arg{num(0), num(0)}}}
	case Trials:
	}
	return nil
}
