package spawn

import "sync"

// A flight is one Start between fork and the call of Started.
type flight struct {
	done bool
	// died reports whether the new process is dead, without waiting. It gives true
	// where that cannot be known, and false before there is a process.
	died func() bool
}

// A barrier knows the flights under way. The reaper passes it after it has seen
// a dead child and before it tells anybody.
//
// It is not a plain lock around fork and registration, because a child can hang
// between fork and exec (a program on a dead network file system), and then
// nobody would be reaped. Waiting for those that are dead is enough: a process
// that is alive is not the one the reaper has seen.
type barrier struct {
	mu      sync.Mutex
	landed  sync.Cond
	flights map[*flight]struct{}
}

func newBarrier() *barrier {
	b := &barrier{flights: map[*flight]struct{}{}}
	b.landed.L = &b.mu
	return b
}

func (b *barrier) begin(died func() bool) *flight {
	f := &flight{died: died}
	b.mu.Lock()
	b.flights[f] = struct{}{}
	b.mu.Unlock()
	return f
}

func (b *barrier) end(f *flight) {
	b.mu.Lock()
	f.done = true
	delete(b.flights, f)
	b.mu.Unlock()
	b.landed.Broadcast()
}

// Lock waits for the flights whose process is dead.
func (b *barrier) Lock() {
	b.mu.Lock()
	defer b.mu.Unlock()
	var dead []*flight
	for f := range b.flights {
		if f.died() {
			dead = append(dead, f)
		}
	}
	for _, f := range dead {
		for !f.done {
			b.landed.Wait()
		}
	}
}

// Unlock does nothing: Lock keeps nobody from starting processes.
func (b *barrier) Unlock() {}
