// Package linux knows the names that unit files call things of the Linux kernel
// by: capabilities, system calls and their groups, errors, address families,
// namespaces, architectures, propagation of mounts, schedulers. It answers for
// capabilities(7) and for the lists in systemd.exec(5).
package linux

import (
	"strconv"
	"strings"
)

// capabilities by number. capabilities(7).
var capabilities = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock",
	"ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin",
	"sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease",
	"audit_write",
	"audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend",
	"audit_read", "perfmon", "bpf", "checkpoint_restore",
}

// The capabilities that settings take away by themselves, and that the change of
// others needs.
const (
	CapSetPCap   = 8
	CapSysModule = 16
	CapSysRawIO  = 17
	CapSysAdmin  = 21
	CapSysTime   = 25
	CapMknod     = 27
	CapSyslog    = 34
	CapWakeAlarm = 35
)

// AllCapabilities are those that have names.
const AllCapabilities = uint64(1)<<len(capabilities) - 1

// maxCapability is the highest number a capability may have.
const maxCapability = 63

// Capability gives the number of a capability: "CAP_CHOWN" in any case, or "0".
func Capability(name string) (n uint, ok bool) {
	if len(name) > 4 && strings.EqualFold(name[:4], "cap_") {
		for i, c := range capabilities {
			if strings.EqualFold(name[4:], c) {
				return uint(i), true
			}
		}
		return 0, false
	}
	v, err := strconv.ParseUint(name, 10, 8)
	if err != nil || v > maxCapability {
		return 0, false
	}
	return uint(v), true
}

// CapabilityName is the name of a capability: "CAP_CHOWN"; a number if it has none.
func CapabilityName(n uint) string {
	if n >= uint(len(capabilities)) {
		return strconv.FormatUint(uint64(n), 10)
	}
	return "CAP_" + strings.ToUpper(capabilities[n])
}

// families are the address families of Linux by number, without "AF_".
var families = [...]string{
	1: "UNIX", 2: "INET", 3: "AX25", 4: "IPX", 5: "APPLETALK", 6: "NETROM", 7: "BRIDGE", 8: "ATMPVC",
	9:  "X25",
	10: "INET6", 11: "ROSE", 12: "DECnet", 13: "NETBEUI", 14: "SECURITY", 15: "KEY", 16: "NETLINK",
	17: "PACKET", 18: "ASH", 19: "ECONET", 20: "ATMSVC", 21: "RDS", 22: "SNA", 23: "IRDA", 24: "PPPOX",
	25: "WANPIPE", 26: "LLC", 27: "IB", 28: "MPLS", 29: "CAN", 30: "TIPC", 31: "BLUETOOTH", 32: "IUCV",
	33: "RXRPC", 34: "ISDN", 35: "PHONET", 36: "IEEE802154", 37: "CAIF", 38: "ALG", 39: "NFC",
	40: "VSOCK",
	41: "KCM", 42: "QIPCRTR", 43: "SMC", 44: "XDP", 45: "MCTP",
}

// The address families that others are told from.
const (
	FamilyINET  = 2
	FamilyINET6 = 10
)

// Family gives the number of the address family called name: "AF_INET" in any case.
func Family(name string) (n int, ok bool) {
	if len(name) < 4 || !strings.EqualFold(name[:3], "AF_") {
		return 0, false
	}
	rest := name[3:]
	switch strings.ToUpper(rest) {
	case "LOCAL", "FILE":
		return 1, true
	case "ROUTE":
		return 16, true
	}
	for i, f := range families {
		if strings.EqualFold(f, rest) && f != "" {
			return i, true
		}
	}
	return 0, false
}

// FamilyName is the name of an address family: "AF_INET"; "" if it has none.
func FamilyName(n int) string {
	if n < 0 || n >= len(families) || families[n] == "" {
		return ""
	}
	return "AF_" + families[n]
}

// namespaces are the kinds of namespaces with their clone(2) flags.
var namespaces = [...]struct {
	name string
	flag uint64
}{
	{"cgroup", 0x02000000}, {"ipc", 0x08000000}, {"net", 0x40000000}, {"mnt", 0x00020000},
	{"pid", 0x20000000}, {"user", 0x10000000}, {"uts", 0x04000000}, {"time", 0x00000080},
}

// Namespaces are the flags of all kinds of namespaces but time, which came too
// late to be among those that are taken away.
const Namespaces uint64 = 0x7E020000

// Namespace gives the clone(2) flag of a kind of namespace.
func Namespace(name string) (flag uint64, ok bool) {
	for _, n := range namespaces {
		if n.name == name {
			return n.flag, true
		}
	}
	return 0, false
}

// callArchitectures are those that system calls may be of. systemd.exec(5),
// SystemCallArchitectures=.
const callArchitectures = " native x86 x86-64 x32 arm arm64 mips mips64 mips64-n32 mips-le " +
	"mips64-le mips64-le-n32 ppc ppc64 ppc64-le riscv64 s390 s390x parisc parisc64 "

// IsCallArchitecture reports whether system calls may be of the architecture.
func IsCallArchitecture(name string) bool {
	return name != "" && !strings.Contains(name, " ") && strings.Contains(callArchitectures,
		" "+name+" ")
}

// Propagation gives the mount(2) flag of "shared", "slave" or "private".
func Propagation(name string) (flag uint64, ok bool) {
	switch name {
	case "shared":
		return 1 << 20, true
	case "slave":
		return 1 << 19, true
	case "private":
		return 1 << 18, true
	}
	return 0, false
}

// The numbers of the CPU schedulers that have real-time priorities. sched(7).
const (
	SchedFIFO = 1
	SchedRR   = 2
)

// Scheduler gives the number of a CPU scheduler. sched(7).
func Scheduler(name string) (n int, ok bool) {
	switch name {
	case "other":
		return 0, true
	case "fifo":
		return SchedFIFO, true
	case "rr":
		return SchedRR, true
	case "batch":
		return 3, true
	case "idle":
		return 5, true
	}
	return 0, false
}

// IOClass gives the number of a class of the I/O scheduler. ioprio_set(2).
func IOClass(name string) (n int, ok bool) {
	switch name {
	case "none":
		return 0, true
	case "realtime":
		return 1, true
	case "best-effort":
		return 2, true
	case "idle":
		return 3, true
	}
	return 0, false
}

// NUMAPolicy gives the number of a memory policy. set_mempolicy(2).
func NUMAPolicy(name string) (n int, ok bool) {
	for i, p := range [...]string{"default", "preferred", "bind", "interleave", "local"} {
		if p == name {
			return i, true
		}
	}
	return 0, false
}

// SecureBit gives the bit of one of the securebits flags. capabilities(7).
func SecureBit(name string) (bit int, ok bool) {
	for i, b := range [...]string{
		"noroot", "noroot-locked", "no-setuid-fixup", "no-setuid-fixup-locked", "keep-caps",
		"keep-caps-locked",
	} {
		if b == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// CoredumpBit gives the number of a bit of /proc/PID/coredump_filter. core(5).
func CoredumpBit(name string) (bit uint, ok bool) {
	for i, b := range [...]string{
		"private-anonymous", "shared-anonymous", "private-file-backed", "shared-file-backed",
		"elf-headers",
		"private-huge", "shared-huge", "private-dax", "shared-dax",
	} {
		if b == name {
			return uint(i), true
		}
	}
	return 0, false
}

// facilities are those of syslog(3) by number.
var facilities = [...]string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
	"ftp",
	16: "local0", 17: "local1", 18: "local2", 19: "local3", 20: "local4", 21: "local5", 22: "local6",
	23: "local7",
}

// Facility gives the number of a facility of syslog(3), by name or number.
func Facility(name string) (n int, ok bool) {
	return named(name, facilities[:], 127)
}

// Level gives the number of a level of syslog(3), by name or number.
func Level(name string) (n int, ok bool) {
	return named(name, levels[:], 7)
}

// LevelName is the name of a level; "" if it has none.
func LevelName(n int) string {
	if n < 0 || n >= len(levels) {
		return ""
	}
	return levels[n]
}

// levels are those of syslog(3) by number.
var levels = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// named finds name in a list, or reads it as a number up to most.
func named(name string, list []string, most int) (n int, ok bool) {
	for i, w := range list {
		if w == name && w != "" {
			return i, true
		}
	}
	v, err := strconv.ParseUint(name, 10, 16)
	if err != nil || v > uint64(most) {
		return 0, false
	}
	return int(v), true
}
