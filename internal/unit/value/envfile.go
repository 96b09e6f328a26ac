package value

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ParseEnvFile reads the text of an EnvironmentFile=: the assignments in it, a
// later one in the place of an earlier one of the same name. Lines that are no
// valid assignment are left out. The error is for text that makes systemd refuse
// the whole file: zero bytes, or assignments that are not UTF-8. systemd.exec(5).
func ParseEnvFile(text []byte) ([]string, error) {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, errors.New("environment file: a zero byte in it")
	}
	f := envFile{state: envPreKey}
	for _, c := range text {
		f.feed(c)
	}
	f.end()
	if f.err != nil {
		return nil, f.err
	}
	var valid []string
	for _, a := range f.assign {
		if ValidEnvAssign(a) {
			valid = append(valid, a)
		}
	}
	return MergeEnv(valid), nil
}

// envState is what part of the file the next byte belongs to.
type envState uint8

const (
	envPreKey envState = iota
	envKey
	envPreValue // also after a quoted part
	envValue
	envValueEscape
	envSingle
	envDouble
	envDoubleEscape
	envComment
	envCommentEscape
)

// envFile reads an environment file byte by byte.
type envFile struct {
	state      envState
	key, value []byte
	trim       int // the length of value without the blanks at its end
	assign     []string
	err        error
}

func isNewline(c byte) bool { return c == '\n' || c == '\r' }

func isBlank(c byte) bool { return strings.IndexByte(Blanks, c) >= 0 }

// add puts c into the value; text that is not blank is never trimmed.
func (f *envFile) add(c byte, text bool) {
	f.value = append(f.value, c)
	if text {
		f.trim = len(f.value)
	}
}

func (f *envFile) feed(c byte) {
	switch f.state {
	case envPreKey:
		switch {
		case c == '#' || c == ';':
			f.state = envComment
		case !isBlank(c):
			f.state = envKey
			f.key = append(f.key, c)
		}
	case envKey:
		switch {
		case isNewline(c):
			f.reset()
		case c == '=':
			f.state = envPreValue
		default:
			f.key = append(f.key, c)
		}
	case envPreValue, envValue:
		f.feedValue(c)
	case envValueEscape:
		f.state = envValue
		if !isNewline(c) {
			f.add(c, true)
		}
	case envSingle:
		if c == '\'' {
			f.state = envPreValue
			return
		}
		f.add(c, true)
	case envDouble:
		switch c {
		case '"':
			f.state = envPreValue
		case '\\':
			f.state = envDoubleEscape
		default:
			f.add(c, true)
		}
	case envDoubleEscape:
		f.state = envDouble
		switch {
		case strings.IndexByte("\"\\`$", c) >= 0:
			f.add(c, true)
		case c != '\n':
			f.add('\\', true)
			f.add(c, true)
		}
	case envComment:
		switch {
		case c == '\\':
			f.state = envCommentEscape
		case isNewline(c):
			f.state = envPreKey
		}
	case envCommentEscape:
		f.state = envComment
	}
}

// feedValue takes a byte of the value outside quotes. Quotes only count before
// the first bare character.
func (f *envFile) feedValue(c byte) {
	switch {
	case isNewline(c):
		f.push()
	case c == '\\':
		f.state = envValueEscape
		f.trim = len(f.value)
	case f.state == envPreValue && c == '\'':
		f.state = envSingle
	case f.state == envPreValue && c == '"':
		f.state = envDouble
	case f.state == envPreValue && isBlank(c):
	default:
		f.state = envValue
		f.add(c, !isBlank(c))
	}
}

// end takes what is there at the end of the file, quotes closed or not.
func (f *envFile) end() {
	switch f.state {
	case envPreKey, envKey, envComment, envCommentEscape:
	case envPreValue, envValue:
		f.push()
	case envValueEscape, envSingle, envDouble, envDoubleEscape:
		f.trim = len(f.value)
		f.push()
	}
}

// push takes key and value as an assignment.
func (f *envFile) push() {
	key := strings.TrimRight(string(f.key), Blanks)
	value := string(f.value[:f.trim])
	if (!ValidUTF8(key) || !ValidUTF8(value)) && f.err == nil {
		f.err = fmt.Errorf("environment file: assignment of %q is not UTF-8", key)
	}
	f.assign = append(f.assign, key+"="+value)
	f.reset()
}

func (f *envFile) reset() {
	f.state = envPreKey
	f.key, f.value, f.trim = nil, nil, 0
}
