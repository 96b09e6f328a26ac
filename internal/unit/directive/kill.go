package directive

import (
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

var killRows = [...]Row{
	{Name: "FinalKillSignal", Group: killGroup, Default: "SIGKILL",
		Doc: "The signal for what is left after TimeoutStopSec=.",
		in:  in[value.Signal]{&signal, func(u *unit.Unit) *value.Signal { return &u.Kill.FinalSignal }}},
	{Name: "KillMode", Group: killGroup, Default: "control-group",
		Doc: "Which processes are ended when the unit stops.",
		in:  enum[unit.KillMode]{unit.KillModes, func(u *unit.Unit) *unit.KillMode { return &u.Kill.Mode }}},
	{Name: "KillSignal", Group: killGroup, Default: "SIGTERM",
		Doc: "The signal that processes are asked to end with.",
		in:  in[value.Signal]{&signal, func(u *unit.Unit) *value.Signal { return &u.Kill.Signal }}},
	{Name: "RestartKillSignal", Group: killGroup, Default: "KillSignal=",
		Doc: "The same, when the unit is stopped to be started again.",
		in: does{"signal", "i",
			func(p *parse) error { return parseSignal(p, &p.u.Kill.RestartSignal) }, busRestartSignal}},
	{Name: "SendSIGHUP", Group: killGroup, Default: "no",
		Doc: "Send SIGHUP right after KillSignal=.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Kill.SendSIGHUP }}},
	{Name: "SendSIGKILL", Group: killGroup, Default: "yes",
		Doc: "Send FinalKillSignal= to what is left after TimeoutStopSec=.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Kill.SendSIGKILL }}},
	{Name: "WatchdogSignal", Group: killGroup, Default: "SIGABRT",
		Doc: "The signal for a service that missed WatchdogSec=.",
		in:  in[value.Signal]{&signal, func(u *unit.Unit) *value.Signal { return &u.Kill.Watchdog }}},
}

func busRestartSignal(u *unit.Unit) any {
	if u.Kill.RestartSignal == 0 {
		return int32(u.Kill.Signal)
	}
	return int32(u.Kill.RestartSignal)
}
