package directive

import (
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Defaults are the settings of [Manager] in system.conf and user.conf that new
// units start from, and the facts of the machine that percentages refer to.
// systemd-system.conf(5).
type Defaults struct {
	TimeoutStart, TimeoutStop     value.Span
	TimeoutAbort                  value.Span
	TimeoutAbortSet               bool
	Restart                       value.Span
	StartLimitInterval            value.Span
	StartLimitBurst               uint
	TimerAccuracy                 value.Span
	DeviceTimeout                 value.Span
	Environment                   []string
	Stdout, Stderr                unit.Stdio
	Limits                        [value.Limits]unit.Rlimit
	CPUAccounting, IOAccounting   bool
	BlockIOAccounting             bool
	MemoryAccounting              bool
	TasksAccounting, IPAccounting bool
	TasksMax                      TasksMax
	MemoryTotal                   value.Size // of the machine; 0 is unknown
	TasksTotal                    uint64     // what the machine can run; 0 is unknown
	OOMPolicy                     unit.OOMPolicy
	OOMScoreAdjust                int
	OOMScoreSet                   bool
	SmackProcessLabel             string
}

// TasksMax is a number of tasks, or a share of what the machine can run in
// parts of ten thousand if Share is set.
type TasksMax struct {
	Max   uint64
	Share uint
}

// NewDefaults gives the defaults of systemd.
func NewDefaults() *Defaults { return &Defaults{} }

// New makes a unit with all defaults set and the parts that its type has.
func New(unitName string, t name.Type, d *Defaults) *unit.Unit {
	return &unit.Unit{Name: unitName, Type: t}
}

// Manager is the [Manager] section of system.conf and user.conf.
type Manager struct {
	Defaults                        Defaults
	LogLevel, LogTarget, ShowStatus string
}

// ParseManagerConf applies one assignment of the [Manager] section to m.
func ParseManagerConf(m *Manager, a Assignment, c *Context) []unit.Fault { return nil }
