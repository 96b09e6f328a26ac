package exposure

import (
	"rouse/internal/unit"
)

// checks are all there are. The names, fields and weights are systemd's.
func checks(has func(call string) bool) []check {
	list := []check{
		{name: "User=/DynamicUser=", field: "UserOrDynamicUser", weight: 2000, most: 10,
			judge: judgeUser},
		{name: "SupplementaryGroups=", field: "SupplementaryGroups", weight: 200, judge: judgeGroups},
		{name: "RemoveIPC=", field: "RemoveIPC", weight: 100, judge: judgeIPC},
		{name: "RootDirectory=/RootImage=", field: "RootDirectoryOrRootImage", weight: 200,
			needsDependencies: true, missing: early,
			judge: yes(func(u *unit.Unit) bool {
				root := u.Exec.RootDirectory
				return root != "" && root != "/" || u.Exec.RootImage != ""
			}, "It has a root directory of its own", "It sees the machine's root directory")},
		{name: "ProtectSystem=", field: "ProtectSystem", weight: 1000, most: 10,
			needsDependencies: true, missing: early, judge: judgeSystem},
		{name: "ProtectHome=", field: "ProtectHome", weight: 1000, most: 10,
			needsDependencies: true, missing: early, judge: judgeHome},
		{name: "ProtectProc=", field: "ProtectProc", weight: 1000, most: 3, judge: judgeProc},
		{name: "UMask=", field: "UMask", weight: 100, most: 10, judge: judgeUMask},
		{name: "SystemCallArchitectures=", field: "SystemCallArchitectures", weight: 1000, most: 10,
			judge: judgeArchitectures},
		{name: "IPAddressDeny=", field: "IPAddressDeny", weight: 1000, most: 10, judge: judgeAddresses},
		{name: "DeviceAllow=", field: "DeviceAllow", weight: 1000, most: 10, judge: judgeDevices},
	}
	list = append(list, switches()...)
	list = append(list, capabilities()...)
	for _, n := range []struct {
		name   string
		weight uint64
	}{
		{"user", 1500}, {"mnt", 500}, {"ipc", 500}, {"pid", 500}, {"cgroup", 500}, {"net", 500},
		{"uts", 100},
	} {
		list = append(list, namespace(n.name, n.weight))
	}
	list = append(list,
		family("AF_(INET|INET6)", "AF_INET_INET6", 1500, "AF_INET", "AF_INET6"),
		family("AF_UNIX", "AF_UNIX", 25, "AF_UNIX"),
		family("AF_NETLINK", "AF_NETLINK", 200, "AF_NETLINK"),
		family("AF_PACKET", "AF_PACKET", 1000, "AF_PACKET"),
		family("…", "OTHER", 1250))
	for _, g := range []struct {
		group  string
		weight uint64
	}{
		{"swap", 1000}, {"obsolete", 250}, {"clock", 1000}, {"cpu-emulation", 250}, {"debug", 1000},
		{"mount", 1000}, {"module", 1000}, {"raw-io", 1000}, {"reboot", 1000}, {"privileged", 700},
		{"resources", 700},
	} {
		list = append(list, calls(g.group, g.weight, has))
	}
	return list
}

// early is said of what services cannot have before there are file systems.
const early = "It runs too early or too late for that"

// isRoot reports whether the service runs as root.
func isRoot(u *unit.Unit) bool {
	x := u.Exec
	return !x.DynamicUser && (x.User == "" || x.User == "root" || x.User == "0")
}

// nobody is the user of those who are nobody's, whom many services might share.
const nobody = "nobody"

func judgeUser(u *unit.Unit) verdict {
	switch {
	case isRoot(u):
		return verdict{bad: 10, what: "It runs as root"}
	case u.Exec.DynamicUser:
		return verdict{what: "It runs as a user that exists only as long as it does"}
	case u.Exec.User == nobody:
		return verdict{bad: 9, what: "It runs as a user that others run as, too"}
	}
	return verdict{what: "It runs as a user of its own"}
}

func judgeGroups(u *unit.Unit) verdict {
	switch {
	case isRoot(u):
		return verdict{none: true, what: "It runs as root, whom groups do not matter to"}
	case len(u.Exec.SupplementaryGroups) > 0:
		return verdict{bad: 1, what: "It has further groups"}
	}
	return verdict{what: "It has no further groups"}
}

func judgeIPC(u *unit.Unit) verdict {
	switch {
	case isRoot(u):
		return verdict{none: true, what: "It runs as root, whose IPC objects stay"}
	case u.Exec.RemoveIPC:
		return verdict{what: "Its IPC objects go with it"}
	}
	return verdict{bad: 1, what: "Its IPC objects may outlive it"}
}

func judgeSystem(u *unit.Unit) verdict {
	switch u.Exec.ProtectSystem {
	case unit.ProtectSystemStrict:
		return verdict{what: "It can write to no file of the system"}
	case unit.ProtectSystemFull:
		return verdict{bad: 3, what: "It can write to few files of the system"}
	case unit.ProtectSystemYes:
		return verdict{bad: 5, what: "It can write to some files of the system"}
	case unit.ProtectSystemNo, unit.ProtectSystems:
	}
	return verdict{bad: 10, what: "It can write to all files of the system"}
}

func judgeHome(u *unit.Unit) verdict {
	switch u.Exec.ProtectHome {
	case unit.ProtectHomeYes:
		return verdict{what: "It sees no home directories"}
	case unit.ProtectHomeTmpfs:
		return verdict{bad: 1, what: "It sees empty home directories"}
	case unit.ProtectHomeReadOnly:
		return verdict{bad: 5, what: "It can read home directories"}
	case unit.ProtectHomeNo, unit.ProtectHomes:
	}
	return verdict{bad: 10, what: "It can read and write home directories"}
}

func judgeProc(u *unit.Unit) verdict {
	switch u.Exec.ProtectProc {
	case unit.ProtectProcInvisible, unit.ProtectProcPtraceable:
		return verdict{what: "It does not see the processes of others"}
	case unit.ProtectProcNoAccess:
		return verdict{bad: 1, what: "It sees the processes of others, and little of them"}
	case unit.ProtectProcDefault, unit.ProtectProcs:
	}
	return verdict{bad: 3, what: "It sees all processes"}
}

func judgeUMask(u *unit.Unit) verdict {
	mask := u.Exec.UMask
	switch {
	case mask&0o002 == 0:
		return verdict{bad: 10, what: "All the world can write to the files that it makes"}
	case mask&0o004 == 0:
		return verdict{bad: 5, what: "All the world can read the files that it makes"}
	case mask&0o020 == 0:
		return verdict{bad: 2, what: "Its group can write to the files that it makes"}
	case mask&0o040 == 0:
		return verdict{bad: 1, what: "Its group can read the files that it makes"}
	}
	return verdict{what: "It makes files for nobody but its user"}
}

func judgeArchitectures(u *unit.Unit) verdict {
	switch list := u.Exec.SystemCallArchitectures; {
	case len(list) == 0:
		return verdict{bad: 10, what: "It may make system calls of all architectures"}
	case len(list) == 1 && list[0] == "native":
		return verdict{what: "It may make system calls of the machine's architecture alone"}
	}
	return verdict{bad: 8, what: "It may make system calls of several architectures"}
}

func judgeAddresses(u *unit.Unit) verdict {
	r := u.Resources
	if len(r.IPIngressFilterPath) > 0 || len(r.IPEgressFilterPath) > 0 {
		return verdict{what: "Programs of its own filter its packets"}
	}
	var whole [2]bool
	for _, p := range r.IPAddressDeny {
		if p.Bits() == 0 {
			whole[p.Addr().BitLen()/128] = true
		}
	}
	if !whole[0] || !whole[1] {
		return verdict{bad: 10, what: "It may reach all addresses"}
	}
	v := verdict{what: "It reaches no address"}
	for _, p := range r.IPAddressAllow {
		if !p.Addr().IsLoopback() {
			return verdict{bad: 5, what: "It reaches some addresses"}
		}
		v = verdict{bad: 2, what: "It reaches this machine alone"}
	}
	return v
}

func judgeDevices(u *unit.Unit) verdict {
	r := u.Resources
	switch {
	case r.DevicePolicy == unit.DeviceAuto:
		return verdict{bad: 10, what: "It may use all devices"}
	case len(r.DeviceAllow) > 0:
		return verdict{bad: 5, what: "It may use some devices"}
	}
	return verdict{what: "It may use harmless devices alone"}
}
