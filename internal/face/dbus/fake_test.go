package dbus

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"rouse/internal/face"
	"rouse/internal/unit/value"
)

// fake is a manager of a few units, whose jobs are done at once.
type fake struct {
	face.NoShow
	face.NoTransient
	face.NoFiles

	mu      sync.Mutex
	units   map[string]*face.UnitInfo
	jobs    []face.JobInfo
	lastJob uint32
	tell    func(face.View, face.Event)
	called  []string // what would have changed something
}

func newFake(names ...string) *fake {
	f := &fake{units: map[string]*face.UnitInfo{}, tell: func(face.View, face.Event) {}}
	for _, n := range names {
		f.units[n] = &face.UnitInfo{
			Name: n, Description: "The " + n, Load: "loaded", Active: "inactive", Sub: "dead",
		}
	}
	return f
}

func (f *fake) call(what ...string) { f.called = append(f.called, strings.Join(what, " ")) }

func (f *fake) did(what ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call(what...)
	return nil
}

func (f *fake) Reexecute(context.Context) error { return f.did("reexecute") }

func (f *fake) Await(context.Context, uint32) (string, error) { return "done", nil }

func (f *fake) Info(context.Context) (face.Info, error) { return fakeView{f}.Info(), nil }

func (f *fake) Units(context.Context, []string, bool) ([]face.UnitInfo, error) { return nil, nil }

func (f *fake) Jobs(context.Context) ([]face.JobInfo, error) { return f.jobs, nil }

func (f *fake) Properties(context.Context, string) ([]face.Property, error) { return nil, nil }

func (f *fake) Processes(context.Context, string) ([]face.Process, error) {
	return []face.Process{{PID: 7, Command: "/bin/web"}, {PID: 8, Command: "x", Cgroup: "sub"}}, nil
}

func (f *fake) Enqueue(_ context.Context, req face.JobRequest) (face.JobReply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call("enqueue", req.Unit, req.Type, req.Mode.String())
	u := f.units[req.Unit]
	if u == nil {
		return face.JobReply{}, &face.Error{
			Name: face.NoSuchUnit, Message: "Unit " + req.Unit + " not found.",
		}
	}
	f.lastJob++
	r := face.JobReply{ID: f.lastJob, Unit: req.Unit, Type: req.Type}
	v := fakeView{f}
	f.tell(v, face.Event{Kind: "job-new", Unit: req.Unit, Job: r.ID, Type: req.Type})
	if req.Replied != nil {
		req.Replied(r)
	}
	u.Active, u.Sub = "active", "running"
	f.tell(v, face.Event{Kind: "unit-changed", Unit: req.Unit, Active: u.Active, Sub: u.Sub})
	f.tell(v, face.Event{
		Kind: "job-removed", Unit: req.Unit, Job: r.ID, Type: req.Type, Result: "done",
	})
	f.tell(v, face.Event{Kind: "settled"})
	return r, nil
}

func (f *fake) Plan(context.Context, face.JobRequest) ([]face.PlannedJob, error) { return nil, nil }

func (f *fake) Why(context.Context, string) ([]face.Cause, error) { return nil, nil }

func (f *fake) Kill(_ context.Context, unit, who string, sig value.Signal) error {
	return f.did("kill", unit, who, sig.String())
}

func (f *fake) ResetFailed(_ context.Context, patterns []string) error {
	return f.did(append([]string{"reset-failed"}, patterns...)...)
}

func (f *fake) Cancel(context.Context, uint32) error { return f.did("cancel") }

func (f *fake) Reload(context.Context, bool) (face.ReloadReport, error) {
	return face.ReloadReport{}, f.did("reload")
}

func (f *fake) Load(context.Context, []string) ([]face.UnitInfo, error) { return nil, nil }

func (f *fake) Remove(context.Context, string) error { return f.did("remove") }

func (f *fake) Shutdown(context.Context, string, uint8) error { return f.did("shutdown") }

func (f *fake) Subscribe(context.Context) (<-chan face.Event, error) { return nil, nil }

func (f *fake) Observe(tell func(face.View, face.Event)) { f.tell = tell }

func (f *fake) Inspect(_ context.Context, look func(face.View)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	look(fakeView{f})
	return nil
}

func (f *fake) InspectReady(ctx context.Context, look func(face.View)) error {
	return f.Inspect(ctx, look)
}

func (f *fake) End(_ context.Context, verb string) error { return f.did("end", verb) }

type fakeView struct{ f *fake }

func (v fakeView) Info() face.Info { return face.Info{Version: "1", SystemState: "running"} }

func (v fakeView) Failed() int { return 0 }

func (v fakeView) Units(f func(*face.UnitInfo)) {
	for _, n := range slices.Sorted(maps.Keys(v.f.units)) {
		f(v.f.units[n])
	}
}

func (v fakeView) Unit(name string) (face.UnitInfo, bool) {
	if u := v.f.units[name]; u != nil {
		return *u, true
	}
	return face.UnitInfo{}, false
}

func (v fakeView) Load(name string) (string, *face.Error) { return name, nil }

func (v fakeView) Loaded(name string, f func(primary string)) *face.Error {
	f(name)
	return nil
}

func (v fakeView) Matches(unit string, patterns []string) bool {
	return slices.Contains(patterns, unit)
}

func (v fakeView) Jobs() []face.JobInfo { return v.f.jobs }

func (v fakeView) Job(id uint32) (face.JobInfo, bool) {
	for _, j := range v.f.jobs {
		if j.ID == id {
			return j, true
		}
	}
	return face.JobInfo{}, false
}

func (v fakeView) JobOrder(uint32, bool) []face.JobInfo { return nil }

func (v fakeView) Each(unit string, names iter.Seq[string], f func(face.Property, bool)) {
	if v.f.units[unit] == nil {
		return
	}
	for n := range names {
		list := v.Properties(unit, []string{n})
		f(append(list, face.Property{})[0], len(list) > 0)
	}
}

func (v fakeView) Properties(unit string, names []string) (list []face.Property) {
	u := v.f.units[unit]
	if u == nil {
		return nil
	}
	all := map[string]string{
		"Id": u.Name, "StatusText": "",
		"ActiveState": u.Active, "SubState": u.Sub, "ControlGroup": "/" + unit,
	}
	for _, n := range names {
		if s, ok := all[n]; ok {
			list = append(list, face.Property{Name: n, Type: "s", Value: s})
		}
	}
	return list
}

func jobInfo(id uint32, unit string) face.JobInfo {
	return face.JobInfo{ID: id, Unit: unit, Type: "start", State: "waiting"}
}
