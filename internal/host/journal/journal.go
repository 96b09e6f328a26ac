// Package journal brings the manager's own lines to a journal daemon, if one
// listens. It knows journald's native protocol and nothing of what is said. It
// answers for the JOURNAL FIELDS that systemd.journal-fields(7) has the service
// manager set.
package journal

import (
	"encoding/binary"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// Socket is where journald takes native messages.
const Socket = "/run/systemd/journal/socket"

// waiting is how many lines may wait for a slow journal; more are dropped.
const waiting = 1024

// patience is how long one line may take. A journal that is busy for longer loses it.
const patience = 100 * time.Millisecond

// Field is one field of a message.
type Field struct{ Name, Value string }

// A Sender sends lines from a goroutine of its own, so that nobody waits.
type Sender struct {
	path  string
	lines chan []byte
	stop  chan struct{}
	done  sync.WaitGroup
	conn  *net.UnixConn // the goroutine's
}

// Open makes a sender to the socket path. Nothing is sent while nobody listens.
func Open(path string) *Sender {
	s := &Sender{path: path, lines: make(chan []byte, waiting), stop: make(chan struct{})}
	s.done.Go(s.run)
	return s
}

// Close sends what waits and ends the sender. What is sent afterwards is lost.
func (s *Sender) Close() {
	close(s.stop)
	s.done.Wait()
}

// Listening reports whether there is a journal to send to.
func (s *Sender) Listening() bool {
	_, err := os.Lstat(s.path)
	return err == nil
}

// Send queues a message and reports whether there was room for it.
func (s *Sender) Send(fields ...Field) bool {
	select {
	case s.lines <- Encode(fields):
		return true
	default:
		return false
	}
}

func (s *Sender) run() {
	for {
		select {
		case line := <-s.lines:
			s.deliver(line)
			continue
		default:
		}
		select {
		case line := <-s.lines:
			s.deliver(line)
		case <-s.stop:
			if s.conn != nil {
				s.conn.Close()
			}
			return
		}
	}
}

// deliver sends a line, to a journal that has been started anew too; else it is lost.
func (s *Sender) deliver(line []byte) {
	if s.write(line) != nil && s.conn != nil {
		s.conn.Close()
		s.conn = nil
		_ = s.write(line)
	}
}

func (s *Sender) write(line []byte) error {
	if s.conn == nil {
		c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.path, Net: "unixgram"})
		if err != nil {
			return err
		}
		s.conn = c
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := s.conn.Write(line)
	return err
}

// Encode writes fields in journald's native form: NAME=VALUE lines, and for
// values of several lines NAME, the length in eight bytes and the value.
func Encode(fields []Field) []byte {
	var b []byte
	for _, f := range fields {
		b = append(b, f.Name...)
		if strings.Contains(f.Value, "\n") {
			b = append(b, '\n')
			b = binary.LittleEndian.AppendUint64(b, uint64(len(f.Value)))
		} else {
			b = append(b, '=')
		}
		b = append(b, f.Value...)
		b = append(b, '\n')
	}
	return b
}
