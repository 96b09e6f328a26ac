// Package spawn starts one process from an execution context. It knows what
// happens between fork and exec, in which order, and with which exit status
// each step fails; it knows nothing of jobs and states. It answers for the
// section PROCESS EXIT CODES of systemd.exec(5) and for the directives that
// Request.Exec carries.
package spawn

import (
	"fmt"
	"os"
	"sync"

	"rouse/internal/host/dirs"
	"rouse/internal/host/identity"
	"rouse/internal/host/sandbox"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Request says what to start and in which context. Start does not keep it.
type Request struct {
	Unit string // for messages
	// Command is the program. Argv is taken as it is: the caller has expanded $VAR. A
	// Path without a slash is sought in the search path, below RootDirectory= if that
	// applies. Of the prefixes, -, + and ! are looked at.
	Command value.Command
	// Directive is what asks for the command, "ExecStart"; "" is nothing with a name.
	Directive string
	Exec      *unit.Exec // nil is an empty context
	// Env is the complete environment. An entry LISTEN_PID=, WATCHDOG_PID= or
	// SYSTEMD_EXEC_PID= without a value is given the number of the new process.
	Env []string
	// Invocation is the unit's invocation, 32 hexadecimal digits, for its keyring.
	Invocation string
	// Stdin, Stdout and Stderr are descriptors of the manager; -1 is /dev/null.
	Stdin, Stdout, Stderr int
	// Terminal says what standard input, a terminal, is to the process. TerminalPath is
	// for AwaitedTerminal. TerminalOwner is the user whose it becomes; 0 is nobody.
	Terminal      Terminal
	TerminalPath  string
	TerminalOwner int
	// Files become the descriptors 3, 4, 5 and so on. The last Stored of them come
	// from the descriptor store: NonBlocking is not for them.
	Files       []int
	Stored      int
	NonBlocking bool // O_NONBLOCK is set in Files; cleared if false
	// NoChroot leaves RootDirectory= out (RootDirectoryStartOnly=).
	NoChroot bool
	// Cgroup is the directory of a control group, version 2, to start in; -1 is none.
	// (0 is a valid descriptor: set it.)
	Cgroup int
	// CgroupProcs are files the child writes itself into before anything else, if
	// Cgroup is -1 or the kernel refuses it.
	CgroupProcs []string
	// Without are directives that are left out because this place does not allow them.
	// With "/namespaces" or "/filters" after it, only that part of the directive is.
	Without []string
	// As is who DynamicUser= has made up, in the place of User= and Group=; nil is nobody.
	As *identity.User
	// Dirs are what a mount namespace needs for the unit's directories.
	Dirs dirs.Mounts
	// Credentials is the directory of the unit's credentials, of which a mount namespace
	// shows no others; "" is that it has none.
	Credentials string
	// Tmp and VarTmp are the directories for PrivateTmp=, and Incoming the one from which
	// mounts come later. See sandbox.Config.
	Tmp, VarTmp, Incoming string
	// Notify is the path of the manager's socket for notify messages, for those who may send
	// some.
	Notify string
	// Network and IPC are descriptors of the namespaces that the processes of a unit share
	// for PrivateNetwork= and PrivateIPC=; without one, which is 0, the process has its own.
	Network, IPC int
	// Fail makes a process that does nothing but exit with Fail.Status: for what went
	// wrong before the fork, so that every failure has a process.
	Fail *StepError
	// Session is opened by PAM; nil is none. Then Env and Command.Argv are not completed.
	Session *Session
	// Announce, if it is set, is called while the process waits, before anything is taken
	// away from it and before it executes.
	Announce func(p Process)
	// Waiting, if it is set, is called for a process that waits for its terminal, before
	// Start returns. What Start returns afterwards is about the same process.
	Waiting func(p Process)
	// Started, if it is set, is called right after the Spawner's, under the same rules.
	Started func(p Process)
}

// Terminal is whether a terminal is to control a process: its signals go to it then, and
// its end is the process's.
type Terminal uint8

// The kinds of terminals.
const (
	NoTerminal      Terminal = iota
	MayControl               // if it is a terminal at all, and nobody else's
	MustControl              // or the process fails
	AwaitedTerminal          // the process waits until it is nobody else's
	SeizedTerminal           // taken from whoever has it
)

// Process is a process that was started.
type Process struct {
	PID int // 0 is none
}

// inFlight is how many processes may be between fork and exec. Each of them
// holds a thread.
const inFlight = 8

// A Spawner starts processes. Its methods may be called from any goroutine;
// only a few processes are between fork and exec at a time, the others wait.
// The fields are set before the first Start, and so are the signals that the
// manager ignores (signal.Ignore): children get the default action.
type Spawner struct {
	// Users finds users and groups; nil is those of /etc.
	Users *identity.DB
	// SearchPath is where commands without a slash are sought if ExecSearchPath= is
	// not set; nil is DefaultSearchPath.
	SearchPath []string
	// Directory is where processes start whose WorkingDirectory= is not set; "" is "/".
	// If it is set and missing, "/" is taken (a user manager's home).
	Directory string
	// Place is where the mounts of a process are put together; without, it is a temporary
	// directory each time.
	Place sandbox.Place
	// Started is called on Start's goroutine for each new process, failed ones too,
	// before a holder of Forking's lock can go on. It must not block or Start.
	Started func(r *Request, p Process)

	once    sync.Once
	kernel  kernel
	means   means // how to start; prepare chooses unless it is set
	slots   chan struct{}
	null    [2]int // /dev/null, to read and to write; -1, which fails as a stream, if there is none
	limits  limits
	plans   chan *plan // used ones, for their memory
	barrier *barrier
	sibling bool // what is started is no child of this process, but of its parent
}

func (s *Spawner) prepare() {
	best := s.kernel.prepare()
	if s.means == meansUnset {
		s.means = best
	}
	s.slots = make(chan struct{}, inFlight)
	s.plans = make(chan *plan, inFlight)
	for i := range s.null {
		fd, err := sys.OpenStream(os.DevNull, i == 0, i == 1, false)
		if err != nil {
			fd = -1
		}
		s.null[i] = fd
	}
	s.limits = ownLimits()
	s.barrier = newBarrier()
}

// Start returns once the program has been executed or an operation failed. If
// there is no process at all, the error is no *StepError and PID is 0; if an
// operation failed in the process, the error is a *StepError and PID is set.
// An unknown user or group is such a failure too.
func (s *Spawner) Start(r *Request) (Process, error) {
	s.once.Do(s.prepare)
	var none Process
	p, err := s.newPlanner(r)
	if err != nil {
		return none, err
	}
	defer s.reuse(p.plan)
	p.child()
	defer p.close()
	s.slots <- struct{}{}
	var slot sync.Once
	p.leave = func() { slot.Do(func() { <-s.slots }) }
	defer p.leave()
	start := s.start
	if p.talk != nil {
		defer p.talk.close()
	}
	if p.cut > 0 {
		start = func(_ *plan, land func(Process)) (Process, *StepError, error) {
			return s.startSession(p, land)
		}
	}
	pr, failed, err := start(p.plan, func(pr Process) {
		if s.Started != nil {
			s.Started(r, pr)
		}
		if r.Started != nil {
			r.Started(pr)
		}
	})
	if err != nil {
		return none, err
	}
	if failed != nil {
		return pr, failed
	}
	return pr, nil
}

// close gives back what only the making of the process needed.
func (p *plan) close() {
	for _, fd := range p.opened {
		_ = sys.CloseFD(fd)
	}
	if p.temporary != "" {
		_ = os.RemoveAll(p.temporary)
	}
}

// blank gives a plan without steps.
func (s *Spawner) blank() *plan {
	select {
	case p := <-s.plans:
		*p = plan{steps: p.steps[:0], scratch: p.scratch}
		return p
	default:
		return &plan{}
	}
}

// reuse keeps the memory of a plan that nobody uses any more.
func (s *Spawner) reuse(p *plan) {
	select {
	case s.plans <- p:
	default:
	}
}

// Forking is the lock for reap.Config.Forking. Lock returns when Started has
// been called for every process that was dead before. It does not wait for
// processes that are still alive between fork and exec, and keeps none from
// being started.
func (s *Spawner) Forking() sync.Locker {
	s.once.Do(s.prepare)
	return s.barrier
}

// Become applies the context of r to the calling process and executes the
// command in its place. It returns only if an operation failed, and then the
// process must exit with the error's Status, for it is half changed. Only the
// directives named in only are applied; session, descriptors and control group
// are kept. The error is a *StepError unless the request makes no sense.
func (s *Spawner) Become(r *Request, only []string) error {
	s.kernel.inherited()
	s.limits = ownLimits()
	p, err := s.newPlanner(r)
	if err != nil {
		return err
	}
	p.self(only)
	return p.become()
}

// nonblocking sets or clears O_NONBLOCK in the files that are not from the store.
func (r *Request) nonblocking() *StepError {
	for i, fd := range r.Files[:max(0, len(r.Files)-r.Stored)] {
		if err := sys.SetNonblock(fd, r.NonBlocking); err != nil {
			return &StepError{
				Step: fmt.Sprintf("set O_NONBLOCK of descriptor %d", 3+i), Directive: "NonBlocking",
				Errno: int(sys.ErrnoOf(err)), Status: StatusFDs,
			}
		}
	}
	return nil
}

// A means is a way to make a process carry out a plan.
type means uint8

const (
	meansUnset means = iota
	// meansClone3 runs the plan as bare system calls in a child that shares the
	// manager's memory until exec (vfork), and is born in its control group.
	meansClone3
	// meansClone does the same with the older call, where a seccomp filter refuses
	// clone3: signal handlers and control group are seen to by the child.
	meansClone
	// meansFork runs the same system calls from Go code, in a copy of the manager's
	// memory: for architectures without assembler.
	meansFork
	// meansExecutor starts the manager's own program, which carries the plan out and
	// then executes: for other systems.
	meansExecutor
)
