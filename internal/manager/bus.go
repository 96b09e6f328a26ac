package manager

import (
	"maps"
	"slices"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/graph/transaction"
	"rouse/internal/host/bus"
	"rouse/internal/unit"
)

// busService is the unit whose being up means that there is a bus to connect to.
const busService = "dbus.service"

// busPatience is how long a lost connection is left alone before the next try.
const busPatience = time.Second

// busAddress is where the bus of this manager listens.
func (m *Manager) busAddress() string {
	if m.cfg.User {
		return "unix:path=" + m.cfg.RuntimeDir + "/bus"
	}
	return "unix:path=/run/dbus/system_bus_socket"
}

// watchName follows who has a bus name, for a service; it is asked again of each
// new connection.
func (m *Manager) watchName(fx engine.WatchName) {
	if fx.Off {
		delete(m.names, fx.Name)
		if m.bus != nil {
			m.bus.Unwatch(fx.Name)
		}
		return
	}
	m.names[fx.Name] = fx.Unit
	if m.bus != nil {
		m.bus.Watch(fx.Name)
	}
}

// busChanged connects to the bus once its service is up.
func (m *Manager) busChanged(fx engine.Changed) {
	def := m.e.Definition(busService)
	up := def != nil && def.Name == fx.Unit && fx.Active == "active"
	if !up || m.bus != nil {
		return
	}
	c, err := bus.Dial(bus.Config{
		Address: m.busAddress(), Owner: m.nameOwned, Activate: m.activate, Lost: m.busLost,
		Log: m.logLine, Open: m.cfg.OnBus,
	})
	if err != nil {
		m.logf(engine.Warning, "", "connect to the bus: %v", err)
		return
	}
	m.bus = c
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		c.Watch(name)
	}
	for _, name := range slices.Sorted(maps.Keys(m.peers)) {
		c.Watch(name)
	}
}

// busAgain connects to the bus if its service is up already.
func (m *Manager) busAgain() {
	if s, ok := m.e.Unit(busService); ok {
		m.busChanged(engine.Changed{Unit: s.Name, Active: s.Active})
	}
}

func (m *Manager) nameOwned(name string, pid int) {
	m.post(func() {
		if unit, ok := m.names[name]; ok {
			m.step(engine.NameOwned{Unit: unit, Name: name, PID: pid})
		}
		if m.peers[name] && pid == 0 {
			m.peerGone(name)
		}
	})
}

// busLost: the bus has gone; nobody has any name there any more.
func (m *Manager) busLost(err error) {
	m.post(func() {
		m.logf(engine.Notice, "", "the bus is gone: %v", err)
		m.bus = nil
		m.peersLost()
		for name, unit := range m.names {
			m.step(engine.NameOwned{Unit: unit, Name: name})
		}
		time.AfterFunc(busPatience, func() {
			m.post(m.busAgain)
		})
	})
}

// activate starts a unit because the bus has a message for it.
func (m *Manager) activate(name string) {
	m.post(func() {
		fail := func(err *face.Error) {
			m.logf(engine.Warning, name, "bus activation: %s", err.Message)
			if m.bus != nil {
				m.bus.ActivationFailed(name, err.Name, err.Message)
			}
		}
		primary, err := m.ensure(name)
		if err != nil {
			fail(err)
			return
		}
		m.lastReq++
		m.answers[m.lastReq] = func(r engine.Replied) {
			if r.Err != nil {
				fail(faceError(r.Err))
			}
		}
		m.step(engine.JobRequested{
			Req: m.lastReq, Unit: primary, Type: transaction.Start, Mode: unit.Replace, Auto: true,
			Why: "bus activation",
		})
	})
}
