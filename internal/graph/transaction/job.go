package transaction

import (
	"fmt"

	"rouse/internal/graph"
)

// JobType is what a job does to its unit. systemctl(1).
type JobType uint8

// The job types. The first five can be queued and merge with each other; Nop
// is queued and does nothing; the rest become one of those when a job is made.
const (
	Start JobType = iota
	VerifyActive
	Stop
	Reload
	Restart
	Nop
	TryRestart
	TryReload
	ReloadOrStart
	ReloadOrRestart
	ReloadOrTryRestart
	JobTypes
)

var jobTypeWords = [JobTypes]string{
	"start", "verify-active", "stop", "reload", "restart", "nop", "try-restart", "try-reload",
	"reload-or-start", "reload-or-restart", "reload-or-try-restart",
}

func (t JobType) String() string { return jobTypeWords[t] }

// ParseJobType finds the job type called word.
func ParseJobType(word string) (JobType, bool) {
	for i, w := range jobTypeWords {
		if w == word {
			return JobType(i), true
		}
	}
	return 0, false
}

// merged says what two jobs for one unit become; conflict where they cannot.
var merged = [Nop][Nop]JobType{
	Start:        {Start, Start, conflict, ReloadOrStart, Restart},
	VerifyActive: {Start, VerifyActive, conflict, Reload, Restart},
	Stop:         {conflict, conflict, Stop, conflict, conflict},
	Reload:       {ReloadOrStart, Reload, conflict, Reload, Restart},
	Restart:      {Restart, Restart, conflict, Restart, Restart},
}

const conflict = JobTypes

// Merge says what becomes of two jobs for a unit in the given state; not ok
// where they contradict each other.
func Merge(a, b JobType, state graph.ActiveState) (t JobType, ok bool) {
	if a == b {
		return a, true
	}
	if a >= Nop || b >= Nop {
		return 0, false
	}
	t = merged[a][b]
	if t == conflict {
		return 0, false
	}
	return Collapse(t, state), true
}

// Conflicting reports whether two jobs for one unit contradict each other.
func Conflicting(a, b JobType) bool {
	return a != b && a < Nop && b < Nop && merged[a][b] == conflict
}

// Superset reports whether doing a does all that b asks for.
func Superset(a, b JobType) bool {
	return a == b || a < Nop && b < Nop && merged[a][b] == a
}

// Collapse turns the job types that depend on the unit's state into one that
// can be queued.
func Collapse(t JobType, state graph.ActiveState) JobType {
	idle := state.Falling()
	switch t {
	case TryRestart:
		if idle {
			return Nop
		}
		return Restart
	case TryReload:
		if idle {
			return Nop
		}
		return Reload
	case ReloadOrStart:
		if idle {
			return Start
		}
		return Reload
	case Start, VerifyActive, Stop, Reload, Restart, Nop, ReloadOrRestart, ReloadOrTryRestart,
		JobTypes:
	}
	return t
}

// Redundant reports whether a unit in that state already is what the job wants.
func Redundant(t JobType, state graph.ActiveState) bool {
	switch t {
	case Start, VerifyActive:
		return state.Up()
	case Stop:
		return state.Down()
	case Reload:
		return state == graph.Reloading
	case Nop:
		return true
	case Restart, TryRestart, TryReload, ReloadOrStart, ReloadOrRestart, ReloadOrTryRestart, JobTypes:
	}
	return false
}

// Comes says which of two jobs must be done first when the unit of a is ordered
// before the unit of b: negative for a, positive for b, 0 if it does not matter.
// What stops goes first, whatever the order.
func Comes(a, b JobType) int {
	if a == Nop || b == Nop {
		return 0
	}
	if b == Stop || b == Restart {
		return 1
	}
	return -1
}

// MarshalText gives the word.
func (t JobType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word.
func (t *JobType) UnmarshalText(text []byte) (err error) {
	known, ok := ParseJobType(string(text))
	if !ok {
		return fmt.Errorf("no job type is called %q", text)
	}
	*t = known
	return nil
}
