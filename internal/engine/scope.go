package engine

import (
	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// scope is the state of a scope: processes that others have started, and that the
// manager looks after. systemd.scope(5).
type scope struct {
	Sub    ScopeState `json:",omitzero"`
	Result Result     `json:",omitzero"`
	ScopeSeed
	Attaching    Op   `json:",omitzero"` // the Attach under way
	WasAbandoned bool `json:",omitzero"` // whoever made it looks after it no more
}

// ScopeSeed is what a scope is made of, besides its definition. No file has it.
type ScopeSeed struct {
	PIDs []int `json:",omitzero"` // that are to be its first processes
	// Controller: bus name of who wants to stop it by its own means; "" is nobody
	Controller  string `json:",omitzero"`
	User, Group string `json:",omitzero"` // whose its control group shall be; "" is the manager's
}

// ScopeState is the sub state of a scope.
type ScopeState uint8

// The sub states of scopes.
const (
	ScopeDead ScopeState = iota
	ScopeStartChown
	ScopeRunning
	ScopeAbandoned
	ScopeStopSigterm
	ScopeStopSigkill
	ScopeFailed
	ScopeStates
)

var scopeStates = [ScopeStates]struct {
	word   string
	active graph.ActiveState
}{
	ScopeDead:        {"dead", graph.Inactive},
	ScopeStartChown:  {"start-chown", graph.Activating},
	ScopeRunning:     {"running", graph.Active},
	ScopeAbandoned:   {"abandoned", graph.Active},
	ScopeStopSigterm: {"stop-sigterm", graph.Deactivating},
	ScopeStopSigkill: {"stop-sigkill", graph.Deactivating},
	ScopeFailed:      {"failed", graph.Failed},
}

func (s ScopeState) String() string { return scopeStates[s].word }

func (s ScopeState) active() graph.ActiveState { return scopeStates[s].active }

// enter is the only way into a sub state. It clears the deadline; the caller sets
// the new one.
func (s *scope) enter(e *Engine, u *runUnit, sub ScopeState) {
	was, word := u.active(), u.subWord()
	s.Sub = sub
	e.disarm(u, timerState)
	e.changed(u, was, word, flagsOfChange{})
}

func (s *scope) note(r Result) {
	if s.Result == ResultSuccess {
		s.Result = r
	}
}

// start answers a start job. A scope is started once, with what it was made of.
func (s *scope) start(e *Engine, u *runUnit) verdict {
	switch s.Sub {
	case ScopeDead:
	case ScopeStopSigterm, ScopeStopSigkill:
		return later
	case ScopeStartChown:
		return underway
	case ScopeFailed:
		return once
	case ScopeRunning, ScopeAbandoned, ScopeStates:
		return already
	}
	if u.times[stampInactiveEnter] != (value.Instant{}) {
		return once
	}
	if len(s.PIDs) == 0 {
		return invalid
	}
	e.newInvocation(u)
	s.Result = ResultSuccess
	s.enter(e, u, ScopeStartChown)
	s.Attaching = e.order(u, opAttach)
	u.procs.Populated, u.procs.Last = true, s.Attaching
	u.cleaned = false
	e.emit(s.attach(u))
	return underway
}

// attach is the order to put the first processes into the scope.
func (s *scope) attach(u *runUnit) Attach {
	return Attach{
		Op: s.Attaching, Unit: u.Def, PIDs: s.PIDs, User: s.User, Group: s.Group,
		Invocation: u.invocation,
	}
}

// attached: the processes of a scope are in it.
func (e *Engine) attached(ev Attached) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.scp == nil || u.scp.Attaching != ev.Op {
		return
	}
	s := u.scp
	s.Attaching, s.PIDs = 0, nil
	e.cause = u.cause
	if ev.Why != "" {
		e.log(Warning, u, "%s", ev.Why)
		e.cause = &Cause{
			At: e.now, Unit: u.Name, What: "no process could be attached", Why: ev.Why, From: u.cause,
		}
	}
	switch s.Sub {
	case ScopeStartChown:
		if ev.Why != "" {
			u.procs.Populated = false // a group with others in it is no scope of this unit's
			s.enterDead(e, u, ResultResources)
			return
		}
		s.enter(e, u, ScopeRunning)
		s.armRuntime(e, u)
	case ScopeStopSigterm, ScopeStopSigkill: // they came after the signal was sent
		if ev.Why != "" {
			u.procs.Populated = false
			s.enterDead(e, u, ResultSuccess)
			return
		}
		e.kill(u, s.signal(u), s.Sub == ScopeStopSigkill)
	case ScopeDead, ScopeRunning, ScopeAbandoned, ScopeFailed, ScopeStates:
	}
}

// armRuntime sets the deadline of RuntimeMaxSec=, counted from the activation.
func (s *scope) armRuntime(e *Engine, u *runUnit) {
	if s.Sub != ScopeRunning || u.Def.Scope == nil {
		return
	}
	e.disarm(u, timerState)
	if limit := u.Def.Scope.RuntimeMax; limit != value.Infinity {
		if extra := u.Def.Scope.RuntimeRandomizedExtra; extra != 0 && extra != value.Infinity {
			limit += value.Span(e.rng.Uint64() % (uint64(extra) + 1))
		}
		e.armAt(u, timerState, u.times[stampActiveEnter].Mono+uint64(limit))
	}
}

func (s *scope) enterDead(e *Engine, u *runUnit, r Result) {
	s.note(r)
	e.giveUp(&s.Attaching)
	sub := ScopeDead
	e.logEnd(u, s.Result)
	if s.Result != ResultSuccess {
		sub = ScopeFailed
	}
	s.enter(e, u, sub)
	e.emit(Clean{Unit: u.Def})
}

// stop answers a stop or restart job.
func (s *scope) stop(e *Engine, u *runUnit) verdict {
	switch s.Sub {
	case ScopeStopSigterm, ScopeStopSigkill:
		return underway
	case ScopeStartChown, ScopeRunning, ScopeAbandoned:
		s.enterSignal(e, u, ScopeStopSigterm, ResultSuccess)
		return underway
	case ScopeDead, ScopeFailed, ScopeStates:
	}
	return already
}

func (s *scope) signal(u *runUnit) value.Signal {
	if s.Sub == ScopeStopSigkill {
		return u.Def.Kill.FinalSignal
	}
	return u.Def.Kill.Signal
}

// enterSignal ends the processes and waits for that. A controller is asked to do it,
// first.
func (s *scope) enterSignal(e *Engine, u *runUnit, sub ScopeState, r Result) {
	s.note(r)
	if sub == ScopeStopSigterm && s.Controller != "" {
		s.enter(e, u, sub)
		e.emit(RequestStop{Unit: u.Name, Controller: s.Controller})
		e.arm(u, timerState, u.Def.Scope.TimeoutStop)
		return
	}
	s.enter(e, u, sub)
	switch {
	case e.kill(u, s.signal(u), sub == ScopeStopSigkill):
		e.arm(u, timerState, u.Def.Scope.TimeoutStop)
	case sub == ScopeStopSigterm:
		s.enterSignal(e, u, ScopeStopSigkill, ResultSuccess)
	default:
		s.enterDead(e, u, ResultSuccess)
	}
}

// emptied: no process of the scope is left.
func (s *scope) emptied(e *Engine, u *runUnit) {
	switch s.Sub {
	case ScopeRunning, ScopeAbandoned, ScopeStopSigterm, ScopeStopSigkill:
		s.enterDead(e, u, ResultSuccess)
	case ScopeDead, ScopeFailed:
		e.emit(Clean{Unit: u.Def})
	case ScopeStartChown, ScopeStates:
	}
}

// deadlinePassed: RuntimeMaxSec= or TimeoutStopSec=.
func (s *scope) deadlinePassed(e *Engine, u *runUnit) {
	switch s.Sub {
	case ScopeRunning:
		e.log(Warning, u, "Scope reached runtime time limit. Stopping.")
		s.enterSignal(e, u, ScopeStopSigterm, ResultTimeout)
	case ScopeStopSigterm:
		if u.Def.Kill.SendSIGKILL {
			e.log(Warning, u, "Stopping timed out. Killing.")
			s.enterSignal(e, u, ScopeStopSigkill, ResultTimeout)
			return
		}
		e.log(Warning, u, "Stopping timed out. Skipping SIGKILL.")
		s.enterDead(e, u, ResultTimeout)
	case ScopeStopSigkill:
		e.log(Warning, u, "Still around after SIGKILL. Ignoring.")
		s.enterDead(e, u, ResultTimeout)
	case ScopeDead, ScopeStartChown, ScopeAbandoned, ScopeFailed, ScopeStates:
		e.bug(u, "timer in state "+s.Sub.String())
	}
}

// oomKilled: the kernel has killed a process of the scope. OOMPolicy=.
func (s *scope) oomKilled(e *Engine, u *runUnit) {
	if u.Def.Scope == nil || u.Def.Scope.OOMPolicy == unit.OOMContinue {
		return
	}
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "killed for want of memory", From: u.cause}
	switch s.Sub {
	case ScopeStartChown, ScopeRunning:
		s.enterSignal(e, u, ScopeStopSigterm, ResultOOMKill)
	case ScopeStopSigterm:
		s.enterSignal(e, u, ScopeStopSigkill, ResultOOMKill)
	case ScopeStopSigkill:
		s.note(ResultOOMKill)
	case ScopeDead, ScopeAbandoned, ScopeFailed, ScopeStates:
	}
}

// scopeFormed tells what a scope is to be made of, before its start.
func (e *Engine) scopeFormed(ev ScopeFormed) {
	if u := e.unit(ev.Unit); u != nil && u.scp != nil && u.scp.Sub == ScopeDead {
		u.scp.ScopeSeed = ev.ScopeSeed
	}
}

// abandonRequested: whoever made the scope leaves it to end by itself.
func (e *Engine) abandonRequested(ev AbandonRequested) {
	u := e.unit(ev.Unit)
	if u == nil || u.scp == nil || u.scp.Sub != ScopeRunning && u.scp.Sub != ScopeAbandoned {
		return
	}
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "abandoned", From: u.cause}
	u.scp.WasAbandoned, u.scp.Controller = true, ""
	u.scp.enter(e, u, ScopeAbandoned)
}

// controllerGone: a controller has left the bus; its scopes are stopped by signals.
func (e *Engine) controllerGone(ev ControllerGone) {
	for _, u := range e.units {
		if u != nil && u.scp != nil && u.scp.Controller == ev.Name {
			u.scp.Controller = ""
			e.log(Debug, u, "Scope controller %s disappeared from bus.", ev.Name)
		}
	}
}
