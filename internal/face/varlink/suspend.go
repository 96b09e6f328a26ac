package varlink

import (
	"context"
	"sync"

	"rouse/internal/face/gate"
	"rouse/internal/host/sys"
)

// Saved is a suspended server as plain data, with descriptors by their numbers.
type Saved struct {
	Listener int
	Conns    []SavedConn
}

// SavedConn is one connection, with what was read of requests that have no answer.
type SavedConn struct {
	FD    int
	Input []byte `json:",omitempty"`
}

// FDs lists the descriptors in it.
func (s *Saved) FDs() []int {
	var fds []int
	if s.Listener >= 0 {
		fds = append(fds, s.Listener)
	}
	for _, c := range s.Conns {
		fds = append(fds, c.FD)
	}
	return fds
}

// suspension is how Suspend and the goroutines of a server agree.
type suspension struct {
	gate.Gate
	mu    sync.Mutex
	saved Saved
	open  map[*conn]bool
}

func (s *Server) suspended() bool { return s.leave.Suspended() }

// Suspend ends Serve, which must have been called, and leaves connections open. What it
// gives is for the server of the next program.
func (s *Server) Suspend() *Saved {
	l := &s.leave
	l.Suspend()
	l.mu.Lock()
	for c := range l.open {
		c.hurry()
	}
	l.mu.Unlock()
	l.saved.Listener = l.Left()
	return &l.saved
}

func (l *suspension) enter(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[*conn]bool{}
	}
	l.open[c] = true
}

func (l *suspension) exit(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// keep puts a connection aside. If that cannot be, it is closed, and its client asks again.
func (l *suspension) keep(c *conn, input []byte) {
	fd, err := sys.DuplicateOf(c.nc)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saved.Conns = append(l.saved.Conns, SavedConn{FD: fd, Input: input})
}

// resume serves the connections of a suspended server.
func (s *Server) resume(ctx context.Context, wg *sync.WaitGroup) {
	if s.Saved == nil {
		return
	}
	for _, saved := range s.Saved.Conns {
		if nc, err := gate.Connection(saved.FD); err == nil {
			s.begin(ctx, wg, nc, saved.Input)
		}
	}
}
