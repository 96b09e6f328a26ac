package engine

import (
	"slices"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

func (w *simWorld) randomScope(d *unit.Unit) {
	d.Kill = &unit.Kill{
		Mode: unit.KillMode(w.d.n(int(unit.KillModes))), Signal: value.SIGTERM,
		FinalSignal: value.SIGKILL, SendSIGKILL: !w.d.chance(20),
	}
	d.Scope = &unit.Scope{
		RuntimeMax: value.Infinity, TimeoutStop: 5 * value.Second,
		OOMPolicy: unit.OOMPolicy(w.d.n(int(unit.OOMPolicies))),
	}
	if w.d.chance(20) {
		d.Scope.RuntimeMax = value.Span(1+w.d.n(5)) * value.Second
		d.Scope.RuntimeRandomizedExtra = value.Span(w.d.n(2)) * value.Second
	}
}

// controller is a name on the bus that scopes may have.
const controller = ":1.7"

// scopeActs is what others do with a scope: they form it of processes of their own and
// start it, abandon it, or leave the bus.
func (w *simWorld) scopeActs(n string) Event {
	switch w.d.n(5) {
	case 0:
		return AbandonRequested{Unit: n}
	case 1:
		return ControllerGone{Name: controller}
	}
	seed := ScopeSeed{}
	for range 1 + w.d.n(2) {
		w.pid++
		w.procs = append(w.procs, simProc{pid: w.pid, stubborn: w.d.chance(20)})
		seed.PIDs = append(seed.PIDs, w.pid)
	}
	if w.d.chance(20) {
		seed.Controller = controller
	}
	w.step(ScopeFormed{Unit: n, ScopeSeed: seed})
	return JobRequested{Unit: n, Type: transaction.Start, Mode: unit.Replace}
}

// attach moves processes to a scope, as far as they are there still.
func (w *simWorld) attach(fx Attach) {
	n := fx.Unit.Name
	ev, g := Attached{Op: fx.Op, Why: "no such process"}, w.group(n)
	g.last = fx.Op
	for i := range w.procs {
		p := &w.procs[i]
		if p.unit == "" && slices.Contains(fx.PIDs, p.pid) && !w.d.chance(10) {
			p.unit, ev.Why = n, ""
			g.procs++
		}
	}
	w.queue = append(w.queue, ev)
}

// checkScope: one that waits has something to wait for, and one that is up has processes.
func (w *simWorld) checkScope(u *runUnit) error {
	s, armed := u.scp, u.timers[timerState] != nil
	switch s.Sub {
	case ScopeDead, ScopeFailed:
		if s.Attaching != 0 || armed {
			return fault("%s is %s and awaits something", u.Name, s.Sub)
		}
	case ScopeStartChown:
		if s.Attaching == 0 {
			return fault("%s is %s and waits for nothing", u.Name, s.Sub)
		}
	case ScopeRunning, ScopeAbandoned:
		told := w.underWay(func(ev Event) bool {
			e, ok := ev.(Emptied)
			r, dead := ev.(Reaped)
			return ok && e.Unit == u.Name || dead && w.of[r.PID] == u.Name
		})
		if w.group(u.Name).procs == 0 && !told {
			return fault("%s is %s and has no process", u.Name, s.Sub)
		}
	case ScopeStopSigterm, ScopeStopSigkill:
		if !armed {
			return fault("%s is %s without end", u.Name, s.Sub)
		}
	case ScopeStates:
	}
	return nil
}
