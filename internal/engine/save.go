package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// saved is the whole state of an engine as plain data. What follows from the
// rest (who awaits which order, whose process is whose) is not in it.
type saved struct {
	Now     value.Instant
	Op      Op
	RNG     []byte
	LastJob uint32
	Timers  uint64
	Units   []savedUnit
	Wanted  map[string][]Connected `json:",omitempty"`
	Late    map[Op]string          `json:",omitempty"` // units of Spawns that were given up
	Sweep   bool
	Busy    bool
	Ending  string
	Waking  uint64

	Unwatched bool
}

type savedUnit struct {
	Name     string                 `json:",omitzero"`
	Files    string                 `json:",omitzero"` // what the definition was read from
	Job, Nop *savedJob              `json:",omitzero"`
	Timers   [timerKinds]savedTimer `json:",omitzero"`
	Service  *service               `json:",omitzero"`
	Socket   *socket                `json:",omitzero"`
	Mount    *mount                 `json:",omitzero"`
	Timer    *timerUnit             `json:",omitzero"`
	Scope    *scope                 `json:",omitzero"`
	Hold     hold                   `json:",omitzero"`
	Path     *pathUnit              `json:",omitzero"`
	Up       bool                   `json:",omitzero"`
	Procs    procs                  `json:",omitzero"`
	// Running: main and control run a command of a list
	Running           [2]bool               `json:",omitzero"`
	Invocation        string                `json:",omitzero"`
	Times             [stamps]value.Instant `json:",omitzero"`
	Cause             *Cause                `json:",omitzero"`
	Trigger           *Trigger              `json:",omitzero"`
	Condition, Assert tests                 `json:",omitzero"`
	Skipped, Pinned   bool                  `json:",omitzero"`
	Starts, Autos     rateLimit             `json:",omitzero"`
	LimitHit, Cleaned bool                  `json:",omitzero"`
	Testing           Op                    `json:",omitzero"`
}

type savedJob struct {
	ID                                 uint32              `json:",omitzero"`
	Type                               transaction.JobType `json:",omitzero"`
	Running, Irreversible, IgnoreOrder bool                `json:",omitzero"`
	Began                              value.Instant       `json:",omitzero"`
	Trigger                            *Trigger            `json:",omitzero"`
	Cause                              *Cause              `json:",omitzero"`
}

type savedTimer struct {
	At  uint64 `json:",omitzero"`
	Seq uint64 `json:",omitzero"`
}

// Save gives the whole state, to be handed to Restore. It must be called between
// steps. Definitions are not part of it.
func (e *Engine) Save() ([]byte, error) {
	rng, err := e.rng.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("save engine: %w", err)
	}
	s := saved{
		Now: e.now, Op: e.op, RNG: rng, LastJob: e.lastJob, Timers: e.timers.seq, Wanted: e.wanted,
		Sweep: e.sweep, Busy: e.busy, Ending: e.ending, Waking: e.waking, Unwatched: e.unwatched,
	}
	for op, p := range e.ops {
		if p.what == opLate {
			if s.Late == nil {
				s.Late = map[Op]string{}
			}
			s.Late[op] = p.u.Name
		}
	}
	for _, n := range e.g.Nodes() {
		s.Units = append(s.Units, e.at(n).save())
	}
	return json.Marshal(s)
}

func (u *runUnit) save() savedUnit {
	s := savedUnit{
		Name: u.Name, Files: files(u.Def), Job: u.job.save(), Nop: u.nop.save(),
		Service: u.svc, Socket: u.sock, Mount: u.mnt,
		Timer: u.tim, Scope: u.scp, Path: u.pth, Hold: u.hold,
		Up:    u.up,
		Procs: u.procs, Invocation: u.invocation, Times: u.times, Cause: u.cause,
		Trigger:   u.trigger,
		Condition: u.condition, Assert: u.assert, Skipped: u.skipped, Pinned: u.pinned,
		Starts: u.starts, Autos: u.autos,
		LimitHit: u.limitHit, Cleaned: u.cleaned, Testing: u.testing,
		Running: [2]bool{u.procs.Main.current != nil, u.procs.Control.current != nil},
	}
	for k, t := range u.timers {
		if t != nil {
			s.Timers[k] = savedTimer{t.at, t.seq}
		}
	}
	return s
}

// files says which files a definition was read from, and as of when.
func files(d *unit.Unit) string {
	if d.Fragment == "" && d.SourcePath == "" && len(d.DropIns) == 0 {
		return ""
	}
	return fmt.Sprint(d.Load, d.Fragment, d.FragmentTime, d.SourcePath, d.SourceTime, d.DropIns,
		d.DropInTime)
}

func (j *job) save() *savedJob {
	if j == nil {
		return nil
	}
	return &savedJob{
		j.id, j.t, j.running, j.irreversible, j.ignoreOrder, j.began, j.trigger, j.cause.trim(),
	}
}

// Definitions lists the definitions of all loaded units, sorted by name.
func (e *Engine) Definitions() []*unit.Unit {
	var defs []*unit.Unit
	for _, n := range e.g.Nodes() {
		defs = append(defs, n.Def)
	}
	return defs
}

// AnyDefinition reports whether that is so of any unit.
func (e *Engine) AnyDefinition(is func(*unit.Unit) bool) bool {
	return slices.ContainsFunc(e.units, func(u *runUnit) bool { return u != nil && is(u.Def) })
}

// Restore makes an engine with the state that Save gave and the definitions of
// its units, which may be others by now. What cannot be read of one unit costs only
// that: it is adopted with the processes it has. Resume tells of it, and what the host
// is to do then.
func Restore(data []byte, defs []*unit.Unit, cfg Config) (*Engine, error) {
	var s struct {
		saved
		Units []json.RawMessage // in the place of saved's
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("restore engine: %w", err)
	}
	e := New(cfg)
	e.rng = &rand.PCG{}
	if err := e.rng.UnmarshalBinary(s.RNG); err != nil {
		return nil, fmt.Errorf("restore engine: random numbers: %w", err)
	}
	e.now = s.Now
	e.loaded(Loaded{Units: defs})
	e.op, e.lastJob, e.sweep, e.busy, e.ending = s.Op, s.LastJob, s.Sweep, s.Busy, s.Ending
	e.waking, e.unwatched = s.Waking, s.Unwatched
	if s.Wanted != nil {
		e.wanted = s.Wanted
	}
	e.restoreUnits(s.Units)
	for op, name := range s.Late {
		if u := e.unit(name); u != nil {
			e.ops[op] = pending{u, opLate}
		}
	}
	e.timers.seq = s.Timers
	return e, nil
}

// restoreUnits restores those that are still there, and then has those with another
// definition brought in line with it.
func (e *Engine) restoreUnits(list []json.RawMessage) {
	changed := false
	for _, raw := range list {
		var s savedUnit
		err := json.Unmarshal(raw, &s)
		u := e.unit(s.Name)
		if u == nil || u.Name != s.Name {
			e.log(Err, nil, "the state of %s is lost: no such unit could be loaded", s.Name)
			continue
		}
		done := false
		if err == nil {
			e.survive(func() { e.restoreUnit(u, s); done = true })
		} else {
			e.log(Err, u, "its state cannot be read: %v", err)
		}
		if !done {
			e.adoptUnreadable(u, raw)
		}
		if s.Files != files(u.Def) {
			e.cause = &Cause{At: e.now, What: "definitions loaded"}
			u.init(e)
			e.touch(u)
			changed = true
		}
	}
	if !changed {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(e.jobs)) {
		e.enqueue(e.jobs[id])
	}
}

// adoptUnreadable makes the best of a state of which only this much can be read.
func (e *Engine) adoptUnreadable(u *runUnit, raw json.RawMessage) {
	var s struct {
		Invocation string
		Procs      struct {
			Main      struct{ PID int }
			Populated bool
		}
		Socket struct{ Open bool }
	}
	_ = json.Unmarshal(raw, &s) // as much as there is
	e.survive(func() {
		e.adopted(Adopted{
			Unit: u.Name, Invocation: s.Invocation, Main: s.Procs.Main.PID,
			Populated: s.Procs.Populated || s.Procs.Main.PID != 0, Open: s.Socket.Open,
		})
	})
}

func (e *Engine) restoreUnit(u *runUnit, s savedUnit) {
	if (u.svc == nil) == (s.Service == nil) {
		u.svc = s.Service
	}
	if (u.sock == nil) == (s.Socket == nil) {
		u.sock = s.Socket
	}
	u.trigger, u.hold = s.Trigger, s.Hold
	if (u.mnt == nil) == (s.Mount == nil) {
		u.mnt = s.Mount
	}
	if (u.tim == nil) == (s.Timer == nil) {
		u.tim = s.Timer
	}
	if (u.scp == nil) == (s.Scope == nil) {
		u.scp = s.Scope
	}
	if (u.pth == nil) == (s.Path == nil) {
		u.pth = s.Path
	}
	u.up, u.procs, u.invocation, u.times, u.cause = s.Up, s.Procs, s.Invocation, s.Times, s.Cause
	u.condition, u.assert, u.skipped, u.pinned = s.Condition, s.Assert, s.Skipped, s.Pinned
	u.starts, u.autos, u.limitHit = s.Starts, s.Autos, s.LimitHit
	u.cleaned, u.testing = s.Cleaned, s.Testing
	u.job, u.nop = e.restoreJob(u, s.Job), e.restoreJob(u, s.Nop)
	for k, t := range s.Timers {
		if t.At != 0 {
			u.timers[k] = &timer{at: t.At, seq: t.Seq, u: u, kind: timerKind(k)}
			e.timers.put(u.timers[k])
		}
	}
	for i, p := range [...]*proc{&u.procs.Main, &u.procs.Control} {
		if p.find(u); !s.Running[i] {
			p.current = nil
		}
		if p.PID != 0 {
			e.await(p.PID, u)
		}
	}
	e.awaitAgain(u)
	if u.active() == graph.Failed {
		e.failed++
	}
}

func (e *Engine) restoreJob(u *runUnit, s *savedJob) *job {
	if s == nil {
		return nil
	}
	j := &job{
		id: s.ID, u: u, t: s.Type, running: s.Running, irreversible: s.Irreversible,
		ignoreOrder: s.IgnoreOrder, began: s.Began, trigger: s.Trigger, cause: s.Cause,
	}
	e.jobs[j.id] = j
	return j
}

// awaitAgain notes which orders of the unit are under way.
func (e *Engine) awaitAgain(u *runUnit) {
	note := func(op Op, what opKind) {
		if op != 0 {
			e.ops[op] = pending{u, what}
		}
	}
	note(u.procs.Main.Op, opMain)
	note(u.procs.Control.Op, opControl)
	note(u.testing, opCondition)
	note(u.hold.Cleaning, opClean)
	note(u.hold.Freezing, opFreeze)
	if u.svc != nil {
		note(u.svc.Finding, opFind)
		if u.svc.Idle {
			e.idlers++
		}
	}
	if u.sock != nil {
		note(u.sock.Opening, opListen)
	}
	if u.tim != nil {
		note(u.tim.Reading, opStamp)
	}
	if u.scp != nil {
		note(u.scp.Attaching, opAttach)
	}
	if u.pth != nil {
		note(u.pth.Checking, opPaths)
	}
	if u.mnt != nil {
		note(u.mnt.Preparing, opMount)
	}
}

// commands finds the command list with the given directive's name.
func (u *runUnit) commands(directive string) []value.Command {
	if s := u.Def.Service; s != nil {
		for k, list := range s.Commands {
			if unit.ExecKind(k).String() == directive {
				return list
			}
		}
	}
	if s := u.Def.Socket; s != nil {
		for k, list := range s.Commands {
			if unit.SocketExecKind(k).String() == directive {
				return list
			}
		}
	}
	if m := u.Def.Mount; m != nil {
		for k := range unit.MountExecKinds {
			if k.String() == directive {
				return m.Commands(k)
			}
		}
	}
	return nil
}

// Resume gives a restored engine's orders to a host that knows of none: what it is to
// watch, and what was under way when the state was saved, but for processes. The
// outcomes of those Spawns the host must bring over itself. It is called once, before
// the first Step.
func (e *Engine) Resume() []Effect {
	fx := e.out
	e.out = nil
	if e.waking != 0 {
		fx = append(fx, SetAlarm{At: e.waking})
	}
	for _, n := range e.g.Nodes() {
		u := e.at(n)
		if u.testing != 0 {
			fx = append(fx, TestConditions{Op: u.testing, Unit: u.Def})
		}
		fx = e.resumeHold(u, fx)
		switch {
		case u.svc != nil:
			fx = u.svc.resume(u, fx)
		case u.sock != nil:
			fx = u.sock.resume(e, u, fx)
		case u.mnt != nil && u.mnt.Preparing != 0:
			fx = append(fx, PrepareMount{Op: u.mnt.Preparing, Unit: u.Def})
		case u.pth != nil && u.pth.Checking != 0:
			fx = append(fx, CheckPaths{Op: u.pth.Checking, Unit: u.Def, Make: true})
		case u.pth != nil && u.pth.Sub == PathWaiting:
			u.pth.check(e, u, false, false) // what has come since is news
			fx, e.out = append(fx, e.out...), nil
		case u.tim != nil && u.tim.Reading != 0:
			fx = append(fx, ReadStamp{Op: u.tim.Reading, Unit: u.Name})
		}
	}
	return fx
}

// resumeHold goes on with what is no matter of jobs. A clean-up was done to its end.
func (e *Engine) resumeHold(u *runUnit, fx []Effect) []Effect {
	if op := u.hold.Freezing; op != 0 {
		fx = append(fx, Freeze{Op: op, Unit: u.Name, Thaw: u.hold.Freezer != FreezerFreezing})
	}
	if s := u.scp; s != nil && s.Attaching != 0 {
		fx = append(fx, s.attach(u))
	}
	if op := u.hold.Cleaning; op != 0 {
		e.cleanedUp(CleanedUp{Op: op})
		fx = append(fx, e.out...)
		e.out = nil
	}
	return fx
}

func (s *service) resume(u *runUnit, fx []Effect) []Effect {
	if u.Def.Service == nil {
		return fx
	}
	if s.Finding != 0 { // an order that came back at once is not under way
		fx = append(fx, FindMain{
			Op: s.Finding, Unit: u.Name, PIDFile: u.Def.Service.PIDFile, Wait: true,
		})
	}
	atRest := s.Sub == Dead || s.Sub == Failed || s.Sub == AutoRestart
	if name := u.Def.Service.BusName; name != "" && !atRest {
		fx = append(fx, WatchName{Unit: u.Name, Name: name})
	}
	return fx
}

func (s *socket) resume(e *Engine, u *runUnit, fx []Effect) []Effect {
	switch {
	case s.Opening != 0:
		order := Listen{Op: s.Opening, Unit: u.Def}
		if svc := e.serviceOf(u); svc != nil {
			order.Service = svc.Def.Service
		}
		fx = append(fx, order)
	case s.Sub == SocketListening && u.timers[timerPoll] == nil:
		fx = append(fx, Watch{Unit: u.Name})
	}
	return fx
}

// adopted takes a unit for up that somebody else has started: its state is not known,
// but its processes are there, or the host has its sockets. What the engine knows better
// stays as it is.
func (e *Engine) adopted(ev Adopted) {
	u := e.unit(ev.Unit)
	if u == nil || u.job != nil || !u.active().Down() {
		return
	}
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "taken over as it was found"}
	switch {
	case u.svc != nil && u.Def.Service != nil:
		u.svc.adopted(e, u, ev)
	case u.sock != nil && u.Def.Socket != nil && ev.Open:
		u.sock.Open = true
		sub := SocketListening
		svc := e.serviceOf(u)
		if !u.Def.Socket.Accept && svc != nil && !svc.active().Down() {
			sub = SocketRunning
		}
		u.invocation = ev.Invocation
		if u.sock.enter(e, u, sub); sub == SocketListening {
			u.sock.watch(e, u)
		}
	case u.svc == nil && u.sock == nil && u.mnt == nil && u.tim == nil && u.scp == nil && !u.up:
		e.want(u, transaction.Start, unit.IgnoreDependencies, e.cause)
	case u.tim != nil:
		e.want(u, transaction.Start, unit.IgnoreDependencies, e.cause)
	}
}

func (s *service) adopted(e *Engine, u *runUnit, ev Adopted) {
	if !ev.Populated && !u.Def.Service.RemainAfterExit {
		return
	}
	u.invocation = ev.Invocation
	s.Result, s.Reloaded, s.Ready = ResultSuccess, ResultSuccess, notifyReady
	s.Petted = value.Instant{}
	if ev.Populated {
		u.procs.Populated = true
		if ev.Main != 0 {
			s.MainKnown, s.MainStarted = true, true
			u.procs.Main = proc{PID: ev.Main, Kind: unit.ExecStart.String()}
			u.procs.Main.Status = procStatus{Kind: u.procs.Main.Kind, PID: ev.Main, Start: e.now}
			e.await(ev.Main, u)
		}
		s.enter(e, u, Running)
		return
	}
	s.enter(e, u, Exited)
}

// States and results are saved as their words: a program that knows more of them, or
// has them in another order, reads what this one has saved.

// MarshalText gives the word.
func (s ServiceState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *ServiceState) UnmarshalText(text []byte) error { return fromWord(s, ServiceStates, text) }

// MarshalText gives the word.
func (s SocketState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *SocketState) UnmarshalText(text []byte) error { return fromWord(s, SocketStates, text) }

// MarshalText gives the word.
func (s MountState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *MountState) UnmarshalText(text []byte) error { return fromWord(s, MountStates, text) }

// MarshalText gives the word.
func (s TimerState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *TimerState) UnmarshalText(text []byte) error { return fromWord(s, TimerStates, text) }

// MarshalText gives the word.
func (s ScopeState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *ScopeState) UnmarshalText(text []byte) error { return fromWord(s, ScopeStates, text) }

// MarshalText gives the word.
func (s PathState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *PathState) UnmarshalText(text []byte) error { return fromWord(s, PathStates, text) }

// MarshalText gives the word.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word.
func (r *Result) UnmarshalText(text []byte) error { return fromWord(r, Results, text) }

// fromWord finds the value with that word.
func fromWord[T interface {
	~uint8
	String() string
}](v *T, end T, text []byte) error {
	for w := T(0); w < end; w++ {
		if w.String() == string(text) {
			*v = w
			return nil
		}
	}
	return fmt.Errorf("%T: no %q is known", *v, text)
}
