package directive

import (
	"sort"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// Property is one property of a unit as D-Bus has it: Type is its signature,
// Value the Go value; a struct is []any, an array of structs too.
type Property struct {
	Name, Type string
	Value      any
}

// Properties gives the configuration properties of u, sorted by name. Left out
// are those that are no matter of configuration alone: dependencies, which the
// graph completes, and WatchdogUSec, which is that of the running service. Fields
// for what happened at run time (times and exit statuses of commands, results
// of conditions, next times of timers) are 0.
func Properties(u *unit.Unit) []Property {
	list := make([]Property, 0, 400)
	for _, section := range [...]string{"Unit", sectionOf[u.Type]} {
		for _, g := range groupsOf(section) {
			if g == limitGroup && section != "Unit" {
				continue
			}
			list = g.properties(u, list)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	once := list[:0]
	for i, p := range list { // several settings may show in one property
		if i == 0 || p.Name != list[i-1].Name {
			once = append(once, p)
		}
	}
	return once
}

func (g Group) properties(u *unit.Unit, list []Property) []Property {
	rows := groups[g].rows
	for i := range rows {
		r := &rows[i]
		if r.in == nil {
			continue
		}
		if property := r.Property(); property != "" {
			list = append(list, Property{property, r.in.signature(), r.in.property(u)})
		}
		if w, ok := r.in.(wide); ok {
			list = w.further(u, list)
		}
	}
	return list
}

// has reports whether units of the type run processes, and whether they have
// resources to be managed.
func has(t name.Type) (exec, kill, resources bool) {
	switch t {
	case name.Service, name.Socket, name.Mount, name.Swap:
		return true, true, true
	case name.Scope:
		return false, true, true
	case name.Slice:
		return false, false, true
	case name.Bad, name.Target, name.Device, name.Automount, name.Timer, name.Path, name.Types:
	}
	return false, false, false
}
