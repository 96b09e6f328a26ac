package dbus

import (
	"encoding/binary"
	"math"
)

// An Encoder writes values one after another, as a body. What it is told is not
// checked here: Message.Append refuses a body that is not of its signature. The
// zero Encoder is ready.
type Encoder struct{ buf []byte }

// NewEncoder writes into a buffer, as far as that goes, from its beginning.
func NewEncoder(buf []byte) Encoder { return Encoder{buf: buf[:0]} }

// Bytes is what was written.
func (e *Encoder) Bytes() []byte { return e.buf }

func (e *Encoder) align(n int) {
	var zeros [8]byte
	e.buf = append(e.buf, zeros[:pad(len(e.buf), n)]...)
}

// Byte writes a y.
func (e *Encoder) Byte(v byte) { e.buf = append(e.buf, v) }

// Bool writes a b.
func (e *Encoder) Bool(v bool) {
	var n uint32
	if v {
		n = 1
	}
	e.Uint32(n)
}

// Int16 writes an n.
func (e *Encoder) Int16(v int16) { e.Uint16(uint16(v)) }

// Uint16 writes a q.
func (e *Encoder) Uint16(v uint16) {
	e.align(2)
	e.buf = binary.LittleEndian.AppendUint16(e.buf, v)
}

// Int32 writes an i.
func (e *Encoder) Int32(v int32) { e.Uint32(uint32(v)) }

// Uint32 writes a u, or an h: the index of a descriptor sent along.
func (e *Encoder) Uint32(v uint32) {
	e.align(4)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, v)
}

// Int64 writes an x.
func (e *Encoder) Int64(v int64) { e.Uint64(uint64(v)) }

// Uint64 writes a t.
func (e *Encoder) Uint64(v uint64) {
	e.align(8)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, v)
}

// Double writes a d.
func (e *Encoder) Double(v float64) { e.Uint64(math.Float64bits(v)) }

// Text writes an s, or an o.
func (e *Encoder) Text(v string) {
	e.Uint32(uint32(len(v)))
	e.buf = append(append(e.buf, v...), 0)
}

// TextBy writes an s, or an o, that write appends.
func (e *Encoder) TextBy(write func(b []byte) []byte) {
	e.Uint32(0)
	at := len(e.buf)
	e.buf = write(e.buf)
	binary.LittleEndian.PutUint32(e.buf[at-4:], uint32(len(e.buf)-at))
	e.buf = append(e.buf, 0)
}

// Signature writes a g. What is beyond 255 bytes is lost.
func (e *Encoder) Signature(v string) {
	v = v[:min(len(v), MaxName)]
	e.Byte(byte(len(v)))
	e.buf = append(append(e.buf, v...), 0)
}

// Variant writes the beginning of a v; a value of the type sig is to follow.
func (e *Encoder) Variant(sig string) { e.Signature(sig) }

// Struct writes the beginning of a structure or a dictionary entry; its members
// are to follow, and nothing marks its end.
func (e *Encoder) Struct() { e.align(8) }

// Array writes an array whose elements are of the type elem; write is to write
// them, each with Struct before it if it is one.
func (e *Encoder) Array(elem string, write func()) {
	e.Uint32(0)
	at := len(e.buf)
	if elem != "" {
		e.align(alignment(elem[0]))
	}
	start := len(e.buf)
	write()
	binary.LittleEndian.PutUint32(e.buf[at-4:], uint32(len(e.buf)-start))
}
