// Package fake is a manager in memory for tests of the faces and of the client:
// it holds units as they are described to it and carries jobs out at once,
// without processes. It knows nothing of how a real manager decides.
package fake

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"rouse/internal/face"
	"rouse/internal/face/rpc"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Manager implements face.Manager. Its exported fields may be set before use.
type Manager struct {
	face.NoShow
	face.NoTransient
	face.NoFiles

	About   face.Info
	Queue   []face.JobInfo
	Planned []face.PlannedJob
	Causes  []face.Cause
	Report  face.ReloadReport
	// Files is what every change of unit files answers.
	Files face.FilesReply
	Own   []face.Property // of the manager itself, besides what About says
	// Results gives the result of a job ("start foo.service"); without, it is "done".
	Results map[string]string
	// Ends gives the active state in which a unit ends by itself once it was started.
	Ends map[string]string
	// Errors gives the error of a call ("start foo.service", "kill foo.service").
	Errors map[string]*face.Error

	mu    sync.Mutex
	units map[string]*Unit
	calls []string
	subs  []chan face.Event
}

// Unit is what the manager knows of one unit.
type Unit struct {
	face.UnitInfo
	Properties []face.Property
	Processes  []face.Process
}

// New makes a manager without units.
func New() *Manager {
	return &Manager{units: map[string]*Unit{}, Results: map[string]string{},
		Ends: map[string]string{}, Errors: map[string]*face.Error{}}
}

// Add makes a unit known. Its line in the list and its properties complete each
// other.
func (m *Manager) Add(u *Unit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range []struct {
		property string
		field    *string
	}{
		{"ActiveState", &u.Active}, {"Description", &u.Description}, {"Id", &u.Name},
		{"LoadState", &u.Load}, {"SubState", &u.Sub},
	} {
		if s, ok := u.property(f.property).(string); ok {
			*f.field = s
			continue
		}
		u.Properties = append(u.Properties,
			face.Property{Name: f.property, Type: "s", Value: *f.field})
	}
	m.units[u.Name] = u
	if aliases, ok := u.property("Names").([]string); ok {
		for _, n := range aliases {
			m.units[n] = u
		}
	}
}

// Calls lists what was asked of the manager to do, oldest first.
func (m *Manager) Calls() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

// Read reads a unit from lines "Name signature JSON", one per property, and
// "process PID PARENT CGROUP COMMAND".
func Read(r io.Reader) (*Unit, error) {
	u := &Unit{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		f := strings.SplitN(lines.Text(), " ", 3)
		if len(f) < 3 {
			return nil, fmt.Errorf("line %q: too short", lines.Text())
		}
		if f[0] == "process" {
			var p face.Process
			if _, err := fmt.Sscanf(lines.Text(), "process %d %d %q %q",
				&p.PID, &p.Parent, &p.Cgroup, &p.Command); err != nil {
				return nil, fmt.Errorf("line %q: %w", lines.Text(), err)
			}
			u.Processes = append(u.Processes, p)
			continue
		}
		p, err := rpc.DecodeProperty(f[0], f[1], []byte(f[2]))
		if err != nil {
			return nil, err
		}
		u.Properties = append(u.Properties, p)
	}
	return u, lines.Err()
}

func (u *Unit) property(name string) any {
	for _, p := range u.Properties {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

func (u *Unit) set(active, sub string) {
	u.Active, u.Sub = active, sub
	for i, p := range u.Properties {
		switch p.Name {
		case "ActiveState":
			u.Properties[i].Value = active
		case "SubState":
			u.Properties[i].Value = sub
		}
	}
}

func noSuchUnit(unit, what string) error {
	return &face.Error{Name: face.NoSuchUnit, Message: fmt.Sprintf("Unit %s %s.", unit, what)}
}

// note records a call and gives the error that is set for it.
func (m *Manager) note(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	m.calls = append(m.calls, call)
	if e := m.Errors[call]; e != nil {
		return e
	}
	return nil
}

// get finds a unit; of one that is not known it makes a not-found one.
func (m *Manager) get(unit string) *Unit {
	if u := m.units[unit]; u != nil {
		return u
	}
	str := func(name, v string) face.Property { return face.Property{Name: name, Type: "s", Value: v} }
	return &Unit{
		UnitInfo: face.UnitInfo{Name: unit, Description: unit, Load: "not-found",
			Active: "inactive", Sub: "dead"},
		Properties: []face.Property{
			str("ActiveState", "inactive"), str("Description", unit), str("Id", unit),
			str("LoadState", "not-found"),
			{Name: "Names", Type: "as", Value: []string{unit}}, str("SubState", "dead"),
		},
	}
}

// Info implements face.Manager.
func (m *Manager) Info(context.Context) (face.Info, error) { return m.About, nil }

// Units implements face.Manager.
func (m *Manager) Units(_ context.Context, patterns []string, load bool) ([]face.UnitInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []face.UnitInfo{}
	for n, u := range m.units {
		if n != u.Name {
			continue
		}
		match := len(patterns) == 0
		for _, p := range patterns {
			ok, err := path.Match(p, n)
			if err != nil {
				return nil, &face.Error{Name: face.InvalidArgs, Message: err.Error()}
			}
			match = match || ok || m.units[p] == u
		}
		if match {
			out = append(out, u.UnitInfo)
		}
	}
	for _, p := range patterns {
		if load && !name.IsGlob(p) && m.units[p] == nil {
			out = append(out, m.get(p).UnitInfo)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// Jobs implements face.Manager.
func (m *Manager) Jobs(context.Context) ([]face.JobInfo, error) { return m.Queue, nil }

// Properties implements face.Manager.
func (m *Manager) Properties(_ context.Context, unit string) ([]face.Property, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.get(unit).Properties), nil
}

// Processes implements face.Manager.
func (m *Manager) Processes(_ context.Context, unit string) ([]face.Process, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(unit).Processes, nil
}

// Enqueue implements face.Manager. Jobs are done at once.
func (m *Manager) Enqueue(_ context.Context, req face.JobRequest) (face.JobReply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	call := req.Type + " " + req.Unit
	if err := m.note("%s", call); err != nil {
		return face.JobReply{}, err
	}
	u := m.get(req.Unit)
	switch {
	case u.Load == "not-found" && req.Type == "stop":
		return face.JobReply{}, noSuchUnit(req.Unit, "not loaded")
	case u.Load == "not-found":
		return face.JobReply{}, noSuchUnit(req.Unit, "not found")
	case u.Load == "masked":
		return face.JobReply{}, &face.Error{Name: face.UnitMasked,
			Message: fmt.Sprintf("Unit %s is masked.", req.Unit)}
	}
	id := uint32(len(m.calls))
	r := face.JobReply{ID: id, Unit: u.Name, Type: req.Type}
	result := m.Results[call]
	if result == "" {
		result = "done"
		if req.Type == "stop" {
			u.set("inactive", "dead")
		} else if !strings.Contains(req.Type, "try") {
			u.set("active", "running")
		}
	}
	if req.Wait {
		r.Result = result
	}
	m.publish(face.Event{Kind: "job-removed", Unit: u.Name, Job: id, Type: req.Type, Result: result})
	m.publish(face.Event{Kind: "unit-changed", Unit: u.Name, Active: u.Active, Sub: u.Sub})
	if end := m.Ends[u.Name]; end != "" && req.Type == "start" {
		u.set(end, "dead")
		m.publish(face.Event{Kind: "unit-changed", Unit: u.Name, Active: u.Active, Sub: u.Sub})
	}
	return r, nil
}

// publish tells all subscribers; those that lag are dropped.
func (m *Manager) publish(e face.Event) {
	m.subs = slices.DeleteFunc(m.subs, func(ch chan face.Event) bool {
		select {
		case ch <- e:
			return false
		default:
			close(ch)
			return true
		}
	})
}

// Plan implements face.Manager.
func (m *Manager) Plan(context.Context, face.JobRequest) ([]face.PlannedJob, error) {
	return m.Planned, nil
}

// Why implements face.Manager.
func (m *Manager) Why(_ context.Context, unit string) ([]face.Cause, error) {
	return m.Causes, nil
}

// Kill implements face.Manager.
func (m *Manager) Kill(_ context.Context, unit, who string, sig value.Signal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.get(unit).Load == "not-found" {
		return noSuchUnit(unit, "not loaded")
	}
	if err := m.note("kill %s", unit); err != nil {
		return err
	}
	m.calls[len(m.calls)-1] += " " + who + " " + strconv.Itoa(int(sig))
	return nil
}

// ResetFailed implements face.Manager.
func (m *Manager) ResetFailed(_ context.Context, patterns []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range patterns {
		if !name.IsGlob(p) && m.get(p).Load == "not-found" {
			return noSuchUnit(p, "not loaded")
		}
	}
	for n, u := range m.units {
		hit := len(patterns) == 0
		for _, p := range patterns {
			ok, _ := path.Match(p, n)
			hit = hit || ok
		}
		if hit && u.Active == "failed" {
			u.set("inactive", "dead")
		}
	}
	return m.note("reset-failed %s", strings.Join(patterns, " "))
}

// Cancel implements face.Manager.
func (m *Manager) Cancel(_ context.Context, job uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, j := range m.Queue {
		if j.ID == job {
			m.Queue = slices.Delete(m.Queue, i, i+1)
			return m.note("cancel %d", job)
		}
	}
	return &face.Error{Name: face.NoSuchJob, Message: fmt.Sprintf("Job %d does not exist.", job)}
}

// Reload implements face.Manager.
func (m *Manager) Reload(_ context.Context, dry bool) (face.ReloadReport, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !dry {
		m.calls = append(m.calls, "reload")
	}
	return m.Report, nil
}

// Load implements face.Manager.
func (m *Manager) Load(ctx context.Context, names []string) ([]face.UnitInfo, error) {
	return m.Units(ctx, names, true)
}

// Remove implements face.Manager.
func (m *Manager) Remove(_ context.Context, unit string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.get(unit).Load == "not-found" {
		return noSuchUnit(unit, "not loaded")
	}
	delete(m.units, unit)
	return m.note("remove %s", unit)
}

// Shutdown implements face.Manager.
func (m *Manager) Shutdown(_ context.Context, verb string, exitCode uint8) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.note("shutdown %s %d", verb, exitCode)
}

// Reexecute implements face.Reexec.
func (m *Manager) Reexecute(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.note("reexecute")
}

// Await implements face.Reexec: all jobs have ended.
func (m *Manager) Await(_ context.Context, job uint32) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return "done", m.note("await %d", job)
}

// Subscribe implements face.Manager.
func (m *Manager) Subscribe(ctx context.Context) (<-chan face.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := make(chan face.Event, 16)
	m.subs = append(m.subs, ch)
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if i := slices.Index(m.subs, ch); i >= 0 {
			m.subs = slices.Delete(m.subs, i, i+1)
			close(ch)
		}
	})
	return ch, nil
}

// SetProperty gives a unit a property, in place of one of that name.
func (m *Manager) SetProperty(unit string, p face.Property) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.get(unit)
	u.Properties = slices.DeleteFunc(u.Properties, func(q face.Property) bool {
		return q.Name == p.Name
	})
	u.Properties = append(u.Properties, p)
}

// ChangeFiles implements face.Manager.
func (m *Manager) ChangeFiles(
	_ context.Context, req face.FilesRequest,
) (face.FilesReply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	words := append([]string{req.Verb}, req.Units...)
	if err := m.note("%s", strings.Join(words, " ")); err != nil {
		return face.FilesReply{}, err
	}
	return m.Files, nil
}
