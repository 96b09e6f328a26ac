package manager

import (
	"os"
	"strings"

	"rouse/internal/host/cgroup"
	"rouse/internal/host/machine"
	"rouse/internal/host/proc"
	"rouse/internal/unit/value"
)

// A selfRow is one property of the manager.
type selfRow struct {
	name, sig string
	of        func(m *Manager, arg int) any
	arg       int
}

// selfIndex finds the rows, and lists their names.
func (m *Manager) selfIndex() map[string]selfRow {
	if m.selfRows != nil {
		return m.selfRows
	}
	m.selfRows = make(map[string]selfRow, 160)
	for _, r := range selfRows {
		m.selfRows[r.name] = r
	}
	for l := range value.Limits {
		name := "DefaultLimit" + l.String()
		m.selfRows[name] = selfRow{name, "t", defaultHard, int(l)}
		m.selfRows[name+"Soft"] = selfRow{name + "Soft", "t", defaultSoft, int(l)}
	}
	for _, s := range phaseNames {
		m.selfRows[s.name] = selfRow{s.name, "t", phaseReal, int(s.phase)}
		m.selfRows[s.name+"Monotonic"] = selfRow{s.name + "Monotonic", "t", phaseMono, int(s.phase)}
	}
	return m.selfRows
}

// phaseNames are the properties that tell when; phases stands for what never happens
// here: there is no initial RAM disk with a manager of ours, and no security module.
var phaseNames = [...]struct {
	name  string
	phase phase
}{
	{"FirmwareTimestamp", phases}, {"LoaderTimestamp", phases},
	{"KernelTimestamp", kernelPhase}, {"InitRDTimestamp", phases},
	{"UserspaceTimestamp", userspacePhase}, {"FinishTimestamp", finishPhase},
	{"SecurityStartTimestamp", phases}, {"SecurityFinishTimestamp", phases},
	{"GeneratorsStartTimestamp", generatorsStart},
	{"GeneratorsFinishTimestamp", generatorsFinish},
	{"UnitsLoadStartTimestamp", unitsLoadStart}, {"UnitsLoadFinishTimestamp", unitsLoadFinish},
	{"UnitsLoadTimestamp", unitsLoadAgain},
	{"InitRDSecurityStartTimestamp", phases}, {"InitRDSecurityFinishTimestamp", phases},
	{"InitRDGeneratorsStartTimestamp", phases}, {"InitRDGeneratorsFinishTimestamp", phases},
	{"InitRDUnitsLoadStartTimestamp", phases}, {"InitRDUnitsLoadFinishTimestamp", phases},
}

func phaseReal(m *Manager, p int) any {
	if phase(p) == phases {
		return uint64(0)
	}
	return m.self.Phases[p].Real
}

func phaseMono(m *Manager, p int) any {
	if phase(p) == phases {
		return uint64(0)
	}
	return m.self.Phases[p].Mono
}

func defaultHard(m *Manager, l int) any { return m.cfg.Conf.Defaults.Limit(value.Limit(l)).Hard }
func defaultSoft(m *Manager, l int) any { return m.cfg.Conf.Defaults.Limit(value.Limit(l)).Soft }

// never is a moment that there is none of.
const never = ^uint64(0)

// selfRows are the properties of the manager, but for those of which there are many of
// a kind.
var selfRows = [...]selfRow{
	{name: "Version", sig: "s", of: func(m *Manager, _ int) any {
		return "252 (rouse " + m.cfg.Version + ")"
	}},
	{name: "Features", sig: "s", of: func(*Manager, int) any { return features }},
	{name: "Virtualization", sig: "s", of: func(*Manager, int) any {
		if name := proc.Container(); name != "" {
			return name
		}
		return proc.Machine()
	}},
	{name: "Architecture", sig: "s", of: func(*Manager, int) any { return machine.Architecture() }},
	{name: "Tainted", sig: "s", of: func(m *Manager, _ int) any { return m.tainted() }},
	{name: "LogLevel", sig: "s", of: func(m *Manager, _ int) any {
		return LogLevels[m.level.Load()]
	}},
	{name: "LogTarget", sig: "s", of: func(m *Manager, _ int) any { return m.targetShown() }},
	{name: "SyslogIdentifier", sig: "s", of: func(*Manager, int) any { return syslogName }},
	{name: "NNames", sig: "u", of: func(m *Manager, _ int) any {
		n := 0
		for _, s := range m.e.Units() {
			n += 1 + len(m.e.Definition(s.Name).Names)
		}
		return uint32(n)
	}},
	{name: "NFailedUnits", sig: "u", of: func(m *Manager, _ int) any {
		_, _, failed := m.e.Counts()
		return uint32(failed)
	}},
	{name: "NJobs", sig: "u", of: func(m *Manager, _ int) any {
		_, jobs, _ := m.e.Counts()
		return uint32(jobs)
	}},
	{name: "NInstalledJobs", sig: "u", of: func(m *Manager, _ int) any { return m.self.Installed }},
	{name: "NFailedJobs", sig: "u", of: func(m *Manager, _ int) any { return m.self.Failed }},
	{name: "Progress", sig: "d", of: func(m *Manager, _ int) any {
		_, jobs, _ := m.e.Counts()
		if m.finished || m.self.Installed == 0 {
			return 1.0
		}
		return 1 - float64(jobs)/float64(m.self.Installed)
	}},
	{name: "Environment", sig: "as", of: func(m *Manager, _ int) any {
		return append([]string{}, m.env...)
	}},
	{name: "ConfirmSpawn", sig: "b", of: func(*Manager, int) any { return false }},
	{name: "ShowStatus", sig: "b", of: func(m *Manager, _ int) any {
		word := m.self.Status
		if word == "" {
			word = m.cfg.Conf.ShowStatus
		}
		return word == "yes" || word == "temporary"
	}},
	{name: "UnitPath", sig: "as", of: func(m *Manager, _ int) any {
		return append([]string{}, m.cfg.UnitPath...)
	}},
	{name: "DefaultStandardOutput", sig: "s", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.Stdout.String()
	}},
	{name: "DefaultStandardError", sig: "s", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.Stderr.String()
	}},
	{name: "WatchdogDevice", sig: "s", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.WatchdogDevice
	}},
	{name: "WatchdogLastPingTimestamp", sig: "t", of: func(*Manager, int) any { return never }},
	{name: "WatchdogLastPingTimestampMonotonic", sig: "t",
		of: func(*Manager, int) any { return never }},
	{"RuntimeWatchdogUSec", "t", watchdog, 0},
	{"RuntimeWatchdogPreUSec", "t", watchdog, 1},
	{"RebootWatchdogUSec", "t", watchdog, 2},
	{"KExecWatchdogUSec", "t", watchdog, 3},
	{name: "RuntimeWatchdogPreGovernor", sig: "s", of: func(m *Manager, _ int) any {
		return m.self.Governor
	}},
	{name: "ServiceWatchdogs", sig: "b", of: func(m *Manager, _ int) any {
		return !m.self.IgnoreWatchdogs
	}},
	{name: "ControlGroup", sig: "s", of: func(m *Manager, _ int) any {
		return strings.TrimSuffix(m.tracker.Root(), "/")
	}},
	{name: "SystemState", sig: "s", of: func(m *Manager, _ int) any { return m.systemState() }},
	{name: "ExitCode", sig: "y", of: func(m *Manager, _ int) any { return uint8(m.status) }},
	{name: "DefaultTimerAccuracyUSec", sig: "t", of: func(m *Manager, _ int) any {
		return uint64(m.cfg.Conf.Defaults.TimerAccuracy)
	}},
	{name: "DefaultTimeoutStartUSec", sig: "t", of: func(m *Manager, _ int) any {
		return uint64(m.cfg.Conf.Defaults.TimeoutStart)
	}},
	{name: "DefaultTimeoutStopUSec", sig: "t", of: func(m *Manager, _ int) any {
		return uint64(m.cfg.Conf.Defaults.TimeoutStop)
	}},
	{name: "DefaultTimeoutAbortUSec", sig: "t", of: func(m *Manager, _ int) any {
		if d := &m.cfg.Conf.Defaults; d.TimeoutAbortSet {
			return uint64(d.TimeoutAbort)
		}
		return uint64(m.cfg.Conf.Defaults.TimeoutStop)
	}},
	{name: "DefaultDeviceTimeoutUSec", sig: "t", of: func(m *Manager, _ int) any {
		return uint64(m.cfg.Conf.Defaults.DeviceTimeout)
	}},
	{name: "DefaultRestartUSec", sig: "t", of: func(m *Manager, _ int) any {
		return uint64(m.cfg.Conf.Defaults.Restart)
	}},
	{name: "DefaultStartLimitIntervalUSec", sig: "t", of: func(m *Manager, _ int) any {
		return uint64(m.cfg.Conf.Defaults.StartLimitInterval)
	}},
	{name: "DefaultStartLimitBurst", sig: "u", of: func(m *Manager, _ int) any {
		return uint32(m.cfg.Conf.Defaults.StartLimitBurst)
	}},
	{name: "DefaultCPUAccounting", sig: "b", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.CPUAccounting
	}},
	{name: "DefaultBlockIOAccounting", sig: "b", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.BlockIOAccounting
	}},
	{name: "DefaultMemoryAccounting", sig: "b", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.MemoryAccounting
	}},
	{name: "DefaultTasksAccounting", sig: "b", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.TasksAccounting
	}},
	{name: "DefaultTasksMax", sig: "t", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.TasksLimit()
	}},
	{name: "TimerSlackNSec", sig: "t", of: func(m *Manager, _ int) any { return timerSlack() }},
	{name: "DefaultOOMPolicy", sig: "s", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.Defaults.OOMPolicy.String()
	}},
	{name: "DefaultOOMScoreAdjust", sig: "i", of: func(m *Manager, _ int) any {
		return int32(m.cfg.Conf.Defaults.OOMScoreAdjust)
	}},
	{name: "CtrlAltDelBurstAction", sig: "s", of: func(m *Manager, _ int) any {
		return m.cfg.Conf.CtrlAltDel.String()
	}},
}

func watchdog(m *Manager, which int) any { return m.self.Watchdogs[which] }

// features is what systemd would have been compiled with to do what rouse does.
const features = "-PAM -AUDIT -SELINUX -APPARMOR -IMA -SMACK +SECCOMP -GCRYPT -GNUTLS -OPENSSL" +
	" -ACL -BLKID -CURL -ELFUTILS -FIDO2 -IDN2 -IDN -IPTC -KMOD -LIBCRYPTSETUP -LIBFDISK -PCRE2" +
	" -PWQUALITY -P11KIT -QRENCODE -TPM2 -BZIP2 -LZ4 -XZ -ZLIB -ZSTD -BPF_FRAMEWORK -XKBCOMMON" +
	" -UTMP +SYSVINIT default-hierarchy=unified"

// tainted lists what is unusual about the machine, in systemd's words.
func (m *Manager) tainted() string {
	var list []string
	add := func(on bool, word string) {
		if on {
			list = append(list, word)
		}
	}
	bin, err := os.Readlink("/bin")
	add(err != nil || !strings.HasSuffix(bin, "usr/bin"), "split-usr")
	add(m.tracker.Kind() == cgroup.None, "cgroups-missing")
	add(m.tracker.Kind() == cgroup.V1, "cgroupsv1")
	run, err := os.Readlink("/var/run")
	add(err == nil && run != "/run" && run != "../run" || err != nil && exists("/var/run"),
		"var-run-bad")
	add(!reads("/proc/sys/kernel/overflowuid", "65534"), "overflowuid-not-65534")
	add(!reads("/proc/sys/kernel/overflowgid", "65534"), "overflowgid-not-65534")
	return strings.Join(list, ":")
}

// reads reports whether the file has that one line, or cannot be read.
func reads(file, line string) bool {
	text, err := os.ReadFile(file)
	return err != nil || strings.TrimSpace(string(text)) == line
}

// timerSlack is how much later than asked for the kernel may wake the manager.
func timerSlack() uint64 {
	text, err := os.ReadFile("/proc/self/timerslack_ns")
	if err == nil {
		if n, err := value.ParseUint(strings.TrimSpace(string(text)), 64); err == nil {
			return n
		}
	}
	return 50000
}
