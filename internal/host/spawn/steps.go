package spawn

import (
	"slices"
	"strconv"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// A step is one thing a new process does to itself before exec. The list of
// steps is the same for every system and every way to start a process; what
// differs is who carries them out: bare system calls (ops_linux.go) or Go code
// (apply.go).
type step struct {
	kind      stepKind
	directive string
	status    int
	text      string
	list      []string
	n         [2]int64
	ids       []int
	limit     [2]uint64 // soft, hard; value.SizeInfinity is none
	ceiling   uint64    // the manager's own hard limit
	calls     []call
}

type stepKind uint8

const (
	stepFail    stepKind = iota // fail with plan.fault, which text describes
	stepCgroup                  // write "0" to the file text, or to cgroup.procs below directory n[0]
	stepSignals                 // every signal to its default; SIGPIPE ignored if n[0] is 1
	stepSession                 // setsid
	stepStdio                   // descriptor n[0] becomes n[1], which is 0, 1 or 2
	stepFiles                   // descriptors ids become 3, 4, 5 and so on
	stepOOM                     // oom_score_adj n[0]
	stepNice                    // nice level n[0]
	stepUmask                   // file mode creation mask n[0]
	stepLimit                   // the limit called text, by number n[0]
	stepGroups                  // supplementary groups ids
	stepGroup                   // real, effective and saved group n[0]
	stepUser                    // real, effective and saved user n[0]
	stepChroot                  // root directory text
	stepChdir                   // working directory text; if n[0] is 1, / if that fails
	stepClose                   // close all descriptors from n[0] on, at exec at the latest
	stepCalls                   // the system calls in calls; text describes them
	stepGate                    // say that the process is there, and wait for leave to go on
	stepReady                   // the environment is completed, signals are let through
	stepExec                    // execute the first of list that is there; n[0]: missing is status 0
	stepKinds
)

// describe names the operation and its object, for messages.
func (s *step) describe() string {
	switch s.kind {
	case stepFail, stepCalls:
		return s.text
	case stepCgroup:
		if s.text == "" {
			return "join control group"
		}
		return "join control group " + s.text
	case stepSignals:
		return "reset signals"
	case stepSession:
		return "make session"
	case stepStdio:
		return "connect " + [3]string{"standard input", "standard output", "standard error"}[s.n[1]]
	case stepFiles:
		return "pass " + strconv.Itoa(len(s.ids)) + " descriptors"
	case stepOOM:
		return "set OOM score adjustment " + strconv.FormatInt(s.n[0], 10)
	case stepNice:
		return "set nice level " + strconv.FormatInt(s.n[0], 10)
	case stepUmask:
		return "set umask " + strconv.FormatInt(s.n[0], 8)
	case stepLimit:
		return "set limit " + s.text + " to " + limitText(s.limit[0]) + ":" + limitText(s.limit[1])
	case stepGroups:
		return "set supplementary groups"
	case stepGroup:
		return "set group " + strconv.FormatInt(s.n[0], 10)
	case stepUser:
		return "set user " + strconv.FormatInt(s.n[0], 10)
	case stepChroot:
		return "chroot " + s.text
	case stepChdir:
		return "chdir " + s.text
	case stepClose:
		return "close descriptors"
	case stepGate:
		return "wait at the gate"
	case stepReady:
		return "complete the environment"
	case stepExec:
		return "exec " + s.text
	case stepKinds:
	}
	return "step " + strconv.Itoa(int(s.kind))
}

func limitText(v uint64) string {
	if v == uint64(value.SizeInfinity) {
		return "infinity"
	}
	return strconv.FormatUint(v, 10)
}

// A plan is what a new process does: the steps in order. The last one is
// stepExec or stepFail.
type plan struct {
	unit  string
	steps []step
	argv  []string
	env   []string
	// pids are the indices of env that end in the process's number.
	pids []int
	// cgroup is the directory to start in, where the kernel can do that; the steps of
	// kind stepCgroup do the same by hand. -1 is none.
	cgroup int
	// ownMemory: a step changes an attribute of the memory, which must not be the
	// manager's then.
	ownMemory bool
	// fault is what a stepFail stands for.
	fault *StepError
	// temporary is a directory that was made for the plan.
	temporary string
	// opened are descriptors that were opened for the plan.
	opened []int
	// gate is where the process talks to its starter; nil if it need not.
	gate *gate
	// leave gives the place up that the process has among those between fork and exec.
	leave func()
	// report is the descriptor an executor reports a failure to.
	report int
	// scratch is memory for compile.
	scratch scratch
}

func (p *plan) add(s step) { p.steps = append(p.steps, s) }

// fail ends the plan: the process exits with the status of e, and nothing else. What else
// is found to be wrong after that does not count.
func (p *plan) fail(e *StepError) {
	if p.fault != nil {
		return
	}
	p.fault = e
	p.add(step{kind: stepFail, text: e.Step, directive: e.Directive, status: e.Status})
}

// failed is the error of the step with that index; call is which of its calls has
// failed, or -1.
func (p *plan) failed(index, call, errno, status int) *StepError {
	if index < 0 || index >= len(p.steps) {
		index = len(p.steps) - 1
	}
	s := &p.steps[index]
	e := &StepError{Errno: errno, Status: status}
	if s.kind == stepFail && p.fault != nil {
		*e = *p.fault
	} else {
		e.Step, e.Directive = s.describe(), s.directive
		if call >= 0 && call < len(s.calls) {
			e.Step, e.Directive = s.calls[call].describe(s)
		}
	}
	e.Unit = p.unit
	return e
}

// pidVariables are the environment variables that hold the process's own number.
// sd_listen_fds(3), sd_watchdog_enabled(3), systemd.exec(5).
var pidVariables = []string{"LISTEN_PID=", "WATCHDOG_PID=", "SYSTEMD_EXEC_PID="}

// pidEntries finds them.
func (p *plan) pidEntries() {
	for i, e := range p.env {
		if slices.Contains(pidVariables, e) {
			p.pids = append(p.pids, i)
		}
	}
}

// stdioDirectives are what asks for the standard streams, by descriptor.
var stdioDirectives = [3]struct {
	directive string
	status    int
}{
	{"StandardInput", StatusStdin},
	{"StandardOutput", StatusStdout},
	{"StandardError", StatusStderr},
}

// noExec is the empty context.
var noExec = Plain()

// Plain is a context that asks for nothing: with the mask that programs expect, and all
// that is taken away otherwise.
func Plain() unit.Exec {
	return unit.Exec{
		UMask: 0o022, Scheduling: unit.Scheduling{NUMAPolicy: -1},
		Sandbox: unit.Sandbox{CapabilityBoundingSet: ^uint64(0), RestrictNamespaces: ^uint64(0)},
	}
}

// sets reports whether the plan sets the limit of that name.
func (p *plan) sets(limit string) bool {
	for i := range p.steps {
		if p.steps[i].kind == stepLimit && p.steps[i].text == limit {
			return true
		}
	}
	return false
}

// A call is one system call of a stepCalls: what has no step of its own is a row of
// them. Only files for one system make any, for their numbers are that system's.
type call struct {
	nr   uintptr
	args []arg
	// fine are errors that are no failure, three at most; any is that none is. skip is
	// how many of the next calls are left out after such an error, done how many are
	// after success.
	fine       []sys.Errno
	any        bool
	skip, done int
	// does, path and directive say what fails, if that is not what the step says.
	does, path, directive string
}

// describe is what fails if the call does, as part of the step.
func (c *call) describe(s *step) (text, directive string) {
	if c.does == "" {
		return s.text, s.directive
	}
	directive = c.directive
	if directive == "" {
		directive = s.directive
	}
	return c.does + " " + c.path, directive
}

// An arg is an argument of a call.
type arg struct {
	kind argKind
	n    int64
	text string
}

type argKind uint8

const (
	argNumber argKind = iota // n
	argText                  // the address of text and a NUL byte
	argBlock                 // the address of text, aligned for any word
	argResult                // what call n of the step gave; two arguments at most can be that
	argFilter                // the address of a struct sock_fprog for the program text
	argKinds
)

func num(n int) arg             { return arg{n: int64(n)} }
func textArg(s string) arg      { return arg{kind: argText, text: s} }
func blockArg(b []byte) arg     { return arg{kind: argBlock, text: string(b)} }
func resultOf(call int) arg     { return arg{kind: argResult, n: int64(call)} }
func filterArg(prog []byte) arg { return arg{kind: argFilter, text: string(prog)} }
