package ability

import (
	"fmt"
	"strconv"
	"sync"

	"rouse/internal/host/credentials"
	"rouse/internal/host/spawn"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// The exit statuses of processes that are refused. systemd.exec(5).
const (
	statusChroot          = 210
	statusSecureBits      = 213
	statusGroup           = 216
	statusUser            = 217
	statusCapabilities    = 218
	statusNetwork         = 225
	statusNamespace       = 226
	statusNoNewPrivileges = 227
	statusSeccomp         = 228
	statusAddressFamilies = 232
	statusCredentials     = 243
)

// A rule says what a setting takes on Linux. A setting without a rule takes nothing.
type rule struct {
	status int // of a process that is refused for want of it; 0: it does without
	parts  []part
	// partial: what is missing is only some of it, and leaving it out would be worse.
	partial bool
	// less says what of it is missing with no harm done: the rest is carried out.
	less func(asked) string
}

// A part is one of the things that a setting comes down to.
type part struct {
	name    string             // as spawn.Request.Without has it
	without string             // what is the matter where it is missing
	need    func(asked) string // why it cannot be had; "" if it can
}

// asked is a question for a setting of a unit.
type asked struct {
	*Place
	u         *unit.Unit
	directive string
}

// one is a rule of one part.
func one(status int, need func(asked) string) rule {
	return rule{status: status, parts: []part{{need: need}}}
}

// inNamespace is a rule of a setting that is mounts, and a filter of system calls.
func inNamespace(need func(asked) string, without, unfiltered string) rule {
	return rule{status: statusNamespace, parts: []part{
		{"namespaces", without, need}, {"filters", unfiltered, filter},
	}}
}

// essential settings decide who and what runs, and on which files: no process is started
// without. systemd insists on the same ones in containers.
var essential = map[string]bool{
	"BindPaths": true, "BindReadOnlyPaths": true, "DynamicUser": true, "ExecSearchPath": true,
	"ExtensionDirectories": true, "ExtensionImages": true, "Group": true,
	"LoadCredentialEncrypted": true, "MountImages": true, "PAMName": true, "RootDirectory": true,
	"RootImage": true, "SetCredentialEncrypted": true,
	"SupplementaryGroups": true, "TemporaryFileSystem": true, "User": true,
	"WorkingDirectory": true,
}

// harmless settings of a sandbox are ones that systemd does without, too: a security
// module that is not there, a keyring.
var harmless = map[string]bool{
	"AppArmorProfile": true, "KeyringMode": true, "Personality": true,
	"RestrictFileSystems": true, "SELinuxContext": true, "SmackProcessLabel": true,
}

// ownEnvironment are the settings that a program which limits itself sees to itself.
var ownEnvironment = map[string]bool{"Environment": true, "UnsetEnvironment": true}

var (
	mountRule  = one(statusNamespace, mounts)
	filterRule = one(statusSeccomp, filter)
	// credentialRule is of what systemd, too, does without where it must.
	credentialRule = rule{partial: true, parts: []part{{need: ownMemory}}}

	limitRule = rule{partial: true, parts: []part{{need: limit}}}
)

// rules are those of all settings that take something which a place may not allow. They
// are made when they are needed first.
var rules = sync.OnceValue(func() map[string]rule {
	all := map[string]rule{
		"User":                {parts: []part{{need: setUser}}, status: statusUser},
		"Group":               {parts: []part{{need: setGroup}}, status: statusGroup},
		"SupplementaryGroups": {parts: []part{{need: setGroups}}, status: statusGroup},
		"DynamicUser":         {parts: []part{{need: setDynamic}}, status: statusUser},
		"RootImage":           {status: statusNamespace}, "MountImages": {status: statusNamespace},
		"ExtensionImages": {status: statusNamespace},
		"LoadCredential":  credentialRule, "SetCredential": credentialRule,
		"ImportCredential":        credentialRule,
		"LoadCredentialEncrypted": one(statusCredentials, decrypted),
		"SetCredentialEncrypted":  one(statusCredentials, decrypted),
		"RootDirectory":           {parts: []part{{need: chroot}}, status: statusChroot},
		"PAMName":                 one(0, func(a asked) string { return a.c.NoPAM }),

		"BindPaths": mountRule, "BindReadOnlyPaths": mountRule, "ExecPaths": mountRule,
		"ExtensionDirectories": mountRule, "InaccessiblePaths": mountRule, "MountAPIVFS": mountRule,
		"MountFlags": mountRule, "NoExecPaths": mountRule, "PrivateMounts": mountRule,
		"PrivateTmp": mountRule, "ProtectControlGroups": mountRule, "ProtectHome": mountRule,
		"ProtectKernelTunables": mountRule, "ProtectSystem": mountRule, "ReadOnlyPaths": mountRule,
		"ReadWritePaths": mountRule, "TemporaryFileSystem": mountRule,
		"ProcSubset": one(statusNamespace, proc), "ProtectProc": one(statusNamespace, proc),
		"LogNamespace": {status: statusNamespace, parts: []part{
			{"namespaces", "what is not standard output goes to another journal", mounts},
			{"output", "standard output goes to another journal", func(asked) string { return "" }},
		}},
		"PrivateDevices":    inNamespace(mounts, "/dev is everybody's", "raw devices by system calls"),
		"ProtectKernelLogs": inNamespace(mounts, "/dev/kmsg is there", "syslog(2) can be called"),
		"ProtectKernelModules": inNamespace(mounts, "/usr/lib/modules is there",
			"modules can be loaded by system calls"),
		"ProtectHostname": inNamespace(hostName, "the host name is everybody's",
			"a host name of its own can be set"),
		"PrivateNetwork":       one(statusNetwork, network),
		"NetworkNamespacePath": one(statusNetwork, capability("CAP_SYS_ADMIN")),
		"PrivateIPC":           one(statusNamespace, ipc),
		"IPCNamespacePath":     one(statusNamespace, capability("CAP_SYS_ADMIN")),
		"PrivateUsers":         one(statusUser, users),

		"LockPersonality": filterRule, "MemoryDenyWriteExecute": filterRule, "ProtectClock": filterRule,
		"RestrictNamespaces": filterRule, "RestrictRealtime": filterRule, "RestrictSUIDSGID": filterRule,
		"SystemCallArchitectures": filterRule, "SystemCallErrorNumber": filterRule,
		"SystemCallFilter": filterRule, "SystemCallLog": filterRule,
		"RestrictAddressFamilies": one(statusAddressFamilies, filter),

		"CapabilityBoundingSet": one(statusCapabilities, bounding),
		"AmbientCapabilities": {
			status: statusCapabilities, parts: []part{{need: ambient}}, less: lessAmbient,
		},
		"SecureBits":        one(statusSecureBits, capability("CAP_SETPCAP")),
		"NoNewPrivileges":   {status: statusNoNewPrivileges},
		"SELinuxContext":    one(0, module("SELinux", "/sys/fs/selinux/status")),
		"AppArmorProfile":   one(0, module("AppArmor", "/sys/kernel/security/apparmor/profiles")),
		"SmackProcessLabel": one(0, module("SMACK", "/sys/fs/smackfs/load2")),
		"KeyringMode":       one(0, trying(spawn.TrialKeyring, "kernel keyrings")),

		"CPUSchedulingPolicy": one(0, realtime), "CPUSchedulingPriority": one(0, realtime),
		"IOSchedulingClass": one(0, ioRealtime),
		"NUMAPolicy":        one(0, trying(spawn.TrialMemory, "NUMA policies")),
		"NUMAMask":          one(0, trying(spawn.TrialMemory, "NUMA policies")),
		"Nice":              {partial: true, parts: []part{{need: nice}}},
		"OOMScoreAdjust":    one(0, oomScore),

		"CPUWeight": controller("cpu"), "StartupCPUWeight": controller("cpu"),
		"CPUShares": controller("cpu"), "StartupCPUShares": controller("cpu"),
		"CPUQuota": controller("cpu"), "CPUQuotaPeriodSec": controller("cpu"),
		"AllowedCPUs": controller("cpuset"), "StartupAllowedCPUs": controller("cpuset"),
		"AllowedMemoryNodes": controller("cpuset"), "StartupAllowedMemoryNodes": controller("cpuset"),
		"MemoryMin": controller("memory"), "MemoryLow": controller("memory"),
		"MemoryHigh": controller("memory"), "MemoryMax": controller("memory"),
		"MemorySwapMax": controller("memory"), "MemoryLimit": controller("memory"),
		"DefaultMemoryMin": controller("memory"), "DefaultMemoryLow": controller("memory"),
		"MemoryAccounting": controller("memory"), "TasksAccounting": controller("pids"),
		"TasksMax": controller("pids"), "IOAccounting": controller("io"),
		"BlockIOAccounting": controller("io"), "IOWeight": controller("io"),
		"StartupIOWeight": controller("io"), "IODeviceWeight": controller("io"),
		"IODeviceLatencyTargetSec": controller("io"), "IOReadBandwidthMax": controller("io"),
		"IOWriteBandwidthMax": controller("io"), "IOReadIOPSMax": controller("io"),
		"IOWriteIOPSMax": controller("io"), "BlockIOWeight": controller("io"),
		"StartupBlockIOWeight": controller("io"), "BlockIODeviceWeight": controller("io"),
		"BlockIOReadBandwidth": controller("io"), "BlockIOWriteBandwidth": controller("io"),
		"Delegate": one(0, writable), "DisableControllers": one(0, writable),
		"DeviceAllow": one(0, devices), "DevicePolicy": one(0, devices),
		"IPAddressAllow": one(0, packets), "IPAddressDeny": one(0, packets),
		"IPAccounting": one(0, packets), "IPIngressFilterPath": one(0, packets),
		"IPEgressFilterPath": one(0, packets), "RestrictNetworkInterfaces": one(0, packets),
		"SocketBindAllow": one(0, packets), "SocketBindDeny": one(0, packets),
		"BPFProgram": one(0, packets), "RestrictFileSystems": one(0, opening),
	}
	for l := range value.Limits {
		all["Limit"+value.Limit(l).String()] = limitRule
	}
	return all
})

// controller is the rule of a setting that a controller carries out.
func controller(name string) rule {
	return one(0, func(a asked) string {
		if why := writable(a); why != "" {
			return why
		}
		for _, have := range a.groups.Controllers {
			if have == name {
				return ""
			}
		}
		return "no controller " + name + " in the control groups here"
	})
}

func writable(a asked) string {
	if g := a.knownGroups(); g.Kind == "none" || g.Kind == "" {
		return "control groups cannot be written here"
	}
	return ""
}

// limit: how far a hard limit can be raised.
func limit(a asked) string {
	for l := range value.Limits {
		if "Limit"+value.Limit(l).String() != a.directive {
			continue
		}
		want, most := a.u.Exec.Limits[l], ownLimit(value.Limit(l))
		if why := a.reallyHas("CAP_SYS_RESOURCE"); want.Hard > most && why != "" {
			return "not above " + strconv.FormatUint(most, 10) + ": " + why
		}
	}
	return ""
}

func setUser(a asked) string {
	x := a.u.Exec
	if a.euid != 0 && (x.User == "" || a.isSelf(x.User)) {
		return ""
	}
	if why := setGroups(a); why != "" { // which a user brings along
		return why
	}
	return a.has("CAP_SETUID")
}

func setGroup(a asked) string {
	if a.euid != 0 && a.isSelfGroup(a.u.Exec.Group) {
		return ""
	}
	return a.has("CAP_SETGID")
}

func setGroups(a asked) string {
	if why := a.has("CAP_SETGID"); why != "" {
		return why
	}
	return a.tried(spawn.TrialGroups, "supplementary groups")
}

// setDynamic: what the user is not to leave behind is the matter of other settings, which
// DynamicUser= implies.
func setDynamic(a asked) string { return a.has("CAP_SETUID") }

// ownMemory: credentials are handed over in any case.
func ownMemory(a asked) string {
	if why := a.has("CAP_SYS_ADMIN"); why != "" {
		return "in a plain directory, not in memory of their own: " + why
	}
	return ""
}

// decrypted: a program does it that knows keys and TPMs.
func decrypted(asked) string {
	if credentials.Tool() == "" {
		return "there is no systemd-creds"
	}
	return ""
}

func chroot(a asked) string { return a.tried(spawn.TrialChroot, "another root directory") }

// inUsers: an unprivileged manager has all namespaces within that of PrivateUsers=.
func (a asked) inUsers() bool {
	return a.u.Exec.PrivateUsers && a.has("CAP_SYS_ADMIN") != "" && users(a) == ""
}

// users: a namespace whose root is the machine's takes a capability since Linux 5.12.
func users(a asked) string {
	if a.c.Nobody {
		return "a process that has threads, such as this one, cannot enter a user namespace"
	}
	if why := a.fails[a.u.Name]["PrivateUsers"]; why != "" {
		return why
	}
	if why := a.has("CAP_SETFCAP"); why != "" && a.euid == 0 {
		return "root cannot be mapped: " + why
	}
	return a.tried(spawn.TrialUsers, "user namespaces")
}

func mounts(a asked) string {
	if a.inUsers() {
		return a.tried(spawn.TrialUserMounts, "mounts in a user namespace")
	}
	return a.tried(spawn.TrialMounts, "mount namespaces")
}

func network(a asked) string {
	if a.inUsers() {
		return a.tried(spawn.TrialUserNetwork, "network namespaces in a user namespace")
	}
	return a.tried(spawn.TrialNetwork, "network namespaces")
}

func proc(a asked) string {
	if why := mounts(a); why != "" {
		return why
	}
	return a.tried(spawn.TrialProc, "another /proc")
}

func ipc(a asked) string      { return a.tried(spawn.TrialIPC, "IPC namespaces") }
func hostName(a asked) string { return a.tried(spawn.TrialHostName, "namespaces of the host name") }
func filter(a asked) string   { return a.tried(spawn.TrialFilter, "filters of system calls") }

func trying(t spawn.Trial, what string) func(asked) string {
	return func(a asked) string { return a.tried(t, what) }
}

func capability(name string) func(asked) string {
	return func(a asked) string { return a.has(name) }
}

// bounding: what is not there need not be taken away.
func bounding(a asked) string {
	if c := a.capabilities(); c.known && c.bounding&^a.u.Exec.CapabilityBoundingSet == 0 {
		return ""
	}
	return a.has("CAP_SETPCAP")
}

// ambient: what the bounding set lacks is left out, as by systemd, if anything is left; but
// nobody can hand on what he has not got.
func ambient(a asked) string {
	c, wanted := a.capabilities(), a.u.Exec.AmbientCapabilities
	missing := wanted & c.bounding &^ c.permitted
	if wanted&c.bounding == 0 {
		missing = wanted
	}
	if !c.known || missing == 0 {
		return ""
	}
	return "roused itself has no " + names(missing)
}

func lessAmbient(a asked) string {
	c := a.capabilities()
	missing := a.u.Exec.AmbientCapabilities &^ c.bounding & linux.AllCapabilities
	if !c.known || missing == 0 {
		return ""
	}
	return "roused itself has no " + names(missing)
}

func realtime(a asked) string {
	if p := a.u.Exec.CPUSchedulingPolicy; p != fifo && p != roundRobin {
		return ""
	}
	return a.reallyHas("CAP_SYS_NICE")
}

func ioRealtime(a asked) string {
	if a.u.Exec.IOSchedulingClass != ioClassRealtime || a.reallyHas("CAP_SYS_ADMIN") == "" {
		return ""
	}
	return a.reallyHas("CAP_SYS_NICE")
}

func nice(a asked) string {
	least, ok := leastNice()
	why := a.reallyHas("CAP_SYS_NICE")
	if a.u.Exec.Nice >= least || !ok || why == "" {
		return ""
	}
	return fmt.Sprintf("not below %d: %s", least, why)
}

func oomScore(a asked) string {
	least, ok := leastOOMScore()
	why := a.reallyHas("CAP_SYS_RESOURCE")
	if a.u.Exec.OOMScoreAdjust >= least || !ok || why == "" {
		return ""
	}
	return fmt.Sprintf("not below %d: %s", least, why)
}
