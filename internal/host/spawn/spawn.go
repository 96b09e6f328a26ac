// Package spawn starts one process from an execution context. It knows what
// happens between fork and exec, in which order, and with which exit status
// each step fails; it knows nothing of jobs and states. It answers for the
// section PROCESS EXIT CODES of systemd.exec(5) and for the directives that
// Request.Exec carries.
package spawn

import (
	"sync"

	"rouse/internal/host/identity"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Request says what to start and in which context. Start does not keep it.
type Request struct {
	Unit string // for messages
	// Command is the program. Argv is taken as it is: the caller has expanded $VAR
	// (value.ExpandArgs). A Path without a slash is sought in the search path, below
	// RootDirectory= if that applies. Of the prefixes, -, + and ! are looked at.
	Command value.Command
	Exec    *unit.Exec // nil is an empty context
	// Env is the complete environment. An entry LISTEN_PID=, WATCHDOG_PID= or
	// SYSTEMD_EXEC_PID= without a value is given the number of the new process.
	Env []string
	// Stdin, Stdout and Stderr are descriptors of the manager; -1 is /dev/null.
	Stdin, Stdout, Stderr int
	// Files become the descriptors 3, 4, 5 and so on. The last Stored of them come
	// from the descriptor store: NonBlocking= is not for them.
	Files       []int
	Stored      int
	NonBlocking bool // O_NONBLOCK is set in Files; cleared if false
	// Privileged leaves User=, Group= and SupplementaryGroups= out, as "!" does
	// (PermissionsStartOnly=); "+" in Command leaves the limits out as well.
	Privileged bool
	// NoChroot leaves RootDirectory= out (RootDirectoryStartOnly=).
	NoChroot bool
	// Cgroup is the directory of a control group, version 2, to start in; -1 is none.
	// (0 is a valid descriptor: set it.)
	Cgroup int
	// CgroupProcs are files the child writes itself into before anything else, if
	// Cgroup is -1 or the kernel refuses it.
	CgroupProcs []string
	// Fail makes a process that does nothing but exit with Fail.Status: for what went
	// wrong before the fork, so that every failure has a process.
	Fail *StepError
}

// Process is a process that was started.
type Process struct {
	PID   int // 0 is none
	Pidfd int // close-on-exec, the caller's to close; -1 if the system has none
}

// A StepError is an operation that failed between fork and exec. The process is
// real: it exits, or has exited, with Status and is reaped like any other.
type StepError struct {
	Unit      string
	Step      string // the operation and its object: "exec /usr/bin/web", "chdir /srv"
	Directive string // who asked for it: "ExecStart", "WorkingDirectory"; "" if nobody did
	Errno     int    // 0 if Err says it better
	Err       error  // the cause; nil is Errno
	Status    int    // the exit status of the process, systemd.exec(5); see StatusName
}

// Error gives "start web.service: exec /usr/bin/web: no such file or directory (203/EXEC)".
func (e *StepError) Error() string { return "" }

// A Spawner starts processes. Its methods may be called from any goroutine;
// only a few processes are between fork and exec at a time, the others wait.
// The fields are set before the first Start.
type Spawner struct {
	// Users finds users and groups; nil is those of /etc.
	Users *identity.DB
	// SearchPath is where commands without a slash are sought; nil is DefaultSearchPath.
	SearchPath []string
	// Directory is where processes start whose WorkingDirectory= is not set; "" is "/".
	// If it is set and missing, "/" is taken (a user manager's home).
	Directory string
	// Started is called on Start's goroutine for each new process, failed ones too,
	// before a holder of Forking's lock can go on. It must not block or Start.
	Started func(r *Request, p Process)
}

// Start returns once the program has been executed or an operation failed. If
// there is no process at all, the error is no *StepError and PID is 0; if an
// operation failed in the process, the error is a *StepError and PID is set.
func (s *Spawner) Start(r *Request) (Process, error) { return Process{Pidfd: -1}, nil }

// Forking is the lock for reap.Config.Forking. Lock returns when Started has
// been called for every process that was dead before. It does not wait for
// processes that are still alive between fork and exec, and keeps none from
// being started.
func (s *Spawner) Forking() sync.Locker { return new(sync.Mutex) }

// Become applies the context of r to the calling process and executes the
// command in its place. It returns only if an operation failed, and then the
// process should exit with the error's Status. Only the directives named in
// only are applied; session, descriptors, signals and control group are kept.
func (s *Spawner) Become(r *Request, only []string) error { return nil }

// NotApplied names the directives of x that this system cannot carry out, or
// that this package does not, sorted.
func NotApplied(x *unit.Exec) []string { return nil }

// Executor must be called first thing in main: in a process that was started
// to execute a Request (on systems without a better way) it does so and does
// not return. Everywhere else it does nothing.
func Executor() {}

// StatusName is the name of an exit status of systemd.exec(5), "EXEC" for 203; "" if it has none.
func StatusName(status int) string { return "" }
