package engine

import (
	"strings"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
)

// pathUnit is the state of a path unit. systemd.path(5).
type pathUnit struct {
	Sub      PathState `json:",omitzero"`
	Result   Result    `json:",omitzero"`
	Checking Op        `json:",omitzero"` // the CheckPaths under way
	// Settled: what the check under way finds changed since the last one is no news
	Settled bool      `json:",omitzero"`
	Again   bool      `json:",omitzero"` // something has changed since that check was ordered
	Stale   bool      `json:",omitzero"` // its definition may be another one: look anew
	Watched bool      `json:",omitzero"` // the host watches
	Existed []bool    `json:",omitzero"`
	Limit   rateLimit `json:",omitzero"`
}

// PathState is the sub state of a path unit.
type PathState uint8

// The sub states of paths.
const (
	PathDead PathState = iota
	PathWaiting
	PathRunning
	PathFailed
	PathStates
)

var pathStates = [PathStates]struct {
	word   string
	active graph.ActiveState
}{
	PathDead:    {"dead", graph.Inactive},
	PathWaiting: {"waiting", graph.Active},
	PathRunning: {"running", graph.Active},
	PathFailed:  {"failed", graph.Failed},
}

func (s PathState) String() string { return pathStates[s].word }

func (s PathState) active() graph.ActiveState { return pathStates[s].active }

// init brings the state in line with a definition. What was seen of the former paths
// does not count for others.
func (p *pathUnit) init(e *Engine, u *runUnit) {
	if n := len(u.Def.Path.Specs); len(p.Existed) != n {
		p.Existed = make([]bool, n)
	}
	if p.Sub.active().Up() {
		p.Stale = true
		e.touch(u)
	}
}

// enter is the only way into a sub state. Only one that waits is watched.
func (p *pathUnit) enter(e *Engine, u *runUnit, sub PathState) {
	was, word, same := u.active(), u.subWord(), p.Sub == sub
	p.Sub = sub
	if sub != PathWaiting {
		p.unwatch(e, u)
	}
	if !same {
		e.changed(u, was, word, flagsOfChange{})
	}
}

// unwatch gives up the check under way, and has the host watch no more.
func (p *pathUnit) unwatch(e *Engine, u *runUnit) {
	e.giveUp(&p.Checking)
	p.Again = false
	if p.Watched {
		p.Watched = false
		e.emit(UnwatchPaths{Unit: u.Name})
	}
}

func (p *pathUnit) enterDead(e *Engine, u *runUnit, r Result) {
	if p.Result == ResultSuccess {
		p.Result = r
	}
	sub := PathDead
	e.logEnd(u, p.Result)
	if p.Result != ResultSuccess {
		sub = PathFailed
	}
	p.enter(e, u, sub)
}

// starts is the unit that a path starts; nil if it is not loaded.
func (p *pathUnit) starts(e *Engine, u *runUnit) *runUnit {
	n := u.Def.Path.Unit
	if n == "" {
		n = strings.TrimSuffix(u.Name, ".path") + ".service"
	}
	return e.unit(n)
}

// start answers a start job.
func (p *pathUnit) start(e *Engine, u *runUnit) verdict {
	switch p.Sub {
	case PathDead, PathFailed:
	case PathWaiting, PathRunning, PathStates:
		return already
	}
	if x := p.starts(e, u); x == nil || x.Def.Load != unit.Loaded {
		e.log(Err, u, "Refusing to start, the unit to trigger is not loaded.")
		return failedVerdict
	}
	e.newInvocation(u)
	p.Result = ResultSuccess
	p.check(e, u, true, true)
	return underway
}

// stop answers a stop or restart job.
func (p *pathUnit) stop(e *Engine, u *runUnit) verdict {
	p.enterDead(e, u, ResultSuccess)
	return underway // which ends the job, or makes the start of a restart of it
}

// check has the host look at the paths, and watch them from now on. With settled, a
// path that has come or gone since the last time is no reason to start the unit.
func (p *pathUnit) check(e *Engine, u *runUnit, settled, make bool) {
	e.giveUp(&p.Checking)
	p.Again, p.Stale, p.Settled, p.Watched = false, false, settled, true
	p.Checking = e.order(u, opPaths)
	e.emit(CheckPaths{Op: p.Checking, Unit: u.Def, Make: make})
}

// pathsChecked goes on with what the check was for.
func (e *Engine) pathsChecked(ev PathsChecked) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.pth == nil || u.pth.Checking != ev.Op {
		return
	}
	p, j := u.pth, u.job
	p.Checking = 0
	e.cause = u.cause
	switch p.Sub {
	case PathDead, PathFailed:
		if j == nil || !j.running || u.stopPending() {
			p.unwatch(e, u) // stopped in the meantime
			return
		}
		e.cause = j.cause
	case PathWaiting, PathRunning, PathStates:
	}
	if p.Again {
		p.check(e, u, p.Settled, false)
		return
	}
	p.wait(e, u, ev)
	if j == nil || j.gone || !j.running || u.stopPending() {
		return
	}
	if v := already; p.Sub.active().Up() {
		e.finish(j, jobOutcome[v], true)
	} else {
		e.finish(j, jobOutcome[failedVerdict], true)
	}
}

// wait settles what becomes of the unit by what the host has seen.
func (p *pathUnit) wait(e *Engine, u *runUnit, ev PathsChecked) {
	x := p.starts(e, u)
	if x == nil {
		e.log(Err, u, "Unit to trigger vanished.")
		p.enterDead(e, u, ResultResources)
		return
	}
	if ev.Why != "" {
		e.log(Warning, u, "Failed to enter waiting state: %s", ev.Why)
		p.enterDead(e, u, ResultResources)
		return
	}
	why, path := p.met(u, ev.Seen)
	switch {
	case !x.active().Down():
		p.enter(e, u, PathRunning)
	case why != "":
		p.fire(e, u, why, path)
	default:
		p.enter(e, u, PathWaiting)
	}
}

// met gives the last setting that is a reason to start the unit, and the path that
// was seen; "" if there is none. That it is the last is systemd's order.
func (p *pathUnit) met(u *runUnit, seen []PathSeen) (why, path string) {
	for i, s := range u.Def.Path.Specs {
		if i >= len(seen) || i >= len(p.Existed) {
			break // of a definition that is another one by now
		}
		is := seen[i]
		good := is.There
		switch s.Kind {
		case unit.PathChanged, unit.PathModified:
			good = !p.Settled && is.There != p.Existed[i]
		case unit.PathExists, unit.PathExistsGlob, unit.DirectoryNotEmpty, unit.PathKinds:
		}
		p.Existed[i] = is.There
		if !good {
			continue
		}
		if why, path = s.Kind.String()+"="+s.Path, is.Path; path == "" {
			path = s.Path
		}
	}
	return why, path
}

// fire starts the unit for a path.
func (p *pathUnit) fire(e *Engine, u *runUnit, why, path string) {
	if u.stopPending() {
		p.Stale = true // if it stays after all, it looks again
		return
	}
	x := p.starts(e, u)
	if x == nil {
		e.log(Err, u, "Unit to trigger vanished.")
		p.enterDead(e, u, ResultResources)
		return
	}
	def := u.Def.Path
	if !p.Limit.below(e.now.Mono, def.TriggerLimitInterval, def.TriggerLimitBurst) {
		e.log(Warning, u, "Trigger limit hit, refusing further activation.")
		p.enterDead(e, u, ResultTriggerLimit)
		return
	}
	_, err := transaction.Build(view{e}, transaction.Request{
		Unit: x.Node, Type: transaction.Start, Mode: unit.Replace, Auto: true,
	})
	if err != nil { // known before the job of the path itself is over
		e.log(Warning, u, "Failed to queue unit startup job: %s", err.Message)
		p.enterDead(e, u, ResultResources)
		return
	}
	cause := &Cause{
		At: e.now, Unit: x.Name, What: "job start queued", Why: why + " of " + u.Name, From: e.cause,
	}
	e.activate(x, cause, Trigger{Unit: u.Name, Path: path})
	p.enter(e, u, PathRunning)
}

// refused: the job that the path has asked for cannot be.
func (p *pathUnit) refused(e *Engine, u *runUnit) {
	if p.Sub == PathRunning {
		p.enterDead(e, u, ResultResources)
	}
}

// pathsChanged: something has happened to a path that is waited for. What happens to
// the path itself is a reason for PathChanged= and PathModified=; for the others, and
// where something has happened on the way to it, it must be looked at.
func (e *Engine) pathsChanged(ev PathsChanged) {
	u := e.unit(ev.Unit)
	if u == nil || u.pth == nil || !u.pth.Watched {
		return
	}
	p := u.pth
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "a path has changed", From: u.cause}
	if p.Sub == PathWaiting && ev.Itself && ev.Index < len(u.Def.Path.Specs) {
		switch s := u.Def.Path.Specs[ev.Index]; s.Kind {
		case unit.PathChanged, unit.PathModified:
			p.fire(e, u, s.Kind.String()+"="+s.Path, s.Path)
			return
		case unit.PathExists, unit.PathExistsGlob, unit.DirectoryNotEmpty, unit.PathKinds:
		}
	}
	switch {
	case p.Checking != 0:
		p.Again = true
	case p.Sub == PathWaiting:
		p.check(e, u, false, false)
	}
}

// followed: the unit that the path starts, or its job, has changed.
func (p *pathUnit) followed(e *Engine, u, x *runUnit) {
	if p.starts(e, u) != x || x.Def.Load != unit.Loaded || !p.Sub.active().Up() {
		return
	}
	switch {
	case x.limitHit:
		p.enterDead(e, u, ResultUnitStartLimit)
	case x.job != nil:
	case !x.active().Down():
		p.enter(e, u, PathRunning) // a check under way is of before
	case p.Sub == PathRunning && p.Checking == 0:
		p.check(e, u, true, false)
	}
}

// settle looks anew for a definition that may be another one, or for what it did not
// start a unit for because it was to be stopped.
func (p *pathUnit) settle(e *Engine, u *runUnit) {
	stale := p.Stale
	if u.stopPending() {
		return
	}
	p.Stale = false
	if stale && p.Sub.active().Up() && u.Def.Load == unit.Loaded {
		if x := p.starts(e, u); p.Sub == PathRunning && x != nil && (x.job != nil || !x.active().Down()) {
			return // which tells when it is done
		}
		p.check(e, u, true, false)
	}
}
