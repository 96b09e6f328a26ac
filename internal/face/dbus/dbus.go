// Package dbus is the face that systemd's own clients speak to: the D-Bus interfaces
// org.freedesktop.systemd1.* on the private socket, where each client has a connection
// of its own, and on the message bus. It knows objects, interfaces, methods, signals,
// and who may call what; what they mean is face.Manager's. It answers for
// org.freedesktop.systemd1(5) and org.freedesktop.LogControl1(5).
//
// Methods are rows of tables, a file for each group of them (methods_*.go); rows adds
// the tables up. A row has a function that reads arguments from call.in and writes
// results to call.out. Where a method asks the manager only for what it knows, it does
// so in call.look; where it changes something, it first calls call.allow.
package dbus

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"

	"rouse/internal/face"
	"rouse/internal/face/gate"
	"rouse/internal/host/sys"
)

// PrivateSocket is where systemd's clients look for their manager, below /run or
// $XDG_RUNTIME_DIR.
const PrivateSocket = "systemd/private"

const (
	// maxConns is how many clients the private socket has at once; systemd has as many.
	// But they take no more than a part of all descriptors, for services need some.
	maxConns  = 4096
	connsPart = 4
	// maxSlow is how many calls may be waiting for somebody else.
	maxSlow = 4096
)

// Listen opens the private socket below dir, in the place of one that is there. Only
// root and the manager's own user may connect.
func Listen(dir string) (*net.UnixListener, error) {
	return gate.Listen(filepath.Join(dir, PrivateSocket), 0o600)
}

// Manager is what the face speaks to.
type Manager interface {
	face.Manager
	face.Live
	face.Show
}

// Server answers the clients of one manager.
type Server struct {
	m    Manager
	log  func(string)
	slow chan struct{} // a place each for calls that wait for somebody else

	// What was told to clients, and what is to be: for observe alone.
	dirty  []string // units whose change is to be told, in order
	marked map[string]bool
	states map[uint32]string // of jobs
	failed int               // units

	mu    sync.Mutex
	conns map[*conn]bool
	full  bool     // no more are taken, and that was said
	bus   *BusLink // nil: there is none
	jobs  map[uint32]*jobTrack

	leave suspension
	given *Saved // what the server before has left; nil: there was none
}

// NewServer makes a server, which from now on tells its clients of what m does. log
// takes lines for people and may be nil.
func NewServer(m Manager, log func(string)) *Server {
	if log == nil {
		log = func(string) {}
	}
	s := &Server{
		m: m, log: log, slow: make(chan struct{}, maxSlow),
		conns: map[*conn]bool{}, marked: map[string]bool{}, jobs: map[uint32]*jobTrack{},
		states: map[uint32]string{},
	}
	m.Observe(s.observe)
	return s
}

// Serve answers those who connect until ctx ends or l fails, and returns once all
// connections are closed. It closes l. Without l, there is only the bus.
func (s *Server) Serve(ctx context.Context, l *net.UnixListener) error {
	return s.leave.Serve(ctx, l, s.resume, func(
		ctx context.Context, wg *sync.WaitGroup, nc *net.UnixConn,
	) {
		s.begin(ctx, wg, newConn(s, nc, peerOf(nc)))
	})
}

// begin serves a connection, if there is room for it.
func (s *Server) begin(ctx context.Context, wg *sync.WaitGroup, c *conn) {
	if !s.join(c) {
		c.nc.Close()
		return
	}
	wg.Go(func() {
		defer s.leaveConn(c)
		c.serve(ctx)
	})
}

// peerOf gives who is at the other end.
func peerOf(nc *net.UnixConn) sys.Peer {
	peer, err := sys.PeerOf(nc)
	if err != nil {
		return sys.Peer{UID: nobody}
	}
	return peer
}

func (s *Server) join(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if most := sys.FileShare(maxConns, connsPart); len(s.conns) >= most {
		if !s.full {
			s.log(fmt.Sprintf("private socket: more than %d connections; closing those", most))
		}
		s.full = true
		return false
	}
	s.full = false
	s.conns[c] = true
	return true
}

func (s *Server) leaveConn(c *conn) {
	if c.kept {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}
