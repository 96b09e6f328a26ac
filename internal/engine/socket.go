package engine

import (
	"strings"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// socket is the state of a socket unit. systemd.socket(5).
type socket struct {
	Sub         SocketState `json:",omitzero"`
	Result      Result      `json:",omitzero"`
	Opening     Op          `json:",omitzero"` // the Listen under way
	Open        bool        `json:",omitzero"` // the host holds its descriptors
	Connections uint        `json:",omitzero"` // NConnections
	Accepted    uint64      `json:",omitzero"`
	Refused     uint64      `json:",omitzero"`
	Trigger     rateLimit   `json:",omitzero"`
	// Ran is the last run of each command.
	Ran   [unit.SocketExecKinds][]procStatus `json:",omitzero"`
	Polls rateLimit                          `json:",omitzero"` // how often traffic was noticed
}

// SocketState is the sub state of a socket unit.
type SocketState uint8

// The sub states of sockets.
const (
	SocketDead SocketState = iota
	SocketStartPre
	SocketStartChown
	SocketStartPost
	SocketListening
	SocketRunning
	SocketStopPre
	SocketStopPreSigterm
	SocketStopPreSigkill
	SocketStopPost
	SocketFinalSigterm
	SocketFinalSigkill
	SocketFailed
	SocketStates
)

var socketStates = [SocketStates]struct {
	word   string
	active graph.ActiveState
}{
	SocketDead:           {"dead", graph.Inactive},
	SocketStartPre:       {"start-pre", graph.Activating},
	SocketStartChown:     {"start-chown", graph.Activating},
	SocketStartPost:      {"start-post", graph.Activating},
	SocketListening:      {"listening", graph.Active},
	SocketRunning:        {"running", graph.Active},
	SocketStopPre:        {"stop-pre", graph.Deactivating},
	SocketStopPreSigterm: {"stop-pre-sigterm", graph.Deactivating},
	SocketStopPreSigkill: {"stop-pre-sigkill", graph.Deactivating},
	SocketStopPost:       {"stop-post", graph.Deactivating},
	SocketFinalSigterm:   {"final-sigterm", graph.Deactivating},
	SocketFinalSigkill:   {"final-sigkill", graph.Deactivating},
	SocketFailed:         {"failed", graph.Failed},
}

func (s SocketState) String() string { return socketStates[s].word }

func (s SocketState) active() graph.ActiveState { return socketStates[s].active }

func (s *socket) enter(e *Engine, u *runUnit, sub SocketState) {
	was, word := u.active(), u.subWord()
	if s.Sub == SocketListening && sub != SocketListening {
		e.emit(Unwatch{Unit: u.Name})
	}
	s.Sub = sub
	e.disarm(u, timerState)
	e.disarm(u, timerPoll)
	e.changed(u, was, word, flagsOfChange{})
}

// watch waits for traffic, at once or when there has been no more of it than
// PollLimitBurst= in PollLimitIntervalSec=.
func (s *socket) watch(e *Engine, u *runUnit) {
	def := u.Def.Socket
	interval, burst := def.PollLimitInterval, def.PollLimitBurst
	limited := interval != 0 && interval != value.Infinity && burst != 0
	if again := s.Polls.Begin + uint64(interval); limited && s.Polls.Count >= burst &&
		again > e.now.Mono {
		e.armAt(u, timerPoll, again)
		return
	}
	e.emit(Watch{Unit: u.Name})
}

// noticed counts traffic that was noticed.
func (s *socket) noticed(e *Engine, u *runUnit) {
	s.Polls.below(e.now.Mono, u.Def.Socket.PollLimitInterval, u.Def.Socket.PollLimitBurst)
}

// dress adds to a Spawn what a socket's commands are given.
func (s *socket) dress(u *runUnit, fx *Spawn) {
	if u.Def.Socket.PassFDsToExec && s.Open && s.Opening == 0 {
		fx.Sockets = []string{u.Name}
	}
}

func (s *socket) note(r Result) {
	if s.Result == ResultSuccess {
		s.Result = r
	}
}

// start answers a start job.
func (s *socket) start(e *Engine, u *runUnit) verdict {
	switch s.Sub {
	case SocketDead, SocketFailed:
	case SocketStartPre, SocketStartChown, SocketStartPost:
		return underway
	case SocketStopPre, SocketStopPreSigterm, SocketStopPreSigkill, SocketStopPost, SocketFinalSigterm,
		SocketFinalSigkill:
		return later
	case SocketListening, SocketRunning, SocketStates:
		return already
	}
	if svc := e.serviceOf(u); svc != nil && !u.Def.Socket.Accept {
		switch {
		case svc.Def.Load != unit.Loaded:
			e.log(Err, u, "Socket service %s not loaded, refusing.", svc.Name)
			return failedVerdict
		case svc.svc != nil && svc.svc.Sub != Dead && svc.svc.Sub != Failed && svc.svc.Sub != AutoRestart:
			e.log(Err, u, "Socket service %s already active, refusing.", svc.Name)
			return failedVerdict
		}
	}
	e.newInvocation(u)
	s.Result = ResultSuccess
	s.Ran = [unit.SocketExecKinds][]procStatus{}
	if !s.commands(e, u, SocketStartPre, unit.SocketStartPre) {
		s.enterStartChown(e, u)
	}
	return underway
}

func (s *socket) commands(e *Engine, u *runUnit, sub SocketState, kind unit.SocketExecKind) bool {
	list := u.Def.Socket.Commands[kind]
	if len(list) == 0 {
		return false
	}
	s.enter(e, u, sub)
	e.arm(u, timerState, u.Def.Socket.Timeout)
	e.runList(u, &u.procs.Control, kind.String(), list)
	return true
}

func (s *socket) enterStartChown(e *Engine, u *runUnit) {
	s.enter(e, u, SocketStartChown)
	e.arm(u, timerState, u.Def.Socket.Timeout)
	e.giveUp(&s.Opening)
	s.Opening, s.Open = e.order(u, opListen), true
	fx := Listen{Op: s.Opening, Unit: u.Def}
	if svc := e.serviceOf(u); svc != nil {
		fx.Service = svc.Def.Service
	}
	e.emit(fx)
}

// listening: the sockets are open, or cannot be.
func (e *Engine) listening(ev Listening) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.sock == nil || u.sock.Opening != ev.Op {
		return
	}
	s := u.sock
	s.Opening = 0
	if s.Sub != SocketStartChown {
		return
	}
	e.cause = u.cause
	if ev.Why != "" {
		e.cause = &Cause{At: e.now, Unit: u.Name, What: "cannot listen", Why: ev.Why, From: u.cause}
		e.log(Err, u, "Failed to create listening socket: %s", ev.Why)
		s.enterStopPre(e, u, ResultResources)
		return
	}
	if !s.commands(e, u, SocketStartPost, unit.SocketStartPost) {
		s.enterListening(e, u)
	}
}

func (s *socket) enterListening(e *Engine, u *runUnit) {
	if u.Def.Socket.FlushPending && !u.Def.Socket.Accept {
		e.emit(CloseSockets{Unit: u.Def, Flush: true})
	}
	s.enter(e, u, SocketListening)
	s.watch(e, u)
}

// incoming: traffic has come.
func (e *Engine) incoming(ev Incoming) {
	u := e.unit(ev.Unit)
	if u == nil || u.sock == nil || u.sock.Sub != SocketListening {
		return
	}
	s := u.sock
	s.noticed(e, u)
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "incoming traffic", From: u.cause}
	if u.stopPending() {
		e.emit(CloseSockets{Unit: u.Def, Flush: true})
		s.watch(e, u)
		return
	}
	if !s.mayTrigger(e, u) {
		return
	}
	svc := e.serviceOf(u)
	if svc == nil {
		e.log(Err, u, "its service is not loaded")
		s.enterStopPre(e, u, ResultResources)
		return
	}
	if j := svc.job; !svc.active().Rising() && (j == nil || j.t == transaction.Stop) {
		e.want(svc, transaction.Start, unit.Replace, e.cause)
	}
	s.enter(e, u, SocketRunning)
}

// mayTrigger counts an activation. TriggerLimitIntervalSec=, TriggerLimitBurst=.
func (s *socket) mayTrigger(e *Engine, u *runUnit) bool {
	def := u.Def.Socket
	if s.Trigger.below(e.now.Mono, def.TriggerLimitInterval, def.TriggerLimitBurst) {
		return true
	}
	e.log(Warning, u, "Trigger limit hit, refusing further activation.")
	s.enterStopPre(e, u, ResultTriggerLimit)
	return false
}

// serviceOf is the service that a socket's traffic starts.
func (e *Engine) serviceOf(u *runUnit) *runUnit {
	if svc := u.Def.Socket.Service; svc != "" {
		return e.unit(svc)
	}
	return e.unit(strings.TrimSuffix(u.Name, ".socket") + ".service")
}

// connected: a connection of a socket with Accept=yes was accepted.
func (e *Engine) connected(ev Connected) {
	u := e.unit(ev.Unit)
	if u == nil || u.sock == nil || u.sock.Sub != SocketListening || u.stopPending() {
		e.emit(CloseConn{Conn: ev.Conn})
		if u != nil && u.sock != nil && u.sock.Sub == SocketListening {
			u.sock.watch(e, u) // its stop job may yet be cancelled
		}
		return
	}
	s, def := u.sock, u.Def.Socket
	s.noticed(e, u)
	e.cause = &Cause{
		At: e.now, Unit: u.Name, What: "connection accepted", Why: ev.Instance, From: u.cause,
	}
	s.watch(e, u)
	if !s.mayTrigger(e, u) {
		e.emit(CloseConn{Conn: ev.Conn})
		return
	}
	if s.Connections >= def.MaxConnections || !e.sourceAllowed(u, ev.Source) {
		s.Refused++
		e.log(Warning, u, "Too many incoming connections (%d), dropping connection.", s.Connections)
		e.emit(CloseConn{Conn: ev.Conn})
		return
	}
	s.Connections++
	number := s.Accepted
	s.Accepted++
	prefix := strings.TrimSuffix(u.Name, ".socket")
	if def.Service != "" {
		prefix = name.Prefix(def.Service)
	}
	instance, err := name.WithInstance(prefix+"@.service", itoa(int(number))+"-"+ev.Instance)
	if err != nil {
		s.Connections--
		e.log(Err, u, "cannot name an instance of %s@.service for the connection: %v", prefix, err)
		e.emit(CloseConn{Conn: ev.Conn})
		return
	}
	if n := e.g.Get(instance); n != nil {
		e.startInstance(n, ev)
		return
	}
	e.wanted[instance] = append(e.wanted[instance], ev)
	e.emit(Load{Names: []string{instance}})
}

// sourceAllowed checks MaxConnectionsPerSource=.
func (e *Engine) sourceAllowed(u *runUnit, source string) bool {
	limit := u.Def.Socket.MaxConnectionsPerSource
	if limit == 0 || source == "" {
		return true
	}
	n := uint(0)
	for _, o := range e.units {
		if o != nil && o.svc != nil && o.svc.ConnSocket == u.Name && o.svc.ConnSource == source {
			n++
		}
	}
	return n < limit
}

// startInstance hands a connection to the service made for it.
func (e *Engine) startInstance(n *graph.Node, ev Connected) {
	u, sock := e.at(n), e.unit(ev.Unit)
	if u.svc == nil || u.Def.Load != unit.Loaded || !u.active().Down() {
		e.log(Err, u, "cannot take a connection of %s: %s", ev.Unit, u.Def.LoadError)
		e.emit(CloseConn{Conn: ev.Conn})
		if sock != nil && sock.sock != nil {
			sock.sock.Connections--
			if sock.sock.Sub == SocketListening { // it would be the same with the next one
				sock.sock.enterStopPre(e, sock, ResultResources)
			}
		}
		return
	}
	u.svc.Conn, u.svc.ConnEnv = ev.Conn, ev.Env
	u.svc.ConnSocket, u.svc.ConnSource = ev.Unit, ev.Source
	e.want(u, transaction.Start, unit.Replace, e.cause)
	e.touch(u)
}

// dropConn closes the connection of an instance.
func (e *Engine) dropConn(u *runUnit) {
	e.emit(CloseConn{Conn: u.svc.Conn})
	if sock := e.unit(u.svc.ConnSocket); sock != nil && sock.sock != nil && sock.sock.Connections > 0 {
		sock.sock.Connections--
	}
	u.svc.Conn, u.svc.ConnEnv, u.svc.ConnSocket, u.svc.ConnSource = 0, nil, "", ""
}

// serviceChanged: the service of u is in another state.
func (s *socket) serviceChanged(e *Engine, u, svc *runUnit) {
	if u.Def.Socket.Accept || svc.svc == nil || e.serviceOf(u) != svc {
		return
	}
	if s.Sub != SocketRunning && s.Sub != SocketListening {
		return
	}
	if svc.limitHit {
		s.enterStopPre(e, u, ResultServiceStartLimit)
		return
	}
	e.touch(u)
}

// settleSockets brings a socket in line with its service, once the service has
// no job: it listens again when the service is down.
func (e *Engine) settleSockets(u *runUnit) {
	if u.sock != nil {
		e.settleSocket(u)
		return
	}
	if u.svc == nil {
		return
	}
	for _, l := range u.Links(unit.TriggeredBy) {
		if s := e.at(l.To); s.sock != nil {
			e.settleSocket(s)
		}
	}
}

func (e *Engine) settleSocket(u *runUnit) {
	s := u.sock
	if u.Def.Socket.Accept && s.Sub == SocketRunning { // it had Accept=no before a reload
		s.enterListening(e, u)
	}
	svc := e.serviceOf(u)
	if u.Def.Socket.Accept || svc == nil || svc.svc == nil || svc.job != nil {
		return
	}
	switch svc.svc.Sub {
	case Dead, Failed, FinalSigterm, FinalSigkill, AutoRestart:
		if s.Sub == SocketRunning {
			s.enterListening(e, u)
		}
	case Running, Exited:
		if s.Sub == SocketListening {
			s.enter(e, u, SocketRunning)
		}
	case Condition, StartPre, Start, StartPost, Reload, ReloadSignal, ReloadNotify, Stop, StopWatchdog,
		StopSigterm, StopSigkill, StopPost, FinalWatchdog, ServiceStates:
	}
}

// stop answers a stop or restart job.
func (s *socket) stop(e *Engine, u *runUnit) verdict {
	switch s.Sub {
	case SocketStopPre, SocketStopPreSigterm, SocketStopPreSigkill, SocketStopPost, SocketFinalSigterm,
		SocketFinalSigkill:
		return underway
	case SocketStartPre, SocketStartChown, SocketStartPost:
		s.enterSignal(e, u, SocketStopPreSigterm, ResultSuccess)
		return underway
	case SocketListening, SocketRunning:
		s.enterStopPre(e, u, ResultSuccess)
		return underway
	case SocketDead, SocketFailed, SocketStates:
	}
	return already
}

func (s *socket) enterStopPre(e *Engine, u *runUnit, r Result) {
	s.note(r)
	if !s.commands(e, u, SocketStopPre, unit.SocketStopPre) {
		s.enterStopPost(e, u, ResultSuccess)
	}
}

func (s *socket) enterStopPost(e *Engine, u *runUnit, r Result) {
	s.note(r)
	s.close(e, u)
	if !s.commands(e, u, SocketStopPost, unit.SocketStopPost) {
		s.enterSignal(e, u, SocketFinalSigterm, ResultSuccess)
	}
}

func (s *socket) close(e *Engine, u *runUnit) {
	if s.Open {
		s.Open = false
		e.emit(CloseSockets{Unit: u.Def})
	}
}

// orphaned: a reload has not found what the unit listens on. Nobody is to connect to what
// has no owner any more; the unit stays up, as its file may come back.
func (s *socket) orphaned(e *Engine, u *runUnit) {
	if !s.Open || s.Opening != 0 {
		return
	}
	s.close(e, u)
	e.log(Warning, u, "Its file is gone while it was running; it listens no more until restarted.")
}

func (s *socket) enterSignal(e *Engine, u *runUnit, sub SocketState, r Result) {
	s.note(r)
	s.enter(e, u, sub)
	final := sub == SocketStopPreSigkill || sub == SocketFinalSigkill
	sig := u.Def.Kill.Signal
	if final {
		sig = u.Def.Kill.FinalSignal
	}
	if (u.procs.Control.alive() || u.procs.Populated) && e.kill(u, sig, final) {
		e.arm(u, timerState, u.Def.Socket.Timeout)
		return
	}
	s.signalDone(e, u, ResultSuccess)
}

// signalDone: nothing is left to wait for in a signalling state.
func (s *socket) signalDone(e *Engine, u *runUnit, r Result) {
	switch s.Sub {
	case SocketStopPreSigterm, SocketStopPreSigkill:
		s.enterStopPost(e, u, r)
	case SocketFinalSigterm, SocketFinalSigkill:
		s.enterDead(e, u, r)
	case SocketDead, SocketStartPre, SocketStartChown, SocketStartPost, SocketListening, SocketRunning,
		SocketStopPre, SocketStopPost, SocketFailed, SocketStates:
	}
}

func (s *socket) enterDead(e *Engine, u *runUnit, r Result) {
	s.note(r)
	e.forgetProcs(u)
	s.close(e, u)
	e.giveUp(&s.Opening)
	sub := SocketDead
	e.logEnd(u, s.Result)
	if s.Result != ResultSuccess {
		sub = SocketFailed
	}
	s.enter(e, u, sub)
	e.emit(Clean{Unit: u.Def})
}

// spawned: a control process has come; one that comes too late is signalled.
func (s *socket) spawned(e *Engine, u *runUnit) {
	switch s.Sub {
	case SocketStopPreSigterm, SocketFinalSigterm:
		e.kill(u, u.Def.Kill.Signal, false)
	case SocketStopPreSigkill, SocketFinalSigkill:
		e.kill(u, u.Def.Kill.FinalSignal, true)
	case SocketDead, SocketStartPre, SocketStartChown, SocketStartPost, SocketListening, SocketRunning,
		SocketStopPre, SocketStopPost, SocketFailed, SocketStates:
	}
}

func (s *socket) spawnFailed(e *Engine, u *runUnit) { s.controlDone(e, u, ResultResources) }

// exited: the control process ended.
func (s *socket) exited(e *Engine, u *runUnit, p *proc) {
	for k := range s.Ran {
		if unit.SocketExecKind(k).String() == p.Status.Kind {
			s.Ran[k] = p.remembered(s.Ran[k])
		}
	}
	r := endOf(p)
	if r == ResultSuccess && e.more(u, p) {
		return
	}
	p.current = nil
	s.controlDone(e, u, r)
}

func (s *socket) controlDone(e *Engine, u *runUnit, r Result) {
	switch s.Sub {
	case SocketStartPre:
		if r == ResultSuccess {
			s.enterStartChown(e, u)
		} else {
			s.enterSignal(e, u, SocketFinalSigterm, r)
		}
	case SocketStartPost:
		if r == ResultSuccess {
			s.enterListening(e, u)
		} else {
			s.enterStopPre(e, u, r)
		}
	case SocketStopPre:
		s.enterStopPost(e, u, r)
	case SocketStopPost:
		s.enterSignal(e, u, SocketFinalSigterm, r)
	case SocketStopPreSigterm, SocketStopPreSigkill, SocketFinalSigterm, SocketFinalSigkill:
		s.note(r)
		if !u.lingers(s.Sub == SocketStopPreSigkill || s.Sub == SocketFinalSigkill) {
			s.signalDone(e, u, r)
		}
	case SocketDead, SocketStartChown, SocketListening, SocketRunning, SocketFailed, SocketStates:
	}
}

// emptied: no process of the unit is left.
func (s *socket) emptied(e *Engine, u *runUnit) { s.signalDone(e, u, ResultSuccess) }

// deadlinePassed: TimeoutSec=.
func (s *socket) deadlinePassed(e *Engine, u *runUnit) {
	next := "Killing."
	if !u.Def.Kill.SendSIGKILL {
		next = "Skipping SIGKILL. Ignoring."
	}
	switch s.Sub {
	case SocketStartPre:
		e.log(Warning, u, "Starting timed out. Terminating.")
		s.enterSignal(e, u, SocketFinalSigterm, ResultTimeout)
	case SocketStartChown, SocketStartPost:
		e.log(Warning, u, "Starting timed out. Stopping.")
		s.enterStopPre(e, u, ResultTimeout)
	case SocketStopPre:
		e.log(Warning, u, "Stopping timed out. Terminating.")
		s.enterSignal(e, u, SocketStopPreSigterm, ResultTimeout)
	case SocketStopPreSigterm:
		e.log(Warning, u, "Stopping timed out. %s", next)
		if u.Def.Kill.SendSIGKILL {
			s.enterSignal(e, u, SocketStopPreSigkill, ResultTimeout)
		} else {
			s.enterStopPost(e, u, ResultTimeout)
		}
	case SocketStopPreSigkill:
		e.log(Warning, u, "Processes still around after SIGKILL. Ignoring.")
		s.enterStopPost(e, u, ResultTimeout)
	case SocketStopPost:
		e.log(Warning, u, "Stopping timed out (2). Terminating.")
		s.enterSignal(e, u, SocketFinalSigterm, ResultTimeout)
	case SocketFinalSigterm:
		e.log(Warning, u, "Stopping timed out (2). %s", next)
		if u.Def.Kill.SendSIGKILL {
			s.enterSignal(e, u, SocketFinalSigkill, ResultTimeout)
		} else {
			s.enterDead(e, u, ResultTimeout)
		}
	case SocketFinalSigkill:
		e.log(Warning, u, "Still around after SIGKILL (2). Entering failed mode.")
		s.enterDead(e, u, ResultTimeout)
	case SocketDead, SocketListening, SocketRunning, SocketFailed, SocketStates:
		e.bug(u, "timer in state "+s.Sub.String())
	}
}
