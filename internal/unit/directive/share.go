package directive

import (
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// Shared are the execution contexts and resources of units that say the same about
// theirs. They are to be read only, as all of a unit is once it is finished. The zero
// value is empty. It is for units of one Defaults, one User and one Home.
type Shared struct {
	execs     map[string]*unit.Exec
	resources map[string]*unit.Resources

	// What the last unit had that now has another one's: memory for the next.
	spareExec      *unit.Exec
	spareResources *unit.Resources
}

// New is New, with memory that a unit before has left.
func (s *Shared) New(unitName string, t name.Type, d *Defaults) *unit.Unit {
	u := newUnit(unitName, t, d, s.spareExec, s.spareResources)
	if u.Exec != nil {
		s.spareExec = nil
	}
	if u.Resources != nil {
		s.spareResources = nil
	}
	return u
}

// said is what the settings of a unit say about its execution context and about its
// resources: their names and values, in their order.
type said struct {
	exec, resources []byte
	own             bool // and that means something else in each unit
}

// note takes a setting down.
func (s *said) note(row *Row, value string) {
	list := &s.exec
	switch {
	case row.Name == "Slice": // which is the unit's own
		return
	case row.Group == resourceGroup, row.Group == accessGroup:
		list = &s.resources
	case row.Group < execGroup, row.Group > credentialGroup:
		return
	}
	s.own = s.own || strings.IndexByte(value, '%') >= 0
	*list = append(append(append(append(*list, row.Name...), '='), value...), '\n')
}

// share lets u have what other units that say the same have already.
func (c *Context) share(u *unit.Unit) {
	s, have := &c.said, c.Shared
	if have == nil || s.own || u.Exec == nil || u.Exec.DynamicUser { // which may be the unit's name
		return
	}
	if have.execs == nil {
		have.execs = map[string]*unit.Exec{}
		have.resources = map[string]*unit.Resources{}
	}
	// What an execution context needs of resources is added to them: both count.
	key := append(s.exec, byte(u.Type))
	if x, ok := have.execs[string(key)]; ok {
		have.spareExec, u.Exec = u.Exec, x
	} else {
		have.execs[string(key)] = u.Exec
	}
	key = append(key, s.resources...)
	if r, ok := have.resources[string(key)]; ok {
		have.spareResources, u.Resources = u.Resources, r
	} else {
		have.resources[string(key)] = u.Resources
	}
}
