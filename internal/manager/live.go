package manager

import (
	"context"
	"iter"
	"slices"

	"rouse/internal/engine"
	"rouse/internal/face"
)

var _ face.Live = (*Manager)(nil)

// Observe implements face.Live. It must be called before Run.
func (m *Manager) Observe(f func(face.View, face.Event)) { m.observers = append(m.observers, f) }

// observed tells the observers of an event.
func (m *Manager) observed(ev face.Event) {
	m.told = true
	for _, f := range m.observers {
		f(view{m}, ev)
	}
}

// settled tells the observers that what led to events has been dealt with.
func (m *Manager) settled() {
	if m.told {
		m.observed(face.Event{Kind: "settled"})
		m.told = false
	}
}

// announce tells of units that are new in memory.
func (m *Manager) announce(ev engine.Loaded) {
	for _, u := range ev.Units {
		if !m.announced[u.Name] && m.e.Definition(u.Name) != nil {
			m.announced[u.Name] = true
			m.publish(face.Event{Kind: "unit-new", Unit: u.Name})
		}
	}
}

// dropLoose forgets units that were loaded to be looked at, and that nothing needs.
func (m *Manager) dropLoose() {
	for len(m.loose) > 0 {
		unit := m.loose[0]
		m.loose = m.loose[1:]
		m.step(engine.Pinned{Unit: unit, On: false})
	}
	m.loose = nil
}

// unitGone: a unit was forgotten.
func (m *Manager) unitGone(unit string) {
	delete(m.carried, unit)
	m.forgetTransient(unit)
	m.removeGroup(unit)
	delete(m.self.CPU, unit)
	m.judge.Forget(unit)
	delete(m.self.IO, unit)
	delete(m.self.Traffic, unit)
	if m.announced[unit] {
		delete(m.announced, unit)
		m.publish(face.Event{Kind: "unit-removed", Unit: unit})
	}
}

// Inspect implements face.Live.
func (m *Manager) Inspect(ctx context.Context, f func(face.View)) error {
	return m.call(ctx, func() { f(view{m}) })
}

// InspectReady implements face.Live.
func (m *Manager) InspectReady(ctx context.Context, f func(face.View)) error {
	return m.callReady(ctx, func() { f(view{m}) })
}

// End implements face.Live.
func (m *Manager) End(ctx context.Context, verb string) error {
	if _, ok := endings[verb]; !ok {
		return &face.Error{Name: face.InvalidArgs, Message: "no way to end is called " + verb}
	}
	m.post(func() {
		m.verb = verb
		m.end = &Ending{Verb: verb, Status: m.status}
	})
	return nil
}

// view is what observers see. It is for the owner of the engine alone.
type view struct{ m *Manager }

// Info implements face.View.
func (v view) Info() face.Info { return v.m.info() }

// Failed implements face.View.
func (v view) Failed() int { return v.m.e.Failed() }

// Units implements face.View.
func (v view) Units(f func(*face.UnitInfo)) {
	var u face.UnitInfo
	v.m.e.EachUnit(func(s *engine.Status) {
		u = info(s)
		f(&u)
	})
}

// Unit implements face.View.
func (v view) Unit(name string) (face.UnitInfo, bool) {
	s, ok := v.m.e.Unit(name)
	if !ok {
		return face.UnitInfo{}, false
	}
	return info(&s), true
}

// Load implements face.View.
func (v view) Load(name string) (string, *face.Error) { return v.m.ensure(name) }

// Loaded implements face.View.
func (v view) Loaded(name string, f func(primary string)) *face.Error { return v.m.look(name, f) }

// Matches implements face.View.
func (v view) Matches(unit string, patterns []string) bool { return v.m.matches(unit, patterns) }

// Jobs implements face.View.
func (v view) Jobs() []face.JobInfo { return jobInfos(v.m.e.Jobs()) }

func jobInfos(jobs []engine.QueuedJob) []face.JobInfo {
	list := make([]face.JobInfo, len(jobs))
	for i, j := range jobs {
		list[i] = face.JobInfo{
			ID: j.ID, Unit: j.Unit, Type: j.Type, State: "waiting", Details: j.Details,
		}
		if j.Running {
			list[i].State = "running"
		}
	}
	return list
}

// Job implements face.View.
func (v view) Job(id uint32) (face.JobInfo, bool) {
	j, ok := v.m.e.Job(id)
	if !ok {
		return face.JobInfo{}, false
	}
	return jobInfos([]engine.QueuedJob{j})[0], true
}

// JobOrder implements face.View.
func (v view) JobOrder(id uint32, after bool) []face.JobInfo {
	return jobInfos(v.m.e.JobOrder(id, after))
}

// Properties implements face.View.
func (v view) Properties(unit string, names []string) []face.Property {
	list := make([]face.Property, 0, len(names))
	v.Each(unit, slices.Values(names), func(p face.Property, ok bool) {
		if ok {
			list = append(list, p)
		}
	})
	return list
}

// Each implements face.View.
func (v view) Each(unit string, names iter.Seq[string], f func(face.Property, bool)) {
	v.m.e.Each(unit, names, v.m.hostProperty, f)
}
