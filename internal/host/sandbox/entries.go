package sandbox

import (
	"path"
	"strings"

	"rouse/internal/unit"
)

// Limits of file systems that hold next to nothing, or what a service makes of it.
const (
	fewFiles  = ",size=4m,nr_inodes=1k"
	devFiles  = ",size=4m,nr_inodes=64k"
	manyFiles = ",size=10%,nr_inodes=400k"
)

// A rule is an entry that a directive always makes.
type rule struct {
	path     string
	mode     Mode
	optional bool
}

// What the directives mean. Paths that not every machine has are optional, and so are
// control groups, which systemd would fail without: a container may have no /sys.
var (
	tunables = []rule{
		{"/proc/acpi", readOnly, true},
		{"/proc/apm", readOnly, true},
		{"/proc/asound", readOnly, true},
		{"/proc/bus", readOnly, true},
		{"/proc/fs", readOnly, true},
		{"/proc/irq", readOnly, true},
		{"/proc/kallsyms", inaccessible, true},
		{"/proc/kcore", inaccessible, true},
		{"/proc/latency_stats", readOnly, true},
		{"/proc/mtrr", readOnly, true},
		{"/proc/scsi", readOnly, true},
		{"/proc/sys", readOnly, true},
		{"/proc/sysrq-trigger", readOnly, true},
		{"/proc/timer_stats", readOnly, true},
		{"/sys", readOnly, false},
		{"/sys/fs/bpf", readOnly, true},
		{"/sys/fs/cgroup", readWriteImplicit, true},
		{"/sys/fs/selinux", readWriteImplicit, true},
		{"/sys/kernel/debug", readOnly, true},
		{"/sys/kernel/tracing", readOnly, true},
	}
	modules = []rule{
		{"/lib/modules", inaccessible, true},
		{"/usr/lib/modules", inaccessible, true},
	}
	kernelLogs = []rule{
		{"/proc/kmsg", inaccessible, true},
		{"/dev/kmsg", inaccessible, true},
	}
	hostName = []rule{
		{"/proc/sys/kernel/hostname", readOnly, true},
		{"/proc/sys/kernel/domainname", readOnly, true},
	}
	controlGroups = []rule{{"/sys/fs/cgroup", readOnly, true}}

	// programs are what ProtectSystem= keeps from changes at least. Where /bin and kin are
	// symlinks to what is below /usr, they come down to that.
	programs = []rule{
		{"/usr", readOnly, false}, {"/boot", readOnly, true}, {"/efi", readOnly, true},
		{"/bin", readOnly, true}, {"/sbin", readOnly, true}, {"/lib", readOnly, true},
		{"/lib64", readOnly, true},
	}

	// protectHome are the entries by the value of ProtectHome=.
	protectHome = [unit.ProtectHomes][]rule{
		unit.ProtectHomeYes:      homes(inaccessible),
		unit.ProtectHomeReadOnly: homes(readOnly),
		unit.ProtectHomeTmpfs:    homes(tmpfs),
	}
	// protectSystem are those by the value of ProtectSystem=.
	protectSystem = [unit.ProtectSystems][]rule{
		unit.ProtectSystemYes: programs,
		unit.ProtectSystemFull: append(programs[:len(programs):len(programs)], rule{
			"/etc", readOnly, false,
		}),
		unit.ProtectSystemStrict: append([]rule{
			{"/", readOnly, false}, {"/proc", readWriteImplicit, false},
			{"/sys", readWriteImplicit, false}, {"/dev", readWriteImplicit, false},
		}, homes(readWriteImplicit)...),
	}
	apiFileSystems = []rule{
		{"/proc", newProc, false}, {"/dev", hostDev, false}, {"/sys", hostSys, false},
		{"/run", runtimeTmpfs, false},
	}
)

func homes(m Mode) []rule {
	return []rule{{"/home", m, true}, {"/run/user", m, true}, {"/root", m, true}}
}

// entries lists what all directives ask for.
func (c *Config) entries() (list []entry) {
	add := func(directive string, rules []rule) {
		for _, r := range rules {
			list = append(list, entry{
				path: r.path, mode: r.mode, optional: r.optional, directive: directive,
			})
		}
	}
	x := c.Exec
	list = c.access(list)
	list = c.mounts(list)
	if !c.Privileged {
		if x.PrivateDevices && c.Wants("PrivateDevices") {
			list = append(list, entry{path: "/dev", mode: privateDev, directive: "PrivateDevices"})
		}
		for _, d := range []struct {
			directive string
			set       bool
			rules     []rule
		}{
			{"ProtectKernelTunables", x.ProtectKernelTunables, tunables},
			{"ProtectKernelModules", x.ProtectKernelModules, modules},
			{"ProtectKernelLogs", x.ProtectKernelLogs, kernelLogs},
			{"ProtectControlGroups", x.ProtectControlGroups, controlGroups},
			{"ProtectHostname", x.ProtectHostname, hostName},
			{"ProtectHome", true, protectHome[x.ProtectHome]},
			{"ProtectSystem", true, protectSystem[x.ProtectSystem]},
		} {
			if d.set && c.Wants(d.directive) {
				add(d.directive, d.rules)
			}
		}
		if (x.PrivateIPC || x.IPCNamespacePath != "") && c.Wants("PrivateIPC") {
			add("PrivateIPC", []rule{{"/dev/mqueue", mqueue, false}})
		}
	}
	if c.wantsAPI() {
		add("MountAPIVFS", apiFileSystems)
	}
	return c.own(list)
}

// wantsAPI reports whether the view has API file systems of its own: to protect them they
// must be there.
func (c *Config) wantsAPI() bool {
	x := c.Exec
	if c.Root != "" && mountAPI(x) && !c.Privileged {
		return c.Wants("MountAPIVFS")
	}
	for directive, set := range map[string]bool{
		"MountAPIVFS":           x.MountAPIVFS == unit.Yes,
		"ProtectControlGroups":  x.ProtectControlGroups,
		"ProtectKernelTunables": x.ProtectKernelTunables,
		"ProtectProc":           x.ProtectProc != unit.ProtectProcDefault,
		"ProcSubset":            x.ProcSubset != unit.ProcSubsetAll,
	} {
		if set && !c.Privileged && c.Wants(directive) {
			return true
		}
	}
	return false
}

// access adds what ReadWritePaths= and kin name.
func (c *Config) access(list []entry) []entry {
	x := c.Exec
	for _, d := range []struct {
		directive string
		paths     []string
		mode      Mode
	}{
		{"ReadWritePaths", x.ReadWritePaths, readWrite},
		{"ReadOnlyPaths", x.ReadOnlyPaths, readOnly},
		{"InaccessiblePaths", x.InaccessiblePaths, inaccessible},
		{"ExecPaths", x.ExecPaths, exec},
		{"NoExecPaths", x.NoExecPaths, noExec},
	} {
		if !c.Wants(d.directive) || c.Privileged && d.mode != readWrite {
			continue // with a "+", as in systemd, nothing is taken away
		}
		for _, p := range d.paths {
			e := entry{mode: d.mode, directive: d.directive}
			p, e.optional = strings.CutPrefix(p, "-")
			below := false
			p, below = strings.CutPrefix(p, "+")
			if e.path = p; !below {
				// A path of the host: what is not below the root directory is not seen.
				if e.path, below = within(c.Root, p); !below {
					continue
				}
			}
			list = append(list, e)
		}
	}
	return list
}

// within gives the path as seen with root as the root directory.
func within(root, p string) (string, bool) {
	if root == "" || root == "/" {
		return p, true
	}
	rest, ok := strings.CutPrefix(p, root)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return path.Clean("/" + rest), true
}

// mounts adds the mounts that directives ask for by name.
func (c *Config) mounts(list []entry) []entry {
	x := c.Exec
	binds := func(list []entry, binds []unit.BindPath, e entry) []entry {
		for _, b := range binds {
			e.path, e.mode, e.source = b.Where, bind, b.Source
			e.optional, e.flat, e.ro = b.Optional, b.Flat, b.ReadOnly
			list = append(list, e)
		}
		return list
	}
	if c.Wants("BindPaths") {
		list = binds(list, x.BindPaths, entry{directive: "BindPaths"})
	}
	list = binds(list, c.Dirs.Binds, entry{noSUID: c.Dirs.NoSUID})
	if c.Wants("TemporaryFileSystem") {
		for _, t := range x.TemporaryFileSystems {
			e := entry{
				path: t.Path, mode: tmpfs, directive: "TemporaryFileSystem",
				flags: FlagNoDev | FlagStrictAtime, options: "mode=0755" + manyFiles,
			}
			e.mountOptions(t.Options)
			list = append(list, e)
		}
	}
	if ns := x.LogNamespace; ns != "" && c.Wants("LogNamespace") {
		list = append(list, entry{
			path: JournalPath, mode: bind, source: JournalPath + "." + ns, ro: true,
			directive: "LogNamespace",
		})
	}
	if c.Privileged || !c.Wants("PrivateTmp") {
		return list
	}
	for where, source := range map[string]string{"/tmp": c.Tmp, "/var/tmp": c.VarTmp} {
		e := entry{path: where, mode: privateTmp, source: source, directive: "PrivateTmp"}
		if source == "" {
			e.mode, e.options = tmpfs, "mode=1777"+manyFiles
			e.flags = FlagNoDev | FlagNoSUID | FlagStrictAtime
		}
		if source != "" || c.OwnTmp && c.Exec.PrivateTmp {
			list = append(list, e)
		}
	}
	return list
}

// nearlyEmpty are the options and flags of file systems with nothing but mount points.
const (
	nearlyEmpty      = "mode=0755" + fewFiles
	nearlyEmptyFlags = FlagNoDev | FlagNoSUID | FlagNoExec | FlagStrictAtime
)

// own adds what every view has: the unit's own directories, no credentials of others, and
// a place for later mounts.
func (c *Config) own(list []entry) []entry {
	for _, dir := range c.Dirs.Empty {
		list = append(list, entry{
			path: dir, mode: empty, ro: true, options: nearlyEmpty, flags: nearlyEmptyFlags,
			directive: "DynamicUser",
		})
	}
	if at := c.AllCredentials; at != "" && c.Credentials == "" {
		list = append(list, entry{path: at, mode: inaccessible, optional: true})
	} else if at != "" {
		list = append(list,
			entry{path: at, mode: empty, directive: "LoadCredential", ro: true,
				options: nearlyEmpty, flags: nearlyEmptyFlags},
			entry{path: c.Credentials, mode: bind, source: c.Credentials, flat: true, ro: true,
				directive: "LoadCredential"})
	}
	if c.Notify != "" && c.Root != "" {
		list = append(list, entry{path: c.Notify, mode: bind, source: c.Notify, flat: true, ro: true})
	}
	if c.Incoming != "" {
		list = append(list, entry{
			path: IncomingPath, mode: bind, source: c.Incoming, flat: true, ro: true,
		})
	}
	return list
}

// A mountWord is an option that is a flag of the mount.
type mountWord struct {
	flag Flags
	off  bool
}

var mountWords = map[string]mountWord{
	"ro": {FlagReadOnly, false}, "rw": {FlagReadOnly, true},
	"nosuid": {FlagNoSUID, false}, "suid": {FlagNoSUID, true},
	"nodev": {FlagNoDev, false}, "dev": {FlagNoDev, true},
	"noexec": {FlagNoExec, false}, "exec": {FlagNoExec, true},
	"noatime": {FlagNoAtime, false}, "atime": {FlagNoAtime, true},
	"nodiratime": {FlagNoDiratime, false}, "diratime": {FlagNoDiratime, true},
	"relatime": {FlagRelatime, false}, "norelatime": {FlagRelatime, true},
	"strictatime": {FlagStrictAtime, false}, "nostrictatime": {FlagStrictAtime, true},
	"defaults": {},
}

// mountOptions takes the options of a new file system.
func (e *entry) mountOptions(options string) {
	for o := range strings.SplitSeq(options, ",") {
		w, isFlag := mountWords[o]
		switch {
		case o == "":
		case !isFlag:
			e.options += "," + o
		case w.flag == FlagReadOnly:
			e.ro = !w.off
		case w.off:
			e.flags &^= w.flag
		default:
			e.flags |= w.flag
		}
	}
}
