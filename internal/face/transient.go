package face

import (
	"context"

	"rouse/internal/unit"
)

// Transient makes, changes, holds and looks up units while they run. Property values
// are as Property has them; a descriptor ("h") is an int that is the caller's, open
// until the call returns. A client is who holds references: the unique name of a
// connection to the bus.
type Transient interface {
	// StartTransient makes units that no file describes, and starts the first.
	StartTransient(ctx context.Context, req TransientRequest) (JobReply, error)
	// SetProperties changes settings of a unit at once, until the next boot if runtime
	// is set.
	SetProperties(ctx context.Context, unit string, runtime bool, list []Property) error

	// Ref keeps a unit in memory for a client, once more with each call. Release ends
	// all that a client holds, when it is gone.
	Ref(ctx context.Context, unit, client string) error
	Unref(ctx context.Context, unit, client string) error
	Release(ctx context.Context, client string) error
	// PeerGone tells that the owner of a bus name has left: it controls no scope any more.
	PeerGone(ctx context.Context, name string) error

	// Abandon has a scope end only by itself.
	Abandon(ctx context.Context, unit string) error
	// Attach moves processes into the control group of a unit, or a group below it.
	// An empty unit is the one that caller belongs to.
	Attach(ctx context.Context, unit, group string, pids []int) error
	// Clean removes directories of a unit at rest: "configuration", "state", "cache",
	// "logs", "runtime" or "all". It returns when they are gone.
	Clean(ctx context.Context, unit string, what []string) error
	// Freeze stops all processes of a unit where they are, until Thaw.
	Freeze(ctx context.Context, unit string) error
	Thaw(ctx context.Context, unit string) error
	// BindMount shows a running service a file, a directory, or what is in an image.
	BindMount(ctx context.Context, req MountRequest) error

	// EnqueueMarked queues a job for each unit with a mark. Markers= is a property.
	EnqueueMarked(ctx context.Context) ([]JobReply, error)

	// UnitByPID, UnitByInvocation and UnitByGroup name the unit that a process, an
	// invocation ID (16 bytes) or a control group belongs to.
	UnitByPID(ctx context.Context, pid int) (string, error)
	UnitByInvocation(ctx context.Context, id []byte) (string, error)
	UnitByGroup(ctx context.Context, group string) (string, error)

	// DynamicUsers lists the users that exist as long as a unit does, by name.
	DynamicUsers(ctx context.Context) ([]DynamicUser, error)
}

// DynamicUser is a user that DynamicUser= has made up.
type DynamicUser struct {
	UID  uint32
	Name string
}

// TransientUnit is a unit to be made, with the settings it shall have.
type TransientUnit struct {
	Name       string
	Properties []Property
}

// TransientRequest asks for units to be made. PIDs, Controller and AddRef are among the
// properties; Client is who asks, for AddRef.
type TransientRequest struct {
	TransientUnit
	Mode      unit.JobMode
	Auxiliary []TransientUnit
	Client    string
	PID       int            // of who asks: what PIDs means by 0
	Replied   func(JobReply) // see JobRequest
}

// MountRequest asks for a mount inside a running service. With Image, Source is a file
// system image.
type MountRequest struct {
	Unit, Source, Destination string
	ReadOnly, MakeDirectory   bool
	Image                     bool
	Options                   [][2]string // of Image: partition and mount options
}

// The names of errors about transient units, and those around them.
const (
	UnitExists       = "org.freedesktop.systemd1.UnitExists"
	UnitBusy         = "org.freedesktop.systemd1.UnitBusy"
	UnitInactive     = "org.freedesktop.systemd1.UnitInactive"
	ScopeNotRunning  = "org.freedesktop.systemd1.ScopeNotRunning"
	NotReferenced    = "org.freedesktop.systemd1.NotReferenced"
	NothingToClean   = "org.freedesktop.systemd1.NothingToClean"
	NoSuchProcess    = "org.freedesktop.systemd1.NoSuchProcess"
	NoUnitForPID     = "org.freedesktop.systemd1.NoUnitForPID"
	NoUnitForID      = "org.freedesktop.systemd1.NoUnitForInvocationID"
	PropertyReadOnly = "org.freedesktop.DBus.Error.PropertyReadOnly"
	Failed           = "org.freedesktop.DBus.Error.Failed"
)

// NoTransient is for those who can do none of Transient: each call is refused.
type NoTransient struct{}

var _ Transient = NoTransient{}

func notHere(what string) error {
	return &Error{Name: NotSupported, Message: what + " is not to be had this way."}
}

// StartTransient implements Transient.
func (NoTransient) StartTransient(context.Context, TransientRequest) (JobReply, error) {
	return JobReply{}, notHere("StartTransientUnit")
}

// SetProperties implements Transient.
func (NoTransient) SetProperties(context.Context, string, bool, []Property) error {
	return notHere("SetUnitProperties")
}

// Ref implements Transient.
func (NoTransient) Ref(context.Context, string, string) error { return notHere("RefUnit") }

// Unref implements Transient.
func (NoTransient) Unref(context.Context, string, string) error { return notHere("UnrefUnit") }

// Release implements Transient.
func (NoTransient) Release(context.Context, string) error { return nil }

// PeerGone implements Transient.
func (NoTransient) PeerGone(context.Context, string) error { return nil }

// Abandon implements Transient.
func (NoTransient) Abandon(context.Context, string) error { return notHere("AbandonScope") }

// Attach implements Transient.
func (NoTransient) Attach(context.Context, string, string, []int) error {
	return notHere("AttachProcessesToUnit")
}

// Clean implements Transient.
func (NoTransient) Clean(context.Context, string, []string) error { return notHere("CleanUnit") }

// Freeze implements Transient.
func (NoTransient) Freeze(context.Context, string) error { return notHere("FreezeUnit") }

// Thaw implements Transient.
func (NoTransient) Thaw(context.Context, string) error { return notHere("ThawUnit") }

// BindMount implements Transient.
func (NoTransient) BindMount(context.Context, MountRequest) error {
	return notHere("BindMountUnit")
}

// EnqueueMarked implements Transient.
func (NoTransient) EnqueueMarked(context.Context) ([]JobReply, error) {
	return nil, notHere("EnqueueMarkedJobs")
}

// UnitByPID implements Transient.
func (NoTransient) UnitByPID(context.Context, int) (string, error) {
	return "", notHere("GetUnitByPID")
}

// UnitByInvocation implements Transient.
func (NoTransient) UnitByInvocation(context.Context, []byte) (string, error) {
	return "", notHere("GetUnitByInvocationID")
}

// UnitByGroup implements Transient.
func (NoTransient) UnitByGroup(context.Context, string) (string, error) {
	return "", notHere("GetUnitByControlGroup")
}

// DynamicUsers implements Transient.
func (NoTransient) DynamicUsers(context.Context) ([]DynamicUser, error) { return nil, nil }
