package engine

import (
	"regexp"
	"slices"
	"strings"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// check is what must hold after every step.
func (w *simWorld) check() error {
	e, failed, stored := w.e, 0, 0
	if w.now.Mono < e.now.Mono {
		return fault("time runs backwards")
	}
	for _, j := range e.jobs {
		if j.gone || j.u.job != j && j.u.nop != j {
			return fault("job %d %s/%s is nobody's", j.id, j.u.Name, j.t)
		}
	}
	for i, t := range e.timers.list {
		if t.pos != i || t.u.timers[t.kind] != t {
			return fault("timer of %s is lost", t.u.Name)
		}
	}
	for pid, units := range e.pids {
		for _, u := range units {
			if u.procs.Main.PID != pid && u.procs.Control.PID != pid {
				return fault("process %d is not %s's", pid, u.Name)
			}
		}
		if len(units) == 0 {
			return fault("nobody awaits process %d", pid)
		}
	}
	for _, n := range e.g.Nodes() {
		u := e.at(n)
		if u.active() == graph.Failed {
			failed++
		}
		if err := w.checkUnit(u); err != nil {
			return err
		}
		if u.svc != nil {
			stored += len(u.svc.Stored)
		}
	}
	if stored != len(w.kept) {
		return fault("%d descriptors are kept, %d are in store", len(w.kept), stored)
	}
	if failed != e.failed {
		return fault("%d units failed, counted %d", failed, e.failed)
	}
	if len(e.runq)+len(e.due)+len(e.deferred) > 0 {
		return fault("a queue is not empty")
	}
	for _, n := range w.changed {
		if err := w.checkCauses(n); err != nil {
			return err
		}
	}
	if w.also != nil {
		return w.also(w)
	}
	return nil
}

func (w *simWorld) checkUnit(u *runUnit) error {
	e := w.e
	if u.job != nil && e.jobs[u.job.id] != u.job {
		return fault("%s has a job that is not listed", u.Name)
	}
	for _, p := range [...]proc{u.procs.Main, u.procs.Control} {
		if p.PID != 0 && !slices.Contains(e.pids[p.PID], u) {
			return fault("%s awaits process %d, which is not known", u.Name, p.PID)
		}
	}
	switch {
	case u.svc != nil:
		return w.checkService(u)
	case u.sock != nil:
		return w.checkSocket(u)
	case u.mnt != nil:
		return w.checkMount(u)
	case u.tim != nil:
		return w.checkTimer(u)
	case u.pth != nil:
		return w.checkPath(u)
	case u.scp != nil:
		return w.checkScope(u)
	}
	return nil
}

// checkTimer: one that waits for a time will be woken for it, and no other is.
func (w *simWorld) checkTimer(u *runUnit) error {
	t, armed := u.tim, u.timers[timerElapse] != nil
	timed := t.NextMono != 0 && t.NextMono != never || t.NextReal != 0 && t.NextReal != never
	switch t.Sub {
	case TimerWaiting:
		if timed && !armed && u.job == nil {
			return fault("%s waits and is not woken", u.Name)
		}
	case TimerDead, TimerRunning, TimerElapsed, TimerFailed, TimerStates:
		if armed || timed || t.Alarm != 0 {
			return fault("%s is %s and will be woken", u.Name, t.Sub)
		}
	}
	return nil
}

// checkPath: one that waits is watched, one that is at rest is not, and one that is
// running awaits the end of what it has started.
func (w *simWorld) checkPath(u *runUnit) error {
	p := u.pth
	if p.Watched != w.watched[u.Name] {
		return fault("%s is watched: %t, known: %t", u.Name, w.watched[u.Name], p.Watched)
	}
	switch p.Sub {
	case PathDead, PathFailed:
		if p.Watched && p.Checking == 0 {
			return fault("%s is %s and watched", u.Name, p.Sub)
		}
	case PathWaiting:
		if !p.Watched {
			return fault("%s waits and is not watched", u.Name)
		}
	case PathRunning:
		x := p.starts(w.e, u)
		if p.Checking != 0 || x == nil || x == u || w.edited[u.Name] || u.stopPending() {
			break
		}
		if x.job == nil && x.active().Down() && !x.touched {
			return fault("%s is running and %s is not", u.Name, x.Name)
		}
	case PathStates:
	}
	return nil
}

// checkMount: what is in the mount table is active, and what is not is not.
func (w *simWorld) checkMount(u *runUnit) error {
	told := !w.underWay(ofMounts)
	switch m := u.mnt; m.Sub {
	case MountDead, MountFailed:
		if u.procs.Control.alive() || u.timers[timerState] != nil || m.Preparing != 0 {
			return fault("%s is %s and awaits something", u.Name, m.Sub)
		}
		if told && w.mounted[u.Name] {
			return fault("%s is mounted and %s", u.Name, m.Sub)
		}
	case MountMounted:
		if u.procs.Control.alive() || u.timers[timerState] != nil {
			return fault("%s is mounted and awaits something", u.Name)
		}
		if told && !w.mounted[u.Name] {
			return fault("%s is not mounted and %s", u.Name, m.Sub)
		}
	case MountMounting, MountMountingDone, MountRemounting, MountUnmounting, MountRemountingSigterm,
		MountRemountingSigkill, MountUnmountingSigterm, MountUnmountingSigkill, MountStates:
		if !u.procs.Control.alive() && m.Preparing == 0 {
			return fault("%s is %s and waits for nothing", u.Name, m.Sub)
		}
	}
	return nil
}

// checkService: a state that waits has something to wait for, and only such a one has.
func (w *simWorld) checkService(u *runUnit) error {
	awaited := u.procs.Main.alive() || u.procs.Control.alive()
	switch s := u.svc; s.Sub {
	case Dead, Failed:
		if awaited || u.timers[timerState] != nil {
			return fault("%s is %s and awaits something", u.Name, s.Sub)
		}
		if s.Conn != 0 && u.job == nil {
			return fault("%s is %s and keeps its connection", u.Name, s.Sub)
		}
	case Exited: // of Type=dbus, also one that has lost its name
		main := u.procs.Main.alive() && u.Def.Service.Type != unit.DBus && !w.edited[u.Name]
		if main || u.timers[timerState] != nil {
			return fault("%s is exited and has a main process or timer", u.Name)
		}
	case AutoRestart:
		if awaited {
			return fault("%s waits for its restart and for a process", u.Name)
		}
	case Running:
		if s.MainKnown && !u.procs.Main.alive() && u.Def.Service.ExitType == unit.ExitMain &&
			!w.edited[u.Name] {
			return fault("%s runs without its main process", u.Name)
		}
	case Condition, StartPre, StartPost, Stop, StopPost:
		if !u.procs.Control.alive() && s.Finding == 0 {
			return fault("%s is %s and waits for nothing", u.Name, s.Sub)
		}
	case Start, Reload, ReloadSignal, ReloadNotify, StopWatchdog, StopSigterm, StopSigkill,
		FinalWatchdog, FinalSigterm, FinalSigkill, ServiceStates:
		waits := awaited || u.timers[timerState] != nil || s.Finding != 0 || s.Idle
		if !waits && !w.edited[u.Name] {
			return fault("%s is %s and waits for nothing", u.Name, s.Sub)
		}
	}
	if n := uint(len(u.svc.Stored)); n > u.Def.Service.FileDescriptorStoreMax && !w.edited[u.Name] {
		return fault("%s has %d descriptors in store", u.Name, n)
	}
	if u.svc.Result == ResultSuccess && u.svc.Sub == Failed {
		return fault("%s failed with success", u.Name)
	}
	return nil
}

// checkSocket: the kernel has of a socket unit what its state says.
func (w *simWorld) checkSocket(u *runUnit) error {
	k := w.socks[u.Name]
	if k == nil {
		k = &simSocket{}
	}
	told := !k.watched && w.underWay(func(ev Event) bool {
		i, ok := ev.(Incoming)
		return ok && i.Unit == u.Name
	})
	switch u.sock.Sub {
	case SocketDead, SocketFailed:
		if k.open || k.watched {
			return fault("%s is %s and listens", u.Name, u.sock.Sub)
		}
	case SocketListening:
		if !k.open || !k.watched && !told {
			return fault("%s listens, and nobody would hear", u.Name)
		}
	case SocketRunning:
		if !k.open || k.watched {
			return fault("%s is running: open %t, watched %t", u.Name, k.open, k.watched)
		}
		svc := w.e.serviceOf(u)
		if svc == nil || svc.svc == nil || svc.active().Down() && svc.job == nil {
			return fault("%s waits for a service that is not there", u.Name)
		}
	case SocketStartPre, SocketStopPre, SocketStopPost:
		if !u.procs.Control.alive() {
			return fault("%s is %s and waits for nothing", u.Name, u.sock.Sub)
		}
	case SocketStartChown, SocketStartPost, SocketStopPreSigterm, SocketStopPreSigkill,
		SocketFinalSigterm, SocketFinalSigkill, SocketStates:
	}
	return nil
}

func (w *simWorld) underWay(is func(Event) bool) bool {
	for _, ev := range w.queue {
		if is(ev) {
			return true
		}
	}
	return false
}

// checkCauses: every change has been led to by something from outside the engine,
// and nothing is led to by what came later.
func (w *simWorld) checkCauses(unit string) error {
	if w.e.unit(unit) == nil {
		return nil // it is gone by now
	}
	chain := w.e.Why(unit)
	if len(chain) == 0 {
		return fault("%s changed, and nobody knows why", unit)
	}
	for i := 1; i < len(chain); i++ {
		if chain[i].At.Mono > chain[i-1].At.Mono {
			return fault("%s: %q was led to by the later %q", unit, chain[i-1].What, chain[i].What)
		}
	}
	first := chain[len(chain)-1].What
	inside := strings.Contains(first, "->") || strings.Contains(first, "queued")
	if inside && len(chain) < longestChain {
		return fault("%s: %q has no cause", unit, first)
	}
	return nil
}

// settle lets everything under way come to its end, and then demands that no job
// is left and no unit is between two states.
func (w *simWorld) settle() error {
	w.d.calm = true
	for _, u := range w.defs {
		if k := w.e.unit(u.Name); k == nil || k.job == nil && k.active().Down() {
			continue
		}
		for _, m := range [...]unit.JobMode{unit.ReplaceIrreversibly, unit.Replace} {
			w.step(JobRequested{Unit: u.Name, Type: transaction.Stop, Mode: m, Auto: true})
		}
	}
	for range 4000 {
		w.stopTimers()
		switch at, ok := w.e.NextWake(); {
		case len(w.orders) > 0:
			w.work(0)
			continue
		case len(w.queue) > 0:
			w.step(w.deliver())
		case w.mounter() != 0:
			w.die(w.mounter(), ByExit, 0)
			continue
		case ok:
			w.now.Mono = max(w.now.Mono, at)
			w.step(Tick{})
		default:
			return w.atRest()
		}
		if err := w.check(); err != nil {
			return err
		}
	}
	return w.stuck()
}

// stopTimers stops the timers that something has started meanwhile.
func (w *simWorld) stopTimers() {
	for _, d := range w.defs {
		u := w.e.unit(d.Name)
		if (d.Timer != nil || d.Path != nil) && u != nil && u.job == nil && !u.active().Down() {
			w.step(JobRequested{Unit: d.Name, Type: transaction.Stop, Mode: unit.Replace, Auto: true})
		}
	}
}

// mounter is a process of a mount unit, which ends by itself in the end; 0 if there is none.
func (w *simWorld) mounter() int {
	for _, p := range w.procs {
		if strings.HasSuffix(p.kind, "ount") {
			return p.pid
		}
	}
	return 0
}

func (w *simWorld) atRest() error {
	for _, n := range w.e.g.Nodes() {
		u := w.e.at(n)
		if w.edited[u.Name] {
			continue // it may wait without limit for what it was to do before
		}
		if u.job != nil {
			return fault("%s still has a %s job in state %s/%s", u.Name, u.job.t, u.active(), u.subWord())
		}
		switch u.active() {
		case graph.Activating, graph.Deactivating:
			return fault("%s is stuck in %s", u.Name, u.subWord())
		case graph.Inactive, graph.Active, graph.Reloading, graph.Failed, graph.Maintenance,
			graph.ActiveStates:
		}
	}
	for _, p := range w.procs {
		if p.unit == "" {
			continue
		}
		u, k := w.e.unit(p.unit), w.def(p.unit).Kill
		if (u == nil || u.active().Down()) && k.Mode == unit.KillControlGroup && k.SendSIGKILL &&
			!w.edited[p.unit] && w.def(p.unit).Type != name.Mount {
			return fault("process %d of %s was left behind", p.pid, p.unit)
		}
	}
	for conn := range w.conns {
		if !w.served(conn) {
			return fault("connection %d was left open", conn)
		}
	}
	return nil
}

// served reports that a service that is up has the connection.
func (w *simWorld) served(conn Handle) bool {
	for _, n := range w.e.g.Nodes() {
		if u := w.e.at(n); u.svc != nil && u.svc.Conn == conn && !u.active().Down() {
			return true
		}
	}
	return false
}

// stuck: restarts, timers, Upholds= and OnFailure= may go on for ever, and so may a client
// that nobody serves; anything else that does is wrong.
func (w *simWorld) stuck() error {
	for _, n := range w.e.g.Nodes() {
		u := w.e.at(n)
		if (u.Def.Type == name.Timer || u.Def.Type == name.Path) && !u.active().Down() {
			return nil // its stop was refused
		}
		if u.Def.Service != nil && u.Def.Service.Restart != unit.RestartNo {
			return nil
		}
		for _, kind := range [...]unit.Dep{unit.Upholds, unit.OnFailure, unit.OnSuccess} {
			if len(u.Links(kind)) > 0 {
				return nil
			}
		}
	}
	return fault("does not come to rest")
}

var particular = regexp.MustCompile(`u?[0-9]+(\.[a-z]+)?`)

// kindOf makes the same fault in another world the same.
func kindOf(text string) string { return particular.ReplaceAllString(text, "N") }
