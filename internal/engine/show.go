package engine

import (
	"encoding/hex"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Status is a unit's state in brief.
type Status struct {
	Name, Description string
	Load              unit.LoadState
	Active, Sub       string
	JobID             uint32
	JobType           string
	MainPID           int
	ControlPID        int
	Invocation        string
}

// Units lists all loaded units, sorted by name.
func (e *Engine) Units() []Status {
	nodes := e.g.Nodes()
	list := make([]Status, 0, len(nodes))
	for _, n := range nodes {
		list = append(list, e.at(n).brief())
	}
	return list
}

// Unit gives a unit's state in brief, by any of its names.
func (e *Engine) Unit(name string) (Status, bool) {
	u := e.unit(name)
	if u == nil {
		return Status{}, false
	}
	return u.brief(), true
}

// Definition is the definition of a loaded unit; nil if it is not loaded.
func (e *Engine) Definition(name string) *unit.Unit {
	if u := e.unit(name); u != nil {
		return u.Def
	}
	return nil
}

func (u *runUnit) brief() Status {
	s := Status{
		Name: u.Name, Description: u.describe(), Load: u.Def.Load, Active: u.active().String(),
		Sub: u.subWord(), MainPID: u.procs.Main.PID, ControlPID: u.procs.Control.PID,
		Invocation: u.invocation,
	}
	if j := u.anyJob(); j != nil {
		s.JobID, s.JobType = j.id, j.t.String()
	}
	return s
}

func (u *runUnit) describe() string {
	if u.Def.Description != "" {
		return u.Def.Description
	}
	return u.Name
}

func (u *runUnit) anyJob() *job {
	if u.job != nil {
		return u.job
	}
	return u.nop
}

// QueuedJob is a job that waits or runs.
type QueuedJob struct {
	ID         uint32
	Unit, Type string
	Running    bool
}

// Jobs lists the queued jobs by ID.
func (e *Engine) Jobs() []QueuedJob {
	list := make([]QueuedJob, 0, len(e.jobs))
	for _, j := range e.jobs {
		list = append(list, QueuedJob{j.id, j.u.Name, j.t.String(), j.running})
	}
	slices.SortFunc(list, func(a, b QueuedJob) int { return int(a.ID) - int(b.ID) })
	return list
}

// Counts gives the numbers of units, of jobs and of failed units.
func (e *Engine) Counts() (units, jobs, failed int) {
	for _, u := range e.units {
		if u != nil {
			units++
		}
	}
	return units, len(e.jobs), e.failed
}

// Awaits names the unit whose main or control process it is; "" if it is none's.
func (e *Engine) Awaits(pid int) string {
	if u := e.pids[pid]; u != nil {
		return u.Name
	}
	return ""
}

// Ending names the target that ends everything; "" while nothing has been asked.
func (e *Engine) Ending() string { return e.ending }

// Properties gives all properties of a unit, those of its definition and those
// of its state, sorted by name. org.freedesktop.systemd1(5).
func (e *Engine) Properties(name string) []directive.Property {
	u := e.unit(name)
	if u == nil {
		return nil
	}
	state := e.stateProperties(u)
	slices.SortStableFunc(state, byName)
	all := state
	for _, p := range directive.Properties(u.Def) {
		if _, ok := slices.BinarySearchFunc(state, p, byName); !ok {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, byName)
	return all
}

func byName(a, b directive.Property) int { return strings.Compare(a.Name, b.Name) }

// props collects properties.
type props []directive.Property

func (p *props) add(name, kind string, v any) {
	*p = append(*p, directive.Property{Name: name, Type: kind, Value: v})
}

func (p *props) text(name, v string)      { p.add(name, "s", v) }
func (p *props) flag(name string, v bool) { p.add(name, "b", v) }

func (p *props) stamp(name string, i value.Instant) {
	p.add(name, "t", i.Real)
	p.add(name+"Monotonic", "t", i.Mono)
}

func (e *Engine) stateProperties(u *runUnit) props {
	var p props
	e.identity(u, &p)
	for kind := unit.Dep(0); kind < unit.Deps; kind++ {
		if kind == unit.InSlice {
			continue
		}
		names := []string{}
		for _, l := range u.Links(kind) {
			names = append(names, l.To.Name)
		}
		p.add(kind.String(), "as", names)
	}
	p.stamp("StateChangeTimestamp", u.times[stampState])
	p.stamp("InactiveExitTimestamp", u.times[stampInactiveExit])
	p.stamp("ActiveEnterTimestamp", u.times[stampActiveEnter])
	p.stamp("ActiveExitTimestamp", u.times[stampActiveExit])
	p.stamp("InactiveEnterTimestamp", u.times[stampInactiveEnter])
	p.flag("ConditionResult", u.condition.OK)
	p.flag("AssertResult", u.assert.OK)
	p.stamp("ConditionTimestamp", u.condition.At)
	p.stamp("AssertTimestamp", u.assert.At)
	p.add("Conditions", "a(sbbsi)", conditions("Condition", u.Def.Conditions, u.condition))
	p.add("Asserts", "a(sbbsi)", conditions("Assert", u.Def.Asserts, u.assert))
	switch {
	case u.svc != nil:
		e.serviceProperties(u, &p)
	case u.sock != nil:
		s := u.sock
		p.text("Result", s.Result.String())
		p.add("NConnections", "u", uint32(s.Connections))
		p.add("NAccepted", "u", uint32(s.Accepted))
		p.add("NRefused", "u", uint32(s.Refused))
		p.add("ControlPID", "u", uint32(u.procs.Control.PID))
	case u.mnt != nil:
		u.mnt.properties(u, &p)
	case u.tim != nil && u.Def.Timer != nil:
		u.tim.properties(u, &p)
	}
	return p
}

func (e *Engine) identity(u *runUnit, p *props) {
	d := u.Def
	p.text("Id", u.Name)
	p.add("Names", "as", append([]string{u.Name}, d.Names...))
	p.text("Following", "")
	p.text("Description", u.describe())
	p.text("LoadState", d.Load.String())
	p.text("ActiveState", u.active().String())
	p.text("SubState", u.subWord())
	p.text("FreezerState", "running")
	p.text("FragmentPath", d.Fragment)
	p.add("DropInPaths", "as", append([]string{}, d.DropIns...))
	startable := d.Load == unit.Loaded &&
		(d.Type == name.Service || d.Type == name.Socket || d.Type == name.Target ||
			d.Type == name.Mount || d.Type == name.Timer)
	p.flag("CanStart", startable && !d.RefuseManualStart)
	p.flag("CanStop", !d.Perpetual && !d.RefuseManualStop)
	p.flag("CanReload", u.canReload())
	p.flag("CanIsolate", startable && d.AllowIsolate && !d.RefuseManualStart)
	p.flag("CanFreeze", false)
	p.add("CanClean", "as", []string{})
	p.flag("Transient", false)
	p.flag("Perpetual", d.Perpetual)
	p.add("Markers", "as", []string{})
	p.add("Refs", "as", []string{})
	p.add("ActivationDetails", "a(ss)", u.trigger.details())
	job := []any{uint32(0), "/"}
	if j := u.anyJob(); j != nil {
		job = []any{j.id, "/org/freedesktop/systemd1/job/" + itoa(int(j.id))}
	}
	p.add("Job", "(uo)", job)
	loadError := []any{"", ""}
	if d.Load != unit.Loaded && d.Load != unit.Masked {
		loadError = []any{"org.freedesktop.systemd1." + loadErrors[d.Load], d.LoadError}
	}
	p.add("LoadError", "(ss)", loadError)
	id, err := hex.DecodeString(u.invocation)
	if err != nil || id == nil {
		id = []byte{}
	}
	p.add("InvocationID", "ay", id)
}

var loadErrors = [unit.LoadStates]string{
	unit.Stub: "NoSuchUnit", unit.NotFound: "NoSuchUnit", unit.BadSetting: "BadUnitSetting",
	unit.LoadFailed: "LoadFailed", unit.Merged: "LoadFailed", unit.Masked: "UnitMasked",
}

// conditions lists conditions, the last one first as systemd has it, with their
// results: 1 holds, -1 does not, 0 untested.
func conditions(prefix string, list []unit.Condition, t tests) []any {
	all := []any{}
	for i, c := range slices.Backward(list) {
		result := int32(0)
		if i < len(t.Results) {
			result = -1
			if t.Results[i] {
				result = 1
			}
		}
		all = append(all, []any{prefix + c.Name, c.Trigger, c.Negate, c.Param, result})
	}
	return all
}

func (e *Engine) serviceProperties(u *runUnit, p *props) {
	s, m := u.svc, u.procs.Main
	p.add("MainPID", "u", uint32(m.PID))
	p.add("ControlPID", "u", uint32(u.procs.Control.PID))
	p.text("StatusText", s.StatusText)
	p.add("StatusErrno", "i", int32(s.Errno))
	p.text("Result", s.Result.String())
	p.text("ReloadResult", s.Reloaded.String())
	p.text("CleanResult", ResultSuccess.String())
	p.add("NRestarts", "u", uint32(s.Restarts))
	p.add("NFileDescriptorStore", "u", uint32(len(s.Stored)))
	p.stamp("ExecMainStartTimestamp", m.Status.Start)
	p.stamp("ExecMainExitTimestamp", m.Status.End)
	p.add("ExecMainPID", "u", uint32(m.Status.PID))
	p.add("ExecMainCode", "i", int32(m.Status.Code))
	p.add("ExecMainStatus", "i", int32(m.Status.Status))
	p.stamp("WatchdogTimestamp", s.Petted)
	p.text("NotifyAccess", s.access(u).String())
	if s.BusError != "" { // since 257
		p.text("StatusBusError", s.BusError)
	}
	watchdog := s.watchdogSetting(u)
	if u.times[stampInactiveExit] == (value.Instant{}) {
		watchdog = value.Infinity // none is in force before the first start
	}
	p.add("WatchdogUSec", "t", uint64(watchdog))
	for kind, list := range u.Def.Service.Commands {
		plain, full := commandStatus(list, s.Ran[kind], u.procs, unit.ExecKind(kind).String())
		p.add(unit.ExecKind(kind).String(), "a(sasbttttuii)", plain)
		p.add(unit.ExecKind(kind).String()+"Ex", "a(sasasttttuii)", full)
	}
}

// commandStatus lists commands with the times and results of their last run.
func commandStatus(
	list []value.Command, ran []procStatus, now procs, kind string,
) (plain, full []any) {
	plain, full = []any{}, []any{}
	for i, c := range list {
		var st procStatus
		if i < len(ran) {
			st = ran[i]
		}
		for _, p := range [...]proc{now.Main, now.Control} {
			if p.PID != 0 && p.current != nil && p.Kind == kind && p.Index == i {
				st = p.Status
			}
		}
		rest := []any{
			st.Start.Real, st.Start.Mono, st.End.Real, st.End.Mono, uint32(st.PID),
			int32(st.Code), int32(st.Status),
		}
		flags := c.Flags.FlagNames()
		if flags == nil {
			flags = []string{}
		}
		plain = append(plain, append([]any{c.Path, c.Argv, c.Flags&value.IgnoreFailure != 0}, rest...))
		full = append(full, append([]any{c.Path, c.Argv, flags}, rest...))
	}
	return plain, full
}
