package manager

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/notify"
	"rouse/internal/host/socket"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// resultsKept is how long it is remembered how jobs ended, for those who have waited for
// them before the re-execution and ask again now.
const resultsKept = time.Minute

// clockSlack is by how much the clocks may differ between two readings of them.
const clockSlack = 100_000

// restore goes on where another manager has left. Whatever of its state cannot be read,
// no process and no socket is given up: they are adopted as they are found.
func (m *Manager) restore(s *State) {
	begun := sys.Monotonic()
	if s.fault == nil {
		m.self, m.finished = s.Self, s.Finished
		m.setBase(s.Env)
		m.setTarget(s.Target)
	}
	m.lastReq, m.lastHandle = s.LastReq, s.LastHandle
	m.verb, m.status, m.departure.repaired = s.Verb, s.Status, s.Repaired
	if m.cfg.Mounts != nil {
		_, _, _ = m.cfg.Mounts.Refresh() // the loader looks there; read again below
	}
	err := m.restoreEngine(s)
	m.adoptDescriptors(s)
	if err != nil {
		m.logf(engine.Err, "", "cannot go on with the state that was saved by version %s: %v; "+
			"going on with what is running", s.Version, err)
		m.adopt(s)
	}
	m.router.Restore(s.Output)
	m.resume(s, err == nil)
	m.publish(face.Event{Kind: "reloaded"})
	m.logf(engine.Info, "", "Reexecuted in %s.", value.Span(sys.Monotonic()-begun))
}

// restoreEngine replaces the engine by one with the state that was saved.
func (m *Manager) restoreEngine(s *State) (err error) {
	var units []*unit.Unit
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v\n%s", p, debug.Stack())
		}
		if err != nil {
			m.step(engine.Loaded{Units: units})
		}
	}()
	config := m.timing(engine.Config{
		Seed: rand.Uint64(), User: m.cfg.User, Stack: debug.Stack,
	})
	if at := s.Self.Phases[userspacePhase].Mono; at != 0 {
		config.Started = at
	}
	m.e = engine.New(config)
	for _, n := range s.Names {
		m.announced[n] = true // before the re-execution
	}
	units = m.cfg.Loader.Closure(s.Names, nil)
	m.logFaults(units)
	if s.fault != nil {
		return s.fault
	}
	e, err := engine.Restore(s.Engine, units, config)
	if err != nil {
		return err
	}
	m.e = e
	m.setLevel(engine.Level(s.Level))
	return nil
}

// adoptDescriptors takes over sockets, connections and stored descriptors.
func (m *Manager) adoptDescriptors(s *State) {
	if s.fault != nil {
		s.Sockets = map[string]SavedSocket{}
		for _, u := range s.Units {
			if len(u.FDs) > 0 {
				s.Sockets[u.Name] = SavedSocket{FDs: u.FDs, Watched: u.FDs}
			}
		}
	}
	for name, set := range s.Sockets {
		def := &unit.Socket{}
		if d := m.e.Definition(name); d != nil && d.Socket != nil {
			def = d.Socket
		}
		m.sockets[name] = socket.Adopt(def, set.FDs, set.Watched)
	}
	if s.Streams != nil {
		m.streams = s.Streams
	}
	m.spaces.Restore(s.Spaces)
	for _, p := range s.Peers {
		m.peers[p] = true
	}
	for h, c := range s.Conns {
		m.conns[h] = c
	}
	for h, f := range s.Stored {
		id, err := sys.IDOf(f.FD)
		if err != nil {
			m.logf(engine.Err, f.Unit, "a stored descriptor is lost: %v", err)
			continue
		}
		m.stored[h] = &storedFD{fd: f.FD, id: id, unit: f.Unit, kept: true}
		if f.Polled {
			m.keepFD(engine.KeepFD{FD: h, Unit: f.Unit, Poll: true})
		}
	}
}

// adopt has an engine that knows nothing take units for up. A process whose start was
// under way is the main one, for want of knowing better: somebody has to await its end.
func (m *Manager) adopt(s *State) {
	for i := range s.Units {
		u := &s.Units[i]
		for _, o := range s.Outcomes {
			if o.Unit == u.Name && o.PID != 0 && u.Main == 0 {
				u.Main, u.Populated = o.PID, true
			}
		}
	}
	slices.SortStableFunc(s.Units, func(a, b StateUnit) int { return rank(a) - rank(b) })
	for _, u := range s.Units {
		m.adoptGroup(u)
		m.step(engine.Adopted{
			Unit: u.Name, Invocation: u.Invocation, Main: u.Main, Populated: u.Populated,
			Open: m.sockets[u.Name] != nil,
		})
	}
}

// adoptGroup has the tracker know the processes of a unit, where it was not told.
func (m *Manager) adoptGroup(u StateUnit) {
	def := m.e.Definition(u.Name)
	if def == nil || !u.Populated || m.group(u.Name) != nil {
		return
	}
	g, err := m.tracker.Unit(u.Name, def.Slice)
	if err != nil {
		m.logf(engine.Warning, u.Name, "%v", err)
		return
	}
	if u.Main != 0 {
		g.Register(u.Main, u.Invocation)
	}
}

// rank orders services before sockets, which look at them.
func rank(u StateUnit) int {
	switch {
	case strings.HasSuffix(u.Name, ".service"):
		return 0
	case strings.HasSuffix(u.Name, ".socket"):
		return 1
	}
	return 2
}

// resume has all go on that was under way; known says that the engine knows of it.
func (m *Manager) resume(s *State, known bool) {
	m.departure.results = s.Results
	if s.Results == nil {
		m.departure.results = map[uint32]string{}
	}
	time.AfterFunc(resultsKept, func() {
		m.post(func() {
			if !m.departure.asked {
				m.departure.results = nil
			}
		})
	})
	if !known {
		s.Outcomes, s.Held = nil, nil
	} else if s.Carried != nil {
		m.carried = s.Carried
	}
	for _, o := range s.Outcomes {
		m.aloft[o.Op] = o.Unit
		m.flyingBy[o.Unit]++
	}
	if known {
		maps.Copy(m.early, s.Early)
	}
	for _, h := range s.Held {
		m.held = append(m.held, message{restored(h.Message), h.Unit})
	}
	for _, fx := range m.e.Resume() {
		m.do(fx)
	}
	if m.cfg.Mounts != nil {
		m.cfg.Mounts.Expect(s.Mounts)
	}
	m.refreshMounts()
	for _, o := range s.Outcomes {
		var err error
		if o.Err != "" {
			err = errors.New(o.Err)
		}
		m.landed(o, err)
	}
	if off := clockOffset(m.now()) - s.Clock; off > clockSlack || off < -clockSlack {
		m.step(engine.ClockChanged{})
	}
	m.step(engine.Tick{})
	if !known {
		for _, pid := range slices.Sorted(maps.Keys(s.Early)) {
			m.reaped(s.Early[pid])
		}
	}
	m.busAgain()
	m.bury(m.departure.missing)
	if m.generators != nil { // what they say now counts when they have said it
		m.regenerate(func() { m.reload(false) })
	}
}

func restored(m notify.Message) *notify.Message { return &m }

// missing lists the processes that are awaited and are not there, not even dead: nobody
// can tell how they ended. There are none unless the last manager broke down. It is asked
// before any child is reaped.
func (s *State) missing() (pids []int) {
	for _, u := range s.Units {
		for _, pid := range [...]int{u.Main, u.Control} {
			_, early := s.Early[pid]
			if pid != 0 && !early && errors.Is(sys.Kill(pid, 0), sys.ESRCH) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// bury tells the engine of their ends.
func (m *Manager) bury(pids []int) {
	for _, pid := range pids {
		m.tracker.Reaped(pid)
		if name := m.e.Awaits(pid); name != "" {
			m.logf(engine.Warning, name, "process %d has ended, and nobody knows how", pid)
			m.reaped(engine.Reaped{PID: pid, Code: engine.BySignal, Status: int(value.SIGKILL)})
		}
	}
}
