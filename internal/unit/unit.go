// Package unit holds what a unit file means: typed definitions, after parsing
// and before anything runs. It knows no state, no files and no machine. The
// meaning of each field is that of the directive it is named after in
// systemd.unit(5), systemd.service(5), systemd.socket(5), systemd.exec(5),
// systemd.kill(5) and systemd.resource-control(5).
package unit

import (
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Unit is the definition of one unit, made of its fragment, its drop-ins, its
// .wants/ and .requires/ directories and its implicit dependencies. It is not
// changed once the loader has returned it.
type Unit struct {
	Name  string    // primary name
	Names []string  // other names (aliases), sorted
	Type  name.Type // by the suffix of Name

	Load        LoadState
	LoadError   string    // why Load is not Loaded, one line
	Fragment    string    // absolute path of the main file; "" for units without one
	Transient   bool      // it was made at run time: the file is the manager's own
	DropIns     []string  // absolute paths, in the order they were applied
	Faults      []Fault   // what was wrong in the files, in file order
	NotHonoured []string  // settings here without effect, sorted, as "Section.Name"
	Broken      LoadState // what a fatal fault made of the unit, BadSetting or LoadFailed; else Stub
	Perpetual   bool      // always active, never stopped: -.slice, -.mount, init.scope

	// FragmentTime, DropInTime and SourceTime are when these files, of the drop-ins the
	// latest, had last been modified as they were read; nanoseconds, 0 if there is none.
	FragmentTime, DropInTime, SourceTime int64

	Description       string
	Documentation     []string
	SourcePath        string
	Edges             []Edge // dependencies, in file order, then the implicit ones
	RequiresMountsFor []string

	StopWhenUnneeded    bool
	RefuseManualStart   bool
	RefuseManualStop    bool
	AllowIsolate        bool
	IgnoreOnIsolate     bool
	DefaultDependencies bool // default true
	SurviveFinalKill    bool
	Collect             CollectMode
	Enforce             Enforce // X-Enforce=
	// Slice is the slice that the unit is in. It is none of its Resources, so that units in
	// different slices can share those; "" for -.slice and units without any.
	Slice string

	JobTimeout               value.Span // default infinity
	JobRunningTimeout        value.Span // default: as JobTimeout
	JobRunningTimeoutSet     bool       // by JobRunningTimeoutSec=
	JobTimeoutAction         Action
	JobTimeoutRebootArgument string
	StartLimitInterval       value.Span // 0 or infinity: no limit
	StartLimitBurst          uint
	StartLimitAction         Action
	FailureAction            Action
	SuccessAction            Action
	FailureActionExitStatus  int // -1: not set
	SuccessActionExitStatus  int // -1: not set
	RebootArgument           string
	OnFailureJobMode         JobMode
	OnSuccessJobMode         JobMode

	Conditions []Condition
	Asserts    []Condition

	Install Install

	// Exactly the parts that the type of the unit has are not nil.
	Service   *Service
	Socket    *Socket
	Timer     *Timer
	Path      *Path
	Mount     *Mount
	Automount *Automount
	Swap      *Swap
	Scope     *Scope
	Exec      *Exec      // service, socket, mount, swap
	Kill      *Kill      // service, socket, mount, swap, scope
	Resources *Resources // service, socket, mount, swap, scope, slice
}

// Install is the [Install] section. systemd.unit(5).
type Install struct {
	Alias, WantedBy, RequiredBy, UpheldBy, Also []string
	DefaultInstance                             string
}

// Edge is one dependency of a unit upon another.
type Edge struct {
	Kind    Dep
	Default bool   // DefaultDependencies= switches it off
	Name    string // the other unit
	File    string // where it is written; "" if implicit
	Line    int    // 1-based; 0 if implicit or given by a directory such as foo.wants/
}

// Condition is one Condition…= or Assert…= line. systemd.unit(5).
type Condition struct {
	Name    string // without "Condition" or "Assert": "PathExists"
	Trigger bool   // with |
	Negate  bool   // with !
	Param   string
}
