// Package face says what can be asked of the manager, whatever the wire. Its
// sub-packages translate a protocol into these calls and contain no logic.
package face

import (
	"context"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/value"
)

// Manager is what every face speaks to. All calls are safe from any goroutine;
// each runs on the goroutine that owns the engine, or on a snapshot of it.
// Errors that a client shall tell apart are of type *Error.
type Manager interface {
	Show
	Transient
	Files
	Reexec

	// Info describes the manager itself.
	Info(ctx context.Context) (Info, error)
	// Units lists the loaded units, sorted by name. Patterns are globs over names;
	// none means all. A pattern without glob characters names one unit, which is
	// loaded if load is set (and listed as not-found where there is none).
	Units(ctx context.Context, patterns []string, load bool) ([]UnitInfo, error)
	// Jobs lists the queued jobs by ID.
	Jobs(ctx context.Context) ([]JobInfo, error)
	// Properties gives all properties of the named unit, sorted by name, loading it
	// first if need be.
	Properties(ctx context.Context, unit string) ([]Property, error)
	// Processes lists the processes that belong to the named unit.
	Processes(ctx context.Context, unit string) ([]Process, error)

	// Enqueue adds a job. With Wait, it returns once the job has finished and
	// Result is set; without, once the job is queued.
	Enqueue(ctx context.Context, req JobRequest) (JobReply, error)
	// Plan says what Enqueue would do, in order, and does nothing.
	Plan(ctx context.Context, req JobRequest) ([]PlannedJob, error)
	// Why tells the chain of causes of the unit's last change, nearest first.
	Why(ctx context.Context, unit string) ([]Cause, error)
	// Kill sends a signal to processes of the unit. who is "main", "control" or "all"; with
	// "-fail" after it, it is an error if there is none.
	Kill(ctx context.Context, unit, who string, sig value.Signal) error
	// ResetFailed resets the failed state and the start counter of the units that
	// the patterns match; none means all.
	ResetFailed(ctx context.Context, patterns []string) error
	// Cancel cancels the job.
	Cancel(ctx context.Context, job uint32) error
	// Reload reads all unit files again; processes, jobs and sockets stay. With dry
	// it only says what would change.
	Reload(ctx context.Context, dry bool) (ReloadReport, error)
	// Load brings the named units into memory (the seed's "enable").
	Load(ctx context.Context, names []string) ([]UnitInfo, error)
	// Remove drops a stopped unit from memory.
	Remove(ctx context.Context, unit string) error
	// Shutdown ends the manager: verb is "exit", "poweroff", "reboot", "halt" or "kexec".
	Shutdown(ctx context.Context, verb string, exitCode uint8) error
	// Subscribe sends every event from now on until ctx ends. A receiver that lags
	// by more than the queue holds is dropped: the channel is closed.
	Subscribe(ctx context.Context) (<-chan Event, error)
}

// Info describes the manager.
type Info struct {
	Version     string
	Mode        string // "system" or "user"
	PID         int
	SystemState string // as is-system-running says it: "running", "degraded", …
	Units       int
	Jobs        int
	Failed      int
	Cgroups     string   // "v2", "v1", "none": how processes are tracked
	CgroupRoot  string   // the manager's own control group, as in /proc/self/cgroup
	UnitPath    []string // directories searched, highest first
	Environment []string // "K=V", what all services are given
	Since       value.Instant
}

// UnitInfo is one line of list-units.
type UnitInfo struct {
	Name, Description string
	Load, Active, Sub string
	JobID             uint32
	JobType           string
	Following         string
}

// JobInfo is one queued job.
type JobInfo struct {
	ID          uint32
	Unit        string
	Type, State string // "start", "waiting" or "running"
	// Details are keys and values that tell which unit asked for it, as
	// ActivationDetails has them; none if no unit did.
	Details []any `json:"-"`
}

// Property is one property of a unit as D-Bus has it: Type is its signature,
// Value the Go value: bool, int32, uint32, uint64, int64, string, []string, or
// slices and structs of those for compound types (a struct is []any).
type Property = directive.Property

// Process is one process of a unit.
type Process struct {
	PID, Parent int
	Command     string // command line, blanks between arguments; "(name)" if it has none
	Cgroup      string // below the unit's own, "" if it is that one
}

// JobRequest asks for a job.
type JobRequest struct {
	Unit string
	// "start", "stop", "restart", "try-restart", "reload", "reload-or-restart",
	// "reload-or-try-restart" or "verify-active"
	Type string
	Mode unit.JobMode
	Wait bool
	// Queued, if set, is called as soon as no later request can overtake this one.
	Queued func()
	// Replied, if set, is called with the reply once the job is queued, and before
	// anybody is told what becomes of it, by the goroutine that owns the engine.
	Replied func(JobReply)
}

// JobReply tells what became of a JobRequest.
type JobReply struct {
	ID   uint32
	Unit string // the unit's primary name
	Type string // the type after merging
	// With Wait only: "done", "canceled", "timeout", "failed", "dependency", "skipped", …
	Result   string
	Affected []JobInfo
}

// PlannedJob is one job of a planned transaction.
type PlannedJob struct {
	Unit, Type string
	// what pulled it in: "requested", "web.service Requires=db.service (/etc/…/web.service:5)"
	Because string
	After   []string // units of the plan whose jobs are done first
	Effect  string   // "start", "none: already active", "replaces queued stop job 7", …
}

// Cause is one link of the chain that Why gives.
type Cause struct {
	At   value.Instant
	Unit string
	What string // "activating/start -> failed/failed, result exit-code"
	Why  string // "main process 312 exited with status 1"
}

// ReloadReport tells what a reload changed (or would change), by unit name.
type ReloadReport struct {
	Added, Changed, Removed []string
	Faults                  []unit.Fault
}

// Event is something a subscriber is told.
type Event struct {
	// "unit-new", "unit-removed", "unit-changed", "unit-files-changed", "job-new",
	// "job-removed", "reloading", "startup-finished", or "request-stop": a scope is to be
	// stopped by its controller; for observers also "settled" and "reloaded"
	Kind   string
	Unit   string
	Active string // unit-changed
	Sub    string // unit-changed
	Job    uint32 // job-*
	Type   string // job-*
	Result string // job-removed
	Peer   string `json:",omitempty"` // request-stop: the bus name that is told
	// Times of startup-finished, in microseconds: of firmware, loader, kernel, initrd and
	// userspace, and all of it.
	Times []uint64 `json:",omitempty"`
}

// Error is an error that clients tell apart. Name is systemd's D-Bus error
// name, such as "org.freedesktop.systemd1.NoSuchUnit".
type Error struct {
	Name, Message string
}

func (e *Error) Error() string { return e.Message }

// The names of the errors that more than one caller tells apart.
const (
	NoSuchUnit                 = "org.freedesktop.systemd1.NoSuchUnit"
	NoSuchJob                  = "org.freedesktop.systemd1.NoSuchJob"
	LoadFailed                 = "org.freedesktop.systemd1.LoadFailed"
	BadUnitSetting             = "org.freedesktop.systemd1.BadUnitSetting"
	UnitMasked                 = "org.freedesktop.systemd1.UnitMasked"
	JobTypeNotApplicable       = "org.freedesktop.systemd1.JobTypeNotApplicable"
	NoIsolation                = "org.freedesktop.systemd1.NoIsolation"
	ShuttingDown               = "org.freedesktop.systemd1.ShuttingDown"
	OnlyByDependency           = "org.freedesktop.systemd1.OnlyByDependency"
	TransactionIsDestructive   = "org.freedesktop.systemd1.TransactionIsDestructive"
	TransactionJobsConflicting = "org.freedesktop.systemd1.TransactionJobsConflicting"
	TransactionOrderIsCyclic   = "org.freedesktop.systemd1.TransactionOrderIsCyclic"
	InvalidArgs                = "org.freedesktop.DBus.Error.InvalidArgs"
	AccessDenied               = "org.freedesktop.DBus.Error.AccessDenied"
	NotSupported               = "org.freedesktop.DBus.Error.NotSupported"
)
