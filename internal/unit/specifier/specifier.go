// Package specifier expands the % specifiers of unit files. What it needs to
// know of the machine it is given, and asks for only when used. It answers for
// the SPECIFIERS section of systemd.unit(5).
package specifier

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
	PrettyHostName func() (string, error) // %q
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
	Fragment string // %y, %Y
	Slice    string // %c, %R; "" is not known
}

// Expand expands the specifiers of format. The error tells which one cannot be
// expanded; the assignment is refused then.
func Expand(format string, u *Unit, m *Machine) (string, error) { return format, nil }

// ExpandName is Expand with the few specifiers that settings which hold names
// of units accept.
func ExpandName(format string, u *Unit, m *Machine) (string, error) { return format, nil }
