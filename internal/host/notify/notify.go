// Package notify receives what services say through $NOTIFY_SOCKET, with the
// sender's credentials and descriptors. It knows the form of messages, and
// neither who may send nor what they mean. It answers for sd_notify(3).
package notify

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"rouse/internal/host/sys"
)

// maxSize is the longest message that is taken, in bytes, as systemd has it.
const maxSize = 4096

// maxPending is how many descriptors may be in messages that nobody is done with yet.
// While there are more, senders wait: a flood must not use up the manager's own.
const maxPending = 2 * sys.MaxFDs

// Field is one line KEY=VALUE of a message.
type Field struct{ Key, Value string }

// A Message is one datagram. The receiver calls Done when it has dealt with it.
type Message struct {
	PID, UID, GID int  // of the sender
	HasSender     bool // whether the system tells the sender; Linux only
	Fields        []Field
	FDs           []int // what came along; those taken over are to be set to -1
	Barrier       bool  // BARRIER=1: nothing to do but Done, in its turn

	done func() // tells the listener; nil once that is told
}

// Get gives the value of a field; the last one if there are several.
func (m *Message) Get(key string) (value string, ok bool) {
	for _, f := range m.Fields {
		if f.Key == key {
			value, ok = f.Value, true
		}
	}
	return value, ok
}

// Done closes the descriptors still in FDs, which lets the waiting sender of a
// barrier go on.
func (m *Message) Done() {
	for i, fd := range m.FDs {
		if fd >= 0 {
			sys.CloseFD(fd)
			m.FDs[i] = -1
		}
	}
	if m.done != nil {
		m.done()
		m.done = nil
	}
}

// Config says where to listen and who is told.
type Config struct {
	Path    string            // of the socket, absolute; what is there is replaced
	Given   int               // the socket, from before a re-execution; 0 has one made
	Deliver func(*Message)    // called in the order of arrival; may block, then senders wait
	Log     func(line string) // one line about each message refused; nil is nowhere
}

// A Listener is the socket.
type Listener struct {
	config Config
	file   *os.File
	done   chan struct{}

	mu      sync.Mutex
	calm    *sync.Cond // pending has become less, or closed has become true
	closed  bool
	pending int // descriptors in messages without Done
}

// Listen opens the socket and begins to receive.
func Listen(c Config) (*Listener, error) {
	if c.Log == nil {
		c.Log = func(string) {}
	}
	f, err := open(c)
	if err != nil {
		return nil, err
	}
	l := &Listener{config: c, file: f, done: make(chan struct{})}
	l.calm = sync.NewCond(&l.mu)
	go l.run()
	return l, nil
}

func open(c Config) (*os.File, error) {
	if c.Given != 0 {
		return os.NewFile(uintptr(c.Given), c.Path), nil
	}
	return sys.ListenDatagram(c.Path)
}

// Path is the value for $NOTIFY_SOCKET.
func (l *Listener) Path() string { return l.config.Path }

// Close ends the receiving, waits for a Deliver under way and removes the socket.
func (l *Listener) Close() error {
	l.shut()
	err := l.file.Close()
	<-l.done
	return errors.Join(err, os.Remove(l.config.Path))
}

// Suspend ends the receiving, too, and gives the socket for the next Listen. What is
// sent from now on waits in it.
func (l *Listener) Suspend() (fd int, err error) {
	l.shut()
	fd, err = sys.Detach(l.file)
	<-l.done
	return fd, err
}

func (l *Listener) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.calm.Broadcast()
}

func (l *Listener) run() {
	defer close(l.done)
	from := sys.NewReceiver(l.file, maxSize+1)
	for {
		l.room()
		text, d, err := from.Receive()
		if err != nil && l.room() {
			return
		}
		if err != nil {
			// Nothing that a sender does ends up here, so it would be the same again.
			l.config.Log(fmt.Sprintf("notify socket %s: %v; no longer listening", l.Path(), err))
			return
		}
		if m := l.accept(d, text); m != nil {
			l.config.Deliver(m)
		}
	}
}

// room waits until there may be more descriptors, and reports whether the listener
// was closed.
func (l *Listener) room() (closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.pending > maxPending && !l.closed {
		l.calm.Wait()
	}
	return l.closed
}

// account notes that n more descriptors are pending, or fewer.
func (l *Listener) account(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending += n
	l.calm.Broadcast()
}

// accept makes a message of a datagram, or says why not.
func (l *Listener) accept(d sys.Datagram, text []byte) *Message {
	m := &Message{PID: d.PID, UID: d.UID, GID: d.GID, HasSender: d.HasSender, FDs: d.FDs}
	if n := len(d.FDs); n > 0 {
		l.account(n)
		m.done = func() { l.account(-n) }
	}
	notes, err := m.read(text, d)
	for _, note := range notes {
		l.config.Log(fmt.Sprintf("notify message of process %d: %s", d.PID, note))
	}
	if err != nil {
		l.config.Log(fmt.Sprintf("notify message of process %d: %v; ignoring it", d.PID, err))
		m.Done()
		return nil
	}
	return m
}

// read fills in the fields. The notes are about fields that are left out.
func (m *Message) read(text []byte, d sys.Datagram) (notes []string, err error) {
	switch {
	case d.Lost:
		return nil, fmt.Errorf("more descriptors than %d, or than could be taken in", sys.MaxFDs)
	case d.HasSender && d.PID <= 0:
		return nil, errors.New("sent from another pid namespace")
	case d.Truncated || d.Size > maxSize:
		return nil, fmt.Errorf("longer than %d bytes", maxSize)
	}
	m.Fields, notes, err = Parse(text)
	if err != nil {
		return notes, err
	}
	if v, ok := m.Get("BARRIER"); !ok || v != "1" {
		return notes, nil
	}
	m.Barrier = true
	switch {
	case len(m.Fields) != 1:
		return notes, errors.New("BARRIER=1 is not alone")
	case len(m.FDs) != 1:
		return notes, fmt.Errorf("BARRIER=1 with %d descriptors, want 1", len(m.FDs))
	}
	return notes, nil
}

// Parse takes a message apart. One NUL at its end is allowed; carriage returns end
// lines too. Lines without "=" are left out, as are those that are not UTF-8, of which
// STATUS= is left empty; notes say so.
func Parse(text []byte) (fields []Field, notes []string, err error) {
	text = bytes.TrimSuffix(text, []byte{0})
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, nil, errors.New("NUL byte in the middle")
	}
	ends := func(r rune) bool { return r == '\n' || r == '\r' }
	for line := range strings.FieldsFuncSeq(string(text), ends) {
		key, value, ok := strings.Cut(line, "=")
		switch {
		case !utf8.ValidString(line):
			if key == "STATUS" { // which forgets the former one, in systemd 252 too
				fields = append(fields, Field{key, ""})
			}
			notes = append(notes, fmt.Sprintf("%.40q is not UTF-8; ignoring the line", line))
		case !ok || key == "":
			notes = append(notes, fmt.Sprintf("%.40q is no assignment; ignoring the line", line))
		default:
			fields = append(fields, Field{key, value})
		}
	}
	return fields, notes, nil
}
