package engine

import (
	"slices"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// start begins to bring a unit up, for a start job.
func (e *Engine) start(u *runUnit) verdict {
	state := u.active()
	switch {
	case state.Up():
		return already
	case state == graph.Maintenance:
		return later
	case state == graph.Activating, state == graph.Deactivating:
		return e.startByType(u)
	case u.Def.Load != unit.Loaded:
		return invalid
	}
	u.skipped = false
	if len(u.Def.Conditions)+len(u.Def.Asserts) > 0 {
		e.giveUp(&u.testing)
		u.testing = e.order(u, opCondition)
		e.emit(TestConditions{Op: u.testing, Unit: u.Def})
		return underway
	}
	u.condition, u.assert = tests{At: e.now, OK: true}, tests{At: e.now, OK: true}
	return e.startTested(u)
}

// withinStartLimit counts a start. StartLimitIntervalSec=, StartLimitBurst=.
func (e *Engine) withinStartLimit(u *runUnit) bool {
	if u.svc == nil && u.sock == nil && u.mnt == nil && u.tim == nil && u.pth == nil {
		return true
	}
	if u.starts.below(e.now.Mono, u.Def.StartLimitInterval, u.Def.StartLimitBurst) {
		u.limitHit = false
		return true
	}
	u.limitHit = true
	e.log(Warning, u, "Start request repeated too quickly.")
	switch {
	case u.svc != nil:
		u.svc.enterDead(e, u, ResultStartLimit, false)
	case u.sock != nil:
		u.sock.enterDead(e, u, ResultStartLimit)
	case u.mnt != nil:
		u.mnt.enterDead(e, u, ResultStartLimit)
	case u.tim != nil:
		u.tim.enterDead(e, u, ResultStartLimit)
	case u.pth != nil:
		u.pth.enterDead(e, u, ResultStartLimit)
	}
	e.act(u, u.Def.StartLimitAction, -1, u.Def.RebootArgument, "StartLimitAction=")
	return false
}

// conditionsTested goes on with the start that asked for the tests.
func (e *Engine) conditionsTested(ev ConditionsTested) {
	u, _ := e.outcome(ev.Op)
	if u == nil {
		return
	}
	u.condition = tests{At: e.now, OK: holds(u.Def.Conditions, ev.Conditions), Results: ev.Conditions}
	if u.condition.OK { // else systemd does not come to them
		u.assert = tests{At: e.now, OK: holds(u.Def.Asserts, ev.Asserts), Results: ev.Asserts}
	}
	if u.testing != ev.Op {
		return
	}
	u.testing = 0
	j := u.job
	if j == nil || j.t != transaction.Start || !j.running {
		return
	}
	e.cause = j.cause
	v := e.afterTests(u)
	switch {
	case j.gone:
	case v == underway:
		e.logBegin(j)
	case v == later:
		j.running = false
	default:
		e.finish(j, jobOutcome[v], true)
	}
}

func (e *Engine) afterTests(u *runUnit) verdict {
	if !u.condition.OK {
		u.skipped = true
		u.setCause(&Cause{
			At: e.now, Unit: u.Name, What: "start skipped", Why: "a condition does not hold", From: e.cause,
		})
		why := "no trigger condition checks were met"
		if c := firstUnmet(u.Def.Conditions, u.condition.Results); c != "" {
			why = "of an unmet condition check (Condition" + c + ")"
		}
		e.log(Info, u, "%s was skipped because %s.", u.Title(), why)
		return skip
	}
	if !u.assert.OK {
		e.log(Notice, u, "Starting requested but asserts failed.")
		return assertFailed
	}
	return e.startTested(u)
}

// holds reports whether all plain conditions hold, and one of those with | if
// there are any. systemd.unit(5), CONDITIONS AND ASSERTS.
func holds(list []unit.Condition, results []bool) bool {
	triggers, triggered := false, false
	for i, c := range list {
		ok := i < len(results) && results[i]
		if c.Trigger {
			triggers, triggered = true, triggered || ok
		} else if !ok {
			return false
		}
	}
	return !triggers || triggered
}

// firstUnmet gives the plain condition that does not hold, the last of them as systemd
// goes through them; "" if none of those with | holds.
func firstUnmet(list []unit.Condition, results []bool) string {
	for i, c := range slices.Backward(list) {
		if !c.Trigger && (i >= len(results) || !results[i]) {
			if c.Negate {
				return c.Name + "=!" + c.Param
			}
			return c.Name + "=" + c.Param
		}
	}
	return ""
}

// startTested begins a start for which conditions and asserts hold.
func (e *Engine) startTested(u *runUnit) verdict {
	for _, l := range u.Links(unit.BindsTo) {
		if u.Has(unit.After, l.To) && !e.at(l.To).active().Up() {
			e.log(Warning, u, "Bound to unit %s, but unit isn't active.", l.To.Name)
			return noDependency
		}
	}
	if !e.withinStartLimit(u) { // only now: what was prevented does not count
		return failedVerdict
	}
	return e.startByType(u)
}

func (e *Engine) startByType(u *runUnit) verdict {
	switch u.Def.Type {
	case name.Service:
		return u.svc.start(e, u)
	case name.Socket:
		return u.sock.start(e, u)
	case name.Mount:
		return u.mnt.start(e, u)
	case name.Timer:
		return u.tim.start(e, u)
	case name.Scope:
		return u.scp.start(e, u)
	case name.Path:
		return u.pth.start(e, u)
	case name.Target, name.Slice:
		e.newInvocation(u)
		u.set(e, true)
		return already
	case name.Device, name.Automount, name.Swap,
		name.Bad, name.Types:
	}
	return unsupported
}

// stop begins to bring a unit down, for a stop or restart job.
func (e *Engine) stop(u *runUnit) verdict {
	switch {
	case u.active().Down():
		return already
	case u.active() == graph.Maintenance:
		return later
	}
	e.thaw(u)
	switch {
	case u.svc != nil:
		return u.svc.stop(e, u)
	case u.sock != nil:
		return u.sock.stop(e, u)
	case u.mnt != nil:
		return u.mnt.stop(e, u)
	case u.tim != nil:
		return u.tim.stop(e, u)
	case u.scp != nil:
		return u.scp.stop(e, u)
	case u.pth != nil:
		return u.pth.stop(e, u)
	}
	u.set(e, false) // which ends the job, or makes the start of a restart of it
	return underway
}

// reload begins to reload a unit, for a reload job.
func (e *Engine) reload(u *runUnit) verdict {
	switch state := u.active(); {
	case !u.canReload():
		return skipped
	case state == graph.Reloading:
		return later
	case state != graph.Active:
		return invalid
	case u.svc != nil && u.svc.reloads(u):
		e.thaw(u)
		u.hold.Markers &^= NeedsReload
		return u.svc.startReload(e, u)
	case u.mnt != nil:
		return u.mnt.startReload(e, u)
	}
	return already
}

// set changes the state of a unit that is only active or not.
func (u *runUnit) set(e *Engine, up bool) {
	was, sub := u.active(), u.subWord()
	u.up = up
	e.changed(u, was, sub, flagsOfChange{})
}

func (u *runUnit) resetFailed(e *Engine) {
	was, sub := u.active(), u.subWord()
	u.starts, u.limitHit = rateLimit{}, false
	switch {
	case u.svc != nil:
		u.svc.Restarts = 0
		if u.svc.Sub == Failed {
			u.svc.Sub, u.svc.Result = Dead, ResultSuccess
		}
	case u.sock != nil:
		if u.sock.Sub == SocketFailed {
			u.sock.Sub, u.sock.Result = SocketDead, ResultSuccess
		}
	case u.mnt != nil:
		if u.mnt.Sub == MountFailed {
			u.mnt.Sub, u.mnt.Result = MountDead, ResultSuccess
		}
	case u.tim != nil:
		if u.tim.Sub == TimerFailed {
			u.tim.Sub, u.tim.Result = TimerDead, ResultSuccess
		}
	case u.scp != nil:
		if u.scp.Sub == ScopeFailed {
			u.scp.Sub, u.scp.Result = ScopeDead, ResultSuccess
		}
	case u.pth != nil:
		if u.pth.Sub == PathFailed {
			u.pth.Sub, u.pth.Result = PathDead, ResultSuccess
		}
	}
	if was != u.active() {
		e.changed(u, was, sub, flagsOfChange{})
	}
}

// deadlinePassed: the one timer of the unit's sub state fired.
func (u *runUnit) deadlinePassed(e *Engine) {
	switch {
	case u.svc != nil:
		u.svc.deadlinePassed(e, u)
	case u.sock != nil:
		u.sock.deadlinePassed(e, u)
	case u.mnt != nil:
		u.mnt.deadlinePassed(e, u)
	case u.scp != nil:
		u.scp.deadlinePassed(e, u)
	}
}
