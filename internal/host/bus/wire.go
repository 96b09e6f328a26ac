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
	switch err := c.queue(m, answer); {
	case errors.Is(err, errFull):
		c.end(err)
	case err != nil:
		c.config.Log(fmt.Sprintf("bus: send %s: %v; leaving it out", m.Member, err))
	}
}

var errFull = fmt.Errorf("bus: %d messages wait and none is taken", ownQueue)

// queue puts a message in the queue, unless it is full or the message is not a
// valid one. After the end it goes nowhere.
func (c *Conn) queue(m *dbus.Message, answer func(*dbus.Message)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	m.Serial = c.nextSerial()
	b, err := m.Append(nil)
	if err != nil {
		return err
	}
	if len(c.calls) >= ownQueue {
		return errFull
	}
	select {
	case c.own <- b:
	default:
		return errFull
	}
	if answer != nil {
		c.calls[m.Serial] = answer
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
	reader := bufio.NewReader(c.socket)
	if err := c.greet(reader); err != nil {
		c.end(fmt.Errorf("bus: authenticate: %w", err))
	} else {
		written := make(chan struct{})
		go func() {
			defer close(written)
			c.write()
		}()
		c.end(fmt.Errorf("bus: %w", c.read(reader)))
		<-written
	}
	c.mu.Lock()
	quiet, why := c.quiet, c.why
	c.mu.Unlock()
	if !quiet {
		c.config.Lost(why)
	}
}

// greet has the bus accept us.
func (c *Conn) greet(r *bufio.Reader) error {
	if err := c.socket.SetDeadline(time.Now().Add(greeting)); err != nil {
		return err
	}
	if _, err := c.socket.Write(auth()); err != nil {
		return err
	}
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(line), "OK ") {
		return fmt.Errorf("the bus says %q", strings.TrimSpace(string(line)))
	}
	if _, err := io.WriteString(c.socket, "BEGIN\r\n"); err != nil {
		return err
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
		if total <= largest {
			c.signal(m)
		}
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
	case m.Interface != busName || m.Path != busPath: // of no interest
	case m.Member == "NameOwnerChanged" && m.Signature == "sss":
		name, _, owner := d.Text(), d.Text(), d.Text()
		c.owned(name, owner)
	case m.Member == "NameLost" && m.Signature == "s" && d.Text() == Name:
		c.config.Log(fmt.Sprintf("bus: name %s is taken away", Name))
	}
}
