package manager

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Plan implements face.Manager.
func (m *Manager) Plan(
	ctx context.Context, req face.JobRequest,
) (list []face.PlannedJob, err error) {
	var bad *face.Error
	err = m.callReady(ctx, func() {
		ev, e := m.prepare(req)
		if e != nil {
			bad = e
			return
		}
		res, refused := m.e.Plan(ev)
		if refused != nil {
			bad = faceError(refused)
			return
		}
		list = m.planned(res)
	})
	if bad != nil {
		return nil, bad
	}
	return list, err
}

// planned puts the jobs of a transaction in the order they would run in.
func (m *Manager) planned(res *transaction.Result) []face.PlannedJob {
	before := predecessors(res.Jobs)
	var list []face.PlannedJob
	done := map[*transaction.Job]bool{}
	var visit func(j *transaction.Job)
	visit = func(j *transaction.Job) {
		if done[j] {
			return
		}
		done[j] = true
		for _, b := range before[j] {
			visit(b)
		}
		p := face.PlannedJob{
			Unit: j.Node.Name, Type: j.Type.String(), Because: because(j), Effect: m.effect(j, res),
		}
		for _, b := range before[j] {
			p.After = append(p.After, b.Node.Name)
		}
		list = append(list, p)
	}
	for _, n := range res.Cancel {
		list = append(list, face.PlannedJob{
			Unit: n.Name, Type: "cancel", Because: "the job mode", Effect: "cancels the queued job",
		})
	}
	for _, j := range res.Jobs {
		visit(j)
	}
	return list
}

// predecessors finds for each job those that must be done first, by name.
func predecessors(jobs []*transaction.Job) map[*transaction.Job][]*transaction.Job {
	before := map[*transaction.Job][]*transaction.Job{}
	for _, j := range jobs {
		for _, o := range jobs {
			after := j.Node.Has(unit.After, o.Node) && transaction.Comes(o.Type, j.Type) < 0
			prior := j.Node.Has(unit.Before, o.Node) && transaction.Comes(j.Type, o.Type) > 0
			if j != o && (after || prior) {
				before[j] = append(before[j], o)
			}
		}
	}
	return before
}

func because(j *transaction.Job) string {
	l := j.Because
	if l.To == nil {
		return "requested"
	}
	s := fmt.Sprintf("%s %s=%s", l.To.Name, l.Kind, j.Node.Name)
	if l.File != "" {
		s += fmt.Sprintf(" (%s:%d)", l.File, l.Line)
	}
	return s
}

func (m *Manager) effect(j *transaction.Job, res *transaction.Result) string {
	s, _ := m.e.Unit(j.Node.Name)
	switch {
	case s.JobID != 0 && s.JobType != j.Type.String():
		return fmt.Sprintf("%s; replaces or joins queued %s job %d", j.Type, s.JobType, s.JobID)
	case s.JobID != 0:
		return fmt.Sprintf("none: %s job %d is queued already", s.JobType, s.JobID)
	case j.Type == transaction.Start && (s.Active == "active" || s.Active == "reloading"):
		return "none: already active"
	case j.Type == transaction.Stop && (s.Active == "inactive" || s.Active == "failed"):
		return "none: not active"
	case j.Type == transaction.Nop:
		return "none"
	}
	return j.Type.String()
}

// Reload implements face.Manager.
func (m *Manager) Reload(ctx context.Context, dry bool) (report face.ReloadReport, err error) {
	if dry {
		err = m.callReady(ctx, func() { report = m.reload(true) })
		return report, err
	}
	done := make(chan face.ReloadReport, 1)
	leaving := false
	err = m.call(ctx, func() {
		if leaving = m.departure.asked; !leaving {
			m.regenerate(func() { done <- m.reload(false) })
		}
	})
	switch {
	case err != nil:
		return report, err
	case leaving: // the next manager reads everything
		return report, face.ErrSuspended
	}
	select {
	case report = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-m.ctx.Done():
		err = errEnded
	}
	return report, err
}

// reload reads all files again. Units in use that have vanished keep what they have.
func (m *Manager) reload(dry bool) (r face.ReloadReport) {
	old := map[string]*unit.Unit{}
	var names []string
	for _, s := range m.e.Units() {
		old[s.Name] = m.e.Definition(s.Name)
		names = append(names, s.Name)
	}
	if !dry {
		m.reached(unitsLoadAgain)
		r.Faults = append(r.Faults, m.reconfigure()...)
	}
	m.cfg.Loader.Refresh()
	m.files = nil
	units := m.cfg.Loader.Closure(names, nil)
	found := map[string]bool{}
	for i, u := range units {
		found[u.Name] = true
		r.Faults = append(r.Faults, u.Faults...)
		switch was := old[u.Name]; {
		case was == nil:
			r.Added = append(r.Added, u.Name)
		case was.Load != unit.NotFound && u.Load == unit.NotFound:
			r.Removed = append(r.Removed, u.Name)
		case !reflect.DeepEqual(was, u):
			r.Changed = append(r.Changed, u.Name)
		default:
			units[i] = was // so that nobody need look for what is new
		}
	}
	for _, n := range slices.Sorted(maps.Keys(old)) {
		if !found[n] {
			r.Removed = append(r.Removed, n)
		}
	}
	if dry {
		return r
	}
	m.logf(engine.Info, "", "Reloading.")
	m.publish(face.Event{Kind: "reloading"})
	m.logFaults(units)
	m.step(engine.Loaded{Units: units, Reload: true})
	m.controlAgain(func(*unit.Unit) bool { return true }, func() {})
	m.observed(face.Event{Kind: "reloaded"})
	m.relax()
	return r
}

// reconfigure reads system.conf again, for the defaults of units that are read afterwards:
// in the place of the former ones, where the loader has them, too. systemd-system.conf(5).
func (m *Manager) reconfigure() []unit.Fault {
	if m.cfg.Reread == nil {
		return nil
	}
	conf, faults := m.cfg.Reread()
	*m.cfg.Conf = *conf
	return faults
}
