package manager

import (
	"os"
	"path/filepath"

	"rouse/internal/engine"
	"rouse/internal/host/clock"
	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/host/watch"
)

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
