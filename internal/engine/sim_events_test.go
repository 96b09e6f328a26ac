package engine

import (
	"slices"

	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// choose picks what happens next: something under way arrives, time passes, a
// process does something, a client comes, or somebody wants something.
func (w *simWorld) choose() Event {
	for len(w.orders) > 0 && !w.d.chance(50) {
		w.work(w.d.n(len(w.orders)))
	}
	if len(w.queue) > 0 && !w.d.chance(30) {
		return w.deliver()
	}
	if at, ok := w.e.NextWake(); ok && w.d.chance(15) {
		w.now.Mono = max(w.now.Mono, at)
		return Tick{}
	}
	if len(w.procs) > 0 && w.d.chance(50) {
		if ev := w.processActs(w.procs[w.d.n(len(w.procs))]); ev != nil {
			return ev
		}
	}
	if w.d.chance(30) {
		if ev := w.clientActs(); ev != nil {
			return ev
		}
	}
	return w.somebodyAsks()
}

// deliver takes something from the queue. Only the facts about one process, and
// those about one order, keep their order; so what is taken is the first of its kind.
func (w *simWorld) deliver() Event {
	i := 0
	if w.d.chance(40) {
		i = w.d.n(len(w.queue))
	}
	for k := range i {
		if mustPrecede(w.queue[k], w.queue[i]) {
			i = k
			break
		}
	}
	ev := w.queue[i]
	w.queue = slices.Delete(w.queue, i, i+1)
	switch m := ev.(type) {
	case MountSeen:
		if w.e.unit(m.Unit) == nil {
			w.step(Loaded{Units: w.defs})
		}
	case Reaped: // the host looks whether it was the last when it tells
		m.Last = m.Last && w.lastOf(w.of[m.PID])
		delete(w.of, m.PID)
		return m
	}
	return ev
}

func mustPrecede(a, b Event) bool {
	switch b := b.(type) {
	case Reaped:
		s, ok := a.(Spawned)
		return ok && s.PID == b.PID || ofMounts(a)
	case MountSeen, MountGone:
		return ofMounts(a)
	case Emptied:
		switch a := a.(type) {
		case Spawned, SpawnFailed, Attached, Emptied:
			return true
		case Reaped: // a control group may be seen empty before its last process is reaped
			return a.PID%2 == 0
		}
	case MainFound:
		_, ok := a.(Reaped)
		return ok
	case NameOwned:
		_, ok := a.(NameOwned)
		return ok
	case Loaded:
		_, ok := a.(Loaded)
		return ok
	}
	return false
}

func ofMounts(ev Event) bool {
	_, seen := ev.(MountSeen)
	_, gone := ev.(MountGone)
	return seen || gone
}

// processActs lets a process die, speak, fork, write its PID file, take a name
// on the bus, or take a client of its socket.
func (w *simWorld) processActs(p simProc) Event {
	act := w.d.n(12)
	if p.unit == "" { // waits for being put in a scope
		if act < 4 {
			w.die(p.pid, ByExit, 0)
		}
		return nil
	}
	switch act {
	case 0, 1, 2, 3:
		codes := [...]ExitCode{ByExit, ByExit, ByExit, BySignal, ByDump}
		w.die(p.pid, codes[w.d.n(len(codes))], w.d.n(2)*9)
		if w.d.chance(10) {
			return OOMKilled{Unit: p.unit}
		}
		return w.deliver()
	case 4:
		w.fork(p.unit, "")
	case 5:
		for i, f := range w.finds {
			if f.Unit == p.unit {
				w.finds = slices.Delete(w.finds, i, i+1)
				return MainFound{Op: f.Op, PID: p.pid}
			}
		}
	case 6:
		if name := w.bus[p.unit]; name != "" {
			i := slices.IndexFunc(w.procs, func(q simProc) bool { return q.pid == p.pid })
			w.procs[i].owns = true
			return NameOwned{Unit: p.unit, Name: name, PID: p.pid}
		}
	case 7:
		for _, s := range w.defs {
			if s.Socket != nil && s.Socket.Service == p.unit && w.socks[s.Name] != nil {
				w.socks[s.Name].waiting = 0
			}
		}
	default:
		return w.talk(p)
	}
	return nil
}

// clientActs lets a client knock at an open socket, and the kernel tell of it, or
// somebody mount or unmount something by hand.
func (w *simWorld) clientActs() Event {
	for _, d := range w.defs {
		if d.Mount != nil && w.d.chance(5) && w.e.unit(d.Name) != nil {
			w.mount(d.Name, pick(w.d, "ExecMount", "ExecUnmount"))
		}
		if d.Path != nil && w.d.chance(30) {
			w.there[d.Name] = w.d.chance(40)
			if w.watched[d.Name] {
				i := w.d.n(len(d.Path.Specs))
				w.queue = append(w.queue, PathsChanged{Unit: d.Name, Index: i, Itself: w.d.chance(50)})
			}
		}
		s := w.socks[d.Name]
		if d.Socket == nil || s == nil || !s.open || !w.d.chance(60) {
			continue
		}
		if s.waiting++; !s.watched {
			continue
		}
		s.watched = false
		if !d.Socket.Accept {
			return Incoming{Unit: d.Name}
		}
		s.waiting--
		w.conn++
		w.conns[w.conn] = true
		return Connected{
			Unit: d.Name, Conn: w.conn, Instance: "x-" + itoa(int(w.conn)), Source: "x",
			Env: []string{"REMOTE_ADDR=x"},
		}
	}
	return nil
}

// somebodyAsks is a request from outside, or definitions that are read again.
func (w *simWorld) somebodyAsks() Event {
	u := w.defs[w.d.n(len(w.defs))]
	if w.e.unit(u.Name) == nil {
		w.step(Loaded{Units: w.defs})
	}
	if u.Scope != nil && w.d.chance(60) {
		return w.scopeActs(u.Name)
	}
	switch w.d.n(16) {
	case 9:
		return ResetFailed{Unit: u.Name}
	case 10:
		return Incoming{Unit: u.Name} // of which the engine wants to know no more
	case 11:
		return JobCancelled{ID: w.e.lastJob}
	case 12:
		return w.reload()
	case 13:
		return KillRequested{Unit: u.Name, Who: "all", Signal: value.SIGTERM}
	case 14:
		return Pinned{Unit: u.Name, On: w.d.chance(50)}
	case 15:
		return Removed{Unit: u.Name}
	}
	types := [...]transaction.JobType{
		transaction.Start, transaction.Start, transaction.Start, transaction.Stop, transaction.Restart,
		transaction.Reload, transaction.TryRestart, transaction.ReloadOrRestart, transaction.VerifyActive,
	}
	return JobRequested{
		Unit: u.Name, Type: types[w.d.n(len(types))], Mode: pick(w.d, unit.Replace, unit.Fail,
			unit.ReplaceIrreversibly, unit.Isolate, unit.IgnoreDependencies, unit.IgnoreRequirements),
	}
}

// reload reads all definitions again; one of them may have been edited.
func (w *simWorld) reload() Event {
	if i := w.d.n(len(w.defs)); w.d.chance(50) {
		w.defs[i] = w.randomUnit(w.defs[i].Name)
		w.edited[w.defs[i].Name] = true
	}
	return Loaded{Units: w.defs, Reload: w.d.chance(50)}
}
