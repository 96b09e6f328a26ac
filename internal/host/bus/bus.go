// Package bus is the manager's own connection to the message bus: it learns who
// owns which names, owns org.freedesktop.systemd1, passes on what the bus wants
// started, and hands the calls of others to a face. It knows neither units nor
// what the names are for. It answers for Type=dbus and
// BusName= in systemd.service(5), and for the activation of dbus-daemon(1).
package bus

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/wire/dbus"
)

// Name is the well-known name of the manager.
const Name = "org.freedesktop.systemd1"

const (
	// greeting bounds how long the bus may take to let us in.
	greeting = 25 * time.Second

	// maxQueue is how many bytes may wait to be written. When they are more, the bus
	// is not reading, and the connection is given up.
	maxQueue = 64 << 20

	// calm is how many bytes may wait while calls of others are taken. When they are
	// more, no call is taken until the bus takes some: a burst of calls does not end
	// the connection.
	calm = 1 << 20
)

// A Receiver takes what others say to us.
type Receiver interface {
	// Received takes a call, and descriptors that came with it; or a signal of the bus
	// about who owns a name that is not watched.
	Received(m *dbus.Message, files []*os.File)
	// Closed tells that the connection has ended.
	Closed()
}

// Config says which bus, and who is told. The functions are called one at a
// time, in the order of what happened, by a goroutine of the connection; while
// one blocks, nobody who calls the manager is answered. They may use the Conn.
type Config struct {
	// Address is as in $DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/dbus/system_bus_socket",
	// or several with ";" between, tried in turn. Keys of unix: path and abstract.
	Address string

	// Owner tells who owns a watched name: its process id, 0 for nobody (any
	// more, or yet: the first answer after Watch may say so), and -1 for
	// somebody whose process the bus does not know. The same may come twice.
	Owner func(name string, pid int)

	// Activate asks to start a unit, for a service file with SystemdService=.
	Activate func(unit string)

	// Lost says that the connection has ended, or never came about, without
	// Close. It is the last call, and comes once.
	Lost func(err error)

	// Log takes a line for people; it alone may come from a method of Conn too.
	// Any of the four may be nil.
	Log func(line string)

	// Open gives who takes the calls of others; nil refuses them all.
	Open func(*Conn) Receiver
}

// A Conn is a connection. Its methods never wait for the bus, and may be called
// by anybody; but those about one name by one goroutine.
type Conn struct {
	config   Config
	socket   *sys.Duct
	in       dbus.Reader
	receiver Receiver      // nil: nobody
	closing  chan struct{} // closed when the connection is to end
	done     chan struct{} // closed when its goroutines have ended

	mu      sync.Mutex
	out     []outgoing // waits to be written
	size    int        // bytes in out
	changed sync.Cond  // of out and ended
	serial  uint32
	ended   bool                // closing is closed
	quiet   bool                // Lost is not to be called
	why     error               // of the end
	calls   map[uint32]awaiting // ours that have no answer yet, by serial
	watched map[string]string   // names, and the connection that owns each
}

// outgoing is a message to be written, with its descriptors.
type outgoing struct {
	b     []byte
	files []*os.File
}

// awaiting is who waits for an answer, and from whom.
type awaiting struct {
	answer  func(*dbus.Message)
	fromBus bool
}

// Dial connects, without waiting for anything. That the bus takes no connections
// is an error here; what it says to who we are and to our name is known later, and
// comes by Lost or Log: even before the caller has the Conn.
func Dial(c Config) (*Conn, error) {
	socket, err := connect(c.Address)
	if err != nil {
		return nil, err
	}
	conn := newConn(c, socket)
	conn.hello()
	if c.Open != nil {
		conn.receiver = c.Open(conn)
	}
	conn.claim()
	go conn.run()
	return conn, nil
}

func newConn(c Config, socket *sys.Duct) *Conn {
	if c.Owner == nil {
		c.Owner = func(string, int) {}
	}
	if c.Activate == nil {
		c.Activate = func(string) {}
	}
	if c.Lost == nil {
		c.Lost = func(error) {}
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	conn := &Conn{
		config:  c,
		socket:  socket,
		in:      dbus.Reader{Source: socket.Read, Max: largest},
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		calls:   make(map[uint32]awaiting),
		watched: make(map[string]string),
	}
	conn.changed.L = &conn.mu
	return conn
}

// hello queues what each connection begins with.
func (c *Conn) hello() {
	c.call("Hello", "", nil, func(m *dbus.Message) {
		if m.Type == dbus.Error {
			c.end(fmt.Errorf("bus: hello: %s", m.ErrorName))
		}
	})
}

// claim asks for our name. If it is taken, we are to wait for it: by our own
// connection, it may be, from before a re-execution.
func (c *Conn) claim() {
	var e dbus.Encoder
	e.Text(Name)
	e.Uint32(0)
	c.call("RequestName", "su", e.Bytes(), func(m *dbus.Message) {
		if m.Type == dbus.Error {
			c.config.Log(fmt.Sprintf("bus: request name %s: %s; going on without it",
				Name, m.ErrorName))
			return
		}
		if m.Decoder().Uint32() == inQueue {
			c.config.Log(fmt.Sprintf("bus: name %s is somebody else's; waiting for it", Name))
		}
	})
}

const (
	inQueue = 2 // answer to RequestName: the name is ours when others drop it
	noOwner = "org.freedesktop.DBus.Error.NameHasNoOwner"
)

// Watch has Owner told who owns a name, now and after each change, until Unwatch.
// Watching a name again asks again.
func (c *Conn) Watch(name string) {
	if !dbus.IsBusName(name) {
		c.config.Log(fmt.Sprintf("bus: watch %q: not a name on the bus; ignoring it", name))
		return
	}
	c.mu.Lock()
	_, again := c.watched[name]
	if !again {
		c.watched[name] = ""
	}
	c.mu.Unlock()
	if !again {
		c.call("AddMatch", "s", text(matchOwner(name)), func(m *dbus.Message) {
			if m.Type == dbus.Error {
				c.config.Log(fmt.Sprintf("bus: watch %s: %s; its changes are not seen",
					name, m.ErrorName))
			}
		})
	}
	c.call("GetNameOwner", "s", text(name), func(m *dbus.Message) {
		switch {
		case m.Type == dbus.Return:
			c.owned(name, m.Decoder().Text())
		case m.ErrorName == noOwner:
			c.owned(name, "")
		default:
			c.config.Log(fmt.Sprintf("bus: owner of %s: %s; taken for unknown",
				name, m.ErrorName))
		}
	})
}

// Unwatch ends what Watch began, however often that was. An Owner under way may
// still come.
func (c *Conn) Unwatch(name string) {
	c.mu.Lock()
	_, ok := c.watched[name]
	delete(c.watched, name)
	c.mu.Unlock()
	if ok {
		c.call("RemoveMatch", "s", text(matchOwner(name)), func(*dbus.Message) {})
	}
}

// owned takes note of the connection that owns a name, and tells its process id
// when the bus has said it. It reports whether the name is watched.
func (c *Conn) owned(name, owner string) bool {
	if !c.note(name, owner) {
		return false
	}
	if owner == "" {
		c.config.Owner(name, 0)
		return true
	}
	c.call("GetConnectionUnixProcessID", "s", text(owner), func(m *dbus.Message) {
		pid := -1
		switch {
		case m.Type == dbus.Return && m.Signature == "u":
			pid = int(m.Decoder().Uint32())
		case m.ErrorName == noOwner:
			return // its end is on the way
		}
		if pid == 0 {
			pid = -1 // of another pid namespace
		}
		if c.owns(name, owner) {
			c.config.Owner(name, pid)
		}
	})
	return true
}

// note reports whether anybody wants to know.
func (c *Conn) note(name, owner string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.watched[name]
	if ok {
		c.watched[name] = owner
	}
	return ok
}

func (c *Conn) owns(name, owner string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, ok := c.watched[name]
	return ok && now == owner
}

// ActivationFailed tells the bus that a unit it asked for by Activate will not
// come, so that it can tell who waits for the name. errName is a D-Bus error,
// as "org.freedesktop.systemd1.NoSuchUnit".
func (c *Conn) ActivationFailed(unit, errName, message string) {
	if !dbus.IsInterface(errName) {
		errName = "org.freedesktop.DBus.Error.Failed"
	}
	var e dbus.Encoder
	e.Text(plain(unit))
	e.Text(errName)
	e.Text(plain(message))
	c.send(&dbus.Message{
		Type:        dbus.Signal,
		Path:        "/org/freedesktop/systemd1",
		Interface:   activator,
		Member:      "ActivationFailure",
		Destination: busName,
		Signature:   "sss",
		Body:        e.Bytes(),
	}, nil)
}

// Close ends the connection without a call of Lost. It waits for nobody: a
// callback under way may still be running.
func (c *Conn) Close() {
	c.mu.Lock()
	c.quiet = true
	c.mu.Unlock()
	c.end(errClosed)
}

var errClosed = errors.New("bus: connection closed")

// end makes the goroutines end. The first reason counts.
func (c *Conn) end(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended, c.why = true, why
	close(c.closing)
	c.socket.Close()
	for _, o := range c.out {
		closeFiles(o.files)
	}
	c.out, c.size = nil, 0
	c.changed.Broadcast()
}
