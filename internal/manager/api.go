package manager

import (
	"context"
	"os"
	"path"
	"slices"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

var _ face.Manager = (*Manager)(nil)

// Info implements face.Manager.
func (m *Manager) Info(ctx context.Context) (info face.Info, err error) {
	err = m.call(ctx, func() { info = m.info() })
	return info, err
}

func (m *Manager) info() face.Info {
	units, jobs, failed := m.e.Counts()
	info := face.Info{
		Version: m.cfg.Version, Mode: "system", PID: os.Getpid(),
		SystemState: m.systemState(),
		Units:       units, Jobs: jobs, Failed: failed, Cgroups: m.tracker.Kind().String(),
		CgroupRoot: m.tracker.Root(), UnitPath: m.cfg.UnitPath, Since: m.self.Phases[userspacePhase],
		Environment: m.env,
	}
	if m.cfg.User {
		info.Mode = "user"
	}
	return info
}

// Units implements face.Manager.
func (m *Manager) Units(
	ctx context.Context, patterns []string, load bool,
) (list []face.UnitInfo, err error) {
	err = m.call(ctx, func() {
		if load {
			for _, p := range patterns {
				if !isGlob(p) {
					m.ensure(p)
				}
			}
		}
		for _, s := range m.e.Units() {
			if m.matches(s.Name, patterns) {
				list = append(list, info(&s))
			}
		}
	})
	return list, err
}

func info(s *engine.Status) face.UnitInfo {
	return face.UnitInfo{
		Name: s.Name, Description: s.Description, Load: s.Load.String(), Active: s.Active, Sub: s.Sub,
		JobID: s.JobID, JobType: s.JobType,
	}
}

func isGlob(s string) bool { return strings.ContainsAny(s, "*?[") }

// matches reports whether any of the patterns names the unit, aliases included.
func (m *Manager) matches(unit string, patterns []string) bool {
	if len(patterns) == 0 {
		return true
	}
	def := m.e.Definition(unit)
	for _, p := range patterns {
		for _, n := range append([]string{unit}, def.Names...) {
			if ok, err := path.Match(p, n); ok && err == nil || p == n {
				return true
			}
		}
	}
	return false
}

// ensure has the unit loaded, if it can be, and gives its primary name. A unit that
// nothing needs is forgotten once the owner of the engine has done what it does now.
func (m *Manager) ensure(unitName string) (string, *face.Error) {
	if name.Valid(unitName, name.Template) {
		return "", &face.Error{
			Name: face.InvalidArgs, Message: "Unit name " + unitName + " is missing the instance name.",
		}
	}
	if !name.Valid(unitName, name.Plain|name.Instance) {
		return "", &face.Error{
			Name: face.InvalidArgs, Message: "Unit name " + unitName + " is not valid.",
		}
	}
	def := m.e.Definition(unitName)
	if def == nil || def.Load == unit.NotFound {
		if !m.generating {
			m.cfg.Loader.Recheck()
		}
		units := m.closure([]string{unitName})
		m.logFaults(units)
		m.step(engine.Loaded{Units: units})
		m.loose = append(m.loose, unitName)
		if def = m.e.Definition(unitName); def == nil {
			// Nothing refers to it, so it was collected at once: show what was found.
			for _, u := range units {
				if u.Name == unitName || slices.Contains(u.Names, unitName) {
					return u.Name, nil
				}
			}
			return unitName, nil
		}
	}
	return def.Name, nil
}

// look has f look at a unit, which is forgotten again if nobody knew it before.
func (m *Manager) look(unitName string, f func(primary string)) *face.Error {
	primary, err := m.ensure(unitName)
	if err != nil {
		return err
	}
	f(primary)
	return nil
}

// Jobs implements face.Manager.
func (m *Manager) Jobs(ctx context.Context) (list []face.JobInfo, err error) {
	err = m.call(ctx, func() {
		list = jobInfos(m.e.Jobs())
	})
	return list, err
}

// Processes implements face.Manager.
func (m *Manager) Processes(ctx context.Context, unit string) (list []face.Process, err error) {
	err = m.call(ctx, func() {
		if def := m.e.Definition(unit); def != nil {
			unit = def.Name
		}
		for _, p := range m.processes(unit) {
			list = append(list, face.Process{
				PID: p.PID, Parent: p.Parent, Command: p.Command, Cgroup: p.Group,
			})
		}
	})
	return list, err
}

// prepare makes an engine request of a face's.
func (m *Manager) prepare(req face.JobRequest) (ev engine.JobRequested, err *face.Error) {
	t, ok := transaction.ParseJobType(req.Type)
	if !ok {
		return ev, &face.Error{Name: face.InvalidArgs, Message: "Job type " + req.Type + " invalid"}
	}
	primary, err := m.ensure(req.Unit)
	if err != nil {
		return ev, err
	}
	m.retryMissing(primary)
	m.lastReq++
	return engine.JobRequested{
		Req: m.lastReq, Unit: primary, Type: t, Mode: req.Mode, Why: "asked for by a client",
	}, nil
}

// pulls are the dependencies by which a job of one unit makes jobs of others.
var pulls = [unit.Deps]bool{
	unit.Requires: true, unit.Requisite: true, unit.Wants: true, unit.BindsTo: true,
	unit.Upholds: true,
}

// retryMissing loads units that a job would pull in, had they been there when what refers
// to them was loaded, and that are there now.
func (m *Manager) retryMissing(primary string) {
	if m.generating {
		return
	}
	var missing []string
	seen := map[string]bool{primary: true}
	for queue := []string{primary}; len(queue) > 0; queue = queue[1:] {
		def := m.e.Definition(queue[0])
		switch {
		case def == nil:
			continue
		case def.Load == unit.NotFound:
			missing = append(missing, def.Name)
		}
		for _, e := range def.Edges {
			if pulls[e.Kind] && !seen[e.Name] {
				seen[e.Name] = true
				queue = append(queue, e.Name)
			}
		}
	}
	if len(missing) == 0 {
		return
	}
	m.cfg.Loader.Recheck()
	missing = slices.DeleteFunc(missing, func(n string) bool {
		_, ok := m.cfg.Loader.File(n)
		if template, templated := name.TemplateOf(n); !ok && templated {
			_, ok = m.cfg.Loader.File(template)
		}
		return !ok
	})
	if len(missing) > 0 {
		units := m.closure(missing)
		m.logFaults(units)
		m.step(engine.Loaded{Units: units})
	}
}

func faceError(err *transaction.Error) *face.Error {
	prefix := "org.freedesktop.systemd1."
	if err.Name == "InvalidArgs" {
		prefix = "org.freedesktop.DBus.Error."
	}
	return &face.Error{Name: prefix + err.Name, Message: err.Message}
}

// Enqueue implements face.Manager.
func (m *Manager) Enqueue(ctx context.Context, req face.JobRequest) (face.JobReply, error) {
	return m.enqueue(ctx, req, m.prepare)
}

// enqueue queues the job that prepare makes of a request.
func (m *Manager) enqueue(
	ctx context.Context, req face.JobRequest,
	prepare func(face.JobRequest) (engine.JobRequested, *face.Error),
) (face.JobReply, error) {
	type answer struct {
		reply face.JobReply
		err   *face.Error
	}
	queued, done := make(chan answer, 1), make(chan string, 1)
	enqueue := func() {
		if req.Queued != nil {
			defer req.Queued()
		}
		ev, bad := prepare(req)
		if bad != nil {
			queued <- answer{err: bad}
			return
		}
		m.answers[ev.Req] = func(r engine.Replied) {
			if r.Err != nil {
				queued <- answer{err: faceError(r.Err)}
				return
			}
			a := answer{reply: face.JobReply{ID: r.ID, Unit: r.Unit, Type: r.Type.String()}}
			for _, j := range r.Affected {
				a.reply.Affected = append(a.reply.Affected, face.JobInfo{
					ID: j.ID, Unit: j.Unit, Type: j.Type.String(),
				})
			}
			if req.Replied != nil {
				req.Replied(a.reply)
			}
			if req.Wait {
				m.waiters[r.ID] = append(m.waiters[r.ID], func(d engine.JobDone) {
					done <- d.Result.String()
				})
			}
			queued <- a
		}
		m.step(ev)
	}
	if err := m.callReady(ctx, enqueue); err != nil {
		return face.JobReply{}, err
	}
	var a answer
	select {
	case a = <-queued:
	case <-ctx.Done():
		return face.JobReply{}, ctx.Err()
	case <-m.ctx.Done():
		return face.JobReply{}, errEnded
	}
	if a.err != nil {
		return face.JobReply{}, a.err
	}
	if !req.Wait {
		return a.reply, nil
	}
	var err error
	a.reply.Result, err = m.awaitJob(ctx, done)
	return a.reply, err
}

// jobDone tells those who wait for the job, and the subscribers.
func (m *Manager) jobDone(fx engine.JobDone) {
	m.countDone(fx.Result == engine.JobFailed)
	for _, tell := range m.waiters[fx.ID] {
		tell(fx)
	}
	delete(m.waiters, fx.ID)
	if m.departure.results != nil {
		m.departure.results[fx.ID] = fx.Result.String()
	}
	m.publish(face.Event{
		Kind: "job-removed", Unit: fx.Unit, Job: fx.ID, Type: fx.Type.String(),
		Result: fx.Result.String(),
	})
}

// Why implements face.Manager.
func (m *Manager) Why(ctx context.Context, unit string) (list []face.Cause, err error) {
	var bad *face.Error
	err = m.call(ctx, func() {
		bad = m.look(unit, func(primary string) {
			for _, c := range m.e.Why(primary) {
				list = append(list, face.Cause{At: c.At, Unit: c.Unit, What: c.What, Why: c.Why})
			}
		})
	})
	if bad != nil {
		return nil, bad
	}
	return list, err
}

// Kill implements face.Manager.
func (m *Manager) Kill(ctx context.Context, unit, who string, sig value.Signal) error {
	var bad *face.Error
	who, fail := strings.CutSuffix(who, "-fail")
	err := m.call(ctx, func() {
		s, ok := m.e.Unit(unit)
		runs := strings.HasSuffix(s.Name, ".service")
		hasControl := runs || strings.HasSuffix(s.Name, ".socket") || strings.HasSuffix(s.Name, ".mount")
		switch {
		case !ok:
			bad = &face.Error{Name: face.NoSuchUnit, Message: "Unit " + unit + " not loaded."}
		case who == "main" && !runs:
			bad = refusal(noSuchProcess, "%s units have no main processes", typeWord(s.Name))
		case who == "control" && !hasControl:
			bad = refusal(noSuchProcess, "%s units have no control processes", typeWord(s.Name))
		case fail && who == "all" && m.isEmpty(s.Name):
			bad = refusal(noSuchProcess, "No matching processes to kill")
		case who == "main" && s.MainPID == 0:
			bad = &face.Error{Name: noSuchProcess, Message: "No main process to kill"}
		case who == "control" && s.ControlPID == 0:
			bad = &face.Error{Name: noSuchProcess, Message: "No control process to kill"}
		case who != "main" && who != "control" && who != "all":
			bad = &face.Error{Name: face.InvalidArgs, Message: "Invalid who argument " + who}
		case !sig.Valid():
			bad = &face.Error{Name: face.InvalidArgs, Message: "Signal number out of range."}
		default:
			m.step(engine.KillRequested{Unit: s.Name, Who: who, Signal: sig})
		}
	})
	if bad != nil {
		return bad
	}
	return err
}

// typeWord is the type of a unit.
func typeWord(unit string) string { return name.TypeOf(unit).String() }

const noSuchProcess = "org.freedesktop.systemd1.NoSuchProcess"

// ResetFailed implements face.Manager.
func (m *Manager) ResetFailed(ctx context.Context, patterns []string) error {
	var bad *face.Error
	err := m.call(ctx, func() {
		if len(patterns) == 0 {
			m.step(engine.ResetFailed{})
			return
		}
		for _, p := range patterns {
			found := false
			for _, s := range m.e.Units() {
				// One that was reset may be gone, and others with it.
				if m.e.Definition(s.Name) != nil && m.matches(s.Name, []string{p}) {
					found = true
					m.step(engine.ResetFailed{Unit: s.Name})
				}
			}
			if !found && !isGlob(p) && bad == nil {
				bad = &face.Error{Name: face.NoSuchUnit, Message: "Unit " + p + " not loaded."}
			}
		}
	})
	if bad != nil {
		return bad
	}
	return err
}

// Cancel implements face.Manager.
func (m *Manager) Cancel(ctx context.Context, job uint32) error {
	found := false
	err := m.call(ctx, func() {
		for _, j := range m.e.Jobs() {
			found = found || j.ID == job
		}
		m.step(engine.JobCancelled{ID: job})
	})
	if err == nil && !found {
		return &face.Error{Name: face.NoSuchJob, Message: "Job " + itoa(int(job)) + " does not exist."}
	}
	return err
}

// Load implements face.Manager.
func (m *Manager) Load(ctx context.Context, names []string) (list []face.UnitInfo, err error) {
	var bad *face.Error
	err = m.callReady(ctx, func() {
		for _, n := range names {
			primary, e := m.ensure(n)
			if e != nil {
				bad = e
				return
			}
			if s, ok := m.e.Unit(primary); ok {
				list = append(list, info(&s))
			}
		}
	})
	if bad != nil {
		return nil, bad
	}
	return list, err
}

// Remove implements face.Manager.
func (m *Manager) Remove(ctx context.Context, unit string) error {
	var bad *face.Error
	err := m.call(ctx, func() {
		s, ok := m.e.Unit(unit)
		switch {
		case !ok:
			bad = &face.Error{Name: face.NoSuchUnit, Message: "Unit " + unit + " not loaded."}
		case s.Active != "inactive" && s.Active != "failed" || s.JobID != 0:
			bad = &face.Error{
				Name:    "org.freedesktop.systemd1.UnitBusy",
				Message: "Unit " + s.Name + " is " + s.Active + "; stop it first.",
			}
		default:
			m.step(engine.Removed{Unit: s.Name})
		}
	})
	if bad != nil {
		return bad
	}
	return err
}

// Shutdown implements face.Manager.
func (m *Manager) Shutdown(ctx context.Context, verb string, exitCode uint8) error {
	if _, ok := endings[verb]; !ok {
		return &face.Error{Name: face.InvalidArgs, Message: "no way to end is called " + verb}
	}
	return m.call(ctx, func() {
		if exitCode != 0 {
			m.status = int(exitCode)
		}
		m.shutdown(verb, "asked for by a client")
	})
}

// Subscribe implements face.Manager.
func (m *Manager) Subscribe(ctx context.Context) (<-chan face.Event, error) {
	ch := make(chan face.Event, 256)
	if err := m.call(ctx, func() { m.listeners[ch] = true }); err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { m.post(func() { m.dropListener(ch) }) })
	return ch, nil
}

func (m *Manager) dropListener(ch chan face.Event) {
	if m.listeners[ch] {
		delete(m.listeners, ch)
		close(ch)
	}
}

// publish tells all subscribers; one whose queue is full is dropped.
func (m *Manager) publish(ev face.Event) {
	m.observed(ev)
	for ch := range m.listeners {
		select {
		case ch <- ev:
		default:
			m.dropListener(ch)
		}
	}
}
