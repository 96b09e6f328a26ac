package engine

import (
	"maps"
	"slices"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// hold is what can be done to a unit apart from its jobs: its directories are cleaned,
// its processes are frozen, it is marked for later.
type hold struct {
	Cleaning   Op              `json:",omitzero"` // the CleanUp under way
	CleanReq   uint64          `json:",omitzero"` // who is told when it is done
	Cleaned    Result          `json:",omitzero"` // how the last one went
	Freezer    Freezer         `json:",omitzero"` // whether its processes run
	Freezing   Op              `json:",omitzero"` // the Freeze under way
	FreezeReqs []uint64        `json:",omitzero"` // who is told when that is done
	Markers    Markers         `json:",omitzero"`
	Refs       map[string]uint `json:",omitzero"` // how often a client holds the unit
}

// Freezer tells whether the processes of a unit run.
type Freezer uint8

// The states of the freezer, as the property FreezerState has them.
const (
	FreezerRunning Freezer = iota
	FreezerFreezing
	FreezerFrozen
	FreezerThawing
	Freezers
)

var freezerWords = [Freezers]string{"running", "freezing", "frozen", "thawing"}

func (f Freezer) String() string { return freezerWords[f] }

// Markers are the marks of a unit. EnqueueMarkedJobs queues jobs for them.
type Markers uint8

// The marks.
const (
	NeedsReload Markers = 1 << iota
	NeedsRestart
)

var markerWords = [...]struct {
	mark Markers
	word string
}{{NeedsReload, "needs-reload"}, {NeedsRestart, "needs-restart"}}

// Words lists the marks.
func (m Markers) Words() []string {
	list := []string{}
	for _, k := range markerWords {
		if m&k.mark != 0 {
			list = append(list, k.word)
		}
	}
	return list
}

// ParseMarker finds a mark by its word.
func ParseMarker(word string) (Markers, bool) {
	for _, k := range markerWords {
		if k.word == word {
			return k.mark, true
		}
	}
	return 0, false
}

// handleHold is handle for what is no matter of jobs.
func (e *Engine) handleHold(ev Event) {
	switch ev := ev.(type) {
	case ScopeFormed:
		e.scopeFormed(ev)
	case Attached:
		e.attached(ev)
	case AbandonRequested:
		e.abandonRequested(ev)
	case CleanRequested:
		e.cleanRequested(ev)
	case CleanedUp:
		e.cleanedUp(ev)
	case FreezeRequested:
		e.freezeRequested(ev)
	case Frozen:
		e.frozen(ev)
	case Marked:
		e.marked(ev)
	case Referenced:
		e.referenced(ev)
	case ClientGone:
		e.clientGone(ev)
	case ControllerGone:
		e.controllerGone(ev)
	}
}

// answer tells who made a request how it went.
func (e *Engine) answer(req uint64, errorName, message string) {
	fx := Answered{Req: req}
	if errorName != "" {
		fx.Err = &transaction.Error{Name: errorName, Message: message}
	}
	e.emit(fx)
}

// canClean lists what a unit has that can be removed, in systemd's order.
func (u *runUnit) canClean() []string {
	list := []string{}
	if t := u.Def.Timer; t != nil && t.Persistent {
		list = append(list, "state")
	}
	if u.Def.Exec == nil || u.Def.Load != unit.Loaded {
		return list
	}
	for kind := range unit.DirectoryKinds {
		if len(u.Def.Exec.Directories[kind].Paths) > 0 {
			list = append(list, kind.Word())
		}
	}
	return list
}

// cleanRequested asks for the removal of directories of a unit at rest.
func (e *Engine) cleanRequested(ev CleanRequested) {
	u := e.unit(ev.Unit)
	switch {
	case u == nil:
		e.answer(ev.Req, "NoSuchUnit", "Unit "+ev.Unit+" not loaded.")
		return
	case u.Def.Exec == nil && u.Def.Timer == nil:
		e.answer(ev.Req, "NotSupported", "Unit '"+u.Name+"' does not supporting cleaning.")
		return
	case u.active() != graph.Inactive || u.job != nil:
		e.answer(ev.Req, "UnitBusy", "Unit is not inactive or has pending job.")
		return
	}
	what := slices.DeleteFunc(u.canClean(), func(w string) bool {
		return !slices.Contains(ev.What, w) && !slices.Contains(ev.What, "all")
	})
	if len(what) == 0 {
		e.answer(ev.Req, "NothingToClean", "No matching resources found.")
		return
	}
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "cleaning requested", From: u.cause}
	was, word := u.active(), u.subWord()
	u.hold.Cleaning, u.hold.CleanReq = e.order(u, opClean), ev.Req
	u.hold.Cleaned = ResultSuccess
	e.changed(u, was, word, flagsOfChange{})
	e.emit(CleanUp{Op: u.hold.Cleaning, Unit: u.Def, What: what})
}

// cleanedUp: the directories are gone, or cannot be removed.
func (e *Engine) cleanedUp(ev CleanedUp) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.hold.Cleaning != ev.Op {
		return
	}
	e.cause = u.cause
	was, word := u.active(), u.subWord()
	u.hold.Cleaning, u.hold.Cleaned = 0, ResultSuccess
	if ev.Why != "" {
		u.hold.Cleaned = ResultResources
		if ev.Timeout {
			u.hold.Cleaned = ResultTimeout
		}
		e.log(Warning, u, "cannot clean: %s", ev.Why)
	}
	e.answer(u.hold.CleanReq, "", "")
	u.hold.CleanReq = 0
	e.changed(u, was, word, flagsOfChange{})
	if u.job != nil {
		e.enqueue(u.job)
	}
}

// canFreeze: units whose processes the manager looks after, and slices of such.
func (e *Engine) canFreeze(u *runUnit) bool {
	switch u.Def.Type {
	case name.Service, name.Scope:
		return true
	case name.Slice:
		return !slices.ContainsFunc(u.Links(unit.SliceOf), func(l graph.Link) bool {
			return !e.canFreeze(e.at(l.To))
		})
	case name.Bad, name.Socket, name.Target, name.Device, name.Mount, name.Automount, name.Swap,
		name.Timer, name.Path, name.Types:
	}
	return false
}

// freezeRequested stops the processes of a unit where they are, or lets them go on.
func (e *Engine) freezeRequested(ev FreezeRequested) {
	u := e.unit(ev.Unit)
	settled, towards := FreezerFrozen, FreezerFreezing
	if ev.Thaw {
		settled, towards = FreezerRunning, FreezerThawing
	}
	switch {
	case u == nil:
		e.answer(ev.Req, "NoSuchUnit", "Unit "+ev.Unit+" not loaded.")
	case !e.canFreeze(u) || !ev.Able:
		e.answer(ev.Req, "NotSupported", "Unit '"+u.Name+"' does not support freezing.")
	case u.active() != graph.Active:
		e.answer(ev.Req, "UnitInactive", "Unit is inactive.")
	case u.job != nil:
		e.answer(ev.Req, "UnitBusy", "Unit has a pending job.")
	case u.hold.Freezer == settled:
		e.answer(ev.Req, "", "")
	case u.hold.Freezer == towards:
		e.answer(ev.Req, "UnitBusy",
			"Previously requested freezer operation for unit is still in progress.")
	default:
		u.hold.FreezeReqs = append(u.hold.FreezeReqs, ev.Req)
		e.freeze(u, ev.Thaw)
	}
}

// freeze orders it for a unit, and for those in a slice: for them first, but what is in a
// frozen slice goes on only after it.
func (e *Engine) freeze(u *runUnit, thaw bool) {
	if thaw {
		e.freezeOne(u, true)
	}
	if u.Def.Type == name.Slice {
		for _, l := range u.Links(unit.SliceOf) {
			o := e.at(l.To)
			if e.canFreeze(o) && !o.active().Down() && (o.hold.Freezer != FreezerRunning) == thaw {
				e.freeze(o, thaw)
			}
		}
	}
	if !thaw {
		e.freezeOne(u, false)
	}
}

func (e *Engine) freezeOne(u *runUnit, thaw bool) {
	if u.hold.Freezer = FreezerFreezing; thaw {
		u.hold.Freezer = FreezerThawing
		e.thawAbove(u)
	}
	e.giveUp(&u.hold.Freezing)
	u.hold.Freezing = e.order(u, opFreeze)
	e.emit(Freeze{Op: u.hold.Freezing, Unit: u.Name, Thaw: thaw})
	e.emit(Changed{Unit: u.Name, Active: u.active().String(), Sub: u.subWord()})
}

// thawAbove lets the slices that a unit is in go on, for nothing in a slice goes on that
// is frozen. What else is in them stays as it is.
func (e *Engine) thawAbove(u *runUnit) {
	for _, l := range u.Links(unit.InSlice) {
		o := e.at(l.To)
		if o.hold.Freezer == FreezerFrozen || o.hold.Freezer == FreezerFreezing {
			e.freezeOne(o, true)
		} else {
			e.thawAbove(o)
		}
	}
}

// frozen: the kernel has done it.
func (e *Engine) frozen(ev Frozen) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.hold.Freezing != ev.Op {
		return
	}
	u.hold.Freezing = 0
	frozen := u.hold.Freezer == FreezerFreezing && ev.Why == ""
	if u.hold.Freezer = FreezerRunning; frozen {
		u.hold.Freezer = FreezerFrozen
	}
	for _, req := range u.hold.FreezeReqs {
		if ev.Why == "" {
			e.answer(req, "", "")
		} else {
			e.answer(req, "Failed", "Failed to freeze unit: "+ev.Why)
		}
	}
	u.hold.FreezeReqs = nil
	e.emit(Changed{Unit: u.Name, Active: u.active().String(), Sub: u.subWord()})
}

// thaw lets a frozen unit go on before a job is carried out.
func (e *Engine) thaw(u *runUnit) {
	if u.hold.Freezer == FreezerFrozen || u.hold.Freezer == FreezerFreezing {
		e.freeze(u, true)
	} else if e.canFreeze(u) {
		e.thawAbove(u)
	}
}

// references lists the clients that hold the unit, each as often as it does.
func (h *hold) references() []string {
	list := []string{}
	for _, client := range slices.Sorted(maps.Keys(h.Refs)) {
		for range h.Refs[client] {
			list = append(list, client)
		}
	}
	return list
}

// referenced: a client holds the unit once more, or once less.
func (e *Engine) referenced(ev Referenced) {
	u := e.unit(ev.Unit)
	switch {
	case u == nil:
	case ev.On && u.hold.Refs == nil:
		u.hold.Refs = map[string]uint{ev.Client: 1}
	case ev.On:
		u.hold.Refs[ev.Client]++
	case u.hold.Refs[ev.Client] > 1:
		u.hold.Refs[ev.Client]--
	default:
		e.unhold(u, ev.Client)
	}
}

// unhold ends all that a client holds of a unit.
func (e *Engine) unhold(u *runUnit, client string) {
	h := &u.hold
	if h.Refs[client] == 0 {
		return
	}
	if delete(h.Refs, client); len(h.Refs) == 0 {
		h.Refs = nil
	}
	e.resting = append(e.resting, u)
}

// clientGone: all that a client held is held by it no more.
func (e *Engine) clientGone(ev ClientGone) {
	for _, u := range e.units {
		if u != nil {
			e.unhold(u, ev.Client)
		}
	}
}

// References tells how often a client holds a unit.
func (e *Engine) References(unit, client string) uint {
	if u := e.unit(unit); u != nil {
		return u.hold.Refs[client]
	}
	return 0
}

// marked sets the marks of a unit.
func (e *Engine) marked(ev Marked) {
	if u := e.unit(ev.Unit); u != nil {
		u.hold.Markers = u.hold.Markers&^ev.Clear | ev.Set
	}
}

// MarkedUnits lists the units that have marks, by name.
func (e *Engine) MarkedUnits() map[string]Markers {
	list := map[string]Markers{}
	for _, u := range e.units {
		if u != nil && u.hold.Markers != 0 {
			list[u.Name] = u.hold.Markers
		}
	}
	return list
}

// collect forgets the units that nothing in use refers to.
func (e *Engine) collect() {
	keep := make([]bool, len(e.units))
	stack := make([]*runUnit, 0, len(e.units))
	mark := func(u *runUnit) {
		if u != nil && !keep[u.ID] {
			keep[u.ID] = true
			stack = append(stack, u)
		}
	}
	for _, u := range e.units {
		if u != nil && e.rooted(u) {
			mark(u)
		}
	}
	for _, p := range e.ops {
		mark(p.u)
	}
	for len(stack) > 0 {
		u := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for to := range u.Refers() {
			mark(e.at(to))
		}
		// What it is started for may still be told to it: see monitored.
		for _, l := range slices.Concat(u.Links(unit.OnFailureOf), u.Links(unit.OnSuccessOf)) {
			mark(e.at(l.To))
		}
	}
	var gone []*runUnit
	for id, u := range e.units {
		if u != nil && !keep[id] {
			gone = append(gone, u)
		}
	}
	slices.SortFunc(gone, func(a, b *runUnit) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	e.drop(gone...)
}

// anyLoose reports whether a unit may be forgotten, as far as those tell that refer
// to it themselves: mostly one of these is in use, and all the others need not be
// looked at.
func (e *Engine) anyLoose() bool {
	for _, u := range e.units {
		if u != nil && e.loose(u) {
			return true
		}
	}
	return false
}

// anyLooseNow is anyLoose for what may have become so in this step. To look at all units
// after each of many ends would take a time that grows with the square of their number.
func (e *Engine) anyLooseNow() bool {
	for _, u := range e.resting {
		if e.at(u.Node) != u {
			continue
		}
		if e.loose(u) {
			return true
		}
		for to := range u.Refers() {
			if o := e.at(to); o != nil && e.loose(o) {
				return true
			}
		}
	}
	return false
}

func (e *Engine) loose(u *runUnit) bool {
	if e.rooted(u) {
		return false
	}
	for by := range u.ReferredBy() {
		if e.rooted(e.at(by)) {
			return false
		}
	}
	return true
}

// drop takes units out of memory.
func (e *Engine) drop(units ...*runUnit) {
	var nodes []*graph.Node
	for _, u := range units {
		for k := range u.timers {
			e.disarm(u, timerKind(k))
		}
		if u.active() == graph.Failed {
			e.failed--
		}
		if u.svc != nil {
			u.svc.unstoreAll(e)
		}
		nodes = append(nodes, u.Node)
		e.units[u.ID] = nil
		e.left = append(e.left, u)
		e.emit(UnitGone{Unit: u.Name})
	}
	e.g.Remove(nodes...)
}
