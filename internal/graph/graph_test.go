package graph

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// def makes a definition out of "a.service (alias) Wants=b.service After=b.service";
// the n-th dependency is written in line n of /NAME.
func def(text string) *unit.Unit {
	words := strings.Fields(text)
	d := &unit.Unit{
		Name: words[0], Type: name.TypeOf(words[0]), Load: unit.Loaded, DefaultDependencies: true,
		Names: []string{words[0]},
	}
	line := 0
	for _, w := range words[1:] {
		if alias, ok := strings.CutPrefix(w, "("); ok {
			d.Names = append(d.Names, strings.TrimSuffix(alias, ")"))
			continue
		}
		kind, to, _ := strings.Cut(w, "=")
		e := unit.Edge{Kind: kindOf(strings.TrimPrefix(kind, "~")), Name: to}
		if line++; kind[0] != '~' { // ~Wants= is implicit: no file says it
			e.File, e.Line = "/"+d.Name, line
		}
		d.Edges = append(d.Edges, e)
	}
	return d
}

func kindOf(word string) unit.Dep {
	for k := range unit.Deps {
		if k.String() == word {
			return k
		}
	}
	panic("no dependency " + word)
}

func defs(texts ...string) (list []*unit.Unit) {
	for _, t := range texts {
		list = append(list, def(t))
	}
	return list
}

// links prints what a node is tied to: kind, other end, who states it, and where.
func links(n *Node) string {
	var out []string
	for k := range unit.Deps {
		for _, l := range n.Links(k) {
			s := fmt.Sprintf("%s=%s", k, l.To.Name)
			if l.File != "" {
				s += fmt.Sprintf("@%s:%d", strings.TrimPrefix(l.File, "/"), l.Line)
			}
			out = append(out, s+[...]string{"", "!", "?", "!?"}[l.Mask])
		}
	}
	return strings.Join(out, " ")
}

func expectLinks(t *testing.T, g *Graph, want map[string]string) {
	t.Helper()
	for n, w := range want {
		if got := links(g.Get(n)); got != w {
			t.Errorf("%s:\n got %s\nwant %s", n, got, w)
		}
	}
}

func TestAddLinksBothEnds(t *testing.T) {
	g := New()
	g.Add(defs("b.service Wants=c.service Wants=a.service Before=c.service", "a.service", "c.service"))
	expectLinks(t, g, map[string]string{
		"b.service": "Wants=a.service@b.service:2! Wants=c.service@b.service:1! " +
			"Before=c.service@b.service:3!",
		"a.service": "WantedBy=b.service@b.service:2?",
		"c.service": "WantedBy=b.service@b.service:1? After=b.service@b.service:3?",
	})
	if g.Len() != 3 || g.At(g.Get("c.service").ID) != g.Get("c.service") {
		t.Errorf("%d nodes, c.service is number %d", g.Len(), g.Get("c.service").ID)
	}
}

// What is not known yet is linked when it is added by the one that names it.
func TestAddLeavesOutUnknown(t *testing.T) {
	g := New()
	g.Add(defs("a.service Wants=b.service Wants=a.service"))
	if got := links(g.Get("a.service")); got != "" {
		t.Errorf("linked to nothing: %s", got)
	}
	g.Add(defs("b.service", "a.service Wants=b.service"))
	expectLinks(t, g, map[string]string{"a.service": "Wants=b.service@a.service:1!"})
}

// The same dependency said twice, or from both ends, is one link; a file is named
// rather than nothing.
func TestLinksAreMerged(t *testing.T) {
	g := New()
	g.Add(defs(
		"a.service ~After=b.service After=b.service After=b.service",
		"b.service ~Before=a.service",
	))
	expectLinks(t, g, map[string]string{
		"a.service": "After=b.service@a.service:2!?",
		"b.service": "Before=a.service@a.service:2!?",
	})
}

// A reload replaces what the former definition said, and nothing else.
func TestAddReplaces(t *testing.T) {
	g := New()
	g.Add(defs(
		"a.service Wants=b.service Requires=c.service After=c.service",
		"b.service WantedBy=a.service", "c.service Before=a.service",
	))
	before := g.Get("a.service")
	g.Add(defs("a.service Conflicts=b.service"))
	if g.Get("a.service") != before || len(g.Nodes()) != 3 {
		t.Errorf("a.service is another node, or there are %d nodes", len(g.Nodes()))
	}
	expectLinks(t, g, map[string]string{
		"a.service": "Wants=b.service@a.service:1? Conflicts=b.service@a.service:1! " +
			"After=c.service@a.service:3?",
		"b.service": "WantedBy=a.service@a.service:1! ConflictedBy=a.service@a.service:1?",
		"c.service": "Before=a.service@a.service:3!",
	})
}

func TestAliases(t *testing.T) {
	g := New()
	g.Add(defs("a.service (b.service) (c.service)", "x.service Wants=b.service Requires=c.service"))
	a := g.Get("a.service")
	if g.Get("b.service") != a || g.Get("c.service") != a {
		t.Error("an alias leads elsewhere")
	}
	expectLinks(t, g, map[string]string{
		"x.service": "Requires=a.service@x.service:2! Wants=a.service@x.service:1!",
	})
	g.Add(defs("a.service (c.service)"))
	if g.Get("b.service") != nil || g.Get("c.service") != a {
		t.Error("the reload did not take the alias away, or took both")
	}
	g.Add(defs("c.service"))
	if g.Get("c.service") == a || g.Get("c.service").Name != "c.service" {
		t.Error("an alias that has become a unit is still the other unit")
	}
	g.Remove(a)
	if g.Get("a.service") != nil || g.Get("c.service") == nil {
		t.Error("removing a.service took the unit that was its alias along")
	}
}

// A unit that is loaded keeps its name; one that is only missing gives it up.
func TestAliasOfLoadedUnit(t *testing.T) {
	g := New()
	missing := def("m.service")
	missing.Load = unit.NotFound
	g.Add(append(defs("b.service"), missing))
	b := g.Get("b.service")
	g.Add(defs("a.service (b.service) (m.service)"))
	if g.Get("b.service") != b {
		t.Error("a.service took the name of b.service")
	}
	if g.Get("m.service") != g.Get("a.service") {
		t.Error("a.service did not get the name of a unit that is not there")
	}
	g.Add(defs("b.service"))
	if g.Get("b.service") != b || len(g.Nodes()) != 3 {
		t.Errorf("b.service is another node, or there are %d nodes", len(g.Nodes()))
	}
}

func TestRemove(t *testing.T) {
	g := New()
	g.Add(defs("a.service Wants=b.service", "b.service Wants=c.service", "c.service"))
	id := g.Get("b.service").ID
	g.Remove(g.Get("b.service"))
	if g.Get("b.service") != nil || g.At(id) != nil || g.Get("a.service").Linked() {
		t.Error("b.service is still there")
	}
	names := func() (list []string) {
		for _, n := range g.Nodes() {
			list = append(list, n.Name)
		}
		return list
	}
	if got := names(); !slices.Equal(got, []string{"a.service", "c.service"}) {
		t.Errorf("left: %v", got)
	}
	g.Add(defs("z.service"))
	if g.Get("z.service").ID != id || g.Len() != 3 {
		t.Errorf("the free number %d was not used again: %d", id, g.Get("z.service").ID)
	}
}

func TestFind(t *testing.T) {
	g := New()
	g.Add(defs("a.service After=b.service After=d.service", "b.service", "c.service", "d.service"))
	a := g.Get("a.service")
	for n, line := range map[string]int32{"b.service": 1, "c.service": 0, "d.service": 2} {
		l, ok := a.Find(unit.After, g.Get(n))
		if ok != (line > 0) || l.Line != line || a.Has(unit.After, g.Get(n)) != ok {
			t.Errorf("after %s: %v in line %d, want line %d", n, ok, l.Line, line)
		}
		if a.Has(unit.Before, g.Get(n)) {
			t.Errorf("before %s", n)
		}
	}
}

// Refers is what a definition names itself, not what names it.
func TestRefers(t *testing.T) {
	g := New()
	g.Add(defs("a.service Wants=b.service", "b.service", "c.service Wants=a.service"))
	g.Get("a.service").Links(unit.Wants)
	var got []string
	for n := range g.Get("a.service").Refers() {
		got = append(got, n.Name)
	}
	if !slices.Equal(got, []string{"b.service"}) {
		t.Errorf("a.service refers to %v", got)
	}
}

// A target comes after what it pulls in, whichever of the two is loaded first,
// unless an order is written.
func TestTargetsAreOrdered(t *testing.T) {
	cases := []struct{ first, second, want string }{
		{"t.target Wants=a.service", "a.service", "After=a.service"},
		{"a.service", "t.target Requires=a.service", "After=a.service"},
		{"t.target", "a.service WantedBy=t.target", "After=a.service"},
		{"t.target Wants=a.service Before=a.service", "a.service", "Before=a.service"},
		{"t.target Wants=a.service", "a.service After=t.target", "Before=a.service"},
		{"t.target Conflicts=a.service", "a.service", ""},
		{"t.target Wants=u.target", "u.target", "After=u.target"},
		{"t.service Wants=a.service", "a.service", ""},
	}
	for _, c := range cases {
		g := New()
		g.Add(defs(c.first))
		g.Add(defs(c.second))
		g.Add(defs(c.first))
		tgt := g.Get("t.target")
		if tgt == nil {
			tgt = g.Get("t.service")
		}
		got := ""
		for _, k := range [...]unit.Dep{unit.Before, unit.After} {
			for _, l := range tgt.Links(k) {
				got += fmt.Sprintf("%s=%s", k, l.To.Name)
			}
		}
		if got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.first, c.second, got, c.want)
		}
	}
}

// FuzzGraph adds, replaces and removes units at random. A link is always at both
// ends, sorted and once only.
func FuzzGraph(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(2))
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		g := New()
		for range 60 {
			n := fmt.Sprintf("u%d.%s", r.IntN(8), [...]string{"service", "target"}[r.IntN(2)])
			if node := g.Get(n); node != nil && r.IntN(3) == 0 {
				g.Remove(node)
			} else {
				g.Add([]*unit.Unit{randomDef(r, n)})
			}
			checkGraph(t, g)
		}
	})
}

func randomDef(r *rand.Rand, n string) *unit.Unit {
	d := def(n)
	for i := range r.IntN(6) {
		to := fmt.Sprintf("u%d.%s", r.IntN(8), [...]string{"service", "target"}[r.IntN(2)])
		d.Edges = append(d.Edges, unit.Edge{
			Kind: unit.Dep(r.IntN(int(unit.Deps))), Name: to, File: "/" + n, Line: i + 1,
		})
	}
	if r.IntN(4) == 0 {
		d.Names = append(d.Names, fmt.Sprintf("alias%d.service", r.IntN(4)))
	}
	return d
}

func checkGraph(t *testing.T, g *Graph) {
	for _, n := range g.Nodes() {
		if g.At(n.ID) != n || g.Get(n.Name) != n {
			t.Fatalf("%s is not found by its number or its name", n.Name)
		}
		count := 0
		for k := range unit.Deps {
			last := ""
			for _, l := range n.Links(k) {
				count++
				if l.Kind != k || l.To.Name <= last || l.Mask == 0 || l.To == n {
					t.Fatalf("%s: link %s=%s out of place", n.Name, k, l.To.Name)
				}
				last = l.To.Name
				back, ok := l.To.Find(k.Inverse(), n)
				if !ok || g.At(l.To.ID) != l.To || back.Mask != l.Mask>>1|l.Mask<<1&2 {
					t.Fatalf("%s: %s=%s has no fitting other end", n.Name, k, l.To.Name)
				}
			}
		}
		if count != len(n.links) {
			t.Fatalf("%s: %d of %d links are found", n.Name, count, len(n.links))
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	var list []*unit.Unit
	for i := range 1000 {
		list = append(list, def(fmt.Sprintf("u%d.service After=u%d.service Wants=u%d.service "+
			"Before=shutdown.target Conflicts=shutdown.target", i, i/2, i/3)))
	}
	list = append(list, def("shutdown.target"))
	for b.Loop() {
		New().Add(list)
	}
}
