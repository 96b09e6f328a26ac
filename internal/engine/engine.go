// Package engine decides what happens next. It owns the state of every unit,
// every job and every timer, and turns events into effects. It never makes
// anything happen itself: no clock, no system call, no goroutine. The same state
// and the same events give the same effects. It answers for the run-time parts
// of systemd.unit(5), systemd.service(5), systemd.socket(5), systemd.target(5),
// systemd.kill(5) and sd_notify(3).
package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Config is what an engine must be given.
type Config struct {
	// Seed feeds random delays and invocation IDs; it should differ at each boot.
	Seed uint64
	// Strict makes impossible situations panic, and lets panics through; for tests.
	Strict bool
	// Stack tells where a panic came from, for the log; it may be nil.
	Stack func() []byte
	// User is set for a user manager.
	User bool
	// The rest is for timers. Zone is the local time, nil is UTC; Started is when the
	// manager was started; with Container, the machine was booted then. CanWake tells
	// that the host can wake the machine. MachineID and Account spread what is drawn
	// for good.
	Zone               *time.Location
	Started            uint64
	Container, CanWake bool
	MachineID, Account string
}

// Engine is the state of everything. It must be used by one goroutine only.
type Engine struct {
	cfg   Config
	now   value.Instant
	g     *graph.Graph
	units []*runUnit         // by node ID
	pids  map[int][]*runUnit // whose main or control process it is; see await
	ops   map[Op]pending
	op    Op
	rng   *rand.PCG

	jobs    map[uint32]*job
	lastJob uint32
	runq    []*job // jobs to look at
	timers  timerHeap

	due      []*runUnit // units whose neighbours changed; see settleUnit
	deferred []request  // jobs that the manager asks of itself, after the present event
	wanted   map[string][]Connected
	idlers   int // jobs of Type=idle services that wait for the others
	sweep    bool
	resting  []*runUnit // may be forgotten since this step, with what they refer to
	fresh    bool       // this step has loaded units
	busy     bool       // a job was there since the last Idle
	ending   string
	failed   int
	panics   int // in this step
	cause    *Cause
	alarms   bool   // the alarm may have to be another one
	waking   uint64 // when the machine is woken; see SetAlarm
	level    Level  // lines above it are not written

	unwatched bool // services that fall silent are left alone

	indices [name.Types]*index // of properties, made when first needed

	out  []Effect
	left []*runUnit // units that this step has forgotten, to be looked at for the last time
}

// pending is an order whose outcome is awaited.
type pending struct {
	u    *runUnit
	what opKind
}

type opKind uint8

const (
	opMain opKind = iota
	opControl
	opFind
	opCondition
	opListen
	opLate // a Spawn that was given up, whose process may yet come
	opMount
	opStamp
	opAttach
	opClean
	opFreeze
	opPaths
)

// request is a job that the manager asks of itself.
type request struct {
	unit *graph.Node
	t    transaction.JobType
	mode unit.JobMode
	why  *Cause

	trigger *Trigger
}

// New returns an engine without units.
func New(cfg Config) *Engine {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	return &Engine{
		cfg: cfg, g: graph.New(), rng: rand.NewPCG(cfg.Seed, 0x726f757365),
		pids: map[int][]*runUnit{}, ops: map[Op]pending{}, jobs: map[uint32]*job{},
		wanted: map[string][]Connected{}, level: Debug,
	}
}

// SetLevel says which lines are worth writing: those up to l. At first all are.
func (e *Engine) SetLevel(l Level) { e.level = l }

// Step applies one event that happened at now and returns what the host must
// do about it, in order. It is the only way engine state changes. It never
// blocks, reads a clock, opens a file, or starts a goroutine. The effects are
// the caller's until the next Step.
func (e *Engine) Step(now value.Instant, ev Event) []Effect {
	e.now = now
	e.out, e.panics, e.left = e.out[:0], 0, nil
	e.cause, e.fresh = nil, false
	e.survive(e.expire)
	e.survive(e.settle) // before the event: it may take units away
	e.cause = nil
	e.survive(func() { e.handle(ev) })
	e.survive(e.settle)
	e.survive(e.rest)
	return e.out
}

// Panicked reports whether the last Step has met an internal error. The state may be
// half of what it should be then, in what only the engine knows; Save and Restore make all
// of that anew.
func (e *Engine) Panicked() bool { return e.panics > 0 }

// survive carries out a part of a step. Where it panics, what it had ordered until
// then is carried out all the same, and the parts that follow go on with the rest:
// whatever is wrong about one unit, the others are looked after.
func (e *Engine) survive(part func()) {
	defer func() {
		if e.cfg.Strict {
			return
		}
		p := recover()
		if p == nil {
			return
		}
		e.panics++
		var stack []byte
		if e.cfg.Stack != nil {
			stack = e.cfg.Stack()
		}
		e.log(Err, nil, "internal error in the engine: %v (carrying on)\n%s", p, stack)
	}()
	part()
}

// NextWake reports when Step must be called even if nothing happens, in
// microseconds of the monotonic clock.
func (e *Engine) NextWake() (at uint64, ok bool) { return e.timers.next() }

func (e *Engine) handle(ev Event) {
	switch ev := ev.(type) {
	case Tick:
	case Loaded:
		e.loaded(ev)
	case JobRequested:
		e.jobRequested(ev)
	case JobCancelled:
		e.jobCancelled(ev)
	case ResetFailed:
		e.resetFailed(ev)
	case KillRequested:
		e.killRequested(ev)
	case Removed:
		e.removed(ev)
	case Pinned:
		if u := e.unit(ev.Unit); u != nil {
			e.cause = u.cause
			if u.pinned = ev.On; !ev.On {
				e.resting = append(e.resting, u)
			}
		}
	case WatchdogsSet:
		e.unwatched = ev.Ignored
	case Spawned:
		e.spawned(ev)
	case SpawnFailed:
		e.spawnFailed(ev)
	case Reaped:
		e.reaped(ev)
	case Emptied:
		e.emptied(ev)
	case MainFound:
		e.mainFound(ev)
	case Notified:
		e.notified(ev)
	case OOMKilled:
		e.oomKilled(ev)
	case HungUp:
		e.hungUp(ev)
	case NameOwned:
		e.nameOwned(ev)
	case ConditionsTested:
		e.conditionsTested(ev)
	case Listening:
		e.listening(ev)
	case MountPrepared:
		e.mountPrepared(ev)
	case MountSeen:
		e.mountSeen(ev)
	case MountGone:
		e.mountGone(ev)
	case ScopeFormed, Attached, AbandonRequested, ControllerGone, CleanRequested, CleanedUp,
		FreezeRequested, Frozen, Marked, Referenced, ClientGone:
		e.handleHold(ev)
	case StampRead, ClockChanged, Woken, ZoneChanged, PathsChecked, PathsChanged:
		e.handleWaits(ev)
	case Incoming:
		e.incoming(ev)
	case Connected:
		e.connected(ev)
	case Adopted:
		e.adopted(ev)
	case ShutdownRequested:
		e.shutdownRequested(ev)
	}
}

// handleWaits is handle for what timers and paths wait for.
func (e *Engine) handleWaits(ev Event) {
	switch ev := ev.(type) {
	case StampRead:
		e.stampRead(ev)
	case ClockChanged:
		e.clockChanged()
	case Woken:
		e.woken()
	case ZoneChanged:
		e.zoneChanged(ev)
	case PathsChecked:
		e.pathsChecked(ev)
	case PathsChanged:
		e.pathsChanged(ev)
	}
}

// settle carries out what has been set off, until nothing is left to do.
func (e *Engine) settle() {
	for n := 0; ; n++ {
		if e.cfg.Strict && n > 5000 {
			panic("engine: one event has no end")
		}
		more := e.panics < 100
		e.survive(func() { more = e.settleNext() })
		if !more {
			e.runq, e.deferred, e.due = e.runq[:0], e.deferred[:0], e.due[:0]
			return
		}
	}
}

// settleNext carries out one thing. It reports false when there is nothing left.
func (e *Engine) settleNext() bool {
	switch {
	case len(e.runq) > 0:
		j := e.runq[0]
		e.runq = e.runq[1:]
		e.runJob(j)
	case len(e.deferred) > 0:
		r := e.deferred[0]
		e.deferred = e.deferred[1:]
		e.requestSelf(r)
	case len(e.due) > 0:
		u := e.due[0]
		e.due = e.due[1:]
		e.settleUnit(u)
	case e.releaseIdlers():
	case e.breakDeadlock():
	default:
		return false
	}
	return true
}

// rest ends a step: the queues are empty.
func (e *Engine) rest() {
	if e.alarms {
		e.alarm()
	}
	idle := e.busy && len(e.jobs) == 0
	e.busy = len(e.jobs) > 0
	if idle {
		e.emit(Idle{})
	}
	e.sweep = e.sweep || len(e.resting) > 0
	switch {
	case !e.sweep || e.fresh: // what was just loaded is about to be used
	case e.busy && !e.anyLooseNow(): // see there; the rest has time until all jobs are done
	default:
		e.sweep = false
		if e.anyLoose() {
			e.collect()
		}
	}
	clear(e.resting)
	e.resting = e.resting[:0]
}

func (e *Engine) emit(fx Effect) { e.out = append(e.out, fx) }

func (e *Engine) log(l Level, u *runUnit, format string, args ...any) {
	if l > e.level {
		return
	}
	e.report(l, u, false, nil, fmt.Sprintf(format, args...))
}

// report logs a text with fields for the journal.
func (e *Engine) report(l Level, u *runUnit, named bool, fields []string, text string) {
	if l > e.level {
		return
	}
	entry := Log{Level: l, Text: text, Named: named, Fields: fields}
	if u != nil {
		if x := u.Def.Exec; x != nil && x.LogLevelMax >= 0 && int(l) > x.LogLevelMax {
			return
		}
		entry.Unit, entry.Invocation = u.Name, u.invocation
	}
	e.emit(entry)
}

// bug reports what cannot be. The engine carries on.
func (e *Engine) bug(u *runUnit, what string) {
	if e.cfg.Strict {
		panic("engine: " + u.Name + ": " + what)
	}
	e.log(Err, u, "internal error: %s (carrying on)", what)
}

func (e *Engine) order(u *runUnit, what opKind) Op {
	e.op++
	e.ops[e.op] = pending{u, what}
	return e.op
}

// giveUp has an order whose outcome nobody waits for any more forgotten.
func (e *Engine) giveUp(op *Op) {
	delete(e.ops, *op)
	*op = 0
}

// awaits reports that an order of the unit's is under way.
func (e *Engine) awaits(u *runUnit) bool {
	for _, p := range e.ops {
		if p.u == u {
			return true
		}
	}
	return false
}

// outcome finds out whose order has come back. It is nil if nobody waits any more.
func (e *Engine) outcome(op Op) (*runUnit, opKind) {
	p, ok := e.ops[op]
	if !ok {
		return nil, 0
	}
	delete(e.ops, op)
	return p.u, p.what
}

// loaded takes in definitions. Units that wait for theirs go on.
func (e *Engine) loaded(ev Loaded) {
	e.fresh = true
	e.cause = &Cause{At: e.now, What: "definitions loaded"}
	if ev.Reload {
		e.forgetAbsent(ev.Units)
	}
	changed := ev.Reload
	limited := e.newLimits(ev.Units)
	nodes := e.g.Add(ev.Units)
	for _, n := range nodes {
		u := e.at(n)
		if u == nil {
			u = &runUnit{Node: n}
			for n.ID >= len(e.units) {
				e.units = append(e.units, nil)
			}
			e.units[n.ID] = u
		} else {
			e.touch(u) // its definition may be another one
			changed = true
		}
		u.init(e)
		if ev.Reload && u.sock != nil && u.Def.Load != unit.Loaded {
			u.sock.orphaned(e, u)
		}
	}
	for _, u := range limited {
		u.svc.armRuntime(e, u)
	}
	for _, n := range nodes { // not before all are there: a refusal may stop neighbours
		for _, conn := range e.wanted[n.Name] {
			e.startInstance(n, conn)
		}
		delete(e.wanted, n.Name)
	}
	if ev.Reload {
		for _, u := range e.units {
			if u != nil {
				e.touch(u)
			}
		}
	}
	if changed { // an order that jobs waited for may be no more
		for _, id := range slices.Sorted(maps.Keys(e.jobs)) {
			e.enqueue(e.jobs[id])
		}
	}
}

// forgetAbsent drops the units at rest that a reload did not find any more.
// Those that are in use keep their old definition.
func (e *Engine) forgetAbsent(found []*unit.Unit) {
	known := make(map[string]bool, len(found))
	for _, d := range found {
		known[d.Name] = true
	}
	for _, n := range e.g.Nodes() {
		if u := e.at(n); !known[n.Name] && !e.rooted(u) && !e.awaits(u) {
			e.drop(u)
		}
	}
}

func (e *Engine) at(n *graph.Node) *runUnit {
	if n == nil || n.ID >= len(e.units) {
		return nil
	}
	return e.units[n.ID]
}

func (e *Engine) unit(name string) *runUnit { return e.at(e.g.Get(name)) }

// view shows the engine to a transaction.
type view struct{ e *Engine }

func (v view) Graph() *graph.Graph { return v.e.g }

func (v view) State(n *graph.Node) graph.ActiveState { return v.e.at(n).active() }

func (v view) Queued(n *graph.Node) (t transaction.JobType, irreversible, ok bool) {
	if j := v.e.at(n).job; j != nil {
		return j.t, j.irreversible, true
	}
	return 0, false, false
}

func (v view) CanReload(n *graph.Node) bool { return v.e.at(n).canReload() }

// Plan says what a request would do, without doing it.
func (e *Engine) Plan(ev JobRequested) (*transaction.Result, *transaction.Error) {
	n := e.g.Get(ev.Unit)
	if n == nil {
		return nil, &transaction.Error{Name: "NoSuchUnit", Message: "Unit " + ev.Unit + " not found."}
	}
	return transaction.Build(view{e}, transaction.Request{
		Unit: n, Type: ev.Type, Mode: ev.Mode, Auto: ev.Auto,
	})
}

func (e *Engine) jobRequested(ev JobRequested) {
	e.cause = &Cause{
		At: e.now, Unit: ev.Unit, What: "job " + ev.Type.String() + " requested", Why: ev.Why,
	}
	res, err := e.Plan(ev)
	if err != nil {
		if err.Detail != "" {
			e.log(Err, nil, "%s", err.Detail)
		}
		e.emit(Replied{Req: ev.Req, Unit: ev.Unit, Err: err})
		return
	}
	anchor, affected := e.install(res)
	reply := Replied{Req: ev.Req, Unit: anchor.u.Name, ID: anchor.id, Type: anchor.t}
	for _, j := range affected {
		reply.Affected = append(reply.Affected, JobNew{ID: j.id, Unit: j.u.Name, Type: j.t})
	}
	e.emit(reply)
}

// requestSelf queues a job that the manager wants by itself.
func (e *Engine) requestSelf(r request) {
	e.cause = r.why
	res, err := transaction.Build(view{e}, transaction.Request{
		Unit: r.unit, Type: r.t, Mode: r.mode, Auto: true,
	})
	if err != nil {
		u := e.at(r.unit)
		e.log(Warning, u, "cannot queue the %s job: %s", r.t, err.Message)
		if s := u.svc; s != nil && s.Sub == AutoRestart && (s.Due || r.t == transaction.Restart) {
			u.svc.enterDead(e, u, ResultResources, false)
		}
		if r.trigger != nil {
			e.refusedTo(e.unit(r.trigger.Unit))
		}
		return
	}
	if anchor, _ := e.install(res); anchor.trigger == nil {
		anchor.trigger = r.trigger
	}
}

// refusedTo tells a timer or path that the job it has asked for cannot be.
func (e *Engine) refusedTo(by *runUnit) {
	switch {
	case by == nil:
	case by.tim != nil:
		by.tim.refused(e, by)
	case by.pth != nil:
		by.pth.refused(e, by)
	}
}

// want asks for a job after the present event is dealt with.
func (e *Engine) want(u *runUnit, t transaction.JobType, mode unit.JobMode, why *Cause) {
	e.deferred = append(e.deferred, request{u.Node, t, mode, why, nil})
}

// activate asks for the start of a unit for another one, and tells it what for.
func (e *Engine) activate(u *runUnit, why *Cause, what Trigger) {
	e.deferred = append(e.deferred, request{u.Node, transaction.Start, unit.Replace, why, &what})
}

func (e *Engine) shutdownRequested(ev ShutdownRequested) {
	n := e.g.Get(ev.Target)
	if n == nil {
		e.log(Err, nil, "cannot shut down: %s is not loaded", ev.Target)
		return
	}
	e.ending = ev.Target
	why := &Cause{At: e.now, Unit: n.Name, What: "shutdown requested", Why: ev.Why}
	e.deferred = append(e.deferred, request{n, transaction.Start, unit.ReplaceIrreversibly, why, nil})
}

func (e *Engine) resetFailed(ev ResetFailed) {
	for _, n := range e.g.Nodes() {
		if u := e.at(n); ev.Unit == "" || n.Name == ev.Unit {
			e.cause = &Cause{At: e.now, Unit: u.Name, What: "reset-failed requested", From: u.cause}
			u.resetFailed(e)
		}
	}
}

func (e *Engine) removed(ev Removed) {
	if u := e.unit(ev.Unit); u != nil && u.job == nil && u.active().Down() && !e.awaits(u) {
		e.drop(u)
	}
}

func (e *Engine) killRequested(ev KillRequested) {
	u := e.unit(ev.Unit)
	if u == nil {
		return
	}
	p := &u.procs
	k := Kill{Unit: u.Name, Signal: ev.Signal}
	if ev.Who == "main" || ev.Who == "all" {
		k.Main = p.Main.PID
	}
	if ev.Who == "control" || ev.Who == "all" {
		k.Control = p.Control.PID
	}
	k.Group = ev.Who == "all"
	e.emit(k)
}
