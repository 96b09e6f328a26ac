// Package specifier expands the % specifiers of unit files. What it needs to
// know of the machine it is given, and asks for only when used. It answers for
// the SPECIFIERS section of systemd.unit(5).
package specifier

import (
	"fmt"
	"strings"
)

// Account is the user that the manager runs as.
type Account struct {
	Name, Group string
	UID, GID    uint32
	Home, Shell string
}

// Machine is what specifiers tell of the machine and of the manager. Each
// function is called only when a specifier needs it; one that is nil, and one
// that returns an error, makes the expansion fail.
type Machine struct {
	HostName       func() (string, error) // %H; %l is its part before the first dot
	PrettyHostName func() (string, error) // %q; "" stands for the host name
	MachineID      func() (string, error) // %m
	BootID         func() (string, error) // %b
	KernelRelease  func() (string, error) // %v
	Architecture   func() (string, error) // %a, in systemd's words: "x86-64"
	// OSRelease gives a field of os-release(5), "" where it is not set.
	OSRelease func(field string) (string, error) // %A %B %M %o %w %W
	User      func() (Account, error)            // %u %U %g %G %h %s

	// The directories of the manager; "" is the system manager's.
	Runtime       string // %t: /run, or $XDG_RUNTIME_DIR
	State         string // %S: /var/lib, or $XDG_CONFIG_HOME
	Cache         string // %C: /var/cache, or $XDG_CACHE_HOME
	Logs          string // %L: /var/log, or $XDG_CONFIG_HOME/log
	Configuration string // %E: /etc, or $XDG_CONFIG_HOME
	Tmp           string // %T: /tmp, or $TMPDIR, $TEMP, $TMP
	VarTmp        string // %V: /var/tmp, or as for Tmp
	CgroupRoot    string // %r: the manager's own control group, "" for the root
}

// Unit is what specifiers tell of a unit.
type Unit struct {
	Name     string // full name: %n and what is made of it
	Fragment string // %y and %Y, symlinks resolved; "" where there is no file
	Slice    string // %c and %R: Slice= as far as it is read; "" is not set
}

// Expand expands the specifiers of format. The error tells which one cannot be
// expanded; the assignment is refused then. A % before what is neither a letter
// nor a digit, and one at the end, stands for itself.
func Expand(format string, u *Unit, m *Machine) (string, error) {
	return expand(format, u, m, false)
}

// ExpandName is Expand with the fewer specifiers that settings which hold names
// of units accept: those whose values can be part of a name.
func ExpandName(format string, u *Unit, m *Machine) (string, error) {
	return expand(format, u, m, true)
}

func expand(format string, u *Unit, m *Machine, inName bool) (string, error) {
	at := strings.IndexByte(format, '%')
	if at < 0 {
		return format, nil
	}
	if m == nil {
		m = &Machine{}
	}
	var b strings.Builder
	for rest := format; ; at = strings.IndexByte(rest, '%') {
		if at < 0 || at == len(rest)-1 {
			b.WriteString(rest)
			return b.String(), nil
		}
		c := rest[at+1]
		b.WriteString(rest[:at])
		rest = rest[at+2:]
		switch {
		case c == '%':
			b.WriteByte('%')
			continue
		case !alphanumeric(c):
			b.WriteByte('%')
			b.WriteByte(c)
			continue
		}
		row := &rows[c]
		if row.value == nil {
			return "", fmt.Errorf("expand %q: there is no specifier %%%c", format, c)
		}
		if inName && !row.inNames {
			return "", fmt.Errorf("expand %q: %%%c is not for names of units", format, c)
		}
		s, err := row.value(u, m)
		if err != nil {
			return "", fmt.Errorf("expand %q: %%%c: %w", format, c, err)
		}
		b.WriteString(s)
	}
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
