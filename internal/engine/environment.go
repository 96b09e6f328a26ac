package engine

import (
	"slices"
	"strconv"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Trigger is what a unit was started for by another one. The first one counts until
// the unit is down with nothing to bring it back. systemd.exec(5), $TRIGGER_UNIT.
type Trigger struct {
	Unit string        `json:",omitzero"`
	Path string        `json:",omitzero"` // that a path unit has seen
	Time value.Instant `json:",omitzero"` // at which a timer elapsed
}

// environment gives the variables that tell a process of it.
func (t *Trigger) environment() []string {
	if t == nil {
		return nil
	}
	env := []string{"TRIGGER_UNIT=" + t.Unit}
	if t.Path != "" {
		env = append(env, "TRIGGER_PATH="+t.Path)
	}
	if !t.Time.IsZero() {
		env = append(env,
			"TRIGGER_TIMER_REALTIME_USEC="+strconv.FormatUint(t.Time.Real, 10),
			"TRIGGER_TIMER_MONOTONIC_USEC="+strconv.FormatUint(t.Time.Mono, 10))
	}
	return env
}

// details gives it as the property ActivationDetails has it.
func (t *Trigger) details() []any {
	list := []any{}
	if t == nil {
		return list
	}
	list = append(list, []any{"trigger_unit", t.Unit})
	if t.Path != "" {
		list = append(list, []any{"trigger_path", t.Path})
	}
	if !t.Time.IsZero() {
		list = append(list,
			[]any{"trigger_timer_realtime_usec", strconv.FormatUint(t.Time.Real, 10)},
			[]any{"trigger_timer_monotonic_usec", strconv.FormatUint(t.Time.Mono, 10)})
	}
	return list
}

// settleTrigger forgets what a unit was started for once it is down for good.
func (u *runUnit) settleTrigger() {
	if u.job == nil && u.active().Down() {
		u.trigger = nil
	}
}

// dress adds to a Spawn what a service's processes are given. systemd.exec(5),
// "Environment Variables Set or Propagated by the Service Manager".
func (s *service) dress(e *Engine, u *runUnit, fx *Spawn) {
	def := u.Def.Service
	fx.Env = append(fx.Env, u.trigger.environment()...)
	if m := u.procs.Main.PID; m != 0 && fx.Control {
		fx.Env = append(fx.Env, "MAINPID="+itoa(m))
	}
	if def.PIDFile != "" {
		fx.Env = append(fx.Env, "PIDFILE="+def.PIDFile)
	}
	if most := def.FileDescriptorStoreMax; most > 0 {
		fx.Env = append(fx.Env, "FDSTORE="+strconv.FormatUint(uint64(most), 10))
	}
	fx.Env = append(fx.Env, s.ConnEnv...)
	if def.RestartMode == unit.RestartDebug && s.Restarts > 0 {
		fx.Env = append(fx.Env, "DEBUG_INVOCATION=1")
	}
	access := s.access(u)
	if s.Sub == Start || u.Def.Exec.OnSocket() {
		if fx.Conn = s.Conn; s.Conn == 0 {
			fx.Sockets = e.socketsOf(u)
		}
	}
	fx.Notify = access == unit.NotifyAll || access == unit.NotifyExec ||
		access == unit.NotifyMain && !fx.Control
	switch s.Sub {
	case Stop, StopPost:
		fx.Env = append(fx.Env, s.outcome(u, "")...)
	case StartPre:
		fx.Env = append(fx.Env, e.monitored(u)...)
	case Start:
		fx.Env = append(fx.Env, e.monitored(u)...)
		fx.Watchdog = s.watchdogSetting(u) // as it stands, infinity too
		fx.Stored = slices.Clone(s.Stored)
	case Dead, Condition, StartPost, Running, Exited, Reload, ReloadSignal, ReloadNotify, StopWatchdog,
		StopSigterm, StopSigkill, FinalWatchdog, FinalSigterm, FinalSigkill, Failed, AutoRestart,
		ServiceStates:
	}
}

// outcome tells how the service fared: SERVICE_RESULT=, and, if its main process has
// ended, EXIT_CODE= and EXIT_STATUS=. The names begin with prefix.
func (s *service) outcome(u *runUnit, prefix string) []string {
	env := []string{prefix + "SERVICE_RESULT=" + s.Result.String()}
	st := s.Invoked
	if !s.MainKnown || st.Code == 0 || u.procs.Main.PID != 0 {
		return env
	}
	code, status := "exited", itoa(st.Status)
	switch st.Code {
	case ByExit:
	case BySignal:
		code, status = "killed", signalWord(st.Status)
	case ByDump:
		code, status = "dumped", signalWord(st.Status)
	}
	return append(env, prefix+"EXIT_CODE="+code, prefix+"EXIT_STATUS="+status)
}

// monitored tells of the service that names u in OnFailure= or OnSuccess=, whether
// that has started u or not. Of several nothing is told.
func (e *Engine) monitored(u *runUnit) []string {
	links := slices.Concat(u.Links(unit.OnFailureOf), u.Links(unit.OnSuccessOf))
	switch len(links) {
	case 0:
		return nil
	case 1:
	default:
		e.log(Warning, u, "Several units could have triggered it (%s, %s); telling of none.",
			links[0].To.Name, links[1].To.Name)
		return nil
	}
	o := e.at(links[0].To)
	if o == nil || o.svc == nil {
		return nil
	}
	env := o.svc.outcome(o, "MONITOR_")
	if o.invocation != "" {
		env = append(env, "MONITOR_INVOCATION_ID="+o.invocation)
	}
	return append(env, "MONITOR_UNIT="+o.Name)
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
