package analyze

import (
	"slices"
	"strings"

	"rouse/internal/client/tool"
	"rouse/internal/face"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// chains are the trees of critical-chain.
type chains struct {
	a     *session
	m     face.Manager
	b     *boot
	fuzz  uint64
	units map[string]unitTimes
	seen  map[string]bool // on the way here
}

func chain(a *session) (int, error) {
	b, err := a.times()
	if err != nil {
		return 1, err
	}
	m, err := a.manager()
	if err != nil {
		return 1, err
	}
	c := &chains{a: a, m: m, b: b, units: map[string]unitTimes{}, seen: map[string]bool{}}
	if a.Has("fuzz") {
		s, err := value.ParseSpan(a.Value("fuzz"))
		if err != nil {
			return 1, tool.Complain("Failed to parse --fuzz= parameter %s: Invalid argument",
				a.Value("fuzz"))
		}
		c.fuzz = uint64(s)
	}
	list, err := a.units(b)
	if err != nil {
		return 1, err
	}
	for _, u := range list {
		c.units[u.name] = u
	}
	a.Print("The time when unit became active or started is printed after the \"@\" character.\n" +
		"The time the unit took to start is printed after the \"+\" character.\n\n")
	names := a.args
	if len(names) == 0 {
		names = []string{c.defaultTarget()}
	}
	for _, n := range names {
		n, err := name.Mangle(n, ".service", false)
		if err != nil {
			return 1, tool.Complain("Failed to mangle unit name '%s': %v", n, err)
		}
		if u, ok := c.units[n]; ok {
			a.Print("%s\n", u.label(b, u.activated == 0 || len(a.args) == 0))
		} else {
			a.Print("%s\n", n)
		}
		c.below(n, "", 0)
	}
	return 0, nil
}

func (c *chains) defaultTarget() string {
	p, err := c.m.UnitProperties(c.a.Ctx, "default.target", []string{"Id"})
	if id := asValues(p).text("Id"); err == nil && id != "" {
		return id
	}
	return "default.target"
}

// label is a unit with when it became active and how long it took.
func (u unitTimes) label(b *boot, at bool) string {
	s := u.name
	if u.activated > 0 && at {
		s += " @" + span(u.activating-b.userspace)
	}
	if u.took > 0 {
		s += " +" + span(u.took)
	}
	return s
}

// below prints what a unit has waited for: what was ready last, and with --fuzz= what was
// ready little before.
func (c *chains) below(unit, prefix string, depth int) {
	p, err := c.m.UnitProperties(c.a.Ctx, unit, []string{"After"})
	if err != nil || depth > 200 {
		return
	}
	var deps []unitTimes
	longest := uint64(0)
	for _, n := range asValues(p).list("After") {
		u, ok := c.units[n]
		if !ok || u.activated > c.b.finish || u.activated == 0 {
			continue
		}
		deps = append(deps, u)
		longest = max(longest, u.activated)
	}
	slices.SortStableFunc(deps, func(x, y unitTimes) int {
		switch {
		case x.activated > y.activated:
			return -1
		case x.activated < y.activated:
			return 1
		}
		return strings.Compare(x.name, y.name)
	})
	keep := len(deps)
	for i, u := range deps {
		if longest-u.activated > c.fuzz || c.fuzz == 0 && i > 0 {
			keep = i
			break
		}
	}
	deps = deps[:keep]
	c.seen[unit] = true
	defer delete(c.seen, unit)
	for i, u := range deps {
		sign, next := "├─", "│ "
		if i == len(deps)-1 {
			sign, next = "└─", "  "
		}
		if c.seen[u.name] {
			c.a.Print("%s%s...\n", prefix, sign)
			continue
		}
		c.a.Print("%s%s%s\n", prefix, sign, u.label(c.b, true))
		c.below(u.name, prefix+next, depth+1)
	}
}
