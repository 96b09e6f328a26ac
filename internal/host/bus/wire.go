package bus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/wire/dbus"
)

const (
	busName   = "org.freedesktop.DBus"
	busPath   = "/org/freedesktop/DBus"
	activator = "org.freedesktop.systemd1.Activator"
)

// largest is the longest message that is taken; dbus-daemon passes no longer ones on.
const largest = 32 << 20

// matchOwner is the rule for the signals about who owns a name.
func matchOwner(name string) string {
	return "type='signal',sender='" + busName + "',path='" + busPath + "',interface='" +
		busName + "',member='NameOwnerChanged',arg0='" + name + "'"
}

// text is a body of one string.
func text(s string) []byte {
	var e dbus.Encoder
	e.Text(s)
	return e.Bytes()
}

// plain makes anything a string of D-Bus, and not a long one.
func plain(s string) string {
	s = strings.ReplaceAll(s[:min(len(s), 4096)], "\x00", "")
	return strings.ToValidUTF8(s, "\uFFFD")
}

// call asks the bus itself; answer is called with what it says.
func (c *Conn) call(member, sig string, body []byte, answer func(*dbus.Message)) {
	c.send(&dbus.Message{
		Type:        dbus.Call,
		Path:        busPath,
		Interface:   busName,
		Member:      member,
		Destination: busName,
		Signature:   sig,
		Body:        body,
	}, answer)
}

// Send queues a message, which gets its serial. It takes the files over.
func (c *Conn) Send(m *dbus.Message, files []*os.File) {
	m.FDs = uint32(len(files))
	c.post(m, files, nil)
}

// Call queues a call; answer is called with what comes back, unless the connection
// ends before.
func (c *Conn) Call(m *dbus.Message, answer func(*dbus.Message)) { c.send(m, answer) }

// send queues a message of ours.
func (c *Conn) send(m *dbus.Message, answer func(*dbus.Message)) { c.post(m, nil, answer) }

func (c *Conn) post(m *dbus.Message, files []*os.File, answer func(*dbus.Message)) {
	switch err := c.queue(m, files, answer); {
	case errors.Is(err, errFull):
		closeFiles(files)
		c.end(err)
	case err != nil:
		closeFiles(files)
		c.config.Log(fmt.Sprintf("bus: send %s: %v; leaving it out", m.Member, err))
	}
}

var errFull = fmt.Errorf("bus: %d bytes wait and none is taken", maxQueue)

// queue puts a message in the queue, unless it is full or the message is not a
// valid one. After the end it goes nowhere.
func (c *Conn) queue(m *dbus.Message, files []*os.File, answer func(*dbus.Message)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		closeFiles(files)
		return nil
	}
	m.Serial = c.nextSerial()
	b, err := m.Append(nil)
	if err != nil {
		return err
	}
	if c.size+len(b) > maxQueue {
		return errFull
	}
	c.out = append(c.out, outgoing{b, files})
	c.size += len(b)
	c.changed.Broadcast()
	if answer != nil {
		c.calls[m.Serial] = awaiting{answer, m.Destination == busName}
	}
	return nil
}

// nextSerial is called with the lock held.
func (c *Conn) nextSerial() uint32 {
	c.serial++
	if c.serial == 0 {
		c.serial = 1
	}
	return c.serial
}

// run reads until the end, and tells of it.
func (c *Conn) run() {
	defer close(c.done)
	if err := c.greet(); err != nil {
		c.end(fmt.Errorf("bus: authenticate: %w", err))
	} else {
		written := make(chan struct{})
		go func() {
			defer close(written)
			c.write()
		}()
		c.end(fmt.Errorf("bus: %w", c.read()))
		<-written
	}
	sys.CloseFDs(c.in.Held())
	if c.receiver != nil {
		c.receiver.Closed()
	}
	c.mu.Lock()
	quiet, why := c.quiet, c.why
	c.mu.Unlock()
	if !quiet {
		c.config.Lost(why)
	}
}

// greet has the bus accept us.
func (c *Conn) greet() error {
	if err := c.socket.SetDeadline(time.Now().Add(greeting)); err != nil {
		return err
	}
	if err := c.socket.WriteAll(auth(), nil); err != nil {
		return err
	}
	if line, err := c.line(); err != nil {
		return err
	} else if !strings.HasPrefix(line, "OK ") {
		return fmt.Errorf("the bus says %q", line)
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	c.in.TakesFDs = line == "AGREE_UNIX_FD"
	if err := c.socket.WriteAll([]byte("BEGIN\r\n"), nil); err != nil {
		return err
	}
	return c.socket.SetDeadline(time.Time{})
}

// line is a line of what the bus says before messages follow.
func (c *Conn) line() (string, error) {
	for {
		rest := c.in.Ahead()
		if line, _, ok := bytes.Cut(rest, []byte("\r\n")); ok {
			text := string(line)
			c.in.Skip(len(line) + 2)
			return text, nil
		}
		if len(rest) > 4096 {
			return "", errors.New("a line without an end")
		}
		if err := c.in.Fill(len(rest) + 1); err != nil {
			return "", err
		}
	}
}

func (c *Conn) write() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.out) == 0 && !c.ended {
			c.changed.Wait()
		}
		if c.ended {
			return
		}
		list := c.out
		c.out = nil
		c.mu.Unlock()
		err := c.writeAll(list)
		c.mu.Lock()
		for _, o := range list {
			c.size -= len(o.b)
		}
		c.size = max(c.size, 0)
		c.changed.Broadcast()
		if err != nil {
			c.mu.Unlock()
			c.end(fmt.Errorf("bus: %w", err))
			c.mu.Lock()
			return
		}
	}
}

// writeAll writes messages, those that bring no descriptors together.
func (c *Conn) writeAll(list []outgoing) (err error) {
	var b []byte
	for i, o := range list {
		b = append(b, o.b...)
		if i+1 < len(list) && len(o.files) == 0 && len(list[i+1].files) == 0 && len(b) < 64<<10 {
			continue
		}
		if err == nil {
			err = c.socket.WriteAll(b, fdsOf(o.files))
		}
		closeFiles(o.files)
		b = b[:0]
	}
	return err
}

func fdsOf(files []*os.File) (fds []int) {
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	return fds
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// read takes messages until the connection ends.
func (c *Conn) read() error {
	for {
		m, fds, err := c.in.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("the bus has closed the connection")
		}
		if err != nil {
			return err
		}
		var files []*os.File
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "descriptor from the bus"))
		}
		c.take(m, files)
	}
}

// take deals with a message.
func (c *Conn) take(m *dbus.Message, files []*os.File) {
	switch {
	case m.Type == dbus.Call && c.receiver == nil:
		closeFiles(files)
		c.refuse(m)
	case m.Type == dbus.Call:
		c.wait()
		c.receiver.Received(m, files)
	case m.Type == dbus.Return || m.Type == dbus.Error:
		closeFiles(files)
		c.answered(m)
	default:
		closeFiles(files)
		c.signal(m)
	}
}

// wait returns when not too much waits to be written.
func (c *Conn) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.size > calm && !c.ended {
		c.changed.Wait()
	}
}

// refuse answers a call that nobody takes. Its sender does not wait.
func (c *Conn) refuse(m *dbus.Message) {
	if m.Flags&dbus.NoReply != 0 || m.Sender == "" {
		return
	}
	c.wait()
	c.send(&dbus.Message{
		Type: dbus.Error, Flags: dbus.NoReply, ErrorName: errorPrefix + "UnknownMethod",
		ReplySerial: m.Serial, Destination: m.Sender, Signature: "s",
		Body: text("nobody answers here"),
	}, nil)
}

const errorPrefix = "org.freedesktop.DBus.Error."

// answered hands an answer to who waits for it. The bus itself lets nobody answer but
// who was asked, or the bus.
func (c *Conn) answered(m *dbus.Message) {
	c.mu.Lock()
	w, ok := c.calls[m.ReplySerial]
	if ok = ok && (m.Sender == busName || !w.fromBus); ok {
		delete(c.calls, m.ReplySerial)
	}
	c.mu.Unlock()
	if ok {
		w.answer(m)
	}
}

// signal takes only what the bus itself says: its name as sender is nobody
// else's.
func (c *Conn) signal(m *dbus.Message) {
	if m.Sender != busName {
		return
	}
	d := m.Decoder()
	switch {
	case m.Interface == activator && m.Member == "ActivationRequest" && m.Signature == "s":
		c.config.Activate(d.Text())
	case m.Interface != busName || m.Path != busPath: // of no interest
	case m.Member == "NameOwnerChanged" && m.Signature == "sss":
		name, _, owner := d.Text(), d.Text(), d.Text()
		if !c.owned(name, owner) && c.receiver != nil {
			c.receiver.Received(m, nil)
		}
	case m.Member == "NameLost" && m.Signature == "s" && d.Text() == Name:
		c.config.Log(fmt.Sprintf("bus: name %s is taken away", Name))
	}
}
