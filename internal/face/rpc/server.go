package rpc

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"rouse/internal/face"
	"rouse/internal/host/sys"
)

// The bounds of a server whose fields are zero.
const (
	defaultMaxConns = 256
	defaultIdle     = 10 * time.Minute
	defaultPartial  = 10 * time.Second
	defaultWrite    = 5 * time.Second
	maxWaiting      = 1024 // requests of one connection that wait for a job
)

// Server answers requests to one manager. The zero value of everything but
// Manager is usable.
type Server struct {
	Manager face.Manager
	// Log is told of connections refused or dropped; nil: nobody is.
	Log func(string)
	// MaxConns bounds the connections; one more is told so and closed. 0 is 256, or an
	// eighth of the descriptors that there can be.
	MaxConns int
	// Idle ends a connection that asks for nothing, waits for nothing and has
	// subscribed to nothing; Partial one that does not finish a request it has
	// begun; Write one that does not read its replies.
	Idle, Partial, Write time.Duration
	// Saved is what Suspend of the server before has given; nil if there was none.
	Saved *Saved

	mu    sync.Mutex
	conns int
	leave suspension
}

// Serve accepts connections until ctx ends or l fails, and returns once all are
// closed. It closes l. Only root and the user that the manager runs as are
// answered. Where the system cannot tell who the peer is, the mode of the socket
// alone keeps others out.
func (s *Server) Serve(ctx context.Context, l *net.UnixListener) error {
	return s.leave.Serve(ctx, l, s.resume, func(
		ctx context.Context, wg *sync.WaitGroup, c *net.UnixConn,
	) {
		if reason := s.refuse(c); reason != nil {
			s.log("control connection refused: " + reason.Message)
			wg.Go(func() { s.turnAway(c, reason) })
			return
		}
		wg.Go(func() {
			defer s.left()
			s.ServeConn(ctx, c)
		})
	})
}

// refuse tells why c is not served; nil if it is, and then it counts.
func (s *Server) refuse(c net.Conn) *wireError {
	if u, ok := c.(*net.UnixConn); ok {
		peer, err := sys.PeerOf(u)
		switch {
		case errors.Is(err, sys.ErrUnsupported):
		case err != nil:
			return failure(face.AccessDenied, "peer unknown: "+err.Error())
		case peer.UID != 0 && int(peer.UID) != os.Geteuid():
			return failure(face.AccessDenied, "access denied")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns >= orInt(s.MaxConns, sys.FileShare(defaultMaxConns, 8)) {
		return failure("org.freedesktop.DBus.Error.LimitsExceeded", "too many connections")
	}
	s.conns++
	return nil
}

func (s *Server) left() {
	s.mu.Lock()
	s.conns--
	s.mu.Unlock()
}

// turnAway tells the reason and closes.
func (s *Server) turnAway(c net.Conn, reason *wireError) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(orDuration(s.Write, defaultWrite)))
	if b, err := json.Marshal(reply{Version: "2.0", Error: reason}); err == nil {
		c.Write(append(b, '\n'))
	}
}

func (s *Server) log(text string) {
	if s.Log != nil {
		s.Log(text)
	}
}

func orInt(n, or int) int {
	if n > 0 {
		return n
	}
	return or
}

func orDuration(d, or time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return or
}

// conn is one connection. Its reader handles requests one after another; only
// those that wait for a job, and subscriptions, go on beside it.
type conn struct {
	s      *Server
	c      net.Conn
	ctx    context.Context
	cancel context.CancelFunc

	writing sync.Mutex // one reply at a time
	slots   chan struct{}
	wg      sync.WaitGroup

	mu     sync.Mutex
	busy   int // waiting requests and subscriptions: no idle limit meanwhile
	reads  bool
	partly bool
	saved  SavedConn // what is left of it when the server is suspended
}

// ServeConn answers the requests of one connection, whoever is at its other end,
// and closes it. It returns when the client has closed its side and has all
// replies, has broken a bound, or ctx has ended.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) {
	s.serveConn(ctx, nc, SavedConn{})
}

func (s *Server) serveConn(ctx context.Context, nc net.Conn, saved SavedConn) {
	ctx, cancel := context.WithCancel(ctx)
	c := &conn{s: s, c: nc, ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxWaiting)}
	defer nc.Close()
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock() // not between the look at ctx and the deadline that follows it
		defer c.mu.Unlock()
		nc.SetDeadline(time.Now())
	})
	defer stop()
	s.leave.enter(c)
	c.again(saved)
	c.read(inputOf(saved, nc))
	c.wg.Wait()
	c.keep()
}

// read handles requests until there are no more.
func (c *conn) read(from io.Reader) {
	f := &framer{r: bufio.NewReader(from), max: MaxRequest, begun: func() { c.waits(true, true) }}
	for {
		c.waits(true, false)
		raw, err := f.next()
		c.waits(false, false)
		switch {
		case err == nil:
			c.handle(raw)
		case c.s.suspended() && errors.Is(err, os.ErrDeadlineExceeded):
			c.keepInput(raw, f.r)
			return
		case errors.Is(err, errTooLong):
			c.send(reply{Version: "2.0", Error: &wireError{Code: codeRequest, Message: err.Error()}})
			c.cancel()
			return
		case errors.Is(err, errCut), errors.Is(err, os.ErrDeadlineExceeded) && len(raw) > 0:
			c.send(reply{Version: "2.0", Error: &wireError{Code: codeParse, Message: errCut.Error()}})
			return
		default:
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.cancel() // idle
			}
			return // end of requests; what waits is still answered
		}
	}
}

// waits notes whether the reader waits for a request, and whether it has part of
// one, and sets the deadline that goes with that.
func (c *conn) waits(reads, partly bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads, c.partly = reads, partly
	c.deadline()
}

// hold counts one more (or less) reason to keep an idle connection.
func (c *conn) hold(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy += n
	c.deadline()
}

// deadline sets until when something must have been read. c.mu is held.
func (c *conn) deadline() {
	var at time.Time
	switch {
	case c.ctx.Err() != nil, c.s.suspended():
		at = time.Unix(1, 0)
	case !c.reads:
	case c.partly:
		at = time.Now().Add(orDuration(c.s.Partial, defaultPartial))
	case c.busy == 0:
		at = time.Now().Add(orDuration(c.s.Idle, defaultIdle))
	}
	c.c.SetReadDeadline(at)
}

// send writes one value. A client that does not take it in time is dropped.
func (c *conn) send(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, _ = json.Marshal(reply{Version: "2.0", Error: failure(errorFailed, err.Error())})
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	patience := orDuration(c.s.Write, defaultWrite)
	if c.s.suspended() {
		patience = min(patience, suspendedWrite)
	}
	c.c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.c.Write(append(b, '\n')); err != nil && c.ctx.Err() == nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.s.log("control connection dropped: the client does not read its replies")
		}
		c.cancel()
	}
}
