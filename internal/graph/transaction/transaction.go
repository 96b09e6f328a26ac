// Package transaction turns one request (a job, a unit, a job mode) into a
// consistent set of jobs, or says why there is none. It changes nothing: it
// sees units and queued jobs through a View, so the same code answers what
// would happen and makes it happen. It answers for the job parts of
// systemctl(1) and systemd.unit(5).
package transaction

import (
	"fmt"
	"slices"
	"strings"

	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// View is what a transaction must know of the units as they are now.
type View interface {
	State(*graph.Node) graph.ActiveState
	// Queued tells of the job that waits or runs for the unit.
	Queued(*graph.Node) (t JobType, irreversible, ok bool)
	// CanReload reports whether a unit of this kind and definition can be reloaded.
	CanReload(*graph.Node) bool
	// Graph holds all units that are loaded.
	Graph() *graph.Graph
}

// Request is what is asked for.
type Request struct {
	Unit *graph.Node
	Type JobType
	Mode unit.JobMode
	// Auto is set for requests that the manager makes by itself, for which
	// RefuseManualStart= and RefuseManualStop= do not count.
	Auto bool
}

// Job is one job of a transaction.
type Job struct {
	Node *graph.Node
	Type JobType
	// Because is the dependency that pulled the job in; its To is the unit that has
	// it. The anchor job's To is nil.
	Because graph.Link

	matters     bool // failing it fails the anchor
	ignoreOrder bool
	by          []*need // who needs this job
	needs       []*need
	gone        bool

	visit uint32 // generation of the order check that saw it
	path  *Job   // who led there; itself at the start, nil once left
}

// need is one job's need of another.
type need struct {
	by, of             *Job
	matters, conflicts bool
	cut                bool
}

// Result is a consistent transaction.
type Result struct {
	Anchor *Job
	Jobs   []*Job // one per unit, sorted by unit name, the anchor included
	// Cancel lists the units whose queued jobs are cancelled first (isolate, flush).
	Cancel []*graph.Node
	// Dropped says in words what was left out and why (cycles, conflicts).
	Dropped []string
	// IgnoreOrder and Irreversible hold for all jobs of the transaction.
	IgnoreOrder, Irreversible bool
}

// Error says why there is no transaction. Name is the last part of systemd's
// D-Bus error name.
type Error struct {
	Name, Message string
	Detail        string // what belongs into the log; may be empty
}

func (e *Error) Error() string { return e.Message }

func fail(name, format string, args ...any) *Error {
	return &Error{Name: name, Message: fmt.Sprintf(format, args...)}
}

type builder struct {
	view   View
	mode   unit.JobMode
	jobs   map[*graph.Node][]*Job
	order  []*graph.Node // units in the order their first jobs came
	anchor *Job
	notes  []string
	gen    uint32
}

// Build makes the transaction for the request.
func Build(v View, req Request) (*Result, *Error) {
	t, err := check(v, req)
	if err != nil {
		return nil, err
	}
	b := &builder{view: v, mode: req.Mode, jobs: map[*graph.Node][]*Job{}}
	ignore := req.Mode == unit.IgnoreDependencies || req.Mode == unit.IgnoreRequirements
	_, err = b.add(t, req.Unit, nil, graph.Link{}, flags{
		matters: true, ignoreNeeds: ignore, ignoreOrder: req.Mode == unit.IgnoreDependencies,
	})
	if err != nil {
		return nil, err
	}
	switch req.Mode {
	case unit.Isolate:
		b.addIsolate()
	case unit.Triggering:
		b.addTriggering(req.Unit)
	case unit.Replace, unit.Fail, unit.ReplaceIrreversibly, unit.Flush, unit.IgnoreDependencies,
		unit.IgnoreRequirements, unit.JobModes:
	}
	if err = b.settle(); err != nil {
		return nil, err
	}
	return b.result(), nil
}

// check refuses what may not be asked for at all and picks the job type.
func check(v View, req Request) (JobType, *Error) {
	n, t := req.Unit, req.Type
	if t == ReloadOrRestart || t == ReloadOrTryRestart {
		reload := v.CanReload(n)
		switch {
		case t == ReloadOrRestart && reload:
			t = ReloadOrStart
		case t == ReloadOrRestart:
			t = Restart
		case reload:
			t = TryReload
		default:
			t = TryRestart
		}
	}
	collapsed := Collapse(t, v.State(n))
	if t == Stop && v.State(n) == graph.Inactive && (n.Def.Load == unit.NotFound ||
		n.Def.Load == unit.LoadFailed || n.Def.Load == unit.BadSetting) {
		return 0, fail("NoSuchUnit", "Unit %s not loaded.", n.Name)
	}
	d := n.Def
	if !req.Auto && (t == Start && d.RefuseManualStart || t == Stop && d.RefuseManualStop ||
		(t == Restart || t == TryRestart) && (d.RefuseManualStart || d.RefuseManualStop) ||
		t == ReloadOrStart && collapsed == Start && d.RefuseManualStart) {
		return 0, fail("OnlyByDependency", "Operation refused, unit %s may be requested by "+
			"dependency only (it is configured to refuse manual start/stop).", n.Name)
	}
	switch {
	case req.Mode == unit.Isolate && t != Start:
		return 0, fail("InvalidArgs", "Isolate is only valid for start.")
	case req.Mode == unit.Isolate && !n.Def.AllowIsolate:
		return 0, fail("NoIsolation", "Operation refused, unit may not be isolated.")
	case req.Mode == unit.Triggering && t != Stop:
		return 0, fail("InvalidArgs", "--job-mode=triggering is only valid for stop.")
	}
	return collapsed, nil
}

// Loadable refuses units that are not there to be started.
func Loadable(n *graph.Node) *Error {
	switch n.Def.Load {
	case unit.Loaded, unit.Merged:
		return nil
	case unit.NotFound, unit.Stub:
		return fail("NoSuchUnit", "Unit %s not found.", n.Name)
	case unit.BadSetting:
		return fail("BadUnitSetting", "Unit %s has a bad unit file setting.", n.Name)
	case unit.Masked:
		return fail("UnitMasked", "Unit %s is masked.", n.Name)
	case unit.LoadFailed, unit.LoadStates:
	}
	return fail("LoadFailed", "Unit %s failed to load properly, please adjust/correct and "+
		"reload service manager: %s", n.Name, n.Def.LoadError)
}

// applicable reports whether the job type makes sense for the unit.
func (b *builder) applicable(t JobType, n *graph.Node) bool {
	switch t {
	case Start, VerifyActive, Nop:
		return true
	case Stop:
		return !n.Def.Perpetual
	case Restart, TryRestart:
		return !n.Def.Perpetual && n.Def.Type != name.Device
	case Reload, TryReload, ReloadOrStart:
		return b.view.CanReload(n)
	case ReloadOrRestart, ReloadOrTryRestart, JobTypes:
	}
	return false
}

type flags struct {
	matters, conflicts, ignoreNeeds, ignoreOrder bool
}

const notApplicable = "JobTypeNotApplicable"

// add puts a job into the transaction, with all that it needs.
func (b *builder) add(t JobType, n *graph.Node, by *Job, why graph.Link, f flags) (*Job, *Error) {
	if t != Stop {
		if err := Loadable(n); err != nil {
			return nil, err
		}
	}
	if !b.applicable(t, n) {
		return nil, fail(notApplicable, "Job type %s is not applicable for unit %s.", t, n.Name)
	}
	j, fresh := b.job(t, n, why)
	j.ignoreOrder = j.ignoreOrder || f.ignoreOrder
	if by == nil {
		b.anchor = j
	} else {
		link := &need{by: by, of: j, matters: f.matters, conflicts: f.conflicts}
		by.needs = append(by.needs, link)
		j.by = append(j.by, link)
	}
	if !fresh || f.ignoreNeeds || t == Nop {
		return j, nil
	}
	return j, b.addNeeds(j, f)
}

func (b *builder) job(t JobType, n *graph.Node, why graph.Link) (j *Job, fresh bool) {
	jobs := b.jobs[n]
	for _, j := range jobs {
		if j.Type == t {
			return j, false
		}
	}
	j = &Job{Node: n, Type: t, Because: why}
	if jobs == nil {
		b.order = append(b.order, n)
	}
	b.jobs[n] = append(jobs, j)
	return j, true
}

// pull says what one kind of dependency adds to a transaction.
type pull struct {
	dep       unit.Dep
	add       JobType
	matters   bool
	conflicts bool
	optional  bool // an impossible job is left out
}

// startPulls, stopPulls and the like are systemd.unit(5)'s words about what
// happens when "this unit is started", "stopped", "restarted", "reloaded".
var (
	startPulls = [...]pull{
		{dep: unit.Requires, add: Start, matters: true},
		{dep: unit.BindsTo, add: Start, matters: true},
		{dep: unit.Wants, add: Start, optional: true},
		{dep: unit.Upholds, add: Start, optional: true},
		{dep: unit.Requisite, add: VerifyActive, matters: true},
		{dep: unit.Conflicts, add: Stop, matters: true, conflicts: true},
		{dep: unit.ConflictedBy, add: Stop, optional: true},
	}
	stopPulls = [...]pull{
		{dep: unit.RequiredBy, add: Stop, matters: true},
		{dep: unit.RequisiteOf, add: Stop, matters: true},
		{dep: unit.BoundBy, add: Stop, matters: true},
		{dep: unit.ConsistsOf, add: Stop, matters: true},
		{dep: unit.PropagatesStopTo, add: Stop, matters: true},
	}
	restartPulls = [...]pull{
		{dep: unit.RequiredBy, add: TryRestart, matters: true},
		{dep: unit.RequisiteOf, add: TryRestart, matters: true},
		{dep: unit.BoundBy, add: TryRestart, matters: true},
		{dep: unit.ConsistsOf, add: TryRestart, matters: true},
	}
	reloadPulls = [...]pull{{dep: unit.PropagatesReloadTo, add: TryReload, optional: true}}
)

func (b *builder) addNeeds(j *Job, f flags) *Error {
	var lists [2][]pull
	switch j.Type {
	case Start:
		lists[0] = startPulls[:]
	case Stop:
		lists[0] = stopPulls[:]
	case Restart:
		lists[0], lists[1] = startPulls[:], restartPulls[:]
	case Reload:
		lists[0] = reloadPulls[:]
	case VerifyActive, Nop, TryRestart, TryReload, ReloadOrStart, ReloadOrRestart,
		ReloadOrTryRestart, JobTypes:
	}
	for _, list := range lists {
		for _, p := range list {
			if err := b.follow(j, p, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow adds the jobs for one kind of dependency of j's unit.
func (b *builder) follow(j *Job, p pull, f flags) *Error {
	for _, l := range j.Node.Links(p.dep) {
		t := Collapse(p.add, b.view.State(l.To))
		if t == Nop {
			continue
		}
		why := l
		why.To = j.Node
		_, err := b.add(t, l.To, j, why, flags{
			matters: p.matters, conflicts: p.conflicts, ignoreOrder: f.ignoreOrder,
		})
		switch {
		case err == nil || err.Name == notApplicable:
		case p.optional:
			if err.Name != "NoSuchUnit" && err.Name != "UnitMasked" {
				b.note("%s %s=%s left out: %s", j.Node.Name, p.dep, l.To.Name, err.Message)
			}
		default:
			return err
		}
	}
	return nil
}

// addIsolate stops everything that is not part of the transaction.
func (b *builder) addIsolate() {
	for _, n := range b.view.Graph().Nodes() {
		if n.Def.IgnoreOnIsolate || b.jobs[n] != nil {
			continue
		}
		if _, _, queued := b.view.Queued(n); b.view.State(n).Down() && !queued {
			continue
		}
		if b.triggeredByKept(n) {
			continue
		}
		if _, err := b.add(Stop, n, b.anchor, graph.Link{}, flags{matters: true}); err != nil &&
			err.Name != notApplicable {
			b.note("isolate: cannot stop %s: %s", n.Name, err.Message)
		}
	}
}

// triggeredByKept reports whether a unit that stays triggers n.
func (b *builder) triggeredByKept(n *graph.Node) bool {
	for _, l := range n.Links(unit.TriggeredBy) {
		if l.To.Def.IgnoreOnIsolate {
			return true
		}
		for _, j := range b.jobs[l.To] {
			if j.Type != Stop {
				return true
			}
		}
	}
	return false
}

// addTriggering stops the units that would start n again.
func (b *builder) addTriggering(n *graph.Node) {
	for _, l := range n.Links(unit.TriggeredBy) {
		_, _, queued := b.view.Queued(l.To)
		if b.view.State(l.To).Down() && !queued || b.jobs[l.To] != nil {
			continue
		}
		if _, err := b.add(Stop, l.To, b.anchor, graph.Link{}, flags{matters: true}); err != nil {
			b.note("cannot stop %s, which triggers %s: %s", l.To.Name, n.Name, err.Message)
		}
	}
}

func (b *builder) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

// result lists what is left.
func (b *builder) result() *Result {
	r := &Result{
		Anchor: b.anchor, Dropped: b.notes,
		IgnoreOrder:  b.mode == unit.IgnoreDependencies,
		Irreversible: b.mode == unit.ReplaceIrreversibly,
	}
	for _, n := range b.order {
		r.Jobs = append(r.Jobs, b.jobs[n]...)
	}
	slices.SortStableFunc(r.Jobs, func(x, y *Job) int {
		return strings.Compare(x.Node.Name, y.Node.Name)
	})
	if b.mode == unit.Isolate || b.mode == unit.Flush {
		for _, n := range b.view.Graph().Nodes() {
			_, _, queued := b.view.Queued(n)
			if queued && len(b.jobs[n]) == 0 && !n.Def.IgnoreOnIsolate {
				r.Cancel = append(r.Cancel, n)
			}
		}
	}
	return r
}
