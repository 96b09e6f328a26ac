package directive

import (
	"math"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Defaults are the settings of [Manager] in system.conf and user.conf that units
// start from, and the facts of the machine that they refer to.
// systemd-system.conf(5).
type Defaults struct {
	TimeoutStart, TimeoutStop value.Span
	TimeoutAbort              value.Span
	TimeoutAbortSet           bool
	Restart                   value.Span
	StartLimitInterval        value.Span
	StartLimitBurst           uint
	TimerAccuracy             value.Span
	DeviceTimeout             value.Span
	Environment               []string
	Stdout, Stderr            unit.Stdio
	CPUAccounting             bool
	IOAccounting              bool
	BlockIOAccounting         bool
	MemoryAccounting          bool
	TasksAccounting           bool
	IPAccounting              bool
	TasksMax                  TasksMax
	OOMPolicy                 unit.OOMPolicy
	OOMScoreAdjust            int
	OOMScoreSet               bool
	SmackProcessLabel         string

	// Limits are those that are set; Inherited are the manager's own, which units
	// have otherwise.
	Limits, Inherited [value.Limits]unit.Rlimit

	// OwnKeyring: units have the kernel keyring of the manager, which is a user's.
	OwnKeyring bool

	MemoryTotal value.Size // of the machine, in bytes; 0 is unknown
	TasksTotal  uint64     // what the machine can run; 0 is unknown
	NUMANodes   uint       // of the machine; 0 counts as 1
	// Architecture is the machine's in systemd's words, "x86-64"; "" is unknown.
	Architecture string
}

// TasksMax is a number of tasks, or a share of what the machine can run, in
// parts of ten thousand, if Share is set.
type TasksMax struct {
	Max   uint64
	Share uint
}

// NewDefaults gives the defaults of systemd, without any facts of the machine.
func NewDefaults() *Defaults {
	d := &Defaults{
		TimeoutStart:       90 * value.Second,
		TimeoutStop:        90 * value.Second,
		Restart:            100 * value.Millisecond,
		StartLimitInterval: 10 * value.Second,
		StartLimitBurst:    5,
		TimerAccuracy:      value.Minute,
		DeviceTimeout:      90 * value.Second,
		Stdout:             unit.StdioJournal,
		Stderr:             unit.StdioInherit,
		CPUAccounting:      true,
		MemoryAccounting:   true,
		TasksAccounting:    true,
		TasksMax:           TasksMax{Share: 1500},
	}
	for i := range d.Inherited {
		d.Inherited[i] = unit.Rlimit{Soft: value.LimitInfinity, Hard: value.LimitInfinity}
	}
	d.Limits[value.LimitNOFILE] = unit.Rlimit{Set: true, Soft: 1024, Hard: 524288}
	d.Limits[value.LimitMEMLOCK] = unit.Rlimit{Set: true, Soft: 8 << 20, Hard: 8 << 20}
	return d
}

// tasks is the number that m stands for; without limit if that is unknown.
func (d *Defaults) tasks(m TasksMax) uint64 {
	switch {
	case m.Share == 0:
		return m.Max
	case d.TasksTotal == 0:
		return math.MaxUint64
	}
	return scale(d.TasksTotal, m.Share)
}

// TasksLimit is DefaultTasksMax= as a number of tasks.
func (d *Defaults) TasksLimit() uint64 { return d.tasks(d.TasksMax) }

// Limit is the limit that units have which set none.
func (d *Defaults) Limit(l value.Limit) unit.Rlimit {
	if d.Limits[l].Set {
		return d.Limits[l]
	}
	return d.Inherited[l]
}

// scale gives share parts of ten thousand of total.
func scale(total uint64, share uint) uint64 {
	return total/10000*uint64(share) + total%10000*uint64(share)/10000
}

// New makes a unit with all defaults set and the parts that its type has. A nil
// d stands for NewDefaults().
func New(unitName string, t name.Type, d *Defaults) *unit.Unit {
	return newUnit(unitName, t, d, nil, nil)
}

// newUnit makes the parts x and r of it in the memory given, if there is any.
func newUnit(
	unitName string, t name.Type, d *Defaults, x *unit.Exec, r *unit.Resources,
) *unit.Unit {
	if d == nil {
		d = NewDefaults()
	}
	u := &unit.Unit{
		Name: unitName, Type: t,
		DefaultDependencies:     true,
		JobTimeout:              value.Infinity,
		JobRunningTimeout:       value.Infinity,
		StartLimitInterval:      d.StartLimitInterval,
		StartLimitBurst:         d.StartLimitBurst,
		FailureActionExitStatus: -1,
		SuccessActionExitStatus: -1,
		OnSuccessJobMode:        unit.Fail,
	}
	if t == name.Device {
		u.JobRunningTimeout = d.DeviceTimeout
	}
	newPart(u, t, d)
	exec, kill, resources := has(t)
	if exec {
		u.Exec = orNew(x)
		*u.Exec = newExec(t, d)
	}
	if kill {
		u.Kill = &unit.Kill{
			Signal: value.SIGTERM, FinalSignal: value.SIGKILL, Watchdog: value.SIGABRT, SendSIGKILL: true,
		}
	}
	if resources {
		u.Resources = orNew(r)
		*u.Resources = newResources(t, d)
	}
	return u
}

func orNew[T any](p *T) *T {
	if p == nil {
		p = new(T)
	}
	return p
}

// newPart makes the part of its own that units of the type have.
func newPart(u *unit.Unit, t name.Type, d *Defaults) {
	switch t {
	case name.Service:
		u.Service = &unit.Service{
			RestartDelay: d.Restart,
			TimeoutStart: d.TimeoutStart, TimeoutStop: d.TimeoutStop,
			TimeoutAbort: d.TimeoutAbort, TimeoutAbortSet: d.TimeoutAbortSet,
			RestartMaxDelay: value.Infinity,
			RuntimeMax:      value.Infinity, GuessMainPID: true, ReloadSignal: value.SIGHUP,
			FileDescriptorStorePreserve: unit.PreserveRestart,
		}
	case name.Socket:
		u.Socket = &unit.Socket{
			MaxConnections: 64, Backlog: math.MaxInt32, SocketMode: 0o666, DirectoryMode: 0o755,
			Priority: -1, IPTOS: -1, IPTTL: -1, Mark: -1, Timeout: d.TimeoutStart,
			DeferTriggerMax:      value.Infinity,
			TriggerLimitInterval: value.Infinity, TriggerLimitBurst: math.MaxUint32,
		}
	case name.Mount:
		u.Mount = &unit.Mount{Timeout: d.TimeoutStart, DirectoryMode: 0o755}
		u.IgnoreOnIsolate = true
	case name.Automount:
		u.Automount = &unit.Automount{DirectoryMode: 0o755}
		u.IgnoreOnIsolate = true
	case name.Swap:
		u.Swap = &unit.Swap{Priority: -1, Timeout: d.TimeoutStart}
		u.IgnoreOnIsolate = true
	case name.Timer:
		u.Timer = &unit.Timer{Accuracy: d.TimerAccuracy, RemainAfterElapse: true}
	case name.Path:
		u.Path = &unit.Path{
			DirectoryMode: 0o755, TriggerLimitInterval: value.Infinity, TriggerLimitBurst: math.MaxUint32,
		}
	case name.Scope:
		u.Scope = &unit.Scope{RuntimeMax: value.Infinity, TimeoutStop: d.TimeoutStop}
		u.IgnoreOnIsolate = true
	case name.Slice, name.Device:
		u.IgnoreOnIsolate = true
	case name.Bad, name.Target, name.Types:
	}
}

func newExec(t name.Type, d *Defaults) unit.Exec {
	x := unit.Exec{
		UMask: 0o022, IgnoreSIGPIPE: true, Limits: d.Inherited,
		Stdin: unit.StdioNull, Stdout: d.Stdout, Stderr: d.Stderr,
		OOMScoreAdjust: d.OOMScoreAdjust, OOMScoreSet: d.OOMScoreSet,
		TimeoutClean: value.Infinity, Keyring: unit.KeyringShared,
	}
	if t == name.Service { // the defaults of the manager follow in Finish
		x.Stdout, x.Stderr, x.Keyring = unit.StdioInherit, unit.StdioInherit, unit.KeyringPrivate
	}
	if d.OwnKeyring {
		x.Keyring = unit.KeyringInherit
	}
	for k := range x.Directories {
		x.Directories[k].Mode = 0o755
	}
	x.TTYRows, x.TTYColumns = unit.TTYSizeUnset, unit.TTYSizeUnset
	x.SyslogFacility, x.SyslogLevel, x.SyslogLevelPrefix, x.LogLevelMax = 3, 6, true, -1
	x.NUMAPolicy = -1
	x.IOSchedulingClass, x.IOSchedulingPriority = 2, 4
	x.TimerSlack = 50000
	x.CoredumpFilter = 0x33
	x.CapabilityBoundingSet = math.MaxUint64
	x.RestrictNamespaces = math.MaxUint64
	x.SystemCallErrorNumber = unit.CallKill
	x.SmackProcessLabel.Label = d.SmackProcessLabel
	return x
}

func newResources(t name.Type, d *Defaults) unit.Resources {
	r := unit.Resources{
		CPUAccounting: d.CPUAccounting, IOAccounting: d.IOAccounting,
		BlockIOAccounting: d.BlockIOAccounting,
		MemoryAccounting:  d.MemoryAccounting, TasksAccounting: d.TasksAccounting,
		IPAccounting: d.IPAccounting,
		CPUWeight:    unit.WeightUnset, StartupCPUWeight: unit.WeightUnset,
		CPUShares: unit.WeightUnset, StartupCPUShares: unit.WeightUnset,
		CPUQuota: value.Infinity, CPUQuotaPeriod: value.Infinity,
		MemoryHigh: value.SizeInfinity, MemoryMax: value.SizeInfinity,
		MemorySwapMax: value.SizeInfinity, MemoryLimit: value.SizeInfinity,
		TasksMax: d.tasks(d.TasksMax),
		IOWeight: unit.WeightUnset, StartupIOWeight: unit.WeightUnset,
		BlockIOWeight: unit.WeightUnset, StartupBlockIOWeight: unit.WeightUnset,
	}
	if t == name.Slice {
		r.TasksMax = math.MaxUint64
	}
	return r
}
