// Package reap collects every dead child of the manager: those it started and
// those it inherited as a subreaper. It knows processes by number only and
// nothing of units. It answers for wait(2), and for PR_SET_CHILD_SUBREAPER.
package reap

import "sync"

// Code is how a process ended.
type Code uint8

// The ways to end; the words are those of $EXIT_CODE. systemd.exec(5).
const (
	Exited Code = iota
	Killed
	Dumped
	Codes
)

var codeWords = [Codes]string{Exited: "exited", Killed: "killed", Dumped: "dumped"}

func (c Code) String() string { return codeWords[c] }

// Exit is the end of one process.
type Exit struct {
	PID    int
	Code   Code
	Status int // the exit status; the signal, by its Linux number, if not Exited
}

// Config says what to do with the dead.
type Config struct {
	// Forking is held (an RWMutex's read lock will do) by whoever starts a process,
	// from before the fork until the new pid is registered: an exit is not
	// delivered before that. Nil if nobody forks.
	Forking sync.Locker
	// Before is called while the process is still there to be looked at in /proc.
	// It runs on the reaper's goroutine. Nil is nothing.
	Before func(pid int)
	// Deliver takes each exit, on the reaper's goroutine, in the order of the
	// kernel. It may block; the dead wait.
	Deliver func(Exit)
	// Log takes one line about what goes wrong. Nil is nowhere.
	Log func(line string)
}

// A Reaper collects dead children until it is closed.
type Reaper struct{}

// Start begins to collect, first the children that are dead already.
func Start(c Config) (*Reaper, error) { return &Reaper{}, nil }

// Close ends the collecting and waits for a Deliver under way.
func (r *Reaper) Close() {}

// Subreaper makes this process the parent of all orphans below it. PID 1 is
// that already. Linux 3.4, FreeBSD 10.2; ErrUnsupported elsewhere.
func Subreaper() error { return nil }
