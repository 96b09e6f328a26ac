package rpc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/gate"
	"rouse/internal/host/sys"
)

// suspendedWrite bounds how long a client may take to read a reply when the manager is
// about to execute itself again.
const suspendedWrite = time.Second

// Saved is a suspended server as plain data, with descriptors by their numbers.
type Saved struct {
	Listener int
	Conns    []SavedConn
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

// SavedConn is one connection, with what was read and not yet looked at, and what its
// client waits for.
type SavedConn struct {
	FD         int
	Input      []byte      `json:",omitempty"`
	Calls      []SavedCall `json:",omitempty"`
	Subscribed int         `json:",omitempty"` // how often
}

// SavedCall is a request, or a batch of them, that has no answer yet.
type SavedCall struct {
	Batch   bool
	Members []SavedMember
}

// SavedMember is one request: answered, or begun with a job, or to be done anew.
type SavedMember struct {
	Request json.RawMessage `json:",omitempty"`
	Reply   json.RawMessage `json:",omitempty"`
	Job     *face.JobReply  `json:",omitempty"`
}

// suspension is how Suspend and the goroutines of a server agree.
type suspension struct {
	gate.Gate
	mu    sync.Mutex
	saved Saved
	open  map[*conn]bool
}

func (s *Server) suspended() bool { return s.leave.Suspended() }

// Suspend ends Serve, which must have been called, and leaves connections open: the
// state is for Resume. Calls that wait must have been given face.ErrSuspended, or be
// about to.
func (s *Server) Suspend() *Saved {
	l := &s.leave
	l.Suspend()
	l.mu.Lock()
	for c := range l.open {
		c.c.SetWriteDeadline(time.Now().Add(suspendedWrite))
		c.hold(0) // the reader is to see that it is over
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

// keep puts the connection aside, once nobody uses it any more.
func (c *conn) keep() {
	l := &c.s.leave
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	if !c.s.suspended() || c.ctx.Err() != nil {
		return
	}
	fd, err := sys.DuplicateOf(c.c)
	if err != nil {
		c.s.log("control connection lost: " + err.Error())
		return
	}
	c.saved.FD = fd
	l.saved.Conns = append(l.saved.Conns, c.saved)
}

// park notes a call that is to be answered after the re-execution.
func (c *conn) park(call SavedCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saved.Calls = append(c.saved.Calls, call)
}

// Resume serves the connections of a suspended server until ctx ends; Serve has to be
// called for the listener.
func (s *Server) resume(ctx context.Context, wg *sync.WaitGroup) {
	if s.Saved == nil {
		return
	}
	for _, saved := range s.Saved.Conns {
		nc, err := gate.Connection(saved.FD)
		if err != nil {
			s.log("control connection lost: " + err.Error())
			continue
		}
		s.mu.Lock()
		s.conns++
		s.mu.Unlock()
		wg.Go(func() {
			defer s.left()
			s.serveConn(ctx, nc, saved)
		})
	}
}

// again goes on with what the client waits for.
func (c *conn) again(saved SavedConn) {
	for range saved.Subscribed {
		c.subscribe(request{}, func(reply) {}, func() {})
	}
	for _, call := range saved.Calls {
		c.hold(1)
		c.wg.Go(func() {
			defer c.hold(-1)
			c.finish(call)
		})
	}
}

// finish answers a call that was begun before the re-execution.
func (c *conn) finish(call SavedCall) {
	var wg sync.WaitGroup
	for i := range call.Members {
		if m := &call.Members[i]; m.Reply == nil {
			wg.Go(func() { c.finishOne(m) })
		}
	}
	wg.Wait()
	c.answer(call)
}

func (c *conn) finishOne(m *SavedMember) {
	req, fault := parseRequest(m.Request)
	var result any
	var err error
	switch {
	case fault != nil:
		m.Reply = rawReply(reply{Version: "2.0", ID: req.id, Error: fault})
		return
	case req.method.name == "daemon-reexec":
		result = empty
	case m.Job != nil:
		if m.Job.Result, err = c.s.Manager.Await(c.ctx, m.Job.ID); err == nil {
			result, err = jobAnswer(*m.Job)
		}
	default:
		result, err = req.method.run(c.ctx, c.s.Manager, &req.params)
	}
	m.settle(req, result, err)
}

// settle notes the answer, or that there is none yet.
func (m *SavedMember) settle(req request, result any, err error) {
	if errors.Is(err, face.ErrSuspended) {
		if job, ok := result.(face.JobReply); ok && job.ID != 0 {
			m.Job = &job
		}
		return
	}
	r := reply{Version: "2.0", ID: req.id, Result: result}
	if err != nil {
		r.Result, r.Error = nil, wireErrorOf(err)
	}
	m.Reply = rawReply(r)
}

// answer sends what the members have to say, once all have; else the call is parked.
func (c *conn) answer(call SavedCall) {
	unanswered := func(m SavedMember) bool { return m.Reply == nil }
	if slices.ContainsFunc(call.Members, unanswered) {
		c.park(call)
		return
	}
	if !call.Batch {
		c.send(call.Members[0].Reply)
		return
	}
	var out []json.RawMessage
	for _, m := range call.Members {
		out = append(out, m.Reply)
	}
	c.send(out)
}

func rawReply(r reply) json.RawMessage {
	b, err := json.Marshal(r)
	if err != nil {
		b, _ = json.Marshal(reply{Version: "2.0", ID: r.ID, Error: failure(errorFailed, err.Error())})
	}
	return b
}

// keepInput notes what was read of requests that nobody has looked at.
func (c *conn) keepInput(raw []byte, r *bufio.Reader) {
	rest, _ := r.Peek(r.Buffered())
	c.saved.Input = slices.Concat(raw, rest)
}

// inputOf reads what a connection has left, and then from it.
func inputOf(saved SavedConn, nc net.Conn) io.Reader {
	if len(saved.Input) == 0 {
		return nc
	}
	return io.MultiReader(bytes.NewReader(saved.Input), nc)
}
