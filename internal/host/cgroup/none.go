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
//
// Where the kernel lists the children of a process (exact), a unit is what is below
// those of its processes that are children of the manager, and empty when there are
// none: each orphan is found as soon as any process dies, and is waited for then.
// Elsewhere all processes are looked at.
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
	// starts counts the processes that the manager has begun to start; open are those
	// of them that are not registered yet, and may already have left orphans.
	starts uint64
	open   map[uint64]bool
	held   map[int]held
	// waiting are units that may be empty but for what is held.
	waiting map[*loose]bool
	// foreign are members that were attached and are no children: somebody waits for
	// the end of each, and so they count as if they were.
	foreign map[int]bool

	exact bool
}

// held is an orphan that only the moment tells about. It may come from a process that
// is not registered yet, and so nobody has it until all of these are.
type held struct {
	start  uint64
	dying  *loose // the unit to give it to then, which is not empty so long; nil is none
	before uint64 // the last start that may have to do with it
}

// member is a process of a unit.
type member struct {
	unit  *loose
	start uint64 // 0 if it was not looked up: while it is not reaped, no other has its pid
	child bool   // of the manager
	// gone is set when it has been reaped. It is kept while it still gives its
	// number to a session or process group, for that number stays taken.
	gone bool
}

// loose is a unit's group without a control group.
type loose struct {
	n    *none
	unit string

	// Guarded by n.mu.
	populated bool
	entered   uint64       // when a process was last let in
	first     uint64       // start of the first process
	pids      map[int]bool // its members
	alive     int          // those that are children of the manager and not reaped
	invoked   []string     // its INVOCATION_IDs
}

func openNone(c Config) (Tracker, error) {
	n := &none{
		config: c, self: os.Getpid(),
		units: map[string]*loose{}, members: map[int]member{},
		invoked: map[string]*loose{}, seen: map[int]uint64{}, foreign: map[int]bool{},
		open: map[uint64]bool{}, held: map[int]held{}, waiting: map[*loose]bool{},
	}
	if c.Saved != nil {
		n.restore(c.Saved)
	} else {
		for _, s := range n.children() {
			n.seen[s.PID] = s.Start
		}
	}
	_, n.exact = n.orphans()
	return n, nil
}

func (n *none) Kind() Kind   { return None }
func (n *none) Root() string { return "" }

func (n *none) UnifiedDir() string { return "" }

func (n *none) Available() Controllers { return 0 }

func (n *none) Close() error { return nil }

func (n *none) Unit(unit, _ string) (Group, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g, ok := n.units[unit]
	if !ok {
		g = &loose{n: n, unit: unit, pids: map[int]bool{}}
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
		delete(n.held, pid)
		n.leave(pid)
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
		if n.identify(s) != nil || s.Parent != n.self || n.seen[s.PID] == s.Start {
			continue
		}
		// Its parent may be dead without Dying having been called.
		if g := n.dying(n.children()); g != nil {
			n.adopt([]proc.Stat{s}, g)
		}
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
	if m, ok := n.members[s.PID]; ok && !m.gone && (m.start == 0 || m.start == s.Start) {
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
	n.enter(s.PID, member{unit: g, start: s.Start, child: s.Parent == n.self || n.foreign[s.PID]})
	delete(n.seen, s.PID)
	if g.first == 0 || s.Start < g.first {
		g.first = s.Start
	}
	return g
}

// enter makes a process a member, in place of what its pid was before.
func (n *none) enter(pid int, m member) {
	n.leave(pid)
	delete(n.held, pid)
	n.members[pid] = m
	m.unit.pids[pid] = true
	m.unit.populated = true
	if m.child {
		m.unit.alive++
	}
}

// leave forgets a member, if the process is one.
func (n *none) leave(pid int) {
	m, ok := n.members[pid]
	if !ok {
		return
	}
	delete(n.members, pid)
	delete(m.unit.pids, pid)
	if m.child && !m.gone {
		m.unit.alive--
	}
}

// gone notes that a member has died, which may still lead a session.
func (n *none) gone(pid int) {
	m := n.members[pid]
	if m.child && !m.gone {
		m.unit.alive--
	}
	m.gone = true
	n.members[pid] = m
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
		if alive && (s.Start == m.start || m.start == 0) {
			continue
		}
		n.gone(pid)
		if !leads[pid] {
			n.leave(pid)
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
				if n.hold(s, dying) {
					continue
				}
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

// hold reports whether it is too early to guess whose an orphan is.
func (n *none) hold(s proc.Stat, dying *loose) bool {
	h, ok := n.held[s.PID]
	if !ok || h.start != s.Start {
		h = held{start: s.Start, before: n.starts}
	}
	if h.dying == nil {
		h.dying = dying
	}
	for start := range n.open {
		if start <= h.before {
			n.held[s.PID] = h
			return true
		}
	}
	delete(n.held, s.PID)
	return false
}

// Starting: until the process is registered, or Own is called for it, what it has left
// is not taken for anybody else's.
func (n *none) Starting() func() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.starts++
	start := n.starts
	n.open[start] = true
	return func() { n.started(start) }
}

func (n *none) started(start uint64) {
	n.mu.Lock()
	delete(n.open, start)
	for pid, h := range n.held {
		if s, err := look(pid); err == nil && s.Start == h.start {
			n.adopt([]proc.Stat{s}, h.dying)
		} else {
			delete(n.held, pid)
		}
	}
	var empty []*loose
	for g := range n.waiting {
		delete(n.waiting, g)
		if n.emptied(g) { // or it waits again
			empty = append(empty, g)
		}
	}
	n.mu.Unlock()
	for _, g := range empty {
		n.config.Empty(g.unit)
	}
}

// holds reports whether a held orphan may be of the unit.
func (n *none) holds(g *loose) bool {
	for _, h := range n.held {
		if h.dying == g {
			return true
		}
	}
	return false
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
	var g *loose
	if m, ok := n.members[pid]; ok && !m.gone && m.child {
		g = m.unit
	} else {
		s, err := look(pid)
		if err != nil {
			return
		}
		if start, ok := n.seen[pid]; ok && start == s.Start {
			return // the manager's own
		}
		if g = n.identify(s); g == nil {
			// Its parent may be dead as well, and not have had its turn.
			n.adopt([]proc.Stat{s}, n.dying(n.children()))
			g = n.known(s)
		}
	}
	n.adopt(n.strangers(), g)
}

// strangers gives the children of the manager that may be new to it.
func (n *none) strangers() []proc.Stat {
	pids, ok := n.orphans()
	if !ok {
		return n.children()
	}
	var list []proc.Stat
	for _, pid := range pids {
		if _, own := n.seen[pid]; own {
			continue
		}
		if m, ok := n.members[pid]; ok && !m.gone && m.child {
			continue
		}
		if s, err := look(pid); err == nil {
			list = append(list, s)
		}
	}
	return list
}

// Reaped forgets the process. If none is left that is known of its unit, it looks
// for those that are not.
func (n *none) Reaped(pid int) {
	n.mu.Lock()
	delete(n.seen, pid)
	delete(n.held, pid)
	m, ok := n.members[pid]
	if !ok || m.gone {
		n.mu.Unlock()
		return
	}
	n.gone(pid)
	empty := n.emptied(m.unit)
	n.mu.Unlock()
	if empty {
		n.config.Empty(m.unit.unit)
	}
}

// emptied looks whether the last process of a unit has gone.
func (n *none) emptied(g *loose) bool {
	if !g.populated || g.alive > 0 || !n.exact && len(n.scan()[g]) > 0 {
		return false
	}
	if n.holds(g) {
		n.waiting[g] = true
		return false
	}
	g.populated = false
	g.forget()
	return true
}

// forget drops the members of an empty unit: the dead leaders of sessions, and those
// that died below others.
func (g *loose) forget() {
	for pid := range g.pids {
		g.n.leave(pid)
	}
	for _, id := range g.invoked {
		if g.n.invoked[id] == g {
			delete(g.n.invoked, id)
		}
	}
	g.invoked = nil
}

func (g *loose) Unit() string { return g.unit }

// Path is "", for there is no group.
func (g *loose) Path() string { return "" }

// Enter gives an empty Place: a process is placed by registering it.
func (g *loose) Enter(string) (Place, error) {
	g.n.mu.Lock()
	g.entered = sys.Ticks()
	g.n.mu.Unlock()
	return nowhere, nil
}

func (g *loose) Register(pid int, invocation string) {
	n := g.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if invocation != "" {
		n.invoked[invocation] = g
		g.invoked = append(g.invoked, invocation)
	}
	n.enter(pid, member{unit: g, child: true})
	delete(n.seen, pid)
	if g.first == 0 || g.entered < g.first {
		g.first = g.entered
	}
}

func (g *loose) Attach(pid int, _ string) error {
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	s, err := look(pid)
	if err != nil {
		return fmt.Errorf("attach process %d to %s: %w", pid, g.unit, err)
	}
	if s.Parent != g.n.self && !g.n.foreign[pid] {
		if wait, err := sys.WaitGone(pid); err == nil {
			g.n.foreign[pid] = true
			go func() {
				wait()
				g.n.foreignGone(pid, s.Start)
			}()
		}
	}
	g.n.record(s, g)
	return nil
}

// foreignGone: a member that is not ours to reap has ended. What it leaves is ours by now.
func (n *none) foreignGone(pid int, start uint64) {
	n.mu.Lock()
	delete(n.foreign, pid)
	m, ok := n.members[pid]
	if !ok || m.gone || m.start != start {
		n.mu.Unlock()
		return
	}
	n.adopt(n.strangers(), m.unit)
	n.gone(pid)
	empty := n.emptied(m.unit)
	n.mu.Unlock()
	if empty {
		n.config.Empty(m.unit.unit)
	}
}

func (g *loose) live() []proc.Stat {
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	if !g.n.exact {
		return g.n.scan()[g]
	}
	return g.below()
}

// below gives the live processes of the unit: its members that are children of the
// manager, and all that is below them.
func (g *loose) below() []proc.Stat {
	var queue []int
	var list []proc.Stat
	for at, quiet := 0, 0; quiet < 2; {
		if at == len(queue) {
			// Those are missing whose parent has just died. Twice, for the kernel may leave out
			// children while one is reaped; no two are, as Dying waits for the lock.
			quiet++
			if queue = g.top(queue); at < len(queue) {
				quiet = 0
			}
			continue
		}
		s, err := look(queue[at])
		at++
		if err != nil || s.Dead() {
			continue
		}
		list = append(list, s)
		children, _ := proc.Children(s.PID)
		for _, child := range children {
			if m, ok := g.n.members[child]; ok && !m.gone && m.unit != g {
				continue // attached to another unit
			}
			if !slices.Contains(queue, child) { // one that has moved meanwhile
				queue = append(queue, child)
			}
		}
	}
	return list
}

// top adds those members that are children of the manager, orphans too.
func (g *loose) top(queue []int) []int {
	if list := g.n.strangers(); len(list) > 0 {
		g.n.adopt(list, g.n.dying(g.n.children()))
	}
	known := len(queue)
	for pid := range g.pids {
		if m := g.n.members[pid]; m.child && !m.gone && !slices.Contains(queue[:known], pid) {
			queue = append(queue, pid)
		}
	}
	slices.Sort(queue[known:])
	return queue
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

func (g *loose) Empty() (bool, error) {
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	if !g.populated || g.alive > 0 || g.n.exact {
		return g.alive == 0 && !g.n.holds(g), nil
	}
	return len(g.n.scan()[g]) == 0, nil
}

func (g *loose) Remove() error {
	if empty, _ := g.Empty(); !empty {
		return fmt.Errorf("remove %s: it has processes: %w", g.unit, sys.EBUSY)
	}
	g.n.mu.Lock()
	defer g.n.mu.Unlock()
	g.forget()
	if g.n.units[g.unit] == g {
		delete(g.n.units, g.unit)
	}
	return nil
}

// OOMKilled knows of nothing: without control groups nobody tells.
func (g *loose) OOMKilled() bool { return false }

// Control is not to be had without control groups.
func (g *loose) Control(*Control) error { return nil }

// Traffic is not counted without control groups.
func (g *loose) Traffic() (n [traffic]uint64, ok bool) { return n, false }

func (g *loose) Delegate(int, int) error { return nil }
