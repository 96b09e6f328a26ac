package engine

import (
	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// mount is the state of a mount unit. systemd.mount(5).
type mount struct {
	Sub       MountState                      `json:",omitzero"`
	Result    Result                          `json:",omitzero"`
	Reloaded  Result                          `json:",omitzero"` // of the last remount
	Seen      bool                            `json:",omitzero"` // it is in the mount table
	What      string                          `json:",omitzero"` // as the mount table has it
	FSType    string                          `json:",omitzero"`
	Options   string                          `json:",omitzero"`
	Preparing Op                              `json:",omitzero"` // the PrepareMount under way
	Tries     uint                            `json:",omitzero"` // of umount, one after another
	Ran       [unit.MountExecKinds]procStatus `json:",omitzero"`
}

// MountState is the sub state of a mount unit.
type MountState uint8

// The sub states of mounts.
const (
	MountDead MountState = iota
	MountMounting
	MountMountingDone // it is there, and mount(8) has not ended yet
	MountMounted
	MountRemounting
	MountUnmounting
	MountRemountingSigterm
	MountRemountingSigkill
	MountUnmountingSigterm
	MountUnmountingSigkill
	MountFailed
	MountStates
)

var mountStates = [MountStates]struct {
	word   string
	active graph.ActiveState
}{
	MountDead:              {"dead", graph.Inactive},
	MountMounting:          {"mounting", graph.Activating},
	MountMountingDone:      {"mounting-done", graph.Activating},
	MountMounted:           {"mounted", graph.Active},
	MountRemounting:        {"remounting", graph.Reloading},
	MountUnmounting:        {"unmounting", graph.Deactivating},
	MountRemountingSigterm: {"remounting-sigterm", graph.Reloading},
	MountRemountingSigkill: {"remounting-sigkill", graph.Reloading},
	MountUnmountingSigterm: {"unmounting-sigterm", graph.Deactivating},
	MountUnmountingSigkill: {"unmounting-sigkill", graph.Deactivating},
	MountFailed:            {"failed", graph.Failed},
}

func (s MountState) String() string { return mountStates[s].word }

func (s MountState) active() graph.ActiveState { return mountStates[s].active }

// maxUnmounts is how many mounts at the same place are unmounted for one stop.
const maxUnmounts = 32

// enter is the only way into a sub state. It clears the deadline; the caller sets
// the new one.
func (m *mount) enter(e *Engine, u *runUnit, sub MountState) {
	was, word := u.active(), u.subWord()
	m.Sub = sub
	e.disarm(u, timerState)
	e.changed(u, was, word, flagsOfChange{reloadFailed: m.Reloaded != ResultSuccess})
}

// follow goes to another sub state of the same command, whose deadline stays.
func (m *mount) follow(e *Engine, u *runUnit, sub MountState) {
	at := uint64(0)
	if t := u.timers[timerState]; t != nil {
		at = t.at
	}
	m.enter(e, u, sub)
	if at != 0 {
		e.armAt(u, timerState, at)
	}
}

func (m *mount) note(r Result) {
	if m.Result == ResultSuccess {
		m.Result = r
	}
}

// start answers a start job.
func (m *mount) start(e *Engine, u *runUnit) verdict {
	switch m.Sub {
	case MountDead, MountFailed:
	case MountMounting, MountMountingDone:
		return underway
	case MountUnmounting, MountUnmountingSigterm, MountUnmountingSigkill:
		return later
	case MountMounted, MountRemounting, MountRemountingSigterm, MountRemountingSigkill, MountStates:
		return already
	}
	e.newInvocation(u)
	m.Result, m.Reloaded = ResultSuccess, ResultSuccess
	m.Ran = [unit.MountExecKinds]procStatus{}
	m.enter(e, u, MountMounting)
	e.arm(u, timerState, u.Def.Mount.Timeout)
	m.Preparing = e.order(u, opMount)
	e.emit(PrepareMount{Op: m.Preparing, Unit: u.Def})
	return underway
}

// mountPrepared: the mount point is there, or cannot be used.
func (e *Engine) mountPrepared(ev MountPrepared) {
	u, _ := e.outcome(ev.Op)
	if u == nil || u.mnt == nil || u.mnt.Preparing != ev.Op {
		return
	}
	m := u.mnt
	m.Preparing = 0
	e.cause = u.cause
	if ev.Why != "" {
		e.cause = &Cause{At: e.now, Unit: u.Name, What: "cannot mount", Why: ev.Why, From: u.cause}
		e.log(Warning, u, "Failed to run 'mount' task: %s", ev.Why)
		m.deadOrMounted(e, u, ResultResources)
		return
	}
	m.run(e, u, unit.ExecMount)
}

// run starts mount(8) or umount(8); false if there is nothing to say to it.
func (m *mount) run(e *Engine, u *runUnit, kind unit.MountExecKind) {
	list := u.Def.Mount.Commands(kind)
	if len(list) == 0 {
		e.log(Warning, u, "Failed to run '%s' task: no unit file says what to mount", mountTasks[kind])
		if kind == unit.ExecRemount {
			m.Reloaded = ResultResources
			m.deadOrMounted(e, u, ResultSuccess)
			return
		}
		m.deadOrMounted(e, u, ResultResources)
		return
	}
	e.runList(u, &u.procs.Control, kind.String(), list)
}

var mountTasks = [unit.MountExecKinds]string{
	unit.ExecMount: "mount", unit.ExecUnmount: "umount", unit.ExecRemount: "remount",
}

func (m *mount) enterMounted(e *Engine, u *runUnit, r Result) {
	m.note(r)
	e.giveUp(&m.Preparing)
	m.enter(e, u, MountMounted)
}

func (m *mount) enterDead(e *Engine, u *runUnit, r Result) {
	m.note(r)
	e.forgetProcs(u)
	e.giveUp(&m.Preparing)
	sub := MountDead
	e.logEnd(u, m.Result)
	if m.Result != ResultSuccess {
		sub = MountFailed
	}
	m.enter(e, u, sub)
	e.emit(Clean{Unit: u.Def})
}

// deadOrMounted goes to the state that the mount table says.
func (m *mount) deadOrMounted(e *Engine, u *runUnit, r Result) {
	if m.Seen {
		m.enterMounted(e, u, r)
	} else {
		m.enterDead(e, u, r)
	}
}

// startReload answers a reload job: a remount.
func (m *mount) startReload(e *Engine, u *runUnit) verdict {
	if m.Sub != MountMounted {
		return invalid
	}
	m.Reloaded = ResultSuccess
	m.enter(e, u, MountRemounting)
	e.arm(u, timerState, u.Def.Mount.Timeout)
	m.run(e, u, unit.ExecRemount)
	return underway
}

// stop answers a stop or restart job.
func (m *mount) stop(e *Engine, u *runUnit) verdict {
	switch m.Sub {
	case MountUnmounting, MountUnmountingSigterm, MountUnmountingSigkill:
	case MountMounting, MountMountingDone, MountRemounting:
		m.enterSignal(e, u, MountUnmountingSigterm, ResultSuccess)
	case MountRemountingSigterm:
		m.follow(e, u, MountUnmountingSigterm)
	case MountRemountingSigkill:
		m.follow(e, u, MountUnmountingSigkill)
	case MountMounted:
		m.Tries = 0
		m.enterUnmounting(e, u)
	case MountDead, MountFailed, MountStates:
		return already
	}
	return underway
}

func (m *mount) enterUnmounting(e *Engine, u *runUnit) {
	m.enter(e, u, MountUnmounting)
	e.arm(u, timerState, u.Def.Mount.Timeout)
	m.run(e, u, unit.ExecUnmount)
}

// enterSignal signals the command under way and waits for it.
func (m *mount) enterSignal(e *Engine, u *runUnit, sub MountState, r Result) {
	m.note(r)
	m.enter(e, u, sub)
	final := sub == MountRemountingSigkill || sub == MountUnmountingSigkill
	if u.procs.Control.alive() && e.kill(u, m.signal(u), final) {
		e.arm(u, timerState, u.Def.Mount.Timeout)
		return
	}
	m.deadOrMounted(e, u, ResultSuccess)
}

func (m *mount) signal(u *runUnit) value.Signal {
	if m.Sub == MountRemountingSigkill || m.Sub == MountUnmountingSigkill {
		return u.Def.Kill.FinalSignal
	}
	return u.Def.Kill.Signal
}

// spawned: a command has come; one that comes too late is signalled.
func (m *mount) spawned(e *Engine, u *runUnit) {
	switch m.Sub {
	case MountRemountingSigterm, MountUnmountingSigterm:
		e.kill(u, m.signal(u), false)
	case MountRemountingSigkill, MountUnmountingSigkill:
		e.kill(u, m.signal(u), true)
	case MountDead, MountMounting, MountMountingDone, MountMounted, MountRemounting, MountUnmounting,
		MountFailed, MountStates:
	}
}

func (m *mount) spawnFailed(e *Engine, u *runUnit) {
	switch m.Sub {
	case MountRemounting:
		m.Reloaded = ResultResources
		m.deadOrMounted(e, u, ResultSuccess)
	case MountMounting, MountMountingDone, MountUnmounting:
		m.deadOrMounted(e, u, ResultResources)
	case MountRemountingSigterm, MountRemountingSigkill, MountUnmountingSigterm,
		MountUnmountingSigkill:
		m.deadOrMounted(e, u, ResultSuccess)
	case MountDead, MountMounted, MountFailed, MountStates:
		e.bug(u, "spawn failed in state "+m.Sub.String())
	}
}

// exited: mount(8) or umount(8) has ended. The host has told of the mount table
// before, so that Seen is what the command left behind.
func (m *mount) exited(e *Engine, u *runUnit, p *proc) {
	r := endOf(p)
	e.logExit(u, "Mount", p, r == ResultSuccess)
	m.keep(p)
	p.current = nil
	switch m.Sub {
	case MountMounting:
		if r == ResultSuccess {
			e.log(Warning, u, "Mount process finished, but there is no mount.")
			r = ResultProtocol
		}
		m.enterDead(e, u, r)
	case MountMountingDone:
		m.enterMounted(e, u, r)
	case MountRemounting, MountRemountingSigterm, MountRemountingSigkill:
		if m.Reloaded == ResultSuccess {
			m.Reloaded = r
		}
		m.deadOrMounted(e, u, ResultSuccess)
	case MountUnmounting:
		m.unmounted(e, u, r)
	case MountUnmountingSigterm, MountUnmountingSigkill:
		m.deadOrMounted(e, u, r)
	case MountDead, MountMounted, MountFailed, MountStates:
	}
}

// keep remembers how a command fared, for show.
func (m *mount) keep(p *proc) {
	for kind := range m.Ran {
		if unit.MountExecKind(kind).String() == p.Kind {
			m.Ran[kind] = p.Status
		}
	}
}

// endOf is what the end of a command means to a unit for which only success is good.
func endOf(p *proc) Result {
	switch st := p.Status; {
	case p.current != nil && p.current.Flags&value.IgnoreFailure != 0:
	case st.Code == ByExit && st.Status == 0:
	case st.Code == ByExit:
		return ResultExitCode
	case st.Code == ByDump:
		return ResultCoreDump
	default:
		return ResultSignal
	}
	return ResultSuccess
}

// unmounted: umount(8) has ended by itself.
func (m *mount) unmounted(e *Engine, u *runUnit, r Result) {
	switch {
	case r == ResultSuccess && m.Seen: // another one lay below it
		if m.Tries++; m.Tries < maxUnmounts {
			m.enterUnmounting(e, u)
			return
		}
		e.log(Warning, u, "Mount still present after %d attempts to unmount, giving up.", m.Tries)
		m.enterMounted(e, u, ResultProtocol)
	case r == ResultExitCode && !m.Seen:
		e.log(Notice, u, "Mount disappeared even though umount process failed, continuing.")
		m.enterDead(e, u, ResultSuccess)
	default:
		m.deadOrMounted(e, u, r)
	}
}

// emptied: no process of the unit is left. What mount(8) left behind is not waited for.
func (m *mount) emptied(e *Engine, u *runUnit) {
	if u.active().Down() {
		e.emit(Clean{Unit: u.Def})
	}
}

// deadlinePassed: TimeoutSec=.
func (m *mount) deadlinePassed(e *Engine, u *runUnit) {
	e.log(Warning, u, "State '%s' timed out.", m.Sub)
	kills := u.Def.Kill.SendSIGKILL
	switch m.Sub {
	case MountMounting, MountMountingDone, MountUnmounting:
		m.enterSignal(e, u, MountUnmountingSigterm, ResultTimeout)
	case MountRemounting:
		m.Reloaded = ResultTimeout
		m.enterSignal(e, u, MountRemountingSigterm, ResultSuccess)
	case MountRemountingSigterm:
		m.Reloaded = ResultTimeout
		if kills {
			m.enterSignal(e, u, MountRemountingSigkill, ResultSuccess)
			return
		}
		m.giveUp(e, u, ResultSuccess)
	case MountRemountingSigkill:
		m.Reloaded = ResultTimeout
		m.giveUp(e, u, ResultSuccess)
	case MountUnmountingSigterm:
		if kills {
			m.enterSignal(e, u, MountUnmountingSigkill, ResultTimeout)
			return
		}
		m.giveUp(e, u, ResultTimeout)
	case MountUnmountingSigkill:
		m.giveUp(e, u, ResultTimeout)
	case MountDead, MountMounted, MountFailed, MountStates:
		e.bug(u, "timer in state "+m.Sub.String())
	}
}

// giveUp waits no longer for a command that does not end.
func (m *mount) giveUp(e *Engine, u *runUnit, r Result) {
	e.forgetProcs(u)
	m.deadOrMounted(e, u, r)
}

// mountSeen: the unit's mount point is in the mount table, as said.
func (e *Engine) mountSeen(ev MountSeen) {
	u := e.unit(ev.Unit)
	if u == nil || u.mnt == nil {
		return
	}
	m := u.mnt
	m.Seen, m.What, m.FSType, m.Options = true, ev.What, ev.Type, ev.Options
	switch m.Sub {
	case MountDead, MountFailed:
		e.newInvocation(u)
		m.Result, m.Reloaded = ResultSuccess, ResultSuccess
		e.cause = &Cause{At: e.now, Unit: u.Name, What: "mounted by somebody else", From: u.cause}
		m.enterMounted(e, u, ResultSuccess)
	case MountMounting:
		e.cause = u.cause
		m.follow(e, u, MountMountingDone)
	case MountMountingDone, MountMounted, MountRemounting, MountUnmounting, MountRemountingSigterm,
		MountRemountingSigkill, MountUnmountingSigterm, MountUnmountingSigkill, MountStates:
	}
}

// mountGone: the unit's mount point is not in the mount table any more.
func (e *Engine) mountGone(ev MountGone) {
	u := e.unit(ev.Unit)
	if u == nil || u.mnt == nil || !u.mnt.Seen || u.Def.Perpetual {
		return
	}
	m := u.mnt
	m.Seen, m.What, m.FSType, m.Options = false, "", "", ""
	e.cause = &Cause{At: e.now, Unit: u.Name, What: "unmounted by somebody else", From: u.cause}
	switch m.Sub {
	case MountMounted:
		m.enterDead(e, u, ResultSuccess)
	case MountMountingDone: // fuse.sshfs does that when it fails
		m.follow(e, u, MountMounting)
	case MountDead, MountMounting, MountRemounting, MountUnmounting, MountRemountingSigterm,
		MountRemountingSigkill, MountUnmountingSigterm, MountUnmountingSigkill, MountFailed,
		MountStates:
	}
}
