package rpc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// MaxRequest is the size of the largest request in bytes; a batch counts as one.
const MaxRequest = 1 << 20

// errTooLong is given for a request beyond the limit; the stream is then lost.
var errTooLong = fmt.Errorf("request: longer than %d bytes", MaxRequest)

// errCut is given for a request that the end of the stream has cut off.
var errCut = errors.New("request: incomplete")

// A framer takes a stream apart into JSON values, which may follow each other
// with or without white space between them. It only looks for where a value ends;
// whether it is JSON is for others to see.
type framer struct {
	r   *bufio.Reader
	max int
	// begun, if set, is called when the first byte of a value has been read.
	begun func()
}

// next gives the next value; io.EOF if there is none left.
func (f *framer) next() ([]byte, error) {
	c, err := f.skipSpace()
	if err != nil {
		return nil, err
	}
	if f.begun != nil {
		f.begun()
	}
	buf := []byte{c}
	if c != '{' && c != '[' {
		return f.scalar(buf)
	}
	depth := 1
	quoted, escaped := false, false
	for depth > 0 {
		c, err := f.r.ReadByte()
		if err != nil {
			return buf, cut(err)
		}
		if len(buf) >= f.max {
			return nil, errTooLong
		}
		buf = append(buf, c)
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return buf, nil
}

// scalar reads on to white space or the end: no request looks like this, so it
// only has to be got rid of.
func (f *framer) scalar(buf []byte) ([]byte, error) {
	for {
		c, err := f.r.ReadByte()
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		case isSpace(c):
			return buf, nil
		case len(buf) >= f.max:
			return nil, errTooLong
		}
		buf = append(buf, c)
	}
}

func (f *framer) skipSpace() (byte, error) {
	for {
		c, err := f.r.ReadByte()
		if err != nil || !isSpace(c) {
			return c, err
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// cut turns the end of the stream inside a value into errCut.
func cut(err error) error {
	if err == io.EOF {
		return errCut
	}
	return err
}
