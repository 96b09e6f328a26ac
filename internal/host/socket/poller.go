package socket

import (
	"slices"
	"sync"
	"time"

	"rouse/internal/host/sys"
)

// A Poller waits for traffic on the descriptors of many units with one goroutine
// in one poll(2). It makes no call while nothing happens, and takes no notice of
// traffic for units that are not watched.
type Poller struct {
	wait       func(fds []int) (ready []int, err error)
	incoming   func(unit string, fd int)
	wake, woke int // the ends of a pipe, to write and to read
	done       chan struct{}

	mu      sync.Mutex
	watched map[string]*watch
	closed  bool
	pending bool            // there is a byte in the pipe
	turns   []chan struct{} // closed when the poll(2) under way has returned
}

// settling bounds how long Release waits.
const settling = 100 * time.Millisecond

// watch is one call of Watch. Another for the same unit is another watch.
type watch struct {
	unit string
	fds  []int
}

// NewPoller starts a poller. incoming is called from its goroutine, once for
// each Watch, and must not block.
func NewPoller(incoming func(unit string, fd int)) (*Poller, error) {
	return newPoller(sys.Readable, incoming)
}

// NewHangups starts a poller that waits for the loss of the other end instead, and
// takes no notice of traffic.
func NewHangups(lost func(unit string, fd int)) (*Poller, error) {
	return newPoller(sys.HungUp, lost)
}

func newPoller(
	wait func([]int) ([]int, error), incoming func(unit string, fd int),
) (*Poller, error) {
	woke, wake, err := sys.Pipe()
	if err != nil {
		return nil, err
	}
	p := &Poller{
		wait: wait, incoming: incoming, wake: wake, woke: woke,
		done: make(chan struct{}), watched: map[string]*watch{},
	}
	go p.run()
	return p, nil
}

// Watch waits for traffic on any of the descriptors, once: then the unit is no
// longer watched.
func (p *Poller) Watch(unit string, fds []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watched[unit] = &watch{unit, slices.Clone(fds)}
	p.rouse()
}

// Unwatch stops waiting for the unit. When it returns, the descriptors may be
// closed, and incoming is not called for them any more unless it is being called.
func (p *Poller) Unwatch(unit string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.watched, unit)
	p.rouse()
}

// Release is Unwatch for descriptors that are about to be closed. What is waited for
// stays open as long as it is, and would go on taking connections; so it is awaited that
// the wait has ended.
func (p *Poller) Release(unit string) {
	turn := make(chan struct{})
	p.mu.Lock()
	delete(p.watched, unit)
	p.turns = append(p.turns, turn)
	p.rouse()
	p.mu.Unlock()
	select {
	case <-turn:
	case <-time.After(settling): // the poller is busy with what was found
	}
}

// Close ends the poller.
func (p *Poller) Close() {
	p.mu.Lock()
	p.closed = true
	p.rouse()
	p.mu.Unlock()
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	sys.CloseFD(p.wake)
	sys.CloseFD(p.woke)
	p.pending = true // nobody is to be roused any more
}

// rouse has the goroutine look at what is watched anew. The caller holds p.mu.
func (p *Poller) rouse() {
	if !p.pending {
		p.pending = true
		sys.Write(p.wake, []byte{0})
	}
}

func (p *Poller) run() {
	defer close(p.done)
	for {
		fds, owners, ok := p.list()
		if !ok {
			return
		}
		ready, err := p.wait(fds)
		if err != nil {
			// Too many descriptors for the limit, or no memory: wait for a change.
			ready, _ = p.wait(fds[:1])
		}
		for _, fd := range ready {
			if fd != p.woke && p.take(owners[fd]) {
				p.incoming(owners[fd].unit, fd)
			}
		}
	}
}

// list gives what is watched now, the pipe first.
func (p *Poller) list() (fds []int, owners map[int]*watch, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, turn := range p.turns {
		close(turn)
	}
	p.turns = nil
	if p.pending {
		p.pending = false
		sys.Read(p.woke, make([]byte, 8))
	}
	fds = append(fds, p.woke)
	owners = map[int]*watch{}
	for _, w := range p.watched {
		for _, fd := range w.fds {
			fds = append(fds, fd)
			owners[fd] = w
		}
	}
	return fds, owners, !p.closed
}

// take ends a watch and reports whether it was still on.
func (p *Poller) take(w *watch) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watched[w.unit] != w {
		return false
	}
	delete(p.watched, w.unit)
	return true
}
