package engine

import (
	"slices"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// resultOf says how a process fared. A daemon may also end by SIGHUP, SIGINT,
// SIGTERM or SIGPIPE. systemd.service(5), SuccessExitStatus=.
func (s *service) resultOf(u *runUnit, p *proc, daemon bool) Result {
	st := p.Status
	byExit := st.Code == ByExit
	switch {
	case p.current != nil && p.current.Flags&value.IgnoreFailure != 0:
		return ResultSuccess
	case byExit && st.Status == 0:
		return ResultSuccess
	case inSet(u.Def.Service.SuccessExitStatus, st):
		return ResultSuccess
	case st.Code == BySignal && daemon && cleanSignals[st.Status&63]:
		return ResultSuccess
	case byExit:
		return ResultExitCode
	case st.Code == ByDump:
		return ResultCoreDump
	}
	return ResultSignal
}

// inSet reports whether the process ended in one of the ways of the set.
func inSet(set value.ExitSet, st procStatus) bool {
	switch st.Code {
	case ByExit:
		return slices.Contains(set.Statuses, uint8(st.Status))
	case BySignal, ByDump:
		return slices.Contains(set.Signals, value.Signal(st.Status))
	}
	return false
}

// cleanSignals are HUP, INT, PIPE and TERM.
var cleanSignals = [64]bool{1: true, 2: true, 13: true, 15: true}

// exited: a process that is awaited ended.
func (s *service) exited(e *Engine, u *runUnit, p *proc) {
	s.remember(p)
	if p == &u.procs.Main {
		s.mainExited(e, u)
		return
	}
	s.controlExited(e, u)
}

// remember keeps the status of the command that ran, for show.
func (s *service) remember(p *proc) {
	for k := range s.Ran {
		if unit.ExecKind(k).String() == p.Status.Kind {
			s.Ran[k] = p.remembered(s.Ran[k])
		}
	}
}

// remembered adds the status of a process to those of the other commands of its list.
func (p *proc) remembered(ran []procStatus) []procStatus {
	if len(p.list) > 0 && ran == nil {
		ran = make([]procStatus, len(p.list))
	}
	if p.Status.Index < len(ran) {
		ran[p.Status.Index] = p.Status
	}
	return ran
}

// mainExited: the main process ended; the state says what that means.
func (s *service) mainExited(e *Engine, u *runUnit) {
	p, def := &u.procs.Main, u.Def.Service
	s.Invoked = p.Status
	r := s.resultOf(u, p, def.Type != unit.Oneshot)
	start := def.Commands[unit.ExecStart]
	if !s.MainStarted && len(start) > 0 && start[0].Flags&value.IgnoreFailure != 0 {
		r = ResultSuccess // the - of the command that forked it excuses the main process, too
	}
	e.logExit(u, "Main", p, r == ResultSuccess)
	s.note(r)
	oneshot := def.Type == unit.Oneshot && s.Sub == Start && s.MainStarted
	if oneshot && r == ResultSuccess && e.more(u, p) {
		return
	}
	p.current = nil
	busy := u.procs.Control.alive()
	switch s.Sub {
	case Start:
		s.mainExitedInStart(e, u, r)
	case StartPost, Reload:
		if !busy {
			s.enterStop(e, u, r)
		}
	case ReloadSignal, ReloadNotify, Running:
		if def.ExitType == unit.ExitCgroup && u.procs.Populated {
			return
		}
		s.enterRunning(e, u, r)
	case StopWatchdog, StopSigterm, StopSigkill:
		if !busy {
			s.enterStopPost(e, u, r)
		}
	case FinalWatchdog, FinalSigterm, FinalSigkill:
		if !busy && !u.lingers(s.Sub == FinalSigkill) {
			s.enterDead(e, u, r, true)
		}
	case Stop, StopPost: // the control process goes on
	case Exited: // had lost its bus name before
	case Dead, Condition, StartPre, Failed, AutoRestart, ServiceStates:
		e.bug(u, "main process ended in state "+s.Sub.String())
	}
}

func (s *service) mainExitedInStart(e *Engine, u *runUnit, r Result) {
	def := u.Def.Service
	switch def.Type {
	case unit.Oneshot:
		if r == ResultSuccess {
			s.enterStartPost(e, u)
		} else {
			s.enterSignal(e, u, StopSigterm, r)
		}
	case unit.Notify, unit.NotifyReload:
		switch {
		case r != ResultSuccess:
			s.enterSignal(e, u, StopSigterm, r)
		case def.Type == unit.DBus: // it never had the name, and nobody minds
			s.enterRunning(e, u, r)
		case !def.RemainAfterExit || def.NotifyAccess == unit.NotifyNone:
			s.enterSignal(e, u, StopSigterm, ResultProtocol)
		}
	case unit.Simple, unit.Idle, unit.ExecType, unit.Forking, unit.DBus, unit.ServiceTypes:
		s.enterRunning(e, u, r) // Type=dbus without a name, too, if it ended well
	}
}

// controlExited: the process of the present step ended.
func (s *service) controlExited(e *Engine, u *runUnit) {
	p := &u.procs.Control
	r := s.resultOf(u, p, false)
	if s.Sub == Condition && r == ResultExitCode && p.Status.Status < 255 {
		r = ResultExecCondition
		e.log(Info, u, "Skipped due to 'exec-condition'.")
	}
	if r == ResultSuccess && e.more(u, p) {
		return
	}
	e.logExit(u, "Control", p, r == ResultSuccess || r == ResultExecCondition)
	p.current = nil
	mainAlive := s.MainKnown && u.procs.Main.alive()
	switch s.Sub {
	case Condition:
		s.next(e, u, r, s.enterStartPre)
	case StartPre:
		s.next(e, u, r, s.enterStart)
	case Start:
		s.forked(e, u, r)
	case StartPost:
		s.startPostDone(e, u, r)
	case Reload, ReloadSignal, ReloadNotify:
		s.reloadDone(e, u, r)
	case Stop:
		s.enterSignal(e, u, StopSigterm, r)
	case StopWatchdog, StopSigterm, StopSigkill:
		if !mainAlive {
			s.enterStopPost(e, u, r)
		}
	case StopPost:
		s.enterSignal(e, u, FinalSigterm, r)
	case FinalWatchdog, FinalSigterm, FinalSigkill:
		if !mainAlive && !u.lingers(s.Sub == FinalSigkill) {
			s.enterDead(e, u, r, true)
		}
	case Dead, Running, Exited, Failed, AutoRestart, ServiceStates:
		// A reload that took too long was killed, or the service runs for other reasons.
	}
}

func (s *service) next(e *Engine, u *runUnit, r Result, enter func(*Engine, *runUnit)) {
	if r == ResultSuccess {
		enter(e, u)
	} else {
		s.enterSignal(e, u, StopSigterm, r)
	}
}

// forked: the process of a Type=forking service that was started ended.
func (s *service) forked(e *Engine, u *runUnit, r Result) {
	if r != ResultSuccess {
		s.enterSignal(e, u, StopSigterm, r)
		return
	}
	if u.Def.Service.PIDFile == "" && !u.Def.Service.GuessMainPID {
		s.enterStartPost(e, u)
		return
	}
	s.find(e, u, false)
}

// find asks for the main process. A PID file may be late only if demanded.
func (s *service) find(e *Engine, u *runUnit, wait bool) {
	e.giveUp(&s.Finding)
	s.Finding = e.order(u, opFind)
	e.emit(FindMain{Op: s.Finding, Unit: u.Name, PIDFile: u.Def.Service.PIDFile, Wait: wait})
}

func (s *service) startPostDone(e *Engine, u *runUnit, r Result) {
	def := u.Def.Service
	switch {
	case r != ResultSuccess:
		s.enterSignal(e, u, StopSigterm, r)
	case def.Type == unit.Forking && !s.MainKnown && (def.PIDFile != "" || def.GuessMainPID):
		s.find(e, u, false)
	default:
		s.enterRunning(e, u, ResultSuccess)
	}
}

func (s *service) reloadDone(e *Engine, u *runUnit, r Result) {
	s.Reloaded = r
	if u.Def.Service.PIDFile != "" && u.Def.Service.Type == unit.Forking {
		s.find(e, u, false)
		return
	}
	s.leaveReload(e, u)
}

func (s *service) leaveReload(e *Engine, u *runUnit) {
	if s.Ready == notifyReloading {
		s.enter(e, u, ReloadNotify)
		e.arm(u, timerState, u.Def.Service.TimeoutStart)
		return
	}
	s.enterRunning(e, u, ResultSuccess)
}

// mainFound: the PID file was read, or the main process guessed.
func (e *Engine) mainFound(ev MainFound) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.svc == nil || u.svc.Finding != ev.Op {
		return
	}
	s := u.svc
	s.Finding = 0
	known := s.MainKnown && ev.PID == u.procs.Main.PID || ev.PID == u.procs.Control.PID
	if ev.PID != 0 && !known {
		e.adopt(u, ev.PID)
		s.MainKnown, s.MainStarted = true, false
	}
	e.cause = u.cause
	s.found(e, u, ev)
}

// found goes on where find was called.
func (s *service) found(e *Engine, u *runUnit, ev MainFound) {
	def := u.Def.Service
	missing := ev.PID == 0 && def.PIDFile != "" && !s.MainKnown
	switch s.Sub {
	case Start:
		switch {
		case !missing || len(def.Commands[unit.ExecStartPost]) > 0 && !s.Demanded:
			s.enterStartPost(e, u)
		case s.Demanded || !u.procs.Populated:
			e.log(Warning, u, "Can't open PID file %s: %s", def.PIDFile, ev.Why)
			s.enterSignal(e, u, StopSigterm, ResultProtocol)
		default:
			s.Demanded = true
			e.log(Notice, u, "Can't open PID file %s (yet?) after start: %s (waiting for it)",
				def.PIDFile, ev.Why)
			s.find(e, u, true)
		}
	case StartPost:
		switch {
		case !missing:
			s.enterRunning(e, u, ResultSuccess)
		case s.Demanded || !u.procs.Populated:
			s.enterStop(e, u, ResultProtocol)
		default:
			s.Demanded = true
			s.find(e, u, true)
		}
	case Reload, ReloadSignal, ReloadNotify:
		s.leaveReload(e, u)
	case Dead, Condition, StartPre, Running, Exited, Stop, StopWatchdog, StopSigterm, StopSigkill,
		StopPost, FinalWatchdog, FinalSigterm, FinalSigkill, Failed, AutoRestart, ServiceStates:
	}
}

// emptied: no process of the unit is left.
func (s *service) emptied(e *Engine, u *runUnit) {
	def := u.Def.Service
	switch s.Sub {
	case Start:
		notify := def.Type == unit.Notify || def.Type == unit.NotifyReload || def.Type == unit.DBus
		if notify && s.MainKnown && u.procs.Main.Op == 0 || s.Finding != 0 && s.Demanded {
			e.giveUp(&s.Finding)
			s.enterStopPost(e, u, ResultProtocol)
		}
	case StartPost:
		if s.Finding != 0 && s.Demanded {
			e.giveUp(&s.Finding)
			s.enterStopPost(e, u, ResultProtocol)
		}
	case Running:
		s.enterRunning(e, u, ResultSuccess)
	case StopWatchdog, StopSigterm, StopSigkill:
		s.enterStopPost(e, u, ResultSuccess)
	case FinalWatchdog, FinalSigterm, FinalSigkill:
		s.enterDead(e, u, ResultSuccess, true)
	case Dead, Failed:
		e.emit(Clean{Unit: u.Def})
	case Condition, StartPre, Exited, Reload, ReloadSignal, ReloadNotify, Stop, StopPost, AutoRestart,
		ServiceStates:
	}
}
