package spawn

import (
	"encoding/binary"
	"slices"
	"syscall"

	"rouse/internal/host/sys"
)

// controlled makes the terminal that is standard input the one that controls the new
// session.
func (p *planner) controlled() {
	take := func(seize int) call {
		return call{nr: sys.CallIoctl, args: []arg{
			num(0), num(sys.IoctlControlledBy), num(seize),
		}}
	}
	calls := []call{take(0)}
	switch p.r.Terminal {
	case NoTerminal:
		return
	case MayControl:
		if p.talk != nil {
			return // the process will see
		}
		calls[0].any = true
	case MustControl:
	case AwaitedTerminal:
		if p.s.means == meansExecutor { // which is not given the gate
			calls[0].any = true
			break
		}
		p.openGate()
		p.awaits = len(p.steps) + 1
	case SeizedTerminal:
		calls = []call{take(1)}
	}
	p.attribute("be controlled by the terminal", "StandardInput", StatusStdin, calls...)
}

// waitingSignals is the signal mask of a process that waits: what ends it, ends it at once,
// but for signals with a core dump. The dump would be the manager's, and on older kernels
// its end, too: the memory is shared.
func waitingSignals() []byte {
	mask := uint64(0)
	for _, sig := range []syscall.Signal{
		syscall.SIGQUIT, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS,
		syscall.SIGFPE, syscall.SIGSEGV,
		syscall.SIGXCPU, syscall.SIGXFSZ, syscall.SIGSYS,
	} {
		mask |= 1 << (sig - 1)
	}
	return binary.NativeEndian.AppendUint64(nil, mask)
}

// eventsRoom is room for as many events as are read at once.
const eventsRoom = 4096

// await completes the step that may wait for the terminal, once all that is to stay open is.
func (p *planner) await() {
	if p.awaits == 0 || p.gate == nil {
		return
	}
	s := &p.steps[p.awaits-1]
	s.calls = p.awaitTerminal(s.calls[0])
	s.calls[0].fine, s.calls[0].done = []sys.Errno{sys.EPERM}, len(s.calls)-1
}

// awaitTerminal are the calls of a process that tries, and then waits until no other session
// has the terminal: whenever somebody closes it, that may be so.
func (p *planner) awaitTerminal(try call) []call {
	keep := append([]int{p.gate.its, p.r.Network, p.r.IPC}, p.opened...)
	slices.Sort(keep)
	first := p.firstFree()
	list := []call{try}
	add := func(nr uintptr, args ...arg) *call {
		list = append(list, call{nr: nr, args: args})
		return &list[len(list)-1]
	}
	// What the manager has open must not stay open for as long as this takes.
	for _, fd := range append(keep, 1<<31-1) {
		if fd > first {
			add(sys.CallCloseRange, num(first), num(fd-1), num(0)).any = true
		}
		first = max(first, fd+1)
	}
	watch := p.firstFree() + 16
	for slices.Contains(keep, watch) {
		watch++
	}
	add(sys.CallInotify, num(sys.CloseOnExec))
	made := len(list) - 1
	add(sys.CallDup3, resultOf(made), num(watch), num(sys.CloseOnExec))
	add(sys.CallClose, resultOf(made))
	add(sys.CallInotifyAdd, num(watch), textArg(p.r.TerminalPath), num(sys.InClose))
	add(sys.CallWrite, num(p.gate.its), textArg(gateWaits), num(len(gateWaits))).any = true
	add(sys.CallSigprocmask, num(sys.SigSetmask), blockArg(waitingSignals()), num(0),
		num(sys.SigsetBytes))

	// Two who wait would wake each other for ever if they opened and closed the terminal
	// each time: only one that was hung up, which no call can use any more, is opened anew.
	again, take := len(list), []arg{num(0), num(sys.IoctlControlledBy), num(0)}
	room := blockArg(make([]byte, eventsRoom))
	try = call{nr: sys.CallIoctl, args: take, any: true, done: 7}
	list = append(list, try)
	alive := add(sys.CallIoctl, num(0), num(sys.IoctlWindowSize), room)
	alive.any, alive.done = true, 4
	add(sys.CallOpenat, num(sys.AtFDCWD), textArg(p.r.TerminalPath), num(sys.OpenAsTerminal))
	add(sys.CallDup3, resultOf(again+2), num(0), num(0))
	add(sys.CallClose, resultOf(again+2))
	retry := add(sys.CallIoctl, take...)
	retry.fine, retry.done = []sys.Errno{sys.EPERM}, 2
	add(sys.CallRead, num(watch), room, num(eventsRoom))
	back := add(sys.CallClose, num(-1)) // fails, and so leads back
	back.any, back.skip = true, again-len(list)

	for fd, from := range []int{p.r.Stdin, p.r.Stdout, p.r.Stderr} {
		if fd > 0 && from == p.r.Stdin {
			add(sys.CallDup3, num(0), num(fd), num(0))
		}
	}
	return list
}

// ownTerminal gives the terminal that is standard input to the user, and nobody else.
func (p *planner) ownTerminal() {
	if p.r.TerminalOwner <= 0 || p.r.Terminal == NoTerminal {
		return
	}
	mode := call{nr: sys.CallFchmod, args: []arg{num(0), num(0o620)}, any: true}
	owner := call{nr: sys.CallFchown, args: []arg{num(0), num(p.r.TerminalOwner), num(-1)}, any: true}
	p.attribute("give the terminal away", "StandardInput", StatusStdin, mode, owner)
}

// announce has the process wait until Request.Announce was called.
func (p *planner) announce() {
	if p.r.Announce == nil || p.talk != nil || p.s.means == meansExecutor || p.only != nil {
		return
	}
	p.openGate()
	p.add(step{kind: stepGate, status: StatusExec})
}
