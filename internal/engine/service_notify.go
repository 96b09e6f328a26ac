package engine

import (
	"slices"
	"strconv"
	"strings"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// said are the lines of a notify message.
type said []string

// get gives the value of the first line with that key, as systemd has it.
func (m said) get(key string) (value string, ok bool) {
	for _, f := range m {
		if k, v, _ := strings.Cut(f, "="); k == key {
			return v, true
		}
	}
	return "", false
}

func (m said) has(line string) bool { return slices.Contains(m, line) }

// notified: a process of the unit sent a message. sd_notify(3).
func (e *Engine) notified(ev Notified) {
	u := e.unit(ev.Unit)
	if u == nil || u.svc == nil {
		return
	}
	s, m := u.svc, said(ev.Fields)
	if !s.listensTo(e, u, ev) {
		return
	}
	e.cause = &Cause{
		At: e.now, Unit: u.Name, What: "notify message by process " + itoa(ev.PID),
		Why: strings.Join(ev.Fields, " "), From: u.cause,
	}
	if v, ok := m.get("MAINPID"); ok {
		s.mainPIDSaid(e, u, ev, v)
	}
	s.saidState(e, u, m)
	for _, n := range notices {
		if v, ok := m.get(n.key); ok {
			n.take(s, e, u, v)
		}
	}
	s.saidDescriptors(e, u, ev, m)
}

// saidState takes in READY=, RELOADING= and STOPPING=, of which the last one counts.
func (s *service) saidState(e *Engine, u *runUnit, m said) {
	for _, line := range slices.Backward(m) {
		switch line {
		case "READY=1":
			s.saidReady(e, u, m)
			return
		case "RELOADING=1":
			s.saidReloading(e, u, m)
			return
		case "STOPPING=1":
			s.saidStopping(e, u)
			return
		}
	}
}

// access says who may send messages. NotifyAccess=, NOTIFYACCESS=.
func (s *service) access(u *runUnit) unit.NotifyAccess {
	if s.AccessSaid || u.Def.Service == nil {
		return s.Access
	}
	return u.Def.Service.NotifyAccess
}

// listensTo reports whether NotifyAccess= lets the sender speak.
func (s *service) listensTo(e *Engine, u *runUnit, ev Notified) bool {
	main, control := u.procs.Main.PID, u.procs.Control.PID
	isMain := main != 0 && ev.PID == main
	who := "main PID " + itoa(main)
	switch s.access(u) {
	case unit.NotifyAll:
		return true
	case unit.NotifyMain:
		if isMain {
			return true
		}
		if main == 0 {
			who = "main PID which is currently not known"
		}
	case unit.NotifyExec:
		if isMain || control != 0 && ev.PID == control {
			return true
		}
		switch {
		case main == 0 && control == 0:
			who = "main PID and control PID which are currently not known"
		case main == 0:
			who = "control PID " + itoa(control)
		case control != 0:
			who += " and control PID " + itoa(control)
		}
	case unit.NotifyNone, unit.NotifyAccesses:
		e.log(Warning, u, "Got notification message from PID %d, but reception is disabled.", ev.PID)
		return false
	}
	e.log(Warning, u, "Got notification message from PID %d, but reception only permitted for %s",
		ev.PID, who)
	return false
}

// notices are what else a service can say, in the order in which it is taken in.
var notices = [...]struct {
	key  string
	take func(s *service, e *Engine, u *runUnit, v string)
}{
	{"STATUS", (*service).saidStatus},
	{"NOTIFYACCESS", (*service).saidAccess},
	{"ERRNO", (*service).saidErrno},
	{"BUSERROR", func(s *service, _ *Engine, _ *runUnit, v string) { s.BusError = v }},
	{"EXTEND_TIMEOUT_USEC", (*service).saidExtend},
	{"WATCHDOG", (*service).saidWatchdog},
	{"WATCHDOG_USEC", (*service).saidWatchdogSpan},
}

func (s *service) saidStatus(e *Engine, u *runUnit, v string) {
	s.StatusText = v
	e.emit(Changed{Unit: u.Name, Active: u.active().String(), Sub: u.subWord()})
}

// saidAccess counts until the next start.
func (s *service) saidAccess(e *Engine, u *runUnit, v string) {
	for a := range unit.NotifyAccesses {
		if a.String() == v {
			s.Access, s.AccessSaid = a, true
			return
		}
	}
	e.log(Warning, u, "Got NOTIFYACCESS=%s, which is not one of none, main, exec, all; ignored.", v)
}

// saidErrno takes a number or a name, as systemd does.
func (s *service) saidErrno(e *Engine, u *runUnit, v string) {
	if n, ok := linux.Errno(v); ok {
		s.Errno = n
	} else if n, err := value.ParseUint(v, 32); err == nil && n < 4096 {
		s.Errno = int(n)
	} else {
		e.log(Warning, u, "Got ERRNO=%s, which is no error number; ignored.", v)
	}
}

func (s *service) saidExtend(e *Engine, u *runUnit, v string) {
	if n, err := value.ParseUint(v, 64); err == nil {
		s.extend(e, u, value.Span(n))
	} else {
		e.log(Warning, u, "Got EXTEND_TIMEOUT_USEC=%s, which is no number; ignored.", v)
	}
}

func (s *service) saidWatchdog(e *Engine, u *runUnit, v string) {
	switch v {
	case "1":
		s.petWatchdog(e, u)
	case "trigger":
		last := s.StatusText
		if last == "" {
			last = "<unset>"
		}
		s.watchdogBit(e, u, "Watchdog request (last status: "+last+")!")
	default:
		e.log(Warning, u, "Got WATCHDOG=%s, which is neither 1 nor trigger; ignored.", v)
	}
}

// saidWatchdogSpan counts until the next start; 0 is no watchdog.
func (s *service) saidWatchdogSpan(e *Engine, u *runUnit, v string) {
	n, err := value.ParseUint(v, 64)
	if err != nil {
		e.log(Warning, u, "Got WATCHDOG_USEC=%s, which is no number; ignored.", v)
		return
	}
	s.Watchdog, s.WatchdogSaid = value.Span(n), true
	s.petWatchdog(e, u)
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
	switch s.Sub {
	case Start, StartPost, Running, Reload, ReloadSignal, ReloadNotify, Stop, StopSigterm:
	case Dead, Condition, StartPre, Exited, StopWatchdog, StopSigkill, StopPost, FinalWatchdog,
		FinalSigterm, FinalSigkill, Failed, AutoRestart, ServiceStates:
		return
	}
	n, err := value.ParseUint(text, 31)
	pid := int(n)
	others := len(e.pids[pid]) > 0 && !slices.Contains(e.pids[pid], u)
	switch {
	case err != nil || pid == 0:
		e.log(Warning, u, "Got MAINPID=%s, which is no process; ignored.", text)
		return
	case pid == u.procs.Main.PID && s.MainKnown, s.Idle, u.procs.Main.Op != 0:
		return // the last: a process of an earlier run, while the main process is started
	case ev.Unfit != "":
		e.log(Warning, u, "New main PID %d %s; ignored.", pid, ev.Unfit)
		return
	case pid == 1, pid == u.procs.Control.PID, (!ev.Ours || others) && !ev.Trusted:
		e.log(Warning, u, "New main PID %d does not belong to service; ignored.", pid)
		return
	}
	s.MainKnown, s.MainStarted = true, false
	e.adopt(u, pid)
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

func (s *service) saidReady(e *Engine, u *runUnit, m said) {
	s.Ready = notifyReady
	t := u.Def.Service.Type
	switch s.Sub {
	case Start:
		if t == unit.Notify || t == unit.NotifyReload {
			s.enterStartPost(e, u)
		}
	case ReloadNotify:
		s.enterRunning(e, u, ResultSuccess)
	case ReloadSignal: // begun and done, in one message
		if m.has("RELOADING=1") && s.answersSignal(m) {
			s.enterRunning(e, u, ResultSuccess)
		}
	case Reload:
		if !u.procs.Control.alive() {
			s.enterRunning(e, u, ResultSuccess)
		}
	case Dead, Condition, StartPre, StartPost, Running, Exited, Stop, StopWatchdog, StopSigterm,
		StopSigkill, StopPost, FinalWatchdog, FinalSigterm, FinalSigkill, Failed, AutoRestart,
		ServiceStates:
	}
}

// answersSignal reports that the message is later than ReloadSignal=, and so not
// about another reload. MONOTONIC_USEC=.
func (s *service) answersSignal(m said) bool {
	v, _ := m.get("MONOTONIC_USEC")
	at, err := value.ParseUint(v, 64)
	return err == nil && at >= s.Signalled
}

// saidReloading: the service reloads by itself, or has begun what it was asked for.
func (s *service) saidReloading(e *Engine, u *runUnit, m said) {
	s.Ready = notifyReloading
	switch s.Sub {
	case Running:
		for _, l := range u.Links(unit.PropagatesReloadTo) {
			if o := e.at(l.To); !o.active().Falling() {
				e.want(o, transaction.Reload, unit.Fail, e.cause)
			}
		}
		s.enter(e, u, ReloadNotify)
		e.arm(u, timerState, u.Def.Service.TimeoutStart)
	case ReloadSignal:
		if s.answersSignal(m) { // the time limit is that of the whole reload
			at := u.timers[timerState]
			s.enter(e, u, ReloadNotify)
			if at != nil {
				e.armAt(u, timerState, at.at)
			}
		}
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

// watchdogSetting is what WatchdogSec= or the service itself says; 0 and infinity
// are no watchdog.
func (s *service) watchdogSetting(u *runUnit) value.Span {
	if s.WatchdogSaid {
		return s.Watchdog
	}
	return u.Def.Service.Watchdog
}

// watchdogSpan is the watchdog's interval in force; 0 is none.
func (s *service) watchdogSpan(u *runUnit) value.Span {
	if w := s.watchdogSetting(u); w != value.Infinity {
		return w
	}
	return 0
}

// bites reports that the watchdog may end the service in this state. A service
// that has begun to say WATCHDOG=1 too early or goes on while it stops is held to it.
func (s *service) bites() bool {
	switch s.Sub {
	case Condition, StartPre, Start, StartPost, Running, Exited, Reload, ReloadSignal, ReloadNotify,
		Stop, StopSigterm:
		return true
	case Dead, StopWatchdog, StopSigkill, StopPost, FinalWatchdog, FinalSigterm, FinalSigkill, Failed,
		AutoRestart, ServiceStates:
	}
	return false
}

// petWatchdog starts the watchdog's interval anew. WatchdogSec=.
func (s *service) petWatchdog(e *Engine, u *runUnit) {
	w := s.watchdogSpan(u)
	if w == 0 || !s.bites() {
		e.disarm(u, timerWatchdog)
		s.Petted = value.Instant{}
		return
	}
	s.Petted = e.now
	e.arm(u, timerWatchdog, w)
}

// watchdogPassed: the service has not said WATCHDOG=1 in time.
func (s *service) watchdogPassed(e *Engine, u *runUnit) {
	limit := "(limit " + s.watchdogSpan(u).String() + ")!"
	if e.unwatched {
		e.log(Warning, u, "Watchdog disabled! Ignoring watchdog timeout %s", limit)
		return
	}
	s.watchdogBit(e, u, "Watchdog timeout "+limit)
}

func (s *service) watchdogBit(e *Engine, u *runUnit, text string) {
	if s.bites() && !e.unwatched {
		e.log(Err, u, "%s", text)
		s.enterSignal(e, u, StopWatchdog, ResultWatchdog)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
