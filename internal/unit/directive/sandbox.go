package directive

import (
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

var sandboxRows = []Row{
	{Name: "BindPaths", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "Paths that appear in other places.", in: binds{readOnly: false}},
	{Name: "BindReadOnlyPaths", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "Paths that appear in other places, read-only.", in: binds{readOnly: true}},
	{Name: "ExecPaths", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "What may be executed all the same.",
		in:  in[[]string]{&accessPaths, func(u *unit.Unit) *[]string { return &u.Exec.ExecPaths }}},
	{Name: "IPCNamespacePath", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "The IPC namespace to join.",
		in:  in[string]{&path, func(u *unit.Unit) *string { return &u.Exec.IPCNamespacePath }}},
	{Name: "InaccessibleDirectories", Group: sandboxGroup, Same: "InaccessiblePaths",
		Support: LinuxOnly, Note: byMounts, Doc: "Old name of InaccessiblePaths=."},
	{Name: "InaccessiblePaths", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "What cannot be reached.",
		in: in[[]string]{&accessPaths,
			func(u *unit.Unit) *[]string { return &u.Exec.InaccessiblePaths }}},
	{Name: "KeyringMode", Group: sandboxGroup, Default: "private for services, else shared",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "Whose kernel keyring processes have.",
		in: enum[unit.KeyringMode]{unit.KeyringModes,
			func(u *unit.Unit) *unit.KeyringMode { return &u.Exec.Keyring }}},
	{Name: "MountFlags", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "Which way mounts spread between the unit and the system.",
		in: does{"shared, slave, private", "t", parseMountFlags,
			func(u *unit.Unit) any { return u.Exec.MountFlags }}},
	{Name: "NetworkNamespacePath", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "The network namespace to join.",
		in:  in[string]{&path, func(u *unit.Unit) *string { return &u.Exec.NetworkNamespacePath }}},
	{Name: "NoExecPaths", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "Where nothing may be executed.",
		in:  in[[]string]{&accessPaths, func(u *unit.Unit) *[]string { return &u.Exec.NoExecPaths }}},
	{Name: "PrivateDevices", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "A /dev with nothing but null, zero, random and kin.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.PrivateDevices }}},
	{Name: "PrivateIPC", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "An IPC namespace of the unit's own.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.PrivateIPC }}},
	{Name: "PrivateMounts", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "A mount namespace of the unit's own.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.PrivateMounts }}},
	{Name: "PrivateNetwork", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "A network with nothing but a loopback interface.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.PrivateNetwork }}},
	{Name: "PrivateTmp", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "A /tmp and a /var/tmp of the unit's own.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.PrivateTmp }}},
	{Name: "PrivateUsers", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "A user namespace with root, the unit's user and nobody.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.PrivateUsers }}},
	{Name: "ProcSubset", Group: sandboxGroup, Default: "all", Support: LinuxOnly, Note: byMounts,
		Doc: "Whether /proc has more than processes.",
		in: enum[unit.ProcSubset]{unit.ProcSubsets,
			func(u *unit.Unit) *unit.ProcSubset { return &u.Exec.ProcSubset }}},
	{Name: "ProtectClock", Group: sandboxGroup, Default: "no", Support: LinuxOnly, Note: onlyLinux,
		Doc: "No setting of the clock.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.ProtectClock }}},
	{Name: "ProtectControlGroups", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "Control groups are read-only.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.ProtectControlGroups }}},
	{Name: "ProtectHome", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "/home, /root and /run/user cannot be reached, are read-only, or empty.",
		in: boolEnum[unit.ProtectHome]{unit.ProtectHomes, unit.ProtectHomeNo, unit.ProtectHomeYes,
			func(u *unit.Unit) *unit.ProtectHome { return &u.Exec.ProtectHome }}},
	{Name: "ProtectHostname", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "No setting of the host name.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.ProtectHostname }}},
	{Name: "ProtectKernelLogs", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "No access to the kernel's log.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.ProtectKernelLogs }}},
	{Name: "ProtectKernelModules", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "No loading of kernel modules.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.ProtectKernelModules }}},
	{Name: "ProtectKernelTunables", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "/proc/sys, /sys and kin are read-only.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Exec.ProtectKernelTunables }}},
	{Name: "ProtectProc", Group: sandboxGroup, Default: "default", Support: LinuxOnly, Note: byMounts,
		Doc: "Which processes of others are seen in /proc.",
		in: enum[unit.ProtectProc]{unit.ProtectProcs,
			func(u *unit.Unit) *unit.ProtectProc { return &u.Exec.ProtectProc }}},
	{Name: "ProtectSystem", Group: sandboxGroup, Default: "no",
		Support: LinuxOnly, Note: byMounts,
		Doc: "/usr and /boot are read-only (yes), /etc too (full), or everything (strict).",
		in: boolEnum[unit.ProtectSystem]{unit.ProtectSystems, unit.ProtectSystemNo, unit.ProtectSystemYes,
			func(u *unit.Unit) *unit.ProtectSystem { return &u.Exec.ProtectSystem }}},
	{Name: "ReadOnlyDirectories", Group: sandboxGroup, Same: "ReadOnlyPaths",
		Support: LinuxOnly, Note: byMounts, Doc: "Old name of ReadOnlyPaths=."},
	{Name: "ReadOnlyPaths", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "What is read-only.",
		in:  in[[]string]{&accessPaths, func(u *unit.Unit) *[]string { return &u.Exec.ReadOnlyPaths }}},
	{Name: "ReadWriteDirectories", Group: sandboxGroup, Same: "ReadWritePaths",
		Support: LinuxOnly, Note: byMounts, Doc: "Old name of ReadWritePaths=."},
	{Name: "ReadWritePaths", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "What may be written to all the same.",
		in:  in[[]string]{&accessPaths, func(u *unit.Unit) *[]string { return &u.Exec.ReadWritePaths }}},
	{Name: "TemporaryFileSystem", Group: sandboxGroup, Support: LinuxOnly, Note: byMounts,
		Doc: "Where empty file systems are mounted, with their options.",
		in:  does{"absolute path[:options] …", "a(ss)", parseTemporary, busTemporary}},
}

// accessPaths are absolute paths with "-" before those that may be missing and
// "+" before those below RootDirectory=.
var accessPaths = kind[[]string]{"[-][+]absolute path …", "as", parseAccessPaths, list}

func parseAccessPaths(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.eachWord(value.Unquote, func(w string) {
		s, err := p.expand(w)
		if err != nil {
			p.ignore(w, err.Error())
			return
		}
		rest := strings.TrimPrefix(s, "-")
		rest = strings.TrimPrefix(rest, "+")
		path, err := cleanAbsolute(rest)
		if err != nil {
			p.ignore(w, err.Error())
			return
		}
		*v = append(*v, s[:len(s)-len(rest)]+path)
	})
}

func parseMountFlags(p *parse) error {
	if p.value == "" {
		p.u.Exec.MountFlags = 0
		return nil
	}
	flag, ok := linux.Propagation(p.value)
	if !ok {
		return why("not one of shared, slave, private")
	}
	p.u.Exec.MountFlags = flag
	return nil
}

// binds is BindPaths= or BindReadOnlyPaths=, which add to one list.
type binds struct{ readOnly bool }

func (s binds) signature() string { return "a(ssbt)" }
func (s binds) syntax() string    { return "[-]absolute path[:absolute path[:rbind or norbind]] …" }

func (s binds) property(u *unit.Unit) any {
	const recursive = 1 << 14 // MS_REC
	list := []any{}
	for _, b := range u.Exec.BindPaths {
		if b.ReadOnly != s.readOnly {
			continue
		}
		flags := uint64(recursive)
		if b.Flat {
			flags = 0
		}
		list = append(list, []any{b.Source, b.Where, b.Optional, flags})
	}
	return list
}

// assign adds bind mounts. An empty value takes all away, of both kinds. What
// is left out of a line is only what was read so far: "rel:/b" still gives /b.
func (s binds) assign(p *parse) error {
	if p.value == "" {
		p.u.Exec.BindPaths = nil
		return nil
	}
	rest := p.value
	for {
		b := unit.BindPath{ReadOnly: s.readOnly}
		w, sep, more, ok, err := cutField(rest, ":"+value.Blanks)
		if err != nil || !ok {
			return err
		}
		if rest = more; w == "" && sep != ':' {
			continue
		}
		if err = s.source(p, &b, w); err == nil && sep == ':' {
			if w, sep, rest, _, err = cutField(rest, ":"+value.Blanks); err != nil {
				return err
			}
			b.Where, err = p.absolute(w)
			if err == nil && sep == ':' {
				if w, _, rest, _, err = cutField(rest, value.Blanks); err != nil {
					return err
				}
				err = s.options(&b, w)
			}
		}
		if err != nil {
			p.ignore(w, err.Error())
			continue
		}
		p.u.Exec.BindPaths = append(p.u.Exec.BindPaths, b)
	}
}

func (s binds) source(p *parse, b *unit.BindPath, w string) error {
	w, err := p.expand(w)
	if err != nil {
		return err
	}
	w, b.Optional = strings.CutPrefix(w, "-")
	b.Source, err = cleanAbsolute(w)
	b.Where = b.Source
	return err
}

func (s binds) options(b *unit.BindPath, w string) error {
	switch w {
	case "", "rbind":
	case "norbind":
		b.Flat = true
	default:
		return why("not one of rbind, norbind")
	}
	return nil
}

// cutField takes off what stands before the first separator, which it gives
// too; 0 is the end.
func cutField(s, separators string) (field string, sep byte, rest string, ok bool, err error) {
	if s == "" {
		return "", 0, "", false, nil
	}
	field, rest, ok, err = value.NextWord(s, separators, value.Unquote|value.KeepEmpty)
	if err != nil {
		return "", 0, "", false, err
	}
	if len(rest) < len(s) {
		if c := s[len(s)-len(rest)-1]; strings.IndexByte(separators, c) >= 0 {
			sep = c
		}
	}
	return field, sep, rest, ok, nil
}

func parseTemporary(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.TemporaryFileSystems = nil
		return nil
	}
	return p.eachWord(value.Unquote, func(w string) {
		s, options, _ := strings.Cut(w, ":")
		path, err := p.absolute(s)
		if err != nil {
			p.ignore(w, err.Error())
			return
		}
		x.TemporaryFileSystems = append(x.TemporaryFileSystems, unit.TemporaryFileSystem{Path: path,
			Options: options})
	})
}

func busTemporary(u *unit.Unit) any {
	list := make([]any, len(u.Exec.TemporaryFileSystems))
	for i, t := range u.Exec.TemporaryFileSystems {
		list[i] = []any{t.Path, t.Options}
	}
	return list
}
