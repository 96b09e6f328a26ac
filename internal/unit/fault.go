package unit

import (
	"strconv"
	"strings"
)

// A Fault is one thing wrong in a unit file. Loading goes on; Then says how.
type Fault struct {
	File        string // absolute path of the fragment or drop-in
	Line        int    // 1-based; 0 if the file as a whole is at fault
	Name, Value string // the assignment, if there is one
	Why, Then   string // "not a time span", "keeping the default, 90s"
	Fatal       bool   // the unit must not be used as it is
	Advice      bool   `json:"-"` // nothing is wrong: the value is used as it is
}

// String gives "file:line: Name=Value: why; then".
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(f.Line))
	}
	b.WriteString(": ")
	if f.Name != "" {
		b.WriteString(f.Name)
		b.WriteByte('=')
		b.WriteString(f.Value)
		b.WriteString(": ")
	}
	b.WriteString(f.Why)
	if f.Then != "" {
		b.WriteString("; ")
		b.WriteString(f.Then)
	}
	return b.String()
}
