package cgroup

import (
	"maps"
	"slices"

	"rouse/internal/host/sys/bpf"
)

// Saved is what a Tracker knows, as plain data, for one that comes after it: which
// processes are whose.
type Saved struct {
	Kind       Kind
	Home, Root string         `json:",omitempty"`
	Killed     []string       `json:",omitempty"` // see hierarchy
	Sweep      []string       `json:",omitempty"` // directories to be removed
	Seen       map[int]uint64 `json:",omitempty"` // see none
	Units      []SavedUnit    `json:",omitempty"`
}

// SavedUnit is the group of one unit.
type SavedUnit struct {
	Unit      string
	Path      string        `json:",omitempty"`
	Made      bool          `json:",omitempty"`
	Populated bool          `json:",omitempty"`
	PIDs      []int         `json:",omitempty"` // children of the manager, not reaped
	Memory    bool          `json:",omitempty"` // it has the memory controller
	Settings  []Setting     `json:",omitempty"` // what it was told
	Programs  []attached    `json:",omitempty"`
	Counters  uint32        `json:",omitempty"` // the kernel's number for them
	Kills     uint64        `json:",omitempty"`
	Entered   uint64        `json:",omitempty"`
	First     uint64        `json:",omitempty"`
	Invoked   []string      `json:",omitempty"`
	Members   []SavedMember `json:",omitempty"`
}

// SavedMember is one process, where there are no control groups.
type SavedMember struct {
	PID         int
	Start       uint64 `json:",omitempty"`
	Child, Gone bool   `json:",omitempty"`
}

func (h *hierarchy) Suspend() *Saved {
	h.moved.Wait()
	_ = h.shut()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &Saved{
		Sweep: h.sweeper.abandon(),
		Kind:  h.kind, Home: h.home, Root: h.root,
		Killed: slices.Sorted(maps.Keys(h.killed)),
	}
	pids := map[*group][]int{}
	for pid, g := range h.pids {
		pids[g] = append(pids[g], pid)
	}
	for _, unit := range slices.Sorted(maps.Keys(h.groups)) {
		g := h.groups[unit]
		slices.Sort(pids[g])
		var counters uint32
		if g.applied.counters > 0 {
			counters, _ = bpf.ID(g.applied.counters)
		}
		s.Units = append(s.Units, SavedUnit{
			Programs: g.applied.programs, Counters: counters,
			Unit: unit, Path: g.path, Made: g.made, Populated: g.populated, Kills: g.kills,
			PIDs: pids[g], Memory: g.memory, Settings: g.applied.settings,
		})
	}
	return s
}

// restore takes over what was saved. Groups whose last child is gone are looked at, and
// the kernel is to tell of them again.
func (h *hierarchy) restore() {
	s := h.config.Saved
	if s == nil {
		return
	}
	var look []*group
	h.mu.Lock()
	for _, dir := range s.Killed {
		h.killed[dir] = true
	}
	for _, dir := range s.Sweep {
		h.sweeper.remove(h, dir, applied{})
	}
	for _, u := range s.Units {
		g := &group{
			h: h, unit: u.Unit, path: u.Path, watch: -1, killWatch: -1,
			made: u.Made, populated: u.Populated, live: len(u.PIDs),
			memory: u.Memory, applied: applied{settings: u.Settings, programs: u.Programs},
		}
		if u.Counters != 0 {
			if fd, err := bpf.ByID(u.Counters, false); err == nil {
				g.applied.counters = fd
			}
		}
		g.dir, _ = h.dir(g.path)
		h.groups[u.Unit], h.units[g.path] = g, u.Unit
		for _, pid := range u.PIDs {
			h.pids[pid] = g
		}
		if !g.populated {
			continue
		}
		g.observeKills()
		g.kills = u.Kills
		if g.live == 0 {
			look = append(look, g)
		}
	}
	h.mu.Unlock()
	for _, g := range look {
		g.report()
	}
}

func (n *none) Suspend() *Saved {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &Saved{Kind: None, Seen: maps.Clone(n.seen)}
	for _, unit := range slices.Sorted(maps.Keys(n.units)) {
		g := n.units[unit]
		u := SavedUnit{
			Unit: unit, Populated: g.populated, Entered: g.entered, First: g.first,
			Invoked: g.invoked,
		}
		for _, pid := range slices.Sorted(maps.Keys(g.pids)) {
			m := n.members[pid]
			u.Members = append(u.Members, SavedMember{pid, m.start, m.child, m.gone})
		}
		s.Units = append(s.Units, u)
	}
	return s
}

func (n *none) restore(s *Saved) {
	maps.Copy(n.seen, s.Seen)
	for _, u := range s.Units {
		g := &loose{
			n: n, unit: u.Unit, pids: map[int]bool{}, populated: u.Populated,
			entered: u.Entered, first: u.First, invoked: u.Invoked,
		}
		n.units[u.Unit] = g
		for _, id := range u.Invoked {
			n.invoked[id] = g
		}
		for _, m := range u.Members {
			n.enter(m.PID, member{unit: g, start: m.Start, child: m.Child})
			if m.Gone {
				n.gone(m.PID)
			}
		}
		g.populated = u.Populated
	}
}
