// Package reap collects every dead child of the manager: those it started and
// those it inherited as a subreaper. It knows processes by number only and
// nothing of units. It answers for wait(2), and for PR_SET_CHILD_SUBREAPER.
package reap

import (
	"os"
	"os/signal"
	"sync"
	"sync/atomic"

	"rouse/internal/host/sys"
)

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
	// Before is called while the process is still there to be looked at in /proc,
	// with Forking locked, on the reaper's goroutine. On systems without waitid's WNOWAIT the
	// process is gone by then. Nil is nothing.
	Before func(pid int)
	// Deliver takes each exit, on the reaper's goroutine, in the order of the
	// kernel. It may block; the dead wait.
	Deliver func(Exit)
	// Log takes one line about what goes wrong. Nil is nowhere.
	Log func(line string)
}

// A Reaper collects dead children until it is closed.
type Reaper struct {
	config  Config
	signals chan os.Signal
	born    chan struct{} // there is a child again
	lonely  atomic.Bool   // there was none
	stop    chan struct{}

	mu    sync.Mutex // held while a child is reaped
	ended bool
}

// Start begins to collect, first the children that are dead already.
func Start(c Config) *Reaper {
	if c.Forking == nil {
		c.Forking = new(sync.Mutex)
	}
	if c.Before == nil {
		c.Before = func(int) {}
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	r := &Reaper{
		config: c,
		// One is enough: signals coalesce anyway, and each drains all the dead.
		signals: make(chan os.Signal, 1),
		born:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
	}
	signal.Notify(r.signals, sys.ChildSignal)
	sys.WantChildSignal()() // not yet
	go r.run()
	return r
}

// Subreaper makes this process the parent of all orphans below it. PID 1 is
// that already. Linux 3.4, FreeBSD 10.2; sys.ErrUnsupported elsewhere.
func Subreaper() error { return sys.Subreaper() }

// Born may be called when a process has been started. Its end is noticed without,
// but later.
func (r *Reaper) Born() {
	if r.lonely.Load() {
		select {
		case r.born <- struct{}{}:
		default:
		}
	}
}

// Close ends the collecting and waits for a Deliver under way.
func (r *Reaper) Close() {
	signal.Stop(r.signals)
	close(r.stop)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

func (r *Reaper) run() {
	for {
		more, ok := r.next()
		switch {
		case !ok:
			return
		case !more:
			r.wait()
		}
	}
}

// next takes one dead child; more is false if there is none, ok when all is over.
func (r *Reaper) next() (more, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false, false
	}
	return r.reapOne(), true
}

// wait waits until there may be a dead child. As long as there are children, a thread
// waits in the kernel for the first to die, which is quicker than the signal, and none is
// sent. Without children, or where that cannot be, the signal is waited for.
func (r *Reaper) wait() {
	some, err := sys.AwaitChild()
	if some {
		return
	}
	defer sys.WantChildSignal()()
	r.lonely.Store(err == nil)
	defer r.lonely.Store(false)
	if _, ok, err := sys.PeekChild(); ok && err == nil {
		return // it came and went meanwhile
	}
	select {
	case <-r.signals:
	case <-r.born:
	case <-r.stop:
	}
}

// reapOne takes one dead child, if there is one.
func (r *Reaper) reapOne() bool {
	pid, ok, err := sys.PeekChild()
	if err != nil {
		return r.reapUnseen()
	}
	if !ok {
		return false
	}
	// Whoever was forking this pid has registered it once the lock is free; and
	// nobody can fork the same pid again while the dead one holds it.
	r.config.Forking.Lock()
	r.config.Before(pid)
	r.config.Forking.Unlock()
	d, ok, err := sys.ReapChild(pid)
	if err != nil {
		r.config.Log("reap: " + err.Error())
		return false
	}
	if ok {
		r.config.Deliver(exit(d))
	}
	// Not ok: somebody else was quicker, which only tests of others do.
	return true
}

// reapUnseen is reapOne for systems that cannot look before they reap. There the
// lock is held while the pid is freed and until Before has returned, so that it
// cannot be forked again in between.
func (r *Reaper) reapUnseen() bool {
	r.config.Forking.Lock()
	d, ok, err := sys.ReapChild(-1)
	if ok {
		r.config.Before(d.PID)
	}
	r.config.Forking.Unlock()
	if err != nil {
		r.config.Log("reap: " + err.Error())
	}
	if err != nil || !ok {
		return false
	}
	r.config.Deliver(exit(d))
	return true
}

func exit(d sys.Death) Exit {
	switch {
	case d.Dumped:
		return Exit{PID: d.PID, Code: Dumped, Status: int(d.Signal)}
	case d.Signal != 0:
		return Exit{PID: d.PID, Code: Killed, Status: int(d.Signal)}
	}
	return Exit{PID: d.PID, Code: Exited, Status: d.Status}
}
