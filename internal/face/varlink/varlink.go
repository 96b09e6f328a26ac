// Package varlink answers who asks for the users that DynamicUser= has made up, by
// Varlink on a socket in /run/systemd/userdb, as nss-systemd(8) and userdbctl(1) do: the
// interface io.systemd.UserDatabase. Everybody may ask. It knows that protocol and what
// systemd 252 answers, and nothing of how users come to be.
package varlink

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"rouse/internal/face"
	"rouse/internal/host/sys"
)

// Service is what this face is called in requests; the socket has the same name.
const Service = "io.systemd.DynamicUser"

// Path is where it listens, below the directory for what lives as long as the machine.
const Path = "systemd/userdb/" + Service

// The bounds of a server whose fields are zero.
const (
	defaultMaxConns = 512
	defaultIdle     = time.Minute
	defaultWrite    = 5 * time.Second

	maxRequest     = 64 << 10 // bytes; a proper one has less than 200
	suspendedWrite = time.Second
)

// Server answers requests about users. The zero value of everything but Users is usable.
type Server struct {
	// Users lists those there are, by name. It is called from many goroutines.
	Users func(context.Context) ([]face.DynamicUser, error)
	// Version is that of the program, for who asks what this is.
	Version string
	// MaxConns bounds the connections, of which one user who is neither root nor this
	// process's gets a quarter, and all such users three; one more is closed. 0 is 512, or
	// a sixteenth of the descriptors that there can be.
	MaxConns int
	// Idle ends a connection that has not sent a whole request for so long; Write one that
	// does not read its replies.
	Idle, Write time.Duration
	// Saved is what Suspend of the server before has given; nil if there was none.
	Saved *Saved

	mu     sync.Mutex
	counts map[uint32]int // connections by user
	all    int
	leave  suspension
}

// Serve answers those who connect until ctx ends, l fails, or Suspend is called, and
// returns once all connections are closed, or put aside. It closes l. Without l, nobody is
// served.
func (s *Server) Serve(ctx context.Context, l *net.UnixListener) error {
	return s.leave.Serve(ctx, l, s.resume, func(
		ctx context.Context, wg *sync.WaitGroup, nc *net.UnixConn,
	) {
		s.begin(ctx, wg, nc, nil)
	})
}

// begin serves a connection, if there is room for it. input is what has been read from it.
func (s *Server) begin(ctx context.Context, wg *sync.WaitGroup, nc *net.UnixConn, input []byte) {
	peer, err := sys.PeerOf(nc)
	if err != nil {
		peer.UID = nobody // which is one user more to share with
	}
	if !s.join(peer.UID) {
		nc.Close()
		return
	}
	wg.Go(func() {
		defer s.left(peer.UID)
		c := &conn{s: s, nc: nc, ctx: ctx}
		c.serve(input)
	})
}

// nobody is the user of whom the system does not tell the number.
const nobody = 65534

func (s *Server) join(uid uint32) bool {
	most := s.MaxConns
	if most == 0 {
		most = sys.FileShare(defaultMaxConns, 16)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[uint32]int{}
	}
	own := uid == 0 || int(uid) == os.Geteuid()
	if s.all >= most || !own && (s.counts[uid] >= max(1, most/4) || s.all >= max(1, most*3/4)) {
		return false
	}
	s.all++
	s.counts[uid]++
	return true
}

func (s *Server) left(uid uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.counts[uid]--; s.counts[uid] == 0 {
		delete(s.counts, uid)
	}
}

func orDuration(d, or time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return or
}
