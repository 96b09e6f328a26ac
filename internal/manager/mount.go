package manager

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"rouse/internal/engine"
	"rouse/internal/host/machine"
	"rouse/internal/host/mounts"
	"rouse/internal/host/sandbox"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/host/watch"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// watchMounts has the mount table looked at whenever it changes.
func (m *Manager) watchMounts() {
	var pending atomic.Bool
	w, err := mounts.Watch(func() {
		if pending.CompareAndSwap(false, true) {
			m.post(func() {
				pending.Store(false)
				m.refreshMounts()
			})
		}
	})
	if err != nil {
		m.logf(engine.Notice, "", "mounts that others make are not followed: %v", err)
		return
	}
	m.table = w
	if m.watcher != nil { // mount(8) writes there what the kernel does not know
		file := watch.Path{Path: mounts.UserOptions, Kind: watch.Changed}
		if err := m.watcher.Add(mounts.UserOptions, file); err != nil {
			m.logf(engine.Debug, "", "%v", err)
		}
	}
}

// refreshMounts looks at the mount table and tells the engine what is different.
func (m *Manager) refreshMounts() {
	if m.cfg.Mounts == nil {
		return
	}
	gone, changed, err := m.cfg.Mounts.Refresh()
	if err != nil {
		m.logf(engine.Debug, "", "read the mount table: %v", err)
		return
	}
	for _, where := range gone {
		if unitName, err := name.FromPath(where, ".mount"); err == nil {
			m.step(engine.MountGone{Unit: unitName})
		}
	}
	for _, mt := range changed {
		unitName, err := name.FromPath(mt.Where, ".mount")
		if err != nil {
			m.logf(engine.Warning, "", "what is mounted at %s has no unit: %v", mt.Where, err)
			continue
		}
		if m.haveMount(unitName, mt) {
			m.step(engine.MountSeen{Unit: unitName, What: mt.What, Type: mt.Type, Options: mt.Options})
		}
	}
}

// haveMount reports that the unit of a mount is loaded, and loads it where it should
// be. A manager that is neither PID 1 nor a user's has no business with what others
// mount: at its end it would unmount it.
func (m *Manager) haveMount(unitName string, mt mounts.Mount) bool {
	def := m.e.Definition(unitName)
	if !m.cfg.AllMounts {
		s, _ := m.e.Unit(unitName)
		return def != nil && s.Active != "inactive" && s.Active != "failed"
	}
	old := def != nil && def.Load != unit.NotFound
	if old && !(def.Mount.Found && differs(def.Mount, mt)) {
		return true
	}
	units := m.cfg.Loader.Closure([]string{unitName}, func(n string) bool {
		d := m.e.Definition(n)
		return n != unitName && d != nil && d.Load != unit.NotFound
	})
	for _, u := range units {
		if u.Name == unitName && u.Mount != nil && u.Mount.Found {
			m.beforeUsers(u)
		}
	}
	m.logFaults(units)
	m.step(engine.Loaded{Units: units})
	return true
}

// differs reports that a definition made of the mount table is out of date.
func differs(d *unit.Mount, mt mounts.Mount) bool {
	return d.What != mt.What || d.FSType != mt.Type || d.Options != mt.Options
}

// beforeUsers orders a mount that has just come before the units that need its path.
// Those that are loaded later order themselves.
func (m *Manager) beforeUsers(u *unit.Unit) {
	where := strings.TrimSuffix(u.Mount.Where, "/") + "/"
	for _, d := range m.e.Definitions() {
		for _, p := range d.RequiresMountsFor {
			if strings.HasPrefix(p+"/", where) && d.Name != u.Name {
				u.Edges = append(u.Edges, unit.Edge{Kind: unit.Before, Name: d.Name})
				break
			}
		}
	}
}

// prepareMount makes the mount point of a unit.
func (m *Manager) prepareMount(fx engine.PrepareMount) {
	d := fx.Unit.Mount
	m.goes(func() {
		note, err := mounts.Prepare(d.What, d.Where, d.IsBind(), d.DirectoryMode)
		if note != "" {
			m.logf(engine.Notice, fx.Unit.Name, "%s", note)
		}
		ev := engine.MountPrepared{Op: fx.Op}
		if err != nil {
			ev.Why = err.Error()
		}
		m.send(ev)
	})
}

// openPlace makes what the views of processes are put together with. Who cannot do that
// can make no mounts either.
func (m *Manager) openPlace() {
	m.place = sandbox.At(m.cfg.RuntimeDir)
	if err := m.place.Make(); err != nil {
		m.logf(engine.Notice, "", "mounts of services: %v", err)
	}
	if os.Geteuid() == 0 { // others make them within a user namespace of the process
		m.spaces.Namespace = spawn.NewNamespace
	}
	m.spaces.BootID = machine.Facts(m.users).BootID
}

// enclose gives a process what is its unit's alone. It is called on a goroutine.
func (m *Manager) enclose(l *launch, req *spawn.Request) {
	x, name := l.Unit.Exec, l.Unit.Name
	if sp := l.space; sp != nil {
		if err := m.spaces.Prepare(sp, name, x); err != nil && req.Fail == nil {
			req.Fail = &spawn.StepError{
				Unit: name, Step: "make what is private", Directive: err.Directive, Err: err.Err,
				Status: spawn.StatusNamespace,
			}
		}
		if x.PrivateTmp {
			req.Tmp, req.VarTmp = sp.Tmp, sp.VarTmp
		}
		req.Network, req.IPC = max(0, sp.Network), max(0, sp.IPC)
	}
	if m.spawner.HasView(req) {
		req.Incoming = filepath.Join(m.place.Incoming, name)
		if err := os.MkdirAll(req.Incoming, 0o600); err != nil {
			m.logf(engine.Debug, name, "no mounts can be added later: %v", err)
			req.Incoming = ""
		}
	}
}

// leaveSpace: the unit has ended, and what it has had to itself is removed.
func (m *Manager) leaveSpace(name string) {
	remove := m.spaces.Drop(name)
	if remove == nil {
		return
	}
	m.goes(func() {
		if err := remove(); err != nil {
			m.logf(engine.Warning, name, "%v", err)
		}
	})
}

// forgetPlace removes the directory through which mounts come to the unit.
func (m *Manager) forgetPlace(name string) {
	err := sys.RemoveDirectory(filepath.Join(m.place.Incoming, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.logf(engine.Debug, name, "%v", err)
	}
}
