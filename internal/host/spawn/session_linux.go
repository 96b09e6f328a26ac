package spawn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// What a keeper says; the process itself says gateAnnounce in between.
const (
	keeperOpened = "s" // the session is open: it asks for leave to start the process
	keeperFailed = "f" // the session could not be opened; why follows
	keeperResult = "r" // numbers for plan.failed follow, or nothing
)

// keeperName is what systemd calls such processes.
const keeperName = "(sd-pam)"

// keepSession makes the connection to a keeper, if there is to be one.
func (p *planner) keepSession() {
	if p.r.Session == nil {
		return
	}
	fail := func(err error) {
		p.fail(&StepError{
			Step: "start a keeper of the session", Directive: "PAMName", Err: err, Status: StatusPAM,
		})
	}
	if p.s.means == meansExecutor {
		fail(sys.Unsupported("sessions in an emulator"))
		return
	}
	own, its, err := sys.Pair()
	if err != nil {
		fail(err)
		return
	}
	p.talk = &talk{own: own, its: its}
}

// cutSession notes where PAM comes in.
func (p *planner) cutSession() {
	if p.talk != nil {
		p.cut = len(p.steps)
	}
}

// split makes the two plans of a process with a session: what the keeper is started with,
// and what it has the process do.
func (p *planner) split() (before, after *plan, err error) {
	after = &plan{unit: p.unit, argv: p.r.Command.Argv, env: p.env, cgroup: -1, fault: p.fault}
	for _, s := range p.steps[:p.cut] {
		if s.kind == stepSignals || s.kind == stepSession {
			after.add(s)
		}
	}
	if p.r.Terminal != NoTerminal {
		// The keeper has got it, but it is the process's.
		seize := 1
		if p.r.Terminal == MayControl {
			seize = 0
		}
		after.add(step{
			kind: stepCalls, text: "be controlled by the terminal", directive: "StandardInput",
			status: StatusStdin, calls: []call{{
				nr: sys.CallIoctl, args: []arg{num(0), num(sys.IoctlControlledBy), num(seize)}, any: true,
			}},
		})
	}
	after.add(step{kind: stepGate, status: StatusExec})
	after.steps = append(after.steps, p.steps[p.cut:]...)
	if p.talk.work, err = sys.DataFile("session", p.encodeWork(after)); err != nil {
		return nil, nil, err
	}
	before = &plan{
		unit: p.unit, cgroup: p.cgroup, ownMemory: p.ownMemory, fault: p.fault, gate: p.gate,
		leave: p.leave, steps: append([]step(nil), p.steps[:p.cut]...),
	}
	at := 3 + len(p.r.Files)
	before.argv = []string{keeperName, strconv.Itoa(at)}
	work := -1
	err = sys.OnFile(p.talk.work, func(fd int) error { work = fd; return nil })
	for i := range before.steps {
		if s := &before.steps[i]; s.kind == stepFiles {
			s.ids = append(append([]int(nil), p.r.Files...), p.talk.its, work)
		}
	}
	before.add(step{kind: stepClose, n: [2]int64{int64(p.firstFree())}, status: StatusFDs})
	before.add(step{kind: stepReady, status: StatusExec})
	before.add(step{
		kind: stepExec, text: p.r.Session.Keeper, list: []string{p.r.Session.Keeper},
		directive: "PAMName", status: StatusPAM,
	})
	return before, after, err
}

// startSession starts a keeper, and answers it until the process executes.
func (s *Spawner) startSession(p *planner, land func(Process)) (Process, *StepError, error) {
	before, after, err := p.split()
	if err != nil {
		return none, nil, fmt.Errorf("start %s: %w", p.unit, err)
	}
	keeper, failed, err := s.start(before, land)
	p.talk.closeIts() // so that the end of the keeper is noticed
	if failed != nil || err != nil {
		return keeper, failed, err
	}
	p.leave()
	pr := none
	end := func() {}
	defer func() { end() }()
	for from := sys.NewReceiver(p.talk.own, keeperRoom); ; {
		text, d, err := from.Receive()
		if err != nil || len(text) == 0 {
			if pr == none {
				pr = keeper
			}
			return pr, p.keeperGone(err), nil
		}
		switch said, rest := string(text[:1]), text[1:]; said {
		case keeperOpened:
			f := s.barrier.begin(func() bool { return true })
			end = func() { s.barrier.end(f) }
			_, _ = p.talk.own.Write(text)
		case gateAnnounce:
			pr = Process{PID: d.PID}
			land(pr)
			end()
			if p.r.Announce != nil {
				p.r.Announce(pr)
			}
			_, _ = p.talk.own.Write(text)
		case keeperFailed:
			return keeper, &StepError{
				Unit: p.unit, Step: "open a session of PAM service " + p.r.Session.Service,
				Directive: "PAMName", Err: errors.New(string(rest)), Status: StatusPAM,
			}, nil
		case keeperResult:
			if pr == none {
				pr = keeper // which could not even fork
			}
			if len(rest) == 0 {
				return pr, nil, nil
			}
			n := decoder{text: rest}
			return pr, after.failed(n.int(), n.int(), n.int(), n.int()), nil
		}
	}
}

// keeperRoom is room for the longest message of a keeper.
const keeperRoom = 1024

func (p *planner) keeperGone(err error) *StepError {
	if err == nil {
		err = errors.New("it has ended")
	}
	return &StepError{
		Unit: p.unit, Step: "talk to the keeper of the session", Directive: "PAMName", Err: err,
		Status: StatusPAM,
	}
}

// encodeWork writes what a keeper is to do.
func (p *planner) encodeWork(after *plan) []byte {
	r := p.r
	var e encoder
	for _, s := range []string{r.Session.Service, r.Session.User, r.Session.Terminal} {
		e.string(s)
	}
	noExpand := 0
	if r.Command.Flags&value.NoExpand != 0 {
		noExpand = 1
	}
	files := int(value.LimitNOFILE)
	soft := min(p.s.limits[files].soft, p.s.limits[files].hard)
	for _, s := range p.steps[:p.cut] {
		if s.kind == stepLimit && s.n[0] == int64(p.s.limits[files].number) {
			soft = min(s.limit[0], s.ceiling)
		}
	}
	e.ints([]int{r.Session.UID, r.Session.GID, len(r.Files), noExpand, int(min(soft, 1<<31-1))})
	var unset []string
	if r.Exec != nil {
		unset = r.Exec.UnsetEnvironment
	}
	e.strings(unset)
	return append(e.text, after.encode()...)
}

// A Keeping is the part of a start that a keeper does.
type Keeping struct {
	Session
	Env []string // of the process, before PAM has a say in it

	talk            *os.File
	at, files, soft int
	noExpand        bool
	unset           []string
	plan            *plan
}

// Keep takes over what this program was started for as keeper.
func Keep(args []string) (*Keeping, error) {
	if len(args) != 2 {
		return nil, errors.New("a service manager starts this program, nobody else")
	}
	at, err := strconv.Atoi(args[1])
	if err != nil || at < 3 || sys.SetCloseOnExec(at) != nil || sys.SetCloseOnExec(at+1) != nil {
		return nil, fmt.Errorf("%s: no such connection", args[1])
	}
	k := &Keeping{talk: os.NewFile(uintptr(at), "starter"), at: at}
	work := os.NewFile(uintptr(at+1), "session")
	defer work.Close()
	text, err := io.ReadAll(work)
	if err != nil {
		return nil, err
	}
	d := decoder{text: text}
	k.Service, k.User, k.Terminal = d.string(), d.string(), d.string()
	numbers := d.ints()
	k.unset = d.strings()
	p, ok := decodePlan(d.text)
	if !ok || d.bad || len(numbers) != 5 {
		return nil, errors.New("what is to be done cannot be read")
	}
	k.UID, k.GID, k.files, k.noExpand, k.soft = numbers[0], numbers[1], numbers[2],
		numbers[3] == 1, numbers[4]
	k.plan, k.Env = p, p.env
	sys.LimitFiles(uint64(k.soft)) // which the Go runtime has raised
	return k, nil
}

// Fail tells why no session could be opened. The program is to end with StatusPAM.
func (k *Keeping) Fail(why error) { k.say(keeperFailed + why.Error()) }

func (k *Keeping) say(text string) {
	_, _ = k.talk.Write([]byte(text[:min(len(text), keeperRoom)]))
}

// Start starts the process, with the environment that PAM has made, as a child of this
// program's parent. What the calling thread is changed to, the process has from it. Then
// nothing of the process's is open here any more. A PID of 0 is that none was started.
func (k *Keeping) Start(env []string) (pid int) {
	p := k.plan
	p.env, p.pids = dropUnset(env, k.unset), nil
	p.pidEntries()
	if !k.noExpand {
		p.argv = expand(p.argv, p.env)
	}
	for i := range p.steps {
		if p.steps[i].kind == stepGroups {
			p.steps[i].ids = withOwnGroups(p.steps[i].ids)
		}
	}
	k.say(keeperOpened)
	if _, err := k.talk.Read(make([]byte, 1)); err != nil {
		return 0
	}
	pid, result := k.start(p)
	k.say(keeperResult + result)
	k.leave()
	return pid
}

// start gives numbers for plan.failed, unless all is well.
func (k *Keeping) start(p *plan) (pid int, result string) {
	failed := func(numbers ...int) string {
		var e encoder
		for _, n := range numbers {
			e.int(n)
		}
		return string(e.text)
	}
	s := &Spawner{sibling: true}
	s.prepare()
	p.gate = &gate{its: k.at}
	a, err := newArena(p.size())
	if err != nil {
		return 0, failed(0, -1, int(sys.ErrnoOf(err)), StatusPAM)
	}
	defer a.free()
	pr, steps, err := s.fork(a, p)
	if err != nil {
		return 0, failed(0, -1, int(sys.ErrnoOf(err)), StatusPAM)
	}
	if at := a.control().came(steps); at != nil {
		result = failed(at.step, at.call, at.errno, at.status)
	}
	return pr.PID, result
}

// leave closes what belongs to the process, and the connection.
func (k *Keeping) leave() {
	if null, err := sys.OpenStream(os.DevNull, true, true, false); err == nil {
		for fd := range 3 {
			_ = sys.DupTo(null, fd)
		}
		_ = sys.CloseFD(null)
	}
	for fd := range k.files {
		_ = sys.CloseFD(3 + fd)
	}
	k.talk.Close()
}

// withOwnGroups adds the groups that this process has: a module of PAM may have given it
// some.
func withOwnGroups(ids []int) []int {
	own, err := os.Getgroups()
	if err != nil {
		return ids
	}
	for _, id := range own {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
