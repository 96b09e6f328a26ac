package specifier

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"rouse/internal/unit/name"
)

// row is one specifier. inNames is set if names of units may hold it.
type row struct {
	value   func(u *Unit, m *Machine) (string, error)
	inNames bool
}

// rows are the specifiers by their letter. systemd.unit(5), SPECIFIERS.
var rows = [256]row{
	'a': {func(_ *Unit, m *Machine) (string, error) { return ask(m.Architecture) }, true},
	'A': {release("IMAGE_VERSION"), true},
	'b': {func(_ *Unit, m *Machine) (string, error) { return ask(m.BootID) }, true},
	'B': {release("BUILD_ID"), true},
	'c': {unitCgroup, false},
	'C': {directory(func(m *Machine) string { return m.Cache }, "/var/cache"), false},
	'd': {credentials, false},
	'E': {directory(func(m *Machine) string { return m.Configuration }, "/etc"), false},
	'f': {instancePath, false},
	'g': {account(func(a Account) string { return a.Group }), true},
	'G': {account(func(a Account) string { return number(a.GID) }), true},
	'h': {account(func(a Account) string { return a.Home }), false},
	'H': {func(_ *Unit, m *Machine) (string, error) { return ask(m.HostName) }, true},
	'i': {plain(name.InstanceOf), true},
	'I': {unescaped(name.InstanceOf), false},
	'j': {plain(lastPart), true},
	'J': {unescaped(lastPart), false},
	'l': {shortHostName, true},
	'L': {directory(func(m *Machine) string { return m.Logs }, "/var/log"), false},
	'm': {func(_ *Unit, m *Machine) (string, error) { return ask(m.MachineID) }, true},
	'M': {release("IMAGE_ID"), true},
	'n': {plain(func(name string) string { return name }), true},
	'N': {plain(name.PrefixAndInstance), true},
	'o': {release("ID"), true},
	'p': {plain(name.Prefix), true},
	'P': {unescaped(name.Prefix), false},
	'q': {prettyHostName, true},
	'r': {directory(func(m *Machine) string { return m.CgroupRoot }, ""), false},
	'R': {sliceCgroup, false},
	's': {account(func(a Account) string { return a.Shell }), false},
	'S': {directory(func(m *Machine) string { return m.State }, "/var/lib"), false},
	't': {runtime, false},
	'T': {directory(func(m *Machine) string { return m.Tmp }, "/tmp"), false},
	'u': {account(func(a Account) string { return a.Name }), true},
	'U': {account(func(a Account) string { return number(a.UID) }), true},
	'v': {func(_ *Unit, m *Machine) (string, error) { return ask(m.KernelRelease) }, true},
	'V': {directory(func(m *Machine) string { return m.VarTmp }, "/var/tmp"), false},
	'w': {release("VERSION_ID"), true},
	'W': {release("VARIANT_ID"), true},
	'y': {fragment, false},
	'Y': {fragmentDirectory, false},
}

// ErrUnknown is why a specifier that exists has no value.
var ErrUnknown = errors.New("not known on this machine")

var (
	errNoFragment = errors.New("the unit has no file")
)

func ask(f func() (string, error)) (string, error) {
	if f == nil {
		return "", ErrUnknown
	}
	return f()
}

// plain gives a part of the name of the unit.
func plain(part func(string) string) func(*Unit, *Machine) (string, error) {
	return func(u *Unit, _ *Machine) (string, error) { return part(u.Name), nil }
}

// unescaped gives the text that a part of the name of the unit stands for.
func unescaped(part func(string) string) func(*Unit, *Machine) (string, error) {
	return func(u *Unit, _ *Machine) (string, error) { return unescape(part(u.Name)) }
}

// release gives a field of os-release(5).
func release(field string) func(*Unit, *Machine) (string, error) {
	return func(_ *Unit, m *Machine) (string, error) {
		if m.OSRelease == nil {
			return "", ErrUnknown
		}
		return m.OSRelease(field)
	}
}

// account gives a fact of the user that the manager runs as, whatever User= says.
func account(fact func(Account) string) func(*Unit, *Machine) (string, error) {
	return func(_ *Unit, m *Machine) (string, error) {
		if m.User == nil {
			return "", ErrUnknown
		}
		a, err := m.User()
		return fact(a), err
	}
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// directory gives a directory of the manager, system that of the system manager.
func directory(
	of func(*Machine) string, system string,
) func(*Unit, *Machine) (string, error) {
	return func(_ *Unit, m *Machine) (string, error) {
		if dir := of(m); dir != "" {
			return dir, nil
		}
		return system, nil
	}
}

var runtime = directory(func(m *Machine) string { return m.Runtime }, "/run")

func credentials(u *Unit, m *Machine) (string, error) {
	base, err := runtime(u, m)
	return base + "/credentials/" + u.Name, err
}

func shortHostName(_ *Unit, m *Machine) (string, error) {
	host, err := ask(m.HostName)
	short, _, _ := strings.Cut(host, ".")
	return short, err
}

func prettyHostName(_ *Unit, m *Machine) (string, error) {
	if m.PrettyHostName != nil {
		if s, err := m.PrettyHostName(); s != "" || err != nil {
			return s, err
		}
	}
	return ask(m.HostName)
}

// cgroup is the control group that the unit's own is in.
func cgroup(u *Unit, m *Machine) string {
	dir := m.CgroupRoot
	if u.Slice == "" || u.Slice == "-.slice" {
		return dir
	}
	// Each slice is in those that its name begins with.
	for i, c := range strings.TrimSuffix(u.Slice, ".slice") {
		if c == '-' {
			dir += "/" + u.Slice[:i] + ".slice"
		}
	}
	return dir + "/" + u.Slice
}

func sliceCgroup(u *Unit, m *Machine) (string, error) { return cgroup(u, m), nil }

// unitCgroup is the unit's own control group.
func unitCgroup(u *Unit, m *Machine) (string, error) { return cgroup(u, m) + "/" + u.Name, nil }

// lastPart is what follows the last dash of the prefix of a name.
func lastPart(unit string) string {
	p := name.Prefix(unit)
	return p[strings.LastIndexByte(p, '-')+1:]
}

// unescape gives the text that s stands for, as far as the first NUL.
func unescape(s string) (string, error) {
	text, err := name.Unescape(s)
	text, _, _ = strings.Cut(text, "\x00")
	return text, err
}

// instancePath is the path that the instance stands for, or the prefix where
// there is no instance.
func instancePath(u *Unit, _ *Machine) (string, error) {
	of := name.InstanceOf(u.Name)
	if of == "" {
		of = name.Prefix(u.Name)
	}
	text, err := name.UnescapePath(of)
	text, _, _ = strings.Cut(text, "\x00")
	return text, err
}

func fragment(u *Unit, _ *Machine) (string, error) {
	if u.Fragment == "" {
		return "", errNoFragment
	}
	return u.Fragment, nil
}

func fragmentDirectory(u *Unit, m *Machine) (string, error) {
	file, err := fragment(u, m)
	if err != nil {
		return "", err
	}
	return path.Dir(file), nil
}
