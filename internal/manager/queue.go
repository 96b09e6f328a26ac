package manager

import (
	"context"
	"runtime"
	"sync"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// maxQueue is how many things may wait for the owner of the engine; then those who
// bring more wait as well.
const maxQueue = 1024

// queue is what is to be done with the engine, in the order in which it came. One
// goroutine at a time owns the engine: Run's, or that of a room which brings news
// while nobody has it, and which then carries on what follows from that. So the end
// of a process leads to the start of the next without waking anybody in between.
type queue struct {
	mu    sync.Mutex
	list  []func()
	owned bool          // somebody has the engine, and will see the list
	last  bool          // the manager is to end: it is Run's, and nothing else is done
	over  bool          // the list is gone
	room  sync.Cond     // list has become shorter, or over
	wake  chan struct{} // there is something for Run
	timer *time.Timer   // for the engine's next deadline
	at    uint64        // when it fires; 0 is never
}

func newQueue() *queue {
	q := &queue{owned: true, wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	q.room.L = &q.mu
	return q
}

// put adds f, and reports whether the caller is to carry it out, with all that
// follows: it owns the engine now. It waits while the queue is full.
func (q *queue) put(f func(), mayOwn bool) (owner bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) >= maxQueue && !q.over {
		q.room.Wait()
	}
	if q.over {
		return false
	}
	q.list = append(q.list, f)
	if q.owned {
		return false
	}
	if mayOwn {
		q.owned = true
		return true
	}
	q.rouse()
	return false
}

// rouse has Run look. The caller holds q.mu.
func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// own takes the engine if nobody has it.
func (q *queue) own() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	had := q.owned
	q.owned = true
	return !had
}

// next gives what is to be done next; nil if there is nothing.
func (q *queue) next() func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return nil
	}
	f := q.list[0]
	q.list[0] = nil
	if q.list = q.list[1:]; len(q.list) == 0 {
		q.list = nil
	}
	if len(q.list) == maxQueue-1 {
		q.room.Broadcast()
	}
	return f
}

// leave gives the engine up, if nothing has come meanwhile.
func (q *queue) leave() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) > 0 {
		return false
	}
	q.owned = false
	return true
}

// finish leaves the engine to Run, for good.
func (q *queue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last = true
	q.rouse()
}

// ended reports that finish was called.
func (q *queue) ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.last
}

// close drops what is left and what is still to come.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.over, q.list = true, nil
	q.timer.Stop()
	q.room.Broadcast()
}

// carryOn works off the queue. The caller owns the engine, and no longer when it
// returns, unless the manager is to end.
func (m *Manager) carryOn() {
	for ticked := false; ; {
		for m.end == nil {
			f := m.queue.next()
			if f == nil {
				break
			}
			m.attend(f)
		}
		if m.end != nil {
			m.queue.finish()
			return
		}
		if !ticked && m.due() {
			ticked = true // once, whatever comes of it: then it is the timer's
			m.attend(func() { m.step(engine.Tick{}) })
			continue
		}
		m.arm()
		if m.queue.leave() {
			return
		}
	}
}

// attend does one thing. A panic costs that one: whoever owns the engine goes on.
func (m *Manager) attend(f func()) {
	defer m.recovered("the manager")
	f()
	m.dropLoose()
	m.settled()
}

// due reports that the engine's next deadline has come already: a process that is started
// anew without delay waits for no timer.
func (m *Manager) due() bool {
	at, ok := m.e.NextWake()
	return ok && at <= sys.Monotonic() && !m.departure.frozen
}

// arm sets the timer for the engine's next deadline. A timer that fires too early is
// left as it is: to set it anew wakes a thread, and most deadlines pass unused. calm
// stops it when there is nothing more to be done.
func (m *Manager) arm() {
	at, ok := m.e.NextWake()
	if !ok || m.queue.at != 0 && m.queue.at <= at {
		return
	}
	m.queue.at = at
	now := sys.Monotonic()
	d := time.Duration(0)
	if at > now {
		d = time.Duration(min(at-now, uint64(24*value.Hour))) * time.Microsecond
	}
	m.queue.timer.Reset(d)
}

// calm stops a timer that nobody needs.
func (m *Manager) calm() {
	if _, ok := m.e.NextWake(); !ok && m.queue.at != 0 {
		m.queue.at = 0
		m.queue.timer.Stop()
	}
}

// tick is for when that timer has fired.
func (m *Manager) tick() {
	m.queue.at = 0
	m.step(engine.Tick{})
}

// post hands work to the owner of the engine. It waits while the queue is full.
func (m *Manager) post(f func()) { m.queue.put(f, false) }

// carry hands work to the owner of the engine, which may be the caller: f, and
// whatever else is to be done, may be done before it returns. The caller must hold
// no lock, and nothing must wait for it.
func (m *Manager) carry(f func()) {
	if m.queue.put(f, true) {
		m.carryOn()
	}
}

// send hands an event to the owner of the engine.
func (m *Manager) send(ev engine.Event) { m.carry(func() { m.step(ev) }) }

// call has f done by the owner of the engine and waits for it.
func (m *Manager) call(ctx context.Context, f func()) error {
	done := make(chan struct{})
	m.carry(func() { defer close(done); f() })
	return m.await(ctx, done)
}

// await waits for done, but no longer than anybody is there to ask or to answer.
func (m *Manager) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-m.ctx.Done():
		return errEnded
	}
}

var errEnded = &face.Error{Name: face.ShuttingDown, Message: "the manager has ended"}

// workers is how many workers work at a time, and threads how many threads there
// are from the beginning on, in case that no more can be had later.
const (
	workers = 8
	threads = workers + 8
)

// crew does what may wait for the kernel, in the order in which it was asked for.
//
// Only some of it is done at a time: each that waits for the kernel holds a thread,
// and the Go runtime dies if it needs one more than the system lets it have. A
// worker stays when it is done, and the one that was busy last is the next to be:
// its stack has grown to the size that is needed.
type crew struct {
	mu    sync.Mutex
	queue []func()
	free  []chan func() // of workers without work
	staff int
	gone  bool // nothing more is asked for
	wg    sync.WaitGroup
}

// do has f done by a worker. It does not wait.
func (c *crew) do(f func()) {
	c.wg.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch n := len(c.free); {
	case n > 0:
		c.free[n-1] <- f
		c.free = c.free[:n-1]
	case c.staff < workers:
		c.staff++
		go c.work(f)
	default:
		c.queue = append(c.queue, f)
	}
}

// aside has f done beside the workers, for it may take longer than they are to be held.
// Nothing waits for it once it has called left.
func (c *crew) aside(f func(left func())) {
	c.wg.Add(1)
	left := sync.OnceFunc(c.wg.Done)
	go func() {
		defer left()
		f(left)
	}()
}

func (c *crew) work(f func()) {
	next := make(chan func(), 1)
	for ; f != nil; f = c.next(next) {
		f()
		c.wg.Done()
	}
}

// next gives what is to be done next, nil when the crew is dismissed.
func (c *crew) next(idle chan func()) func() {
	c.mu.Lock()
	if len(c.queue) > 0 {
		f := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.mu.Unlock()
		return f
	}
	if c.gone {
		c.mu.Unlock()
		return nil
	}
	c.free = append(c.free, idle)
	c.mu.Unlock()
	return <-idle
}

// dismiss waits until all is done, and ends the workers.
func (c *crew) dismiss() {
	c.wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	for _, idle := range c.free {
		close(idle)
	}
	c.free = nil
}

// goes has a worker do f; close waits for it. A panic in it is logged.
func (m *Manager) goes(f func()) {
	m.crew.do(func() {
		defer m.recovered("a worker")
		f()
	})
}

// goesAside has a launch done beside the workers.
func (m *Manager) goesAside(l *launch, f func()) {
	m.crew.aside(func(left func()) {
		defer m.recovered("a launch")
		l.left = left
		f()
	})
}

// warm has the runtime make its threads while it can.
func warm() {
	var ready, done sync.WaitGroup
	ready.Add(threads)
	for range threads {
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			ready.Wait()
		})
	}
	done.Wait()
}
