// Package sandbox says which mounts make up what a unit sees of the file system, and in
// which order they are made. It knows paths, the mount table and the settings of a unit,
// and makes no mount: it only looks, and lists what is to be done. It answers for the
// settings of systemd.exec(5) that are carried out by mounts.
package sandbox

import (
	"slices"

	"rouse/internal/host/dirs"
	"rouse/internal/host/proc"
	"rouse/internal/unit"
)

// Config is what the view of one process depends on.
type Config struct {
	Exec *unit.Exec
	// Wants reports whether a directive is to be carried out.
	Wants func(directive string) bool
	// Privileged is for commands with a "+": they get the mounts that unit files ask
	// for, but nothing is kept from them.
	Privileged bool
	// Root is the directory on the host that becomes the root directory, resolved; "" is
	// the host's own.
	Root string
	// Base is an empty directory on the host, over which the view is put together. It
	// becomes the root directory, or "" if paths are those of the root directory itself.
	Base string
	// Blocked is a directory with a node of each type, on the host, that is mounted over
	// what is inaccessible: dir, reg, chr, blk, fifo, sock.
	Blocked string
	// Tmp and VarTmp are the directories on the host for PrivateTmp=, "" for none.
	Tmp, VarTmp string
	// OwnTmp has PrivateTmp= make file systems in memory for want of such directories.
	OwnTmp bool
	// Dirs are the unit's own directories.
	Dirs dirs.Mounts
	// Credentials is the directory on the host with the unit's credentials, below
	// AllCredentials, which nobody else's are seen in; "" if it has none.
	Credentials, AllCredentials string
	// Incoming is a directory on the host from which mounts come into the view later, to
	// be found at IncomingPath; "" is none.
	Incoming string
	// Notify is the socket on the host that the process tells the manager of itself by, ""
	// if it does not. Another root directory gets it at the same place.
	Notify string
	// Mounts is the mount table of the host.
	Mounts []proc.Mount
	// Deep: the kernel can change a mount and all that is below it at once.
	Deep bool
}

// IncomingPath is where a view has the mounts that are brought into it later.
const IncomingPath = "/run/systemd/incoming"

// JournalPath is where programs find the journal. With LogNamespace=, it is another one.
const JournalPath = "/run/systemd/journal"

// Needed reports whether anything asks for a view of its own, and for the sake of which
// directive.
func (c *Config) Needed() (directive string, ok bool) {
	x := c.Exec
	for _, n := range []struct {
		directive string
		set       bool
	}{
		{"BindPaths", len(x.BindPaths) > 0},
		{"TemporaryFileSystem", len(x.TemporaryFileSystems) > 0},
		{"RootDirectory", rooted(x) && mountAPI(x) || c.Root != "" && len(c.Dirs.Binds) > 0},
		{"DynamicUser", len(c.Dirs.Empty) > 0},
		{"ReadWritePaths", len(x.ReadWritePaths) > 0},
		{"ReadOnlyPaths", len(x.ReadOnlyPaths) > 0},
		{"InaccessiblePaths", len(x.InaccessiblePaths) > 0},
		{"ExecPaths", len(x.ExecPaths) > 0},
		{"NoExecPaths", len(x.NoExecPaths) > 0},
		{"LogNamespace", x.LogNamespace != ""},
		{"ExtensionDirectories", len(x.ExtensionDirectories) > 0},
		{"MountFlags", x.MountFlags&^propagateShared != 0},
		{"PrivateTmp", x.PrivateTmp && (c.Tmp != "" || c.OwnTmp)},
		{"PrivateDevices", x.PrivateDevices},
		{"PrivateMounts", x.PrivateMounts},
		{"PrivateIPC", x.PrivateIPC},
		{"IPCNamespacePath", x.IPCNamespacePath != ""},
		{"ProtectSystem", x.ProtectSystem != unit.ProtectSystemNo},
		{"ProtectHome", x.ProtectHome != unit.ProtectHomeNo},
		{"ProtectKernelTunables", x.ProtectKernelTunables},
		{"ProtectKernelModules", x.ProtectKernelModules},
		{"ProtectKernelLogs", x.ProtectKernelLogs},
		{"ProtectControlGroups", x.ProtectControlGroups},
		{"ProtectProc", x.ProtectProc != unit.ProtectProcDefault},
		{"ProcSubset", x.ProcSubset != unit.ProcSubsetAll},
	} {
		if n.set && c.Wants(n.directive) {
			return n.directive, true
		}
	}
	return "", false
}

// Essential reports whether the view is another one than the host's, and not only less
// of it: then a process must not run without.
func (c *Config) Essential() bool {
	x := c.Exec
	return c.Root != "" || len(c.Dirs.Empty) > 0 ||
		len(x.BindPaths) > 0 && c.Wants("BindPaths") ||
		x.LogNamespace != "" && c.Wants("LogNamespace") ||
		len(x.ExtensionDirectories) > 0 && c.Wants("ExtensionDirectories") ||
		len(x.TemporaryFileSystems) > 0 && c.Wants("TemporaryFileSystem")
}

// rooted reports whether there is another root directory, if only for other commands.
func rooted(x *unit.Exec) bool { return x.RootDirectory != "" && x.RootDirectory != "/" }

// mountAPI is MountAPIVFS=, whose default depends on the root directory.
func mountAPI(x *unit.Exec) bool {
	return x.MountAPIVFS == unit.Yes || x.MountAPIVFS == unit.Unset && x.RootDirectory != ""
}

// A Step is one thing to do to the mounts or below them. Paths are below Config.Base.
type Step struct {
	Do           Verb
	Path         string
	Source, Type string
	Options      string // of the file system
	Flags        Flags
	Mode         uint32 // of what is made
	Device       uint32 // as mknod(2) has it
	Errno        int
	// Optional: if it cannot be done, that is no failure.
	Optional bool
	// Else is what to do if it is not permitted.
	Else []Step
	// Directive is what asks for it.
	Directive string
}

// Verb is what a Step does.
type Verb uint8

// What steps do.
const (
	Mount   Verb = iota // Source, Type, Options and Flags are those of mount(2)
	Unmount             // with all that is mounted below
	Mkdir               // it may be there already
	Touch               // an empty file, which may be there already
	Node                // the character device Device
	Symlink             // to Source
	Set                 // Flags of the mount, and with Recursive of those below
	Clear               // the opposite, of one mount, which may be gone
	Remount             // Flags are all that the mount shall have, if it is there
	Fail                // with Errno
	Verbs
)

// Flags are those of mount(2), by its numbers, which are part of Linux' interface.
type Flags uint32

// The flags.
const (
	FlagReadOnly    Flags = 1
	FlagNoSUID      Flags = 2
	FlagNoDev       Flags = 4
	FlagNoExec      Flags = 8
	FlagRemount     Flags = 32
	FlagNoAtime     Flags = 1024
	FlagNoDiratime  Flags = 2048
	FlagBind        Flags = 4096
	FlagRecursive   Flags = 16384
	FlagSlave       Flags = 1 << 19
	FlagShared      Flags = 1 << 20
	FlagRelatime    Flags = 1 << 21
	FlagStrictAtime Flags = 1 << 24
)

const propagateShared = uint64(FlagShared)

// Mode is what happens at the path of an entry. At one path, the lower comes first.
type Mode uint8

// The modes.
const (
	inaccessible Mode = iota
	overlay
	bind
	privateTmp
	privateDev
	hostDev
	empty
	hostSys
	newProc
	readOnly
	readWrite
	noExec
	exec
	tmpfs
	runtimeTmpfs
	mqueue
	readWriteImplicit
	modes
)

// An entry is one mount of a view, or one change of mounts that are there.
type entry struct {
	path      string
	mode      Mode
	directive string
	source    string // on the host
	options   string
	layers    []string // of an overlay, on the host, the uppermost first
	flags     Flags    // of a new file system
	optional  bool     // the path, or the source, may be missing
	flat      bool     // without what is mounted below the source
	ro        bool     // it is made read-only, too
	noExec    bool
	exec      bool
	noSUID    bool
	done      bool // it has been planned
	absent    bool // nothing is there
}

// readOnly reports whether the entry makes what is there read-only.
func (e *entry) isReadOnly() bool {
	return e.ro || e.mode == readOnly || e.mode == inaccessible || e.mode == privateDev ||
		e.mode == overlay
}

// isNoExec reports whether nothing can be executed there.
func (e *entry) isNoExec() bool {
	return e.noExec || slices.Contains([]Mode{noExec, inaccessible, hostSys, newProc}, e.mode)
}

// isExec reports whether the entry allows that again.
func (e *entry) isExec() bool { return e.exec || e.mode == exec }
