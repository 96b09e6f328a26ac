package engine

import (
	"encoding/hex"
	"iter"
	"maps"
	"slices"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
)

// A row is one property that shows the state of a unit. org.freedesktop.systemd1(5).
type row struct {
	name, sig string
	// of gives the value; nil stands for what the definition says. arg is the row's.
	of  func(e *Engine, u *runUnit, arg int) any
	arg int
}

// rowsOf are the rows of the units of one type, those that all have not counted.
func rowsOf(t name.Type) []row {
	switch t {
	case name.Service:
		return serviceRows[:]
	case name.Socket:
		return socketRows[:]
	case name.Mount:
		return mountRows[:]
	case name.Timer:
		return timerRows[:]
	case name.Scope:
		return scopeRows[:]
	case name.Path:
		return pathRows[:]
	case name.Automount:
		return idleRows[:1]
	case name.Swap:
		return idleRows[:]
	case name.Device:
		return deviceRows[:]
	case name.Bad, name.Target, name.Slice, name.Types:
	}
	return nil
}

// index finds the properties of units of one type.
type index struct {
	sources map[string]source
	names   []string // of all, sorted
}

// source is where a property comes from: the state, if it says anything, and the
// definition, unless that knows nothing of it.
type source struct {
	state   *row
	def     directive.Source
	defined bool
}

func (e *Engine) indexOf(t name.Type) *index {
	if x := e.indices[t]; x != nil {
		return x
	}
	x := &index{sources: make(map[string]source, 512)}
	for n, def := range directive.ShownBy(t) {
		x.sources[n] = source{def: def, defined: true}
	}
	for kind := unit.Dep(0); kind < unit.Deps; kind++ {
		if kind != unit.InSlice {
			x.add(&row{kind.String(), "as", linked, int(kind)})
		}
	}
	for _, rows := range [...][]row{unitRows[:], rowsOf(t)} {
		for i := range rows {
			x.add(&rows[i])
		}
	}
	x.names = slices.Sorted(maps.Keys(x.sources))
	e.indices[t] = x
	return x
}

func (x *index) add(r *row) {
	from := x.sources[r.name]
	from.state = r
	x.sources[r.name] = from
}

// Properties gives all properties of a unit, those of its definition and those
// of its state, sorted by name.
func (e *Engine) Properties(name string) []directive.Property {
	u := e.unit(name)
	if u == nil {
		return nil
	}
	x := e.indexOf(u.Def.Type)
	all := make([]directive.Property, 0, len(x.names))
	for _, n := range x.names {
		if p, ok := e.property(u, x, n); ok {
			all = append(all, p)
		}
	}
	return all
}

// Each calls f with each of the properties of a unit, in the order in which they are asked
// for, and tells whether there is such a property. other is asked for what the engine does
// not know. A unit that was forgotten can be asked until the next step.
func (e *Engine) Each(
	name string, properties iter.Seq[string],
	other func(*unit.Unit, string) (directive.Property, bool), f func(directive.Property, bool),
) {
	u := e.unit(name)
	if i := slices.IndexFunc(e.left, func(u *runUnit) bool { return u.Name == name }); i >= 0 {
		u = e.left[i]
	}
	if u == nil {
		return
	}
	x := e.indexOf(u.Def.Type)
	for n := range properties {
		p, ok := e.property(u, x, n)
		if !ok {
			p, ok = other(u.Def, n)
		}
		f(p, ok)
	}
}

func (e *Engine) property(u *runUnit, x *index, name string) (directive.Property, bool) {
	from := x.sources[name]
	if from.state != nil {
		if v := from.state.of(e, u, from.state.arg); v != nil {
			return directive.Property{Name: name, Type: from.state.sig, Value: v}, true
		}
	}
	return from.def.Property(u.Def, name), from.defined
}

// linked lists the units that a dependency links the unit to.
func linked(_ *Engine, u *runUnit, kind int) any {
	names := []string{}
	for _, l := range u.Links(unit.Dep(kind)) {
		names = append(names, l.To.Name)
	}
	return names
}

// The two clocks of a moment of the unit's life.
func stampReal(_ *Engine, u *runUnit, s int) any { return u.times[s].Real }
func stampMono(_ *Engine, u *runUnit, s int) any { return u.times[s].Mono }

// unitRows are the rows of all units.
var unitRows = [...]row{
	{name: "Id", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any { return u.Name }},
	{name: "Names", sig: "as", of: func(_ *Engine, u *runUnit, _ int) any {
		return append([]string{u.Name}, u.Def.Names...)
	}},
	{name: "Following", sig: "s", of: func(*Engine, *runUnit, int) any { return "" }},
	{name: "Description", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.describe()
	}},
	{name: "AccessSELinuxContext", sig: "s", of: func(*Engine, *runUnit, int) any { return "" }},
	{name: "LoadState", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.Def.Load.String()
	}},
	{name: "ActiveState", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.active().String()
	}},
	{name: "SubState", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any { return u.subWord() }},
	{name: "FreezerState", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.hold.Freezer.String()
	}},
	{name: "FragmentPath", sig: "s", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.Def.Fragment
	}},
	{name: "DropInPaths", sig: "as", of: func(_ *Engine, u *runUnit, _ int) any {
		return append([]string{}, u.Def.DropIns...)
	}},
	{name: "CanStart", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.startable() && !u.Def.RefuseManualStart
	}},
	{name: "CanStop", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any {
		return !u.Def.Perpetual && !u.Def.RefuseManualStop && u.stoppable()
	}},
	{name: "CanReload", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any { return u.canReload() }},
	{name: "CanIsolate", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.startable() && u.Def.AllowIsolate && !u.Def.RefuseManualStart
	}},
	{name: "CanFreeze", sig: "b", of: func(e *Engine, u *runUnit, _ int) any {
		return e.canFreeze(u)
	}},
	{name: "CanClean", sig: "as", of: func(_ *Engine, u *runUnit, _ int) any { return u.canClean() }},
	{name: "Transient", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.Def.Transient
	}},
	{name: "Perpetual", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.Def.Perpetual
	}},
	{name: "Markers", sig: "as", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.hold.Markers.Words()
	}},
	{name: "Refs", sig: "as", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.hold.references()
	}},
	{name: "ActivationDetails", sig: "a(ss)", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.trigger.details()
	}},
	{name: "Job", sig: "(uo)", of: jobOf},
	{name: "LoadError", sig: "(ss)", of: loadErrorOf},
	{name: "InvocationID", sig: "ay", of: func(_ *Engine, u *runUnit, _ int) any {
		id, err := hex.DecodeString(u.invocation)
		if err != nil || id == nil {
			return []byte{}
		}
		return id
	}},
	{"StateChangeTimestamp", "t", stampReal, int(stampState)},
	{"StateChangeTimestampMonotonic", "t", stampMono, int(stampState)},
	{"InactiveExitTimestamp", "t", stampReal, int(stampInactiveExit)},
	{"InactiveExitTimestampMonotonic", "t", stampMono, int(stampInactiveExit)},
	{"ActiveEnterTimestamp", "t", stampReal, int(stampActiveEnter)},
	{"ActiveEnterTimestampMonotonic", "t", stampMono, int(stampActiveEnter)},
	{"ActiveExitTimestamp", "t", stampReal, int(stampActiveExit)},
	{"ActiveExitTimestampMonotonic", "t", stampMono, int(stampActiveExit)},
	{"InactiveEnterTimestamp", "t", stampReal, int(stampInactiveEnter)},
	{"InactiveEnterTimestampMonotonic", "t", stampMono, int(stampInactiveEnter)},
	{name: "ConditionResult", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.condition.OK
	}},
	{name: "AssertResult", sig: "b", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.assert.OK
	}},
	{name: "ConditionTimestamp", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.condition.At.Real
	}},
	{name: "ConditionTimestampMonotonic", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.condition.At.Mono
	}},
	{name: "AssertTimestamp", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.assert.At.Real
	}},
	{name: "AssertTimestampMonotonic", sig: "t", of: func(_ *Engine, u *runUnit, _ int) any {
		return u.assert.At.Mono
	}},
	{name: "Conditions", sig: "a(sbbsi)", of: func(_ *Engine, u *runUnit, _ int) any {
		return conditions("Condition", u.Def.Conditions, u.condition)
	}},
	{name: "Asserts", sig: "a(sbbsi)", of: func(_ *Engine, u *runUnit, _ int) any {
		return conditions("Assert", u.Def.Asserts, u.assert)
	}},
}

// startable reports whether units of the type can be started at all.
func (u *runUnit) startable() bool {
	d := u.Def
	return d.Load == unit.Loaded && u.stoppable() && d.Type != name.Scope
}

// stoppable reports whether units of the type can be stopped at all.
func (u *runUnit) stoppable() bool {
	switch u.Def.Type {
	case name.Service, name.Socket, name.Target, name.Mount, name.Timer, name.Path, name.Slice,
		name.Scope:
		return true
	case name.Bad, name.Device, name.Automount, name.Swap, name.Types:
	}
	return false
}

func jobOf(_ *Engine, u *runUnit, _ int) any {
	if j := u.anyJob(); j != nil {
		return []any{j.id, "/org/freedesktop/systemd1/job/" + itoa(int(j.id))}
	}
	return []any{uint32(0), "/"}
}

func loadErrorOf(_ *Engine, u *runUnit, _ int) any {
	if d := u.Def; d.Load != unit.Loaded && d.Load != unit.Masked {
		return []any{"org.freedesktop.systemd1." + loadErrors[d.Load], d.LoadError}
	}
	return []any{"", ""}
}

var loadErrors = [unit.LoadStates]string{
	unit.Stub: "NoSuchUnit", unit.NotFound: "NoSuchUnit", unit.BadSetting: "BadUnitSetting",
	unit.LoadFailed: "LoadFailed", unit.Merged: "LoadFailed", unit.Masked: "UnitMasked",
}

// conditions lists conditions, the last one first as systemd has it, with their
// results: 1 holds, -1 does not, 0 untested. systemd goes through them in that order,
// up to the first that must hold and does not.
func conditions(prefix string, list []unit.Condition, t tests) []any {
	all := []any{}
	decided := false
	for i, c := range slices.Backward(list) {
		result := int32(0)
		if i < len(t.Results) && !decided {
			result = -1
			if t.Results[i] {
				result = 1
			}
			decided = !t.Results[i] && !c.Trigger
		}
		all = append(all, []any{prefix + c.Name, c.Trigger, c.Negate, c.Param, result})
	}
	return all
}
