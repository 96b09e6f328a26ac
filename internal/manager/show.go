package manager

import (
	"context"
	"path"
	"slices"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/ability"
	"rouse/internal/host/boot"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/proc"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/install"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// A hostRow is one property of a unit that neither its definition nor the engine knows.
type hostRow struct {
	name, sig string
	of        func(m *Manager, def *unit.Unit) any
}

// unitHostRows are those of all units. Faults and NotHonoured are rouse's own.
var unitHostRows = [...]hostRow{
	{"NeedDaemonReload", "b", func(m *Manager, def *unit.Unit) any {
		return m.cfg.Loader.Stale(def)
	}},
	{"UnitFileState", "s", func(m *Manager, def *unit.Unit) any {
		return m.fileState(def)
	}},
	{"UnitFilePreset", "s", func(m *Manager, def *unit.Unit) any {
		return m.filePreset(def)
	}},
	{"Faults", "as", func(_ *Manager, def *unit.Unit) any {
		faults := []string{}
		for _, f := range def.Faults {
			faults = append(faults, f.String())
		}
		return faults
	}},
	{"Enforce", "s", func(m *Manager, def *unit.Unit) any { return m.judge.Of(def).Mode.String() }},
	{"NotHonoured", "as", func(_ *Manager, def *unit.Unit) any {
		return append([]string{}, def.NotHonoured...)
	}},
}

// groupRows are those of units that have a control group. What is not counted is 2^64-1.
var groupRows = [...]hostRow{
	{"Enforcement", "a(sss)", func(m *Manager, def *unit.Unit) any { return m.enforcement(def) }},
	{"ControlGroup", "s", func(m *Manager, def *unit.Unit) any { return m.groupPath(def) }},
	{"ControlGroupId", "t", func(m *Manager, def *unit.Unit) any { return m.usage(def).ID() }},
	{"MemoryCurrent", "t", func(m *Manager, def *unit.Unit) any {
		if !def.Resources.MemoryAccounting {
			return cgroup.Unknown
		}
		return m.usage(def).Memory()
	}},
	{"MemoryAvailable", "t", func(m *Manager, def *unit.Unit) any { return m.available(def) }},
	{"CPUUsageNSec", "t", func(m *Manager, def *unit.Unit) any {
		used := m.usage(def).CPU()
		if last, ok := m.self.CPU[def.Name]; ok && used == cgroup.Unknown {
			return last
		}
		return used
	}},
	{"EffectiveCPUs", "ay", func(m *Manager, def *unit.Unit) any {
		return m.usage(def).CPUs().Mask()
	}},
	{"EffectiveMemoryNodes", "ay", func(m *Manager, def *unit.Unit) any {
		return m.usage(def).MemoryNodes().Mask()
	}},
	{"TasksCurrent", "t", func(m *Manager, def *unit.Unit) any {
		if !def.Resources.TasksAccounting {
			return cgroup.Unknown
		}
		return m.usage(def).Tasks()
	}},
	{"IPIngressBytes", "t", func(m *Manager, def *unit.Unit) any { return m.usedIP(def)[0] }},
	{"IPIngressPackets", "t", func(m *Manager, def *unit.Unit) any { return m.usedIP(def)[1] }},
	{"IPEgressBytes", "t", func(m *Manager, def *unit.Unit) any { return m.usedIP(def)[2] }},
	{"IPEgressPackets", "t", func(m *Manager, def *unit.Unit) any { return m.usedIP(def)[3] }},
	{"IOReadBytes", "t", func(m *Manager, def *unit.Unit) any { return m.usedIO(def)[0] }},
	{"IOReadOperations", "t", func(m *Manager, def *unit.Unit) any { return m.usedIO(def)[1] }},
	{"IOWriteBytes", "t", func(m *Manager, def *unit.Unit) any { return m.usedIO(def)[2] }},
	{"IOWriteOperations", "t", func(m *Manager, def *unit.Unit) any { return m.usedIO(def)[3] }},
}

// accountRows are those of units that run processes: whose these are, as long as there
// may be any and User= or Group= says so; else 2^32-1.
var accountRows = [...]hostRow{
	{"UID", "u", func(m *Manager, def *unit.Unit) any {
		uid, _ := m.account(def)
		return uid
	}},
	{"GID", "u", func(m *Manager, def *unit.Unit) any {
		_, gid := m.account(def)
		return gid
	}},
}

// newJudge makes what decides about units whose protection this place does not allow.
func (m *Manager) newJudge() *ability.Judge {
	c, contained := m.cfg.Loader.Config(), proc.Container() != ""
	return &ability.Judge{
		Place: ability.New(ability.Config{NoPAM: m.cfg.PAM.Why, Groups: func() ability.Groups {
			return ability.Groups{
				Kind:        m.tracker.Kind().String(),
				Controllers: strings.Fields(m.tracker.Available().String()),
			}
		}}),
		Fresh: func(u *unit.Unit) *unit.Unit {
			return directive.Fresh(u, &directive.Context{
				User: c.User, Home: c.Home, RuntimeDir: c.RuntimeDir, Defaults: c.Defaults,
			}, c.Defaults)
		},
		Mode: func() unit.Enforce { return m.enforce(contained) },
	}
}

// enforce is what counts for units that do not say it themselves. A container has less to
// give than a host, and a user's manager less than the system's; systemd's goes on, too.
func (m *Manager) enforce(contained bool) unit.Enforce {
	switch {
	case m.cfg.Enforce != unit.EnforceUnset:
		return m.cfg.Enforce
	case m.cfg.Conf.Enforce != unit.EnforceUnset:
		return m.cfg.Conf.Enforce
	case m.cfg.User, contained:
		return unit.EnforceBestEffort
	}
	return unit.EnforceStrict
}

// enforcement tells of each setting for processes that a unit has how far it is carried
// out: "applied", "weaker" or "not applied", and why.
func (m *Manager) enforcement(def *unit.Unit) any {
	rows := []any{}
	for _, f := range m.judge.Of(def).Report {
		rows = append(rows, []any{f.Directive, f.Level.String(), f.Why})
	}
	return rows
}

// nobody is the number of no user and no group.
const nobody = ^uint32(0)

func (m *Manager) account(def *unit.Unit) (uid, gid uint32) {
	uid, gid = nobody, nobody
	s, ok := m.e.Unit(def.Name)
	if !ok || s.Active == "inactive" || s.Active == "failed" {
		return uid, gid
	}
	o, _, _ := m.owner(def.Exec)
	return uint32(o.UID), uint32(o.GID) // -1 is nobody
}

// hostRowsOf are the rows of a unit, by name.
func (m *Manager) hostRowsOf(def *unit.Unit) map[string]hostRow {
	rows := m.hostRows[def.Type]
	if rows == nil {
		list := unitHostRows[:]
		if def.Resources != nil {
			list = slices.Concat(list, groupRows[:])
		}
		if def.Exec != nil {
			list = slices.Concat(list, accountRows[:])
		}
		rows = make(map[string]hostRow, len(list))
		for _, r := range list {
			rows[r.name] = r
		}
		m.hostRows[def.Type] = rows
	}
	return rows
}

// hostProperty gives one of those properties of a unit that the engine does not know.
func (m *Manager) hostProperty(def *unit.Unit, property string) (face.Property, bool) {
	if r, ok := m.hostRowsOf(def)[property]; ok {
		return face.Property{Name: property, Type: r.sig, Value: r.of(m, def)}, true
	}
	return face.Property{}, false
}

// properties gives all properties of a loaded unit, sorted by name.
func (m *Manager) properties(unit string) []face.Property {
	list := m.e.Properties(unit)
	def := m.e.Definition(unit)
	if def == nil {
		return list
	}
	for _, r := range m.hostRowsOf(def) {
		list = append(list, face.Property{Name: r.name, Type: r.sig, Value: r.of(m, def)})
	}
	slices.SortFunc(list, func(a, b face.Property) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Properties implements face.Manager.
func (m *Manager) Properties(ctx context.Context, unit string) (list []face.Property, err error) {
	var bad *face.Error
	err = m.call(ctx, func() {
		bad = m.look(unit, func(primary string) { list = m.properties(primary) })
	})
	if bad != nil {
		return nil, bad
	}
	return list, err
}

// UnitProperties implements face.Show.
func (m *Manager) UnitProperties(
	ctx context.Context, unit string, names []string,
) (list []face.Property, err error) {
	var bad *face.Error
	err = m.call(ctx, func() {
		bad = m.look(unit, func(primary string) { list = view{m}.Properties(primary, names) })
	})
	if bad != nil {
		return nil, bad
	}
	return list, err
}

// groupPath is the control group of a unit, as /proc/self/cgroup has it; "" if it has
// none now. An active slice has one, though nobody may be in it.
func (m *Manager) groupPath(def *unit.Unit) string {
	if def.Type == name.Slice {
		s, _ := m.e.Unit(def.Name)
		if root := m.tracker.Root(); root != "" && s.Active == "active" {
			return path.Join(root, cgroup.SlicePath(def.Name))
		}
		return ""
	}
	if g := m.group(def.Name); g != nil {
		return g.Path()
	}
	return ""
}

// usage looks at the control group of a unit.
func (m *Manager) usage(def *unit.Unit) cgroup.Usage {
	dir := m.tracker.UnifiedDir()
	group := m.groupPath(def)
	if dir == "" || group == "" {
		return ""
	}
	return cgroup.Usage(path.Join(dir, strings.TrimPrefix(group, m.tracker.Root())))
}

// keepUsage remembers what a unit has used whose group is to go.
func (m *Manager) keepUsage(unit string) {
	def := m.e.Definition(unit)
	if def == nil {
		delete(m.self.CPU, unit)
		return
	}
	if used := m.usage(def).CPU(); used != cgroup.Unknown {
		if m.self.CPU == nil {
			m.self.CPU = make(map[string]uint64)
		}
		m.self.CPU[unit] = used
	}
	keep := func(in *map[string][4]uint64, used [4]uint64) {
		if used == unknown {
			return
		}
		if *in == nil {
			*in = make(map[string][4]uint64)
		}
		(*in)[unit] = used
	}
	if def.Resources.IOAccounting {
		keep(&m.self.IO, m.usedIO(def))
	}
	if def.Resources.IPAccounting {
		keep(&m.self.Traffic, m.usedIP(def))
	}
}

var unknown = [...]uint64{cgroup.Unknown, cgroup.Unknown, cgroup.Unknown, cgroup.Unknown}

func (m *Manager) usedIO(def *unit.Unit) (used [4]uint64) {
	if !def.Resources.IOAccounting {
		return unknown
	}
	used[0], used[1], used[2], used[3] = m.usage(def).IO()
	if last, ok := m.self.IO[def.Name]; ok && used == unknown {
		return last
	}
	return used
}

// usedIP is what went through the network, both ways.
func (m *Manager) usedIP(def *unit.Unit) [4]uint64 {
	if !def.Resources.IPAccounting {
		return unknown
	}
	if g := m.group(def.Name); g != nil {
		if n, ok := g.Traffic(); ok {
			return n
		}
	}
	if last, ok := m.self.Traffic[def.Name]; ok {
		return last
	}
	return unknown
}

// available is how much more memory a unit can take before it, or a slice it is in,
// comes to its limit.
func (m *Manager) available(def *unit.Unit) uint64 {
	least := cgroup.Unknown
	for def != nil && def.Resources != nil {
		limit := min(def.Resources.MemoryHigh, def.Resources.MemoryMax)
		if limit != value.SizeInfinity {
			used := m.usage(def).Memory()
			if used != cgroup.Unknown {
				least = min(least, uint64(limit)-min(used, uint64(limit)))
			}
		}
		slice := def.Slice
		if def.Type == name.Slice {
			slice, _ = name.ParentSlice(def.Name)
		}
		if slice == "" || slice == def.Name {
			break
		}
		def = m.e.Definition(slice)
	}
	return least
}

// fileState tells whether the unit's file is enabled; nothing of what has no file. What
// the files say is remembered until the next reload.
func (m *Manager) fileState(def *unit.Unit) string {
	if def.Fragment == "" {
		return ""
	}
	files := m.unitFiles()
	if m.statesOf != files {
		m.statesOf, m.states = files, map[string]string{}
	}
	state, ok := m.states[def.Name]
	if !ok {
		state = files.State(def.Name)
		m.states[def.Name] = state
	}
	return state
}

// filePreset tells whether it should be.
func (m *Manager) filePreset(def *unit.Unit) string {
	if def.Fragment == "" {
		return ""
	}
	return m.unitFiles().Presets().Word(path.Base(def.Fragment))
}

func (m *Manager) unitFiles() *install.Files {
	if m.files == nil {
		m.files = install.New(m.cfg.Loader.Config())
	}
	return m.files
}

// filesChanged has what unit files say looked up anew, and tells the subscribers.
func (m *Manager) filesChanged(ctx context.Context) error {
	return m.call(ctx, func() {
		m.files = nil
		m.publish(face.Event{Kind: "unit-files-changed"})
	})
}

// populate enables what the presets say, if this is the first boot of the machine.
// systemd.preset(5).
func (m *Manager) populate() {
	if !m.cfg.Init || !exists(boot.FirstBootFile) {
		return
	}
	if err := m.Room.Populate(); err != nil {
		m.logf(engine.Warning, "",
			"Failed to populate /etc with preset unit settings, ignoring: %v", err)
	} else {
		m.logf(engine.Info, "", "Populated /etc with preset unit settings.")
	}
	m.cfg.Loader.Refresh()
}
