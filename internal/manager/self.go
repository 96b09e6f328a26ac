package manager

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/proc"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/value"
)

// phase is something that happens once while the manager comes up, or again with each
// reload. systemd-analyze reads when.
type phase uint8

const (
	kernelPhase phase = iota // the machine was started
	userspacePhase
	generatorsStart
	generatorsFinish
	unitsLoadStart
	unitsLoadFinish
	unitsLoadAgain // the last reload
	finishPhase    // all jobs of the start are done
	phases
)

// self is what the manager remembers of itself: plain data, which lives as long as it
// does, re-executions included.
type self struct {
	Phases          [phases]value.Instant
	Client          []string // variables that clients have set, sorted
	Status          string   // SetShowStatus; "" is what the configuration says
	Installed       uint32   // all jobs there ever were
	Failed          uint32   // of those
	IgnoreWatchdogs bool
	Watchdogs       [4]uint64 // RuntimeWatchdogUSec and kin, as settable says
	Governor        string
	CPU             map[string]uint64    // what units without a group had used, in nanoseconds
	IO, Traffic     map[string][4]uint64 // and what they had read and written, where from and to
}

// reached notes that a phase was reached.
func (m *Manager) reached(p phase) { m.self.Phases[p] = m.now() }

// reachedKernel notes when the machine was started, if it was started for this manager.
func (m *Manager) reachedKernel() {
	if now := m.now(); m.cfg.Init && proc.Container() == "" {
		m.self.Phases[kernelPhase] = value.Instant{Real: now.Real - now.Mono}
	}
}

// newSelf takes from the configuration what clients may change.
func newSelf(c *directive.Manager) self {
	return self{
		Watchdogs: [...]uint64{
			uint64(c.RuntimeWatchdog), uint64(c.RuntimeWatchdogPre),
			uint64(c.RebootWatchdog), uint64(c.KExecWatchdog),
		},
		Governor: c.WatchdogPreGovernor,
	}
}

// countJob keeps the numbers of which Progress is made.
func (m *Manager) countJob() { m.self.Installed++ }

// countDone is countJob for a job that is done.
func (m *Manager) countDone(failed bool) {
	if failed {
		m.self.Failed++
	}
}

// systemState is what is-system-running says. systemctl(1).
func (m *Manager) systemState() string {
	_, jobs, failed := m.e.Counts()
	switch {
	case m.e.Ending() != "" || m.verb != "":
		return "stopping"
	case !m.finished && !m.upOrComing("basic.target"):
		return "initializing"
	case !m.finished && jobs > 0:
		return "starting"
	case !m.cfg.User && (m.upOrComing("rescue.target") || m.upOrComing("emergency.target")):
		return "maintenance"
	case failed > 0:
		return "degraded"
	}
	return "running"
}

// upOrComing reports whether a unit is active or about to be.
func (m *Manager) upOrComing(unit string) bool {
	s, ok := m.e.Unit(unit)
	return ok && (s.Active == "active" || s.Active == "activating" || s.Active == "reloading" ||
		s.JobType == "start" || s.JobType == "restart")
}

// ManagerProperties implements face.Show.
func (m *Manager) ManagerProperties(
	ctx context.Context, names []string,
) (list []face.Property, err error) {
	err = m.call(ctx, func() {
		index := m.selfIndex()
		if len(names) == 0 {
			names = slices.Sorted(maps.Keys(index))
		}
		for _, n := range names {
			if r, ok := index[n]; ok {
				list = append(list, face.Property{Name: n, Type: r.sig, Value: r.of(m, r.arg)})
			}
		}
	})
	return list, err
}

// SetManagerProperty implements face.Show.
func (m *Manager) SetManagerProperty(ctx context.Context, p face.Property) error {
	var bad *face.Error
	err := m.call(ctx, func() { bad = m.setProperty(p) })
	if bad != nil {
		return bad
	}
	return err
}

func (m *Manager) setProperty(p face.Property) *face.Error {
	r, ok := m.selfIndex()[p.Name]
	if ok && r.sig != p.Type {
		return &face.Error{Name: face.InvalidArgs, Message: fmt.Sprintf(
			"Incorrect parameters for property '%s', expected '%s', got '%s'.", p.Name, r.sig, p.Type)}
	}
	text, _ := p.Value.(string)
	switch p.Name {
	case "LogLevel":
		if !m.setLevelNamed(text) {
			return &face.Error{Name: face.InvalidArgs, Message: "Invalid log level '" + text + "'"}
		}
	case "LogTarget":
		if !m.setTarget(text) {
			return &face.Error{Name: face.InvalidArgs, Message: "Invalid log target '" + text + "'"}
		}
	case "ServiceWatchdogs":
		on, _ := p.Value.(bool)
		m.self.IgnoreWatchdogs = !on
		m.step(engine.WatchdogsSet{Ignored: !on})
	case "RuntimeWatchdogUSec", "RuntimeWatchdogPreUSec", "RebootWatchdogUSec",
		"KExecWatchdogUSec":
		m.self.Watchdogs[r.arg], _ = p.Value.(uint64)
	case "RuntimeWatchdogPreGovernor":
		m.self.Governor = text
	default:
		return &face.Error{Name: face.PropertyReadOnly,
			Message: "Property '" + p.Name + "' is not writable."}
	}
	return nil
}

// SetShowStatus implements face.Show.
func (m *Manager) SetShowStatus(ctx context.Context, mode string) error {
	if !slices.Contains([]string{"", "yes", "no", "auto", "error", "temporary"}, mode) {
		on, err := value.ParseBool(mode)
		if err != nil {
			return &face.Error{Name: face.InvalidArgs, Message: "Invalid show status '" + mode + "'"}
		}
		mode = map[bool]string{true: "yes", false: "no"}[on]
	}
	return m.call(ctx, func() { m.self.Status = mode })
}

// SetExitCode implements face.Show.
func (m *Manager) SetExitCode(ctx context.Context, code uint8) error {
	if m.cfg.Init && proc.Container() == "" {
		return &face.Error{Name: face.NotSupported,
			Message: "ExitCode can only be set for user service managers or in containers."}
	}
	return m.call(ctx, func() { m.status = int(code) })
}

// SetEnvironment implements face.Show.
func (m *Manager) SetEnvironment(ctx context.Context, unset, set []string) error {
	for _, u := range unset {
		if !value.ValidEnvName(u) && !value.ValidEnvAssign(u) {
			return &face.Error{Name: face.InvalidArgs,
				Message: "Invalid environment variable names or assignments"}
		}
	}
	for _, s := range set {
		if !value.ValidEnvAssign(s) {
			return &face.Error{Name: face.InvalidArgs, Message: "Invalid environment assignments"}
		}
	}
	return m.call(ctx, func() {
		left := slices.DeleteFunc(slices.Clone(m.self.Client), func(a string) bool {
			name, _, _ := strings.Cut(a, "=")
			return slices.Contains(unset, name) || slices.Contains(unset, a)
		})
		m.self.Client = value.MergeEnv(left, set)
		slices.Sort(m.self.Client)
		m.setBase(m.base)
	})
}

// setBase sets what services are given without what clients have set.
func (m *Manager) setBase(env []string) {
	m.base = env
	m.env = value.MergeEnv(env, m.self.Client)
}
