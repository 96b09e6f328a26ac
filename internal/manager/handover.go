package manager

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"rouse/internal/engine"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/identity"
	"rouse/internal/host/notify"
	"rouse/internal/host/output"
	"rouse/internal/host/private"
	"rouse/internal/host/socket"
	"rouse/internal/unit/value"
)

// stateFormat is the version of State. A program reads what has its own format or an
// older one. Of a newer one it reads no more than Basic.
const stateFormat = 1

// State is what one manager leaves to the next: plain data, with descriptors by their
// numbers. The next one is another program, maybe, or the same process.
type State struct {
	Basic
	fault error // why there is no more than Basic

	Names  []string // of all loaded units
	Engine []byte   `json:"-"` // what Engine.Save gives, for ParseState
	// Tracker knows which process is whose.
	Tracker *cgroup.Saved
	Sockets map[string]SavedSocket
	Conns   map[engine.Handle]*socket.Conn
	Stored  map[engine.Handle]SavedFD
	Output  []output.Saved
	Streams map[string]*[3]int // that clients gave services; -1 is none
	Spaces  []*private.Space
	Peers   []string // see Manager

	Outcomes []outcome
	Early    map[int]engine.Reaped
	Held     []savedMessage
	Results  map[uint32]string

	LastHandle engine.Handle
	LastReq    uint64
	Carried    map[string]engine.Op
	Dynamic    []identity.Dynamic
	Mounts     []string // mount points
	Clock      int64    // the wall clock less the monotonic one, in microseconds
	Self       self
	Finished   bool
	Env        []string // what generators and configuration have said
	Level      int32
	Target     string // of the log
	Verb       string
	Status     int
	Repaired   uint64 // see repair
}

// Basic is the part of a State that every program can read, whatever becomes of the
// rest: with it no process and no socket is lost.
type Basic struct {
	Format  int
	Version string
	Units   []StateUnit
	FDs     []int // all descriptors in the State
	Notify  int   // the notify socket
}

// StateUnit is one unit that is up.
type StateUnit struct {
	Name       string
	Invocation string `json:",omitempty"`
	Main       int    `json:",omitempty"` // the main process; 0 if there is none
	Control    int    `json:",omitempty"` // the same for the control process
	Populated  bool   `json:",omitempty"` // it has processes
	FDs        []int  `json:",omitempty"` // sockets, in the order of the unit's file
}

// ParseState reads a State, with the engine's beside it. It fails only if not even Basic
// can be read.
func ParseState(data, engine []byte) (*State, error) {
	s := &State{}
	if err := json.Unmarshal(data, &s.Basic); err != nil {
		return nil, err
	}
	fault := json.Unmarshal(data, s)
	s.Engine = engine
	if s.Format > stateFormat {
		fault = fmt.Errorf("its format is %d, and up to %d is known", s.Format, stateFormat)
	}
	if fault != nil {
		s = &State{Basic: s.Basic, fault: fault}
		for _, u := range s.Units {
			s.Names = append(s.Names, u.Name)
		}
	}
	return s, nil
}

// SavedSocket are the open descriptors of a socket unit.
type SavedSocket struct{ FDs, Watched []int }

// SavedFD is a descriptor that a service has left with the manager.
type SavedFD struct {
	FD     int
	Unit   string
	Polled bool
}

type savedMessage struct {
	notify.Message
	Unit string
}

// handOver gives the state and ends everything that is not in it. Run calls it, as the
// owner of an engine that makes no more steps.
func (m *Manager) handOver() *State {
	m.awaitWorkers()
	s := &State{
		Basic: Basic{
			Format: stateFormat, Version: m.cfg.Version, Units: m.stateUnits(),
			Notify: m.departure.notify,
		},
		Sockets: map[string]SavedSocket{}, Conns: m.conns,
		Stored:  map[engine.Handle]SavedFD{},
		Streams: m.streams, Peers: slices.Sorted(maps.Keys(m.peers)),
		Outcomes: m.departure.outcomes, Early: m.early, Results: m.departure.results,
		LastHandle: m.lastHandle, LastReq: m.lastReq, Carried: m.carried,
		Clock: clockOffset(m.now()), Self: m.self, Finished: m.finished, Env: m.base,
		Level: m.level.Load(), Target: m.log.where(), Verb: m.verb, Status: m.status,
		Repaired: m.departure.repaired,
	}
	s.Spaces = m.spaces.Saved()
	s.Engine = m.saveEngine()
	for _, u := range m.e.Units() {
		s.Names = append(s.Names, u.Name)
	}
	if m.cfg.Mounts != nil {
		s.Mounts = m.cfg.Mounts.Points()
	}
	for name, set := range m.sockets {
		s.Sockets[name] = SavedSocket{FDs: set.FDs, Watched: set.Watched}
	}
	for h, f := range m.stored {
		s.Stored[h] = SavedFD{FD: f.fd, Unit: f.unit, Polled: f.polled}
	}
	for _, h := range m.held {
		s.Held = append(s.Held, savedMessage{*h.Message, h.unit})
	}
	s.Output = m.router.Suspend()
	s.Tracker = m.tracker.Suspend()
	s.Dynamic = m.pool.Suspend()
	m.closeRest()
	s.FDs = s.descriptors()
	return s
}

// saveEngine gives the state of the engine; nil, if there is none to be had, makes the
// next manager adopt what it finds.
func (m *Manager) saveEngine() (data []byte) {
	defer m.recovered("saving the state")
	data, err := m.e.Save()
	if err != nil {
		m.logf(engine.Err, "", "%v", err)
	}
	return data
}

// closeRest ends the rooms of which the next manager opens its own.
func (m *Manager) closeRest() {
	m.queue.close()
	m.stopGenerators()
	if m.bus != nil {
		m.bus.Close()
	}
	if m.hangups != nil {
		m.hangups.Close()
	}
	if m.watcher != nil {
		m.watcher.Close()
	}
	if m.table != nil {
		m.table.Close()
	}
	if m.clock != nil {
		m.clock.Close()
	}
	for ch := range m.listeners {
		close(ch)
	}
	clear(m.listeners)
	for _, f := range m.kept {
		f.Close()
	}
	m.log.close()
}

// stateUnits lists what is up.
func (m *Manager) stateUnits() []StateUnit {
	var list []StateUnit
	for _, u := range m.e.Units() {
		if u.Active == "inactive" || u.Active == "failed" {
			continue
		}
		s := StateUnit{Name: u.Name, Invocation: u.Invocation, Main: u.MainPID, Control: u.ControlPID}
		s.Populated = u.MainPID != 0 || m.group(u.Name) != nil && !m.isEmpty(u.Name)
		if set := m.sockets[u.Name]; set != nil {
			s.FDs = set.FDs
		}
		list = append(list, s)
	}
	return list
}

// descriptors lists all descriptors in the state.
func (s *State) descriptors() []int {
	fds := []int{}
	if s.Notify > 0 {
		fds = append(fds, s.Notify)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Sockets)) {
		fds = append(fds, s.Sockets[name].FDs...)
	}
	for _, c := range s.Conns {
		fds = append(fds, c.FD)
	}
	for _, f := range s.Stored {
		fds = append(fds, f.FD)
	}
	for _, p := range s.Output {
		fds = append(fds, p.FD)
	}
	for _, streams := range s.Streams {
		fds = append(fds, streams[:]...)
	}
	for _, sp := range s.Spaces {
		fds = append(fds, sp.Network, sp.IPC)
	}
	for _, h := range s.Held {
		fds = append(fds, h.FDs...)
	}
	return slices.DeleteFunc(fds, func(fd int) bool { return fd < 0 })
}

// clockOffset is how far the wall clock is ahead of the monotonic one.
func clockOffset(now value.Instant) int64 { return int64(now.Real) - int64(now.Mono) }

// given is the state of the manager before; an empty one if there was none.
func (m *Manager) given() *State {
	if m.cfg.State == nil {
		return &State{}
	}
	return m.cfg.State
}
