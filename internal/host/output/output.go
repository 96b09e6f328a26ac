// Package output decides where the standard streams of a service's processes
// lead: console, file, journal, null, socket. It knows descriptors, and nothing
// of what is said. It answers for the section LOGGING AND STANDARD INPUT/OUTPUT
// of systemd.exec(5).
package output

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// Config is what all services share.
type Config struct {
	// Console takes what is meant for the journal where there is none, line by
	// line, each with a prefix. It may be slow: then the services wait, and nobody
	// else. Nil is nowhere.
	Console io.Writer
	// Journal is the path of the journal's stream socket; "" is the usual one.
	Journal string
	// Default, DefaultError are DefaultStandardOutput= and DefaultStandardError=.
	// Unset they are journal and inherit, as systemd has it.
	Default, DefaultError unit.Stdio
	// Inherit says that "inherit" gives the manager's own streams; else, as for PID
	// 1, it gives /dev/null.
	Inherit bool
	// Log takes one line about what goes wrong. Nil is nowhere.
	Log func(line string)
}

// A Router opens streams. Its methods may be called from any goroutine; Open may
// wait for a file system.
type Router struct {
	config Config

	mu    sync.Mutex
	pumps map[*pump]bool
	wait  sync.WaitGroup

	writing sync.Mutex // held for each line that goes to Console
}

// New makes a router.
func New(c Config) *Router {
	if c.Journal == "" {
		c.Journal = "/run/systemd/journal/stdout"
	}
	if c.Default == unit.StdioUnset {
		c.Default = unit.StdioJournal
	}
	if c.DefaultError == unit.StdioUnset {
		c.DefaultError = unit.StdioInherit
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	return &Router{config: c, pumps: map[*pump]bool{}}
}

// Request is one process to be started.
type Request struct {
	Unit string
	Exec *unit.Exec
	// Identifier is for the journal if SyslogIdentifier= is not set: the base name
	// of the program.
	Identifier string
	Socket     int                          // for "socket": the one connection; -1 if there is none
	Named      func(fdname string) (fd int) // for "fd:NAME"; -1 if there is none
	Given      *[3]int                      // to be used whatever is set; -1 is none
}

// Streams are the descriptors to start a process with; -1 is /dev/null. They are
// its to use until Close, which is to be called after the spawn.
type Streams struct {
	In, Out, Err int
	Journal      string // $JOURNAL_STREAM; "" if neither output nor error leads there
	Terminal     bool   // In is the terminal of the unit, which is to control the process
	own          []int
	pumps        []*pump
}

// null is the descriptor of no stream: whoever starts the process has /dev/null
// open already.
const null = -1

// Started names the process that uses the streams, for the prefix on the console.
func (s *Streams) Started(pid int) {
	for _, p := range s.pumps {
		p.pid.Store(int64(pid))
	}
}

// Close closes what the process has got by now. Descriptors that belong to others
// (a socket, the manager's own) stay open.
func (s *Streams) Close() {
	for _, fd := range s.own {
		sys.CloseFD(fd)
	}
	s.own = nil
}

// An Error is a stream that could not be opened.
type Error struct {
	Directive string // "StandardOutput"
	Unit      string
	Err       error
}

func (e *Error) Error() string { return fmt.Sprintf("%s= of %s: %v", e.Directive, e.Unit, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Open opens the three streams. A journal that cannot be reached is no error: its
// lines go to the console.
func (r *Router) Open(q Request) (*Streams, error) {
	if TidiesTerminal(q.Exec) {
		TidyTerminal(q.Exec)
	}
	o := &opener{r: r, q: q, x: q.Exec, s: &Streams{In: -1, Out: -1, Err: -1}}
	for _, step := range []struct {
		name string
		open func() (int, error)
		to   *int
	}{
		{"StandardInput=", o.input, &o.s.In},
		{"StandardOutput=", o.output, &o.s.Out},
		{"StandardError=", o.errors, &o.s.Err},
	} {
		fd, err := step.open()
		if err != nil {
			o.s.Close()
			return nil, &Error{Directive: strings.TrimSuffix(step.name, "="), Unit: q.Unit, Err: err}
		}
		*step.to = fd
	}
	return o.s, nil
}

// ErrNoDescriptor is for fd: and socket without one.
var ErrNoDescriptor = errors.New("no such descriptor was passed to the unit")
