package dbus

import (
	"fmt"
	"io"
)

// firstBuffer is the size of a read; longer messages have a buffer of their own.
const firstBuffer = 4096

// maxHeld is how many descriptors may have come without the message they belong to.
const maxHeld = 2 * 253

// A Reader takes messages from a stream of bytes and descriptors. It reads as much as
// there is, so that calls which come together are read together.
type Reader struct {
	// Source reads like io.Reader, and gives the descriptors that came along.
	Source func(b []byte) (n int, fds []int, err error)
	// Max is the longest message that is taken, in bytes.
	Max int
	// TakesFDs says whether descriptors may come.
	TakesFDs bool

	buf []byte
	at  int // buf[at:] was not looked at
	fds []int
}

// Fill reads until n bytes or more are there.
func (r *Reader) Fill(n int) error {
	for len(r.buf)-r.at < n {
		r.grow(n)
		got, fds, err := r.Source(r.buf[len(r.buf):cap(r.buf)])
		r.fds = append(r.fds, fds...)
		r.buf = r.buf[:len(r.buf)+max(got, 0)]
		switch {
		case err != nil:
			return err
		case got <= 0:
			return io.EOF
		case len(r.fds) > maxHeld || len(r.fds) > 0 && !r.TakesFDs:
			return fmt.Errorf("%d descriptors that nobody asked for", len(r.fds))
		}
	}
	return nil
}

// grow makes room. What a message says of its length is not believed: the buffer
// doubles as bytes arrive.
func (r *Reader) grow(n int) {
	if r.at == len(r.buf) {
		r.buf, r.at = r.buf[:0], 0
	}
	if r.at > 0 && cap(r.buf) < r.at+n {
		r.buf = r.buf[:copy(r.buf, r.buf[r.at:])]
		r.at = 0
	}
	if have := len(r.buf); cap(r.buf) == have {
		grown := make([]byte, have, max(firstBuffer, min(n, 2*have+firstBuffer)))
		copy(grown, r.buf)
		r.buf = grown
	}
}

// Ahead is what was read and not looked at.
func (r *Reader) Ahead() []byte { return r.buf[r.at:] }

// Put has bytes, and descriptors that came with them, be there before all others.
func (r *Reader) Put(b []byte, fds []int) {
	r.buf = append(append([]byte(nil), b...), r.Ahead()...)
	r.at = 0
	r.fds = append(append([]int(nil), fds...), r.fds...)
}

// Skip takes n bytes of Ahead for looked at.
func (r *Reader) Skip(n int) { r.at += n }

// Held are the descriptors that belong to no message yet. They are the caller's to
// close when reading has ended.
func (r *Reader) Held() []int { return r.fds }

// More reports whether Next gives a message, or an error, without reading.
func (r *Reader) More() bool {
	rest := r.Ahead()
	if len(rest) < HeaderSize {
		return false
	}
	_, total, err := Size(rest)
	return err != nil || len(rest) >= total
}

// Next gives the next message and the descriptors that belong to it, which are the
// caller's. After an error, the stream is lost.
func (r *Reader) Next() (*Message, []int, error) {
	if err := r.Fill(HeaderSize); err != nil {
		return nil, nil, err
	}
	_, total, err := Size(r.Ahead())
	if err == nil && total > r.Max {
		err = fmt.Errorf("message of %d bytes: longer than %d", total, r.Max)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := r.Fill(total); err != nil {
		return nil, nil, err
	}
	m, err := Parse(append([]byte(nil), r.Ahead()[:total]...))
	r.Skip(total)
	if r.at == len(r.buf) && cap(r.buf) > firstBuffer {
		r.buf, r.at = nil, 0
	}
	switch {
	case err != nil:
		return nil, nil, err
	case int(m.FDs) > len(r.fds):
		return nil, nil, fmt.Errorf("message with %d descriptors, %d came", m.FDs, len(r.fds))
	}
	fds := r.fds[:m.FDs:m.FDs]
	r.fds = r.fds[m.FDs:]
	return m, fds, nil
}
