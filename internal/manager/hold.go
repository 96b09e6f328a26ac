package manager

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/control"
	"rouse/internal/host/dirs"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// refusal is an error that clients tell apart.
func refusal(name, format string, args ...any) *face.Error {
	return &face.Error{Name: name, Message: fmt.Sprintf(format, args...)}
}

// doHold carries out what is no matter of jobs.
func (m *Manager) doHold(fx engine.Effect) {
	switch fx := fx.(type) {
	case engine.Attach:
		m.attach(fx)
	case engine.RequestStop:
		m.publish(face.Event{Kind: "request-stop", Unit: fx.Unit, Peer: fx.Controller})
	case engine.CleanUp:
		m.cleanUp(fx)
	case engine.Freeze:
		m.freeze(fx)
	case engine.Answered:
		m.answered(fx)
	}
}

// on has f done for the unit that is loaded under a name.
func (m *Manager) on(ctx context.Context, unit string, f func(primary string) *face.Error) error {
	return m.with(ctx, unit, false, f)
}

// with is on; with load, the unit is loaded if it can be.
func (m *Manager) with(
	ctx context.Context, unitName string, load bool, f func(primary string) *face.Error,
) error {
	var bad *face.Error
	err := m.call(ctx, func() {
		if load {
			if unitName, bad = m.ensure(unitName); bad != nil {
				return
			}
		}
		s, ok := m.e.Unit(unitName)
		switch {
		case !ok:
			bad = refusal(face.NoSuchUnit, "Unit %s not loaded.", unitName)
		case load && s.Load == unit.NotFound:
			bad = refusal(face.NoSuchUnit, "Unit %s not found.", unitName)
		default:
			bad = f(s.Name)
		}
	})
	if bad != nil {
		return bad
	}
	return err
}

// Ref implements face.Transient.
func (m *Manager) Ref(ctx context.Context, unit, client string) error {
	return m.with(ctx, unit, true, func(primary string) *face.Error {
		m.step(engine.Referenced{Unit: primary, Client: client, On: true})
		m.follow(client)
		return nil
	})
}

// Unref implements face.Transient.
func (m *Manager) Unref(ctx context.Context, unit, client string) error {
	return m.on(ctx, unit, func(primary string) *face.Error {
		if m.e.References(primary, client) == 0 {
			return refusal(face.NotReferenced, "Unit has not been referenced yet.")
		}
		m.step(engine.Referenced{Unit: primary, Client: client})
		return nil
	})
}

// Release implements face.Transient.
func (m *Manager) Release(ctx context.Context, client string) error {
	return m.call(ctx, func() { m.step(engine.ClientGone{Client: client}) })
}

// PeerGone implements face.Transient.
func (m *Manager) PeerGone(ctx context.Context, name string) error {
	return m.call(ctx, func() { m.peerGone(name) })
}

func (m *Manager) peerGone(name string) {
	if delete(m.peers, name); m.bus != nil {
		m.bus.Unwatch(name)
	}
	m.step(engine.ClientGone{Client: name})
	m.step(engine.ControllerGone{Name: name})
}

// follow has the manager notice when a client leaves the bus.
func (m *Manager) follow(client string) {
	if client == "" || m.peers[client] {
		return
	}
	m.peers[client] = true
	if m.bus != nil {
		m.bus.Watch(client)
	}
}

// peersLost: the bus is gone, and all clients with it.
func (m *Manager) peersLost() {
	for _, name := range slices.Sorted(maps.Keys(m.peers)) {
		m.peerGone(name)
	}
}

// Abandon implements face.Transient.
func (m *Manager) Abandon(ctx context.Context, unit string) error {
	return m.on(ctx, unit, func(primary string) *face.Error {
		s, _ := m.e.Unit(primary)
		switch {
		case !strings.HasSuffix(primary, ".scope"):
			return refusal(face.InvalidArgs, "Unit %s is not a scope.", primary)
		case primary == "init.scope":
			return refusal(face.AccessDenied, "Scope init.scope cannot be abandoned.")
		case s.Active != "active":
			return refusal(face.ScopeNotRunning, "Scope %s is not running, cannot abandon.", primary)
		}
		m.step(engine.AbandonRequested{Unit: primary})
		return nil
	})
}

// Attach implements face.Transient.
func (m *Manager) Attach(ctx context.Context, unit, group string, pids []int) error {
	return m.on(ctx, unit, func(primary string) *face.Error {
		s, _ := m.e.Unit(primary)
		g := m.group(primary)
		if g == nil || s.Active == "inactive" || s.Active == "failed" {
			return refusal(face.InvalidArgs, "Unit not active, refusing.")
		}
		if group != "" && (group[0] != '/' || filepath.Clean(group) != group) {
			return refusal(face.InvalidArgs, "Control group path is not absolute: %s", group)
		}
		for _, pid := range pids {
			if bad := m.mayAttach(pid); bad != nil {
				return bad
			}
		}
		for _, pid := range pids {
			if err := g.Attach(pid, strings.TrimPrefix(group, "/")); err != nil {
				return refusal(face.Failed, "Failed to attach processes to control group: %v", err)
			}
		}
		return nil
	})
}

// sliceChanged makes the control group of a slice that comes up, and removes it when it
// goes down: others than units may use it, and it can be frozen and killed as a whole.
func (m *Manager) sliceChanged(fx engine.Changed) {
	if !strings.HasSuffix(fx.Unit, ".slice") {
		return
	}
	if fx.Active != "active" {
		m.removeGroup(fx.Unit)
		return
	}
	g, err := m.tracker.Unit(fx.Unit, "")
	if err != nil {
		m.logf(engine.Warning, fx.Unit, "%v", err)
		return
	}
	if def := m.e.Definition(fx.Unit); def != nil {
		m.control(m.controls(def), g)
	}
}

// attach moves the first processes of a scope.
func (m *Manager) attach(fx engine.Attach) {
	unitName := fx.Unit.Name
	m.flyingBy[unitName]++
	owner, err := m.scopeOwner(fx)
	q := m.controls(fx.Unit)
	m.goes(func() {
		if err == nil {
			err = m.attachAll(fx, owner, q)
		}
		m.carry(func() {
			if m.flyingBy[unitName]--; m.flyingBy[unitName] == 0 {
				delete(m.flyingBy, unitName)
			}
			m.carried[unitName] = max(m.carried[unitName], fx.Op)
			ev := engine.Attached{Op: fx.Op}
			if err != nil {
				ev.Why = err.Error()
			}
			m.step(ev)
			m.emptied(unitName)
		})
	})
}

func (m *Manager) scopeOwner(fx engine.Attach) (dirs.Owner, error) {
	o := dirs.Owner{UID: -1, GID: -1}
	if fx.User == "" && fx.Group == "" {
		return o, nil
	}
	uid, gid, err := m.lookup(fx.User, fx.Group)
	if fx.User != "" && fx.Group == "" && err == nil {
		if u, err := m.users.User(fx.User); err == nil {
			gid = u.GID
		}
	}
	return dirs.Owner{UID: uid, GID: gid}, err
}

// attachAll moves what is there of the processes; one is enough.
func (m *Manager) attachAll(fx engine.Attach, owner dirs.Owner, q *control.Request) error {
	g, err := m.tracker.Unit(fx.Unit.Name, fx.Unit.Slice)
	if err != nil {
		return err
	}
	m.control(q, g)
	if owner.UID >= 0 {
		if err := g.Give(owner.UID, owner.GID); err != nil {
			m.logf(engine.Warning, fx.Unit.Name, "%v", err)
		}
	}
	moved := 0
	var last error
	for _, pid := range fx.PIDs {
		switch err := g.Attach(pid, ""); {
		case err == nil:
			moved++
		case !errors.Is(err, sys.ESRCH) && !errors.Is(err, os.ErrNotExist):
			last = err
		}
	}
	switch {
	case moved > 0:
		return nil
	case last != nil:
		return &face.Error{
			Name: face.Failed, Message: "Failed to add PIDs to scope's control group: " + last.Error(),
		}
	}
	return &face.Error{
		Name:    face.Failed,
		Message: "No PIDs left to attach to the scope's control group, refusing.",
	}
}

// answered: the engine tells how a request that is no job went.
func (m *Manager) answered(fx engine.Answered) {
	if tell := m.asked[fx.Req]; tell != nil {
		delete(m.asked, fx.Req)
		if fx.Err == nil {
			tell(nil)
			return
		}
		prefix := "org.freedesktop.systemd1."
		if fx.Err.Name == "NotSupported" || fx.Err.Name == "Failed" {
			prefix = "org.freedesktop.DBus.Error."
		}
		tell(&face.Error{Name: prefix + fx.Err.Name, Message: fx.Err.Message})
	}
}

// request gives the engine an event that Answered answers, and waits for that.
func (m *Manager) request(ctx context.Context, ev func(req uint64) engine.Event) error {
	done := make(chan *face.Error, 1)
	err := m.call(ctx, func() {
		m.lastReq++
		m.asked[m.lastReq] = func(err *face.Error) { done <- err }
		m.step(ev(m.lastReq))
	})
	if err != nil {
		return err
	}
	select {
	case bad := <-done:
		if bad != nil {
			return bad
		}
		return nil
	case <-m.departure.suspend: // it is asked for again
		return face.ErrSuspended
	case <-ctx.Done():
		return ctx.Err()
	case <-m.ctx.Done():
		return errEnded
	}
}

// Clean implements face.Transient.
func (m *Manager) Clean(ctx context.Context, unitName string, what []string) error {
	for _, w := range what {
		known := w == "all"
		for kind := range unit.DirectoryKinds {
			known = known || kind.Word() == w
		}
		if !known {
			return refusal(face.InvalidArgs, "Invalid resource type: %s", w)
		}
	}
	return m.request(ctx, func(req uint64) engine.Event {
		primary, bad := m.ensure(unitName)
		if bad != nil {
			primary = unitName
		}
		return engine.CleanRequested{Req: req, Unit: primary, What: what}
	})
}

// cleanUp removes directories of a unit.
func (m *Manager) cleanUp(fx engine.CleanUp) {
	m.goes(func() {
		var err error
		ctx := m.ctx
		if fx.Unit.Timer != nil {
			err = os.Remove(m.stamp(fx.Unit.Name))
			if errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		} else if fx.Unit.Exec != nil {
			if limit := fx.Unit.Exec.TimeoutClean; limit != value.Infinity {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Duration(limit)*time.Microsecond)
				defer cancel()
			}
			for kind := range unit.DirectoryKinds {
				if slices.Contains(fx.What, kind.Word()) {
					err = errors.Join(err, dirs.Clean(ctx, fx.Unit.Exec, m.cfg.Bases, kind))
				}
			}
		}
		ev := engine.CleanedUp{Op: fx.Op, Timeout: errors.Is(err, context.DeadlineExceeded)}
		if err != nil {
			ev.Why = err.Error()
		}
		m.send(ev)
	})
}

// Freeze implements face.Transient.
func (m *Manager) Freeze(ctx context.Context, unit string) error {
	return m.freezing(ctx, unit, false)
}

// Thaw implements face.Transient.
func (m *Manager) Thaw(ctx context.Context, unit string) error {
	return m.freezing(ctx, unit, true)
}

func (m *Manager) freezing(ctx context.Context, unit string, thaw bool) error {
	return m.request(ctx, func(req uint64) engine.Event {
		if s, ok := m.e.Unit(unit); ok {
			unit = s.Name
		}
		return engine.FreezeRequested{Req: req, Unit: unit, Thaw: thaw, Able: m.tracker.CanFreeze()}
	})
}

// freeze has the kernel do it.
func (m *Manager) freeze(fx engine.Freeze) {
	g := m.group(fx.Unit)
	m.goes(func() {
		ev := engine.Frozen{Op: fx.Op}
		if g == nil {
			ev.Why = "it has no control group"
		} else if err := g.Freeze(!fx.Thaw); err != nil {
			ev.Why = err.Error()
		}
		m.send(ev)
	})
}

// BindMount implements face.Transient.
func (m *Manager) BindMount(ctx context.Context, req face.MountRequest) error {
	pid := 0
	err := m.on(ctx, req.Unit, func(primary string) *face.Error {
		s, _ := m.e.Unit(primary)
		switch {
		case !strings.HasSuffix(primary, ".service"):
			return refusal(face.InvalidArgs, "Unit is not of type .service")
		case !isNormal(req.Source):
			return refusal(face.InvalidArgs, "Source path must be absolute and normalized.")
		case !isNormal(req.Destination):
			return refusal(face.InvalidArgs, "Destination path must be absolute and normalized.")
		case s.MainPID == 0:
			return refusal(face.UnitInactive, "Unit is not running")
		case req.Image:
			return refusal(face.NotSupported, "Images cannot be mounted.")
		}
		pid = s.MainPID
		return nil
	})
	if err != nil {
		return err
	}
	bind := spawn.Bind{
		Source: req.Source, Where: req.Destination, ReadOnly: req.ReadOnly, Make: req.MakeDirectory,
	}
	err = bind.Into(pid)
	switch {
	case errors.Is(err, spawn.ErrSameView):
		return refusal(face.InvalidArgs,
			"Unit not running in private mount namespace, cannot activate bind mount")
	case err != nil:
		return refusal(face.Failed, "Failed to mount %s on %s in unit's namespace: %v", req.Source,
			req.Destination, err)
	}
	return nil
}

// isNormal reports whether a path is absolute and has nothing superfluous in it.
func isNormal(path string) bool { return filepath.IsAbs(path) && filepath.Clean(path) == path }

// EnqueueMarked implements face.Transient.
func (m *Manager) EnqueueMarked(ctx context.Context) ([]face.JobReply, error) {
	marked := map[string]engine.Markers{}
	if err := m.call(ctx, func() { marked = m.e.MarkedUnits() }); err != nil {
		return nil, err
	}
	var list []face.JobReply
	var last error
	for _, unitName := range slices.Sorted(maps.Keys(marked)) {
		verb := "reload-or-try-restart"
		if marked[unitName]&engine.NeedsRestart != 0 {
			verb = "try-restart"
		}
		r, err := m.Enqueue(ctx, face.JobRequest{Unit: unitName, Type: verb, Mode: unit.Fail})
		if err != nil {
			last = err
			continue
		}
		list = append(list, r)
	}
	if last != nil {
		return nil, last
	}
	return list, nil
}

// UnitByPID implements face.Transient.
func (m *Manager) UnitByPID(ctx context.Context, pid int) (unitName string, err error) {
	found := false
	err = m.call(ctx, func() {
		if pid == 1 || pid == os.Getpid() {
			unitName, found = "init.scope", true
			return
		}
		if unitName = m.e.Awaits(pid); unitName != "" {
			found = true
			return
		}
		unitName, found = m.tracker.Owner(pid)
	})
	if err == nil && !found {
		err = refusal(face.NoUnitForPID, "PID %d does not belong to any loaded unit.", pid)
	}
	return unitName, err
}

// UnitByInvocation implements face.Transient.
func (m *Manager) UnitByInvocation(ctx context.Context, id []byte) (unitName string, err error) {
	want := hex.EncodeToString(id)
	err = m.call(ctx, func() { unitName = m.e.UnitByInvocation(want) })
	if err == nil && unitName == "" {
		err = refusal(face.NoUnitForID, "No unit with the specified invocation ID %s known.", want)
	}
	return unitName, err
}

// UnitByGroup implements face.Transient.
func (m *Manager) UnitByGroup(ctx context.Context, group string) (unitName string, err error) {
	found := false
	err = m.call(ctx, func() { unitName, found = m.tracker.OwnerOf(group) })
	if err == nil && !found {
		err = refusal(face.NoSuchUnit,
			"Control group '%s' is not valid or not managed by this instance", group)
	}
	return unitName, err
}

// controls gathers what settings of resources mean for a unit now, and for its group.
// It is for the owner of the engine; what it gives may be carried out by anybody.
func (m *Manager) controls(def *unit.Unit) *control.Request {
	q := &control.Request{
		Unit: def, Available: m.tracker.Available(), Startup: !m.finished || m.verb != "",
	}
	q.Log = func(format string, args ...any) { m.logf(engine.Warning, def.Name, format, args...) }
	for above := control.Above(def); above != ""; {
		slice := m.e.Definition(above)
		if slice == nil || slice.Resources == nil {
			break
		}
		q.Slices = append(q.Slices, slice)
		above = control.Above(slice)
	}
	return q
}

// control has the kernel do what a unit's settings say.
func (m *Manager) control(q *control.Request, g cgroup.Group) {
	if err := g.Control(control.For(q)); err != nil {
		m.logf(engine.Warning, q.Unit.Name, "%v", err)
	}
}

// controlAgain does so for groups that are there, of units whose settings may have
// changed, on a goroutine: the kernel may have to free memory first. done is told.
func (m *Manager) controlAgain(which func(*unit.Unit) bool, done func()) {
	var list []func()
	for _, u := range m.e.Units() {
		def, g := m.e.Definition(u.Name), m.group(u.Name)
		if def == nil || def.Resources == nil || g == nil || !which(def) {
			continue
		}
		q := m.controls(def)
		list = append(list, func() { m.control(q, g) })
	}
	m.goes(func() {
		defer done()
		for _, f := range list {
			f()
		}
	})
}

// isWithin reports whether a unit is the named one, or in that slice.
func (m *Manager) isWithin(def *unit.Unit, name string) bool {
	for def != nil && def.Name != name {
		if !strings.HasSuffix(name, ".slice") {
			return false
		}
		def = m.e.Definition(control.Above(def))
	}
	return def != nil
}

// hasStartup reports whether a unit has settings that count only while the machine
// boots or shuts down.
func hasStartup(def *unit.Unit) bool {
	r := def.Resources
	return r.StartupCPUWeight != unit.WeightUnset || r.StartupIOWeight != unit.WeightUnset ||
		r.StartupCPUShares != unit.WeightUnset || r.StartupBlockIOWeight != unit.WeightUnset ||
		len(r.StartupAllowedCPUs)+len(r.StartupAllowedMemoryNodes) > 0
}

// phaseChanged: the machine is up, or begins to go down.
func (m *Manager) phaseChanged() { m.controlAgain(hasStartup, func() {}) }
