// Package transient turns properties, as clients of org.freedesktop.systemd1 set them,
// into the lines of unit files that say the same, so that one reader is enough for both.
// It knows values and how unit files write them, and nothing of what is done with a
// unit. It answers for StartTransientUnit and SetUnitProperties of
// org.freedesktop.systemd1(5).
package transient

import (
	"errors"
	"slices"
	"strings"

	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
)

// Line is one assignment of a unit file.
type Line struct{ Section, Name, Value string }

// Why a property cannot become lines.
var (
	// ErrNoProperty: units of that type have none of that name that can be set.
	ErrNoProperty = errors.New("cannot be set, or is no property")
	// ErrPropertyType: the value is not of the type that the property has.
	ErrPropertyType = errors.New("the value is of another type")
)

// ErrPropertyValue tells of a value that the setting cannot have.
type ErrPropertyValue struct{ Setting, Value, Why string }

func (e *ErrPropertyValue) Error() string { return e.Setting + "=" + e.Value + ": " + e.Why }

// sectionOf is the section that a unit type is named after.
func sectionOf(t name.Type) string {
	word := t.String()
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// Lines turns a property as clients set it into lines of a unit file that say the same,
// whatever is in the value: nothing of it is a specifier, an escape or another line. The
// types are those of systemd 252, which for lists are not always those that it shows. An
// empty list resets the setting.
func Lines(t name.Type, p directive.Property) ([]Line, error) {
	section := sectionOf(t)
	if w, ok := special(section, p.Name); ok {
		list, err := w.lines(p)
		for i := range list {
			if list[i].Section = section; w.inUnit {
				list[i].Section = "Unit"
			}
		}
		return list, err
	}
	for _, s := range [...]string{"Unit", section} {
		if row := settable(s, p.Name); row != nil {
			values, err := render(row, p)
			list := make([]Line, len(values))
			for i, v := range values {
				list[i] = Line{s, row.Name, v}
			}
			return list, err
		}
	}
	return nil, ErrNoProperty
}

// All turns the properties of a unit into lines. The error tells of the property that
// has no lines.
func All(t name.Type, list []directive.Property) ([]Line, error) {
	all, rest, err := limits(list)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Section = sectionOf(t)
	}
	if len(all) > 0 && directive.Lookup(sectionOf(t), all[0].Name) == nil {
		return nil, &NoProperty{all[0].Name}
	}
	for _, p := range rest {
		lines, err := Lines(t, p)
		if errors.Is(err, ErrNoProperty) {
			return nil, &NoProperty{p.Name}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	return all, nil
}

// NoProperty is ErrNoProperty with the name of the property.
type NoProperty struct{ Name string }

func (e *NoProperty) Error() string { return e.Name + ": " + ErrNoProperty.Error() }

// Unwrap gives ErrNoProperty.
func (e *NoProperty) Unwrap() error { return ErrNoProperty }

// settable finds the row that a property sets: the one that it shows, or the dependency
// of that name.
func settable(section, property string) *directive.Row {
	for g := range directive.Groups {
		if !slices.Contains(g.Sections(), section) || section != "Unit" && g.Sections()[0] == "Unit" {
			continue
		}
		rows := g.Rows()
		for i := range rows {
			r := &rows[i]
			switch {
			case r.Same != "" && r.Name == property: // RequisiteOverridable=
				if same := directive.Lookup(section, r.Same); same != nil && isDependency(same) {
					return same
				}
			case r.Same != "":
			case isDependency(r) && r.Name == property:
				return r
			case r.Property() == property && canRender(r):
				return r
			}
		}
	}
	return nil
}

func isDependency(r *directive.Row) bool { return r.Same == "" && r.Syntax() == "unit names" }

// Live reports whether a property can be set of a unit that is loaded.
func Live(t name.Type, property string) bool {
	switch property {
	case "Description", "Markers":
		return true
	}
	section := sectionOf(t)
	if w, ok := special(section, property); ok {
		return w.live
	}
	row := settable(section, property)
	return row != nil && isResource(row)
}

// isResource: what a group is for cannot be changed while there is one, nor where it is
// and which programs of others it has.
func isResource(r *directive.Row) bool {
	switch r.Name {
	case "Slice", "Delegate", "BPFProgram", "IPIngressFilterPath", "IPEgressFilterPath":
		return false
	}
	return r.Man() == "systemd.resource-control(5)"
}

// Check applies lines to a unit of their own and gives the first that cannot be meant.
func Check(unitName string, t name.Type, lines []Line, d *directive.Defaults) error {
	u := directive.New(unitName, t, d)
	single := func(s string) (string, error) { return strings.ReplaceAll(s, "%%", "%"), nil }
	c := &directive.Context{Expand: single, Defaults: d}
	for _, l := range lines {
		a := directive.Assignment{Section: l.Section, Name: l.Name, Value: l.Value}
		for _, f := range directive.Apply(u, a, c) {
			if f.Advice || passed(l) {
				continue
			}
			return &ErrPropertyValue{l.Name, strings.ReplaceAll(l.Value, "%%", "%"), f.Why}
		}
	}
	return nil
}

// passed: system calls and groups that are not known here may be newer ones. Without errors
// beside them nothing else can be wrong with them.
func passed(l Line) bool {
	return (l.Name == "SystemCallFilter" || l.Name == "SystemCallLog") &&
		!strings.Contains(l.Value, ":")
}
