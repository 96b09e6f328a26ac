// Package manager is the hall between engine and host: one goroutine at a
// time owns the engine, hands it events, carries out its effects through the host's rooms and
// answers the faces. It decides nothing about units. It answers for systemd(1).
package manager

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/graph/transaction"
	"rouse/internal/host/ability"
	"rouse/internal/host/boot"
	"rouse/internal/host/bus"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/clock"
	"rouse/internal/host/condition"
	"rouse/internal/host/credentials"
	"rouse/internal/host/dirs"
	"rouse/internal/host/generator"
	"rouse/internal/host/identity"
	"rouse/internal/host/journal"
	"rouse/internal/host/mounts"
	"rouse/internal/host/notify"
	"rouse/internal/host/output"
	"rouse/internal/host/pam"
	"rouse/internal/host/private"
	"rouse/internal/host/reap"
	"rouse/internal/host/sandbox"
	"rouse/internal/host/socket"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/host/utmp"
	"rouse/internal/host/watch"
	"rouse/internal/manager/unitfiles"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/install"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Config says what to manage and how.
type Config struct {
	Version string
	User    bool // the manager of a user, not of the system
	Init    bool // runs as PID 1
	// Enforce is what the command line says; unset: what Conf says, or else what the place
	// suggests.
	Enforce    unit.Enforce
	Target     string // started first; "" is default.target
	RuntimeDir string // for sockets of the manager itself: /run, or $XDG_RUNTIME_DIR
	// DynamicUsers is where all managers of the machine note whom DynamicUser= has made up;
	// "" is a place of one's own, below RuntimeDir.
	DynamicUsers string
	Environ      []string // the manager's own environment
	// NewEnvironment gives what Environment is once configuration has been read again;
	// nil: the same.
	NewEnvironment func() []string
	Supervisor     string // the notify socket of whoever has started the manager; "" is none
	Console        io.Writer
	Level          engine.Level // lines above it are not logged
	LogTarget      string       // one of LogTargets; "" is console
	Loader         *load.Loader
	UnitPath       []string
	Bases          dirs.Bases
	Credentials    credentials.Store
	Environment    []string // DefaultEnvironment=
	Output         unit.Stdio
	OutputError    unit.Stdio
	Cgroups        cgroup.Kind
	Home           string            // where a user manager's services start
	Generators     *generator.Places // nil: none is run
	// Mounts is the mount table, which the loader looks at too; nil is none. With
	// AllMounts, each mount has a unit; without, only those that units have mounted.
	Mounts    *mounts.Table
	Stamps    string             // directory of what tells when timers last fired
	MachineID string             // spreads timers over time
	Conf      *directive.Manager // system.conf or user.conf; nil is one of an empty file
	// Reread reads that file again, when units are; nil leaves it as it was.
	Reread    func() (*directive.Manager, []unit.Fault)
	AllMounts bool
	// OnBus gives who answers those who call on a new connection to the message bus;
	// nil is nobody.
	OnBus func(*bus.Conn) bus.Receiver
	// Leave is called when the manager is to execute itself again: when it returns, no
	// face has a call under way, but those that were given face.ErrSuspended. Nil: it
	// never is to. Run then ends with the verb "reexec" and a State.
	Leave func()
	// PAM is the program that calls PAM for services.
	PAM pam.Program
	// State is what the manager before has left; nil if there was none.
	State *State
}

// Manager runs units. Its exported methods are those of face.Manager.
type Manager struct {
	unitfiles.Room

	cfg   Config
	e     *engine.Engine
	queue *queue
	crew  crew

	journalUnits *journal.Units  // what the journal is told of units
	local        []engine.Event  // outcomes that are known at once
	ctx          context.Context // ends when Run returns
	cancel       context.CancelFunc

	tracker cgroup.Tracker
	spawner *spawn.Spawner
	judge   *ability.Judge
	place   sandbox.Place
	spaces  private.Spaces
	users   *identity.DB
	pool    *identity.Pool // users that are in no file
	utmp    utmp.Book
	router  *output.Router
	notify  *notify.Listener
	reaper  *reap.Reaper
	poller  *socket.Poller
	watcher *watch.Watcher
	machine condition.Env
	files   *install.Files  // whether unit files are enabled; nil until asked for
	clock   *clock.Watcher  // nil: nobody tells that the clock was set
	zone    string          // the key of the local time zone
	table   *mounts.Watcher // nil: changes of the mount table are not told

	awaited        reap.Awaited      // children that are no unit's
	generators     *generator.Runner // nil: there are none
	generate       context.Context
	stopGenerators context.CancelFunc
	generating     bool     // they are at work, and units are half made
	ready          []func() // what waits for them
	base           []string // what the manager gives to all that it starts
	env            []string // that, and what clients have set

	bus      *bus.Conn
	freed    uint64            // when memory was last given back
	relaxing bool              // it will be
	names    map[string]string // watched bus names and whose they are to be
	peers    map[string]bool   // clients on the bus that hold units or control scopes

	sockets    map[string]*socket.Set
	conns      map[engine.Handle]*socket.Conn
	lastHandle engine.Handle
	stored     map[engine.Handle]*storedFD
	hangups    *socket.Poller        // of stored descriptors; nil before the first
	aloft      map[engine.Op]string  // spawns under way, and their units
	flyingBy   map[string]int        // the same by unit
	carried    map[string]engine.Op  // the latest spawn carried out, by unit
	early      map[int]engine.Reaped // exits of processes whose Spawned is not in yet
	finds      map[string]engine.FindMain
	paths      map[string]engine.Op // the latest CheckPaths, by unit
	held       []message            // from processes whose Spawned is not in yet
	answers    map[uint64]func(engine.Replied)
	asked      map[uint64]func(*face.Error) // requests that are no jobs
	streams    map[string]*[3]int           // descriptors that clients gave services, by unit
	lastReq    uint64
	waiters    map[uint32][]func(engine.JobDone)
	listeners  map[chan face.Event]bool
	observers  []func(face.View, face.Event)
	told       bool            // observers were told of something
	announced  map[string]bool // units that observers know of
	loose      []string        // units that were loaded to be looked at
	statesOf   *install.Files  // what states was asked of
	states     map[string]string
	kept       []*os.File // descriptors for when there are no others
	finished   bool       // the first job queue has been worked off
	end        *Ending
	verb       string // how it ends, once that has begun
	status     int
	departure  departure
	level      atomic.Int32 // lines above it are not logged
	log        logger

	self     self
	selfRows map[string]selfRow             // nil until asked for
	hostRows [name.Types]map[string]hostRow // nil until asked for
}

// Ending is how the manager was told to end.
type Ending struct {
	Verb   string // "exit", "poweroff", "reboot", "halt" or "kexec"
	Status int    // exit status, for "exit"
	State  *State // what to go on with, for "reexec"
}

// New makes a manager; Run starts it.
func New(cfg Config) *Manager {
	if cfg.Conf == nil {
		cfg.Conf = directive.NewManager(cfg.User)
	}
	if cfg.LogTarget == "" {
		cfg.LogTarget = "console"
	}
	if cfg.Target == "" {
		cfg.Target = "default.target"
	}
	m := &Manager{
		cfg: cfg, queue: newQueue(),
		users:   identity.New(""),
		sockets: map[string]*socket.Set{}, conns: map[engine.Handle]*socket.Conn{},
		stored:   map[engine.Handle]*storedFD{},
		aloft:    map[engine.Op]string{},
		flyingBy: map[string]int{}, carried: map[string]engine.Op{}, early: map[int]engine.Reaped{},
		finds: map[string]engine.FindMain{}, paths: map[string]engine.Op{},
		answers: map[uint64]func(engine.Replied){},
		waiters: map[uint32][]func(engine.JobDone){}, listeners: map[chan face.Event]bool{},
		asked: map[uint64]func(*face.Error){}, streams: map[string]*[3]int{},
		peers: map[string]bool{},
		names: map[string]string{}, announced: map[string]bool{},
		departure: newDeparture(),
	}
	if cfg.Loader != nil {
		m.Room.Config = cfg.Loader.Config()
	}
	m.Room.Environ, m.Room.Changed = cfg.Environ, m.filesChanged
	m.self = newSelf(cfg.Conf)
	m.userPool()
	m.setBase(cfg.Environment)
	m.e = engine.New(m.timing(engine.Config{
		Seed: rand.Uint64(), User: cfg.User, Stack: debug.Stack,
	}))
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.setLevel(cfg.Level)
	m.setTarget("")
	if cfg.State != nil {
		m.restoreUsers(cfg.State) // before anybody can ask for them
	}
	return m
}

// Run owns the engine until the manager is told to end, by a unit, a face or
// the end of ctx (which is as good as a request to exit). Others touch it only as
// queue says.
func (m *Manager) Run(ctx context.Context) (end Ending, err error) {
	defer m.cancel()
	warm()
	if err := m.open(); err != nil {
		m.close()
		return Ending{}, err
	}
	m.reachedKernel()
	m.reached(userspacePhase)
	m.generate, m.stopGenerators = context.WithCancel(ctx)
	if m.cfg.State != nil {
		m.restore(m.cfg.State)
	} else {
		m.generateFirst(m.begin)
	}
	m.carryOn()
	asked, leave := ctx.Done(), m.departure.begin
	for !m.queue.ended() {
		select {
		case <-m.queue.wake:
		case <-m.queue.timer.C:
			m.post(m.tick)
		case <-leave:
			leave = nil
			go m.leave()
		case <-asked:
			asked = nil
			m.post(func() { m.shutdown("exit", "the manager was asked to end") })
		}
		if m.queue.own() {
			m.carryOn()
		}
	}
	if m.departure.frozen {
		m.end.State = m.handOver()
		return *m.end, nil
	}
	defer m.close()
	m.killRest()
	return *m.end, nil
}

// now reads both clocks.
func (m *Manager) now() value.Instant {
	return value.Instant{Mono: sys.Monotonic(), Real: uint64(time.Now().UnixMicro())}
}

func (m *Manager) recovered(what string) {
	if p := recover(); p != nil {
		m.logf(engine.Err, "", "internal error in %s: %v (carrying on)\n%s", what, p, debug.Stack())
		m.repair("internal error in " + what)
	}
}

// step gives the engine one event, carries out the effects, and goes on with the
// outcomes that are known at once.
func (m *Manager) step(ev engine.Event) {
	if m.departure.frozen {
		return // the next manager is told
	}
	m.local = append(m.local, ev)
	for len(m.local) > 0 {
		ev := m.local[0]
		m.local = m.local[1:]
		m.stepOne(ev)
	}
}

func (m *Manager) stepOne(ev engine.Event) {
	defer m.recovered("the engine")
	effects := m.e.Step(m.now(), ev)
	if ev, ok := ev.(engine.Loaded); ok {
		m.announce(ev)
	}
	for _, fx := range effects {
		m.do(fx)
	}
	if m.e.Panicked() {
		m.repair("internal error in the engine")
	}
}

// do starts what an effect asks for and returns.
func (m *Manager) do(fx engine.Effect) {
	switch fx := fx.(type) {
	case engine.Spawn:
		m.spawn(fx)
	case engine.Kill:
		m.kill(fx)
	case engine.FindMain:
		m.findMain(fx)
	case engine.TestConditions:
		env := m.machine
		env.Environment = m.env
		m.goes(func() { m.send(m.testConditions(fx, &env)) })
	case engine.Listen:
		m.listen(fx)
	case engine.PrepareMount:
		m.prepareMount(fx)
	case engine.CheckPaths:
		m.checkPaths(fx)
	case engine.UnwatchPaths:
		m.unwatchPaths(fx.Unit)
	case engine.Attach, engine.RequestStop, engine.CleanUp, engine.Freeze, engine.Answered:
		m.doHold(fx)
	case engine.ReadStamp:
		m.readStamp(fx)
	case engine.WriteStamp:
		m.writeStamp(fx)
	case engine.SetAlarm:
		m.setAlarm(fx.At)
	case engine.WatchName:
		m.watchName(fx)
	case engine.Watch:
		m.watch(fx.Unit)
	case engine.Unwatch:
		m.poller.Unwatch(fx.Unit)
	case engine.CloseSockets:
		m.closeSockets(fx)
	case engine.CloseConn:
		m.closeConn(fx.Conn)
	case engine.KeepFD:
		m.keepFD(fx)
	case engine.CloseFDs:
		m.closeFDs(fx.FDs)
	case engine.Clean:
		m.clean(fx)
	case engine.Load:
		m.local = append(m.local, engine.Loaded{Units: m.closure(fx.Names)})
	case engine.Changed:
		m.unitChanged(fx)
	case engine.UnitGone:
		m.unitGone(fx.Unit)
	case engine.JobNew:
		m.countJob()
		m.publish(face.Event{Kind: "job-new", Unit: fx.Unit, Job: fx.ID, Type: fx.Type.String()})
	case engine.JobDone:
		m.jobDone(fx)
	case engine.Replied:
		if answer := m.answers[fx.Req]; answer != nil {
			delete(m.answers, fx.Req)
			answer(fx)
		}
	case engine.Log:
		m.logEntry(fx)
	case engine.Act:
		m.act(fx)
	case engine.Idle:
		m.idle()
	}
}

// begin loads the first target and starts it.
func (m *Manager) begin() {
	m.populate()
	m.refreshMounts()
	m.reached(unitsLoadStart)
	units := m.closure([]string{m.cfg.Target})
	m.logFaults(units)
	m.step(engine.Loaded{Units: units})
	m.reached(unitsLoadFinish)
	m.lastReq++
	m.answers[m.lastReq] = func(r engine.Replied) {
		if r.Err == nil {
			return
		}
		level := engine.Warning
		if r.Err.Name == "NoIsolation" { // not made for it, and not wrong either
			level = engine.Debug
		}
		m.logf(level, "", "cannot isolate %s: %s (starting it as it is)",
			m.cfg.Target, r.Err.Message)
		m.local = append(m.local, engine.JobRequested{
			Unit: m.cfg.Target, Type: transaction.Start, Mode: unit.Replace, Auto: true, Why: "boot",
		})
	}
	m.step(engine.JobRequested{
		Req: m.lastReq, Unit: m.cfg.Target, Type: transaction.Start, Mode: unit.Isolate,
		Auto: true, Why: "boot",
	})
}

// closure loads the units and all they refer to that are not loaded yet.
func (m *Manager) closure(names []string) []*unit.Unit {
	return m.cfg.Loader.Closure(names, func(name string) bool {
		d := m.e.Definition(name)
		return d != nil && d.Load != unit.NotFound
	})
}

// logFaults says once per unit what is wrong in its files and what is not honoured.
func (m *Manager) logFaults(units []*unit.Unit) {
	for _, u := range units {
		for _, f := range u.Faults {
			m.logEntry(engine.Log{
				Level: engine.Warning, Unit: u.Name, Text: f.String(), Named: true,
			})
		}
		if len(u.NotHonoured) > 0 {
			m.logf(engine.Notice, u.Name, "settings that are not carried out here: %s",
				strings.Join(u.NotHonoured, ", "))
		}
	}
}

// idle: the last job is done.
func (m *Manager) idle() {
	if !m.finished {
		m.finished = true
		m.phaseChanged()
		if m.cfg.Init {
			os.Remove(boot.FirstBootFile) // which is over, if there is any
		}
		m.reached(finishPhase)
		took := value.Span(m.self.Phases[finishPhase].Mono - m.self.Phases[userspacePhase].Mono)
		m.logf(engine.Info, "", "Startup finished in %s.", took)
		m.tellSupervisor("READY=1\nSTATUS=Startup finished in " + took.String() + ".")
		m.publish(face.Event{Kind: "startup-finished", Times: []uint64{
			0, 0, 0, 0, uint64(took), uint64(took),
		}})
	}
	m.relax()
}

// Memory is given back when work has been over for a pause, in which its last threads
// and goroutines end, and not again before a rest.
const (
	pause = 100 * time.Millisecond
	rest  = 10 * time.Second
)

// relax gives back the memory that work has taken, a little later.
func (m *Manager) relax() {
	if m.relaxing {
		return
	}
	m.relaxing = true
	wait := pause
	if m.freed != 0 {
		since := time.Duration(m.now().Mono-m.freed) * time.Microsecond
		wait = max(pause, rest-since)
	}
	time.AfterFunc(wait, func() { m.post(m.giveBack) })
}

func (m *Manager) giveBack() {
	m.relaxing, m.freed = false, m.now().Mono
	m.calm()
	m.goes(func() {
		debug.FreeOSMemory()
		sys.TrimImage()
	})
}
