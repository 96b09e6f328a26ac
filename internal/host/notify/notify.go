// Package notify receives what services say through $NOTIFY_SOCKET, with the
// sender's credentials and descriptors. It knows the form of messages, and
// neither who may send nor what they mean. It answers for sd_notify(3).
package notify

import "os"

// Field is one line KEY=VALUE of a message.
type Field struct{ Key, Value string }

// A Message is one datagram. The receiver calls Done when it has dealt with it.
type Message struct {
	PID, UID, GID int // of the sender; PID 0 where the system does not tell
	Fields        []Field
	Files         []*os.File // what came along; those taken over are to be set to nil
	Barrier       bool       // BARRIER=1: nothing to do but Done, in turn
}

// Done closes the descriptors still in Files, which lets a waiting sender of a
// barrier go on.
func (m *Message) Done() {}

// Config says where to listen and who is told.
type Config struct {
	Path    string            // of the socket, absolute; what is there is replaced
	Deliver func(*Message)    // called in the order of arrival; may block, then senders wait
	Log     func(line string) // one line about each message refused; nil is nowhere
}

// A Listener is the socket.
type Listener struct{}

// Listen opens the socket and begins to receive.
func Listen(c Config) (*Listener, error) { return nil, nil }

// Path is the value for $NOTIFY_SOCKET.
func (l *Listener) Path() string { return "" }

// Close ends the receiving and removes the socket.
func (l *Listener) Close() error { return nil }
