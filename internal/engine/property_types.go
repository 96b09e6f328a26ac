package engine

import (
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

func mainPID(_ *Engine, u *runUnit, _ int) any    { return uint32(u.procs.Main.PID) }
func controlPID(_ *Engine, u *runUnit, _ int) any { return uint32(u.procs.Control.PID) }

// serviceRows are the rows of services. The commands stand for themselves, and with all
// flags.
var serviceRows = [...]row{
	{name: "MainPID", sig: "u", of: mainPID},
	{name: "ControlPID", sig: "u", of: controlPID},
	{name: "StatusText", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.svc.StatusText
	}},
	{name: "StatusErrno", sig: "i", of: func(_ *Engine, u *runUnit, _ int) any {
		return int32(u.svc.Errno)
	}},
	{name: "StatusBusError", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any { // since 257
		if u.svc.BusError == "" {
			return nil
		}
		return u.svc.BusError
	}},
	{name: "Result", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.svc.Result.String()
	}},
	{name: "ReloadResult", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.svc.Reloaded.String()
	}},
	{name: "CleanResult", sig: "s", of: cleanResult},
	{name: "NRestarts", sig: "u", of: func(_ *Engine, u *runUnit, _ int) any {
		return uint32(u.svc.Restarts)
	}},
	{name: "NFileDescriptorStore", sig: "u", of: func(_ *Engine, u *runUnit, _ int) any {
		return uint32(len(u.svc.Stored))
	}},
	{name: "ExecMainStartTimestamp", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.procs.Main.Status.Start.Real
	}},
	{name: "ExecMainStartTimestampMonotonic", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.procs.Main.Status.Start.Mono
	}},
	{name: "ExecMainExitTimestamp", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.procs.Main.Status.End.Real
	}},
	{name: "ExecMainExitTimestampMonotonic", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.procs.Main.Status.End.Mono
	}},
	{name: "ExecMainPID", sig: "u", of: func(_ *Engine, u *runUnit, _ int) any {
		return uint32(u.procs.Main.Status.PID)
	}},
	{name: "ExecMainCode", sig: "i", of: func(_ *Engine, u *runUnit, _ int) any {
		return int32(u.procs.Main.Status.Code)
	}},
	{name: "ExecMainStatus", sig: "i", of: func(_ *Engine, u *runUnit, _ int) any {
		return int32(u.procs.Main.Status.Status)
	}},
	{name: "WatchdogTimestamp", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.svc.Petted.Real
	}},
	{name: "WatchdogTimestampMonotonic", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.svc.Petted.Mono
	}},
	{name: "WatchdogUSec", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		if u.times[stampInactiveExit] == (value.Instant{}) {
			return uint64(value.Infinity) // none is in force before the first start
		}
		return uint64(u.svc.watchdogSetting(u))
	}},
	{name: "NotifyAccess", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.svc.access(u).String()
	}},
	{"ExecCondition", commandSig, serviceCommands, int(unit.ExecCondition)},
	{"ExecConditionEx", commandExSig, serviceCommandsEx, int(unit.ExecCondition)},
	{"ExecStartPre", commandSig, serviceCommands, int(unit.ExecStartPre)},
	{"ExecStartPreEx", commandExSig, serviceCommandsEx, int(unit.ExecStartPre)},
	{"ExecStart", commandSig, serviceCommands, int(unit.ExecStart)},
	{"ExecStartEx", commandExSig, serviceCommandsEx, int(unit.ExecStart)},
	{"ExecStartPost", commandSig, serviceCommands, int(unit.ExecStartPost)},
	{"ExecStartPostEx", commandExSig, serviceCommandsEx, int(unit.ExecStartPost)},
	{"ExecReload", commandSig, serviceCommands, int(unit.ExecReload)},
	{"ExecReloadEx", commandExSig, serviceCommandsEx, int(unit.ExecReload)},
	{"ExecStop", commandSig, serviceCommands, int(unit.ExecStop)},
	{"ExecStopEx", commandExSig, serviceCommandsEx, int(unit.ExecStop)},
	{"ExecStopPost", commandSig, serviceCommands, int(unit.ExecStopPost)},
	{"ExecStopPostEx", commandExSig, serviceCommandsEx, int(unit.ExecStopPost)},
}

// The signatures of lists of commands: with "ignore failure", and with all flags.
const (
	commandSig   = "a(sasbttttuii)"
	commandExSig = "a(sasasttttuii)"
)

func serviceCommands(_ *Engine, u *runUnit, kind int) any {
	return commandStatus(u.Def.Service.Commands[kind], u.svc.Ran[kind], &u.procs,
		unit.ExecKind(kind).String(), false)
}

func serviceCommandsEx(_ *Engine, u *runUnit, kind int) any {
	return commandStatus(u.Def.Service.Commands[kind], u.svc.Ran[kind], &u.procs,
		unit.ExecKind(kind).String(), true)
}

// commandStatus lists commands with the times and results of their last run.
func commandStatus(
	list []value.Command, ran []procStatus, now *procs, kind string, full bool,
) []any {
	all := make([]any, 0, len(list))
	for i, c := range list {
		var st procStatus
		if i < len(ran) {
			st = ran[i]
		}
		for _, p := range [...]*proc{&now.Main, &now.Control} {
			if p.PID != 0 && p.current != nil && p.Kind == kind && p.Index == i {
				st = p.Status
			}
		}
		var flags any = c.Flags&value.IgnoreFailure != 0
		if full {
			flags = append([]string{}, c.Flags.FlagNames()...)
		}
		all = append(all, []any{
			c.Path, c.Argv, flags, st.Start.Real, st.Start.Mono, st.End.Real, st.End.Mono,
			uint32(st.PID), int32(st.Code), int32(st.Status),
		})
	}
	return all
}

// idleRows are the rows of automounts and swaps, which nothing ever happens to; the first
// is both's.
var idleRows = [...]row{
	{name: "Result", sig: "s", of: func(*Engine, *runUnit, int) any {
		return ResultSuccess.String()
	}},
	{name: "ControlPID", sig: "u", of: controlPID},
	{name: "ExecActivate", sig: commandSig, of: noCommands},
	{name: "ExecDeactivate", sig: commandSig, of: noCommands},
}

func noCommands(*Engine, *runUnit, int) any { return []any{} }

// deviceRows are the rows of devices. None of them is ever found.
var deviceRows = [...]row{
	{name: "SysFSPath", sig: "s", of: func(*Engine, *runUnit, int) any { return "" }},
}

// socketRows are the rows of sockets.
var socketRows = [...]row{
	{name: "Result", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.sock.Result.String()
	}},
	{name: "NConnections", sig: "u", of: func(_ *Engine, u *runUnit, _ int) any {
		return uint32(u.sock.Connections)
	}},
	{name: "NAccepted", sig: "u", of: func(_ *Engine, u *runUnit, _ int) any {
		return uint32(u.sock.Accepted)
	}},
	{name: "NRefused", sig: "u", of: func(_ *Engine, u *runUnit, _ int) any {
		return uint32(u.sock.Refused)
	}},
	{name: "ControlPID", sig: "u", of: controlPID},
	{"ExecStartPre", commandSig, socketCommands, int(unit.SocketStartPre)},
	{"ExecStartPost", commandSig, socketCommands, int(unit.SocketStartPost)},
	{"ExecStopPre", commandSig, socketCommands, int(unit.SocketStopPre)},
	{"ExecStopPost", commandSig, socketCommands, int(unit.SocketStopPost)},
}

func socketCommands(_ *Engine, u *runUnit, kind int) any {
	if u.Def.Socket == nil {
		return nil
	}
	return commandStatus(u.Def.Socket.Commands[kind], u.sock.Ran[kind], &u.procs,
		unit.SocketExecKind(kind).String(), false)
}

// mountRows are the rows of mounts. What is mounted is as the mount table has it.
var mountRows = [...]row{
	{name: "Result", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.mnt.Result.String()
	}},
	{name: "ControlPID", sig: "u", of: controlPID},
	{name: "What", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.mnt.mounted(u, u.mnt.What)
	}},
	{name: "Type", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.mnt.mounted(u, u.mnt.FSType)
	}},
	{name: "Options", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.mnt.mounted(u, u.mnt.Options)
	}},
	{"ExecMount", commandSig, mountCommand, int(unit.ExecMount)},
	{"ExecUnmount", commandSig, mountCommand, int(unit.ExecUnmount)},
	{"ExecRemount", commandSig, mountCommand, int(unit.ExecRemount)},
}

// mounted is what the mount table says; nil if only the definition knows.
func (m *mount) mounted(u *runUnit, text string) any {
	if def := u.Def.Mount; m.Seen || def != nil && def.Found {
		return text
	}
	return nil
}

// mountCommand shows a command once it has run, as systemd does.
func mountCommand(_ *Engine, u *runUnit, kind int) any {
	if u.Def.Mount == nil {
		return nil
	}
	k, ran := unit.MountExecKind(kind), u.mnt.Ran[kind]
	var list []value.Command
	if ran.Start.Mono != 0 || u.procs.Control.Kind == k.String() && u.procs.Control.PID != 0 {
		list = u.Def.Mount.Commands(k)
	}
	return commandStatus(list, []procStatus{ran}, &u.procs, k.String(), false)
}

// scopeRows are the rows of scopes.
var scopeRows = [...]row{
	{name: "Result", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.scp.Result.String()
	}},
	{name: "Controller", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.scp.Controller
	}},
}

func cleanResult(_ *Engine, u *runUnit, _ int) any { return u.hold.Cleaned.String() }

// timerRows are the rows of timers.
var timerRows = [...]row{
	{name: "Result", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.tim.Result.String()
	}},
	{name: "NextElapseUSecRealtime", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.tim.NextReal
	}},
	{name: "NextElapseUSecMonotonic", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.tim.NextMono
	}},
	{name: "LastTriggerUSec", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.tim.Last.Real
	}},
	{name: "LastTriggerUSecMonotonic", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.tim.Last.Mono
	}},
	{name: "TimersMonotonic", sig: "a(stt)", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.tim.specs(u, false)
	}},
	{name: "TimersCalendar", sig: "a(sst)", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.tim.specs(u, true)
	}},
}

// pathRows are the rows of paths.
var pathRows = [...]row{
	{name: "Result", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.pth.Result.String()
	}},
}

// specs lists the times of one kind with when they come next, the last one first as
// systemd has it.
func (t *timerUnit) specs(u *runUnit, calendar bool) any {
	if u.Def.Timer == nil {
		return nil
	}
	list := []any{}
	for i := len(u.Def.Timer.Specs) - 1; i >= 0; i-- {
		s := u.Def.Timer.Specs[i]
		switch {
		case calendar != (s.Base == unit.OnCalendar):
		case calendar:
			list = append(list, []any{s.Base.String(), s.Calendar.String(), t.Events[i].Next})
		default:
			list = append(list, []any{s.Base.String(), uint64(s.Span), t.Events[i].Next})
		}
	}
	return list
}
