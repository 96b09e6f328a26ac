package engine

import (
	"encoding/binary"
	"encoding/hex"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// runUnit is the state of one unit.
type runUnit struct {
	*graph.Node
	job, nop *job
	timers   [timerKinds]*timer

	// The part that the unit's type has; the others are nil.
	svc  *service
	sock *socket
	mnt  *mount
	tim  *timerUnit
	scp  *scope
	hold hold
	pth  *pathUnit
	up   bool // the state of a unit that is only active or not: targets, slices

	procs      procs
	invocation string
	times      [stamps]value.Instant
	cause      *Cause // of the last change

	trigger *Trigger // what it was started for by another unit; nil is nothing

	condition, assert tests
	skipped           bool // the last start was skipped by a condition
	starts            rateLimit
	autos             rateLimit // starts and stops that the manager asks for by itself
	limitHit          bool
	testing           Op     // the TestConditions under way
	touched           bool   // is in Engine.due
	why               *Cause // what touched it first
	pinned            bool   // see Pinned
	cleaned           bool   // nothing of it is left on the machine
}

// stamp says which moment of a unit's life a time is of.
type stamp uint8

const (
	stampState stamp = iota
	stampInactiveExit
	stampActiveEnter
	stampActiveExit
	stampInactiveEnter
	stamps
)

// tests is the last result of a unit's conditions or asserts.
type tests struct {
	At      value.Instant `json:",omitzero"`
	OK      bool          `json:",omitzero"`
	Results []bool        `json:",omitzero"` // one per condition; nil before the first test
}

// procs are the two processes that a unit waits for by name, and whether there
// are any others.
type procs struct {
	Main, Control proc `json:",omitzero"`
	Populated     bool `json:",omitzero"` // the unit may have processes; Emptied will tell
	Last          Op   `json:",omitzero"` // the latest Spawn
	Gone          Op   `json:",omitzero"` // the After of the latest Emptied
}

// proc is a process that is awaited.
type proc struct {
	PID     int             `json:",omitzero"`
	Op      Op              `json:",omitzero"` // the Spawn that is under way; 0 if none is
	list    []value.Command // Kind says which
	Kind    string          `json:",omitzero"`
	Index   int             `json:",omitzero"`
	current *value.Command  // nil when no command of a list runs
	Status  procStatus      `json:",omitzero"`
}

// procStatus is what is remembered of a process after its end.
type procStatus struct {
	Kind       string        `json:",omitzero"`
	Index      int           `json:",omitzero"`
	PID        int           `json:",omitzero"`
	Start, End value.Instant `json:",omitzero"`
	Code       ExitCode      `json:",omitzero"`
	Status     int           `json:",omitzero"`
}

// find looks up the present command in the unit's definition.
func (p *proc) find(u *runUnit) {
	p.list, p.current = u.commands(p.Kind), nil
	if p.Index < len(p.list) {
		p.current = &p.list[p.Index]
	}
}

// any reports that the unit may have processes.
func (p *procs) any() bool { return p.Populated || p.Main.alive() || p.Control.alive() }

// alive reports that the process runs or is about to.
func (p *proc) alive() bool { return p.PID != 0 || p.Op != 0 }

// rateLimit counts events in an interval. The limits come from the definition.
type rateLimit struct {
	Begin uint64 `json:",omitzero"`
	Count uint   `json:",omitzero"`
}

// below reports whether one more event at now stays within burst per interval.
func (r *rateLimit) below(now uint64, interval value.Span, burst uint) bool {
	if interval == 0 || interval == value.Infinity || burst == 0 {
		return true
	}
	if r.Count == 0 || now-r.Begin > uint64(interval) {
		r.Begin, r.Count = now, 0
	}
	r.Count++
	return r.Count <= burst
}

// Title is the unit's description after its name, as log lines have it.
func (u *runUnit) Title() string {
	if d := u.Def.Description; d != "" && d != u.Name {
		return u.Name + " - " + d
	}
	return u.Name
}

// init brings the state in line with a new definition.
func (u *runUnit) init(e *Engine) {
	switch u.Def.Type {
	case name.Service:
		if u.svc == nil {
			u.svc = &service{}
		}
		u.svc.trimStore(e, u)
		if u.svc.Sub == Running && u.Def.Service != nil { // RuntimeMaxSec= may be another one
			e.disarm(u, timerState)
			u.svc.armRuntime(e, u)
		}
	case name.Socket:
		if u.sock == nil {
			u.sock = &socket{}
		}
	case name.Mount:
		if u.mnt == nil {
			u.mnt = &mount{}
		}
		if u.Def.Perpetual && u.mnt.Sub == MountDead {
			u.mnt.Sub = MountMounted
			u.stampChange(e, graph.Inactive, graph.Active)
		}
	case name.Timer:
		if u.tim == nil {
			u.tim = &timerUnit{}
		}
		if u.Def.Timer != nil {
			u.tim.init(e, u)
		}
	case name.Scope:
		if u.scp == nil {
			u.scp = &scope{}
		}
		if u.Def.Perpetual && u.scp.Sub == ScopeDead {
			u.scp.Sub = ScopeRunning
			u.stampChange(e, graph.Inactive, graph.Active)
		}
		u.scp.armRuntime(e, u)
	case name.Path:
		if u.pth == nil {
			u.pth = &pathUnit{}
		}
		if u.Def.Path != nil {
			u.pth.init(e, u)
		}
	case name.Target, name.Slice, name.Automount, name.Swap, name.Device, name.Bad, name.Types:
	}
	for _, p := range [...]*proc{&u.procs.Main, &u.procs.Control} {
		if p.current != nil { // goes on with the list as it is now
			p.find(u)
		}
	}
	if u.Def.Perpetual && !u.up && u.Def.Type == name.Slice {
		u.up = true
		u.stampChange(e, graph.Inactive, graph.Active)
	}
}

// active is the unit's state as all types have it.
func (u *runUnit) active() graph.ActiveState {
	switch {
	case u.hold.Cleaning != 0:
		return graph.Maintenance
	case u.svc != nil:
		return u.svc.active(u)
	case u.sock != nil:
		return u.sock.Sub.active()
	case u.mnt != nil:
		return u.mnt.Sub.active()
	case u.tim != nil:
		return u.tim.Sub.active()
	case u.scp != nil:
		return u.scp.Sub.active()
	case u.pth != nil:
		return u.pth.Sub.active()
	case u.up:
		return graph.Active
	}
	return graph.Inactive
}

// sub is the state in the words of the unit's type.
func (u *runUnit) subWord() string {
	switch {
	case u.hold.Cleaning != 0:
		return "cleaning"
	case u.svc != nil && u.svc.pinned(u):
		return "dead-resources-pinned"
	case u.svc != nil:
		return u.svc.Sub.String()
	case u.sock != nil:
		return u.sock.Sub.String()
	case u.mnt != nil:
		return u.mnt.Sub.String()
	case u.tim != nil:
		return u.tim.Sub.String()
	case u.scp != nil:
		return u.scp.Sub.String()
	case u.pth != nil:
		return u.pth.Sub.String()
	case u.up:
		return "active"
	}
	return "dead"
}

// canReload: a service with ExecReload=, a mount, or anything that propagates reloads.
func (u *runUnit) canReload() bool {
	if len(u.Links(unit.PropagatesReloadTo)) > 0 || u.mnt != nil {
		return true
	}
	s := u.Def.Service
	return s != nil && (len(s.Commands[unit.ExecReload]) > 0 || s.Type == unit.NotifyReload)
}

// stopPending reports that the unit is to be stopped.
func (u *runUnit) stopPending() bool {
	return u.job != nil && (u.job.t == transaction.Stop || u.job.t == transaction.Restart)
}

func (u *runUnit) setCause(c *Cause) { u.cause = c.trim() }

func (u *runUnit) stampChange(e *Engine, was, is graph.ActiveState) {
	u.times[stampState] = e.now
	if was.Down() && !is.Down() {
		u.times[stampInactiveExit] = e.now
	}
	if !was.Down() && is.Down() {
		u.times[stampInactiveEnter] = e.now
	}
	if !was.Up() && is.Up() {
		u.times[stampActiveEnter] = e.now
	}
	if was.Up() && !is.Up() {
		u.times[stampActiveExit] = e.now
	}
}

// flagsOfChange is what the neighbours must know of a change.
type flagsOfChange struct {
	reloadFailed, restarts bool
}

// changed is called by each type's enter after the sub state was set.
func (e *Engine) changed(u *runUnit, was graph.ActiveState, wasSub string, f flagsOfChange) {
	is := u.active()
	if is == was && u.subWord() == wasSub {
		e.unforeseen(u, was, is, f)
		e.tellTriggers(u) // a failed service that fails again is news to its socket
		return
	}
	u.stampChange(e, was, is)
	u.setCause(&Cause{
		At: e.now, Unit: u.Name, From: e.cause,
		What: was.String() + "/" + wasSub + " -> " + is.String() + "/" + u.subWord() + u.resultWord(),
	})
	e.emit(Changed{Unit: u.Name, Active: is.String(), Sub: u.subWord()})
	if is == graph.Failed && was != graph.Failed {
		e.failed++
	} else if was == graph.Failed && is != graph.Failed {
		e.failed--
	}
	if is.Down() && !was.Down() {
		u.cleaned = false
		u.hold.Freezer = FreezerRunning
	}
	if is == graph.Activating && was != is {
		u.hold.Markers = 0
	}
	e.unforeseen(u, was, is, f)
	e.triggers(u, was, is, f)
	e.tellTriggers(u)
	e.touch(u)
	if is.Down() {
		e.resting = append(e.resting, u)
	}
}

// tellTriggers tells the sockets, timers and paths of a unit.
func (e *Engine) tellTriggers(u *runUnit) {
	for _, l := range u.Links(unit.TriggeredBy) {
		if s := e.at(l.To); s.sock != nil {
			s.sock.serviceChanged(e, s, u)
		}
	}
	e.tellTimers(u)
}

// unforeseen tells the job, and starts or stops neighbours if no job foresaw the change.
func (e *Engine) unforeseen(u *runUnit, was, is graph.ActiveState, f flagsOfChange) {
	if !e.advance(u, is, f.reloadFailed) {
		return
	}
	switch {
	case was.Down() && is.Rising():
		e.pullAlong(u)
	case was.Rising() && is.Falling():
		for _, kind := range [...]unit.Dep{unit.BoundBy, unit.PropagatesStopTo} {
			e.stopAlong(u, kind)
		}
	}
}

// pullAlong starts and stops what should have been with a unit that came up unasked.
func (e *Engine) pullAlong(u *runUnit) {
	modes := [...]struct {
		kind unit.Dep
		mode unit.JobMode
	}{
		{unit.Requires, unit.Replace}, {unit.BindsTo, unit.Replace},
		{unit.Upholds, unit.Replace}, {unit.Wants, unit.Fail},
	}
	for _, m := range modes {
		for _, l := range u.Links(m.kind) {
			if !u.Has(unit.After, l.To) && !e.at(l.To).active().Rising() {
				e.want(e.at(l.To), transaction.Start, m.mode, u.cause)
			}
		}
	}
	e.stopAlong(u, unit.Conflicts)
	e.stopAlong(u, unit.ConflictedBy)
}

func (e *Engine) stopAlong(u *runUnit, kind unit.Dep) {
	for _, l := range u.Links(kind) {
		if !e.at(l.To).active().Falling() {
			e.want(e.at(l.To), transaction.Stop, unit.Replace, u.cause)
		}
	}
}

// triggers starts OnFailure= and OnSuccess= units and takes the unit's own actions.
func (e *Engine) triggers(u *runUnit, was, is graph.ActiveState, f flagsOfChange) {
	if is == graph.Failed && was != graph.Failed {
		if !f.restarts {
			e.trigger(u, unit.OnFailure, u.Def.OnFailureJobMode, "it failed", u.cause)
		}
		status := u.Def.FailureActionExitStatus
		if status < 0 {
			status = u.exitStatus()
		}
		e.act(u, u.Def.FailureAction, status, u.Def.RebootArgument, "FailureAction=")
	}
	if is == graph.Inactive && !was.Down() {
		if !f.restarts {
			e.trigger(u, unit.OnSuccess, u.Def.OnSuccessJobMode, "it ended well", u.cause)
		}
		status := u.Def.SuccessActionExitStatus
		if status < 0 {
			status = u.exitStatus()
		}
		e.act(u, u.Def.SuccessAction, status, u.Def.RebootArgument, "SuccessAction=")
	}
}

// exitStatus is what the main process leaves to FailureAction= and kin: its status,
// 255 if a signal ended it, and -1, for nothing, if there was none.
func (u *runUnit) exitStatus() int {
	if u.svc == nil {
		return -1
	}
	switch st := u.procs.Main.Status; {
	case st.Code == ByExit:
		return st.Status
	case st.Code == BySignal || st.Code == ByDump:
		return 255
	}
	return -1
}

func (e *Engine) trigger(u *runUnit, kind unit.Dep, mode unit.JobMode, what string, from *Cause) {
	if links := u.Links(kind); len(links) > 0 && !e.mayAuto(u, kind.String()+"= triggered") {
		return
	}
	for _, l := range u.Links(kind) {
		e.log(Info, u, "Triggering %s= dependency %s.", kind, l.To.Name)
		why := &Cause{
			At: e.now, Unit: l.To.Name, What: "job start queued",
			Why: kind.String() + "= of " + u.Name + ": " + what, From: from,
		}
		e.want(e.at(l.To), transaction.Start, mode, why)
	}
}

func (e *Engine) act(u *runUnit, a unit.Action, status int, arg, setting string) {
	if a == unit.ActionNone {
		return
	}
	orderly := a == unit.ActionReboot || a == unit.ActionPoweroff || a == unit.ActionExit
	if s := e.unit("shutdown.target"); orderly && s != nil &&
		(s.active().Rising() || s.job != nil && s.job.t == transaction.Start) {
		e.log(Notice, nil, "Shutdown is already active. Skipping emergency action request %s.", a)
		return
	}
	e.log(Notice, u, "%s asks for %s.", setting, a)
	e.emit(Act{Action: a, Status: status, Unit: u.Name, Argument: arg})
}

func (u *runUnit) resultWord() string {
	var r Result
	switch {
	case u.svc != nil:
		r = u.svc.Result
	case u.sock != nil:
		r = u.sock.Result
	case u.mnt != nil:
		r = u.mnt.Result
	case u.tim != nil:
		r = u.tim.Result
	case u.scp != nil:
		r = u.scp.Result
	case u.pth != nil:
		r = u.pth.Result
	}
	if r == ResultSuccess {
		return ""
	}
	return ", result " + r.String()
}

// touch has the unit looked at again by settleUnit, and those tied to it.
func (e *Engine) touch(u *runUnit) {
	if !u.touched {
		u.touched, u.why = true, e.cause
		e.due = append(e.due, u)
	}
}

// settleUnit starts and stops units for lasting reasons: Upholds=, BindsTo=,
// StopWhenUnneeded=. It runs when the unit or its job has changed.
func (e *Engine) settleUnit(u *runUnit) {
	e.cause = u.why
	u.touched, u.why = false, nil
	if u.svc != nil && u.svc.Sub == AutoRestart && u.job == nil && u.timers[timerState] == nil {
		u.svc.enterDead(e, u, ResultSuccess, false) // its restart job was cancelled
	}
	u.settleTrigger()
	if u.tim != nil {
		u.tim.settle(e, u)
	}
	if u.pth != nil {
		u.pth.settle(e, u)
	}
	if u.svc != nil {
		u.svc.settleStore(e, u)
		if u.svc.Conn != 0 && u.job == nil && u.active().Down() {
			e.dropConn(u) // it could not be started
		}
	}
	e.settleOne(u)
	if u.active().Down() && u.job == nil {
		for _, k := range needs {
			for _, l := range u.Links(k) {
				if l.To.Def.StopWhenUnneeded {
					e.settleOne(e.at(l.To))
				}
			}
		}
	}
	for _, l := range u.Links(unit.Upholds) {
		e.settleOne(e.at(l.To))
	}
	for _, l := range u.Links(unit.BoundBy) {
		e.settleOne(e.at(l.To))
	}
	e.settleSockets(u)
}

func (e *Engine) settleOne(u *runUnit) {
	if u.job != nil {
		return
	}
	switch state := u.active(); {
	case state.Up() && u.Def.StopWhenUnneeded && !e.needed(u):
		e.auto(u, transaction.Stop, unit.Fail, "no unit needs it any more (StopWhenUnneeded=)")
	case state.Up():
		if by := e.lost(u); by != nil {
			e.auto(u, transaction.Stop, unit.Replace, "BindsTo="+by.Name+" is not active")
		}
	case state.Down():
		for _, l := range u.Links(unit.UpheldBy) {
			if o := e.at(l.To); o.job == nil && o.active().Up() {
				e.auto(u, transaction.Start, unit.Fail, o.Name+" upholds it")
				return
			}
		}
	}
}

// mayAuto bounds what the manager does unasked about one unit: 16 times in 10 s,
// so that settings that contradict each other cannot keep it busy for ever.
func (e *Engine) mayAuto(u *runUnit, why string) bool {
	if u.autos.below(e.now.Mono, 10*value.Second, 16) {
		return true
	}
	if u.autos.Count == 17 {
		e.log(Warning, u, "%s, but that was tried too often already (waiting 10 s).", why)
	}
	return false
}

// auto asks for a job of the manager's own, within reason.
func (e *Engine) auto(u *runUnit, t transaction.JobType, mode unit.JobMode, why string) {
	if !e.mayAuto(u, why) {
		e.arm(u, timerAgain, 10*value.Second)
		return
	}
	e.want(u, t, mode, &Cause{
		At: e.now, Unit: u.Name, What: "job " + t.String() + " queued", Why: why, From: e.cause,
	})
}

// needs are the dependencies that keep a StopWhenUnneeded= unit up.
var needs = [...]unit.Dep{
	unit.Requires, unit.Requisite, unit.Wants, unit.BindsTo, unit.Upholds,
}

// needed reports whether a unit that is up, or has a job, needs this one.
func (e *Engine) needed(u *runUnit) bool {
	for _, k := range needs {
		for _, l := range u.Links(k.Inverse()) {
			if o := e.at(l.To); o.job != nil || !o.active().Down() {
				return true
			}
		}
	}
	return false
}

// lost finds a unit that u cannot be active without and that is down.
func (e *Engine) lost(u *runUnit) *runUnit {
	for _, l := range u.Links(unit.BindsTo) {
		if o := e.at(l.To); o.job == nil && o.active().Down() {
			return o
		}
	}
	return nil
}

// newInvocation draws the unit's next invocation ID.
func (e *Engine) newInvocation(u *runUnit) {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], e.rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], e.rng.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	u.invocation = hex.EncodeToString(id[:])
}

// rooted reports that the unit must stay in memory for its own sake.
func (e *Engine) rooted(u *runUnit) bool {
	if u.job != nil || u.nop != nil || u.Def.Perpetual || u.touched || u.pinned || u.procs.Populated ||
		u.hold.Refs != nil {
		return true
	}
	if u.sock != nil && u.sock.Connections > 0 {
		return true
	}
	switch u.active() {
	case graph.Inactive:
		return false
	case graph.Failed:
		return u.Def.Collect == unit.CollectInactive
	case graph.Active, graph.Reloading, graph.Activating, graph.Deactivating, graph.Maintenance,
		graph.ActiveStates:
	}
	return true
}
