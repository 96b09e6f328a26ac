package unit

import "rouse/internal/unit/value"

// Timer is the [Timer] section. systemd.timer(5).
type Timer struct {
	Specs             []TimerSpec // in file order
	Unit              string      // "" is the service of the same name
	Accuracy          value.Span  // default DefaultTimerAccuracySec=
	RandomizedDelay   value.Span
	FixedRandomDelay  bool
	OnClockChange     bool
	OnTimezoneChange  bool
	Persistent        bool
	WakeSystem        bool
	RemainAfterElapse bool // default true
}

// TimerSpec is one On…= line of a timer.
type TimerSpec struct {
	Base     TimerBase
	Span     value.Span     // after the base; not for OnCalendar
	Calendar value.Calendar // for OnCalendar
}

// TimerBase is what a timer counts from.
type TimerBase uint8

// The bases of timers.
const (
	OnActive TimerBase = iota
	OnBoot
	OnStartup
	OnUnitActive
	OnUnitInactive
	OnCalendar
	TimerBases
)

// The words are those of the properties TimersMonotonic and TimersCalendar.
var timerBaseWords = [TimerBases]string{
	"OnActiveUSec", "OnBootUSec", "OnStartupUSec", "OnUnitActiveUSec", "OnUnitInactiveUSec",
	"OnCalendar",
}

func (b TimerBase) String() string { return timerBaseWords[b] }

// Path is the [Path] section. systemd.path(5).
type Path struct {
	Specs                []PathSpec // in file order
	Unit                 string     // "" is the service of the same name
	MakeDirectory        bool
	DirectoryMode        value.Mode // default 0755
	TriggerLimitInterval value.Span // default 2s
	TriggerLimitBurst    uint       // default 200
}

// PathSpec is one path that is watched.
type PathSpec struct {
	Kind PathKind
	Path string
}

// PathKind is what a path unit waits for.
type PathKind uint8

// The kinds of watches.
const (
	PathExists PathKind = iota
	PathExistsGlob
	PathChanged
	PathModified
	DirectoryNotEmpty
	PathKinds
)

var pathKindWords = [PathKinds]string{
	"PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty",
}

func (k PathKind) String() string { return pathKindWords[k] }

// Automount is the [Automount] section. systemd.automount(5).
type Automount struct {
	Where, ExtraOptions string
	DirectoryMode       value.Mode // default 0755
	TimeoutIdle         value.Span // 0: never unmounted
}

// Swap is the [Swap] section without its Exec, Kill and Resources parts. systemd.swap(5).
type Swap struct {
	What, Options string
	Priority      int // -1: not set
	PrioritySet   bool
	Timeout       value.Span // TimeoutSec=, default DefaultTimeoutStartSec=
}

// Scope is the [Scope] section without its Kill and Resources parts. systemd.scope(5).
type Scope struct {
	RuntimeMax             value.Span // default infinity
	RuntimeRandomizedExtra value.Span
	TimeoutStop            value.Span
	OOMPolicy              OOMPolicy
	OOMPolicySet           bool // by OOMPolicy=, or chosen when loading ended
}
