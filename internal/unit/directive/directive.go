// Package directive is the table of all settings that unit files can hold: one
// Row per setting, from which the parser, the properties, the reference manual
// and the account of what works are made. It knows the text of settings and
// what they mean for a unit.Unit; it reads no files and knows nothing of what
// is done with a unit. It answers for systemd.directives(7).
package directive

import (
	"reflect"
	"sort"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

//go:generate go run ./generate

// Support says how far rouse carries a setting out.
type Support uint8

// The degrees of support. All but Full need a Note in the row.
const (
	Full      Support = iota // does what the manual says
	Partial                  // does part of it
	LinuxOnly                // does it on Linux, nothing elsewhere
	Parsed                   // is read and shown, and has no effect
	Refused                  // is read and dropped with a fault, as systemd 252 does itself
	Supports
)

var supportWords = [Supports]string{"full", "partial", "linux-only", "parsed", "refused"}

func (s Support) String() string { return supportWords[s] }

// Row is one setting, in all the sections that share it.
type Row struct {
	Name    string
	Group   Group  // says which sections it may stand in
	Bus     string // the property that shows it, where that is not Name; "-" is none
	Default string // as one would write it; "" is off, empty or not set
	Since   int    // systemd version that brought it, for those later than 252
	Support Support
	Note    string // what is missing, for all but Full
	Same    string // the setting that this is another name of
	Doc     string // one line

	in setting // nil for rows that are the Same as another
}

// Sections lists the sections that the setting may stand in.
func (r *Row) Sections() []string { return groups[r.Group].sections }

// Man is the manual page that the setting is described in.
func (r *Row) Man() string { return groups[r.Group].man }

// Property is the name of the property that shows the setting, "" if there is none.
func (r *Row) Property() string {
	switch {
	case r.Bus == "-" || r.in == nil || r.in.signature() == "":
		return ""
	case r.Bus != "":
		return r.Bus
	}
	return r.Name
}

// Signature is the D-Bus signature of Property.
func (r *Row) Signature() string {
	if r.in == nil {
		return ""
	}
	return r.in.signature()
}

// Syntax says what values look like: "time span".
func (r *Row) Syntax() string {
	if r.in == nil {
		return "as " + r.Same + "="
	}
	return r.in.syntax()
}

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
	eachShown(u.Type, func(r *Row) {
		if property := r.Property(); property != "" {
			list = append(list, Property{property, r.in.signature(), r.in.property(u)})
		}
		if w, ok := r.in.(wide); ok {
			list = w.further(u, list)
		}
	})
	sort.SliceStable(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	once := list[:0]
	for i, p := range list { // several settings may show in one property
		if i == 0 || p.Name != list[i-1].Name {
			once = append(once, p)
		}
	}
	return once
}

// Shown finds the configuration properties of units of one type, so that one can be
// had without all the others.
type Shown map[string]Source

// Source is where a property comes from: a row, and which of the properties it is that
// the row shows in besides its own; -1 is its own.
type Source struct {
	row     *Row
	further int
}

// ShownBy makes the index for units of a type.
func ShownBy(t name.Type) Shown {
	sample := New("a."+t.String(), t, nil)
	index := make(Shown, 400)
	add := func(property string, from Source) {
		if _, ok := index[property]; !ok { // several settings may show in one property
			index[property] = from
		}
	}
	eachShown(t, func(r *Row) {
		if property := r.Property(); property != "" {
			add(property, Source{r, -1})
		}
		if w, ok := r.in.(wide); ok {
			for i, p := range w.further(sample, nil) {
				add(p.Name, Source{r, i})
			}
		}
	})
	return index
}

// Property gives a property of u, which is of the type that the index is for; false if
// there is none.
func (s Shown) Property(u *unit.Unit, property string) (Property, bool) {
	from, ok := s[property]
	return from.Property(u, property), ok
}

// Property gives the property of that name; none if there is no source.
func (s Source) Property(u *unit.Unit, name string) Property {
	switch {
	case s.row == nil:
		return Property{}
	case s.further < 0:
		return Property{name, s.row.in.signature(), s.row.in.property(u)}
	}
	return s.row.in.(wide).further(u, nil)[s.further]
}

// eachShown calls f for all rows of units of a type that have a value.
func eachShown(t name.Type, f func(r *Row)) {
	for _, section := range [...]string{"Unit", sectionOf[t]} {
		for _, g := range groupsOf(section) {
			if g == limitGroup && section != "Unit" {
				continue
			}
			rows := groups[g].rows
			for i := range rows {
				if rows[i].in != nil {
					f(&rows[i])
				}
			}
		}
	}
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

// Use is what a setting of how processes run is for.
type Use uint8

// The uses.
const (
	ForOthers     Use = iota // no setting of processes: of the unit, or of another kind
	ForContext               // who runs, where, with what: users, directories, environment, streams
	ForScheduling            // priorities and limits
	ForSandbox               // what processes cannot see or do
	ForResources             // what control groups do
)

// uses are the groups that settings of processes are in.
var uses = [Groups]Use{
	execGroup: ForContext, environmentGroup: ForContext, outputGroup: ForContext,
	imageGroup: ForContext, credentialGroup: ForContext, killGroup: ForContext,
	scheduleGroup: ForScheduling,
	sandboxGroup:  ForSandbox, filterGroup: ForSandbox,
	resourceGroup: ForResources, accessGroup: ForResources,
}

// Use says what the setting is for.
func (r *Row) Use() Use { return uses[r.Group] }

// Fresh gives a finished unit of the name and type of u that sets nothing.
func Fresh(u *unit.Unit, c *Context, d *Defaults) *unit.Unit {
	fresh := New(u.Name, u.Type, d)
	_ = Finish(fresh, c, d) // that there is nothing to execute does not matter
	return fresh
}

// Differ lists the settings of processes that u has otherwise than fresh has, be it
// because its files say so or because what they say implies it. Settings that are another
// name of one are not in the list.
func Differ(u, fresh *unit.Unit) []*Row {
	var list []*Row
	for _, g := range groupsOf(sectionOf[u.Type]) {
		if uses[g] == ForOthers {
			continue
		}
		rows := groups[g].rows
		for i := range rows {
			r := &rows[i]
			if r.in == nil || r.Name == "Slice" || r.Bus == "-" && r.in.property(u) == nil {
				continue
			}
			if !isSame(r, u, fresh) {
				list = append(list, r)
			}
		}
	}
	return list
}

func isSame(r *Row, u, fresh *unit.Unit) bool {
	if r.Name == "RestrictFileSystems" { // the property does not tell all
		return reflect.DeepEqual(u.Exec.RestrictFileSystems, fresh.Exec.RestrictFileSystems)
	}
	return reflect.DeepEqual(r.in.property(u), r.in.property(fresh))
}
