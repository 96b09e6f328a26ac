package seccomp

import (
	"slices"

	"rouse/internal/unit"
	"rouse/internal/unit/value/linux"
)

// directives are the settings that are made true by filters, in whole or in part, in the
// order in which systemd loads the filters. The others of SystemCallFilter= have no
// meaning without it.
var directives = [...]struct {
	name string
	set  func(x *unit.Exec) bool
	take func(p *Policy, x *unit.Exec)
}{
	{"ProtectHostname", func(x *unit.Exec) bool { return x.ProtectHostname },
		func(p *Policy, _ *unit.Exec) { p.NoHostname = true }},
	{"RestrictAddressFamilies", func(x *unit.Exec) bool { return x.RestrictAddressFamilies.Any() },
		func(p *Policy, x *unit.Exec) { p.Families = x.RestrictAddressFamilies }},
	{"MemoryDenyWriteExecute", func(x *unit.Exec) bool { return x.MemoryDenyWriteExecute },
		func(p *Policy, _ *unit.Exec) { p.NoWriteExecute = true }},
	{"RestrictRealtime", func(x *unit.Exec) bool { return x.RestrictRealtime },
		func(p *Policy, _ *unit.Exec) { p.NoRealtime = true }},
	{"RestrictSUIDSGID", func(x *unit.Exec) bool { return x.RestrictSUIDSGID },
		func(p *Policy, _ *unit.Exec) { p.NoSetID = true }},
	{"RestrictNamespaces", restrictsNamespaces,
		func(p *Policy, x *unit.Exec) { p.Namespaces = everyNamespace &^ x.RestrictNamespaces }},
	{"ProtectKernelTunables", func(x *unit.Exec) bool { return x.ProtectKernelTunables },
		func(p *Policy, _ *unit.Exec) { p.NoTunables = true }},
	{"ProtectKernelModules", func(x *unit.Exec) bool { return x.ProtectKernelModules },
		func(p *Policy, _ *unit.Exec) { p.NoModules = true }},
	{"ProtectKernelLogs", func(x *unit.Exec) bool { return x.ProtectKernelLogs },
		func(p *Policy, _ *unit.Exec) { p.NoKernelLogs = true }},
	{"ProtectClock", func(x *unit.Exec) bool { return x.ProtectClock },
		func(p *Policy, _ *unit.Exec) { p.NoClock = true }},
	{"PrivateDevices", func(x *unit.Exec) bool { return x.PrivateDevices },
		func(p *Policy, _ *unit.Exec) { p.NoRawIO = true }},
	{"SystemCallArchitectures", func(x *unit.Exec) bool { return len(x.SystemCallArchitectures) > 0 },
		func(p *Policy, x *unit.Exec) { p.Architectures = x.SystemCallArchitectures }},
	{"LockPersonality", func(x *unit.Exec) bool { return x.LockPersonality },
		func(p *Policy, _ *unit.Exec) { p.FixedPersonality = true }},
	{"SystemCallLog", func(x *unit.Exec) bool { return asks(x.SystemCallLog) },
		func(p *Policy, x *unit.Exec) { p.Logged = x.SystemCallLog }},
	{"SystemCallFilter", func(x *unit.Exec) bool { return asks(x.SystemCallFilter) },
		func(p *Policy, x *unit.Exec) { p.Calls, p.Error = x.SystemCallFilter, x.SystemCallErrorNumber }},
}

// everyNamespace are the kinds of namespaces that can be taken away: with the others,
// the one for time is, too.
const everyNamespace = linux.Namespaces | cloneNewTime

const cloneNewTime = 0x80

// restrictsNamespaces: to leave all but the one for time is no restriction.
func restrictsNamespaces(x *unit.Exec) bool {
	return x.RestrictNamespaces&linux.Namespaces != linux.Namespaces
}

// For is what x forbids, of the directives that are wanted, and the names of those that
// ask for a filter. The personality is the one that processes have.
func For(x *unit.Exec, personality uint32, wants func(directive string) bool) (Policy, []string) {
	p := Policy{Personality: personality}
	var names []string
	for _, d := range directives {
		if d.set(x) && wants(d.name) {
			d.take(&p, x)
			names = append(names, d.name)
		}
	}
	if !wants("SystemCallErrorNumber") {
		p.Error = unit.CallKill
	}
	return p, names
}

// Kills reports whether a process that makes the call is killed for it by
// SystemCallFilter=, whatever the arguments are.
func (p *Policy) Kills(call string) bool {
	f := &p.Calls
	if !asks(*f) {
		return false
	}
	at := slices.IndexFunc(f.Calls, func(c unit.Call) bool { return c.Name == call })
	if at < 0 {
		return f.Allow && p.Error == unit.CallKill
	}
	errno := f.Calls[at].Errno
	if errno == unit.CallDefault {
		return !f.Allow && p.Error == unit.CallKill
	}
	return errno == unit.CallKill
}
