package dbus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/wire/dbus"
)

// A link is where a call came from.
type link interface {
	// answer queues an answer, and takes the descriptors over.
	answer(m *dbus.Message, files []*os.File)
	// flush sends off what is queued.
	flush()
	// credentials says who the sender of a message is; it may ask the bus.
	credentials(ctx context.Context, sender string) (creds, error)
	// ask calls a method on the bus, if the link goes there.
	ask(ctx context.Context, m *dbus.Message) (*dbus.Message, error)
}

// creds says who has sent a message.
type creds struct {
	uid uint32
	pid int
}

// nobody is a user that nobody is.
const nobody = ^uint32(0)

// A call is a call of a method while it is carried out. Its function reads the
// arguments from in, in the order of the method's signature, and writes the results
// to out.
type call struct {
	s        *Server
	ctx      context.Context
	from     link
	m        *dbus.Message
	in       *dbus.Decoder
	out      dbus.Encoder
	files    []*os.File // came with the call; closed when it is done
	outFiles []*os.File // go with the answer
	object   object
	row      row
	member   *table.Member
	answered bool
	who      *creds
}

// handler carries out a method.
type handler func(c *call) error

// buffers are for results. An answer that was queued has been copied.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// received carries out a call, or refuses it.
func (s *Server) received(ctx context.Context, from link, m *dbus.Message, files []*os.File) {
	if m.Type != dbus.Call {
		closeFiles(files)
		return
	}
	c := &call{s: s, ctx: ctx, from: from, m: m, files: files}
	c.out = dbus.NewEncoder(*buffers.Get().(*[]byte))
	if err := c.find(); err != nil {
		c.finish(err)
		return
	}
	if _, own := from.(*conn); own || !c.row.slow && (!c.row.asks || c.isPrivileged()) {
		c.finish(c.guarded())
		return
	}
	select {
	case s.slow <- struct{}{}:
	default:
		c.finish(&face.Error{Name: errorPrefix + "LimitsExceeded", Message: "Too many calls."})
		return
	}
	go func() {
		defer func() { <-s.slow }()
		c.finish(c.guarded())
		from.flush()
	}()
}

// guarded carries the call out; a panic is an error of this call alone.
func (c *call) guarded() (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.s.log(fmt.Sprintf("internal error in %s.%s: %v", c.m.Interface, c.m.Member, p))
			err = &face.Error{Name: face.Failed, Message: "Internal error."}
		}
	}()
	if c.member.Privileged && !c.isPrivileged() {
		return &face.Error{Name: face.AccessDenied, Message: fmt.Sprintf(
			"Access to %s.%s() not permitted.", c.m.Interface, c.m.Member)}
	}
	c.in = c.m.Decoder()
	return c.row.run(c)
}

// finish sends the answer, unless the function has done so.
func (c *call) finish(err error) {
	defer func() {
		if b := c.out.Bytes(); cap(b) <= 1<<20 {
			buffers.Put(&b)
		}
	}()
	closeFiles(c.files)
	if c.answered {
		return
	}
	if errors.Is(err, face.ErrSuspended) {
		if own, ok := c.from.(*conn); ok && !own.departs {
			own.putOff(c.m)
		}
		return
	}
	if err != nil {
		closeFiles(c.outFiles)
		c.send(failureOf(c.m.Serial, err), nil)
		return
	}
	c.reply()
}

// reply sends the answer with what is in out. It is for functions that must answer
// before something else happens; for others, it is done when they return.
func (c *call) reply() {
	c.send(&dbus.Message{
		Type: dbus.Return, ReplySerial: c.m.Serial, Signature: table.Signature(c.member.Out),
		Body: c.out.Bytes(),
	}, c.outFiles)
}

func (c *call) send(m *dbus.Message, files []*os.File) {
	c.answered = true
	if c.m.Flags&dbus.NoReply != 0 {
		closeFiles(files)
		return
	}
	m.Flags, m.Destination = dbus.NoReply, c.m.Sender
	c.from.answer(m, files)
}

const errorPrefix = "org.freedesktop.DBus.Error."

// failureOf is the error message for an error.
func failureOf(serial uint32, err error) *dbus.Message {
	var known *face.Error
	if errors.As(err, &known) && dbus.IsInterface(known.Name) {
		return failure(serial, known.Name, known.Message)
	}
	return failure(serial, errorPrefix+"Failed", err.Error())
}

func failure(serial uint32, name, text string) *dbus.Message {
	var e dbus.Encoder
	e.Text(plain(text))
	return &dbus.Message{
		Type: dbus.Error, ReplySerial: serial, ErrorName: name, Signature: "s", Body: e.Bytes(),
	}
}

// plain makes anything a string of D-Bus.
func plain(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// refuse is an error of D-Bus itself.
func refuse(name, format string, args ...any) *face.Error {
	return &face.Error{Name: errorPrefix + name, Message: fmt.Sprintf(format, args...)}
}

// find looks up object and method. The errors are sd-bus's.
func (c *call) find() error {
	m := c.m
	i := table.Find(m.Interface)
	if i != nil {
		c.member = i.Member(table.Method, m.Member)
	}
	if m.Interface == table.Peer {
		if c.member == nil {
			return refuse("UnknownMethod", "Unknown method '%s' on interface '%s'.",
				m.Member, m.Interface)
		}
		c.row = rows()[m.Interface][m.Member]
		return nil
	}
	o, ok := objectAt(m.Path)
	if !ok {
		return refuse("UnknownObject", "Unknown object '%s'.", m.Path)
	}
	c.object = o
	if err := o.check(); err != nil {
		return err
	}
	if c.member == nil || !o.has(m.Interface) {
		iface := m.Interface
		if iface == "" {
			iface = "(null)"
		}
		return refuse("UnknownMethod", "Unknown method %s or interface %s.", m.Member, iface)
	}
	if want := table.Signature(c.member.In); want != m.Signature {
		return misused(m, want)
	}
	if c.row, ok = rows()[m.Interface][m.Member]; !ok {
		return refuse("NotSupported", "Method %s is not supported here.", m.Member)
	}
	return nil
}

// misused says that the arguments are not those of the method.
func misused(m *dbus.Message, want string) error {
	switch m.Interface {
	case table.Introspectable:
		return refuse("InvalidArgs", "Expected no parameters")
	case table.Properties:
		if m.Member == "GetAll" {
			return refuse("InvalidArgs", "Expected interface parameter")
		}
		return refuse("InvalidArgs", "Expected interface and member parameters")
	}
	return refuse("InvalidArgs", "Invalid arguments '%s' to call %s.%s(), expecting '%s'.",
		m.Signature, m.Interface, m.Member, want)
}

// look has f look at the state of everything, all at one moment. Units are not loaded.
func (c *call) look(f func(face.View) error) (err error) {
	if bad := c.s.m.Inspect(c.ctx, func(v face.View) { err = f(v) }); bad != nil {
		return bad
	}
	return err
}

// lookReady is look where units may be loaded.
func (c *call) lookReady(f func(face.View) error) (err error) {
	if bad := c.s.m.InspectReady(c.ctx, func(v face.View) { err = f(v) }); bad != nil {
		return bad
	}
	return err
}

// unit gives the name of the unit that the call's object is. The unit is loaded
// while f looks at it.
func (c *call) unit(f func(v face.View, unit string) error) error {
	name, bad := c.unitName()
	if bad != nil {
		return bad
	}
	return c.lookReady(func(v face.View) (err error) {
		if bad := v.Loaded(name, func(primary string) { err = f(v, primary) }); bad != nil {
			return bad
		}
		return err
	})
}

// strings reads an array of strings.
func (c *call) strings() (list []string) {
	c.in.Array("s", func() { list = append(list, c.in.Text()) })
	return list
}
