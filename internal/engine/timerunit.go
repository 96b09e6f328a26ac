package engine

import (
	"hash/fnv"
	"math"
	"strings"
	"time"

	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// timerUnit is the state of a timer unit. systemd.timer(5).
type timerUnit struct {
	Sub    TimerState `json:",omitzero"`
	Result Result     `json:",omitzero"`
	// Last: when it last fired; Mono is 0 if that is from a stamp file
	Last    value.Instant `json:",omitzero"`
	Reading Op            `json:",omitzero"` // the ReadStamp under way
	Stale   bool          `json:",omitzero"` // its definition may be another one: count anew
	Events  []timerEvent  `json:",omitzero"` // one for each On…=, in the order of the definition
	// When it fires, with the random delay: 0 is no event of that kind, never is
	// any state but waiting.
	NextMono, NextReal uint64 `json:",omitzero"`
	// Alarm: when the machine is woken, by the wall clock; 0 is never
	Alarm uint64 `json:",omitzero"`
}

// timerEvent is what is known of one On…= of a timer.
type timerEvent struct {
	Next  uint64 `json:",omitzero"` // when it elapses, by its clock, without the random delay
	Spent bool   `json:",omitzero"` // it has elapsed, and does so only once
}

// never is the time of what does not come.
const never = math.MaxUint64

// TimerState is the sub state of a timer unit.
type TimerState uint8

// The sub states of timers.
const (
	TimerDead TimerState = iota
	TimerWaiting
	TimerRunning
	TimerElapsed
	TimerFailed
	TimerStates
)

var timerStates = [TimerStates]struct {
	word   string
	active graph.ActiveState
}{
	TimerDead:    {"dead", graph.Inactive},
	TimerWaiting: {"waiting", graph.Active},
	TimerRunning: {"running", graph.Active},
	TimerElapsed: {"elapsed", graph.Active},
	TimerFailed:  {"failed", graph.Failed},
}

func (s TimerState) String() string { return timerStates[s].word }

func (s TimerState) active() graph.ActiveState { return timerStates[s].active }

// init brings the state in line with a definition.
func (t *timerUnit) init(e *Engine, u *runUnit) {
	if t.Sub == TimerDead && t.Events == nil {
		t.NextMono, t.NextReal = never, never
	}
	t.Events = make([]timerEvent, len(u.Def.Timer.Specs))
	if t.Sub == TimerWaiting {
		t.Stale = true
		e.touch(u)
	}
}

// enter is the only way into a sub state. Nobody is told of one that it is in already:
// timers that start each other would go on telling for ever.
func (t *timerUnit) enter(e *Engine, u *runUnit, sub TimerState) {
	was, word, same := u.active(), u.subWord(), t.Sub == sub
	t.Sub = sub
	if sub != TimerWaiting {
		e.alarms = e.alarms || t.Alarm != 0
		t.NextMono, t.NextReal, t.Alarm = never, never, 0
		e.disarm(u, timerElapse)
	}
	if !same {
		e.changed(u, was, word, flagsOfChange{})
	}
}

func (t *timerUnit) enterDead(e *Engine, u *runUnit, r Result) {
	if t.Result == ResultSuccess {
		t.Result = r
	}
	sub := TimerDead
	e.logEnd(u, t.Result)
	if t.Result != ResultSuccess {
		sub = TimerFailed
	}
	t.enter(e, u, sub)
}

// triggered is the unit that a timer starts; nil if it is not loaded.
func (e *Engine) triggered(u *runUnit) *runUnit {
	n := u.Def.Timer.Unit
	if n == "" {
		n = strings.TrimSuffix(u.Name, ".timer") + ".service"
	}
	return e.unit(n)
}

// start answers a start job.
func (t *timerUnit) start(e *Engine, u *runUnit) verdict {
	switch t.Sub {
	case TimerDead, TimerFailed:
	case TimerWaiting, TimerRunning, TimerElapsed, TimerStates:
		return already
	}
	if x := e.triggered(u); x == nil || x.Def.Load != unit.Loaded {
		e.log(Err, u, "Refusing to start, the unit to trigger is not loaded.")
		return failedVerdict
	}
	e.newInvocation(u)
	t.Last, t.Result = value.Instant{}, ResultSuccess
	for i, s := range u.Def.Timer.Specs {
		if s.Base == unit.OnActive {
			t.Events[i].Spent = false
		}
	}
	if !u.Def.Timer.Persistent {
		return t.begin(e, u)
	}
	t.Reading = e.order(u, opStamp)
	e.emit(ReadStamp{Op: t.Reading, Unit: u.Name})
	return underway
}

// begin ends a start.
func (t *timerUnit) begin(e *Engine, u *runUnit) verdict {
	if u.Def.Timer.WakeSystem && !e.cfg.CanWake {
		e.log(Err, u, "Failed to enter waiting state: WakeSystem= is not possible here")
		t.enterDead(e, u, ResultResources)
		return failedVerdict
	}
	t.wait(e, u, false)
	return already
}

// stampRead goes on with the start of a persistent timer.
func (e *Engine) stampRead(ev StampRead) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.tim == nil || u.tim.Reading != ev.Op {
		return
	}
	t := u.tim
	t.Reading = 0
	j := u.job
	if !t.Sub.active().Down() || j == nil || !j.running {
		return // stopped in the meantime
	}
	e.cause = j.cause
	if ev.At < e.now.Real {
		t.Last.Real = ev.At // 0 if it never has
	} else {
		e.log(Warning, u, "Not using the time of the stamp file, for it is in the future.")
	}
	if v := t.begin(e, u); !j.gone {
		e.finish(j, jobOutcome[v], true)
	}
}

// stop answers a stop or restart job.
func (t *timerUnit) stop(e *Engine, u *runUnit) verdict {
	t.enterDead(e, u, ResultSuccess)
	return underway // which ends the job, or makes the start of a restart of it
}

// wait settles when the timer fires next. With jump, the clock was set.
func (t *timerUnit) wait(e *Engine, u *runUnit, jump bool) {
	def := u.Def.Timer
	x := e.triggered(u)
	if x == nil {
		e.log(Err, u, "Unit to trigger vanished.")
		t.enterDead(e, u, ResultResources)
		return
	}
	t.Stale = false
	mono, real, lasts := uint64(never), uint64(never), false
	for i, s := range def.Specs {
		ev := &t.Events[i]
		switch {
		case ev.Spent:
		case s.Base == unit.OnCalendar:
			if next, ok := e.nextCalendar(u, s); ok {
				ev.Next = next
				real = min(real, next)
			}
		default:
			lasts = lasts || s.Base == unit.OnUnitActive || s.Base == unit.OnUnitInactive
			base, ok := e.timerBase(u, x, s.Base)
			if !ok {
				continue
			}
			ev.Next = base + min(uint64(s.Span), never-base)
			once := s.Base == unit.OnActive || s.Base == unit.OnBoot || s.Base == unit.OnStartup
			if once && !t.Last.IsZero() && !jump && ev.Next <= e.now.Mono {
				ev.Spent = true
				continue
			}
			mono = min(mono, ev.Next)
		}
	}
	if mono == never && real == never && !def.OnTimezoneChange && !def.OnClockChange {
		if def.RemainAfterElapse || lasts {
			t.enter(e, u, TimerElapsed)
		} else {
			t.enterDead(e, u, ResultSuccess)
		}
		return
	}
	t.NextMono, t.NextReal = 0, 0
	if mono != never {
		t.NextMono = e.delayed(u, mono)
	}
	if real != never {
		t.NextReal = e.delayed(u, real)
	}
	t.arm(e, u)
	t.enter(e, u, TimerWaiting)
}

// nextCalendar is when a calendar event comes next: after the last time that the
// timer fired, or since it was started. One that passed while nobody was there comes
// when the manager starts.
func (e *Engine) nextCalendar(u *runUnit, s unit.TimerSpec) (next uint64, ok bool) {
	after := e.now.Real
	switch {
	case u.tim.Last.Real != 0:
		after = u.tim.Last.Real
	case u.active() == graph.Active:
		after = u.times[stampInactiveExit].Real
	}
	next, ok = s.Calendar.Next(after, e.cfg.Zone)
	if started := e.toReal(e.cfg.Started); ok && next < started {
		next = started
	}
	return next, ok
}

// toReal tells what the wall clock would have shown.
func (e *Engine) toReal(mono uint64) uint64 { return e.now.Real - (e.now.Mono - mono) }

// timerBase is what a monotonic event counts from; ok is false if that has not happened.
func (e *Engine) timerBase(u, x *runUnit, base unit.TimerBase) (at uint64, ok bool) {
	switch base {
	case unit.OnActive:
		if u.active() == graph.Active {
			return u.times[stampInactiveExit].Mono, true
		}
		return e.now.Mono, true
	case unit.OnBoot:
		if !e.cfg.Container {
			return 0, true // which is where the clock starts
		}
		return e.cfg.Started, true
	case unit.OnStartup:
		return e.cfg.Started, true
	case unit.OnUnitActive:
		at = max(x.times[stampInactiveExit].Mono, u.tim.Last.Mono)
	case unit.OnUnitInactive:
		at = max(x.times[stampInactiveEnter].Mono, u.tim.Last.Mono)
	case unit.OnCalendar, unit.TimerBases:
	}
	return at, at != 0
}

// settle counts anew for a definition that has changed. A timer that did not fire for
// it was to be stopped does so if it stays after all.
func (t *timerUnit) settle(e *Engine, u *runUnit) {
	stale := t.Stale
	t.Stale = false
	switch {
	case t.Sub != TimerWaiting:
	case stale:
		t.wait(e, u, false)
	case u.job == nil && u.timers[timerElapse] == nil:
		t.arm(e, u)
	}
}

// delayed adds RandomizedDelaySec= to a time.
func (e *Engine) delayed(u *runUnit, at uint64) uint64 {
	most := uint64(u.Def.Timer.RandomizedDelay)
	if most == 0 {
		return at
	}
	draw := e.rng.Uint64()
	if u.Def.Timer.FixedRandomDelay {
		h := fnv.New64a()
		h.Write([]byte(e.cfg.MachineID + "\x00" + e.cfg.Account + "\x00" + u.Name))
		draw = h.Sum64()
	}
	return at + min(draw%most, never-1-at)
}

// arm has the engine woken when the timer is to fire, as late as AccuracySec= allows
// if others may fire together with it.
func (t *timerUnit) arm(e *Engine, u *runUnit) {
	def := u.Def.Timer
	at := uint64(never)
	if t.NextMono != 0 {
		at = e.together(t.NextMono, uint64(def.Accuracy), e.now.Mono)
	}
	if t.NextReal != 0 {
		real := e.together(t.NextReal, uint64(def.Accuracy), e.now.Real)
		at = min(at, e.now.Mono+real-min(real, e.now.Real))
	}
	t.Alarm = 0
	if at == never {
		e.disarm(u, timerElapse)
		return
	}
	if def.WakeSystem {
		t.Alarm, e.alarms = e.now.Real+(max(at, e.now.Mono)-e.now.Mono), true
	}
	e.armAt(u, timerElapse, at)
}

// due: it may be time to fire. The wall clock may have been set back in the meantime.
func (t *timerUnit) due(e *Engine, u *runUnit) {
	switch {
	case t.Sub != TimerWaiting:
	case t.NextMono != 0 && t.NextMono <= e.now.Mono, t.NextReal != 0 && t.NextReal <= e.now.Real:
		t.elapsed(e, u)
	default:
		t.arm(e, u)
	}
}

// together picks a time from at on that is no more than accuracy later and that other
// timers will pick as well: the same second of a minute, if that fits, or of ten, the
// same moment of a second, of a quarter. Which one is the machine's own.
func (e *Engine) together(at, accuracy, now uint64) uint64 {
	if at <= now || accuracy <= 1 {
		return at
	}
	last := at + min(accuracy, never-1-at)
	for _, step := range [...]value.Span{
		value.Minute, 10 * value.Second, value.Second, 250 * value.Millisecond,
	} {
		s := uint64(step)
		pick := last - last%s + e.offset()%s
		if pick > last && pick >= s {
			pick -= s
		}
		if at <= pick && pick <= last {
			return pick
		}
	}
	return last
}

// offset is where in a minute this machine's timers fire, in microseconds.
func (e *Engine) offset() uint64 {
	h := fnv.New64a()
	h.Write([]byte(e.cfg.MachineID))
	return h.Sum64() % uint64(value.Minute)
}

// elapsed: the time has come, or something that makes the timer fire has happened.
func (t *timerUnit) elapsed(e *Engine, u *runUnit) {
	if t.Sub != TimerWaiting || u.stopPending() {
		return
	}
	x := e.triggered(u)
	if x == nil {
		e.log(Err, u, "Unit to trigger vanished.")
		t.enterDead(e, u, ResultResources)
		return
	}
	why := &Cause{
		At: e.now, Unit: x.Name, What: "job start queued", Why: u.Name + " fired", From: e.cause,
	}
	t.Last = e.now
	e.activate(x, why, Trigger{Unit: u.Name, Time: e.now})
	if u.Def.Timer.Persistent {
		e.emit(WriteStamp{Unit: u.Name, At: e.now.Real})
	}
	t.enter(e, u, TimerRunning)
}

// refused: the job that the timer has asked for cannot be.
func (t *timerUnit) refused(e *Engine, u *runUnit) {
	if t.Sub == TimerRunning {
		t.enterDead(e, u, ResultResources)
	}
}

// followed: the unit that the timer starts, or its job, has changed.
func (t *timerUnit) followed(e *Engine, u, x *runUnit) {
	if e.triggered(u) != x || x.Def.Load != unit.Loaded {
		return
	}
	for i, s := range u.Def.Timer.Specs {
		if s.Base == unit.OnUnitActive || s.Base == unit.OnUnitInactive {
			t.Events[i].Spent = false
		}
	}
	switch t.Sub {
	case TimerWaiting, TimerElapsed:
		t.wait(e, u, false)
	case TimerRunning:
		if x.active().Down() {
			t.wait(e, u, false)
		}
	case TimerDead, TimerFailed, TimerStates:
	}
}

// tellTimers tells the timers and paths that start a unit of its change.
func (e *Engine) tellTimers(x *runUnit) {
	for _, l := range x.Links(unit.TriggeredBy) {
		switch u := e.at(l.To); {
		case u.tim != nil:
			u.tim.followed(e, u, x)
		case u.pth != nil:
			u.pth.followed(e, u, x)
		}
	}
}

// eachWaiting looks at the timers that wait, by unit.
func (e *Engine) eachWaiting(f func(t *timerUnit, u *runUnit)) {
	for _, n := range e.g.Nodes() {
		if u := e.at(n); u.tim != nil && u.tim.Sub == TimerWaiting {
			f(u.tim, u)
		}
	}
}

// woken: timers fire that were to wake the machine. Time has stood still for the
// others, and for the clock that these count by.
func (e *Engine) woken() {
	e.eachWaiting(func(t *timerUnit, u *runUnit) {
		if t.Alarm != 0 && t.Alarm <= e.now.Real {
			e.cause = &Cause{At: e.now, Unit: u.Name, What: "the machine was woken", From: u.cause}
			t.elapsed(e, u)
		}
	})
}

// clockChanged: the wall clock was set, or the machine was asleep.
func (e *Engine) clockChanged() {
	e.woken()
	e.eachWaiting(func(t *timerUnit, u *runUnit) {
		e.cause = &Cause{At: e.now, Unit: u.Name, What: "the clock was set", From: u.cause}
		t.Last.Real = min(t.Last.Real, e.now.Real) // what has fired in the future did not
		if u.Def.Timer.OnClockChange {
			t.elapsed(e, u)
		} else {
			t.wait(e, u, true)
		}
	})
}

// zoneChanged: the local time is another one.
func (e *Engine) zoneChanged(ev ZoneChanged) {
	if e.cfg.Zone = ev.Zone; e.cfg.Zone == nil {
		e.cfg.Zone = time.UTC
	}
	e.eachWaiting(func(t *timerUnit, u *runUnit) {
		e.cause = &Cause{At: e.now, Unit: u.Name, What: "the time zone changed", From: u.cause}
		if u.Def.Timer.OnTimezoneChange {
			t.elapsed(e, u)
		} else {
			t.wait(e, u, false)
		}
	})
}

// alarm tells the host when the machine must be awake, if that has changed.
func (e *Engine) alarm() {
	at := uint64(0)
	e.alarms = false
	e.eachWaiting(func(t *timerUnit, _ *runUnit) {
		if t.Alarm != 0 && (at == 0 || t.Alarm < at) {
			at = t.Alarm
		}
	})
	if at != e.waking {
		e.waking = at
		e.emit(SetAlarm{At: at})
	}
}
