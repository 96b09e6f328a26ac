package engine

import (
	"slices"

	"rouse/internal/unit"
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

// EachUnit gives the state of each loaded unit to f, in no order.
func (e *Engine) EachUnit(f func(*Status)) {
	var s Status
	for _, u := range e.units {
		if u != nil {
			s = u.brief()
			f(&s)
		}
	}
}

// Unit gives a unit's state in brief, by any of its names.
func (e *Engine) Unit(name string) (Status, bool) {
	u := e.unit(name)
	if u == nil {
		return Status{}, false
	}
	return u.brief(), true
}

// Joined lists the units whose namespaces a unit shares, by JoinsNamespaceOf= of either.
func (e *Engine) Joined(name string) (list []string) {
	u := e.unit(name)
	if u == nil {
		return nil
	}
	for _, l := range u.Links(unit.JoinsNamespaceOf) {
		list = append(list, l.To.Name)
	}
	return list
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
	Details    []any // keys and values: which unit asked for it
}

// Jobs lists the queued jobs by ID.
func (e *Engine) Jobs() []QueuedJob {
	list := make([]QueuedJob, 0, len(e.jobs))
	for _, j := range e.jobs {
		list = append(list, j.brief())
	}
	slices.SortFunc(list, func(a, b QueuedJob) int { return int(a.ID) - int(b.ID) })
	return list
}

// Job finds a queued job.
func (e *Engine) Job(id uint32) (QueuedJob, bool) {
	j := e.jobs[id]
	if j == nil {
		return QueuedJob{}, false
	}
	return j.brief(), true
}

func (j *job) brief() QueuedJob {
	return QueuedJob{j.id, j.u.Name, j.t.String(), j.running, j.trigger.details()}
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

// Failed counts the failed units.
func (e *Engine) Failed() int { return e.failed }

// Awaits names the unit whose main or control process it is; "" if it is none's.
func (e *Engine) Awaits(pid int) string {
	if units := e.pids[pid]; len(units) > 0 {
		return units[0].Name
	}
	return ""
}

// UnitByInvocation names the unit that an invocation ID is of; "" if it is none's.
func (e *Engine) UnitByInvocation(id string) string {
	for _, u := range e.units {
		if u != nil && u.invocation == id {
			return u.Name
		}
	}
	return ""
}

// Ending names the target that ends everything; "" while nothing has been asked.
func (e *Engine) Ending() string { return e.ending }
