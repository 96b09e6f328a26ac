package engine

import (
	"time"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Op names an order whose outcome the engine awaits; the outcome repeats it.
type Op uint64

// Handle is a descriptor that the host keeps, such as an accepted connection.
type Handle uint64

// Event is something that has happened.
type Event interface{ event() }

// Tick is no event but the passing of time: a deadline may have come.
type Tick struct{}

// Loaded brings definitions, as read from files. With Reload, it is all that is
// known: units that are not in it and are idle are forgotten.
type Loaded struct {
	Units  []*unit.Unit
	Reload bool
}

// JobRequested asks for a job. The unit must be loaded; otherwise the request is
// refused. Replied answers it.
type JobRequested struct {
	Req  uint64 // chosen by the asker, repeated in Replied
	Unit string
	Type transaction.JobType
	Mode unit.JobMode
	Auto bool   // asked by the manager itself
	Why  string // who asks, for Why
}

// JobCancelled asks to cancel a job.
type JobCancelled struct{ ID uint32 }

// ResetFailed forgets the failure of a unit; "" is all units.
type ResetFailed struct{ Unit string }

// KillRequested asks to signal processes of a unit: "main", "control" or "all".
type KillRequested struct {
	Unit, Who string
	Signal    value.Signal
}

// Removed asks to forget a unit at rest.
type Removed struct{ Unit string }

// Pinned tells that somebody outside refers to a unit, or does no longer: a
// pinned unit is not collected.
type Pinned struct {
	Unit string
	On   bool
}

// Spawned tells that a process was started. Problem is why its program could not
// be executed after all; its Reaped follows.
type Spawned struct {
	Op      Op
	PID     int
	Problem string
}

// SpawnFailed tells that no process could be started.
type SpawnFailed struct {
	Op  Op
	Why string
}

// ExitCode is how a process ended: exited, killed or dumped. sigchld codes of waitid(2).
type ExitCode uint8

// The ways to end.
const (
	ByExit ExitCode = 1 + iota
	BySignal
	ByDump
)

// Reaped tells that a process ended. Status is its exit status or the signal.
type Reaped struct {
	PID    int
	Code   ExitCode
	Status int
	Last   bool // no other process of the unit is left
}

// Emptied tells that a unit has no process any more. After is the last Spawn for
// that unit which the host had carried out when it looked.
type Emptied struct {
	Unit  string
	After Op
}

// MainFound answers FindMain; PID is 0 if there is none, and Why says why.
type MainFound struct {
	Op  Op
	PID int
	Why string
}

// Notified is a message on the notify socket by a process of the unit.
type Notified struct {
	Unit    string
	PID     int // the sender
	Fields  []string
	FDs     []Handle // came with FDSTORE=1 and are not in store yet; KeepFD keeps them
	Trusted bool     // the sender is root or the manager's user
	Ours    bool     // MAINPID= names a process of this unit
	Unfit   string   // why MAINPID= can name no main process of any unit; "" if it can
}

// OOMKilled tells that the kernel has killed a process of the unit for want of memory.
// It comes before the Reaped of that process.
type OOMKilled struct{ Unit string }

// HungUp tells that the other end of a stored descriptor is gone.
type HungUp struct {
	Unit string
	FD   Handle
}

// NameOwned tells who has a watched bus name: PID is the process, 0 if nobody has it.
type NameOwned struct {
	Unit, Name string
	PID        int
}

// ConditionsTested answers TestConditions, one result per condition and assert.
type ConditionsTested struct {
	Op         Op
	Conditions []bool
	Asserts    []bool
}

// Listening answers Listen. Why is empty on success.
type Listening struct {
	Op  Op
	Why string
}

// MountPrepared answers PrepareMount. Why is empty on success.
type MountPrepared struct {
	Op  Op
	Why string
}

// MountSeen tells that the mount point of a unit is in the mount table, and how. It
// comes again when that changes, and before the end of the mount(8) that did it.
type MountSeen struct{ Unit, What, Type, Options string }

// MountGone tells that the mount point of a unit has left the mount table.
type MountGone struct{ Unit string }

// ScopeFormed tells what a scope is made of, before it is started for the first time.
type ScopeFormed struct {
	Unit string
	ScopeSeed
}

// Attached answers Attach. Why is empty if a process at least is in the scope.
type Attached struct {
	Op  Op
	Why string
}

// AbandonRequested asks to let a scope end by itself.
type AbandonRequested struct{ Unit string }

// CleanRequested asks to remove directories of a unit at rest. Answered tells when that
// is done.
type CleanRequested struct {
	Req  uint64
	Unit string
	What []string // or "all"
}

// CleanedUp answers CleanUp. Why is empty on success; Timeout tells that it took longer
// than TimeoutCleanSec=.
type CleanedUp struct {
	Op      Op
	Why     string
	Timeout bool
}

// FreezeRequested asks to stop the processes of a unit where they are, or to let them go
// on. Able tells that the host can do it. Answered tells when that is done.
type FreezeRequested struct {
	Req  uint64
	Unit string
	Thaw bool
	Able bool
}

// Frozen answers Freeze. Why is empty on success.
type Frozen struct {
	Op  Op
	Why string
}

// Marked sets and clears marks of a unit.
type Marked struct {
	Unit       string
	Set, Clear Markers
}

// Referenced tells that a client holds a unit in memory once more, or once less.
type Referenced struct {
	Unit, Client string
	On           bool
}

// ClientGone tells that a client is there no more: what it held is let go.
type ClientGone struct{ Client string }

// ControllerGone tells that a bus name, which may be the controller of scopes, is
// nobody's any more.
type ControllerGone struct{ Name string }

// StampRead answers ReadStamp.
type StampRead struct {
	Op Op
	At uint64 // by the wall clock, in microseconds; 0 is never
}

// PathsChecked answers CheckPaths: what there is of each path of the definition. Why is
// empty if they are watched.
type PathsChecked struct {
	Op   Op
	Why  string
	Seen []PathSeen
}

// PathSeen tells that a path exists, or what PathExistsGlob= and DirectoryNotEmpty=
// ask for. Path is what was found for a glob.
type PathSeen struct {
	There bool
	Path  string
}

// PathsChanged tells that something has happened to the path with that index in the
// definition of a path unit: to the file itself as its kind asks, or on the way to it.
type PathsChanged struct {
	Unit   string
	Index  int
	Itself bool
}

// ClockChanged tells that the wall clock was set, or the machine was asleep.
type ClockChanged struct{}

// Woken tells that the time of SetAlarm has come.
type Woken struct{}

// ZoneChanged tells of another local time.
type ZoneChanged struct{ Zone *time.Location }

// Incoming tells of traffic on a watched socket unit, which is watched no more.
type Incoming struct{ Unit string }

// Connected tells of an accepted connection of a socket unit with Accept=yes.
// Instance tells connections apart; Env is REMOTE_ADDR= and kin.
type Connected struct {
	Unit     string   `json:",omitzero"`
	Conn     Handle   `json:",omitzero"`
	Instance string   `json:",omitzero"`
	Source   string   `json:",omitzero"` // the peer's address without its port, or its uid
	Env      []string `json:",omitzero"`
}

// Adopted tells that a unit at rest is found up: after a program that ended without
// leaving a state that can be read. Main is the main process, 0 if that is not known;
// Open says that the host has the sockets of a socket unit.
type Adopted struct {
	Unit, Invocation string
	Main             int
	Populated, Open  bool
}

// ShutdownRequested starts the end of everything by starting that target.
type ShutdownRequested struct {
	Target string
	Why    string
}

// WatchdogsSet says whether services that fall silent are left alone.
type WatchdogsSet struct{ Ignored bool }

func (Tick) event()              {}
func (Loaded) event()            {}
func (JobRequested) event()      {}
func (JobCancelled) event()      {}
func (ResetFailed) event()       {}
func (KillRequested) event()     {}
func (Removed) event()           {}
func (Pinned) event()            {}
func (Spawned) event()           {}
func (SpawnFailed) event()       {}
func (Reaped) event()            {}
func (Emptied) event()           {}
func (MainFound) event()         {}
func (Notified) event()          {}
func (OOMKilled) event()         {}
func (HungUp) event()            {}
func (NameOwned) event()         {}
func (ConditionsTested) event()  {}
func (Listening) event()         {}
func (MountPrepared) event()     {}
func (MountSeen) event()         {}
func (MountGone) event()         {}
func (ScopeFormed) event()       {}
func (Attached) event()          {}
func (AbandonRequested) event()  {}
func (ControllerGone) event()    {}
func (Referenced) event()        {}
func (ClientGone) event()        {}
func (CleanRequested) event()    {}
func (CleanedUp) event()         {}
func (FreezeRequested) event()   {}
func (Frozen) event()            {}
func (Marked) event()            {}
func (StampRead) event()         {}
func (PathsChecked) event()      {}
func (PathsChanged) event()      {}
func (ClockChanged) event()      {}
func (Woken) event()             {}
func (ZoneChanged) event()       {}
func (Incoming) event()          {}
func (Connected) event()         {}
func (Adopted) event()           {}
func (ShutdownRequested) event() {}
func (WatchdogsSet) event()      {}
