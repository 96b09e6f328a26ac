package engine

import (
	"math"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// stop answers a stop or restart job.
func (s *service) stop(e *Engine, u *runUnit) verdict {
	s.NoRestart = true
	switch s.Sub {
	case Stop, StopWatchdog, StopSigterm, StopSigkill, StopPost, FinalWatchdog, FinalSigterm,
		FinalSigkill:
		return underway
	case AutoRestart:
		s.enter(e, u, Dead)
		return underway
	case Condition, StartPre, Start, StartPost, Reload, ReloadSignal, ReloadNotify:
		s.enterSignal(e, u, StopSigterm, ResultSuccess)
		return underway
	case Running, Exited:
		s.enterStop(e, u, ResultSuccess)
		return underway
	case Dead, Failed, ServiceStates:
	}
	return already
}

func (s *service) enterStop(e *Engine, u *runUnit, r Result) {
	s.note(r)
	if !s.commands(e, u, Stop, unit.ExecStop, u.Def.Service.TimeoutStop) {
		s.enterSignal(e, u, StopSigterm, ResultSuccess)
	}
}

// stopsItself: the service said STOPPING=1, which is as if it had got SIGTERM.
func (s *service) stopsItself(e *Engine, u *runUnit) {
	s.enter(e, u, StopSigterm)
	e.arm(u, timerState, u.Def.Service.TimeoutStop)
}

// signal is what the present state sends to the unit's processes.
func (s *service) signal(u *runUnit) value.Signal {
	k := u.Def.Kill
	switch s.Sub {
	case StopWatchdog, FinalWatchdog:
		return k.Watchdog
	case StopSigkill, FinalSigkill:
		return k.FinalSignal
	case StopSigterm:
		restarts := u.job != nil && u.job.t == transaction.Restart
		if restarts && k.RestartSignal != 0 {
			return k.RestartSignal
		}
	case Dead, Condition, StartPre, Start, StartPost, Running, Exited, Reload, ReloadSignal,
		ReloadNotify, Stop, StopPost, FinalSigterm, Failed, AutoRestart, ServiceStates:
	}
	return k.Signal
}

// enterSignal signals the processes and waits for them; with none to wait for,
// it goes on at once.
func (s *service) enterSignal(e *Engine, u *runUnit, sub ServiceState, r Result) {
	s.note(r)
	s.enter(e, u, sub)
	def := u.Def.Service
	waits := e.kill(u, s.signal(u), sub == StopSigkill || sub == FinalSigkill)
	if waits {
		limit := def.TimeoutStop
		if sub == StopWatchdog || sub == FinalWatchdog {
			limit = s.abortSpan(u)
		}
		e.arm(u, timerState, limit)
		return
	}
	remains := u.procs.any() && u.Def.Kill.SendSIGKILL
	switch sub {
	case StopWatchdog, StopSigterm:
		if remains {
			s.enterSignal(e, u, StopSigkill, ResultSuccess)
			return
		}
		s.enterStopPost(e, u, ResultSuccess)
	case StopSigkill:
		s.enterStopPost(e, u, ResultSuccess)
	case FinalWatchdog, FinalSigterm:
		if remains {
			s.enterSignal(e, u, FinalSigkill, ResultSuccess)
			return
		}
		s.enterDead(e, u, ResultSuccess, true)
	case FinalSigkill:
		s.enterDead(e, u, ResultSuccess, true)
	case Dead, Condition, StartPre, Start, StartPost, Running, Exited, Reload, ReloadSignal,
		ReloadNotify, Stop, StopPost, Failed, AutoRestart, ServiceStates:
		e.bug(u, "signalling in state "+sub.String())
	}
}

func (s *service) abortSpan(u *runUnit) value.Span {
	if u.Def.Service.TimeoutAbortSet {
		return u.Def.Service.TimeoutAbort
	}
	return u.Def.Service.TimeoutStop
}

func (s *service) enterStopPost(e *Engine, u *runUnit, r Result) {
	s.note(r)
	if !s.commands(e, u, StopPost, unit.ExecStopPost, u.Def.Service.TimeoutStop) {
		s.enterSignal(e, u, FinalSigterm, ResultSuccess)
	}
}

// enterDead ends a run. With mayRestart, Restart= decides what follows.
func (s *service) enterDead(e *Engine, u *runUnit, r Result, mayRestart bool) {
	s.note(r)
	e.forgetProcs(u)
	e.giveUp(&s.Finding)
	if s.preserve(u) == unit.PreserveNo {
		s.unstoreAll(e)
	}
	if name := u.Def.Service.BusName; name != "" {
		e.emit(WatchName{Unit: u.Name, Name: name, Off: true})
	}
	if s.Conn != 0 {
		e.dropConn(u)
	}
	end := Failed
	switch s.Result {
	case ResultSuccess, ResultExecCondition:
		end = Dead
	case ResultResources, ResultProtocol, ResultTimeout, ResultExitCode, ResultSignal, ResultCoreDump,
		ResultWatchdog, ResultStartLimit, ResultOOMKill, ResultTriggerLimit,
		ResultServiceStartLimit, ResultUnitStartLimit, Results:
	}
	if s.Result != ResultExecCondition {
		e.logEnd(u, s.Result)
	}
	s.WillRestart = mayRestart && !(u.job != nil && u.job.t == transaction.Stop) && s.shallRestart(u)
	restarts := s.WillRestart
	if !restarts || u.Def.Service.RestartMode != unit.RestartDirect {
		s.enter(e, u, end)
	}
	s.WillRestart = false
	s.NoRestart = false
	if !restarts {
		s.Rested = true
		e.emit(Clean{Unit: u.Def, Restart: u.job != nil && u.job.t == transaction.Start})
		return
	}
	e.emit(Clean{Unit: u.Def, Restart: true})
	s.enter(e, u, AutoRestart)
	e.arm(u, timerState, s.restartDelay(u))
}

// restartDelay is RestartSec=, or what that has grown to after several restarts: by
// the same factor each time, up to RestartMaxDelaySec= after RestartSteps=.
func (s *service) restartDelay(u *runUnit) value.Span {
	def := u.Def.Service
	first, last, before := def.RestartDelay, def.RestartMaxDelay, s.Restarts
	switch {
	case before == 0, def.RestartSteps == 0, first == 0, last == value.Infinity, first >= last:
		return first
	case before >= def.RestartSteps:
		return last
	}
	growth := math.Pow(float64(last)/float64(first), float64(before)/float64(def.RestartSteps))
	return min(value.Span(float64(first)*growth), last)
}

// restartOn says for each Restart= which results bring the service back. systemd.service(5).
var restartOn = [unit.Restarts]func(Result) bool{
	unit.RestartNo:        func(Result) bool { return false },
	unit.RestartOnSuccess: func(r Result) bool { return r == ResultSuccess },
	unit.RestartOnFailure: func(r Result) bool {
		return r != ResultSuccess && r != ResultExecCondition
	},
	unit.RestartOnAbnormal: func(r Result) bool {
		return r != ResultSuccess && r != ResultExitCode && r != ResultExecCondition
	},
	unit.RestartOnWatchdog: func(r Result) bool { return r == ResultWatchdog },
	unit.RestartOnAbort:    func(r Result) bool { return r == ResultSignal || r == ResultCoreDump },
	unit.RestartAlways:     func(r Result) bool { return r != ResultExecCondition },
}

// shallRestart decides by Restart= and the exit status sets.
func (s *service) shallRestart(u *runUnit) bool {
	def := u.Def.Service
	last := s.Invoked
	switch {
	case s.NoRestart, s.Result == ResultStartLimit:
		return false
	case inSet(def.RestartPreventExitStatus, last):
		return false
	case inSet(def.RestartForceExitStatus, last):
		return true
	}
	return restartOn[def.Restart](s.Result)
}

// restart: RestartSec= has passed.
func (s *service) restart(e *Engine, u *runUnit) {
	if u.job != nil && u.job.t == transaction.Stop {
		e.arm(u, timerState, value.Second) // in case that job is cancelled
		return
	}
	s.Restarts++
	s.Rested = false
	e.report(Info, u, false,
		[]string{"N_RESTARTS=" + itoa(int(s.Restarts)), "MESSAGE_ID=" + messageRestart},
		"Scheduled restart job, restart counter is at "+itoa(int(s.Restarts))+".")
	why := &Cause{
		At: e.now, Unit: u.Name, What: "job restart queued",
		Why: "Restart=" + u.Def.Service.Restart.String(), From: u.cause,
	}
	if u.Def.Service.RestartMode != unit.RestartDirect {
		e.want(u, transaction.Restart, unit.Replace, why)
		return
	}
	s.Due = true
	if j := u.job; j != nil && j.t == transaction.Start { // which the failure did not end
		j.running = false
		e.enqueue(j)
		return
	}
	e.want(u, transaction.Start, unit.Replace, why)
}

// deadlinePassed: the one timer of s fired; the state says which directive set it.
func (s *service) deadlinePassed(e *Engine, u *runUnit) {
	def := u.Def.Service
	switch s.Sub {
	case Condition, StartPre, Start, StartPost: // TimeoutStartSec=, or the patience of Type=idle
		if s.Idle {
			s.leaveIdle(e)
			s.launch(e, u)
			return
		}
		e.log(Warning, u, "%s operation timed out. %s.", s.Sub, failureWords[def.TimeoutStartFailureMode])
		s.abandon(e, u, def.TimeoutStartFailureMode)
	case Running: // RuntimeMaxSec=
		e.log(Warning, u, "Service reached runtime time limit. Stopping.")
		s.enterStop(e, u, ResultTimeout)
	case Reload, ReloadSignal, ReloadNotify: // TimeoutStartSec=
		e.log(Warning, u, "Reload operation timed out. Killing reload process.")
		c := &u.procs.Control
		if c.current = nil; c.PID != 0 { // the rest of the list is not run
			e.emit(Kill{Unit: u.Name, Control: c.PID, Signal: value.SIGKILL})
		}
		s.Reloaded = ResultTimeout
		s.enterRunning(e, u, ResultSuccess)
	case Stop: // TimeoutStopSec=, as the next three
		e.log(Warning, u, "Stopping timed out. %s.", failureWords[def.TimeoutStopFailureMode])
		s.abandon(e, u, def.TimeoutStopFailureMode)
	case StopSigterm:
		switch {
		case def.TimeoutStopFailureMode == unit.TimeoutAborts:
			e.log(Warning, u, "State 'stop-sigterm' timed out. Aborting.")
			s.enterSignal(e, u, StopWatchdog, ResultTimeout)
		case u.Def.Kill.SendSIGKILL:
			e.log(Warning, u, "State 'stop-sigterm' timed out. Killing.")
			s.enterSignal(e, u, StopSigkill, ResultTimeout)
		default:
			e.log(Warning, u, "State 'stop-sigterm' timed out. Skipping SIGKILL.")
			s.enterStopPost(e, u, ResultTimeout)
		}
	case StopWatchdog:
		if u.Def.Kill.SendSIGKILL {
			s.enterSignal(e, u, StopSigkill, ResultTimeout)
		} else {
			s.enterStopPost(e, u, ResultTimeout)
		}
	case StopSigkill:
		e.log(Warning, u, "Processes still around after SIGKILL. Ignoring.")
		s.enterStopPost(e, u, ResultTimeout)
	case StopPost:
		e.log(Warning, u, "State 'stop-post' timed out. Terminating.")
		s.enterSignal(e, u, FinalSigterm, ResultTimeout)
	case FinalWatchdog, FinalSigterm:
		if u.Def.Kill.SendSIGKILL {
			s.enterSignal(e, u, FinalSigkill, ResultTimeout)
		} else {
			s.enterDead(e, u, ResultTimeout, false)
		}
	case FinalSigkill:
		e.log(Warning, u, "Processes still around after final SIGKILL. Entering failed mode.")
		s.enterDead(e, u, ResultTimeout, true)
	case AutoRestart: // RestartSec=
		s.restart(e, u)
	case Dead, Exited, Failed, ServiceStates: // at rest; no timer runs
		e.bug(u, "timer in state "+s.Sub.String())
	}
}

// failureWords say what is done about a state that took too long.
var failureWords = [unit.TimeoutFailureModes]string{
	unit.TimeoutTerminate: "Terminating", unit.TimeoutAborts: "Aborting", unit.TimeoutKill: "Killing",
}

// abandon ends a state that took too long, as Timeout…FailureMode= says.
func (s *service) abandon(e *Engine, u *runUnit, how unit.TimeoutFailureMode) {
	switch how {
	case unit.TimeoutAborts:
		s.enterSignal(e, u, StopWatchdog, ResultTimeout)
		return
	case unit.TimeoutKill:
		if u.Def.Kill.SendSIGKILL {
			s.enterSignal(e, u, StopSigkill, ResultTimeout)
			return
		}
	case unit.TimeoutTerminate, unit.TimeoutFailureModes:
	}
	s.enterSignal(e, u, StopSigterm, ResultTimeout)
}

// oomKilled: the kernel has killed a process of the unit. OOMPolicy= says whether that
// ends all of it.
func (e *Engine) oomKilled(ev OOMKilled) {
	u := e.unit(ev.Unit)
	if u != nil && u.scp != nil {
		e.log(Notice, u, "A process of this unit has been killed by the OOM killer.")
		u.scp.oomKilled(e, u)
		return
	}
	if u == nil || u.svc == nil || u.Def.Service == nil {
		return
	}
	s, policy := u.svc, u.Def.Service.OOMPolicy
	e.log(Notice, u, "A process of this unit has been killed by the OOM killer.")
	if policy == unit.OOMContinue {
		return
	}
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "killed for want of memory", From: u.cause}
	kill := policy == unit.OOMKill
	switch s.Sub {
	case Condition, StartPre, Start, StartPost, Stop:
		if kill {
			s.enterSignal(e, u, StopSigkill, ResultOOMKill)
		} else {
			s.enterSignal(e, u, StopSigterm, ResultOOMKill)
		}
	case Running, Exited:
		if kill {
			s.enterSignal(e, u, StopSigkill, ResultOOMKill)
		} else {
			s.enterStop(e, u, ResultOOMKill)
		}
	case StopWatchdog, StopSigterm:
		s.enterSignal(e, u, StopSigkill, ResultOOMKill)
	case StopPost, FinalWatchdog, FinalSigterm:
		s.enterSignal(e, u, FinalSigkill, ResultOOMKill)
	case StopSigkill, FinalSigkill:
		s.note(ResultOOMKill)
	case Dead, Reload, ReloadSignal, ReloadNotify, Failed, AutoRestart, ServiceStates:
	}
}

// leaveIdle ends the waiting of a Type=idle service.
func (s *service) leaveIdle(e *Engine) {
	if s.Idle {
		s.Idle = false
		e.idlers--
	}
}

// releaseIdlers starts the Type=idle services once only their own jobs are left.
func (e *Engine) releaseIdlers() bool {
	if e.idlers == 0 || len(e.jobs) > e.idlers {
		return false
	}
	for _, j := range e.jobs {
		if j.u.svc == nil || !j.u.svc.Idle {
			return false
		}
	}
	for _, u := range e.units {
		if u != nil && u.svc != nil && u.svc.Idle {
			u.svc.leaveIdle(e)
			u.svc.launch(e, u)
		}
	}
	return true
}
