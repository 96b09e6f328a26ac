package varlink

import (
	"context"
	"net"
	"os"
	"sync"

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
	once  sync.Once
	asked chan struct{} // closed when they are to leave everything as it is
	done  chan struct{} // closed when Serve returns

	mu    sync.Mutex
	saved Saved
	open  map[*conn]bool
}

func (s *Server) suspending() *suspension {
	s.leave.once.Do(func() {
		s.leave.asked, s.leave.done = make(chan struct{}), make(chan struct{})
		s.leave.open = map[*conn]bool{}
		s.leave.saved.Listener = -1
	})
	return &s.leave
}

// suspended reports that Suspend was called.
func (s *Server) suspended() bool {
	select {
	case <-s.suspending().asked:
		return true
	default:
		return false
	}
}

// Suspend ends Serve, which must have been called, and leaves connections open. What it
// gives is for the server of the next program.
func (s *Server) Suspend() *Saved {
	l := s.suspending()
	close(l.asked)
	l.mu.Lock()
	for c := range l.open {
		c.hurry()
	}
	l.mu.Unlock()
	<-l.done
	return &l.saved
}

func (l *suspension) enter(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = true
}

func (l *suspension) exit(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// keepListener puts a listener aside. Without, a new one is made.
func (l *suspension) keepListener(from *net.UnixListener) {
	if fd, err := sys.DuplicateOf(from); err == nil {
		l.saved.Listener = fd
	}
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
		f := os.NewFile(uintptr(saved.FD), "connection")
		c, err := net.FileConn(f)
		f.Close()
		if err != nil {
			continue
		}
		if nc, ok := c.(*net.UnixConn); ok {
			s.begin(ctx, wg, nc, saved.Input)
		} else {
			c.Close()
		}
	}
}
