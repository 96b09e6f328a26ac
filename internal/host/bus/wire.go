package bus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"rouse/internal/wire/dbus"
)

const (
	busName   = "org.freedesktop.DBus"
	busPath   = "/org/freedesktop/DBus"
	activator = "org.freedesktop.systemd1.Activator"
)

// largest is the longest message that is looked at. Everybody may send one, and
// none that concerns us is long.
const largest = 64 << 10

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

// send queues a message of ours.
func (c *Conn) send(m *dbus.Message, answer func(*dbus.Message)) {
	if !c.queue(m, answer) {
		c.end(fmt.Errorf("bus: %d messages wait and none is taken; giving it up", ownQueue))
	}
}

// queue reports false when there is no room. The lock keeps the queue in the
// order of the serials.
func (c *Conn) queue(m *dbus.Message, answer func(*dbus.Message)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return true
	}
	m.Serial = c.nextSerial()
	b, err := m.Append(nil)
	if err != nil {
		c.config.Log(fmt.Sprintf("bus: send %s: %v; leaving it out", m.Member, err))
		return true
	}
	if len(c.calls) >= ownQueue {
		return false
	}
	select {
	case c.own <- b:
	default:
		return false
	}
	if answer != nil {
		c.calls[m.Serial] = answer
	}
	return true
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
	reader := bufio.NewReader(c.socket)
	err := c.greet(reader)
	if err == nil {
		written := make(chan struct{})
		go func() {
			defer close(written)
			c.write()
		}()
		err = c.read(reader)
		c.end(fmt.Errorf("bus: %w", err))
		<-written
	}
	c.end(err)
	c.mu.Lock()
	told, why := c.told, c.why
	c.mu.Unlock()
	if !told {
		c.config.Lost(why)
	}
}

// greet has the bus accept us.
func (c *Conn) greet(r *bufio.Reader) error {
	if err := c.socket.SetDeadline(time.Now().Add(greeting)); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	if _, err := c.socket.Write(auth()); err != nil {
		return fmt.Errorf("bus: authenticate: %w", err)
	}
	line, err := r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("bus: authenticate: %w", err)
	}
	if !strings.HasPrefix(string(line), "OK ") {
		return fmt.Errorf("bus: authenticate: bus says %q", strings.TrimSpace(string(line)))
	}
	if _, err := io.WriteString(c.socket, "BEGIN\r\n"); err != nil {
		return fmt.Errorf("bus: authenticate: %w", err)
	}
	return c.socket.SetDeadline(time.Time{})
}

func (c *Conn) write() {
	for {
		var b []byte
		select {
		case <-c.closing:
			return
		case b = <-c.own:
		case b = <-c.replies:
		}
		if _, err := c.socket.Write(b); err != nil {
			c.end(fmt.Errorf("bus: %w", err))
			return
		}
	}
}

// read takes messages until the connection ends.
func (c *Conn) read(r *bufio.Reader) error {
	for {
		first, err := r.Peek(dbus.HeaderSize)
		if errors.Is(err, io.EOF) {
			return errors.New("the bus has closed the connection")
		}
		if err != nil {
			return err
		}
		header, total, err := dbus.Size(first)
		if err != nil {
			return err
		}
		keep := total
		if total > largest {
			keep = min(header, largest)
		}
		b := make([]byte, keep)
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, r, int64(total-keep)); err != nil {
			return err
		}
		c.take(b, header, total)
	}
}

// take deals with a message. One that is too long may have only its header.
func (c *Conn) take(b []byte, header, total int) {
	parse := dbus.Parse
	if len(b) < total {
		parse = dbus.ParseHeader
	}
	m, err := parse(b)
	if err != nil {
		c.config.Log(fmt.Sprintf("bus: message of %d bytes: %v; ignoring it", total, err))
		return
	}
	switch m.Type {
	case dbus.Call:
		c.reply(m, total > largest)
	case dbus.Return, dbus.Error:
		c.answered(m)
	case dbus.Signal:
		c.signal(m)
	}
}

// answered hands an answer to who waits for it. Only the bus is ever asked.
func (c *Conn) answered(m *dbus.Message) {
	if m.Sender != busName {
		return
	}
	c.mu.Lock()
	answer := c.calls[m.ReplySerial]
	delete(c.calls, m.ReplySerial)
	c.mu.Unlock()
	if answer != nil {
		answer(m)
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
	case m.Interface != busName || m.Path != busPath:
	case m.Member == "NameOwnerChanged" && m.Signature == "sss":
		name, _, owner := d.Text(), d.Text(), d.Text()
		c.owned(name, owner)
	case m.Member == "NameLost" && m.Signature == "s" && d.Text() == Name:
		c.config.Log(fmt.Sprintf("bus: name %s is taken away", Name))
	}
}
