package engine

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// simSetting reads a number from the environment.
func simSetting(t *testing.T, key string, otherwise uint64) uint64 {
	text := os.Getenv(key)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s: not a number", key, text)
	}
	return n
}

// TestSimulation lets random units meet random events and faults, with the
// invariants checked after each step. ROUSE_SIM_STEPS is how many steps in all;
// ROUSE_SIM_SEED repeats the run that failed.
func TestSimulation(t *testing.T) {
	steps := simSetting(t, "ROUSE_SIM_STEPS", 40000)
	seed := simSetting(t, "ROUSE_SIM_SEED", 0)
	done := uint64(0)
	for run := uint64(1); done < steps; run++ {
		s := run
		if seed != 0 {
			s = seed
		}
		n, err := simulate(s)
		if err != nil {
			t.Fatalf("ROUSE_SIM_SEED=%d: %v", s, err)
		}
		done += n
		if seed != 0 {
			return
		}
	}
	t.Logf("%d steps, no invariant broken", done)
}

// simWorld is a machine made of numbers.
type simWorld struct {
	e    *Engine
	r    *rand.Rand
	now  value.Instant
	defs []*unit.Unit

	queue []Event         // outcomes and facts under way, delivered in random order per unit
	procs map[int]simProc // running processes
	last  map[string]Op
	kept  map[Handle]bool // stored descriptors
	pid   int
	steps uint64
	trace []string
	shy   bool // restore after each step
	calm  bool // no faults, no requests any more
}

type simProc struct {
	unit     string
	stubborn bool // ignores SIGTERM
	main     bool
}

// simulate runs one world; the error names the step.
func simulate(seed uint64) (steps uint64, err error) {
	w := &simWorld{
		r: rand.New(rand.NewPCG(seed, 1)), now: value.Instant{Mono: 1e9, Real: 1e15},
		procs: map[int]simProc{}, last: map[string]Op{}, pid: 100, kept: map[Handle]bool{},
	}
	w.e = New(Config{Seed: seed, Strict: true})
	w.shy = seed%8 == 0
	w.defs = randomUnits(w.r)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("step %d: panic: %v\n%s\n%s", w.steps, p, w.tail(), debug.Stack())
		}
		steps = w.steps
	}()
	w.step(Loaded{Units: w.defs})
	for range 600 {
		w.step(w.choose())
		if err := w.check(); err != nil {
			return w.steps, fmt.Errorf("step %d: %w\n%s", w.steps, err, w.tail())
		}
	}
	if err := w.settle(); err != nil {
		return w.steps, fmt.Errorf("after step %d: %w\n%s", w.steps, err, w.tail())
	}
	return w.steps, nil
}

func (w *simWorld) tail() string {
	var b bytes.Buffer
	for _, l := range w.trace[max(0, len(w.trace)-60):] {
		fmt.Fprintln(&b, l)
	}
	return b.String()
}

func (w *simWorld) chance(percent int) bool { return w.r.IntN(100) < percent }

// step gives the engine an event and carries out what it orders.
func (w *simWorld) step(ev Event) {
	w.steps++
	w.now.Mono += uint64(w.r.IntN(20000))
	w.now.Real = w.now.Mono + 1e15
	w.trace = append(w.trace, fmt.Sprintf("%d %T%+v", w.now.Mono, ev, brief(ev)))
	var fx []Effect
	if w.shy {
		fx = w.replace(ev)
	} else {
		fx = w.e.Step(w.now, ev)
	}
	for _, fx := range fx {
		w.carryOut(fx)
	}
	if w.now.Mono < w.e.now.Mono {
		panic("time runs backwards")
	}
}

// replace goes on with a restored engine, after seeing that it does the same.
func (w *simWorld) replace(ev Event) []Effect {
	data, err := w.e.Save()
	if err != nil {
		panic(err)
	}
	defs := w.e.Definitions()
	twin, err := Restore(data, defs, Config{Seed: 1, Strict: true})
	if err != nil {
		panic(err)
	}
	again, _ := twin.Save()
	if !bytes.Equal(data, again) {
		panic(fmt.Sprintf("restored state differs:\n%s\n%s", data, again))
	}
	a, b := slices.Clone(w.e.Step(w.now, ev)), twin.Step(w.now, ev)
	if len(a) != len(b) {
		panic(fmt.Sprintf("restored engine acts differently:\n%+v\n%+v", a, b))
	}
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			panic(fmt.Sprintf("restored engine acts differently:\n%+v\n%+v", a[i], b[i]))
		}
	}
	w.e = twin
	return b
}

func brief(ev Event) any {
	if l, ok := ev.(Loaded); ok {
		return len(l.Units)
	}
	return ev
}

func (w *simWorld) carryOut(fx Effect) {
	if _, ok := fx.(Log); !ok {
		w.trace = append(w.trace, fmt.Sprintf("    %T %+v", fx, briefEffect(fx)))
	}
	switch fx := fx.(type) {
	case Spawn:
		w.spawn(fx)
	case Kill:
		w.kill(fx)
	case FindMain:
		w.find(fx)
	case TestConditions:
		ev := ConditionsTested{Op: fx.Op}
		for range fx.Unit.Conditions {
			ev.Conditions = append(ev.Conditions, w.chance(80))
		}
		w.queue = append(w.queue, ev)
	case Listen:
		ev := Listening{Op: fx.Op}
		if !w.calm && w.chance(10) {
			ev.Why = "EADDRINUSE"
		}
		w.queue = append(w.queue, ev)
	case KeepFD:
		w.kept[fx.FD] = true
		if w.chance(30) {
			w.queue = append(w.queue, HungUp{Unit: fx.Unit, FD: fx.FD})
		}
	case CloseFDs:
		for _, fd := range fx.FDs {
			delete(w.kept, fd)
		}
	case Watch, Unwatch, CloseSockets, CloseConn, Clean, Load, Changed, UnitGone, JobNew, JobDone,
		Replied, Log, Act, Idle:
	}
}

func briefEffect(fx Effect) any {
	switch fx := fx.(type) {
	case Spawn:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name, " ", fx.Kind, fx.Control)
	case Listen:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name)
	case TestConditions:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name)
	case Clean:
		return fx.Unit.Name
	case CloseSockets:
		return fx.Unit.Name
	}
	return fx
}

func (w *simWorld) spawn(fx Spawn) {
	w.last[fx.Unit.Name] = fx.Op
	if !w.calm && w.chance(5) {
		w.queue = append(w.queue, SpawnFailed{Op: fx.Op, Why: "EAGAIN"})
		w.emptied(fx.Unit.Name)
		return
	}
	w.pid++
	w.procs[w.pid] = simProc{unit: fx.Unit.Name, stubborn: w.chance(20), main: !fx.Control}
	w.queue = append(w.queue, Spawned{Op: fx.Op, PID: w.pid})
	if w.chance(30) { // it forks
		w.pid++
		w.procs[w.pid] = simProc{unit: fx.Unit.Name, stubborn: w.chance(20)}
	}
}

func (w *simWorld) kill(fx Kill) {
	for _, pid := range slices.Sorted(maps.Keys(w.procs)) {
		p := w.procs[pid]
		aimed := pid == fx.Main || pid == fx.Control || fx.Group && p.unit == fx.Unit
		if aimed && (fx.Signal == value.SIGKILL || !p.stubborn && fx.Signal != value.SIGHUP) {
			w.die(pid, BySignal, int(fx.Signal))
		}
	}
}

func (w *simWorld) find(fx FindMain) {
	for _, pid := range slices.Sorted(maps.Keys(w.procs)) {
		if w.procs[pid].unit == fx.Unit && w.chance(70) {
			w.queue = append(w.queue, MainFound{Op: fx.Op, PID: pid})
			return
		}
	}
	if !fx.Wait {
		w.queue = append(w.queue, MainFound{Op: fx.Op, Why: "not there"})
	}
}

// die ends a process; the unit is told when it was its last.
func (w *simWorld) die(pid int, code ExitCode, status int) {
	p := w.procs[pid]
	delete(w.procs, pid)
	last := w.chance(50) && w.lastOf(p.unit)
	w.queue = append(w.queue, Reaped{PID: pid, Code: code, Status: status, Last: last})
	w.emptied(p.unit)
}

// lastOf reports that the unit has no process, nor one that the engine has not heard of.
func (w *simWorld) lastOf(unit string) bool {
	for _, p := range w.procs {
		if p.unit == unit {
			return false
		}
	}
	for _, ev := range w.queue {
		if _, ok := ev.(Spawned); ok {
			return false
		}
	}
	return true
}

func (w *simWorld) emptied(unit string) {
	for _, p := range w.procs {
		if p.unit == unit {
			return
		}
	}
	w.queue = append(w.queue, Emptied{Unit: unit, After: w.last[unit]})
}

// choose picks what happens next.
func (w *simWorld) choose() Event {
	if len(w.queue) > 0 && w.chance(70) {
		return w.deliver()
	}
	if at, ok := w.e.NextWake(); ok && w.chance(15) {
		w.now.Mono = max(w.now.Mono, at)
		return Tick{}
	}
	if pids := slices.Sorted(maps.Keys(w.procs)); len(pids) > 0 && w.chance(50) {
		pid := pids[w.r.IntN(len(pids))]
		if w.chance(50) {
			return w.talk(pid)
		}
		codes := [...]ExitCode{ByExit, ByExit, ByExit, BySignal, ByDump}
		w.die(pid, codes[w.r.IntN(len(codes))], w.r.IntN(2)*9)
		return w.deliver()
	}
	u := w.defs[w.r.IntN(len(w.defs))]
	if w.e.unit(u.Name) == nil {
		w.step(Loaded{Units: w.defs})
	}
	switch w.r.IntN(12) {
	case 0:
		return ResetFailed{Unit: u.Name}
	case 1:
		return Incoming{Unit: u.Name}
	case 2:
		return JobCancelled{ID: w.e.lastJob}
	case 3:
		return Loaded{Units: w.defs, Reload: w.chance(30)}
	case 4:
		return KillRequested{Unit: u.Name, Who: "all", Signal: value.SIGTERM}
	}
	types := [...]transaction.JobType{
		transaction.Start, transaction.Start, transaction.Start, transaction.Stop, transaction.Restart,
		transaction.Reload, transaction.TryRestart, transaction.ReloadOrRestart, transaction.VerifyActive,
	}
	return JobRequested{
		Unit: u.Name, Type: types[w.r.IntN(len(types))],
		Mode: unit.JobMode(w.r.IntN(int(unit.JobModes) - 1)),
	}
}

// deliver takes something from the queue. Only the facts about one process, and
// those about one order, keep their order; so what is taken is the first of its kind.
func (w *simWorld) deliver() Event {
	i := 0
	if w.chance(40) {
		i = w.r.IntN(len(w.queue))
	}
	for k := range i {
		if w.mustPrecede(w.queue[k], w.queue[i]) {
			i = k
			break
		}
	}
	ev := w.queue[i]
	w.queue = slices.Delete(w.queue, i, i+1)
	return ev
}

func (w *simWorld) mustPrecede(a, b Event) bool {
	switch b := b.(type) {
	case Reaped:
		s, ok := a.(Spawned)
		return ok && s.PID == b.PID
	case Emptied:
		switch a := a.(type) {
		case Spawned, SpawnFailed, Emptied:
			return true
		case Reaped: // a control group may be seen empty before its last process is reaped
			return a.PID%2 == 0
		}
	case MainFound:
		_, ok := a.(Reaped)
		return ok
	}
	return false
}

func (w *simWorld) talk(pid int) Event {
	said := [...][]string{
		{"READY=1"}, {"READY=1", "STATUS=up"}, {"RELOADING=1"}, {"STOPPING=1"}, {"WATCHDOG=1"},
		{"MAINPID=" + strconv.Itoa(pid)}, {"EXTEND_TIMEOUT_USEC=5000000"}, {"WATCHDOG=trigger"},
		{"FDSTORE=1"}, {"FDSTORE=1", "FDNAME=a", "FDPOLL=0"}, {"FDSTOREREMOVE=1", "FDNAME=a"},
		{"RELOADING=1", "MONOTONIC_USEC=" + strconv.FormatUint(w.now.Mono, 10)},
		{"WATCHDOG_USEC=1000000"}, {"NOTIFYACCESS=all"},
	}
	ev := Notified{
		Unit: w.procs[pid].unit, PID: pid, Fields: said[w.r.IntN(len(said))], Ours: true,
	}
	for ev.Fields[0] == "FDSTORE=1" && w.chance(60) {
		ev.FDs = append(ev.FDs, Handle(w.steps*10+uint64(len(ev.FDs))))
	}
	return ev
}

// check is what must hold after every step.
func (w *simWorld) check() error {
	e, failed, stored := w.e, 0, 0
	for _, j := range e.jobs {
		if j.gone || j.u.job != j && j.u.nop != j {
			return fmt.Errorf("job %d %s/%s is nobody's", j.id, j.u.Name, j.t)
		}
	}
	for i, t := range e.timers.list {
		if t.pos != i || t.u.timers[t.kind] != t {
			return fmt.Errorf("timer of %s is lost", t.u.Name)
		}
	}
	for pid, u := range e.pids {
		if u.procs.Main.PID != pid && u.procs.Control.PID != pid {
			return fmt.Errorf("process %d is not %s's", pid, u.Name)
		}
	}
	for _, n := range e.g.Nodes() {
		u := e.at(n)
		if u.active() == graph.Failed {
			failed++
		}
		if err := w.checkUnit(u); err != nil {
			return err
		}
		if u.svc != nil {
			stored += len(u.svc.Stored)
		}
	}
	if stored != len(w.kept) {
		return fmt.Errorf("%d descriptors are kept, %d are in store", len(w.kept), stored)
	}
	if failed != e.failed {
		return fmt.Errorf("%d units failed, counted %d", failed, e.failed)
	}
	if len(e.runq)+len(e.due)+len(e.deferred) > 0 {
		return fmt.Errorf("a queue is not empty")
	}
	return nil
}

func (w *simWorld) checkUnit(u *runUnit) error {
	e := w.e
	if u.job != nil && e.jobs[u.job.id] != u.job {
		return fmt.Errorf("%s has a job that is not listed", u.Name)
	}
	for _, p := range [...]proc{u.procs.Main, u.procs.Control} {
		if p.PID != 0 && e.pids[p.PID] != u {
			return fmt.Errorf("%s awaits process %d, which is not known", u.Name, p.PID)
		}
	}
	if u.svc == nil {
		return nil
	}
	awaited := u.procs.Main.alive() || u.procs.Control.alive()
	switch s := u.svc; s.Sub {
	case Dead, Failed:
		if awaited || u.timers[timerState] != nil {
			return fmt.Errorf("%s is %s and awaits something", u.Name, s.Sub)
		}
	case Exited:
		if u.procs.Main.alive() || u.timers[timerState] != nil {
			return fmt.Errorf("%s is exited and has a main process or timer", u.Name)
		}
	case AutoRestart:
		if awaited {
			return fmt.Errorf("%s waits for its restart and for a process", u.Name)
		}
	case Running:
		if s.MainKnown && !u.procs.Main.alive() && u.Def.Service.ExitType == unit.ExitMain {
			return fmt.Errorf("%s runs without its main process", u.Name)
		}
	case Condition, StartPre, StartPost, Stop, StopPost:
		if !u.procs.Control.alive() && s.Finding == 0 {
			return fmt.Errorf("%s is %s and waits for nothing", u.Name, s.Sub)
		}
	case Start, Reload, ReloadSignal, ReloadNotify, StopWatchdog, StopSigterm, StopSigkill,
		FinalWatchdog, FinalSigterm, FinalSigkill, ServiceStates:
		if !awaited && u.timers[timerState] == nil && s.Finding == 0 && !s.Idle {
			return fmt.Errorf("%s is %s and waits for nothing", u.Name, s.Sub)
		}
	}
	if n := uint(len(u.svc.Stored)); n > u.Def.Service.FileDescriptorStoreMax {
		return fmt.Errorf("%s has %d descriptors in store", u.Name, n)
	}
	if u.svc.Result == ResultSuccess && u.svc.Sub == Failed {
		return fmt.Errorf("%s failed with success", u.Name)
	}
	return nil
}

// settle lets everything under way come to its end, and then demands that no job
// is left and no unit is between two states.
func (w *simWorld) settle() error {
	w.calm = true
	for _, u := range w.defs {
		for _, m := range [...]unit.JobMode{unit.ReplaceIrreversibly, unit.Replace} {
			w.step(JobRequested{Unit: u.Name, Type: transaction.Stop, Mode: m, Auto: true})
		}
	}
	for range 3000 {
		switch at, ok := w.e.NextWake(); {
		case len(w.queue) > 0:
			ev := w.queue[0]
			w.queue = w.queue[1:]
			w.step(ev)
		case ok:
			w.now.Mono = max(w.now.Mono, at)
			w.step(Tick{})
		default:
			return w.atRest()
		}
		if err := w.check(); err != nil {
			return err
		}
	}
	return w.stuck()
}

func (w *simWorld) atRest() error {
	for _, n := range w.e.g.Nodes() {
		u := w.e.at(n)
		if u.job != nil {
			return fmt.Errorf("%s still has a %s job in state %s/%s", u.Name, u.job.t, u.active(),
				u.subWord())
		}
		switch u.active() {
		case graph.Activating, graph.Deactivating:
			return fmt.Errorf("%s is stuck in %s", u.Name, u.subWord())
		case graph.Inactive, graph.Active, graph.Reloading, graph.Failed, graph.Maintenance,
			graph.ActiveStates:
		}
	}
	for pid, p := range w.procs {
		u := w.e.unit(p.unit)
		if u == nil || u.active().Down() && u.Def.Kill.Mode == unit.KillControlGroup &&
			u.Def.Kill.SendSIGKILL {
			return fmt.Errorf("process %d of %s was left behind", pid, p.unit)
		}
	}
	return nil
}

// stuck: restarts, Upholds= and OnFailure= may go on for ever; anything else that does is wrong.
func (w *simWorld) stuck() error {
	for _, n := range w.e.g.Nodes() {
		if u := w.e.at(n); u.Def.Service != nil && u.Def.Service.Restart != unit.RestartNo {
			return nil
		}
		for _, kind := range [...]unit.Dep{unit.Upholds, unit.OnFailure, unit.OnSuccess} {
			if len(w.e.at(n).Links(kind)) > 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("does not come to rest")
}

// randomUnits makes a handful of units that depend on each other.
func randomUnits(r *rand.Rand) []*unit.Unit {
	n := 3 + r.IntN(8)
	names := make([]string, n)
	for i := range names {
		types := [...]string{"service", "service", "service", "target", "socket"}
		names[i] = fmt.Sprintf("u%d.%s", i, types[r.IntN(len(types))])
	}
	var defs []*unit.Unit
	for _, n := range names {
		defs = append(defs, randomUnit(r, n, names))
	}
	for _, d := range slices.Clone(defs) {
		if d.Socket != nil && !slices.Contains(names, d.Socket.Service) {
			svc := randomUnit(r, d.Socket.Service, names)
			defs = append(defs, svc)
		}
	}
	return defs
}

func randomUnit(r *rand.Rand, n string, names []string) *unit.Unit {
	d := &unit.Unit{
		Name: n, Type: name.TypeOf(n), Load: unit.Loaded, DefaultDependencies: false,
		JobTimeout: value.Infinity, JobRunningTimeout: value.Infinity,
		FailureActionExitStatus: -1, SuccessActionExitStatus: -1,
		StartLimitInterval: 10 * value.Second, StartLimitBurst: 5,
		StopWhenUnneeded: r.IntN(10) == 0, AllowIsolate: r.IntN(4) == 0,
		OnFailureJobMode: unit.Replace, OnSuccessJobMode: unit.Fail,
	}
	if r.IntN(8) == 0 {
		d.JobTimeout = value.Span(1+r.IntN(5)) * value.Second
	}
	if r.IntN(4) == 0 {
		d.Conditions = []unit.Condition{{Name: "PathExists", Param: "/x"}}
	}
	kinds := [...]unit.Dep{
		unit.Requires, unit.Requisite, unit.Wants, unit.BindsTo, unit.PartOf, unit.Upholds,
		unit.Conflicts, unit.Before, unit.After, unit.After, unit.OnFailure, unit.OnSuccess,
		unit.PropagatesReloadTo, unit.PropagatesStopTo,
	}
	for range r.IntN(5) {
		if to := names[r.IntN(len(names))]; to != n {
			d.Edges = append(d.Edges, unit.Edge{
				Kind: kinds[r.IntN(len(kinds))], Name: to, File: "/" + n, Line: 3,
			})
		}
	}
	switch d.Type {
	case name.Service:
		d.Kill = &unit.Kill{
			Mode: unit.KillMode(r.IntN(int(unit.KillModes))), Signal: value.SIGTERM,
			FinalSignal: value.SIGKILL, Watchdog: value.SIGABRT, SendSIGKILL: r.IntN(5) > 0,
		}
		d.Service = randomService(r)
	case name.Socket:
		d.Kill = &unit.Kill{Signal: value.SIGTERM, FinalSignal: value.SIGKILL, SendSIGKILL: true}
		svc := n[:len(n)-len("socket")] + "service"
		d.Socket = &unit.Socket{
			Service: svc, Timeout: 90 * value.Second, TriggerLimitInterval: 2 * value.Second,
			TriggerLimitBurst: 20,
		}
		for k := range d.Socket.Commands {
			d.Socket.Commands[k] = randomCommands(r, 20)
		}
		for _, k := range [...]unit.Dep{unit.Triggers, unit.Before} {
			d.Edges = append(d.Edges, unit.Edge{Kind: k, Name: svc})
		}
	case name.Target, name.Bad, name.Device, name.Mount, name.Automount, name.Swap, name.Timer,
		name.Path, name.Slice, name.Scope, name.Types:
	}
	return d
}

func randomService(r *rand.Rand) *unit.Service {
	s := &unit.Service{
		Type:         unit.ServiceType(r.IntN(int(unit.ServiceTypes))),
		Restart:      unit.Restart(r.IntN(int(unit.Restarts))),
		RestartDelay: value.Span(r.IntN(3)) * 100 * value.Millisecond,
		TimeoutStart: value.Span(1+r.IntN(20)) * value.Second,
		TimeoutStop:  value.Span(1+r.IntN(20)) * value.Second,
		RuntimeMax:   value.Infinity, GuessMainPID: r.IntN(2) == 0, RemainAfterExit: r.IntN(3) == 0,
		NotifyAccess: unit.NotifyAccess(r.IntN(int(unit.NotifyAccesses))), ReloadSignal: value.SIGHUP,
		TimeoutStopFailureMode:  unit.TimeoutFailureMode(r.IntN(int(unit.TimeoutFailureModes))),
		TimeoutStartFailureMode: unit.TimeoutFailureMode(r.IntN(int(unit.TimeoutFailureModes))),
		ExitType:                unit.ExitType(r.IntN(int(unit.ExitTypes))),
	}
	if r.IntN(2) == 0 {
		s.Restart = unit.RestartNo
	}
	if r.IntN(3) == 0 {
		s.FileDescriptorStoreMax = uint(1 + r.IntN(3))
		s.FileDescriptorStorePreserve = unit.Preserve(r.IntN(int(unit.Preserves)))
	}
	if s.Type == unit.Forking && r.IntN(2) == 0 {
		s.PIDFile = "/run/x.pid"
	}
	if r.IntN(5) == 0 {
		s.Watchdog = 3 * value.Second
	}
	if r.IntN(6) == 0 {
		s.RuntimeMax = 5 * value.Second
	}
	for k := range s.Commands {
		s.Commands[k] = randomCommands(r, 30)
	}
	if start := &s.Commands[unit.ExecStart]; s.Type == unit.Oneshot {
		*start = randomCommands(r, 90)
	} else {
		*start = randomCommands(r, 100)[:1]
	}
	return s
}

func randomCommands(r *rand.Rand, percent int) []value.Command {
	var list []value.Command
	for r.IntN(100) < percent && len(list) < 3 {
		c := value.Command{Path: "/bin/x", Argv: []string{"/bin/x"}}
		if r.IntN(5) == 0 {
			c.Flags = value.IgnoreFailure
		}
		list = append(list, c)
		percent /= 2
	}
	return list
}
