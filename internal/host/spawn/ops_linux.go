package spawn

import (
	"slices"
	"strconv"
	"unsafe"

	"rouse/internal/host/sys"
)

// An op is one system call of a new process. The assembler knows its layout. It
// lives outside the Go heap and is read when no Go code may run.
type op struct {
	nr   uintptr // the call, or one of the ops below
	args [6]uintptr
	out  [2]*uintptr // where the result goes, such as an argument of a later op
	next uintptr     // how far the next op is if the call succeeds, in bytes
	// other is how far the next op is if the call fails and that is no failure: if
	// any error is none, or the error is one of fine. Otherwise the process exits
	// with status.
	other  uintptr
	any    uintptr
	fine   [3]uintptr
	seen   *uintptr // where such an error goes unless it is ENOENT; nil is nowhere
	status uintptr
}

const (
	opSize = unsafe.Sizeof(op{})

	opPID  = ^uintptr(0)     // write the process's number in decimal at address args[0]
	opFail = ^uintptr(0) - 1 // fail with errno args[0]
	opEnd  = ^uintptr(0) - 2 // leave the program; for a process that runs it on itself
)

// A program is a plan as system calls, while it is being made. Pointers between
// ops are indices until finish has placed them.
type program struct {
	*arena
	scratch
	step int
	env  uintptr // where the environment is
}

// scratch is the memory of a program, which the next one may use again.
type scratch struct {
	ops   []op
	steps []int // by op: the step it belongs to
	links []link
}

// A link says that a field of an op is the address of an argument of another.
type link struct {
	from, slot int // slot 0 and 1 are out, 2 is seen
	to, arg    int
}

// call adds an op that fails with the status of the step, and gives its index.
func (p *program) call(s *step, nr uintptr, args ...uintptr) int {
	o := op{nr: nr, next: opSize, other: opSize, status: uintptr(s.status)}
	copy(o.args[:], args)
	p.ops = append(p.ops, o)
	p.steps = append(p.steps, p.step)
	return len(p.ops) - 1
}

// fine says that these errors of the last op are no failure; then the next op is
// skip further on.
func (p *program) fine(skip int, errnos ...sys.Errno) {
	o := &p.ops[len(p.ops)-1]
	for i, e := range errnos {
		o.fine[i] = uintptr(e)
	}
	o.any = 0
	if len(errnos) == 0 {
		o.any = 1
	}
	o.other = opSize * uintptr(skip)
}

func (p *program) link(from, slot, to, arg int) {
	p.links = append(p.links, link{from, slot, to, arg})
}

// A way is how the operations are run, where that makes a difference.
type way struct {
	handlers bool // signal handlers are there still, and must be reset one by one
	group    bool // the process is in its control group already
	self     bool // the process runs the program on itself, and does exec in Go
	ignored  []int
}

// compile turns the steps into system calls. It cannot fail but for lack of
// memory: the arena must have room for p.size().
func (p *plan) compile(a *arena, w way) *program {
	pr := &program{arena: a, scratch: scratch{
		ops: p.scratch.ops[:0], steps: p.scratch.steps[:0], links: p.scratch.links[:0],
	}}
	for i := range p.steps {
		s := &p.steps[i]
		pr.step = i
		switch s.kind {
		case stepFail:
			pr.call(s, opFail, uintptr(p.fault.Errno))
		case stepCgroup:
			if !w.group {
				pr.cgroup(s)
			}
		case stepSignals:
			pr.signals(s, w)
		case stepSession:
			pr.call(s, sys.CallSetsid)
		case stepStdio, stepFiles:
			// All at once, so that none is overwritten before it was copied.
			if i == 0 || p.steps[i-1].kind != stepStdio {
				pr.descriptors(p.steps[i:])
				pr.step = i
			}
		case stepOOM:
			pr.write(s, "/proc/self/oom_score_adj", strconv.FormatInt(s.n[0], 10))
		case stepNice:
			pr.nice(s)
		case stepUmask:
			pr.call(s, sys.CallUmask, uintptr(s.n[0]))
		case stepLimit:
			pr.limit(s)
		case stepGroups:
			pr.call(s, sys.CallSetgroups, uintptr(len(s.ids)), pr.ids(s.ids))
		case stepGroup:
			id := uintptr(s.n[0])
			pr.call(s, sys.CallSetresgid, id, id, id)
		case stepUser:
			id := uintptr(s.n[0])
			pr.call(s, sys.CallSetresuid, id, id, id)
		case stepChroot:
			pr.call(s, sys.CallChroot, pr.string(s.text))
			pr.call(s, sys.CallChdir, pr.string("/"))
		case stepChdir:
			pr.chdir(s)
		case stepCalls:
			pr.calls(s)
		case stepGate:
			pr.gate(s, p.gate)
		case stepClose:
			// Without close_range, all descriptors are close-on-exec: see prepare.
			pr.call(s, sys.CallCloseRange, uintptr(s.n[0]), 1<<32-1, 0)
			pr.fine(1, sys.ENOSYS, sys.EPERM)
		case stepReady:
			pr.ready(s, p, w)
		case stepExec:
			pr.exec(s, p)
		case stepKinds:
		}
	}
	pr.finish()
	p.scratch = pr.scratch
	return pr
}

// calls adds the calls of a step.
func (p *program) calls(s *step) {
	first := len(p.ops)
	for i := range s.calls {
		c := &s.calls[i]
		op := p.call(s, c.nr)
		for n, arg := range c.args {
			if arg.kind == argResult {
				of := first + int(arg.n)
				p.link(of, p.taken(of), op, n)
				continue
			}
			p.ops[op].args[n] = p.argument(arg)
		}
		if c.any || len(c.fine) > 0 {
			p.fine(1+c.skip, c.fine...)
		}
		p.ops[op].next = opSize * uintptr(1+c.done)
	}
}

// taken is how many links already take the result of an op.
func (p *program) taken(op int) (slot int) {
	for _, l := range p.links {
		if l.from == op {
			slot++
		}
	}
	return slot
}

// argument places what the argument of a call points to.
func (a *arena) argument(g arg) uintptr {
	switch g.kind {
	case argText:
		return a.string(g.text)
	case argBlock:
		return a.block(g.text)
	case argFilter: // struct sock_fprog: unsigned short len, and a pointer
		program := a.block(g.text)
		return a.words(instructions(g.text), program)
	case argNumber, argResult, argKinds:
	}
	return uintptr(g.n)
}

// descriptors puts the standard streams and the files that follow in their places.
func (p *program) descriptors(steps []step) {
	type move struct {
		s        *step
		from, to int
		index    int // of the step
		dup      int // the op that copies it, for the number it gets
	}
	var moves []move
	for i := range steps {
		s := &steps[i]
		if s.kind == stepStdio {
			moves = append(moves, move{s: s, from: int(s.n[0]), to: int(s.n[1]), index: p.step + i})
			continue
		}
		if s.kind == stepFiles {
			for n, fd := range s.ids {
				moves = append(moves, move{s: s, from: fd, to: 3 + n, index: p.step + i})
			}
		}
		break
	}
	end := len(moves)
	first := p.step
	// Out of the way: what is where another must go.
	for i := range moves {
		m := &moves[i]
		m.dup = -1
		if m.from < end && m.from != m.to {
			p.step = m.index
			m.dup = p.call(m.s, sys.CallFcntl, uintptr(m.from), sys.FcntlDupCloexec, uintptr(end))
		}
	}
	for i := range moves {
		m := &moves[i]
		p.step = m.index
		if m.from == m.to {
			p.call(m.s, sys.CallFcntl, uintptr(m.from), sys.FcntlSetFD, 0)
			continue
		}
		to := p.call(m.s, sys.CallDup3, uintptr(m.from), uintptr(m.to), 0)
		if m.dup >= 0 {
			p.link(m.dup, 0, to, 0)
		}
	}
	p.step = first
}

// chdir goes to a directory, or else to / if that will do.
func (p *program) chdir(s *step) {
	dir := p.call(s, sys.CallChdir, p.string(s.text))
	if s.n[0] == 1 {
		p.ops[dir].next = 2 * opSize
		p.fine(1)
		p.call(s, sys.CallChdir, p.string("/"))
	}
}

// gate says that the process is there, and waits for an answer. If nobody is there any
// more, it goes on.
func (p *program) gate(s *step, g *gate) {
	for _, nr := range []uintptr{sys.CallWrite, sys.CallRead} {
		p.call(s, nr, uintptr(g.its), p.string(gateAnnounce), uintptr(len(gateAnnounce)))
		p.fine(1)
	}
}

// cgroup moves the process, through a path or a directory descriptor.
func (p *program) cgroup(s *step) {
	if s.n[0] < 0 {
		p.writeAt(s, sys.AtFDCWD, s.text, "0")
		return
	}
	p.writeAt(s, int(s.n[0]), "cgroup.procs", "0")
}

func (p *program) writeAt(s *step, dir int, path, text string) (first int) {
	open := p.call(s, sys.CallOpenat, uintptr(dir), p.string(path), sys.OpenWrite, 0)
	write := p.call(s, sys.CallWrite, 0, p.string(text), uintptr(len(text)))
	shut := p.call(s, sys.CallClose, 0)
	p.link(open, 0, write, 0)
	p.link(open, 1, shut, 0)
	return open
}

// write writes text to a file. If that is not permitted, it is left alone: user
// namespaces and containers forbid it, and systemd goes on too.
func (p *program) write(s *step, path, text string) {
	open := p.writeAt(s, sys.AtFDCWD, path, text)
	for i, skip := range []uintptr{3, 1} {
		o := &p.ops[open+i]
		o.other = skip * opSize
		o.fine = [3]uintptr{uintptr(sys.EACCES), uintptr(sys.EPERM)}
	}
}

// signals gives every signal its default action, but for SIGPIPE. A handler ends
// with exec, but it must not run before, on the manager's memory.
func (p *program) signals(s *step, w way) {
	pipe := s.n[0] == 1
	for sig := 1; sig <= sys.Signals; sig++ {
		if sig == sys.SIGKILL || sig == sys.SIGSTOP || sig == int(sys.SIGPIPE) && pipe {
			continue
		}
		if w.self && sig != int(sys.SIGPIPE) {
			continue
		}
		if w.self || w.handlers || slices.Contains(w.ignored, sig) {
			p.call(s, sys.CallSigaction, uintptr(sig), p.words(0, 0, 0, 0, 0, 0, 0, 0), 0, sys.SigsetBytes)
		}
	}
	if pipe {
		ignore := p.words(sys.SigIgnore, 0, 0, 0, 0, 0, 0, 0)
		p.call(s, sys.CallSigaction, uintptr(sys.SIGPIPE), ignore, 0, sys.SigsetBytes)
	}
}

// nice gets as near to the nice level as permitted, as systemd does.
func (p *program) nice(s *step) {
	p.call(s, sys.CallSetpriority, sys.PrioProcess, 0, uintptr(s.n[0]))
	ceiling, _, err := sys.Limit(sys.LimitNice)
	if err != nil {
		return
	}
	now, err := sys.Nice()
	if err != nil || int64(now) < s.n[0] {
		return
	}
	nearest := min(int64(now), max(20-int64(min(ceiling, 40)), s.n[0]))
	p.ops[len(p.ops)-1].next = 2 * opSize
	p.fine(1, sys.EPERM, sys.EACCES)
	p.call(s, sys.CallSetpriority, sys.PrioProcess, 0, uintptr(nearest))
}

// limit gets as near to the limit as permitted, as systemd does.
func (p *program) limit(s *step) {
	number := uintptr(s.n[0])
	p.call(s, sys.CallPrlimit, 0, number, p.pair(s.limit), 0)
	hard := s.ceiling
	if hard == ^uint64(0) {
		return
	}
	p.ops[len(p.ops)-1].next = 2 * opSize
	p.fine(1, sys.EPERM)
	nearest := [2]uint64{min(s.limit[0], hard), min(s.limit[1], hard)}
	p.call(s, sys.CallPrlimit, 0, number, p.pair(nearest), 0)
}

// ready places the environment and writes the process's number into it. Then the
// signals that came meanwhile do what they do by default. A process that runs the program
// on itself has done so.
func (p *program) ready(s *step, pl *plan, w way) {
	var entries []uintptr
	p.env, entries = p.strings(pl.env)
	if w.self {
		return
	}
	for _, i := range pl.pids {
		p.call(s, opPID, p.reserve(entries, pl.env, i))
	}
	p.call(s, sys.CallSigprocmask, sys.SigSetmask, p.words(0, 0), 0, sys.SigsetBytes)
}

// exec ends the program. An error that only means "not here" leads to the next
// place of the search path; after the last, the last that said more than "no
// such file" counts.
func (p *program) exec(s *step, pl *plan) {
	argv, _ := p.strings(pl.argv)
	var tries []int
	for _, path := range s.list {
		tries = append(tries, p.call(s, sys.CallExecve, p.string(path), argv, p.env))
		p.fine(1, sys.ENOENT, sys.EACCES, sys.ENOTDIR)
	}
	last := p.call(s, opFail, uintptr(sys.ENOENT))
	if s.n[0] == 1 {
		p.ops[last].status = 0
	}
	for _, t := range tries {
		p.link(t, 2, last, 0)
	}
}

// finish places the ops in the arena and makes the links addresses.
func (p *program) finish() {
	placed := p.place(p.ops)
	for _, l := range p.links {
		to := &placed[l.to].args[l.arg]
		if l.slot == 2 {
			placed[l.from].seen = to
		} else {
			placed[l.from].out[l.slot] = to
		}
	}
	p.control().ops = unsafe.SliceData(placed)
}
