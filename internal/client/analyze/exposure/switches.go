package exposure

import "rouse/internal/unit"

// switches are the checks of what is on or off.
func switches() []check {
	list := []check{
		{name: "PrivateTmp=", field: "PrivateTmp", weight: 1000,
			needsDependencies: true, missing: early,
			judge: yes(func(u *unit.Unit) bool { return u.Exec.PrivateTmp },
				"It has temporary directories of its own", "It sees the temporary files of others")},
	}
	for _, s := range []struct {
		name      string
		weight    uint64
		good, bad string
		on        func(x *unit.Exec) bool
	}{
		{"PrivateDevices", 1000, "It sees no devices", "It sees the devices of the machine",
			func(x *unit.Exec) bool { return x.PrivateDevices }},
		{"PrivateMounts", 1000, "Its mounts are its own", "Its mounts are the machine's",
			func(x *unit.Exec) bool { return x.PrivateMounts }},
		{"PrivateNetwork", 2500, "It has no network", "It has the network of the machine",
			func(x *unit.Exec) bool { return x.PrivateNetwork }},
		{"PrivateUsers", 1000, "It does not see other users", "It sees other users",
			func(x *unit.Exec) bool { return x.PrivateUsers }},
		{"ProtectControlGroups", 1000, "It cannot change control groups",
			"It may change control groups",
			func(x *unit.Exec) bool { return x.ProtectControlGroups }},
		{"ProtectKernelModules", 1000, "It neither loads nor reads kernel modules",
			"It may load and read kernel modules",
			func(x *unit.Exec) bool { return x.ProtectKernelModules }},
		{"ProtectKernelTunables", 1000, "It cannot tune the kernel", "It may tune the kernel",
			func(x *unit.Exec) bool { return x.ProtectKernelTunables }},
		{"ProtectKernelLogs", 1000, "It has no access to the kernel's log",
			"It may read and write the kernel's log",
			func(x *unit.Exec) bool { return x.ProtectKernelLogs }},
		{"ProtectClock", 1000, "It cannot set clocks", "It may set clocks",
			func(x *unit.Exec) bool { return x.ProtectClock }},
		{"ProtectHostname", 50, "It cannot rename the machine", "It may rename the machine",
			func(x *unit.Exec) bool { return x.ProtectHostname }},
		{"LockPersonality", 100, "It cannot pretend another kind of system",
			"It may pretend another kind of system",
			func(x *unit.Exec) bool { return x.LockPersonality }},
		{"MemoryDenyWriteExecute", 100, "It executes no memory that it can write",
			"It may execute memory that it can write",
			func(x *unit.Exec) bool { return x.MemoryDenyWriteExecute }},
		{"NoNewPrivileges", 1000, "It gains no privileges by executing programs",
			"It may gain privileges by executing programs",
			func(x *unit.Exec) bool { return x.NoNewPrivileges }},
		{"AmbientCapabilities", 500, "It is given no capabilities", "It is given capabilities",
			func(x *unit.Exec) bool { return x.AmbientCapabilities == 0 }},
		{"KeyringMode", 1000, "Its kernel keyring is its own", "It shares a kernel keyring",
			func(x *unit.Exec) bool { return x.Keyring == unit.KeyringPrivate }},
		{"ProcSubset", 10, "Of /proc it sees nothing but processes", "It sees all of /proc",
			func(x *unit.Exec) bool { return x.ProcSubset == unit.ProcSubsetPID }},
		{"RestrictRealtime", 500, "It cannot have real-time scheduling",
			"It may have real-time scheduling",
			func(x *unit.Exec) bool { return x.RestrictRealtime }},
		{"RestrictSUIDSGID", 1000, "It can make no set-user-ID files", "It may make set-user-ID files",
			func(x *unit.Exec) bool { return x.RestrictSUIDSGID }},
	} {
		list = append(list, check{
			name: s.name + "=", field: s.name, weight: s.weight,
			judge: yes(func(u *unit.Unit) bool { return s.on(u.Exec) }, s.good, s.bad),
		})
	}
	return append(list,
		check{name: "NotifyAccess=", field: "NotifyAccess", weight: 1000,
			judge: yes(func(u *unit.Unit) bool { return u.Service.NotifyAccess != unit.NotifyAll },
				"Its children cannot speak for it", "All its processes speak for it")},
		check{name: "Delegate=", field: "Delegate", weight: 100,
			judge: yes(func(u *unit.Unit) bool { return !u.Resources.Delegate },
				"It has no control groups to itself", "It has control groups to itself")})
}

// capabilities are the checks of the bounding set.
func capabilities() []check {
	return []check{
		capability("SYS_ADMIN", "SYS_ADMIN", 1500, "administer the machine", 21),
		capability("SET(UID|GID|PCAP)", "SET_UID_GID_PCAP", 1500,
			"become other users and hand on capabilities", 7, 6, 8),
		capability("SYS_PTRACE", "SYS_PTRACE", 1500, "trace all processes", 19),
		capability("SYS_TIME", "SYS_TIME", 1000, "set the clock", 25),
		capability("NET_ADMIN", "NET_ADMIN", 1000, "configure the network", 12),
		capability("SYS_RAWIO", "SYS_RAWIO", 1000, "reach the hardware itself", 17),
		capability("SYS_MODULE", "SYS_MODULE", 1000, "load kernel modules", 16),
		capability("AUDIT_*", "AUDIT", 500, "reach the audit system", 37, 30, 29),
		capability("SYSLOG", "SYSLOG", 500, "read the kernel's log", 34),
		capability("SYS_(NICE|RESOURCE)", "SYS_NICE_RESOURCE", 500, "take more than its share", 23, 24),
		capability("MKNOD", "MKNOD", 500, "make device nodes", 27),
		capability("(CHOWN|FSETID|SETFCAP)", "CHOWN_FSETID_SETFCAP", 1000,
			"give away files of others", 0, 4, 31),
		capability("(DAC_*|FOWNER|IPC_OWNER)", "DAC_FOWNER_IPC_OWNER", 1000,
			"pass over the permissions of files", 1, 2, 3, 15),
		capability("KILL", "KILL", 500, "send signals to all processes", 5),
		capability("NET_(BIND_SERVICE|BROADCAST|RAW)", "NET_BIND_SERVICE_BROADCAST_RAW)", 500,
			"have ports and packets of its choice", 10, 11, 13),
		capability("SYS_BOOT", "SYS_BOOT", 100, "reboot the machine", 22),
		capability("MAC_*", "MAC", 100, "change mandatory access control", 33, 32),
		capability("LINUX_IMMUTABLE", "LINUX_IMMUTABLE", 75, "make files immutable", 9),
		capability("IPC_LOCK", "IPC_LOCK", 50, "lock memory", 14),
		capability("SYS_CHROOT", "SYS_CHROOT", 50, "change its root directory", 18),
		capability("BLOCK_SUSPEND", "BLOCK_SUSPEND", 25, "keep the machine awake", 36),
		capability("WAKE_ALARM", "WAKE_ALARM", 25, "wake the machine up", 35),
		capability("LEASE", "LEASE", 25, "lease files", 28),
		capability("SYS_TTY_CONFIG", "SYS_TTY_CONFIG", 25, "hang up terminals", 26),
		capability("SYS_PACCT", "SYS_PACCT", 25, "switch process accounting", 20),
		capability("BPF", "BPF", 25, "load programs into the kernel", 39),
	}
}
