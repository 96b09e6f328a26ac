package manager

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/host/clock"
	"rouse/internal/host/condition"
	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/host/watch"
	"rouse/internal/unit"
)

// pathKinds is what is news of a path, by what a path unit waits for.
var pathKinds = [unit.PathKinds]watch.Kind{
	unit.PathExists:        watch.Exists,
	unit.PathExistsGlob:    watch.Exists,
	unit.PathChanged:       watch.Changed,
	unit.PathModified:      watch.Modified,
	unit.DirectoryNotEmpty: watch.Entries,
}

// watchID is on whose behalf the paths of a unit are watched. Each order has one of its
// own, so that it does not matter which worker is done first.
func watchID(unit string, op engine.Op) string {
	return "path\x00" + unit + "\x00" + strconv.FormatUint(uint64(op), 10)
}

func ofPaths(id string) (unit string, op engine.Op, ok bool) {
	f := strings.Split(id, "\x00")
	if len(f) != 3 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(f[2], 10, 64)
	return f[1], engine.Op(n), err == nil
}

// checkPaths watches the paths of a unit, and then looks at them.
func (m *Manager) checkPaths(fx engine.CheckPaths) {
	name := fx.Unit.Name
	m.unwatchPaths(name)
	m.paths[name] = fx.Op
	m.goes(func() {
		if fx.Make {
			m.makeDirectories(fx.Unit)
		}
		ev := engine.PathsChecked{Op: fx.Op}
		if err := m.watchPaths(fx); err != nil {
			ev.Why = err.Error()
		} else {
			for _, s := range fx.Unit.Path.Specs {
				there, found := condition.Look(s)
				ev.Seen = append(ev.Seen, engine.PathSeen{There: there, Path: found})
			}
		}
		m.post(func() {
			m.step(ev)
			if m.paths[name] != fx.Op {
				m.goes(func() { m.watcher.Remove(watchID(name, fx.Op)) }) // it is not wanted any more
			}
		})
	})
}

func (m *Manager) watchPaths(fx engine.CheckPaths) error {
	if m.watcher == nil {
		return errors.New("files cannot be watched here")
	}
	var paths []watch.Path
	for _, s := range fx.Unit.Path.Specs {
		paths = append(paths, watch.Path{Path: s.Path, Kind: pathKinds[s.Kind]})
	}
	return m.watcher.Add(watchID(fx.Unit.Name, fx.Op), paths...)
}

// makeDirectories makes the directories that a path unit waits for something in.
func (m *Manager) makeDirectories(u *unit.Unit) {
	if !u.Path.MakeDirectory {
		return
	}
	for _, s := range u.Path.Specs {
		if s.Kind == unit.PathExists || s.Kind == unit.PathExistsGlob {
			continue
		}
		if err := os.MkdirAll(s.Path, os.FileMode(u.Path.DirectoryMode)); err != nil {
			m.logf(engine.Warning, u.Name, "Failed to create directory: %v (going on)", err)
		}
	}
}

func (m *Manager) unwatchPaths(unit string) {
	op, ok := m.paths[unit]
	if !ok || m.watcher == nil {
		return
	}
	delete(m.paths, unit)
	m.goes(func() { m.watcher.Remove(watchID(unit, op)) })
}

// pathChanged tells the engine of a path, unless it is of a former order.
func (m *Manager) pathChanged(unit string, op engine.Op, index int, itself bool) {
	if m.paths[unit] == op {
		m.step(engine.PathsChanged{Unit: unit, Index: index, Itself: itself})
	}
}

// timing fills in what timers depend upon.
func (m *Manager) timing(c engine.Config) engine.Config {
	c.Zone, m.zone = clock.Zone(os.Getenv)
	c.Started, c.Container, c.CanWake = sys.Monotonic(), proc.Container() != "", clock.CanWake()
	c.MachineID = m.cfg.MachineID
	if m.cfg.User {
		c.Account = itoa(os.Getuid())
	}
	return c
}

// watchClock has the engine told when the clock is set, or the time zone is.
func (m *Manager) watchClock() {
	w, err := clock.Watch(m.clockChanged)
	if err != nil {
		m.logf(engine.Debug, "", "timers do not see that the clock is set: %v", err)
	} else {
		m.clock = w
	}
	if m.watcher == nil {
		return
	}
	file := watch.Path{Path: clock.LocalTime, Kind: watch.Changed}
	if err := m.watcher.Add(clock.LocalTime, file); err != nil {
		m.logf(engine.Debug, "", "timers do not see another time zone: %v", err)
	}
}

func (m *Manager) clockChanged() { m.send(engine.ClockChanged{}) }

// refreshZone looks whether the local time is another one.
func (m *Manager) refreshZone() {
	zone, key := clock.Zone(os.Getenv)
	if key == m.zone {
		return
	}
	m.zone = key
	m.step(engine.ZoneChanged{Zone: zone})
}

func (m *Manager) stamp(unit string) string { return filepath.Join(m.cfg.Stamps, "stamp-"+unit) }

// readStamp tells when a timer has last fired.
func (m *Manager) readStamp(fx engine.ReadStamp) {
	file := m.stamp(fx.Unit)
	m.goes(func() {
		at, err := clock.ReadStamp(file)
		if err != nil {
			m.logf(engine.Warning, fx.Unit, "%v (going on as if it had never fired)", err)
		}
		m.send(engine.StampRead{Op: fx.Op, At: at})
	})
}

func (m *Manager) writeStamp(fx engine.WriteStamp) {
	file := m.stamp(fx.Unit)
	m.goes(func() {
		if err := clock.WriteStamp(file, fx.At); err != nil {
			m.logf(engine.Warning, fx.Unit, "%v", err)
		}
	})
}

// setAlarm has the machine woken.
func (m *Manager) setAlarm(at uint64) {
	if m.clock == nil {
		return
	}
	if err := m.clock.Wake(at, func() { m.send(engine.Woken{}) }); err != nil {
		m.logf(engine.Warning, "", "wake the machine: %v", err)
	}
}
