package engine

import (
	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// service is the state of a service. systemd.service(5).
type service struct {
	Sub      ServiceState `json:",omitzero"`
	Result   Result       `json:",omitzero"`
	Reloaded Result       `json:",omitzero"` // of the last reload

	Restarts    uint `json:",omitzero"` // NRestarts
	Rested      bool `json:",omitzero"` // it came to rest since the last automatic restart
	NoRestart   bool `json:",omitzero"` // stopped by hand: Restart= does not count
	WillRestart bool `json:",omitzero"`
	Due         bool `json:",omitzero"` // RestartSec= has passed, with RestartMode=direct

	// MainKnown: procs.main is the main process, alive or not
	MainKnown bool `json:",omitzero"`
	// MainStarted: the main process ran a command of ExecStart=
	MainStarted bool        `json:",omitzero"`
	Ready       notifyState `json:",omitzero"`
	Finding     Op          `json:",omitzero"` // the FindMain under way
	Demanded    bool        `json:",omitzero"` // the PID file must appear
	// Idle: Type=idle: waits for the other jobs
	Idle bool `json:",omitzero"`
	// Invoked: of the main process that ended last
	Invoked    procStatus        `json:",omitzero"`
	StatusText string            `json:",omitzero"`
	Named      bool              `json:",omitzero"` // somebody has the bus name
	Errno      int               `json:",omitzero"`
	BusError   string            `json:",omitzero"`
	Access     unit.NotifyAccess `json:",omitzero"` // by NOTIFYACCESS=, if AccessSaid
	AccessSaid bool              `json:",omitzero"`
	// Watchdog: by WATCHDOG_USEC=, if WatchdogSaid
	Watchdog     value.Span `json:",omitzero"`
	WatchdogSaid bool       `json:",omitzero"`
	// Petted: when the watchdog's interval began; 0: it does not run
	Petted value.Instant `json:",omitzero"`
	// Signalled: when ReloadSignal= was sent last, on the monotonic clock
	Signalled uint64     `json:",omitzero"`
	Stored    []StoredFD `json:",omitzero"` // newest first
	// Conn: the connection of an instance of an Accept=yes socket
	Conn       Handle                       `json:",omitzero"`
	ConnEnv    []string                     `json:",omitzero"`
	ConnSocket string                       `json:",omitzero"`
	ConnSource string                       `json:",omitzero"`
	Ran        [unit.ExecKinds][]procStatus `json:",omitzero"` // last run of each command
}

type notifyState uint8

const (
	notifyUnknown notifyState = iota
	notifyReady
	notifyReloading
	notifyStopping
)

// ServiceState is the sub state of a service.
type ServiceState uint8

// The sub states of services. systemctl(1) prints them as their words.
const (
	Dead ServiceState = iota
	Condition
	StartPre
	Start
	StartPost
	Running
	Exited
	Reload
	ReloadSignal
	ReloadNotify
	Stop
	StopWatchdog
	StopSigterm
	StopSigkill
	StopPost
	FinalWatchdog
	FinalSigterm
	FinalSigkill
	Failed
	AutoRestart
	ServiceStates
)

// serviceStates names the states and says what they are to other units; idle is
// that for Type=idle, whose start is no activation.
var serviceStates = [ServiceStates]struct {
	word         string
	active, idle graph.ActiveState
}{
	Dead:          {"dead", graph.Inactive, graph.Inactive},
	Condition:     {"condition", graph.Activating, graph.Active},
	StartPre:      {"start-pre", graph.Activating, graph.Active},
	Start:         {"start", graph.Activating, graph.Active},
	StartPost:     {"start-post", graph.Activating, graph.Active},
	Running:       {"running", graph.Active, graph.Active},
	Exited:        {"exited", graph.Active, graph.Active},
	Reload:        {"reload", graph.Reloading, graph.Reloading},
	ReloadSignal:  {"reload-signal", graph.Reloading, graph.Reloading},
	ReloadNotify:  {"reload-notify", graph.Reloading, graph.Reloading},
	Stop:          {"stop", graph.Deactivating, graph.Deactivating},
	StopWatchdog:  {"stop-watchdog", graph.Deactivating, graph.Deactivating},
	StopSigterm:   {"stop-sigterm", graph.Deactivating, graph.Deactivating},
	StopSigkill:   {"stop-sigkill", graph.Deactivating, graph.Deactivating},
	StopPost:      {"stop-post", graph.Deactivating, graph.Deactivating},
	FinalWatchdog: {"final-watchdog", graph.Deactivating, graph.Deactivating},
	FinalSigterm:  {"final-sigterm", graph.Deactivating, graph.Deactivating},
	FinalSigkill:  {"final-sigkill", graph.Deactivating, graph.Deactivating},
	Failed:        {"failed", graph.Failed, graph.Failed},
	AutoRestart:   {"auto-restart", graph.Activating, graph.Activating},
}

func (s ServiceState) String() string { return serviceStates[s].word }

// Result is how a service or socket fared. systemctl show prints it as Result=.
type Result uint8

// The results.
const (
	ResultSuccess Result = iota
	ResultResources
	ResultProtocol
	ResultTimeout
	ResultExitCode
	ResultSignal
	ResultCoreDump
	ResultWatchdog
	ResultStartLimit
	ResultOOMKill
	ResultExecCondition
	ResultTriggerLimit
	ResultServiceStartLimit
	ResultUnitStartLimit
	Results
)

var resultWords = [Results]string{
	"success", "resources", "protocol", "timeout", "exit-code", "signal", "core-dump", "watchdog",
	"start-limit-hit", "oom-kill", "exec-condition", "trigger-limit-hit", "service-start-limit-hit",
	"unit-start-limit-hit",
}

func (r Result) String() string { return resultWords[r] }

func (s *service) active(u *runUnit) graph.ActiveState {
	if u.Def.Service != nil && u.Def.Service.Type == unit.Idle {
		return serviceStates[s.Sub].idle
	}
	return serviceStates[s.Sub].active
}

// enter is the only way into a sub state. It clears the deadline; the caller sets
// the new one.
func (s *service) enter(e *Engine, u *runUnit, sub ServiceState) {
	was, word := u.active(), u.subWord()
	s.Sub, s.Due = sub, false
	s.leaveIdle(e)
	e.disarm(u, timerState)
	if !s.watched() {
		e.disarm(u, timerWatchdog)
		s.Petted = value.Instant{}
	}
	e.changed(u, was, word, flagsOfChange{
		reloadFailed: s.Reloaded != ResultSuccess, restarts: s.WillRestart,
	})
}

// watched reports that the watchdog counts in this state.
func (s *service) watched() bool {
	switch s.Sub {
	case StartPost, Running, Reload, ReloadSignal, ReloadNotify:
		return true
	case Dead, Condition, StartPre, Start, Exited, Stop, StopWatchdog, StopSigterm, StopSigkill,
		StopPost, FinalWatchdog, FinalSigterm, FinalSigkill, Failed, AutoRestart, ServiceStates:
	}
	return false
}

func (s *service) note(r Result) {
	if s.Result == ResultSuccess {
		s.Result = r
	}
}

// start answers a start job.
func (s *service) start(e *Engine, u *runUnit) verdict {
	switch s.Sub {
	case Dead, Failed:
	case Condition, StartPre, Start, StartPost:
		return underway
	case AutoRestart:
		if !s.Due {
			return later
		}
		if !e.withinStartLimit(u) {
			return failedVerdict
		}
	case Stop, StopWatchdog, StopSigterm, StopSigkill, StopPost, FinalWatchdog, FinalSigterm,
		FinalSigkill:
		return later
	case Running, Exited, Reload, ReloadSignal, ReloadNotify, ServiceStates:
		return already
	}
	e.newInvocation(u)
	s.Result, s.Reloaded = ResultSuccess, ResultSuccess
	s.Invoked = procStatus{}
	s.NoRestart, s.MainKnown, s.MainStarted, s.Demanded = false, false, false, false
	s.Ready, s.StatusText, s.Errno, s.BusError = notifyUnknown, "", 0, ""
	s.AccessSaid, s.WatchdogSaid = false, false
	s.Ran = [unit.ExecKinds][]procStatus{}
	u.procs.Main.Status, u.procs.Control.Status = procStatus{}, procStatus{}
	if s.Rested {
		s.Restarts = 0
	}
	s.Rested, s.Named = false, false
	if name := u.Def.Service.BusName; name != "" {
		e.emit(WatchName{Unit: u.Name, Name: name})
	}
	s.enterCondition(e, u)
	return underway
}

// commands runs a list as control process in the given state; false if it is empty.
func (s *service) commands(
	e *Engine, u *runUnit, sub ServiceState, kind unit.ExecKind, limit value.Span,
) bool {
	list := u.Def.Service.Commands[kind]
	if len(list) == 0 {
		return false
	}
	s.enter(e, u, sub)
	e.arm(u, timerState, limit)
	e.runList(u, &u.procs.Control, kind.String(), list)
	return true
}

func (s *service) enterCondition(e *Engine, u *runUnit) {
	if !s.commands(e, u, Condition, unit.ExecCondition, u.Def.Service.TimeoutStart) {
		s.enterStartPre(e, u)
	}
}

func (s *service) enterStartPre(e *Engine, u *runUnit) {
	if !s.commands(e, u, StartPre, unit.ExecStartPre, u.Def.Service.TimeoutStart) {
		s.enterStart(e, u)
	}
}

func (s *service) enterStart(e *Engine, u *runUnit) {
	def := u.Def.Service
	s.enter(e, u, Start)
	if def.Type == unit.Idle {
		s.Idle = true
		e.idlers++
		e.arm(u, timerState, 5*value.Second)
		return
	}
	s.launch(e, u)
}

// launch starts the main process, or the one that will fork it.
func (s *service) launch(e *Engine, u *runUnit) {
	def := u.Def.Service
	list := def.Commands[unit.ExecStart]
	switch {
	case len(list) == 0 && def.Type != unit.Oneshot: // a reload has taken it away
		s.enterSignal(e, u, StopSigterm, ResultResources)
		return
	case len(list) == 0:
		s.enterStartPost(e, u)
		return
	}
	p, limit := &u.procs.Main, def.TimeoutStart
	switch def.Type {
	case unit.Simple, unit.Idle:
		limit = value.Infinity
	case unit.Forking:
		p = &u.procs.Control
	case unit.Oneshot, unit.DBus, unit.Notify, unit.NotifyReload, unit.ExecType, unit.ServiceTypes:
	}
	s.MainKnown = def.Type != unit.Forking
	s.MainStarted = s.MainKnown
	e.arm(u, timerState, limit)
	e.runList(u, p, unit.ExecStart.String(), list)
}

// spawned: the process that a state had ordered runs, or at least has a pid.
func (s *service) spawned(e *Engine, u *runUnit, p *proc, executed bool) {
	switch s.Sub {
	case Start:
		switch t := u.Def.Service.Type; t {
		case unit.Simple, unit.Idle:
			s.enterStartPost(e, u)
		case unit.ExecType:
			if executed {
				s.enterStartPost(e, u)
			}
		case unit.Forking, unit.Oneshot, unit.DBus, unit.Notify, unit.NotifyReload, unit.ServiceTypes:
		}
	case StopWatchdog, StopSigterm, FinalWatchdog, FinalSigterm:
		e.kill(u, s.signal(u), false)
	case StopSigkill, FinalSigkill:
		e.kill(u, s.signal(u), true)
	case Dead, Condition, StartPre, StartPost, Running, Exited, Reload, ReloadSignal, ReloadNotify,
		Stop, StopPost, Failed, AutoRestart, ServiceStates:
	}
}

// spawnFailed: what a state had ordered cannot be.
func (s *service) spawnFailed(e *Engine, u *runUnit, p *proc) {
	switch s.Sub {
	case Condition, StartPre, Start:
		s.enterSignal(e, u, StopSigterm, ResultResources)
	case StartPost:
		s.enterStop(e, u, ResultResources)
	case Reload, ReloadSignal, ReloadNotify:
		s.Reloaded = ResultResources
		s.enterRunning(e, u, ResultSuccess)
	case Stop:
		s.enterSignal(e, u, StopSigterm, ResultResources)
	case StopPost:
		s.enterSignal(e, u, FinalSigterm, ResultResources)
	case StopWatchdog, StopSigterm, StopSigkill:
		if !u.procs.Main.alive() && !u.procs.Control.alive() {
			s.enterStopPost(e, u, ResultResources)
		}
	case FinalWatchdog, FinalSigterm, FinalSigkill:
		if !u.procs.Main.alive() && !u.procs.Control.alive() && !u.lingers(s.Sub == FinalSigkill) {
			s.enterDead(e, u, ResultResources, true)
		}
	case Running: // of Type=dbus before its process came, or of a reload that has timed out
		if p == &u.procs.Main {
			s.enterRunning(e, u, ResultResources)
		}
	case Exited:
	case Dead, Failed, AutoRestart, ServiceStates:
		e.bug(u, "spawn failed in state "+s.Sub.String())
	}
}

func (s *service) enterStartPost(e *Engine, u *runUnit) {
	s.petWatchdog(e, u)
	if !s.commands(e, u, StartPost, unit.ExecStartPost, u.Def.Service.TimeoutStart) {
		s.enterRunning(e, u, ResultSuccess)
	}
}

// good reports that the service can be said to run.
func (s *service) good(u *runUnit) bool {
	if u.Def.Service.Type == unit.DBus && !s.Named {
		return false
	}
	if s.MainKnown {
		return u.procs.Main.alive()
	}
	return u.procs.Populated
}

func (s *service) enterRunning(e *Engine, u *runUnit, r Result) {
	s.note(r)
	def := u.Def.Service
	switch {
	case s.Result != ResultSuccess:
		s.enterSignal(e, u, StopSigterm, r)
	case s.good(u) && s.Ready == notifyStopping && s.Sub != Reload:
		s.stopsItself(e, u)
	case s.good(u):
		s.enter(e, u, Running)
		s.armRuntime(e, u)
		if s.watchdogSpan(u) != 0 && u.timers[timerWatchdog] == nil {
			s.petWatchdog(e, u)
		}
	case def.RemainAfterExit:
		s.enter(e, u, Exited)
	default:
		s.enterStop(e, u, ResultSuccess)
	}
}

// armRuntime sets the deadline of RuntimeMaxSec=, counted from the activation.
func (s *service) armRuntime(e *Engine, u *runUnit) {
	limit := u.Def.Service.RuntimeMax
	if limit == value.Infinity || limit == 0 {
		e.disarm(u, timerState)
		return
	}
	if extra := u.Def.Service.RuntimeRandomizedExtra; extra != 0 && extra != value.Infinity {
		limit += value.Span(e.rng.Uint64() % (uint64(extra) + 1))
	}
	since := u.times[stampActiveEnter].Mono
	e.armAt(u, timerState, since+uint64(limit))
}

// newLimits are the running services whose time to run is another one in the definitions.
func (e *Engine) newLimits(defs []*unit.Unit) (list []*runUnit) {
	for _, d := range defs {
		u := e.unit(d.Name)
		if u == nil || u.svc == nil || u.svc.Sub != Running || d.Service == nil {
			continue
		}
		was := u.Def.Service
		if was != nil && (was.RuntimeMax != d.Service.RuntimeMax ||
			was.RuntimeRandomizedExtra != d.Service.RuntimeRandomizedExtra) {
			list = append(list, u)
		}
	}
	return list
}

// reloads reports that the service itself has a way to be reloaded.
func (s *service) reloads(u *runUnit) bool {
	def := u.Def.Service
	return len(def.Commands[unit.ExecReload]) > 0 || def.Type == unit.NotifyReload
}

// startReload answers a reload job.
func (s *service) startReload(e *Engine, u *runUnit) verdict {
	if s.Sub != Running && s.Sub != Exited {
		return invalid
	}
	s.Reloaded = ResultSuccess
	def := u.Def.Service
	if def.Type == unit.NotifyReload && u.procs.Main.PID != 0 {
		s.Ready = notifyReady
		s.Signalled = e.now.Mono
		s.enter(e, u, ReloadSignal)
		e.arm(u, timerState, def.TimeoutStart)
		e.emit(Kill{Unit: u.Name, Main: u.procs.Main.PID, Signal: def.ReloadSignal})
		return underway
	}
	if !s.commands(e, u, Reload, unit.ExecReload, def.TimeoutStart) {
		return already
	}
	return underway
}
