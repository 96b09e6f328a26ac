package engine

import (
	"cmp"
	"slices"
	"strings"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// runList starts the first command of a list; the type's handler goes on with
// the others when it has ended.
func (e *Engine) runList(u *runUnit, p *proc, kind string, list []value.Command) {
	e.release(u, p)
	p.Kind, p.list, p.Index = kind, list, 0
	e.spawn(u, p)
}

// more starts the next command of the list, if it goes on. It does so after a
// command with "-" even while the unit is being terminated, as systemd does, but not
// once SIGKILL was sent: nothing would end that process, and it would be left behind.
func (e *Engine) more(u *runUnit, p *proc) bool {
	if p.current == nil || p.Index+1 >= len(p.list) || strings.HasSuffix(u.subWord(), "-sigkill") {
		p.current = nil
		return false
	}
	p.Index++
	e.spawn(u, p)
	return true
}

// spawn orders the process for the present command of p.
func (e *Engine) spawn(u *runUnit, p *proc) {
	what, control := opMain, p == &u.procs.Control
	if control {
		what = opControl
	}
	p.current = &p.list[p.Index]
	p.Op = e.order(u, what)
	p.Status = procStatus{Kind: p.Kind, Index: p.Index}
	u.procs.Populated, u.procs.Last = true, p.Op
	fx := Spawn{
		Op: p.Op, Unit: u.Def, Kind: p.Kind, Index: p.Index, Command: p.current, Control: control,
		Invocation: u.invocation,
	}
	if u.svc != nil {
		u.svc.dress(e, u, &fx)
	} else if u.sock != nil {
		u.sock.dress(u, &fx)
	}
	u.cleaned = false
	e.emit(fx)
}

func (e *Engine) spawned(ev Spawned) {
	u, what := e.outcome(ev.Op)
	if u == nil {
		return
	}
	if what == opLate {
		e.emit(Kill{Unit: u.Name, Main: ev.PID, Signal: value.SIGKILL})
		return
	}
	p := &u.procs.Main
	if what == opControl {
		p = &u.procs.Control
	}
	if what == opControl && u.procs.Main.PID == ev.PID { // guessed before this came in
		e.release(u, &u.procs.Main)
		u.svc.MainKnown = false
	}
	p.Op, p.PID = 0, ev.PID
	p.Status.PID, p.Status.Start = ev.PID, e.now
	e.await(ev.PID, u)
	e.cause = u.cause
	if ev.Problem != "" {
		e.log(Err, u, "%s", ev.Problem)
	}
	if u.svc != nil {
		u.svc.spawned(e, u, p, ev.Problem == "")
	} else if u.sock != nil {
		u.sock.spawned(e, u)
	} else if u.mnt != nil {
		u.mnt.spawned(e, u)
	}
}

func (e *Engine) spawnFailed(ev SpawnFailed) {
	u, what := e.outcome(ev.Op)
	if u == nil || what == opLate {
		return
	}
	p := &u.procs.Main
	if what == opControl {
		p = &u.procs.Control
	}
	p.Op, p.current = 0, nil
	e.cause = &Cause{
		At: e.now, Unit: u.Name, What: "no process could be started", Why: ev.Why, From: u.cause,
	}
	e.log(Err, u, "cannot start a process for %s: %s", p.Kind, ev.Why)
	switch {
	case u.svc != nil:
		u.svc.spawnFailed(e, u, p)
	case u.sock != nil:
		u.sock.spawnFailed(e, u)
	case u.mnt != nil:
		u.mnt.spawnFailed(e, u)
	}
}

func (e *Engine) reaped(ev Reaped) {
	units := e.pids[ev.PID]
	delete(e.pids, ev.PID)
	for i, u := range units {
		e.ended(u, ev, i == 0)
	}
}

// await makes the end of a process a concern of the unit. It may be one of several: root
// may make a process of another unit the main one, by MAINPID=. That other one comes first.
func (e *Engine) await(pid int, u *runUnit) {
	if slices.Contains(e.pids[pid], u) {
		return
	}
	e.pids[pid] = append(e.pids[pid], u)
	slices.SortFunc(e.pids[pid], func(a, b *runUnit) int {
		return cmp.Or(a.said(pid)-b.said(pid), strings.Compare(a.Name, b.Name))
	})
}

// said is 1 if the process is the unit's only because it was said to be.
func (u *runUnit) said(pid int) int {
	if u.svc != nil && u.procs.Main.PID == pid && !u.svc.MainStarted {
		return 1
	}
	return 0
}

// awaitNot takes that back.
func (e *Engine) awaitNot(pid int, u *runUnit) {
	left := slices.DeleteFunc(e.pids[pid], func(o *runUnit) bool { return o == u })
	if e.pids[pid] = left; len(left) == 0 {
		delete(e.pids, pid)
	}
}

// ended: a process that the unit waits for has. Own says that it was started for it.
func (e *Engine) ended(u *runUnit, ev Reaped, own bool) {
	p, who := &u.procs.Main, "main"
	if u.procs.Control.PID == ev.PID {
		p, who = &u.procs.Control, "control"
	}
	if p.PID != ev.PID {
		e.bug(u, "exit of a process that is not awaited")
		return
	}
	p.PID = 0
	if ev.Last && own {
		u.procs.Gone = u.procs.Last
	}
	if u.procs.Gone >= u.procs.Last && !u.procs.Main.alive() && !u.procs.Control.alive() {
		u.procs.Populated = false // Emptied came before this
	}
	p.Status.PID, p.Status.Code, p.Status.Status, p.Status.End = ev.PID, ev.Code, ev.Status, e.now
	e.cause = &Cause{
		At: e.now, Unit: u.Name, From: u.cause,
		What: who + " process " + itoa(ev.PID) + " (" + p.Status.Kind + "=) ended",
		Why:  ev.Code.words(ev.Status),
	}
	if u.svc != nil {
		u.svc.exited(e, u, p)
	} else if u.sock != nil {
		u.sock.exited(e, u, p)
	} else if u.mnt != nil {
		u.mnt.exited(e, u, p)
	}
}

func (e *Engine) emptied(ev Emptied) {
	u := e.unit(ev.Unit)
	if u == nil || ev.After < u.procs.Last {
		return
	}
	u.procs.Gone = ev.After
	if !u.procs.Populated || u.procs.Main.alive() || u.procs.Control.alive() {
		return
	}
	u.procs.Populated = false
	e.resting = append(e.resting, u)
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "its last process ended", From: u.cause}
	if u.svc != nil {
		u.svc.emptied(e, u)
	} else if u.sock != nil {
		u.sock.emptied(e, u)
	} else if u.mnt != nil {
		u.mnt.emptied(e, u)
	} else if u.scp != nil {
		u.scp.emptied(e, u)
	}
}

// adopt makes pid the main process of the unit.
func (e *Engine) adopt(u *runUnit, pid int) {
	m := &u.procs.Main
	e.release(u, m)
	m.PID = pid
	m.Status = procStatus{Kind: "ExecStart", PID: pid, Start: e.now}
	e.await(pid, u)
}

// forgetProcs drops what is known of the unit's processes; their end is no concern any more.
func (e *Engine) forgetProcs(u *runUnit) {
	e.release(u, &u.procs.Main)
	e.release(u, &u.procs.Control)
}

// release gives up waiting for a process. One that is only about to come is killed
// when it does: nobody would ever end it.
func (e *Engine) release(u *runUnit, p *proc) {
	if p.PID != 0 {
		e.awaitNot(p.PID, u)
	}
	if p.Op != 0 {
		e.ops[p.Op] = pending{e.ops[p.Op].u, opLate}
	}
	p.PID, p.Op, p.current = 0, 0, nil
}

// aim is whom a signal goes to.
type aim uint8

const (
	nobody aim = iota
	mainProcess
	wholeGroup
)

// aims says whom each KillMode= signals, at first and after TimeoutStopSec=. systemd.kill(5).
var aims = [unit.KillModes]struct{ first, final aim }{
	unit.KillControlGroup: {first: wholeGroup, final: wholeGroup},
	unit.KillMixed:        {first: mainProcess, final: wholeGroup},
	unit.KillProcess:      {first: mainProcess, final: mainProcess},
	unit.KillNone:         {first: nobody, final: nobody},
}

// kill signals the unit's processes as KillMode= says. It reports whether there
// is anything whose end is to be waited for.
func (e *Engine) kill(u *runUnit, sig value.Signal, final bool) bool {
	k, p := u.Def.Kill, &u.procs
	to := aims[k.Mode].first
	if final {
		to = aims[k.Mode].final
	}
	if to == nobody || !p.any() {
		return false
	}
	fx := Kill{Unit: u.Name, Main: p.Main.PID, Control: p.Control.PID, Signal: sig}
	fx.Group = to == wholeGroup
	fx.Hangup = k.SendSIGHUP && u.terminates() && sig != value.SIGHUP
	if fx.Main != 0 || fx.Control != 0 || fx.Group {
		e.emit(fx)
	}
	return p.Main.alive() || p.Control.alive() || to == wholeGroup && p.Populated
}

// terminates reports that the unit is being ended by KillSignal= and not for a
// restart, so that SIGHUP follows where SendSIGHUP= says so.
func (u *runUnit) terminates() bool {
	restarts := u.job != nil && u.job.t == transaction.Restart
	switch {
	case u.svc != nil:
		return u.svc.Sub == FinalSigterm || u.svc.Sub == StopSigterm && !restarts
	case u.sock != nil:
		return u.sock.Sub == SocketFinalSigterm || u.sock.Sub == SocketStopPreSigterm && !restarts
	case u.mnt != nil:
		return u.mnt.Sub == MountUnmountingSigterm || u.mnt.Sub == MountRemountingSigterm && !restarts
	case u.scp != nil:
		return u.scp.Sub == ScopeStopSigterm
	}
	return false
}

// lingers reports that other processes than the awaited ones were signalled, and
// that some are still there.
func (u *runUnit) lingers(final bool) bool {
	aim := aims[u.Def.Kill.Mode]
	return u.procs.Populated && (aim.first == wholeGroup || final && aim.final == wholeGroup)
}

func (c ExitCode) words(status int) string {
	switch c {
	case ByExit:
		word := "n/a"
		if name, _ := value.ExitStatus(uint8(status)); name != "" {
			word = name
		}
		return "exited, status=" + itoa(status) + "/" + word
	case BySignal:
		return "killed, status=" + itoa(status) + "/" + signalWord(status)
	case ByDump:
		return "dumped, status=" + itoa(status) + "/" + signalWord(status)
	}
	return "gone"
}

// signalWord is the name of a signal without SIG.
func signalWord(signal int) string {
	return strings.TrimPrefix(value.Signal(signal).String(), "SIG")
}
