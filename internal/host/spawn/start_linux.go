package spawn

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"rouse/internal/host/seccomp"
	"rouse/internal/host/sys"
)

// kernel is what a Spawner knows about this system.
type kernel struct {
	arenas       chan *arena // free ones
	ignored      []int
	dumpable     bool
	capabilities sys.Capabilities
	programs     seccomp.Cache
	// deepMounts: a mount and all below it can be changed with one call. Linux 5.12.
	deepMounts bool
}

// prepare finds the best means and what the manager's children would inherit.
func (k *kernel) prepare() means {
	k.arenas = make(chan *arena, inFlight)
	k.ignored = sys.IgnoredSignals()
	k.dumpable = sys.Dumpable()
	k.inherited()
	k.deepMounts = sys.HaveMountSetattr()
	if !sys.HaveCloseRange() {
		// What cannot be closed in the child must close itself. Without /proc nothing
		// can be done, but then the manager was started with little anyway.
		_ = sys.CloseAllOnExec()
	}
	how := meansFork
	if haveVfork {
		how = meansClone
	}
	switch {
	case haveVfork && sys.HaveClone3():
		return meansClone3
	case emulated(how):
		return meansExecutor
	}
	return how
}

// inherited finds out what a new process may do.
func (k *kernel) inherited() { k.capabilities = sys.OwnCapabilities() }

// emulated reports whether vfork is an emulator's, which does not suspend the
// manager until its child executes or exits: then the next program would be
// written over one that is still to be run. qemu's user mode, in which containers
// of a foreign architecture run, is like that. It refuses children that are to
// send no signal at their end, as no kernel does.
func emulated(how means) bool {
	a, err := newArena(arenaSize)
	if err != nil {
		return false // memory is short: that is another matter
	}
	defer a.free()
	a.reset()
	pr := program{arena: a}
	pr.call(&step{status: 1}, opFail, 1)
	pr.finish()
	c := a.control()
	c.vfork(how, -1)
	c.flags &^= uintptr(sys.SIGCHLD)
	c.run(how)
	pid := int(c.pid)
	if pid > 0 {
		_ = sys.ReapSilent(pid)
	}
	return sys.Errno(-pid) == sys.EINVAL
}

// take gives an arena with room for n bytes.
func (k *kernel) take(n int) (*arena, error) {
	if n <= arenaSize {
		select {
		case a := <-k.arenas:
			return a, nil
		default:
			n = arenaSize
		}
	}
	return newArena(n)
}

func (k *kernel) give(a *arena) {
	if len(a.mem) == arenaSize {
		select {
		case k.arenas <- a:
			return
		default:
		}
	}
	a.free()
}

// start makes a process that carries out p. land is called with the process
// before the reaper may tell anybody of its death.
func (s *Spawner) start(p *plan, land func(Process)) (Process, *StepError, error) {
	if s.means == meansExecutor {
		return s.launch(p, land)
	}
	a, err := s.kernel.take(p.size())
	if err != nil {
		return none, nil, fmt.Errorf("start %s: %w", p.unit, err)
	}
	defer s.kernel.give(a)
	a.reset()
	f := s.barrier.begin(func() bool {
		tid := a.tid()
		return tid > 0 && sys.IsDeadChild(tid)
	})
	var landing sync.Once
	landed := func(pr Process) {
		landing.Do(func() {
			land(pr)
			s.barrier.end(f)
		})
	}
	stop := p.attend(landed)
	pr, steps, err := s.fork(a, p)
	stop()
	if err != nil {
		s.barrier.end(f)
		return none, nil, fmt.Errorf("start %s: fork: %w", p.unit, err)
	}
	landed(pr)
	return pr, p.outcome(a.control(), steps), nil
}

// A gate is where a process talks to its starter before it executes.
type gate struct {
	own   *os.File
	its   int // the end of the process
	heard func(said string, pr Process)
}

// What a process says at the gate.
const (
	gateAnnounce = "a" // it is there, and waits for an answer
	gateWaits    = "w" // it waits for something else, and that may take long
)

// openGate makes the gate, unless it is there.
func (p *planner) openGate() {
	if p.gate != nil {
		return
	}
	own, its, err := sys.Pair()
	if err != nil {
		p.fail(&StepError{Step: "make a gate", Err: err, Status: StatusExec})
		its = -1
	}
	if p.gate = (&gate{own: own, its: its}); own != nil {
		p.opened = append(p.opened, its)
	}
	r, plan := p.r, p.plan
	p.gate.heard = func(said string, pr Process) {
		switch said {
		case gateAnnounce:
			if r.Announce != nil {
				r.Announce(pr)
			}
		case gateWaits:
			plan.leave()
			if r.Waiting != nil {
				r.Waiting(pr)
			}
		}
	}
}

// attend answers what the process says at its gate, until stop. A process that has said
// something has landed.
func (p *plan) attend(landed func(Process)) (stop func()) {
	if p.gate == nil || p.gate.own == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for from := sys.NewReceiver(p.gate.own, 1); ; {
			text, d, err := from.Receive()
			if err != nil || len(text) == 0 {
				return
			}
			said, pr := string(text), Process{PID: d.PID}
			landed(pr)
			p.gate.heard(said, pr)
			if said == gateAnnounce {
				_, _ = p.gate.own.Write(text)
			}
		}
	}()
	return func() {
		p.gate.own.Close()
		<-done
	}
}

// outcome is what the operations of c came to; steps are those they belong to.
func (p *plan) outcome(c *control, steps []int) *StepError {
	at := c.came(steps)
	if at == nil {
		return nil
	}
	return p.failed(at.step, at.call, at.errno, at.status)
}

// A spot is where a plan has failed: the arguments of plan.failed.
type spot struct{ step, call, errno, status int }

// came says how far it came; nil is to the end.
func (c *control) came(steps []int) *spot {
	if c.failed == 0 {
		return nil
	}
	at := int(c.failed-1) / int(opSize)
	status := int(unsafe.Slice(c.ops, len(steps))[at].status)
	call := 0 // of a step that is a row of them, each is one op
	for at > call && steps[at-call-1] == steps[at] {
		call++
	}
	return &spot{steps[at], call, int(c.errno), status}
}

// fork tries the means in turn and gives the process, and the step of each op.
func (s *Spawner) fork(a *arena, p *plan) (Process, []int, error) {
	w := way{ignored: s.kernel.ignored}
	how := s.means
	if p.ownMemory {
		how = meansFork
	}
	for {
		w.group = how == meansClone3 && p.cgroup >= 0
		w.handlers = how != meansClone3
		a.reset()
		steps := p.compile(a, w).steps
		c := a.control()
		c.vfork(how, p.cgroup)
		if s.sibling {
			c.besides()
		}
		c.run(how)
		if pid := int(c.pid); pid > 0 {
			if s.kernel.dumpable && how != meansFork {
				s.restoreDumpable(p)
			}
			return Process{PID: pid}, steps, nil
		}
		e := sys.Errno(-int(c.pid))
		switch {
		case how == meansClone3 && e != sys.EAGAIN && e != sys.ENOMEM:
			// A seccomp filter, an older kernel, or a control group that takes no
			// process: the older call tells which, the last by a step that fails.
			how = meansClone
		default:
			return none, nil, e
		}
	}
}

// none is no process.
var none Process

// vfork fills in the arguments of clone. The child shares the memory until exec,
// or has a copy (meansFork). CLONE_VM never goes without CLONE_VFORK: then a
// write to the child's oom_score_adj would change the manager's, and an OOM kill
// would take both.
func (c *control) vfork(how means, cgroup int) {
	c.clone3 = 0
	if how == meansClone3 {
		c.clone3 = 1
	}
	c.args = cloneArgs{
		flags:      sys.CloneVM | sys.CloneVfork | sys.CloneClearSighand | sys.CloneParentSetTID,
		parentTID:  uint64(uintptr(unsafe.Pointer(&c.tid))),
		exitSignal: uint64(sys.SIGCHLD),
		stack:      uint64(c.stack - stackSize),
		stackSize:  stackSize,
	}
	if cgroup >= 0 {
		c.args.flags |= sys.CloneIntoCgroup
		c.args.cgroup = uint64(cgroup)
	}
	c.flags = sys.CloneVfork | sys.CloneParentSetTID | uintptr(sys.SIGCHLD)
	if how != meansFork {
		c.flags |= sys.CloneVM
	}
}

// besides has the child be one of this process's parent, whom its end is told as well.
func (c *control) besides() {
	c.args.flags |= sys.CloneParent
	c.args.exitSignal = 0
	c.flags |= sys.CloneParent
}

// run makes the child, and returns when it has executed or exited.
func (c *control) run(how means) {
	switch how {
	case meansClone3, meansClone:
		vforkAndRun(c)
	case meansFork:
		forkAndRun(c)
	case meansUnset, meansExecutor:
		c.pid = ^uintptr(0) // EPERM; never asked for
	}
}

// restoreDumpable undoes what a change of user, or a user namespace, in the child does to
// the memory it shares with the manager, whose /proc/self would belong to root.
func (s *Spawner) restoreDumpable(p *plan) {
	changes := func(st step) bool {
		return st.kind == stepUser || st.kind == stepGroup || st.directive == "PrivateUsers"
	}
	if slices.ContainsFunc(p.steps, changes) {
		_ = sys.SetDumpable()
	}
}

// become runs the plan on the calling process. It returns what has failed.
//
// A filter of system calls may forbid whatever Go's runtime does, so a thread of its own
// goes through with it by bare calls, exec included, and does nothing more if one fails.
// This one has no filter, and tells.
func (p *plan) become() *StepError {
	if p.sets("NOFILE") {
		sys.KeepFileLimit()
	} else {
		sys.RestoreFileLimit()
	}
	p.number()
	a, err := newArena(p.size())
	if err != nil {
		return &StepError{Step: "make memory", Err: err, Status: StatusMemory}
	}
	a.reset()
	steps := p.compile(a, way{self: true}).steps
	c := a.control()
	go func() {
		runtime.LockOSThread()
		runForGood(c)
	}()
	for atomic.LoadUintptr(&c.failed) == 0 {
		time.Sleep(100 * time.Microsecond)
	}
	return p.outcome(c, steps)
}
