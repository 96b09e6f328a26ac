package engine

import "rouse/internal/unit/value"

// timerKind says what a timer is for; a unit has at most one of each.
type timerKind uint8

const (
	timerState    timerKind = iota // the deadline of the present sub state
	timerWatchdog                  // WatchdogSec=
	timerJob                       // JobTimeoutSec=
	timerRunning                   // JobRunningTimeoutSec=
	timerAgain                     // another look at lasting reasons, after too many tries
	timerPoll                      // PollLimitIntervalSec=
	timerElapse                    // a timer unit fires
	timerKinds
)

type timer struct {
	at   uint64
	seq  uint64
	u    *runUnit
	kind timerKind
	pos  int // in the heap, -1 outside
}

// timerHeap is a binary heap by time and, for equal times, by age.
type timerHeap struct {
	list []*timer
	seq  uint64
}

func (h *timerHeap) next() (uint64, bool) {
	if len(h.list) == 0 {
		return 0, false
	}
	return h.list[0].at, true
}

func (h *timerHeap) less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (h *timerHeap) swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].pos, h.list[j].pos = i, j
}

func (h *timerHeap) up(i int) {
	for i > 0 && h.less(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h *timerHeap) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h.list) {
			return
		}
		if c+1 < len(h.list) && h.less(c+1, c) {
			c++
		}
		if !h.less(c, i) {
			return
		}
		h.swap(i, c)
		i = c
	}
}

func (h *timerHeap) push(t *timer) {
	h.seq++
	t.seq = h.seq
	h.put(t)
}

// put adds a timer that has its place among those of the same time already.
func (h *timerHeap) put(t *timer) {
	t.pos = len(h.list)
	h.list = append(h.list, t)
	h.up(t.pos)
}

func (h *timerHeap) remove(t *timer) {
	i, last := t.pos, len(h.list)-1
	if i < 0 {
		return
	}
	h.swap(i, last)
	h.list[last] = nil
	h.list = h.list[:last]
	if i < last {
		h.up(i)
		h.down(i)
	}
	t.pos = -1
}

// arm sets the unit's timer of that kind to fire after the span; infinity and,
// for all but the state timer, 0 is never.
func (e *Engine) arm(u *runUnit, kind timerKind, after value.Span) {
	e.disarm(u, kind)
	if after == value.Infinity || after > value.Infinity-value.Span(e.now.Mono) {
		return
	}
	e.armAt(u, kind, e.now.Mono+uint64(after))
}

func (e *Engine) armAt(u *runUnit, kind timerKind, at uint64) {
	e.disarm(u, kind)
	t := &timer{at: at, u: u, kind: kind}
	u.timers[kind] = t
	e.timers.push(t)
}

func (e *Engine) disarm(u *runUnit, kind timerKind) {
	if t := u.timers[kind]; t != nil {
		e.timers.remove(t)
		u.timers[kind] = nil
	}
}

// expire fires the timers whose time has come.
func (e *Engine) expire() {
	for {
		at, ok := e.timers.next()
		if !ok || at > e.now.Mono {
			return
		}
		t := e.timers.list[0]
		e.disarm(t.u, t.kind)
		e.cause = &Cause{
			At: e.now, Unit: t.u.Name, What: "a deadline passed", Why: timerWords[t.kind], From: t.u.cause,
		}
		switch t.kind {
		case timerState:
			t.u.deadlinePassed(e)
		case timerWatchdog:
			t.u.svc.watchdogPassed(e, t.u)
		case timerJob, timerRunning:
			e.jobTimedOut(t.u)
		case timerPoll:
			t.u.sock.watch(e, t.u)
		case timerAgain:
			e.touch(t.u)
		case timerElapse:
			t.u.tim.due(e, t.u)
		case timerKinds:
		}
	}
}

var timerWords = [timerKinds]string{
	timerState: "time limit of the state", timerWatchdog: "WatchdogSec=",
	timerJob: "JobTimeoutSec=", timerRunning: "JobRunningTimeoutSec=",
	timerAgain: "rate limit", timerPoll: "PollLimitIntervalSec=", timerElapse: "the time to fire",
}
