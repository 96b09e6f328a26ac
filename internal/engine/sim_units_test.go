package engine

import (
	"fmt"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// randomUnits makes a handful of units that depend on each other.
func (w *simWorld) randomUnits() {
	w.d.begin(&w.d.s.units)
	names := make([]string, 1+w.d.n(10))
	for i := range names {
		types := [...]string{
			"service", "service", "service", "service", "target", "socket", "mount", "timer", "path",
			"scope",
		}
		names[i] = fmt.Sprintf("u%d.%s", i, types[w.d.n(len(types))])
	}
	w.names = names
	for _, n := range names {
		w.d.begin(&w.d.s.units)
		w.defs = append(w.defs, w.randomUnit(n))
	}
	for _, d := range slices.Clone(w.defs) {
		if d.Socket != nil && !d.Socket.Accept && w.def(d.Socket.Service) == nil {
			w.d.begin(&w.d.s.units)
			w.defs = append(w.defs, w.randomUnit(d.Socket.Service))
		}
	}
}

func (w *simWorld) randomUnit(n string) *unit.Unit {
	d := &unit.Unit{
		Name: n, Type: name.TypeOf(n), Load: unit.Loaded,
		JobTimeout: value.Infinity, JobRunningTimeout: value.Infinity,
		FailureActionExitStatus: -1, SuccessActionExitStatus: -1,
		StartLimitInterval: 10 * value.Second, StartLimitBurst: 5,
		StopWhenUnneeded: w.d.chance(10), AllowIsolate: w.d.chance(25),
		OnFailureJobMode: unit.Replace, OnSuccessJobMode: unit.Fail,
	}
	if w.d.chance(12) {
		d.JobTimeout = value.Span(1+w.d.n(5)) * value.Second
	}
	if w.d.chance(6) {
		d.JobRunningTimeout = value.Span(1+w.d.n(5)) * value.Second
	}
	if w.d.chance(25) {
		d.Conditions = []unit.Condition{{Name: "PathExists", Param: "/x"}}
	}
	d.RefuseManualStart, d.RefuseManualStop = w.d.chance(5), w.d.chance(5)
	if w.d.chance(10) {
		d.Collect = unit.CollectInactiveOrFailed
	}
	w.randomEdges(d)
	switch d.Type {
	case name.Service:
		d.Kill = &unit.Kill{
			Mode: unit.KillMode(w.d.n(int(unit.KillModes))), Signal: value.SIGTERM,
			FinalSignal: value.SIGKILL, Watchdog: value.SIGABRT, SendSIGKILL: !w.d.chance(20),
		}
		d.Service = w.randomService()
	case name.Socket:
		w.randomSocket(d)
	case name.Mount:
		d.Kill = &unit.Kill{
			Signal: value.SIGTERM, FinalSignal: value.SIGKILL, SendSIGKILL: !w.d.chance(20),
		}
		d.Mount = &unit.Mount{What: "/dev/x", Where: "/x", Timeout: 5 * value.Second}
	case name.Timer:
		w.randomTimer(d)
	case name.Path:
		w.randomPath(d)
	case name.Scope:
		w.randomScope(d)
	case name.Target, name.Bad, name.Device, name.Automount, name.Swap,
		name.Slice, name.Types:
	}
	return d
}

func (w *simWorld) randomEdges(d *unit.Unit) {
	kinds := [...]unit.Dep{
		unit.After, unit.Before, unit.Wants, unit.Requires, unit.Requisite, unit.BindsTo,
		unit.PartOf, unit.Upholds, unit.Conflicts, unit.OnFailure, unit.OnSuccess,
		unit.PropagatesReloadTo, unit.PropagatesStopTo,
	}
	for range w.d.n(5) {
		kind, to := kinds[w.d.n(len(kinds))], w.names[w.d.n(len(w.names))]
		if kind == unit.Upholds && (name.TypeOf(to) == name.Timer || name.TypeOf(to) == name.Path) {
			continue // it could not be brought to rest
		}
		if to != d.Name {
			d.Edges = append(d.Edges, unit.Edge{Kind: kind, Name: to, File: "/" + d.Name, Line: 3})
		}
	}
}

func (w *simWorld) randomTimer(d *unit.Unit) {
	t := &unit.Timer{
		Unit: w.names[w.d.n(len(w.names))], Accuracy: value.Span(w.d.n(3)) * value.Second,
		RandomizedDelay: value.Span(w.d.n(2)) * value.Second, FixedRandomDelay: w.d.chance(20),
		OnClockChange: w.d.chance(15), OnTimezoneChange: w.d.chance(10), Persistent: w.d.chance(25),
		WakeSystem: w.d.chance(15), RemainAfterElapse: !w.d.chance(20),
	}
	for range 1 + w.d.n(3) {
		s := unit.TimerSpec{Base: unit.TimerBase(w.d.n(int(unit.TimerBases)))}
		if s.Base == unit.OnCalendar {
			c, err := value.ParseCalendar(pick(w.d, "minutely", "*:*:0/7", "2000-01-01"))
			if err != nil {
				panic(err)
			}
			s.Calendar = c
		} else {
			s.Span = value.Span(1+w.d.n(20)) * value.Second / 2
		}
		t.Specs = append(t.Specs, s)
	}
	d.Timer = t
	if t.Unit != d.Name {
		for _, k := range [...]unit.Dep{unit.Triggers, unit.Before} {
			d.Edges = append(d.Edges, unit.Edge{Kind: k, Name: t.Unit})
		}
	}
}

func (w *simWorld) randomPath(d *unit.Unit) {
	p := &unit.Path{
		Unit: w.names[w.d.n(len(w.names))], MakeDirectory: w.d.chance(20),
		TriggerLimitInterval: 2 * value.Second, TriggerLimitBurst: uint(1 + w.d.n(5)),
	}
	for range 1 + w.d.n(3) {
		kind := unit.PathKind(w.d.n(int(unit.PathKinds)))
		p.Specs = append(p.Specs, unit.PathSpec{Kind: kind, Path: "/x"})
	}
	d.Path = p
	if p.Unit != d.Name {
		for _, k := range [...]unit.Dep{unit.Triggers, unit.Before} {
			d.Edges = append(d.Edges, unit.Edge{Kind: k, Name: p.Unit})
		}
	}
}

func (w *simWorld) randomSocket(d *unit.Unit) {
	d.Kill = &unit.Kill{Signal: value.SIGTERM, FinalSignal: value.SIGKILL, SendSIGKILL: true}
	d.Socket = &unit.Socket{
		Timeout: 90 * value.Second, TriggerLimitInterval: 2 * value.Second, TriggerLimitBurst: 20,
		MaxConnections: 1 + uint(w.d.n(4)), Accept: w.d.chance(25), FlushPending: w.d.chance(10),
	}
	for k := range d.Socket.Commands {
		d.Socket.Commands[k] = w.randomCommands(20)
	}
	if d.Socket.Accept {
		return
	}
	d.Socket.Service = strings.TrimSuffix(d.Name, "socket") + "service"
	for _, k := range [...]unit.Dep{unit.Triggers, unit.Before} {
		d.Edges = append(d.Edges, unit.Edge{Kind: k, Name: d.Socket.Service})
	}
}

func (w *simWorld) randomService() *unit.Service {
	seconds := func() value.Span { return value.Span(1+w.d.n(20)) * value.Second }
	s := &unit.Service{
		Type:         unit.ServiceType(w.d.n(int(unit.ServiceTypes))),
		TimeoutStart: seconds(), TimeoutStop: seconds(), TimeoutAbort: seconds(),
		RuntimeMax: value.Infinity, GuessMainPID: w.d.chance(50), RemainAfterExit: w.d.chance(33),
		NotifyAccess: unit.NotifyAccess(w.d.n(int(unit.NotifyAccesses))), ReloadSignal: value.SIGHUP,
		TimeoutStopFailureMode:  unit.TimeoutFailureMode(w.d.n(int(unit.TimeoutFailureModes))),
		TimeoutStartFailureMode: unit.TimeoutFailureMode(w.d.n(int(unit.TimeoutFailureModes))),
		ExitType:                unit.ExitType(w.d.n(int(unit.ExitTypes))),
	}
	if w.d.chance(50) {
		s.Restart = unit.Restart(w.d.n(int(unit.Restarts)))
		s.RestartDelay = value.Span(w.d.n(3)) * 100 * value.Millisecond
		s.RestartMode = unit.RestartMode(w.d.n(int(unit.RestartModes)))
		s.RestartSteps, s.RestartMaxDelay = uint(w.d.n(3)), value.Second
	}
	if w.d.chance(33) {
		s.FileDescriptorStoreMax = uint(1 + w.d.n(3))
		s.FileDescriptorStorePreserve = unit.Preserve(w.d.n(int(unit.Preserves)))
	}
	s.OOMPolicy = unit.OOMPolicy(w.d.n(int(unit.OOMPolicies)))
	if s.Type == unit.DBus {
		s.BusName = "org.example.x"
	}
	if s.Type == unit.Forking && w.d.chance(50) {
		s.PIDFile = "/run/x.pid"
	}
	if w.d.chance(20) {
		s.Watchdog = 3 * value.Second
	}
	if w.d.chance(16) {
		s.RuntimeMax = 5 * value.Second
	}
	for k := range s.Commands {
		s.Commands[k] = w.randomCommands(30)
	}
	start := &s.Commands[unit.ExecStart]
	if s.Type == unit.Oneshot {
		*start = w.randomCommands(90)
	}
	if s.Type != unit.Oneshot {
		*start = []value.Command{{Path: "/bin/x", Argv: []string{"/bin/x"}}}
	}
	return s
}

func (w *simWorld) randomCommands(percent int) []value.Command {
	var list []value.Command
	for len(list) < 3 && w.d.chance(percent) {
		c := value.Command{Path: "/bin/x", Argv: []string{"/bin/x"}}
		if w.d.chance(20) {
			c.Flags = value.IgnoreFailure
		}
		list = append(list, c)
		percent /= 2
	}
	return list
}

// describe is the unit as somebody would write it who wants to see it fail.
func describe(d *unit.Unit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s --", d.Name)
	for _, e := range d.Edges {
		fmt.Fprintf(&b, " %s=%s", e.Kind, e.Name)
	}
	if len(d.Conditions) > 0 {
		b.WriteString(" ConditionPathExists=/x")
	}
	if d.StopWhenUnneeded {
		b.WriteString(" StopWhenUnneeded=yes")
	}
	for _, limit := range [...]value.Span{d.JobTimeout, d.JobRunningTimeout} {
		if limit != value.Infinity {
			fmt.Fprintf(&b, " a job's limit=%s", limit)
		}
	}
	if s := d.Socket; s != nil {
		fmt.Fprintf(&b, " Accept=%t MaxConnections=%d", s.Accept, s.MaxConnections)
		for k, list := range s.Commands {
			if len(list) > 0 {
				fmt.Fprintf(&b, " %s×%d", unit.SocketExecKind(k), len(list))
			}
		}
	}
	if p := d.Path; p != nil {
		fmt.Fprintf(&b, " Unit=%s %v TriggerLimitBurst=%d", p.Unit, p.Specs, p.TriggerLimitBurst)
	}
	if s := d.Service; s != nil {
		fmt.Fprintf(&b, " Type=%s Restart=%s KillMode=%s SendSIGKILL=%t", s.Type, s.Restart,
			d.Kill.Mode, d.Kill.SendSIGKILL)
		fmt.Fprintf(&b, " TimeoutStart=%s TimeoutStop=%s Watchdog=%s RuntimeMax=%s", s.TimeoutStart,
			s.TimeoutStop, s.Watchdog, s.RuntimeMax)
		fmt.Fprintf(&b, " ExitType=%s RemainAfterExit=%t NotifyAccess=%s PIDFile=%s GuessMainPID=%t",
			s.ExitType, s.RemainAfterExit, s.NotifyAccess, s.PIDFile, s.GuessMainPID)
		for k, list := range s.Commands {
			if len(list) > 0 {
				fmt.Fprintf(&b, " %s×%d", unit.ExecKind(k), len(list))
			}
		}
	}
	return b.String()
}
