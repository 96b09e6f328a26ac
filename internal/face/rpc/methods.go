package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rouse/internal/face"
)

// method is one row of the table of methods.
type method struct {
	name  string
	takes []string // parameters, in the order they have by position
	needs []string // those that must be given
	// waits reports whether a call may take long; such calls do not hold up others.
	waits  func(*params) bool
	queues bool // its job is queued before the next request is looked at
	stream bool // replies true and goes on with notifications
	run    func(context.Context, face.Manager, *params) (any, error)
}

// The parameters that several methods take.
var (
	ownParams  = []string{"property", "value"}
	unitOnly   = []string{"unit"}
	unitsOnly  = []string{"units"}
	jobParams  = []string{"unit", "mode", "wait"}
	planParams = []string{"unit", "type", "mode"}
)

// methods are all methods by name. docs/ControlInterface.md says what each is for.
var methods = []method{
	{name: "await", takes: []string{"job"}, needs: []string{"job"}, waits: always, run: await},
	{name: "cancel", takes: []string{"job"}, needs: []string{"job"}, run: cancel},
	{name: "change-unit-files", takes: changeParams, needs: []string{"verb"}, run: changeFiles},
	{name: "daemon-reexec", waits: always, run: daemonReexec},
	{name: "daemon-reload", takes: []string{"dry"}, waits: always, run: daemonReload},
	{name: "dump", takes: []string{"patterns"}, run: dump},
	{name: "enable", takes: unitsOnly, needs: unitsOnly, run: load},
	{name: "info", run: info},
	{name: "kill", takes: []string{"unit", "signal", "who"}, needs: unitOnly, run: kill},
	{name: "list-jobs", run: listJobs},
	{name: "list-units", takes: []string{"type", "patterns", "load"}, run: listUnits},
	{name: "load", takes: unitsOnly, needs: unitsOnly, run: load},
	{name: "manager-properties", takes: []string{"properties"}, run: managerProperties},
	{name: "plan", takes: planParams, needs: unitOnly, run: plan},
	{name: "processes", takes: unitOnly, needs: unitOnly, run: processes},
	jobMethod("reload", "reload", reloadOrNew),
	{name: "reload-dry", waits: always, run: reloadDry},
	jobMethod("reload-or-restart", "reload-or-restart", nil),
	{name: "remove", takes: unitOnly, needs: unitOnly, run: remove},
	{name: "reset-failed", takes: []string{"patterns"}, run: resetFailed},
	jobMethod("restart", "restart", nil),
	{name: "set-environment", takes: []string{"set", "unset"}, run: setEnvironment},
	{name: "set-manager-property", takes: ownParams, needs: ownParams, run: setManagerProperty},
	{name: "show", takes: []string{"unit", "properties"}, needs: unitOnly, run: show},
	{name: "shutdown", takes: []string{"verb", "exitCode"}, run: shutdown},
	jobMethod("start", "start", nil),
	jobMethod("start-all", "start", nil),
	{name: "status", takes: unitOnly, run: status},
	jobMethod("stop", "stop", nil),
	jobMethod("stop-all", "stop", nil),
	{name: "subscribe", stream: true},
	jobMethod("try-reload-or-restart", "reload-or-try-restart", nil),
	jobMethod("try-restart", "try-restart", nil),
	{name: "why", takes: unitOnly, needs: unitOnly, run: why},
}

// methodNamed finds a method, or nil.
func methodNamed(name string) *method {
	i := slices.IndexFunc(methods, func(m method) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return &methods[i]
}

func always(*params) bool { return true }

// jobMethod is the row of a method that asks for a job. bare, if set, answers
// calls without a unit.
func jobMethod(name, jobType string, bare runFunc) method {
	m := method{name: name, takes: jobParams, needs: unitOnly, waits: (*params).wait, queues: true}
	m.run = func(ctx context.Context, mgr face.Manager, p *params) (any, error) {
		if p.Unit == "" && bare != nil {
			return bare(ctx, mgr, p)
		}
		mode, err := p.mode()
		if err != nil {
			return nil, err
		}
		r, err := mgr.Enqueue(ctx, face.JobRequest{
			Unit: p.Unit, Type: jobType, Mode: mode, Wait: p.wait(), Queued: p.queued,
		})
		switch {
		case errors.Is(err, face.ErrSuspended):
			return r, err
		case err != nil:
			return nil, err
		case !p.wait():
			return jobToWire(r), nil
		}
		return jobAnswer(r)
	}
	if bare != nil {
		m.needs = nil
	}
	return m
}

type runFunc = func(context.Context, face.Manager, *params) (any, error)

// jobAnswer is what is said to who has waited for a job.
func jobAnswer(r face.JobReply) (any, error) {
	if !endedWell(r.Result) {
		return nil, jobError(r)
	}
	return jobToWire(r), nil
}

// endedWell reports whether the result of a job is a success.
func endedWell(result string) bool { return result == "done" || result == "skipped" }

// jobError is a job that did not end well.
type jobError face.JobReply

func (e jobError) Error() string { return fmt.Sprintf("%s %s: %s", e.Type, e.Unit, e.Result) }

func jobToWire(r face.JobReply) *wireJob {
	w := &wireJob{ID: r.ID, Unit: r.Unit, Type: r.Type, Result: r.Result}
	for _, a := range r.Affected {
		w.Affected = append(w.Affected, wireAffected{a.ID, a.Unit, a.Type, a.State})
	}
	return w
}

func cancel(ctx context.Context, m face.Manager, p *params) (any, error) {
	return empty, m.Cancel(ctx, *p.Job)
}

func daemonReload(ctx context.Context, m face.Manager, p *params) (any, error) {
	return m.Reload(ctx, p.Dry)
}

func daemonReexec(ctx context.Context, m face.Manager, _ *params) (any, error) {
	return empty, m.Reexecute(ctx)
}

func await(ctx context.Context, m face.Manager, p *params) (any, error) {
	return m.Await(ctx, *p.Job)
}

func info(ctx context.Context, m face.Manager, p *params) (any, error) { return m.Info(ctx) }

func load(ctx context.Context, m face.Manager, p *params) (any, error) {
	return list(m.Load(ctx, p.Units))
}

func kill(ctx context.Context, m face.Manager, p *params) (any, error) {
	sig, err := p.signal()
	if err != nil {
		return nil, err
	}
	who := p.Who
	if who == "" {
		who = "all"
	}
	return empty, m.Kill(ctx, p.Unit, who, sig)
}

func listJobs(ctx context.Context, m face.Manager, p *params) (any, error) {
	return list(m.Jobs(ctx))
}

func plan(ctx context.Context, m face.Manager, p *params) (any, error) {
	mode, err := p.mode()
	if err != nil {
		return nil, err
	}
	jobType := p.Type
	if jobType == "" {
		jobType = "start"
	}
	return list(m.Plan(ctx, face.JobRequest{Unit: p.Unit, Type: jobType, Mode: mode}))
}

func processes(ctx context.Context, m face.Manager, p *params) (any, error) {
	return list(m.Processes(ctx, p.Unit))
}

func remove(ctx context.Context, m face.Manager, p *params) (any, error) {
	return empty, m.Remove(ctx, p.Unit)
}

func resetFailed(ctx context.Context, m face.Manager, p *params) (any, error) {
	return empty, m.ResetFailed(ctx, p.Patterns)
}

func show(ctx context.Context, m face.Manager, p *params) (any, error) {
	props, err := properties(ctx, m, p)
	if err != nil {
		return nil, err
	}
	out := make([]wireProperty, len(props))
	for i, q := range props {
		out[i] = wireProperty{Name: q.Name, Type: q.Type, Value: encode(q.Value)}
	}
	return out, nil
}

// properties gives those that are asked for, and has only these made up.
func properties(ctx context.Context, m face.Manager, p *params) ([]face.Property, error) {
	if some, ok := m.(face.Show); ok && len(p.Properties) > 0 {
		return some.UnitProperties(ctx, p.Unit, p.Properties)
	}
	return m.Properties(ctx, p.Unit)
}

// verbs are what shutdown can end with.
var verbs = []string{"exit", "poweroff", "reboot", "halt", "kexec"}

func shutdown(ctx context.Context, m face.Manager, p *params) (any, error) {
	verb := p.Verb
	if verb == "" {
		verb = "exit"
	}
	if !slices.Contains(verbs, verb) {
		return nil, badParam{fmt.Errorf("verb: %q is none of %s", verb, orNone(verbs))}
	}
	return empty, m.Shutdown(ctx, verb, p.ExitCode)
}

func why(ctx context.Context, m face.Manager, p *params) (any, error) {
	return list(m.Why(ctx, p.Unit))
}

// empty is the result of methods that only do something, as the seed has it.
var empty = []string{}

// list makes an empty array, not null, of an empty list.
func list[T any](items []T, err error) ([]T, error) {
	if items == nil {
		items = []T{}
	}
	return items, err
}

// MethodNames lists the methods that can be called, sorted.
func MethodNames() []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	slices.Sort(names)
	return names
}
