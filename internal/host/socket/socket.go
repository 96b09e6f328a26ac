// Package socket opens what socket units listen on, waits for traffic there,
// and accepts connections. It knows addresses and options, and nothing of the
// services behind. It answers for systemd.socket(5).
package socket

import (
	"os"

	"rouse/internal/unit"
)

// Config is what opening depends on besides the unit.
type Config struct {
	// Lookup gives the ids of SocketUser= and SocketGroup= (names or numbers).
	Lookup func(user, group string) (uid, gid int, err error)
	// Log takes a line about each option that could not be set. Nil is nowhere.
	Log func(line string)
}

// A Set is the open descriptors of one socket unit, in the order of its Listen lines.
type Set struct {
	Files []*os.File
}

// Open opens everything the unit listens on, or nothing.
func Open(s *unit.Socket, c Config) (*Set, error) { return nil, nil }

// Adopt makes a Set of descriptors that were opened before a re-exec.
func Adopt(s *unit.Socket, files []*os.File) *Set { return nil }

// Close closes the descriptors; it removes sockets, FIFOs and symlinks from the
// file system too if RemoveOnStop= says so.
func (s *Set) Close() error { return nil }

// Connections reports whether the kind is one that accepts: streams and sequential packets.
func Connections(k unit.ListenKind) bool { return false }

// A Conn is an accepted connection.
type Conn struct {
	File *os.File
	// Instance describes the peers for an instance name, without the counter
	// before it: "127.0.0.1:80-127.0.0.1:5000", "PID-UID" for unix sockets.
	Instance string
	// RemoteAddr and RemotePort are for the environment; "" if not of IP.
	RemoteAddr, RemotePort string
	// Source tells peers apart for MaxConnectionsPerSource=; "" for none.
	Source string
}

// Accept takes one connection, without waiting; the error matches
// sys.ErrAgain if there is none (any more).
func Accept(f *os.File) (*Conn, error) { return nil, nil }

// Flush drops what is pending: connections, datagrams, bytes. FlushPending=.
func Flush(f *os.File) error { return nil }

// A Poller waits for traffic on the descriptors of many units with one goroutine.
type Poller struct{}

// NewPoller starts a poller. incoming is called from its goroutine, once for
// each Watch, and must not block.
func NewPoller(incoming func(unit string, f *os.File)) (*Poller, error) { return nil, nil }

// Watch waits for traffic on any of the files, once: then the unit is no longer watched.
func (p *Poller) Watch(unit string, files []*os.File) {}

// Unwatch stops waiting for the unit. When it returns, the files may be closed.
func (p *Poller) Unwatch(unit string) {}

// Close ends the poller.
func (p *Poller) Close() {}
