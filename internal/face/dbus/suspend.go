package dbus

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/gate"
	"rouse/internal/host/sys"
	"rouse/internal/wire/dbus"
)

// suspendedWrite bounds how long a client may take to read what waits for it when the
// manager is about to execute itself again.
const suspendedWrite = time.Second

// Saved is a suspended server as plain data, with descriptors by their numbers.
type Saved struct {
	Listener    int
	Conns       []SavedConn
	Subscribers []string            // on the bus
	Jobs        map[uint32][]string // that somebody on the bus has asked for
	Dumps       dumpLimit
}

// SavedConn is one client of the private socket.
type SavedConn struct {
	FD       int
	Held     []int  `json:",omitempty"` // descriptors that came with Input
	Input    []byte `json:",omitempty"` // was read, and not looked at
	Serial   uint32
	TakesFDs bool
}

// FDs lists the descriptors in it.
func (s *Saved) FDs() []int {
	var fds []int
	if s.Listener >= 0 {
		fds = append(fds, s.Listener)
	}
	for _, c := range s.Conns {
		fds = append(append(fds, c.FD), c.Held...)
	}
	return fds
}

// suspension is how Suspend and the goroutines of a server agree.
type suspension struct {
	gate.Gate
	saved Saved // guarded by the server's mu
}

func (s *Server) suspended() bool { return s.leave.Suspended() }

// Suspend ends Serve, which must be called, and leaves clients connected, for Saved and the
// Restore of the next server. Those that have asked for the re-execution are told by the end
// of their connection, as by systemd.
func (s *Server) Suspend() {
	s.leave.Suspend()
	s.mu.Lock()
	for c := range s.conns {
		c.suspend()
	}
	if s.bus != nil {
		s.leave.saved.Subscribers, s.leave.saved.Jobs = s.bus.names(), map[uint32][]string{}
		for id, t := range s.jobs {
			s.leave.saved.Jobs[id] = t.senders
		}
	}
	s.mu.Unlock()
	s.leave.saved.Listener = s.leave.Left()
}

// Restore has the server go on where another one was suspended. It is called before
// Serve and Attach.
func (s *Server) Restore(saved *Saved) {
	s.given = saved
	s.leave.saved.Dumps = saved.Dumps
	for id, senders := range saved.Jobs {
		s.jobs[id] = &jobTrack{senders: senders}
	}
}

// resume serves those who were connected before.
func (s *Server) resume(ctx context.Context, wg *sync.WaitGroup) {
	if s.given == nil {
		return
	}
	for _, saved := range s.given.Conns {
		nc, err := gate.Connection(saved.FD)
		if err != nil {
			sys.CloseFDs(saved.Held)
			continue
		}
		c := newConn(s, nc, peerOf(nc))
		c.in.TakesFDs, c.serial, c.ready = saved.TakesFDs, saved.Serial, true
		c.in.Put(saved.Input, saved.Held)
		s.begin(ctx, wg, c)
	}
}

// suspend has the reader of the connection end, once it is done with what it does.
func (c *conn) suspend() {
	at := time.Unix(1, 0)
	if !c.isReady() {
		at = time.Now().Add(suspendedWrite) // it is about to say who it is
	}
	c.nc.SetReadDeadline(at)
	c.nc.SetWriteDeadline(time.Now().Add(suspendedWrite))
}

// keep has the connection stay open when its reader ends, unless the client is to see it
// end. It is told of what happens until the server is saved.
func (c *conn) keep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = c.s.suspended() && !c.departs && c.failed == nil && c.ready
}

// Saved gives the state of a suspended server, when nothing happens any more of which its
// clients are to be told.
func (s *Server) Saved() *Saved {
	s.mu.Lock()
	var conns []*conn
	for c := range s.conns {
		conns = append(conns, c)
	}
	clear(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		c.flush()
		c.writer.Wait()
		if saved, ok := c.save(); ok {
			s.leave.saved.Conns = append(s.leave.saved.Conns, saved)
		} else {
			sys.CloseFDs(c.in.Held())
		}
		c.fail(io.EOF)
	}
	return &s.leave.saved
}

func (c *conn) save() (saved SavedConn, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil || !c.ready {
		return saved, false
	}
	fd, err := sys.DuplicateOf(c.nc)
	if err != nil {
		c.s.log("private connection lost: " + err.Error())
		return saved, false
	}
	return SavedConn{
		FD: fd, Held: c.in.Held(), Input: append(c.again, c.in.Ahead()...), Serial: c.serial,
		TakesFDs: c.in.TakesFDs,
	}, true
}

// putOff has a call of the private socket done by the next manager.
func (c *conn) putOff(m *dbus.Message) {
	if b, err := m.Append(nil); err == nil {
		c.again = append(c.again, b...)
	}
}

// names lists who has subscribed, or holds a unit.
func (l *BusLink) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for n := range l.subscribers {
		list = append(list, n)
	}
	for n := range l.holders {
		if !l.subscribers[n] {
			list = append(list, n)
		}
	}
	return list
}

// restore takes those who had subscribed before for subscribers, as long as they are
// there.
func (l *BusLink) restore() {
	given := l.s.given
	if given == nil {
		return
	}
	were := given.Subscribers
	given.Subscribers = nil // a later connection knows of nobody
	l.mu.Lock()
	for _, n := range were {
		l.subscribers[n] = true
	}
	l.mu.Unlock()
	go func() {
		for _, n := range were {
			if _, err := l.credentials(l.ctx, n); err != nil {
				l.mu.Lock()
				delete(l.subscribers, n)
				l.mu.Unlock()
			}
		}
	}()
}

// reexecute has no answer: the client waits for the end of its connection.
func reexecute(c *call) error {
	if err := c.allow(reloadDaemon); err != nil {
		return err
	}
	err := c.s.m.Reexecute(c.ctx)
	if own, ok := c.from.(*conn); ok && errors.Is(err, face.ErrSuspended) {
		own.departs = true
	}
	return err
}
