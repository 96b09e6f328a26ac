package manager

import (
	"rouse/internal/engine"
	"rouse/internal/graph/transaction"
	"rouse/internal/host/boot"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// ending is what ends everything: the target to start, and the verb for what
// comes after it if that is not the target's own.
type ending struct{ target, verb string }

// endings are the verbs of Shutdown. The built-in units know power-off, reboot
// and exit; halt and kexec go the same ways and differ at the very end.
var endings = map[string]ending{
	"exit":     {"exit.target", "exit"},
	"poweroff": {"poweroff.target", "poweroff"},
	"reboot":   {"reboot.target", "reboot"},
	"halt":     {"poweroff.target", "halt"},
	"kexec":    {"reboot.target", "kexec"},
}

// endingOf finds the ending that a target stands for.
func endingOf(target string) (verb string, ok bool) {
	for v := range endings {
		if v+".target" == target {
			return v, true
		}
	}
	return "", false
}

// Signalled carries out what a signal asks for. It may be called from any goroutine.
func (m *Manager) Signalled(r boot.Request) {
	m.post(func() { m.signalled(r) })
}

func (m *Manager) signalled(r boot.Request) {
	why := "signal " + r.Signal.String()
	switch r.Action {
	case boot.Start:
		if verb, ok := endingOf(r.Unit); ok {
			m.shutdown(verb, why)
			return
		}
		m.startFor(r.Unit, r.Mode, why)
	case boot.Reload:
		m.regenerate(func() { m.reload(false) })
	case boot.Reexec:
		if r.Signal == value.SIGTERM && boot.Container() != "" {
			m.shutdown("exit", why) // how container engines say that it is over
			return
		}
		_ = m.reexecute(why)
	case boot.Immediate, boot.Exit:
		m.verb = r.Verb
		m.end = &Ending{Verb: r.Verb}
		if r.Action == boot.Exit {
			m.end.Verb = "exit"
		}
	case boot.Dump:
		for _, u := range m.e.Units() {
			m.logf(engine.Notice, u.Name, "%s %s/%s", u.Load, u.Active, u.Sub)
		}
	case boot.LogDebug:
		m.setLevel(engine.Debug)
	case boot.LogUsual:
		m.setLevel(m.cfg.Level)
	case boot.ReconnectBus, boot.ShowStatus, boot.HideStatus, boot.LogTarget, boot.Actions:
		m.logf(engine.Debug, "", "%s: nothing to do", why)
	}
}

// startFor starts a unit for a reason of the manager's own.
func (m *Manager) startFor(name string, mode unit.JobMode, why string) {
	m.step(engine.Loaded{Units: m.closure([]string{name})})
	m.lastReq++
	m.answers[m.lastReq] = func(r engine.Replied) {
		if r.Err != nil {
			m.logf(engine.Warning, "", "%s: start %s: %s", why, name, r.Err.Message)
		}
	}
	m.step(engine.JobRequested{
		Req: m.lastReq, Unit: name, Type: transaction.Start, Mode: mode, Auto: true, Why: why,
	})
}

// shutdown starts the end of everything by a verb of Shutdown.
func (m *Manager) shutdown(verb, why string) {
	if m.e.Ending() != "" {
		return
	}
	end := endings[verb]
	if verb == "halt" && m.cfg.Init && boot.Container() != "" {
		end = endings["exit"] // a container halts by ending its first process
	}
	m.verb = end.verb
	m.phaseChanged()
	m.tellSupervisor("STOPPING=1\nSTATUS=Shutting down.")
	m.logf(engine.Notice, "", "Stopping everything (%s: %s).", end.target, why)
	m.step(engine.Loaded{Units: m.closure([]string{end.target})})
	m.step(engine.ShutdownRequested{Target: end.target, Why: why})
}

// actions are the verbs behind the actions of FailureAction= and kin, and
// whether units are stopped first.
var actions = [unit.Actions]struct {
	verb  string
	force bool
}{
	unit.ActionExit: {"exit", false}, unit.ActionExitForce: {"exit", true},
	unit.ActionReboot: {"reboot", false}, unit.ActionRebootForce: {"reboot", true},
	unit.ActionRebootImmediate: {"reboot", true},
	unit.ActionPoweroff:        {"poweroff", false}, unit.ActionPoweroffForce: {"poweroff", true},
	unit.ActionPoweroffImmediate: {"poweroff", true},
}

// act carries out what a unit's FailureAction= and kin ask for.
func (m *Manager) act(fx engine.Act) {
	a := actions[fx.Action]
	if fx.Status >= 0 && a.verb == "exit" {
		m.status = fx.Status
	}
	switch {
	case a.verb == "" || m.end != nil:
	case !a.force:
		m.shutdown(a.verb, fx.Unit)
	default:
		if m.verb == "" || endings[m.verb].target != endings[a.verb].target {
			m.verb = a.verb
		}
		m.end = &Ending{Verb: m.verb, Status: m.status}
	}
}
