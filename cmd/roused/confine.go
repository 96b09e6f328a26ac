package main

import (
	"runtime"
	"slices"

	"rouse/internal/host/spawn"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
)

// confine limits the manager, and so all that it starts, as system.conf says.
// systemd-system.conf(5).
func confine(o *options, conf *directive.Manager) {
	x, only := confinement(o, conf)
	if len(only) == 0 {
		return
	}
	o.filtered = conf.SystemCallArchitectures
	for _, err := range spawn.Confine(x, only) {
		say("system.conf: " + err.Error() + "; going on without it")
	}
	if n := len(conf.CPUAffinity); n > 0 {
		runtime.GOMAXPROCS(min(n, runtime.NumCPU()) + 1)
	}
}

// confinement is what is set of the settings that limit the manager itself. A user's
// manager is limited by its unit already, but for those of scheduling. A filter of system
// calls stays with a process for good, so there is no second one that says the same.
func confinement(o *options, conf *directive.Manager) (*unit.Exec, []string) {
	x := &unit.Exec{}
	x.CPUAffinity, x.NUMAPolicy, x.NUMAMask = conf.CPUAffinity, conf.NUMAPolicy, conf.NUMAMask
	x.TimerSlack, x.TimerSlackSet = conf.TimerSlack, conf.TimerSlack != 0
	x.CapabilityBoundingSet = conf.CapabilityBoundingSet
	x.NoNewPrivileges = conf.NoNewPrivileges
	x.SystemCallArchitectures = conf.SystemCallArchitectures
	var only []string
	for _, s := range []struct {
		name        string
		set, system bool
	}{
		{name: "CPUAffinity", set: len(x.CPUAffinity) > 0},
		{name: "NUMAPolicy", set: x.NUMAPolicy >= 0 || len(x.NUMAMask) > 0},
		{name: "TimerSlackNSec", set: x.TimerSlackSet},
		{name: "CapabilityBoundingSet", set: ^x.CapabilityBoundingSet != 0, system: true},
		{name: "NoNewPrivileges", set: x.NoNewPrivileges, system: true},
		{
			name: "SystemCallArchitectures", system: true,
			set: len(x.SystemCallArchitectures) > 0 &&
				!slices.Equal(x.SystemCallArchitectures, o.filtered),
		},
	} {
		if s.set && !(s.system && o.user) {
			only = append(only, s.name)
		}
	}
	return x, only
}
