package dbus

import (
	"errors"
	"fmt"
	"slices"
)

// A Type says what a message is for.
type Type byte

// The types of messages. Others may come, and are to be ignored.
const (
	Call   Type = 1 // calls a method
	Return Type = 2 // the answer to a call
	Error  Type = 3 // the other answer to a call
	Signal Type = 4 // tells something
)

// Flags are what a message asks of those who get it.
type Flags byte

// The flags.
const (
	NoReply          Flags = 1 // whoever calls wants no answer
	NoAutoStart      Flags = 2 // nothing is to be started for it
	AllowInteraction Flags = 4 // a person may be asked for permission
)

// A Message is one message. Empty strings and zero numbers are header fields that
// are not there.
type Message struct {
	Type        Type
	Flags       Flags
	Serial      uint32 // of this message, given by its sender; never 0
	ReplySerial uint32 // of the call that is answered
	Path        string
	Interface   string
	Member      string
	ErrorName   string
	Destination string
	Sender      string // written by the bus
	Signature   string // of the body
	FDs         uint32 // how many descriptors came along
	Order       Order  // of the body; the zero value is Little when writing
	Body        []byte
}

// Decoder reads the body.
func (m *Message) Decoder() *Decoder { return NewDecoder(m.Body, m.Order) }

// HeaderSize is how many bytes Size looks at.
const HeaderSize = 16

// Size says from the first HeaderSize bytes of a message how long it is: its
// header with padding, and all of it. An error means that the stream is lost.
func Size(first []byte) (header, total int, err error) {
	if len(first) < HeaderSize {
		return 0, 0, errShort
	}
	order := Order(first[0])
	switch {
	case order != Little && order != Big:
		return 0, 0, fmt.Errorf("message of byte order %q", first[0])
	case first[3] != 1:
		return 0, 0, fmt.Errorf("message of protocol version %d", first[3])
	}
	body, fields := order.uint32(first[4:]), order.uint32(first[12:])
	if fields > MaxArray {
		return 0, 0, fmt.Errorf("header fields of %d bytes: longer than %d", fields, MaxArray)
	}
	header = HeaderSize + int(fields)
	header += pad(header, 8)
	if int64(header)+int64(body) > MaxMessage {
		return 0, 0, fmt.Errorf("message with a body of %d bytes: longer than %d",
			body, MaxMessage)
	}
	return header, header + int(body), nil
}

// Parse reads one whole message and checks all of it. The body is kept, not
// copied.
func Parse(b []byte) (*Message, error) {
	m, err := ParseHeader(b)
	if err != nil {
		return nil, err
	}
	header, total, _ := Size(b)
	if len(b) != total {
		return nil, fmt.Errorf("message of %d bytes says it has %d", len(b), total)
	}
	m.Body = b[header:]
	if err := m.checkBody(); err != nil {
		return nil, err
	}
	return m, nil
}

// ParseHeader reads the header of a message, whose body need not be there.
func ParseHeader(b []byte) (*Message, error) {
	header, _, err := Size(b)
	if err != nil {
		return nil, err
	}
	if len(b) < header {
		return nil, errShort
	}
	d := NewDecoder(b[:header], Order(b[0]))
	m := &Message{Order: d.order, Type: Type(b[1]), Flags: Flags(b[2])}
	d.at = 8
	m.Serial = d.Uint32()
	seen := make(map[byte]bool)
	d.Array("(yv)", func() {
		d.Struct()
		code := d.Byte()
		if code == 0 || seen[code] {
			d.fail(fmt.Errorf("header field %d, which is none or comes twice", code))
		}
		seen[code] = true
		m.readField(d, code)
	})
	d.align(8)
	if d.err != nil {
		return nil, fmt.Errorf("header: %w", d.err)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// A field is a header field of a message: its type, and where its value is.
type field struct {
	code   byte
	sig    string
	text   *string
	number *uint32
	ok     func(string) bool
}

func (m *Message) fields() [9]field {
	return [9]field{
		{1, "o", &m.Path, nil, IsPath},
		{2, "s", &m.Interface, nil, IsInterface},
		{3, "s", &m.Member, nil, IsMember},
		{4, "s", &m.ErrorName, nil, IsInterface},
		{5, "u", nil, &m.ReplySerial, nil},
		{6, "s", &m.Destination, nil, IsBusName},
		{7, "s", &m.Sender, nil, IsBusName},
		{8, "g", &m.Signature, nil, func(s string) bool { return CheckSignature(s) == nil }},
		{9, "u", nil, &m.FDs, nil},
	}
}

// readField reads a value of a header field. Those we do not know are none of
// our business.
func (m *Message) readField(d *Decoder, code byte) {
	sig := d.Variant()
	if d.err != nil {
		return
	}
	if int(code) > len(m.fields()) {
		d.skip(sig, 1)
		return
	}
	f := m.fields()[code-1]
	if sig != f.sig {
		d.fail(fmt.Errorf("header field %d of type %q, want %q", code, sig, f.sig))
		return
	}
	switch sig {
	case "u":
		*f.number = d.Uint32()
	case "g":
		*f.text = d.Signature()
	case "o":
		*f.text = d.Path()
	case "s":
		if *f.text = d.Text(); d.err == nil && *f.text == "" {
			d.fail(fmt.Errorf("header field %d is empty", code))
		}
	}
}

// check says what is wrong with a header.
func (m *Message) check() error {
	if m.Serial == 0 {
		return errors.New("message without a serial")
	}
	for _, f := range m.fields() {
		if f.text != nil && *f.text != "" && !f.ok(*f.text) {
			return fmt.Errorf("header field %d: %q is not valid", f.code, short(*f.text))
		}
	}
	complete := true
	switch m.Type {
	case Call:
		complete = m.Path != "" && m.Member != ""
	case Return:
		complete = m.ReplySerial != 0
	case Error:
		complete = m.ReplySerial != 0 && m.ErrorName != ""
	case Signal:
		complete = m.Path != "" && m.Interface != "" && m.Member != ""
	case 0:
		return errors.New("message of no type")
	}
	if !complete {
		return fmt.Errorf("message of type %d without a header field it must have", m.Type)
	}
	return nil
}

func (m *Message) checkBody() error {
	d := m.Decoder()
	d.Skip(m.Signature)
	if d.More() {
		d.fail(fmt.Errorf("%d bytes after the last value", len(d.buf)-d.at))
	}
	if d.err != nil {
		return fmt.Errorf("body of type %q: %w", m.Signature, d.err)
	}
	return nil
}

// Append writes the message after b, unless it would not be a valid one.
func (m *Message) Append(b []byte) ([]byte, error) {
	if err := m.checkBody(); m.Order != Big && err != nil {
		return b, err
	}
	return m.AppendChecked(b)
}

// AppendChecked is Append for a body that is known to be of its signature.
func (m *Message) AppendChecked(b []byte) ([]byte, error) {
	out := *m
	if out.Order == 0 {
		out.Order = Little
	}
	if out.Order != Little {
		return b, errors.New("message not in little-endian order")
	}
	if err := out.check(); err != nil {
		return b, err
	}
	var first [256]byte
	e := Encoder{buf: append(first[:0], byte(Little), byte(out.Type), byte(out.Flags), 1)}
	e.Uint32(uint32(len(out.Body)))
	e.Uint32(out.Serial)
	e.Array("(yv)", func() {
		for _, f := range out.fields() {
			f.write(&e)
		}
	})
	e.align(8)
	if len(e.buf)+len(out.Body) > MaxMessage {
		return b, fmt.Errorf("message with a body of %d bytes: longer than %d",
			len(out.Body), MaxMessage)
	}
	b = slices.Grow(b, len(e.buf)+len(out.Body))
	return append(append(b, e.buf...), out.Body...), nil
}

func (f *field) write(e *Encoder) {
	if f.text != nil && *f.text == "" || f.number != nil && *f.number == 0 {
		return
	}
	e.Struct()
	e.Byte(f.code)
	e.Variant(f.sig)
	switch {
	case f.number != nil:
		e.Uint32(*f.number)
	case f.sig == "g":
		e.Signature(*f.text)
	default:
		e.Text(*f.text)
	}
}
