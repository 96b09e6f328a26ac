package reap

import (
	"sync"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// Awaited are children that are no unit's: who has started them waits for them. The zero
// value has none.
type Awaited struct {
	mu      sync.Mutex
	waiting map[int]chan<- Exit // by process
}

// Expect has the exit of a process sent to a channel with room for it. It must be called
// before the process can have been reaped.
func (h *Awaited) Expect(pid int, exited chan<- Exit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[int]chan<- Exit{}
	}
	h.waiting[pid] = exited
}

// Reaped takes the exit of a process, if it is expected.
func (h *Awaited) Reaped(x Exit) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	ch, ok := h.waiting[x.PID]
	if ok {
		delete(h.waiting, x.PID)
		ch <- x
	}
	return ok
}

// Signal sends a signal to a process, unless it has been reaped: while it waits in the
// table, its number is nobody else's.
func (h *Awaited) Signal(pid int, sig value.Signal) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.waiting[pid]; !ok {
		return nil
	}
	return sys.Kill(pid, sig)
}
