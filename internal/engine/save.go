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
	Name              string
	Files             string    `json:",omitempty"` // what the definition was read from
	Job, Nop          *savedJob `json:",omitempty"`
	Timers            [timerKinds]savedTimer
	Service           *service   `json:",omitempty"`
	Socket            *socket    `json:",omitempty"`
	Mount             *mount     `json:",omitempty"`
	Timer             *timerUnit `json:",omitempty"`
	Scope             *scope     `json:",omitempty"`
	Hold              hold
	Path              *pathUnit `json:",omitempty"`
	Up                bool
	Procs             procs
	Running           [2]bool // main and control run a command of a list
	Invocation        string
	Times             [stamps]value.Instant
	Cause             *Cause   `json:",omitempty"`
	Trigger           *Trigger `json:",omitempty"`
	Condition, Assert tests
	Skipped, Pinned   bool
	Starts, Autos     rateLimit
	LimitHit, Cleaned bool
	Testing           Op
}

type savedJob struct {
	ID                                 uint32
	Type                               transaction.JobType
	Running, Irreversible, IgnoreOrder bool
	Began                              value.Instant
	Trigger                            *Trigger `json:",omitempty"`
	Cause                              *Cause   `json:",omitempty"`
}

type savedTimer struct{ At, Seq uint64 }

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
			e.pids[p.PID] = u
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
