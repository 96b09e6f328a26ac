package dbus

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

var errShort = errors.New("ends too early")

// A Decoder reads values one after another. The first thing that is wrong stays
// as Err, and whatever is read after it is zero; so it may be looked at last.
type Decoder struct {
	buf   []byte
	at    int
	order Order
	err   error
}

// NewDecoder reads from a body, or from anything that begins where a body may.
func NewDecoder(body []byte, order Order) *Decoder { return &Decoder{buf: body, order: order} }

// Err is the first thing that was wrong.
func (d *Decoder) Err() error { return d.err }

// More reports whether anything is left to be read, and nothing was wrong.
func (d *Decoder) More() bool { return d.err == nil && d.at < len(d.buf) }

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = fmt.Errorf("byte %d: %w", d.at, err)
	}
}

// take is the next n bytes, aligned; nil when there are not so many.
func (d *Decoder) take(n, align int) []byte {
	d.align(align)
	if d.err != nil {
		return nil
	}
	if n > len(d.buf)-d.at {
		d.fail(errShort)
		return nil
	}
	b := d.buf[d.at : d.at+n]
	d.at += n
	return b
}

// align goes over padding, which must be zero.
func (d *Decoder) align(n int) {
	gap := pad(d.at, n)
	switch {
	case d.err != nil:
	case gap > len(d.buf)-d.at:
		d.fail(errShort)
	default:
		for _, c := range d.buf[d.at : d.at+gap] {
			if c != 0 {
				d.fail(errors.New("padding that is not zero"))
				return
			}
		}
		d.at += gap
	}
}

// Byte reads a y.
func (d *Decoder) Byte() byte {
	if b := d.take(1, 1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads a b.
func (d *Decoder) Bool() bool {
	v := d.Uint32()
	if v > 1 {
		d.fail(fmt.Errorf("truth of %d, want 0 or 1", v))
	}
	return v == 1 && d.err == nil
}

// Int16 reads an n.
func (d *Decoder) Int16() int16 { return int16(d.Uint16()) }

// Uint16 reads a q.
func (d *Decoder) Uint16() uint16 {
	if b := d.take(2, 2); b != nil {
		return d.order.uint16(b)
	}
	return 0
}

// Int32 reads an i.
func (d *Decoder) Int32() int32 { return int32(d.Uint32()) }

// Uint32 reads a u, or an h: the index of a descriptor that came along.
func (d *Decoder) Uint32() uint32 {
	if b := d.take(4, 4); b != nil {
		return d.order.uint32(b)
	}
	return 0
}

// Int64 reads an x.
func (d *Decoder) Int64() int64 { return int64(d.Uint64()) }

// Uint64 reads a t.
func (d *Decoder) Uint64() uint64 {
	if b := d.take(8, 8); b != nil {
		return d.order.uint64(b)
	}
	return 0
}

// Double reads a d.
func (d *Decoder) Double() float64 { return math.Float64frombits(d.Uint64()) }

// Text reads an s: UTF-8 without zero bytes.
func (d *Decoder) Text() string {
	n := d.Uint32()
	if n > MaxMessage {
		d.fail(fmt.Errorf("string of %d bytes", n))
		return ""
	}
	return d.text(int(n))
}

// Path reads an o.
func (d *Decoder) Path() string {
	v := d.Text()
	if d.err == nil && !IsPath(v) {
		d.fail(fmt.Errorf("object path %q", short(v)))
		return ""
	}
	return v
}

// Signature reads a g.
func (d *Decoder) Signature() string {
	v := d.text(int(d.Byte()))
	if d.err != nil {
		return ""
	}
	if err := CheckSignature(v); err != nil {
		d.fail(err)
		return ""
	}
	return v
}

// text is n bytes and a zero.
func (d *Decoder) text(n int) string {
	b := d.take(n+1, 1)
	switch {
	case b == nil:
		return ""
	case b[n] != 0:
		d.fail(errors.New("text without a zero at its end"))
	case bytes.IndexByte(b[:n], 0) >= 0:
		d.fail(errors.New("text with a zero inside"))
	case !utf8.Valid(b[:n]):
		d.fail(errors.New("text that is not UTF-8"))
	default:
		return string(b[:n])
	}
	return ""
}

// Variant reads the beginning of a v and gives the type of the value that
// follows; "" when that is not one complete type.
func (d *Decoder) Variant() string {
	sig := d.Signature()
	if d.err == nil && !IsType(sig) {
		d.fail(fmt.Errorf("variant of %q, want one type", sig))
		return ""
	}
	return sig
}

// Struct reads the beginning of a structure or a dictionary entry.
func (d *Decoder) Struct() { d.align(8) }

// Array reads an array whose elements are of the type elem: read is called until
// its bytes are used up, and is to read one element each time.
func (d *Decoder) Array(elem string, read func()) {
	inner := d.array(elem)
	if inner == nil {
		return
	}
	whole := d.buf
	d.buf = whole[:d.at+len(inner)]
	for d.More() {
		before := d.at
		read()
		if d.at == before {
			d.fail(errors.New("element of nothing"))
		}
	}
	d.buf = whole
}

// array reads the length, and gives the bytes of the elements without reading
// them; nil after a fault.
func (d *Decoder) array(elem string) []byte {
	n := d.Uint32()
	if n > MaxArray {
		d.fail(fmt.Errorf("array of %d bytes: longer than %d", n, MaxArray))
	}
	if elem == "" {
		d.fail(errors.New("array of no type"))
	} else {
		d.align(alignment(elem[0]))
	}
	if d.err == nil && int(n) > len(d.buf)-d.at {
		d.fail(errShort)
	}
	if d.err != nil {
		return nil
	}
	return d.buf[d.at : d.at+int(n) : d.at+int(n)]
}

// Skip reads values of the types in sig and forgets them, after all checks.
func (d *Decoder) Skip(sig string) {
	if d.err != nil {
		return
	}
	if err := CheckSignature(sig); err != nil {
		d.fail(err)
		return
	}
	d.skip(sig, 0)
}

// skip goes over the values of a valid signature, inside so many containers.
func (d *Decoder) skip(sig string, depth int) {
	if depth > maxNesting {
		d.fail(fmt.Errorf("containers nested deeper than %d", maxNesting))
	}
	for sig != "" && d.err == nil {
		n, err := typeLen(sig, 0, 0)
		if err != nil {
			d.fail(err)
			return
		}
		d.skipOne(sig[:n], depth)
		sig = sig[n:]
	}
}

func (d *Decoder) skipOne(sig string, depth int) {
	switch sig[0] {
	case 'b':
		d.Bool()
	case 's':
		_ = d.Text()
	case 'o':
		d.Path()
	case 'g':
		d.Signature()
	case 'v':
		d.skip(d.Variant(), depth+1)
	case '(', '{':
		d.Struct()
		d.skip(sig[1:len(sig)-1], depth+1)
	case 'a':
		d.skipArray(sig[1:], depth+1)
	default:
		n := fixedSize(sig[0])
		d.take(n, n)
	}
}

func (d *Decoder) skipArray(elem string, depth int) {
	size := fixedSize(elem[0])
	if size == 0 {
		d.Array(elem, func() { d.skipElement(elem, depth) })
		return
	}
	inner := d.array(elem)
	if len(inner)%size != 0 {
		d.fail(fmt.Errorf("array of %d bytes, its elements are of %d", len(inner), size))
	}
	d.at += len(inner)
}

// skipElement is skipOne with the depth that an element has.
func (d *Decoder) skipElement(elem string, depth int) {
	if depth > maxNesting {
		d.fail(fmt.Errorf("containers nested deeper than %d", maxNesting))
		return
	}
	d.skipOne(elem, depth)
}

// short is a text for an error message.
func short(s string) string { return s[:min(len(s), 64)] }
