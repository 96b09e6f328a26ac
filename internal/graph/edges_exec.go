package graph

import (
	"path"

	"rouse/internal/unit"
)

// systemBases are the directories that RuntimeDirectory= and kin are relative
// to in the system manager. systemd.exec(5).
var systemBases = [unit.DirectoryKinds]string{
	unit.RuntimeDirectory:       "/run",
	unit.StateDirectory:         "/var/lib",
	unit.CacheDirectory:         "/var/cache",
	unit.LogsDirectory:          "/var/log",
	unit.ConfigurationDirectory: "/etc",
}

// exec adds what the execution context of a unit brings. systemd.exec(5),
// IMPLICIT DEPENDENCIES.
func (e *edges) exec() {
	x := e.u.Exec
	if x == nil {
		return
	}
	if x.WorkingDirectory != "" && !x.WorkingDirectoryMissingOK {
		e.needMounts(x.WorkingDirectory)
	}
	if x.RootDirectory != "" {
		e.needMounts(x.RootDirectory)
	}
	if x.RootImage != "" {
		e.needMounts(x.RootImage)
	}
	for kind, dirs := range x.Directories {
		base := e.Bases[kind]
		if base == "" {
			base = systemBases[kind]
		}
		for _, d := range dirs.Paths {
			e.needMounts(path.Join(base, d.Path))
		}
	}
	if e.User {
		return
	}
	if len(x.Directories[unit.StateDirectory].Paths) > 0 ||
		len(x.Directories[unit.CacheDirectory].Paths) > 0 ||
		len(x.Directories[unit.LogsDirectory].Paths) > 0 {
		e.add("systemd-remount-fs.service", unit.After) // /var may be on the root file system
	}
	if x.PrivateTmp || x.DynamicUser {
		e.add("tmp.mount", unit.Wants, unit.After)
		e.add("systemd-tmpfiles-setup.service", unit.After)
		e.needMounts("/var/tmp")
	}
	if x.RootImage != "" {
		e.add("systemd-udevd.service", unit.After)
	}
	e.imageModules()
	e.journal()
}

// imageModules loads the kernel modules that a restricted unit could not make
// the kernel load for its images.
func (e *edges) imageModules() {
	x, r := e.u.Exec, e.u.Resources
	if x.RootImage == "" && len(x.MountImages) == 0 || r == nil {
		return
	}
	if r.DevicePolicy == unit.DeviceAuto && len(r.DeviceAllow) == 0 && !x.PrivateDevices {
		return
	}
	for _, module := range [...]string{"loop", "dm_mod", "dm_verity"} {
		e.add("modprobe@"+module+".service", unit.Wants, unit.After)
	}
}

// journal orders units that log after the journal.
func (e *edges) journal() {
	x := e.u.Exec
	if ns := x.LogNamespace; ns != "" {
		e.add("systemd-journald@"+ns+".socket", unit.Requires, unit.After)
		e.add("systemd-journald-varlink@"+ns+".socket", unit.Requires, unit.After)
		return
	}
	if e.logs(x.Stderr) || e.logs(e.stdout()) {
		e.add("systemd-journald.socket", unit.After)
	}
}

// stdout is where standard output goes where StandardOutput= does not say so:
// where standard input comes from if one can write there, else
// DefaultStandardOutput=.
func (e *edges) stdout() unit.Stdio {
	x := e.u.Exec
	if x.Stdout != unit.StdioUnset && x.Stdout != unit.StdioInherit {
		return x.Stdout
	}
	switch x.Stdin {
	case unit.StdioTTY, unit.StdioTTYForce, unit.StdioTTYFail, unit.StdioSocket, unit.StdioFD:
		return x.Stdin
	case unit.StdioUnset, unit.StdioNull, unit.StdioInherit, unit.StdioJournal,
		unit.StdioJournalConsole, unit.StdioKmsg, unit.StdioKmsgConsole, unit.StdioData,
		unit.StdioFile, unit.StdioAppend, unit.StdioTruncate, unit.Stdios:
	}
	if e.Stdout == unit.StdioUnset {
		return unit.StdioJournal
	}
	return e.Stdout
}

// logs reports whether what is written there ends up in the log.
func (e *edges) logs(s unit.Stdio) bool {
	switch s {
	case unit.StdioJournal, unit.StdioJournalConsole, unit.StdioKmsg, unit.StdioKmsgConsole:
		return true
	case unit.StdioUnset, unit.StdioNull, unit.StdioInherit, unit.StdioTTY, unit.StdioTTYForce,
		unit.StdioTTYFail, unit.StdioData, unit.StdioSocket, unit.StdioFD, unit.StdioFile,
		unit.StdioAppend, unit.StdioTruncate, unit.Stdios:
	}
	return false
}
