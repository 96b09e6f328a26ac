// Package client calls methods of org.freedesktop.systemd1 and hears its signals, on the
// manager's private socket or on the message bus; it drives a real systemd as well. It
// knows messages, and nothing of what methods do. It answers for what sd-bus(3) does for
// systemctl(1) and systemd-run(1).
package client

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/wire/dbus"
)

// The names that the manager goes by.
const (
	Manager     = "org.freedesktop.systemd1"
	ManagerPath = "/org/freedesktop/systemd1"
	Interface   = "org.freedesktop.systemd1.Manager"
	properties  = "org.freedesktop.DBus.Properties"
	theBus      = "org.freedesktop.DBus"
)

// The sockets of the system manager and of the system bus.
const (
	PrivateSocket = "/run/systemd/private"
	SystemBus     = "/run/dbus/system_bus_socket"
)

// Error is what a method has answered instead of a result.
type Error struct{ Name, Message string }

func (e *Error) Error() string { return e.Message }

// Conn is a connection. Calls may be made from several goroutines.
type Conn struct {
	duct *sys.Duct
	// Name is the unique name on the bus; "" on a private socket.
	Name string
	dest string
	done chan struct{}

	writing sync.Mutex
	mu      sync.Mutex
	serial  uint32
	pending map[uint32]chan *dbus.Message
	signals func(*dbus.Message)
	lost    error
}

// handshake is how long the other side may take to answer the first words.
const handshake = 25 * time.Second

// Dial connects to a manager's private socket, or with bus to a message bus. Signals are
// given to heard, in their order, which must not call.
func Dial(path string, bus bool, heard func(*dbus.Message)) (*Conn, error) {
	raw, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	c := &Conn{
		duct: sys.NewDuct(raw), done: make(chan struct{}), signals: heard,
		pending: map[uint32]chan *dbus.Message{},
	}
	c.duct.SetDeadline(time.Now().Add(handshake))
	rest, err := greet(raw)
	if err != nil {
		raw.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.duct.SetDeadline(time.Time{})
	r := &dbus.Reader{Source: c.duct.Read, Max: 128 << 20, TakesFDs: true}
	r.Put(rest, nil)
	go c.read(r)
	if !bus {
		return c, nil
	}
	c.dest = Manager
	d, err := c.call(theBus, "/org/freedesktop/DBus", theBus, "Hello", "", nil, nil)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Name = d.Text()
	return c, nil
}

// greet proves who we are, and asks for descriptors. It gives what was read too much.
func greet(c *net.UnixConn) ([]byte, error) {
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Getuid())))
	_, err := c.Write([]byte("\x00AUTH EXTERNAL " + uid + "\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"))
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(c)
	for _, want := range [...]string{"OK ", "AGREE_UNIX_FD"} {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(line, want) {
			return nil, fmt.Errorf("not let in: %q", strings.TrimSpace(line))
		}
	}
	rest := make([]byte, in.Buffered())
	_, err = in.Read(rest[:min(len(rest), 1<<20)])
	if len(rest) == 0 {
		err = nil
	}
	return rest, err
}

// read gives answers to those who wait for them, until the connection ends.
func (c *Conn) read(r *dbus.Reader) {
	defer close(c.done)
	for {
		m, fds, err := r.Next()
		if err != nil {
			sys.CloseFDs(r.Held())
			c.mu.Lock()
			c.lost = err
			for serial, ch := range c.pending {
				delete(c.pending, serial)
				close(ch)
			}
			c.mu.Unlock()
			return
		}
		sys.CloseFDs(fds)
		switch m.Type {
		case dbus.Return, dbus.Error:
			c.mu.Lock()
			ch := c.pending[m.ReplySerial]
			delete(c.pending, m.ReplySerial)
			c.mu.Unlock()
			if ch != nil {
				ch <- m
			}
		case dbus.Signal:
			if c.signals != nil {
				c.signals(m)
			}
		case dbus.Call:
			// Nobody has anything to ask of us.
		}
	}
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Close ends the connection.
func (c *Conn) Close() error {
	err := c.duct.Close()
	<-c.done
	return err
}

// Call calls a method of the manager's object at path. write, which may be nil, writes
// the arguments, of the signature sig; descriptors go along.
func (c *Conn) Call(
	path, iface, member, sig string, write func(*dbus.Encoder), fds ...int,
) (*dbus.Decoder, error) {
	return c.call(c.dest, path, iface, member, sig, write, fds)
}

func (c *Conn) call(
	dest, path, iface, member, sig string, write func(*dbus.Encoder), fds []int,
) (*dbus.Decoder, error) {
	var e dbus.Encoder
	if write != nil {
		write(&e)
	}
	ch := make(chan *dbus.Message, 1)
	c.mu.Lock()
	if c.lost != nil {
		c.mu.Unlock()
		return nil, c.lost
	}
	c.serial++
	m := &dbus.Message{
		Type: dbus.Call, Flags: dbus.AllowInteraction, Serial: c.serial, Path: path,
		Interface: iface, Member: member, Destination: dest, Signature: sig, Body: e.Bytes(),
		FDs: uint32(len(fds)),
	}
	c.pending[m.Serial] = ch
	c.mu.Unlock()
	b, err := m.Append(nil)
	if err == nil {
		c.writing.Lock()
		err = c.duct.WriteAll(b, fds)
		c.writing.Unlock()
	}
	if err != nil {
		return nil, err
	}
	answer, ok := <-ch
	if !ok {
		return nil, errors.New("connection terminated")
	}
	d := answer.Decoder()
	if answer.Type == dbus.Error {
		text := answer.ErrorName
		if strings.HasPrefix(answer.Signature, "s") {
			text = d.Text()
		}
		return nil, &Error{Name: answer.ErrorName, Message: text}
	}
	return d, nil
}

// Match has the bus send signals that fit the rule; a private socket sends all.
func (c *Conn) Match(rule string) error {
	if c.Name == "" {
		return nil
	}
	_, err := c.call(theBus, "/org/freedesktop/DBus", theBus, "AddMatch", "s",
		func(e *dbus.Encoder) { e.Text(rule) }, nil)
	return err
}

// Property reads one property of an object of the manager's.
func (c *Conn) Property(path, iface, name string) (any, error) {
	d, err := c.Call(path, properties, "Get", "ss", func(e *dbus.Encoder) {
		e.Text(iface)
		e.Text(name)
	})
	if err != nil {
		return nil, err
	}
	return d.Value(d.Variant(), nil), d.Err()
}

// LogControl reads a property of org.freedesktop.LogControl1 of the service that has a
// name on the bus, and sets it first unless to is "". org.freedesktop.LogControl1(5).
func (c *Conn) LogControl(name, property, to string) (now string, err error) {
	const path, iface = "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1"
	if to != "" {
		_, err := c.call(name, path, properties, "Set", "ssv", func(e *dbus.Encoder) {
			e.Text(iface)
			e.Text(property)
			e.Variant("s")
			e.Text(to)
		}, nil)
		return to, err
	}
	d, err := c.call(name, path, properties, "Get", "ss", func(e *dbus.Encoder) {
		e.Text(iface)
		e.Text(property)
	}, nil)
	if err != nil {
		return "", err
	}
	if d.Variant() != "s" {
		return "", fmt.Errorf("%s: %s is no text", name, property)
	}
	return d.Text(), d.Err()
}

// Properties reads all properties of an object of the manager's.
func (c *Conn) Properties(path string) (map[string]any, error) {
	d, err := c.Call(path, properties, "GetAll", "s", func(e *dbus.Encoder) { e.Text("") })
	if err != nil {
		return nil, err
	}
	return ReadProperties(d), d.Err()
}

// ReadProperties reads a{sv}.
func ReadProperties(d *dbus.Decoder) map[string]any {
	all := map[string]any{}
	d.Array("{sv}", func() {
		d.Struct()
		name := d.Text()
		all[name] = d.Value(d.Variant(), nil)
	})
	return all
}
