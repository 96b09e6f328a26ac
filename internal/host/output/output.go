// Package output decides where the standard streams of a service's processes
// lead: console, file, journal, null, socket. It knows descriptors, and nothing
// of what is said. It answers for the section LOGGING AND STANDARD INPUT/OUTPUT
// of systemd.exec(5).
package output

import (
	"io"
	"os"

	"rouse/internal/unit"
)

// Config is what all services share.
type Config struct {
	// Console takes the lines of services whose output goes there, each with a
	// prefix. It may be slow: then the services wait, and nobody else.
	Console io.Writer
	// Journal is the path of the journal's stream socket; "" is the usual one.
	Journal string
	// Default, DefaultError stand for StandardOutput= and StandardError= not set.
	Default, DefaultError unit.Stdio
	// Log takes one line about what goes wrong. Nil is nowhere.
	Log func(line string)
}

// A Router opens streams.
type Router struct{}

// New makes a router.
func New(c Config) *Router { return nil }

// Request is one process to be started.
type Request struct {
	Unit       string
	Exec       *unit.Exec
	Identifier string                       // for the journal if SyslogIdentifier= is not set: the program's name
	Socket     *os.File                     // for "socket": the one connection
	Named      func(fdname string) *os.File // for "fd:NAME"
}

// Streams are the descriptors to start a process with. Files that belong to
// others (a socket, a named descriptor) are left open by Close.
type Streams struct {
	In, Out, Err *os.File
}

// Open opens the three streams.
func (r *Router) Open(q Request) (*Streams, error) { return nil, nil }

// Started names the process that uses the streams, for the prefix on the console.
func (s *Streams) Started(pid int) {}

// Close closes what the process has got by now.
func (s *Streams) Close() {}

// Close waits until what is in the pipes has been written, for a service may have ended in mid-sentence.
func (r *Router) Close() {}
