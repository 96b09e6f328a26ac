package engine

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// simWorld is a machine made of numbers: processes in control groups, sockets
// with clients, a bus with names, two clocks, and workers that take their time.
type simWorld struct {
	e     *Engine
	d     *dice
	now   value.Instant
	names []string
	defs  []*unit.Unit

	orders  []Spawn // given to workers, not carried out yet
	queue   []Event // outcomes and facts on their way to the engine
	procs   []simProc
	pid     int
	groups  map[string]*simGroup
	socks   map[string]*simSocket
	conns   map[Handle]bool
	conn    Handle
	bus     map[string]string // unit → the name that is watched for it
	kept    map[Handle]bool   // stored descriptors
	watched map[string]bool   // path units that are watched for
	there   map[string]bool   // path units whose paths exist
	mounted map[string]bool   // mount units that are in the mount table
	of      map[int]string    // whose the dead are whose end is not told yet
	finds   []FindMain        // PID files that are waited for
	changed []string          // units that changed in this step
	states  map[string]string // of each unit, as last told
	edited  map[string]bool   // units whose definition was another one once

	steps uint64
	trace []string
	tell  bool                    // keep a trace
	shy   bool                    // restore after each step
	also  func(w *simWorld) error // a further invariant
}

type simProc struct {
	pid      int
	unit     string
	stubborn bool // ignores SIGTERM
	kind     string
	owns     bool // has the bus name of its unit
}

// simGroup is a control group.
type simGroup struct {
	procs int
	last  Op // the latest Spawn that was carried out in it
}

// simSocket is what the kernel has of a socket unit.
type simSocket struct {
	open, watched bool
	waiting       int // clients that nobody has taken
}

// simFault says which invariant is broken; kind is the same for the same fault
// in another world.
type simFault struct{ kind, text string }

func (f *simFault) Error() string { return f.text }

func fault(format string, args ...any) *simFault {
	return &simFault{format, fmt.Sprintf(format, args...)}
}

func newWorld(d *dice, seed uint64) *simWorld {
	w := &simWorld{
		d: d, now: value.Instant{Mono: 1e9, Real: 1e15}, pid: 100, shy: seed%8 == 0,
		groups: map[string]*simGroup{}, socks: map[string]*simSocket{}, conns: map[Handle]bool{},
		bus: map[string]string{}, kept: map[Handle]bool{}, states: map[string]string{},
		watched: map[string]bool{}, there: map[string]bool{},
		edited: map[string]bool{}, mounted: map[string]bool{}, of: map[int]string{},
	}
	w.e = New(Config{Seed: seed, Strict: true, CanWake: true})
	return w
}

func (w *simWorld) def(name string) *unit.Unit {
	for _, d := range w.defs {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// step gives the engine an event and carries out what it orders.
func (w *simWorld) step(ev Event) {
	w.steps++
	w.changed = w.changed[:0]
	w.now.Mono += uint64(w.d.n(20000))
	w.now.Real += uint64(w.d.n(20000))
	if w.d.chance(1) { // somebody sets the clock
		w.now.Real += uint64(w.d.n(7200)) * 1e6
		ev := pick[Event](w.d, ClockChanged{}, ClockChanged{}, Woken{}, ZoneChanged{},
			WatchdogsSet{Ignored: true}, WatchdogsSet{})
		w.queue = append(w.queue, ev)
	}
	if w.tell {
		w.note("%d %T%+v", w.now.Mono, ev, brief(ev))
	}
	var fx []Effect
	if w.shy {
		fx = w.replace(ev)
	} else {
		fx = w.e.Step(w.now, ev)
	}
	for _, fx := range fx {
		w.carryOut(fx)
	}
}

func (w *simWorld) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// replace goes on with a restored engine, after seeing that it does the same.
func (w *simWorld) replace(ev Event) []Effect {
	data, err := w.e.Save()
	if err != nil {
		panic(err)
	}
	twin, err := Restore(data, w.e.Definitions(), w.e.cfg)
	if err != nil {
		panic(err)
	}
	again, err := twin.Save()
	if err != nil || !bytes.Equal(data, again) {
		i := 0
		for i < min(len(data), len(again)) && data[i] == again[i] {
			i++
		}
		from := max(i-200, 0)
		panic(fault("restored state differs:\n%.400s\n%.400s", data[from:], again[from:]))
	}
	a, b := slices.Clone(w.e.Step(w.now, ev)), twin.Step(w.now, ev)
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || !reflect.DeepEqual(a[i], b[i]) {
			panic(fault("restored engine acts differently:\n%+v\n%+v", a, b))
		}
	}
	w.e = twin
	return b
}

func brief(ev Event) any {
	if l, ok := ev.(Loaded); ok {
		return fmt.Sprintf("{%d units, Reload:%t}", len(l.Units), l.Reload)
	}
	return ev
}

func briefEffect(fx Effect) any {
	switch fx := fx.(type) {
	case Spawn:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name, " ", fx.Kind, " sockets=", fx.Sockets, fx.Conn)
	case Listen:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name)
	case TestConditions:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name)
	case CheckPaths:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name)
	case PrepareMount:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name)
	case Attach:
		return fmt.Sprint(fx.Op, " ", fx.Unit.Name, " ", fx.PIDs)
	case Clean:
		return fmt.Sprint(fx.Unit.Name, " restart=", fx.Restart)
	case CloseSockets:
		return fmt.Sprint(fx.Unit.Name, " flush=", fx.Flush)
	}
	return fx
}

// carryOut does what the engine orders, or gives it to a worker.
func (w *simWorld) carryOut(fx Effect) {
	if w.tell {
		w.note("    %T %+v", fx, briefEffect(fx))
	}
	switch fx := fx.(type) {
	case Spawn:
		w.ordered(fx)
	case Kill:
		w.kill(fx)
	case FindMain:
		w.find(fx)
	case WatchName:
		if w.bus[fx.Unit] = fx.Name; fx.Off {
			delete(w.bus, fx.Unit)
		}
	case TestConditions:
		ev := ConditionsTested{Op: fx.Op}
		for range fx.Unit.Conditions {
			ev.Conditions = append(ev.Conditions, !w.d.chance(20))
		}
		w.queue = append(w.queue, ev)
	case PrepareMount:
		ev := MountPrepared{Op: fx.Op}
		if w.d.chance(10) {
			ev.Why = "ENOTDIR"
		}
		w.queue = append(w.queue, ev)
	case CheckPaths:
		w.checkPaths(fx)
	case UnwatchPaths:
		if !w.watched[fx.Unit] {
			panic(fault("%s is not watched", fx.Unit))
		}
		delete(w.watched, fx.Unit)
	case ReadStamp:
		ev := StampRead{Op: fx.Op, At: pick(w.d, 0, w.now.Real-1e9, w.now.Real+1e9)}
		w.queue = append(w.queue, ev)
	case Attach:
		w.attach(fx)
	case Listen:
		w.listen(fx)
	case Watch, Unwatch, CloseSockets, CloseConn, KeepFD, CloseFDs:
		w.descriptors(fx)
	case Clean:
		w.clean(fx)
	case Load:
		w.load(fx)
	case Changed:
		is, was := fx.Active+"/"+fx.Sub, w.states[fx.Unit]
		dead := strings.HasPrefix(fx.Sub, "dead")
		if is != was && (was != "" || !dead) { // else it is another status text
			w.changed = append(w.changed, fx.Unit)
		}
		w.states[fx.Unit] = is
	case UnitGone:
		delete(w.states, fx.Unit)
	case JobNew, JobDone, Replied, Log, Act, Idle, RequestStop:
	}
}

// descriptors carries out what is about open files: none is closed twice, or
// watched that is not there.
func (w *simWorld) descriptors(fx Effect) {
	switch fx := fx.(type) {
	case Watch:
		s := w.socks[fx.Unit]
		if s == nil || !s.open {
			panic(fault("%s is watched and has no socket", fx.Unit))
		}
		s.watched = true
	case Unwatch:
		if s := w.socks[fx.Unit]; s != nil {
			s.watched = false
		}
	case CloseSockets:
		if s := w.socks[fx.Unit.Name]; s != nil && fx.Flush {
			s.waiting = 0
		} else if s != nil {
			*s = simSocket{}
		}
	case CloseConn:
		if !w.conns[fx.Conn] {
			panic(fault("connection %d is closed and was not open", fx.Conn))
		}
		delete(w.conns, fx.Conn)
	case KeepFD:
		if w.kept[fx.FD] = true; fx.Poll && w.d.chance(30) {
			w.queue = append(w.queue, HungUp{Unit: fx.Unit, FD: fx.FD})
		}
	case CloseFDs:
		for _, fd := range fx.FDs {
			if !w.kept[fd] {
				panic(fault("descriptor %d is closed and was not kept", fd))
			}
			delete(w.kept, fd)
		}
	}
}

func (w *simWorld) group(unit string) *simGroup {
	g := w.groups[unit]
	if g == nil {
		g = &simGroup{}
		w.groups[unit] = g
	}
	return g
}

// ordered checks what a process is to get, and hands the order to a worker.
func (w *simWorld) ordered(fx Spawn) {
	if fx.Conn != 0 && !w.conns[fx.Conn] {
		panic(fault("%s is passed the closed connection %d", fx.Unit.Name, fx.Conn))
	}
	if w.orders = append(w.orders, fx); !w.d.chance(50) {
		w.work(len(w.orders) - 1)
	}
}

// work carries out an order; those for one unit keep their order.
func (w *simWorld) work(i int) {
	for k := range i {
		if w.orders[k].Unit.Name == w.orders[i].Unit.Name {
			i = k
			break
		}
	}
	fx := w.orders[i]
	w.orders = slices.Delete(w.orders, i, i+1)
	g := w.group(fx.Unit.Name)
	g.last = fx.Op
	if w.d.chance(5) {
		w.queue = append(w.queue, SpawnFailed{Op: fx.Op, Why: "EAGAIN"})
		w.emptied(fx.Unit.Name)
		return
	}
	pid := w.fork(fx.Unit.Name, fx.Kind)
	if w.d.chance(3) {
		w.queue = append(w.queue, Spawned{Op: fx.Op, PID: pid, Problem: "no such file"})
		w.die(pid, ByExit, 203)
		return
	}
	w.queue = append(w.queue, Spawned{Op: fx.Op, PID: pid})
	if w.d.chance(30) {
		w.fork(fx.Unit.Name, "")
	}
}

func (w *simWorld) fork(unit, kind string) (pid int) {
	w.pid++
	w.group(unit).procs++
	w.procs = append(w.procs, simProc{pid: w.pid, unit: unit, stubborn: w.d.chance(20), kind: kind})
	return w.pid
}

func (w *simWorld) kill(fx Kill) {
	for _, p := range slices.Clone(w.procs) {
		aimed := p.pid == fx.Main || p.pid == fx.Control || fx.Group && p.unit == fx.Unit
		if aimed && (fx.Signal == value.SIGKILL || !p.stubborn && fx.Signal != value.SIGHUP) {
			w.die(p.pid, BySignal, int(fx.Signal))
		}
	}
}

func (w *simWorld) find(fx FindMain) {
	for _, p := range w.procs {
		if p.unit == fx.Unit && !w.d.chance(30) {
			w.queue = append(w.queue, MainFound{Op: fx.Op, PID: p.pid})
			return
		}
	}
	if fx.Wait {
		w.finds = append(w.finds, fx)
	} else {
		w.queue = append(w.queue, MainFound{Op: fx.Op, Why: "not there"})
	}
}

// die ends a process; the unit is told when it was its last.
func (w *simWorld) die(pid int, code ExitCode, status int) {
	i := slices.IndexFunc(w.procs, func(p simProc) bool { return p.pid == pid })
	p := w.procs[i]
	w.procs = slices.Delete(w.procs, i, i+1)
	if p.unit == "" {
		return // nobody's
	}
	w.group(p.unit).procs--
	if p.owns {
		w.queue = append(w.queue, NameOwned{Unit: p.unit, Name: w.bus[p.unit]})
	}
	if code == ByExit && status == 0 {
		w.mount(p.unit, p.kind)
	}
	w.of[pid] = p.unit
	last := w.d.chance(50)
	w.queue = append(w.queue, Reaped{PID: pid, Code: code, Status: status, Last: last})
	w.emptied(p.unit)
}

// mount changes the mount table as the command of a mount unit does, and tells of it.
func (w *simWorld) mount(unit, kind string) {
	switch {
	case kind == "ExecMount" && !w.mounted[unit]:
		w.mounted[unit] = true
		w.queue = append(w.queue, MountSeen{Unit: unit, What: "/dev/x"})
	case kind == "ExecUnmount" && w.mounted[unit]:
		w.mounted[unit] = false
		w.queue = append(w.queue, MountGone{Unit: unit})
	}
}

// lastOf reports that the unit has no process, nor one that the engine has not heard of.
func (w *simWorld) lastOf(unit string) bool {
	for _, ev := range w.queue {
		if _, ok := ev.(Spawned); ok {
			return false
		}
	}
	for _, o := range w.orders {
		if o.Unit.Name == unit {
			return false
		}
	}
	return w.group(unit).procs == 0
}

func (w *simWorld) emptied(unit string) {
	if g := w.group(unit); g.procs == 0 {
		w.queue = append(w.queue, Emptied{Unit: unit, After: g.last})
	}
}

func (w *simWorld) checkPaths(fx CheckPaths) {
	ev, n := PathsChecked{Op: fx.Op}, fx.Unit.Name
	w.watched[n] = true
	if w.d.chance(3) {
		ev.Why = "no space left on device"
	}
	for range fx.Unit.Path.Specs {
		ev.Seen = append(ev.Seen, PathSeen{There: w.there[n] && !w.d.calm})
	}
	w.queue = append(w.queue, ev)
}

func (w *simWorld) listen(fx Listen) {
	ev, n := Listening{Op: fx.Op}, fx.Unit.Name
	if w.socks[n] == nil {
		w.socks[n] = &simSocket{}
	}
	if w.d.chance(10) {
		ev.Why = "EADDRINUSE"
	} else {
		w.socks[n].open = true
	}
	w.queue = append(w.queue, ev)
}

// clean: what KillMode= and SendSIGKILL= do not spare must be gone by now.
func (w *simWorld) clean(fx Clean) {
	k, n := fx.Unit.Kill, w.group(fx.Unit.Name).procs
	late := w.underWay(func(ev Event) bool { _, ok := ev.(Spawned); return ok })
	if fx.Unit.Type == name.Mount || k == nil || w.edited[fx.Unit.Name] || late {
		return // mount(8) may leave a file system's server behind
	}
	if k.SendSIGKILL && k.Mode == unit.KillControlGroup && n > 0 {
		panic(fault("%s is at rest with %d processes", fx.Unit.Name, n))
	}
}

// load answers with the definition of an instance, which is like its template.
func (w *simWorld) load(fx Load) {
	ev := Loaded{}
	for _, n := range fx.Names {
		d := w.def(n)
		if d == nil {
			if d = w.randomUnit(n); name.TypeOf(n) == name.Service {
				d.Service.Type = unit.Simple
			}
			if w.d.chance(10) {
				d.Load, d.LoadError = unit.NotFound, "not found"
			}
			w.defs = append(w.defs, d)
		}
		ev.Units = append(ev.Units, d)
	}
	w.queue = append(w.queue, ev)
}

// talk is a message of a process to its manager.
func (w *simWorld) talk(p simProc) Event {
	said := [...][]string{
		{"READY=1"}, {"READY=1", "STATUS=up"}, {"RELOADING=1"}, {"STOPPING=1"}, {"WATCHDOG=1"},
		{"MAINPID=" + strconv.Itoa(p.pid)}, {"EXTEND_TIMEOUT_USEC=5000000"}, {"WATCHDOG=trigger"},
		{"FDSTORE=1"}, {"FDSTORE=1", "FDNAME=a", "FDPOLL=0"}, {"FDSTOREREMOVE=1", "FDNAME=a"},
		{"RELOADING=1", "MONOTONIC_USEC=" + strconv.FormatUint(w.now.Mono, 10)},
		{"WATCHDOG_USEC=1000000"}, {"NOTIFYACCESS=all"},
	}
	ev := Notified{Unit: p.unit, PID: p.pid, Fields: said[w.d.n(len(said))], Ours: true}
	for ev.Fields[0] == "FDSTORE=1" && w.d.chance(60) {
		ev.FDs = append(ev.FDs, Handle(w.steps*10+uint64(len(ev.FDs))))
	}
	return ev
}
