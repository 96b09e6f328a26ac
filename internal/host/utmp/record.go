// Package utmp writes the records of logins: who is on which terminal now (/run/utmp), and
// all that ever was (/var/log/wtmp). It knows the form of a record and the manners of those
// who write the files, and nothing of units. It answers for UtmpIdentifier= and UtmpMode=
// of systemd.exec(5), and for utmp(5).
package utmp

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"time"
)

// A kind is what a record is about. utmp(5), ut_type.
type kind int16

const (
	initProcess  kind = 5
	loginProcess kind = 6
	userProcess  kind = 7
	deadProcess  kind = 8
)

// ofProcess reports whether a record is about a process on a terminal: those take the
// place of one another.
func (k kind) ofProcess() bool { return k >= initProcess && k <= deadProcess }

// A record is struct utmp. What else is in one that was read is kept.
type record struct {
	kind        kind
	pid         int32
	line        string
	id          string
	user        string
	host        string
	termination int16
	exit        int16
	session     int64
	at          time.Time // the zero Time is 0
	address     [16]byte
}

// Where the fields are that are in the same place everywhere.
const (
	atPID  = 4
	atLine = 8
	atID   = 40
	atUser = 44
	atHost = 76
	atExit = 332

	lineSize, idSize, userSize, hostSize = 32, 4, 32, 256
)

// A layout says how wide the numbers after the texts are: the C library keeps those of most
// 64-bit machines as they are on their 32-bit kin.
type layout struct {
	order binary.ByteOrder
	wide  bool
}

// native is the layout of this machine.
var native = layout{
	order: binary.NativeEndian,
	wide:  runtime.GOARCH == "arm64" || runtime.GOARCH == "loong64",
}

// size is that of a record.
func (l layout) size() int {
	if l.wide {
		return 400
	}
	return 384
}

// encode gives the bytes of a record.
func (l layout) encode(r *record) []byte {
	b := make([]byte, l.size())
	o := l.order
	o.PutUint16(b, uint16(r.kind))
	o.PutUint32(b[atPID:], uint32(r.pid))
	copy(b[atLine:][:lineSize], r.line)
	copy(b[atID:][:idSize], r.id)
	copy(b[atUser:][:userSize], r.user)
	copy(b[atHost:][:hostSize], r.host)
	o.PutUint16(b[atExit:], uint16(r.termination))
	o.PutUint16(b[atExit+2:], uint16(r.exit))
	var seconds, micros int64
	if !r.at.IsZero() {
		seconds, micros = r.at.Unix(), int64(r.at.Nanosecond()/1000)
	}
	at := atExit + 4
	for _, v := range []int64{r.session, seconds, micros} {
		if l.wide {
			o.PutUint64(b[at:], uint64(v))
			at += 8
		} else {
			o.PutUint32(b[at:], uint32(v))
			at += 4
		}
	}
	copy(b[at:], r.address[:])
	return b
}

// decode reads a record; b has the size of one.
func (l layout) decode(b []byte) *record {
	o := l.order
	r := &record{
		kind: kind(o.Uint16(b)), pid: int32(o.Uint32(b[atPID:])), line: text(b[atLine:][:lineSize]),
		id: text(b[atID:][:idSize]), user: text(b[atUser:][:userSize]),
		host: text(b[atHost:][:hostSize]), termination: int16(o.Uint16(b[atExit:])),
		exit: int16(o.Uint16(b[atExit+2:])),
	}
	var v [3]int64
	at := atExit + 4
	for i := range v {
		if l.wide {
			v[i] = int64(o.Uint64(b[at:]))
			at += 8
		} else {
			v[i] = int64(int32(o.Uint32(b[at:])))
			at += 4
		}
	}
	r.session = v[0]
	if v[1] != 0 || v[2] != 0 {
		r.at = time.Unix(v[1], v[2]*1000)
	}
	copy(r.address[:], b[at:])
	return r
}

// text is what stands in a field: up to a NUL byte, if there is one.
func text(field []byte) string {
	before, _, _ := bytes.Cut(field, []byte{0})
	return string(before)
}

// replaces reports whether r goes where old is.
func (r *record) replaces(old *record) bool {
	if !old.kind.ofProcess() {
		return false
	}
	if r.id != "" && old.id != "" {
		return r.id == old.id
	}
	return r.line == old.line
}
