package cgroup

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// none tracks without control groups. A process belongs to a unit if it was
// registered; if the leader of its session or process group belongs to it; if
// its parent does; if it was started with the unit's INVOCATION_ID. What was
// found once is kept for the life of the process, so that it may change all that.
//
// The manager is the parent of all orphans below it. Of one that has a session of
// its own and an empty environment nothing is left that tells where it comes
// from, but the moment: it was not there before a process of its unit died.
type none struct {
	config Config
	self   int

	mu      sync.Mutex
	units   map[string]*loose
	members map[int]member
	invoked map[string]*loose // by INVOCATION_ID
	// seen are children of the manager of no known unit, by pid with their start:
	// its own, those from before it, and orphans that could be of several units.
	seen map[int]uint64
}

// member is a process of a unit.
type member struct {
	unit  *loose
	start uint64
	// gone is set when it has been reaped. It is kept while it still gives its
	// number to a session or process group, for that number stays taken.
	gone bool
}

// loose is a unit's group without a control group.
type loose struct {
	n         *none
	unit      string
	populated bool
	first     uint64 // start of the first process; guarded by n.mu
}

func openNone(c Config) (Tracker, error) {
	n := &none{
		config: c, self: os.Getpid(),
		units: map[string]*loose{}, members: map[int]member{},
		invoked: map[string]*loose{}, seen: map[int]uint64{},
	}
	for _, s := range n.children() {
		n.seen[s.PID] = s.Start
	}
	return n, nil
}

func (n *none) Kind() Kind   { return None }
func (n *none) Root() string { return "" }

func (n *none) UnifiedDir() string { return "" }

func (n *none) Close() error { return nil }

func (n *none) Unit(unit, _ string) (Group, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g, ok := n.units[unit]
	if !ok {
		g = &loose{n: n, unit: unit}
		n.units[unit] = g
	}
	return g, nil
}

func (n *none) Find(unit string) (Group, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g, ok := n.units[unit]
	return g, ok
}

func (n *none) Own(pid int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s, err := look(pid); err == nil {
		n.seen[pid] = s.Start
		delete(n.members, pid)
	}
}

func (n *none) Owner(pid int) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	// Up the chain of parents until one is known; then down again.
	var chain []proc.Stat
	for at := pid; at > 1 && at != n.self && len(chain) < 1000; {
		s, err := look(at)
		if err != nil {
			break
		}
		chain = append(chain, s)
		at = s.Parent
	}
	for _, s := range slices.Backward(chain) {
		n.identify(s)
	}
	if len(chain) == 0 {
		return "", false
	}
	if g := n.known(chain[0]); g != nil {
		return g.unit, true
	}
	return "", false
}

// known gives the unit that a process is recorded with.
func (n *none) known(s proc.Stat) *loose {
	if m, ok := n.members[s.PID]; ok && !m.gone && m.start == s.Start {
		return m.unit
	}
	return nil
}

// identify finds the unit of a process by what it shows, and records it.
func (n *none) identify(s proc.Stat) *loose {
	if g := n.known(s); g != nil {
		return g
	}
	if start, ok := n.seen[s.PID]; ok && start == s.Start && s.Parent != n.self {
		delete(n.seen, s.PID) // the number was taken again
	}
	for _, leader := range []int{s.Session, s.Group} {
		// A session or group keeps its number from being given to other processes.
		if m, ok := n.members[leader]; ok && leader != s.PID && m.start <= s.Start {
			return n.record(s, m.unit)
		}
	}
	if s.Parent != n.self {
		if m, ok := n.members[s.Parent]; ok && !m.gone && m.start <= s.Start {
			return n.record(s, m.unit)
		}
	}
	if start, ok := n.seen[s.PID]; ok && start == s.Start || len(n.invoked) == 0 {
		return nil
	}
	if id, ok := proc.Environ(s.PID, "INVOCATION_ID"); ok {
		if g := n.invoked[id]; g != nil {
			return n.record(s, g)
		}
	}
	return nil
}

func (n *none) record(s proc.Stat, g *loose) *loose {
	n.members[s.PID] = member{unit: g, start: s.Start}
	delete(n.seen, s.PID)
	g.populated = true
	if g.first == 0 || s.Start < g.first {
		g.first = s.Start
	}
	return g
}

// scan looks at all processes and records those that it can tell. It gives the
// live ones by unit, and forgets members that are gone and lead nothing.
func (n *none) scan() map[*loose][]proc.Stat {
	all := n.table()
	byPID := make(map[int]proc.Stat, len(all))
	leads := map[int]bool{}
	for _, s := range all {
		byPID[s.PID] = s
		leads[s.Session], leads[s.Group] = true, true
	}
	// Parents first, so that one pass is enough; a chain may run against the
	// order of the numbers.
	visited := make(map[int]bool, len(all))
	var visit func(s proc.Stat, depth int)
	visit = func(s proc.Stat, depth int) {
		if visited[s.PID] {
			return
		}
		visited[s.PID] = true
		if p, ok := byPID[s.Parent]; ok && s.Parent != n.self && depth < 1000 {
			visit(p, depth+1)
		}
		n.identify(s)
	}
	for _, s := range all {
		visit(s, 0)
	}
	children := n.children() // read after the table: whose parent died since is there
	n.adopt(children, n.dying(children))
	for pid, m := range n.members {
		s, alive := byPID[pid]
		if alive && s.Start == m.start {
			continue
		}
		m.gone = true
		n.members[pid] = m
		if !leads[pid] {
			delete(n.members, pid)
		}
	}
	live := map[*loose][]proc.Stat{}
	for _, s := range all {
		if g := n.known(s); g != nil && !s.Dead() {
			live[g] = append(live[g], s)
		}
	}
	return live
}

// dying gives the unit of the children that are dead and not reaped yet, if it is
// one. Their orphans may have been found before Dying was called for them.
func (n *none) dying(children []proc.Stat) *loose {
	var only *loose
	for _, s := range children {
		if !s.Dead() {
			continue
		}
		g := n.identify(s)
		if g != nil && only != nil && g != only {
			return nil
		}
		if g != nil {
			only = g
		}
	}
	return only
}

// adopt gives children of the manager that nobody knows to a unit: to that of the
// process that is dying, if the child was not there before; else to the one unit
// that can have started it. If there are several, it stays with nobody.
func (n *none) adopt(list []proc.Stat, dying *loose) {
	for again := true; again; {
		again = false
		for _, s := range list {
			if s.Parent != n.self || n.known(s) != nil {
				continue
			}
			start, old := n.seen[s.PID]
			old = old && start == s.Start
			g := n.identify(s) // those adopted in this round may lead its session
			if g == nil && !old {
				g = n.candidate(s, dying)
			}
			if g != nil {
				n.record(s, g)
				again = true
			} else {
				n.seen[s.PID] = s.Start
			}
		}
	}
}

// candidate gives the unit that must have started an orphan.
func (n *none) candidate(s proc.Stat, dying *loose) *loose {
	if dying != nil && dying.first <= s.Start {
		return dying
	}
	var only *loose
	for _, g := range n.units {
		if !g.populated || g.first > s.Start {
			continue
		}
		if only != nil {
			return nil
		}
		only = g
	}
	return only
}

// Dying finds the orphans of a child that is dead: they are the manager's by now.
func (n *none) Dying(pid int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := look(pid)
	if err != nil {
		return
	}
	if start, ok := n.seen[pid]; ok && start == s.Start {
		return // the manager's own
	}
	children := n.children()
	g := n.identify(s)
	if g == nil {
		n.adopt([]proc.Stat{s}, nil)
		g = n.known(s)
	}
	n.adopt(children, g)
}

// Reaped forgets the process. If none is left that is known of its unit, it looks
// for those that are not.
func (n *none) Reaped(pid int) {
	n.mu.Lock()
	delete(n.seen, pid)
	m, ok := n.members[pid]
	if !ok || m.gone {
		n.mu.Unlock()
		return
	}
	m.gone = true // it may still lead a session; scan forgets it
	n.members[pid] = m
	empty := n.emptied(m.unit)
	n.mu.Unlock()
	if empty {
		n.config.Empty(m.unit.unit)
	}
}

// emptied looks whether the last process of a unit has gone.
func (n *none) emptied(g *loose) bool {
	if !g.populated || n.anyAlive(g) || len(n.scan()[g]) > 0 {
		return false
	}
	g.populated = false
	n.prune(g)
	return true
}

func (n *none) anyAlive(g *loose) bool {
	for pid, m := range n.members {
		if m.unit != g || m.gone {
			continue
		}
		if s, err := look(pid); err == nil && s.Start == m.start && !s.Dead() {
			return true
		}
	}
	return false
}

// prune forgets the dead leaders of an empty unit.
func (n *none) prune(g *loose) {
	for pid, m := range n.members {
		if m.unit == g && m.gone {
			delete(n.members, pid)
		}
	}
}

func (g *loose) Unit() string { return g.unit }

// Path is "", for there is no group.
func (g *loose) Path() string { return "" }

// Enter gives an empty Place: a process is placed by registering it.
func (g *loose) Enter(string) (Place, error) { return nowhere, nil }

func (g *loose) Register(pid int, invocation string) {
	n := g.n
	n.mu.Lock()
	if invocation != "" {
		n.invoked[invocation] = g
	}
	s, err := look(pid)
	if err != nil {
		s = proc.Stat{PID: pid} // its exit will come, and find the unit
	}
	// Before this it may have been taken for an orphan of a unit that was dying.
	taken := n.members[pid].unit
	n.record(s, g)
	empty := taken != nil && taken != g && n.emptied(taken)
	n.mu.Unlock()
	if empty {
		n.config.Empty(taken.unit)
	}
}

func (g *loose) Attach(pid int) error {
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	s, err := look(pid)
	if err != nil {
		return fmt.Errorf("attach process %d to %s: %w", pid, g.unit, err)
	}
	g.n.record(s, g)
	return nil
}

func (g *loose) live() []proc.Stat {
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	return g.n.scan()[g]
}

func (g *loose) PIDs() ([]int, error) {
	var pids []int
	for _, s := range g.live() {
		pids = append(pids, s.PID)
	}
	slices.Sort(pids)
	return pids, nil
}

func (g *loose) Tree() ([]Process, error) {
	var list []Process
	for _, s := range g.live() {
		list = append(list, describe(s.PID, ""))
	}
	return list, nil
}

func (g *loose) Signal(sig value.Signal, except ...int) (int, error) {
	except = spared(except)
	n, err := signalUntilStable(g.unit, g.PIDs, sig, except)
	return n, errors.Join(err, g.signalGroups(sig, except))
}

func (g *loose) Empty() (bool, error) { return len(g.live()) == 0, nil }

func (g *loose) Remove() error {
	live := g.live()
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	if len(live) > 0 {
		return fmt.Errorf("remove %s: it has %d processes: %w", g.unit, len(live), sys.EBUSY)
	}
	for pid, m := range g.n.members {
		if m.unit == g {
			delete(g.n.members, pid)
		}
	}
	for id, of := range g.n.invoked {
		if of == g {
			delete(g.n.invoked, id)
		}
	}
	if g.n.units[g.unit] == g {
		delete(g.n.units, g.unit)
	}
	return nil
}
