package engine

import (
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Effect is an order to the host. The host answers those with an Op.
type Effect interface{ effect() }

// Spawn starts one process. Spawned or SpawnFailed answers it.
type Spawn struct {
	Op         Op
	Unit       *unit.Unit
	Kind       string // the directive: "ExecStart"
	Index      int    // of the command in its list
	Command    *value.Command
	Control    bool       // not the main process
	Env        []string   // MAINPID=…, SERVICE_RESULT=…; above the unit's own
	Invocation string     // 32 hexadecimal digits
	Sockets    []string   // socket units whose descriptors are passed, in order
	Conn       Handle     // the connection that is passed instead; 0 is none
	Stored     []StoredFD // passed after those
	Notify     bool       // $NOTIFY_SOCKET is set
	Watchdog   value.Span
}

// Kill signals processes of a unit: Main and Control if not 0, and with Group all
// others that belong to it. SIGCONT follows so that stopped ones notice; with
// Hangup, SIGHUP as well.
type Kill struct {
	Unit          string
	Main, Control int
	Group         bool
	Signal        value.Signal
	Hangup        bool
}

// FindMain seeks the main process of a forking service: in its PID file, or, if
// that is "", by looking at the unit's processes. With Wait, the answer may come
// later, when the file appears. MainFound answers it.
type FindMain struct {
	Op      Op
	Unit    string
	PIDFile string
	Wait    bool
}

// WatchName asks for who has the bus name, now and whenever that changes, until
// Off. NameOwned tells.
type WatchName struct {
	Unit, Name string
	Off        bool
}

// TestConditions asks for the Condition…= and Assert…= of a unit.
type TestConditions struct {
	Op   Op
	Unit *unit.Unit
}

// Listen opens the sockets of a socket unit; those it has stay. Listening answers.
type Listen struct {
	Op      Op
	Unit    *unit.Unit
	Service *unit.Service // that the sockets are for; nil if it is not known yet
}

// PrepareMount makes the mount point of a unit, if need be, and looks whether it can
// be one. MountPrepared answers.
type PrepareMount struct {
	Op   Op
	Unit *unit.Unit
}

// Attach moves processes that others have started into the control group of a scope,
// which is to be the user's. Attached answers.
type Attach struct {
	Op          Op
	Unit        *unit.Unit
	PIDs        []int
	User, Group string
	Invocation  string // 32 hexadecimal digits
}

// CleanUp removes directories of a unit: "runtime", "state", "cache", "logs",
// "configuration"; of a timer "state" is its stamp. CleanedUp answers.
type CleanUp struct {
	Op   Op
	Unit *unit.Unit
	What []string
}

// Freeze has the kernel stop all processes of a unit, or let them go on. Frozen answers.
type Freeze struct {
	Op   Op
	Unit string
	Thaw bool
}

// Answered answers a request that is no job. Err is nil on success.
type Answered struct {
	Req uint64
	Err *transaction.Error
}

// RequestStop asks the controller of a scope to stop it.
type RequestStop struct{ Unit, Controller string }

// ReadStamp asks when a timer has last fired, and has the file made if there is none.
// StampRead answers.
type ReadStamp struct {
	Op   Op
	Unit string
}

// WriteStamp notes that a timer has fired.
type WriteStamp struct {
	Unit string
	At   uint64 // by the wall clock, in microseconds
}

// CheckPaths has the paths of a path unit watched, those of the definition and no
// others, and then looked at; with Make, MakeDirectory= is carried out before.
// PathsChecked answers, and PathsChanged tells of changes from then on.
type CheckPaths struct {
	Op   Op
	Unit *unit.Unit
	Make bool
}

// UnwatchPaths ends what CheckPaths began.
type UnwatchPaths struct{ Unit string }

// SetAlarm has the machine woken at a time by the wall clock; 0 has it sleep on.
type SetAlarm struct{ At uint64 }

// Watch reports the next traffic on a socket unit (Incoming or Connected).
type Watch struct{ Unit string }

// Unwatch ends a Watch.
type Unwatch struct{ Unit string }

// CloseSockets closes the sockets of a unit and removes what RemoveOnStop= says.
type CloseSockets struct {
	Unit  *unit.Unit
	Flush bool // only drop what waits in them
}

// CloseConn closes an accepted connection.
type CloseConn struct{ Conn Handle }

// KeepFD keeps a descriptor that came with Notified for the unit; with Poll, HungUp
// tells when its other end is gone.
type KeepFD struct {
	FD   Handle
	Unit string
	Poll bool
}

// CloseFDs closes kept descriptors.
type CloseFDs struct{ FDs []Handle }

// Clean removes what a unit at rest leaves: its control group, its runtime
// directories (unless kept for a restart), its PID file.
type Clean struct {
	Unit    *unit.Unit
	Restart bool // it starts again at once
}

// Load asks for definitions; Loaded brings them.
type Load struct{ Names []string }

// Changed tells that a unit's state is another one.
type Changed struct {
	Unit        string
	Active, Sub string
}

// UnitGone tells that a unit was collected.
type UnitGone struct{ Unit string }

// JobNew tells of a queued job.
type JobNew struct {
	ID   uint32
	Unit string
	Type transaction.JobType
}

// JobDone tells that a job is over.
type JobDone struct {
	ID     uint32
	Unit   string
	Type   transaction.JobType
	Result JobResult
}

// Replied answers JobRequested: a job, or an error.
type Replied struct {
	Req      uint64
	ID       uint32
	Unit     string
	Type     transaction.JobType
	Affected []JobNew
	Err      *transaction.Error
}

// Log is a line for the manager's log. Unit is "" for the manager itself.
type Log struct {
	Level      Level
	Unit       string
	Invocation string // of the unit
	Text       string
	Named      bool     // the unit stands in the text
	Fields     []string // "NAME=value", for a journal; systemd.journal-fields(7)
}

// Level is a syslog priority.
type Level uint8

// The priorities in use. syslog(3).
const (
	Err     Level = 3
	Warning Level = 4
	Notice  Level = 5
	Info    Level = 6
	Debug   Level = 7
)

// Act ends the manager or the machine, as the action says. Status is the exit
// status for ActionExit, or -1.
type Act struct {
	Action   unit.Action
	Status   int
	Unit     string // whose setting asks for it
	Argument string // for reboot
}

// Idle tells that the last job is done.
type Idle struct{}

func (Spawn) effect()          {}
func (Kill) effect()           {}
func (FindMain) effect()       {}
func (WatchName) effect()      {}
func (TestConditions) effect() {}
func (Listen) effect()         {}
func (PrepareMount) effect()   {}
func (Attach) effect()         {}
func (RequestStop) effect()    {}
func (CleanUp) effect()        {}
func (Freeze) effect()         {}
func (Answered) effect()       {}
func (ReadStamp) effect()      {}
func (WriteStamp) effect()     {}
func (CheckPaths) effect()     {}
func (UnwatchPaths) effect()   {}
func (SetAlarm) effect()       {}
func (Watch) effect()          {}
func (Unwatch) effect()        {}
func (CloseSockets) effect()   {}
func (CloseConn) effect()      {}
func (KeepFD) effect()         {}
func (CloseFDs) effect()       {}
func (Clean) effect()          {}
func (Load) effect()           {}
func (Changed) effect()        {}
func (UnitGone) effect()       {}
func (JobNew) effect()         {}
func (JobDone) effect()        {}
func (Replied) effect()        {}
func (Log) effect()            {}
func (Act) effect()            {}
func (Idle) effect()           {}
