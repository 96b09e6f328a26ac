package analyze

import (
	"slices"

	"rouse/internal/client/tool"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// dotEdges are the properties that dot draws, with their colours.
var dotEdges = []struct {
	property, color string
	order           bool
}{
	{"After", "green", true},
	{"Requires", "black", false},
	{"Requisite", "darkblue", false},
	{"Wants", "grey66", false},
	{"Conflicts", "red", false},
}

func dot(a *session) (int, error) {
	m, err := a.manager()
	if err != nil {
		return 1, err
	}
	if a.Has("order") && a.Has("require") {
		return 1, tool.Complain("Options --order and --require exclude each other.")
	}
	var patterns []string
	for _, arg := range a.args {
		p, err := name.Mangle(arg, ".service", true)
		if err != nil {
			return 1, tool.Complain("Failed to mangle unit name '%s': %v", arg, err)
		}
		patterns = append(patterns, p)
	}
	list, err := m.Units(a.Ctx, nil, false)
	if err != nil {
		return 1, tool.Complain("Failed to list units: %v", err)
	}
	a.Print("digraph systemd {\n")
	names := []string{"Id"}
	for _, e := range dotEdges {
		if e.order && !a.Has("require") || !e.order && !a.Has("order") {
			names = append(names, e.property)
		}
	}
	for _, u := range list {
		p, err := m.UnitProperties(a.Ctx, u.Name, names)
		if err != nil {
			continue
		}
		v := asValues(p)
		for _, e := range dotEdges {
			for _, to := range v.list(e.property) {
				if a.drawn(u.Name, to, patterns) {
					a.Print("\t\"%s\"->\"%s\" [color=\"%s\"];\n", u.Name, to, e.color)
				}
			}
		}
	}
	a.Print("}\n")
	a.Say("   Color legend: black     = Requires\n" +
		"                 dark blue = Requisite\n" +
		"                 dark grey = Wants\n" +
		"                 red       = Conflicts\n" +
		"                 green     = After")
	if a.Terminal && !a.Has("quiet") {
		a.Say("-- You probably want to process this output with graphviz' dot tool.\n" +
			"-- Try a shell pipeline like 'systemd-analyze dot | dot -Tsvg > systemd.svg'!")
	}
	return 0, nil
}

// drawn: one end matches a pattern that was given, and each end the option about it.
func (a *session) drawn(from, to string, patterns []string) bool {
	matches := func(list []string, s string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return value.Match(p, s, false) })
	}
	if list := a.Values("from-pattern"); len(list) > 0 && !matches(list, from) {
		return false
	}
	if list := a.Values("to-pattern"); len(list) > 0 && !matches(list, to) {
		return false
	}
	return len(patterns) == 0 || matches(patterns, from) || matches(patterns, to)
}
