package engine

import (
	"strconv"
	"strings"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// notified: a process of the unit sent a message. sd_notify(3).
func (e *Engine) notified(ev Notified) {
	u := e.unit(ev.Unit)
	if u == nil || u.svc == nil {
		return
	}
	s := u.svc
	if !s.listensTo(e, u, ev) {
		return
	}
	e.cause = &Cause{
		At: e.now, Unit: u.Name, What: "notify message by process " + itoa(ev.PID),
		Why: strings.Join(ev.Fields, " "), From: u.cause,
	}
	for _, f := range ev.Fields {
		if v, ok := strings.CutPrefix(f, "MAINPID="); ok {
			s.mainPIDSaid(e, u, ev, v)
		}
	}
	stopping, reloading, ready := false, false, false
	for _, f := range ev.Fields {
		key, v, _ := strings.Cut(f, "=")
		switch key {
		case "READY":
			ready = v == "1"
		case "RELOADING":
			reloading = v == "1"
		case "STOPPING":
			stopping = v == "1"
		default:
			s.field(e, u, key, v)
		}
	}
	switch {
	case stopping:
		s.saidStopping(e, u)
	case ready:
		s.saidReady(e, u)
	case reloading:
		s.saidReloading(e, u)
	}
}

// listensTo reports whether NotifyAccess= lets the sender speak.
func (s *service) listensTo(e *Engine, u *runUnit, ev Notified) bool {
	p := &u.procs
	access := u.Def.Service.NotifyAccess
	switch {
	case access == unit.NotifyAll,
		access == unit.NotifyMain && p.Main.PID != 0 && ev.PID == p.Main.PID,
		access == unit.NotifyExec && ev.PID != 0 && (ev.PID == p.Main.PID || ev.PID == p.Control.PID):
		return true
	case access == unit.NotifyNone:
		e.log(Warning, u, "Got notification message from PID %d, but reception is disabled.", ev.PID)
	case p.Main.PID != 0:
		e.log(Warning, u, "Got notification message from PID %d, but reception only permitted for "+
			"%s PID %d", ev.PID, access, p.Main.PID)
	default:
		e.log(Warning, u, "Got notification message from PID %d, but reception only permitted for "+
			"%s PID which is currently not known", ev.PID, access)
	}
	return false
}

// field takes in one assignment that has no order to keep.
func (s *service) field(e *Engine, u *runUnit, key, v string) {
	switch key {
	case "STATUS":
		s.StatusText = v
		e.emit(Changed{Unit: u.Name, Active: u.active().String(), Sub: u.subWord()})
	case "ERRNO":
		if n, err := strconv.Atoi(v); err == nil && n >= 0 && n < 4096 {
			s.Errno = n
		} else {
			e.log(Warning, u, "Got ERRNO=%s, which is no error number; ignored.", v)
		}
	case "WATCHDOG":
		switch v {
		case "1":
			s.petWatchdog(e, u)
		case "trigger":
			s.watchdogPassed(e, u)
		}
	case "WATCHDOG_USEC":
		if n, err := strconv.ParseUint(v, 10, 64); err == nil {
			s.Watchdog = value.Span(n)
			s.petWatchdog(e, u)
		} else {
			e.log(Warning, u, "Got WATCHDOG_USEC=%s, which is no number; ignored.", v)
		}
	case "EXTEND_TIMEOUT_USEC":
		if n, err := strconv.ParseUint(v, 10, 64); err == nil {
			s.extend(e, u, value.Span(n))
		} else {
			e.log(Warning, u, "Got EXTEND_TIMEOUT_USEC=%s, which is no number; ignored.", v)
		}
	}
}

// extend gives the present state at least that much time from now on.
func (s *service) extend(e *Engine, u *runUnit, by value.Span) {
	t := u.timers[timerState]
	if by == value.Infinity || t == nil {
		return
	}
	switch s.Sub {
	case StartPre, Start, StartPost, Running, Reload, ReloadSignal, ReloadNotify, Stop, StopWatchdog,
		StopSigterm, StopPost, FinalWatchdog, FinalSigterm:
		if at := e.now.Mono + uint64(by); at > t.at {
			e.armAt(u, timerState, at)
		}
	case Dead, Condition, Exited, StopSigkill, FinalSigkill, Failed, AutoRestart, ServiceStates:
	}
}

// mainPIDSaid: MAINPID= names the main process.
func (s *service) mainPIDSaid(e *Engine, u *runUnit, ev Notified, text string) {
	pid, err := strconv.Atoi(text)
	if err != nil || pid <= 1 {
		e.log(Warning, u, "Got MAINPID=%s, which is no process; ignored.", text)
		return
	}
	if pid == u.procs.Main.PID && s.MainKnown || s.Idle {
		return
	}
	switch s.Sub {
	case Start, StartPost, Running, Reload, ReloadSignal, ReloadNotify, Stop, StopSigterm:
	case Dead, Condition, StartPre, Exited, StopWatchdog, StopSigkill, StopPost, FinalWatchdog,
		FinalSigterm, FinalSigkill, Failed, AutoRestart, ServiceStates:
		return
	}
	other := e.pids[pid] != nil && e.pids[pid] != u
	if pid == u.procs.Control.PID || !ev.Ours && !ev.Trusted || other {
		e.log(Warning, u, "New main PID %d does not belong to service; ignored.", pid)
		return
	}
	e.adopt(u, pid)
	s.MainKnown, s.MainStarted = true, false
	e.emit(Changed{Unit: u.Name, Active: u.active().String(), Sub: u.subWord()})
}

// nameOwned: the bus name of a service has come or gone. BusName=.
func (e *Engine) nameOwned(ev NameOwned) {
	u := e.unit(ev.Unit)
	if u == nil || u.svc == nil || u.Def.Service.BusName != ev.Name {
		return
	}
	s := u.svc
	s.Named = ev.PID != 0
	if u.Def.Service.Type != unit.DBus {
		return
	}
	e.cause = &Cause{
		At: e.now, Unit: u.Name, What: "bus name " + ev.Name,
		Why: "owned by process " + itoa(ev.PID), From: u.cause,
	}
	switch {
	case s.Sub == Start && s.Named:
		s.enterStartPost(e, u)
	case s.Sub == Running && !s.Named:
		s.enterRunning(e, u, ResultSuccess)
	}
}

func (s *service) saidReady(e *Engine, u *runUnit) {
	s.Ready = notifyReady
	t := u.Def.Service.Type
	switch s.Sub {
	case Start:
		if t == unit.Notify || t == unit.NotifyReload {
			s.enterStartPost(e, u)
		}
	case ReloadSignal, ReloadNotify:
		s.enterRunning(e, u, ResultSuccess)
	case Reload:
		if !u.procs.Control.alive() {
			s.enterRunning(e, u, ResultSuccess)
		}
	case Dead, Condition, StartPre, StartPost, Running, Exited, Stop, StopWatchdog, StopSigterm,
		StopSigkill, StopPost, FinalWatchdog, FinalSigterm, FinalSigkill, Failed, AutoRestart,
		ServiceStates:
	}
}

// saidReloading: the service reloads by itself, or has begun what it was asked for.
func (s *service) saidReloading(e *Engine, u *runUnit) {
	s.Ready = notifyReloading
	limit := u.Def.Service.TimeoutStart
	switch s.Sub {
	case Running:
		for _, l := range u.Links(unit.PropagatesReloadTo) {
			if o := e.at(l.To); !o.active().Falling() {
				e.want(o, transaction.Reload, unit.Fail, e.cause)
			}
		}
		s.enter(e, u, ReloadNotify)
		e.arm(u, timerState, limit)
	case ReloadSignal:
		s.enter(e, u, ReloadNotify)
		e.arm(u, timerState, limit)
	case Dead, Condition, StartPre, Start, StartPost, Exited, Reload, ReloadNotify, Stop, StopWatchdog,
		StopSigterm, StopSigkill, StopPost, FinalWatchdog, FinalSigterm, FinalSigkill, Failed,
		AutoRestart, ServiceStates:
	}
}

func (s *service) saidStopping(e *Engine, u *runUnit) {
	s.Ready = notifyStopping
	if s.Sub == Running {
		s.stopsItself(e, u)
	}
}

// watchdogSpan is the watchdog's interval in force; 0 is none.
func (s *service) watchdogSpan(u *runUnit) value.Span {
	w := u.Def.Service.Watchdog
	if s.Watchdog != 0 {
		w = s.Watchdog
	}
	if w == value.Infinity {
		return 0
	}
	return w
}

// petWatchdog starts the watchdog's interval anew. WatchdogSec=.
func (s *service) petWatchdog(e *Engine, u *runUnit) {
	w := s.watchdogSpan(u)
	if w == 0 {
		e.disarm(u, timerWatchdog)
		return
	}
	e.arm(u, timerWatchdog, w)
}

// watchdogPassed: the service has not said WATCHDOG=1 in time.
func (s *service) watchdogPassed(e *Engine, u *runUnit) {
	if !s.watched() {
		return
	}
	e.log(Err, u, "Watchdog timeout (limit %s)!", s.watchdogSpan(u))
	s.enterSignal(e, u, StopWatchdog, ResultWatchdog)
}

// dress adds to a Spawn what a service's processes are given. systemd.exec(5),
// "Environment Variables Set or Propagated by the Service Manager".
func (s *service) dress(e *Engine, u *runUnit, fx *Spawn) {
	def := u.Def.Service
	if m := u.procs.Main.PID; m != 0 && fx.Control {
		fx.Env = append(fx.Env, "MAINPID="+itoa(m))
	}
	fx.Notify = def.NotifyAccess != unit.NotifyNone
	switch s.Sub {
	case Stop, StopPost:
		fx.Env = append(fx.Env, "SERVICE_RESULT="+s.Result.String())
		if st := s.Invoked; s.MainKnown && st.Code != 0 && u.procs.Main.PID == 0 {
			code, status := "exited", itoa(st.Status)
			if st.Code != ByExit {
				code = "killed"
				status = signalWord(st.Status)
			}
			if st.Code == ByDump {
				code = "dumped"
			}
			fx.Env = append(fx.Env, "EXIT_CODE="+code, "EXIT_STATUS="+status)
		}
	case Start:
		fx.Watchdog = s.watchdogSpan(u)
		fx.Conn = s.Conn
		fx.Env = append(fx.Env, s.ConnEnv...)
		if s.Conn == 0 {
			fx.Sockets = e.socketsOf(u)
		}
	case Dead, Condition, StartPre, StartPost, Running, Exited, Reload, ReloadSignal, ReloadNotify,
		StopWatchdog, StopSigterm, StopSigkill, FinalWatchdog, FinalSigterm, FinalSigkill, Failed,
		AutoRestart, ServiceStates:
	}
}

// socketsOf lists the socket units whose descriptors the service gets: those of
// Sockets= first, in that order.
func (e *Engine) socketsOf(u *runUnit) []string {
	var names []string
	seen := map[string]bool{}
	add := func(s *runUnit) {
		if s != nil && s.sock != nil && !s.Def.Socket.Accept && !seen[s.Name] {
			seen[s.Name] = true
			names = append(names, s.Name)
		}
	}
	for _, name := range u.Def.Service.Sockets {
		add(e.unit(name))
	}
	for _, l := range u.Links(unit.TriggeredBy) {
		add(e.at(l.To))
	}
	return names
}

func itoa(n int) string { return strconv.Itoa(n) }
