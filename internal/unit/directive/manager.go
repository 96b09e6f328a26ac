package directive

import (
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// Manager is the [Manager] section of system.conf or user.conf.
// systemd-system.conf(5).
type Manager struct {
	Defaults Defaults

	LogLevel       string // "emerg" to "debug"
	LogTarget      string // "auto", "journal-or-kmsg", "console", "kmsg", …
	ShowStatus     string // "yes", "no", "auto", "error"
	LogColor       bool
	LogLocation    bool
	LogTime        bool
	DumpCore       bool
	CrashShell     bool
	CrashReboot    bool
	CrashChangeVT  int    // -1: no
	StatusFormat   string // "name", "description", "combined"
	Enforce        unit.Enforce
	CtrlAltDel     unit.Action
	Environment    []string // ManagerEnvironment=
	WatchdogDevice string

	RuntimeWatchdog, RuntimeWatchdogPre value.Span // 0: off
	RebootWatchdog, KExecWatchdog       value.Span
	WatchdogPreGovernor                 string

	CapabilityBoundingSet   uint64
	NoNewPrivileges         bool
	SystemCallArchitectures []string
	TimerSlack              uint64 // in nanoseconds; 0 is the kernel's own
	CPUAffinity             value.CPUSet
	NUMAPolicy              int // -1: not set
	NUMAMask                value.CPUSet
}

// NewManager gives the settings that systemd has without any file, for the
// manager of the system or that of a user.
func NewManager(user bool) *Manager {
	m := &Manager{
		Defaults: *NewDefaults(), LogLevel: "info", LogTarget: "journal-or-kmsg", ShowStatus: "yes",
		LogColor: true, DumpCore: true, CrashChangeVT: -1, StatusFormat: "combined",
		CtrlAltDel: unit.ActionRebootForce, RebootWatchdog: 10 * value.Minute,
		CapabilityBoundingSet: ^uint64(0), NUMAPolicy: -1,
	}
	if user {
		m.LogTarget = "auto"
		m.Defaults.Stdout = unit.StdioInherit
		m.Defaults.Limits = [value.Limits]unit.Rlimit{}
		m.Defaults.TasksMax = TasksMax{Share: 1500}
	}
	return m
}

// ParseManagerConf applies one assignment of the [Manager] section to m and
// returns what is wrong with it.
func ParseManagerConf(m *Manager, a Assignment, c *Context) []unit.Fault {
	if strings.HasPrefix(a.Section, "X-") || strings.HasPrefix(a.Name, "X-") {
		return nil
	}
	if a.Section != "Manager" {
		return []unit.Fault{a.fault("unknown section ["+a.Section+"]", "ignoring the line")}
	}
	row := Lookup(a.Section, a.Name)
	if row == nil {
		return []unit.Fault{a.fault("unknown setting in section [Manager]", "ignoring the line")}
	}
	if c == nil {
		c = &Context{}
	}
	p := &parse{Context: c, m: m, row: row, a: a, value: a.Value}
	return p.run()
}

const notYetManager = "nothing is done with it"

var managerRows = []Row{
	{Name: "CPUAffinity", Group: managerGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The CPUs that the manager and its units run on.",
		in:  manages[value.CPUSet]{&cpus, func(m *Manager) *value.CPUSet { return &m.CPUAffinity }}},
	{Name: "CapabilityBoundingSet", Group: managerGroup, Default: "all",
		Support: LinuxOnly, Note: onlyLinux,
		Doc: "The capabilities that the manager and its units can have.",
		in: manages[uint64]{&boundingSet,
			func(m *Manager) *uint64 { return &m.CapabilityBoundingSet }}},
	{Name: "CrashChVT", Group: managerGroup, Same: "CrashChangeVT",
		Support: Parsed, Note: notYetManager, Doc: "Old name of CrashChangeVT=."},
	{Name: "CrashChangeVT", Group: managerGroup, Default: "no", Support: Parsed, Note: notYetManager,
		Doc: "The virtual terminal to switch to when the manager crashes.",
		in:  manages[int]{&virtualTerminal, func(m *Manager) *int { return &m.CrashChangeVT }}},
	{Name: "CrashReboot", Group: managerGroup, Default: "no", Support: Parsed, Note: notYetManager,
		Doc: "Reboot when the manager crashes.",
		in:  manages[bool]{&boolean, func(m *Manager) *bool { return &m.CrashReboot }}},
	{Name: "CrashShell", Group: managerGroup, Default: "no", Support: Parsed, Note: notYetManager,
		Doc: "Start a shell when the manager crashes.",
		in:  manages[bool]{&boolean, func(m *Manager) *bool { return &m.CrashShell }}},
	{Name: "CtrlAltDelBurstAction", Group: managerGroup, Default: "reboot-force",
		Support: Parsed, Note: notYetManager,
		Doc: "What Ctrl+Alt+Del does when pressed more than seven times in two seconds.",
		in:  manages[unit.Action]{&action, func(m *Manager) *unit.Action { return &m.CtrlAltDel }}},
	{Name: "DefaultBlockIOAccounting", Group: managerGroup, Default: "no",
		Support: LinuxOnly, Note: byController, Doc: "The default of BlockIOAccounting=.",
		in: manages[bool]{&boolean, func(m *Manager) *bool { return &m.Defaults.BlockIOAccounting }}},
	{Name: "DefaultCPUAccounting", Group: managerGroup, Default: "yes",
		Support: LinuxOnly, Note: byController, Doc: "The default of CPUAccounting=.",
		in: manages[bool]{&boolean, func(m *Manager) *bool { return &m.Defaults.CPUAccounting }}},
	{Name: "DefaultDeviceTimeoutSec", Group: managerGroup, Default: "90s",
		Support: Parsed, Note: "devices are not waited for",
		Doc: "How long to wait for devices.",
		in: manages[value.Span]{&timeout,
			func(m *Manager) *value.Span { return &m.Defaults.DeviceTimeout }}},
	{Name: "DefaultEnvironment", Group: managerGroup, Doc: "Environment variables for all units.",
		in: manages[[]string]{&environment,
			func(m *Manager) *[]string { return &m.Defaults.Environment }}},
	{Name: "DefaultIOAccounting", Group: managerGroup, Default: "no",
		Support: LinuxOnly, Note: byController, Doc: "The default of IOAccounting=.",
		in: manages[bool]{&boolean, func(m *Manager) *bool { return &m.Defaults.IOAccounting }}},
	{Name: "DefaultIPAccounting", Group: managerGroup, Default: "no",
		Support: LinuxOnly, Note: byProgram, Doc: "The default of IPAccounting=.",
		in: manages[bool]{&boolean, func(m *Manager) *bool { return &m.Defaults.IPAccounting }}},
	{Name: "DefaultLimitAS", Group: managerGroup, Doc: "The default of LimitAS=.",
		in: defaultLimit(value.LimitAS)},
	{Name: "DefaultLimitCORE", Group: managerGroup, Doc: "The default of LimitCORE=.",
		in: defaultLimit(value.LimitCORE)},
	{Name: "DefaultLimitCPU", Group: managerGroup, Doc: "The default of LimitCPU=.",
		in: defaultLimit(value.LimitCPU)},
	{Name: "DefaultLimitDATA", Group: managerGroup, Doc: "The default of LimitDATA=.",
		in: defaultLimit(value.LimitDATA)},
	{Name: "DefaultLimitFSIZE", Group: managerGroup, Doc: "The default of LimitFSIZE=.",
		in: defaultLimit(value.LimitFSIZE)},
	{Name: "DefaultLimitLOCKS", Group: managerGroup, Doc: "The default of LimitLOCKS=.",
		in: defaultLimit(value.LimitLOCKS)},
	{Name: "DefaultLimitMEMLOCK", Group: managerGroup, Default: "8M",
		Doc: "The default of LimitMEMLOCK=.",
		in:  defaultLimit(value.LimitMEMLOCK)},
	{Name: "DefaultLimitMSGQUEUE", Group: managerGroup, Doc: "The default of LimitMSGQUEUE=.",
		in: defaultLimit(value.LimitMSGQUEUE)},
	{Name: "DefaultLimitNICE", Group: managerGroup, Doc: "The default of LimitNICE=.",
		in: defaultLimit(value.LimitNICE)},
	{Name: "DefaultLimitNOFILE", Group: managerGroup, Default: "1024:524288",
		Doc: "The default of LimitNOFILE=.",
		in:  defaultLimit(value.LimitNOFILE)},
	{Name: "DefaultLimitNPROC", Group: managerGroup, Doc: "The default of LimitNPROC=.",
		in: defaultLimit(value.LimitNPROC)},
	{Name: "DefaultLimitRSS", Group: managerGroup, Doc: "The default of LimitRSS=.",
		in: defaultLimit(value.LimitRSS)},
	{Name: "DefaultLimitRTPRIO", Group: managerGroup, Doc: "The default of LimitRTPRIO=.",
		in: defaultLimit(value.LimitRTPRIO)},
	{Name: "DefaultLimitRTTIME", Group: managerGroup, Doc: "The default of LimitRTTIME=.",
		in: defaultLimit(value.LimitRTTIME)},
	{Name: "DefaultLimitSIGPENDING", Group: managerGroup, Doc: "The default of LimitSIGPENDING=.",
		in: defaultLimit(value.LimitSIGPENDING)},
	{Name: "DefaultLimitSTACK", Group: managerGroup, Doc: "The default of LimitSTACK=.",
		in: defaultLimit(value.LimitSTACK)},
	{Name: "DefaultMemoryAccounting", Group: managerGroup, Default: "yes",
		Support: LinuxOnly, Note: byController, Doc: "The default of MemoryAccounting=.",
		in: manages[bool]{&boolean, func(m *Manager) *bool { return &m.Defaults.MemoryAccounting }}},
	{Name: "DefaultOOMPolicy", Group: managerGroup, Default: "stop",
		Support: LinuxOnly, Note: oomNote, Doc: "The default of OOMPolicy=.",
		in: manages[unit.OOMPolicy]{&oomPolicy,
			func(m *Manager) *unit.OOMPolicy { return &m.Defaults.OOMPolicy }}},
	{Name: "DefaultOOMScoreAdjust", Group: managerGroup, Doc: "The default of OOMScoreAdjust=.",
		in: managerDoes{"number, -1000 to 1000", parseDefaultOOMScore}},
	{Name: "DefaultRestartSec", Group: managerGroup, Default: "100ms",
		Doc: "The default of RestartSec=.",
		in:  manages[value.Span]{&span, func(m *Manager) *value.Span { return &m.Defaults.Restart }}},
	{Name: "DefaultSmackProcessLabel", Group: managerGroup,
		Support: Parsed, Note: noSmack, Doc: "The default of SmackProcessLabel=.",
		in: manages[string]{&text, func(m *Manager) *string { return &m.Defaults.SmackProcessLabel }}},
	{Name: "DefaultStandardError", Group: managerGroup, Default: "inherit",
		Doc: "The default of StandardError=.",
		in:  manages[unit.Stdio]{&outputs, func(m *Manager) *unit.Stdio { return &m.Defaults.Stderr }}},
	{Name: "DefaultStandardOutput", Group: managerGroup, Default: "journal, inherit for users",
		Doc: "The default of StandardOutput=.",
		in:  manages[unit.Stdio]{&outputs, func(m *Manager) *unit.Stdio { return &m.Defaults.Stdout }}},
	{Name: "DefaultStartLimitBurst", Group: managerGroup, Default: "5",
		Doc: "The default of StartLimitBurst=.",
		in:  manages[uint]{&unsigned, func(m *Manager) *uint { return &m.Defaults.StartLimitBurst }}},
	{Name: "DefaultStartLimitInterval", Group: managerGroup, Same: "DefaultStartLimitIntervalSec",
		Doc: "Old name of DefaultStartLimitIntervalSec=."},
	{Name: "DefaultStartLimitIntervalSec", Group: managerGroup, Default: "10s",
		Doc: "The default of StartLimitIntervalSec=.",
		in: manages[value.Span]{&span,
			func(m *Manager) *value.Span { return &m.Defaults.StartLimitInterval }}},
	{Name: "DefaultTasksAccounting", Group: managerGroup, Default: "yes",
		Support: LinuxOnly, Note: byController, Doc: "The default of TasksAccounting=.",
		in: manages[bool]{&boolean, func(m *Manager) *bool { return &m.Defaults.TasksAccounting }}},
	{Name: "DefaultTasksMax", Group: managerGroup, Default: "15%",
		Support: LinuxOnly, Note: byController, Doc: "The default of TasksMax=.",
		in: managerDoes{"number, percentage, infinity", parseDefaultTasksMax}},
	{Name: "DefaultTimeoutAbortSec", Group: managerGroup, Default: "DefaultTimeoutStopSec=",
		Doc: "The default of TimeoutAbortSec=.", in: managerDoes{"time span", parseDefaultTimeoutAbort}},
	{Name: "DefaultTimeoutStartSec", Group: managerGroup, Default: "90s",
		Doc: "The default of TimeoutStartSec=.",
		in: manages[value.Span]{&timeout,
			func(m *Manager) *value.Span { return &m.Defaults.TimeoutStart }}},
	{Name: "DefaultTimeoutStopSec", Group: managerGroup, Default: "90s",
		Doc: "The default of TimeoutStopSec=.",
		in: manages[value.Span]{&timeout,
			func(m *Manager) *value.Span { return &m.Defaults.TimeoutStop }}},
	{Name: "DefaultTimerAccuracySec", Group: managerGroup, Default: "1min",
		Doc: "The default of AccuracySec=.",
		in: manages[value.Span]{&span,
			func(m *Manager) *value.Span { return &m.Defaults.TimerAccuracy }}},
	{Name: "DumpCore", Group: managerGroup, Default: "yes", Support: Parsed, Note: notYetManager,
		Doc: "Leave a core dump when the manager crashes.",
		in:  manages[bool]{&boolean, func(m *Manager) *bool { return &m.DumpCore }}},
	{Name: "Enforce", Group: managerGroup, Default: "strict, best-effort in containers and for users",
		Doc: "What becomes of units whose protection this place does not allow. Of rouse alone.",
		in:  manages[unit.Enforce]{&enforcement, func(m *Manager) *unit.Enforce { return &m.Enforce }}},
	{Name: "JoinControllers", Group: managerGroup,
		Support: Refused, Note: "of control groups v1; systemd 252 ignores it too",
		Doc: "Obsolete.", in: managerDoes{"controllers", parseNothing}},
	{Name: "KExecWatchdogSec", Group: managerGroup, Default: "0", Support: Parsed, Note: notYetManager,
		Doc: "The hardware watchdog's time while a new kernel is started.",
		in:  manages[value.Span]{&watchdog, func(m *Manager) *value.Span { return &m.KExecWatchdog }}},
	{Name: "LogColor", Group: managerGroup, Default: "yes", Support: Parsed, Note: notYetManager,
		Doc: "Colour the manager's messages.",
		in:  manages[bool]{&boolean, func(m *Manager) *bool { return &m.LogColor }}},
	{Name: "LogLevel", Group: managerGroup, Default: "info",
		Doc: "The least urgent level of the manager's own messages.",
		in:  manages[string]{&levelName, func(m *Manager) *string { return &m.LogLevel }}},
	{Name: "LogLocation", Group: managerGroup, Default: "no", Support: Parsed, Note: notYetManager,
		Doc: "Say where in its source the manager wrote a message.",
		in:  manages[bool]{&boolean, func(m *Manager) *bool { return &m.LogLocation }}},
	{Name: "LogTarget", Group: managerGroup, Default: "journal-or-kmsg, auto for users",
		Doc: "Where the manager's own messages go.",
		in:  manages[string]{&logTarget, func(m *Manager) *string { return &m.LogTarget }}},
	{Name: "LogTime", Group: managerGroup, Default: "no", Support: Parsed, Note: notYetManager,
		Doc: "Put the time before the manager's messages on a console.",
		in:  manages[bool]{&boolean, func(m *Manager) *bool { return &m.LogTime }}},
	{Name: "ManagerEnvironment", Group: managerGroup,
		Doc: "Environment variables for the manager itself.",
		in:  manages[[]string]{&environment, func(m *Manager) *[]string { return &m.Environment }}},
	{Name: "NUMAMask", Group: managerGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The NUMA nodes that NUMAPolicy= is about.",
		in:  manages[value.CPUSet]{&cpus, func(m *Manager) *value.CPUSet { return &m.NUMAMask }}},
	{Name: "NUMAPolicy", Group: managerGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "Which NUMA nodes memory is taken from.",
		in:  managerDoes{"default, preferred, bind, interleave, local", parseManagerNUMA}},
	{Name: "NoNewPrivileges", Group: managerGroup, Default: "no",
		Support: LinuxOnly, Note: onlyLinux,
		Doc: "No privileges gained by executing a program, in the whole system.",
		in:  manages[bool]{&boolean, func(m *Manager) *bool { return &m.NoNewPrivileges }}},
	{Name: "RebootWatchdogSec", Group: managerGroup, Default: "10min",
		Support: Parsed, Note: notYetManager,
		Doc: "The hardware watchdog's time while the machine reboots.",
		in:  manages[value.Span]{&watchdog, func(m *Manager) *value.Span { return &m.RebootWatchdog }}},
	{Name: "RuntimeWatchdogPreGovernor", Group: managerGroup, Support: Parsed, Note: notYetManager,
		Doc: "The hardware watchdog's governor before its time is over.",
		in:  manages[string]{&text, func(m *Manager) *string { return &m.WatchdogPreGovernor }}},
	{Name: "RuntimeWatchdogPreSec", Group: managerGroup, Default: "0",
		Support: Parsed, Note: notYetManager,
		Doc: "How long before its time is over the hardware watchdog warns.",
		in: manages[value.Span]{&watchdog,
			func(m *Manager) *value.Span { return &m.RuntimeWatchdogPre }}},
	{Name: "RuntimeWatchdogSec", Group: managerGroup, Default: "0",
		Support: Parsed, Note: notYetManager,
		Doc: "The hardware watchdog's time.",
		in:  manages[value.Span]{&watchdog, func(m *Manager) *value.Span { return &m.RuntimeWatchdog }}},
	{Name: "ShowStatus", Group: managerGroup, Default: "yes",
		Doc: "Whether the console shows what is started and stopped.",
		in:  manages[string]{&showStatus, func(m *Manager) *string { return &m.ShowStatus }}},
	{Name: "ShutdownWatchdogSec", Group: managerGroup, Same: "RebootWatchdogSec",
		Support: Parsed, Note: notYetManager, Doc: "Old name of RebootWatchdogSec=."},
	{Name: "StatusUnitFormat", Group: managerGroup, Default: "combined",
		Support: Parsed, Note: notYetManager,
		Doc: "What the console calls units.",
		in:  manages[string]{&statusFormat, func(m *Manager) *string { return &m.StatusFormat }}},
	{Name: "SystemCallArchitectures", Group: managerGroup, Support: LinuxOnly, Note: onlyLinux,
		Doc: "The only architectures that system calls may be of.",
		in: manages[[]string]{&callArchitectures,
			func(m *Manager) *[]string { return &m.SystemCallArchitectures }}},
	{Name: "TimerSlackNSec", Group: managerGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "By how much the manager's timers may be late.",
		in:  manages[uint64]{&nanoseconds, func(m *Manager) *uint64 { return &m.TimerSlack }}},
	{Name: "WatchdogDevice", Group: managerGroup, Default: "/dev/watchdog0",
		Support: Parsed, Note: notYetManager,
		Doc: "The hardware watchdog.",
		in:  manages[string]{&path, func(m *Manager) *string { return &m.WatchdogDevice }}},
}

// manages is what in is, for settings of the manager. They have no properties here.
type manages[T any] struct {
	kind *kind[T]
	at   func(m *Manager) *T
}

func (s manages[T]) assign(p *parse) error   { return s.kind.parse(p, s.at(p.m)) }
func (s manages[T]) property(*unit.Unit) any { return nil }
func (s manages[T]) signature() string       { return "" }
func (s manages[T]) syntax() string          { return s.kind.name }

// managerDoes is what does is, for settings of the manager.
type managerDoes struct {
	name  string
	parse func(p *parse) error
}

func (s managerDoes) assign(p *parse) error   { return s.parse(p) }
func (s managerDoes) property(*unit.Unit) any { return nil }
func (s managerDoes) signature() string       { return "" }
func (s managerDoes) syntax() string          { return s.name }

// defaultLimit is one of the DefaultLimit… settings.
type defaultLimit value.Limit

func (s defaultLimit) assign(p *parse) error {
	soft, hard, err := value.ParseRlimit(value.Limit(s), p.value)
	if err == nil {
		p.m.Defaults.Limits[s] = unit.Rlimit{Set: true, Soft: soft, Hard: hard}
	}
	return err
}

func (s defaultLimit) property(*unit.Unit) any { return nil }
func (s defaultLimit) signature() string       { return "" }
func (s defaultLimit) syntax() string          { return rlimit(s).syntax() }

var (
	virtualTerminal = kind[int]{"boolean, or number, 1 to 63", "", parseTerminal, busInt}
	watchdog        = kind[value.Span]{"time span, off, default", "", parseWatchdog, busSpan}
	levelName       = kind[string]{"emerg to debug, or 0 to 7", "", parseLevelName, plain[string]}
	logTarget       = kind[string]{"auto, console, kmsg, journal, …", "", parseLogTarget,
		plain[string]}
	showStatus   = kind[string]{"boolean, auto, error", "", parseShowStatus, plain[string]}
	statusFormat = kind[string]{"name, description, combined", "", parseStatusFormat, plain[string]}
	nanoseconds  = kind[uint64]{"time span in nanoseconds", "", parseNanoseconds, plain[uint64]}
	enforcement  = kind[unit.Enforce]{"strict, best-effort", "", parseEnforcement,
		plain[unit.Enforce]}
	outputs = kind[unit.Stdio]{"inherit, null, tty, journal, kmsg, …", "",
		parseDefaultOutput, plain[unit.Stdio]}
	oomPolicy = kind[unit.OOMPolicy]{"stop, continue, kill", "", parseDefaultOOMPolicy,
		plain[unit.OOMPolicy]}
)

func parseNothing(*parse) error { return why("without effect") }

func parseTerminal(p *parse, v *int) error {
	if n, err := value.ParseInt(p.value, 32); err == nil {
		if n < 1 || n > 63 {
			return why("not a virtual terminal, 1 to 63")
		}
		*v = int(n)
		return nil
	}
	b, err := value.ParseBool(p.value)
	if err != nil {
		return why("neither a boolean nor a virtual terminal")
	}
	*v = -1
	if b {
		*v = 0 // the one that the kernel writes to
	}
	return nil
}

func parseWatchdog(p *parse, v *value.Span) error {
	switch p.value {
	case "off":
		*v = 0
		return nil
	case "default", "infinity":
		*v = value.Infinity
		return nil
	}
	return parseSpan(p, v)
}

func parseLevelName(p *parse, v *string) error {
	n, ok := linux.Level(p.value)
	if !ok {
		return why("not a log level, emerg to debug or 0 to 7")
	}
	*v = linux.LevelName(n)
	return nil
}

func parseLogTarget(p *parse, v *string) error {
	switch p.value {
	case "console", "console-prefixed", "kmsg", "journal", "journal-or-kmsg", "syslog",
		"syslog-or-kmsg",
		"auto", "null":
		*v = p.value
		return nil
	}
	return why("not a place for messages")
}

func parseShowStatus(p *parse, v *string) error {
	switch p.value {
	case "auto", "error":
		*v = p.value
		return nil
	}
	b, err := value.ParseBool(p.value)
	if err == nil {
		*v = value.FormatBool(b)
	}
	return err
}

func parseStatusFormat(p *parse, v *string) error {
	switch p.value {
	case "name", "description", "combined":
		*v = p.value
		return nil
	}
	return why("not one of name, description, combined")
}

func parseNanoseconds(p *parse, v *uint64) error {
	n, err := value.ParseNanoseconds(p.value)
	if err == nil {
		*v = n
	}
	return err
}

func parseEnforcement(p *parse, v *unit.Enforce) error {
	return parseEnum(p.value, unit.Enforces, v)
}

// parseDefaultOutput takes the words that need nothing more.
func parseDefaultOutput(p *parse, v *unit.Stdio) error {
	word := p.value
	if rest, ok := strings.CutPrefix(word, "syslog"); ok {
		word = "journal" + rest
	}
	switch word {
	case "inherit", "null", "tty", "journal", "kmsg", "journal+console", "kmsg+console", "socket":
		return parseEnum(word, unit.Stdios, v)
	}
	return why("not one of inherit, null, tty, journal, kmsg, journal+console, kmsg+console")
}

func parseDefaultOOMPolicy(p *parse, v *unit.OOMPolicy) error {
	return parseEnum(p.value, unit.OOMPolicies, v)
}

func parseDefaultOOMScore(p *parse) error {
	d := &p.m.Defaults
	if p.value == "" {
		d.OOMScoreAdjust, d.OOMScoreSet = 0, false
		return nil
	}
	n, err := value.ParseInt(p.value, 32)
	if err != nil {
		return err
	}
	if n < -1000 || n > 1000 {
		return why("out of range, -1000 to 1000")
	}
	d.OOMScoreAdjust, d.OOMScoreSet = int(n), true
	return nil
}

func parseDefaultTasksMax(p *parse) error {
	m, err := parseTasksMax(p.value)
	if err == nil {
		p.m.Defaults.TasksMax = m
		if p.value == "" {
			p.m.Defaults.TasksMax = TasksMax{Share: 1500}
		}
	}
	return err
}

func parseDefaultTimeoutAbort(p *parse) error {
	d := &p.m.Defaults
	if p.value == "" {
		d.TimeoutAbort, d.TimeoutAbortSet = 0, false
		return nil
	}
	err := parseSpan(p, &d.TimeoutAbort)
	if err == nil {
		d.TimeoutAbortSet = true
	}
	return err
}

func parseManagerNUMA(p *parse) error {
	if p.value == "" {
		p.m.NUMAPolicy = -1
		return nil
	}
	n, ok := linux.NUMAPolicy(p.value)
	if !ok {
		return why("not one of default, preferred, bind, interleave, local")
	}
	p.m.NUMAPolicy = n
	return nil
}
