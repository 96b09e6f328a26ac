package client

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rouse/internal/unit/name"
)

// depProperties says which properties list-dependencies follows.
func (o *options) depProperties() []string {
	switch {
	case o.after:
		return []string{"After"}
	case o.before:
		return []string{"Before"}
	case o.reverse:
		return []string{"RequiredBy", "RequisiteOf", "WantedBy", "PartOf", "BoundBy", "UpheldBy"}
	}
	return []string{"Requires", "Requisite", "Wants", "ConsistsOf", "BindsTo", "Upholds"}
}

// depTree prints trees of dependencies.
type depTree struct {
	a      *app
	b      *strings.Builder
	active map[string]string   // active states of the units in memory
	known  map[string][]string // what each unit depends on
	chain  []string            // units from the root to here; with --plain, all seen
}

func listDependencies(a *app, args []string) (int, error) {
	if len(args) == 0 {
		args = []string{"default.target"}
	}
	units, err := a.resolve(args)
	if err != nil {
		return exitFailure, err
	}
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	all, err := m.Units(a.ctx, nil, false)
	if err != nil {
		return exitFailure, complain("Failed to list units: %v", err)
	}
	t := &depTree{a: a, b: &strings.Builder{}, active: map[string]string{},
		known: map[string][]string{}}
	for _, u := range all {
		t.active[u.Name] = u.Active
	}
	for i, u := range units {
		if i > 0 {
			t.b.WriteByte('\n')
		}
		t.b.WriteString(u + "\n")
		t.chain = nil
		if err := t.below(u, ""); err != nil {
			return exitFailure, err
		}
	}
	fmt.Fprint(a.Stdout, t.b.String())
	return exitOK, nil
}

// dependencies gives what a unit depends on, targets last.
func (t *depTree) dependencies(u string) ([]string, error) {
	if deps, ok := t.known[u]; ok {
		return deps, nil
	}
	names := t.a.opts.depProperties()
	p, err := t.a.properties(u, names...)
	if err != nil {
		return nil, complain("Failed to get dependencies of %s: %v", u, err)
	}
	var deps []string
	for _, n := range names {
		deps = append(deps, p.strings(n)...)
	}
	target := func(n string) int {
		if name.TypeOf(n) == name.Target {
			return 1
		}
		return 0
	}
	slices.SortFunc(deps, func(x, y string) int {
		return cmp.Or(cmp.Compare(target(x), target(y)),
			cmp.Compare(strings.ToLower(x), strings.ToLower(y)), cmp.Compare(x, y))
	})
	deps = slices.Compact(deps)
	t.known[u] = deps
	return deps, nil
}

// below prints what a unit depends on. Only targets are opened further, unless
// --all is given.
func (t *depTree) below(u, indent string) error {
	deps, err := t.dependencies(u)
	if err != nil {
		return err
	}
	plain := t.a.opts.plain || t.a.opts.json != ""
	lines := t.a.look.tree()
	t.chain = append(t.chain, u)
	for i, d := range deps {
		last := i == len(deps)-1
		if slices.Contains(t.chain, d) {
			if !plain {
				t.b.WriteString("  " + indent + lines.last + "...\n")
			}
			continue
		}
		branch, more := lines.branch, lines.through
		if last {
			branch, more = lines.last, lines.blank
		}
		if plain {
			t.b.WriteString("  " + d + "\n")
		} else {
			t.b.WriteString(t.a.look.dot(t.state(d)) + " " + indent + branch + d + "\n")
		}
		if t.a.opts.all || name.TypeOf(d) == name.Target {
			if err := t.below(d, indent+more); err != nil {
				return err
			}
		}
	}
	if !plain {
		t.chain = t.chain[:len(t.chain)-1]
	}
	return nil
}

func (t *depTree) state(u string) string {
	if s, ok := t.active[u]; ok {
		return s
	}
	return "inactive"
}
