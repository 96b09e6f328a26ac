package directive

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

var filterRows = []Row{
	{Name: "AmbientCapabilities", Group: filterGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "Capabilities that commands have though they do not run as root.",
		in:  in[uint64]{&ambientSet, func(u *unit.Unit) *uint64 { return &u.Exec.AmbientCapabilities }}},
	{Name: "AppArmorProfile", Group: filterGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The AppArmor profile to switch to.",
		in:  in[unit.Label]{&label, func(u *unit.Unit) *unit.Label { return &u.Exec.AppArmorProfile }}},
	{Name: "CapabilityBoundingSet", Group: filterGroup, Default: "all",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "The only capabilities that can be had, or with ~ those that cannot.",
		in: in[uint64]{&boundingSet,
			func(u *unit.Unit) *uint64 { return &u.Exec.CapabilityBoundingSet }}},
	{Name: "LockPersonality", Group: filterGroup, Default: "no", Support: LinuxOnly, Note: onlyLinux,
		Doc: "No change of the execution domain.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.LockPersonality }}},
	{Name: "MemoryDenyWriteExecute", Group: filterGroup, Default: "no",
		Support: LinuxOnly, Note: onlyLinux,
		Doc: "No memory that can be both written and executed.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.MemoryDenyWriteExecute }}},
	{Name: "NoNewPrivileges", Group: filterGroup, Default: "no", Support: LinuxOnly, Note: noSchedule,
		Doc: "No privileges gained by executing a program.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.NoNewPrivileges }}},
	{Name: "Personality", Group: filterGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The architecture that uname(2) reports.",
		in:  in[string]{&personality, func(u *unit.Unit) *string { return &u.Exec.Personality }}},
	{Name: "RestrictAddressFamilies", Group: filterGroup,
		Support: LinuxOnly, Note: "not for programs for 32-bit x86, as in systemd",
		Doc: "The only kinds of sockets that can be made, or with ~ those that cannot.",
		in: in[unit.Restriction]{&addressFamilies,
			func(u *unit.Unit) *unit.Restriction { return &u.Exec.RestrictAddressFamilies }}},
	{Name: "RestrictFileSystems", Group: filterGroup,
		Support: LinuxOnly, Note: "from Linux 6.0 on, with the security module bpf",
		Doc: "The only file systems that can be reached, or with ~ those that cannot.",
		in: in[unit.Restriction]{&fileSystems,
			func(u *unit.Unit) *unit.Restriction { return &u.Exec.RestrictFileSystems }}},
	{Name: "RestrictNamespaces", Group: filterGroup, Default: "no",
		Support: LinuxOnly, Note: onlyLinux,
		Doc: "The only kinds of namespaces that can be made, or with ~ those that cannot.",
		in:  in[uint64]{&namespaceSet, func(u *unit.Unit) *uint64 { return &u.Exec.RestrictNamespaces }}},
	{Name: "RestrictRealtime", Group: filterGroup, Default: "no", Support: LinuxOnly, Note: onlyLinux,
		Doc: "No real-time scheduling.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.RestrictRealtime }}},
	{Name: "RestrictSUIDSGID", Group: filterGroup, Default: "no", Support: LinuxOnly, Note: onlyLinux,
		Doc: "No files made set-user-ID or set-group-ID.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.RestrictSUIDSGID }}},
	{Name: "SELinuxContext", Group: filterGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The SELinux context to run in.",
		in:  in[unit.Label]{&label, func(u *unit.Unit) *unit.Label { return &u.Exec.SELinuxContext }}},
	{Name: "SecureBits", Group: filterGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "What root and set-user-ID are worth.",
		in:  in[int]{&secureBits, func(u *unit.Unit) *int { return &u.Exec.SecureBits }}},
	{Name: "SmackProcessLabel", Group: filterGroup, Default: "DefaultSmackProcessLabel=",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "The SMACK label to run with.",
		in:  in[unit.Label]{&label, func(u *unit.Unit) *unit.Label { return &u.Exec.SmackProcessLabel }}},
	{Name: "SystemCallArchitectures", Group: filterGroup, Support: LinuxOnly, Note: onlyLinux,
		Doc: "The only architectures that system calls may be of.",
		in: in[[]string]{&callArchitectures,
			func(u *unit.Unit) *[]string { return &u.Exec.SystemCallArchitectures }}},
	{Name: "SystemCallErrorNumber", Group: filterGroup, Default: "kill",
		Support: LinuxOnly, Note: onlyLinux,
		Doc: "What calls that are not allowed fail with, instead of ending the process.",
		in:  in[int]{&callError, func(u *unit.Unit) *int { return &u.Exec.SystemCallErrorNumber }}},
	{Name: "SystemCallFilter", Group: filterGroup, Support: LinuxOnly, Note: onlyLinux,
		Doc: "The only system calls that are allowed, or with ~ those that are not.",
		in: callFilter{defaults: true,
			at: func(u *unit.Unit) *unit.CallFilter { return &u.Exec.SystemCallFilter }}},
	{Name: "SystemCallLog", Group: filterGroup, Support: LinuxOnly, Note: onlyLinux,
		Doc: "The system calls that are logged, or with ~ those that are not.",
		in:  callFilter{at: func(u *unit.Unit) *unit.CallFilter { return &u.Exec.SystemCallLog }}},
}

var (
	ambientSet   = kind[uint64]{"[~]capabilities", "t", parseAmbient, plain[uint64]}
	boundingSet  = kind[uint64]{"[~]capabilities", "t", parseBounding, plain[uint64]}
	namespaceSet = kind[uint64]{"boolean, or [~]kinds of namespaces", "t", parseNamespaces,
		plain[uint64]}
	secureBits      = kind[int]{"noroot, noroot-locked, keep-caps, …", "i", parseSecureBits, busInt}
	personality     = kind[string]{"architecture", "s", parsePersonality, plain[string]}
	label           = kind[unit.Label]{"[-]label", "(bs)", parseLabel, busLabel}
	addressFamilies = kind[unit.Restriction]{"[~]AF_…, or none", "(bas)", parseFamilies,
		busRestriction}
	fileSystems = kind[unit.Restriction]{"[~]file systems and @groups", "(bas)",
		parseFileSystems, busFileSystems}
	callArchitectures = kind[[]string]{"native, x86, x86-64, …", "as", parseArchitectures, list}
	callError         = kind[int]{"error name or number, kill", "i", parseCallError, busInt}
)

func parseAmbient(p *parse, v *uint64) error  { return parseCapabilities(p, v, 0) }
func parseBounding(p *parse, v *uint64) error { return parseCapabilities(p, v, math.MaxUint64) }

// parseCapabilities: the first line replaces the initial set, later ones add
// and, with "~", take away. An empty value is the empty set.
func parseCapabilities(p *parse, v *uint64, initial uint64) error {
	rest, invert := strings.CutPrefix(p.value, "~")
	var sum uint64
	p.eachOf(rest, value.Unquote, func(w string) {
		n, ok := linux.Capability(w)
		if !ok {
			p.ignore(w, "not a capability")
			return
		}
		sum |= 1 << n
	})
	switch {
	case sum == 0 && !invert && rest == "":
		*v = 0
	case sum == 0 || *v == initial:
		*v = sum
		if invert {
			*v = ^sum
		}
	case invert:
		*v &^= sum
	default:
		*v |= sum
	}
	return nil
}

// parseNamespaces: as for capabilities; one wrong word spoils the line.
func parseNamespaces(p *parse, v *uint64) error {
	const initial = math.MaxUint64
	if p.value == "" {
		*v = initial
		return nil
	}
	if b, err := value.ParseBool(p.value); err == nil {
		*v = linux.Namespaces
		if b {
			*v = 0
		}
		return nil
	}
	rest, invert := strings.CutPrefix(p.value, "~")
	var sum uint64
	var bad error
	err := eachWord(rest, 0, func(w string) {
		flag, ok := linux.Namespace(w)
		if !ok {
			bad = why(w + ": not a kind of namespace")
		}
		sum |= flag
	})
	if err == nil {
		err = bad
	}
	switch {
	case err != nil:
		return err
	case *v == initial && invert:
		*v = linux.Namespaces &^ sum
	case *v == initial:
		*v = sum
	case invert:
		*v &^= sum
	default:
		*v |= sum
	}
	return nil
}

func parseSecureBits(p *parse, v *int) error {
	if p.value == "" {
		*v = 0
		return nil
	}
	bits := 0
	p.eachOf(p.value, value.Unquote, func(w string) {
		bit, ok := linux.SecureBit(w)
		if !ok {
			p.ignore(w, "not one of the secure bits")
		}
		bits |= bit
	})
	*v = bits
	return nil
}

// personalities are the architectures that a machine can pretend to be, its own
// first. The others have no kin.
var personalities = [...][2]string{
	{"x86-64", "x86"}, {"x86", ""}, {"arm64", "arm"}, {"ppc64", "ppc"}, {"ppc64-le", "ppc-le"},
	{"s390x", "s390"},
}

// parsePersonality: the machine's own architecture and its 32-bit kin.
func parsePersonality(p *parse, v *string) error {
	if p.value == "" {
		*v = ""
		return nil
	}
	own := p.defaults().Architecture
	for _, known := range personalities {
		if (own == known[0] || own == "") && (p.value == known[0] || p.value == known[1]) {
			*v = p.value
			return nil
		}
	}
	return why("not an architecture of this machine")
}

// parseLabel: a label whose specifiers cannot be expanded makes the unit
// unusable, unless it is optional.
func parseLabel(p *parse, v *unit.Label) error {
	rest, optional := strings.CutPrefix(p.value, "-")
	if rest == "" {
		*v = unit.Label{Optional: optional}
		return nil
	}
	s, err := p.expand(rest)
	if err != nil {
		if optional {
			return err
		}
		return fatal{err, unit.BadSetting}
	}
	*v = unit.Label{Label: s, Optional: optional}
	return nil
}

func busLabel(v *unit.Label) any { return []any{v.Optional, v.Label} }

func busRestriction(v *unit.Restriction) any {
	return []any{v.Allow, list(&v.Names)}
}

// restrict adds names to r or takes them away. The first line says whether r
// lists what is allowed or, with "~", what is not; lines of the other kind take
// away from the list.
func restrict(r *unit.Restriction, fresh, invert bool, names []string) {
	if fresh {
		r.Allow = !invert
	}
	for _, n := range names {
		at := sort.SearchStrings(r.Names, n)
		have := at < len(r.Names) && r.Names[at] == n
		switch {
		case invert != r.Allow && !have: // of the same kind as the list
			r.Names = append(r.Names, "")
			copy(r.Names[at+1:], r.Names[at:])
			r.Names[at] = n
		case invert == r.Allow && have:
			r.Names = append(r.Names[:at:at], r.Names[at+1:]...)
		}
	}
}

func parseFamilies(p *parse, v *unit.Restriction) error {
	if p.value == "" {
		*v = unit.Restriction{}
		return nil
	}
	if p.value == "none" {
		*v = unit.Restriction{Allow: true}
		return nil
	}
	rest, invert := strings.CutPrefix(p.value, "~")
	var names []string
	p.eachOf(rest, value.Unquote, func(w string) {
		n, ok := linux.Family(w)
		if !ok {
			p.ignore(w, "not an address family")
			return
		}
		names = append(names, linux.FamilyName(n))
	})
	restrict(v, !v.Any(), invert, names)
	return nil
}

func parseFileSystems(p *parse, v *unit.Restriction) error {
	if p.value == "" {
		*v = unit.Restriction{}
		return nil
	}
	rest, invert := strings.CutPrefix(p.value, "~")
	var names []string
	p.eachOf(rest, value.Unquote, func(w string) {
		members, isSet := linux.FileSystemSet(w)
		switch {
		case isSet:
			names = append(names, members...)
		case strings.HasPrefix(w, "@"):
			p.ignore(w, "not a set of file systems")
		case linux.FileSystem(w) == nil:
			p.ignore(w, "not a file system")
		default:
			names = append(names, w)
		}
	})
	restrict(v, !v.Any(), invert, names)
	return nil
}

// busFileSystems shows no names: Debian's systemd 252 is built without BPF and
// forgets them.
func busFileSystems(v *unit.Restriction) any { return []any{v.Allow, []string{}} }

func parseArchitectures(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.eachWord(value.Unquote, func(w string) {
		if !linux.IsCallArchitecture(w) {
			p.ignore(w, "not an architecture")
			return
		}
		at := sort.SearchStrings(*v, w)
		if at == len(*v) || (*v)[at] != w {
			*v = append(*v, "")
			copy((*v)[at+1:], (*v)[at:])
			(*v)[at] = w
		}
	})
}

func parseCallError(p *parse, v *int) error {
	if p.value == "" || p.value == "kill" {
		*v = unit.CallKill
		return nil
	}
	n, err := callErrno(p.value)
	if err == nil && n == 0 {
		err = why("not an error, by name or number")
	}
	if err == nil {
		*v = n
	}
	return err
}

// maxErrno is the largest error number that Linux has room for.
const maxErrno = 4095

// callErrno reads "EPERM", "1" or "kill".
func callErrno(s string) (int, error) {
	if s == "kill" {
		return unit.CallKill, nil
	}
	if n, ok := linux.Errno(s); ok {
		return n, nil
	}
	n, err := value.ParseUint(s, 32)
	if err != nil || n > maxErrno {
		return 0, why("not an error, by name or number")
	}
	return int(n), nil
}

// callFilter is SystemCallFilter= or SystemCallLog=. What is allowed begins with
// @default if defaults is set.
type callFilter struct {
	defaults bool
	at       func(u *unit.Unit) *unit.CallFilter
}

func (s callFilter) signature() string { return "(bas)" }
func (s callFilter) syntax() string    { return "[~]system calls and @groups, each with :error" }

func (s callFilter) assign(p *parse) error {
	f := s.at(p.u)
	if p.value == "" {
		*f = unit.CallFilter{}
		return nil
	}
	rest, invert := strings.CutPrefix(p.value, "~")
	if !f.Set {
		f.Set, f.Allow = true, !invert
		if f.Allow && s.defaults {
			s.word(p, f, "@default", unit.CallDefault, invert)
		}
	}
	p.eachOf(rest, 0, func(w string) {
		name, text, hasErrno := strings.Cut(w, ":")
		errno := unit.CallDefault
		if hasErrno {
			var err error
			if errno, err = callErrno(text); err != nil {
				p.ignore(w, err.Error())
				return
			}
			if !invert {
				p.ignore(w, "what is allowed has no error")
				return
			}
		}
		s.word(p, f, name, errno, invert)
	})
	return nil
}

func (s callFilter) word(p *parse, f *unit.CallFilter, name string, errno int, invert bool) {
	calls := []string{name}
	if strings.HasPrefix(name, "@") {
		var ok bool
		if calls, ok = linux.Calls(name); !ok {
			p.ignore(name, "not a group of system calls")
			return
		}
	} else if as, ok := linux.CallName(name); ok {
		calls[0] = as
	} else {
		p.ignore(name, "not a system call")
		return
	}
	other := invert == f.Allow // of the other kind than the list
	for _, c := range calls {
		at := sort.Search(len(f.Calls), func(i int) bool { return f.Calls[i].Name >= c })
		have := at < len(f.Calls) && f.Calls[at].Name == c
		switch {
		case other && errno == unit.CallDefault && have:
			f.Calls = append(f.Calls[:at:at], f.Calls[at+1:]...)
		case other && errno == unit.CallDefault:
		case have:
			f.Calls[at].Errno = errno
		default:
			f.Calls = append(f.Calls, unit.Call{})
			copy(f.Calls[at+1:], f.Calls[at:])
			f.Calls[at] = unit.Call{Name: c, Errno: errno}
		}
	}
}

// property leaves out calls that are listed as allowed with an error: they fail.
func (s callFilter) property(u *unit.Unit) any {
	f := s.at(u)
	names := []string{}
	for _, c := range f.Calls {
		switch {
		case c.Errno == unit.CallDefault:
			names = append(names, c.Name)
		case !f.Allow:
			names = append(names, c.Name+":"+errnoText(c.Errno))
		}
	}
	sort.Strings(names)
	return []any{f.Allow, names}
}

func errnoText(n int) string {
	if n == unit.CallKill {
		return "kill"
	}
	if name := linux.ErrnoName(n); name != "" {
		return name
	}
	return strconv.Itoa(n)
}
