package manager

import (
	"runtime"
	"sync"
)

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
