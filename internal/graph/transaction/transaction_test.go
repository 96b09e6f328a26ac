package transaction

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// What two jobs for one unit become, as systemd merges them: a row per job that is
// there, a column per job that comes. A dash is a contradiction.
func TestMerge(t *testing.T) {
	const up = `
		              start        verify-active stop  reload  restart
		start         start        start         -     reload  restart
		verify-active start        verify-active -     reload  restart
		stop          -            -             stop  -       -
		reload        reload       reload        -     reload  restart
		restart       restart      restart       -     restart restart`
	down := strings.ReplaceAll(up, "start         start        start         -     reload ",
		"start         start        start         -     start  ")
	down = strings.ReplaceAll(down, "reload        reload       reload",
		"reload        start        reload")
	for state, table := range map[graph.ActiveState]string{graph.Active: up, graph.Failed: down} {
		rows := strings.Split(strings.TrimSpace(table), "\n")
		columns := strings.Fields(rows[0])
		for _, row := range rows[1:] {
			cells := strings.Fields(row)
			for i, want := range cells[1:] {
				a, _ := ParseJobType(cells[0])
				b, _ := ParseJobType(columns[i])
				got, ok := Merge(a, b, state)
				if want == "-" && !ok || ok && got.String() == want {
					continue
				}
				t.Errorf("%s and %s while %s: %s %v, want %s", a, b, state, got, ok, want)
			}
		}
	}
}

// Merging does not depend on which job came first, and takes in both.
func TestMergeIsFair(t *testing.T) {
	for a := range JobTypes {
		for b := range JobTypes {
			for state := range graph.ActiveStates {
				x, xok := Merge(a, b, state)
				y, yok := Merge(b, a, state)
				if x != y || xok != yok {
					t.Errorf("%s and %s: %s, the other way round %s", a, b, x, y)
				}
				if a < Nop && b < Nop && xok == Conflicting(a, b) {
					t.Errorf("%s and %s: merged %v, conflicting %v", a, b, xok, Conflicting(a, b))
				}
				if a < Nop && Superset(a, b) && xok && x != Collapse(a, state) {
					t.Errorf("%s does all of %s, but they become %s", a, b, x)
				}
			}
		}
	}
	for a := range JobTypes {
		if a != Nop && Superset(Nop, a) || a != Nop && Superset(a, Nop) {
			t.Errorf("nop and %s", a)
		}
	}
}

func TestCollapse(t *testing.T) {
	// Down is inactive, failed and deactivating.
	cases := []struct{ t, up, down JobType }{
		{Start, Start, Start},
		{VerifyActive, VerifyActive, VerifyActive},
		{Stop, Stop, Stop},
		{Reload, Reload, Reload},
		{Restart, Restart, Restart},
		{Nop, Nop, Nop},
		{TryRestart, Restart, Nop},
		{TryReload, Reload, Nop},
		{ReloadOrStart, Reload, Start},
	}
	for _, c := range cases {
		for state := range graph.ActiveStates {
			want := c.up
			if state.Falling() {
				want = c.down
			}
			if got := Collapse(c.t, state); got != want {
				t.Errorf("%s while %s: %s, want %s", c.t, state, got, want)
			}
		}
	}
}

func TestRedundant(t *testing.T) {
	want := map[JobType]string{
		Start: "active reloading", VerifyActive: "active reloading", Stop: "inactive failed",
		Reload: "reloading", Restart: "",
		Nop: "inactive active reloading failed activating deactivating maintenance",
	}
	for jt, states := range want {
		for state := range graph.ActiveStates {
			in := strings.Contains(" "+states+" ", " "+state.String()+" ")
			if Redundant(jt, state) != in {
				t.Errorf("%s while %s: redundant %v", jt, state, !in)
			}
		}
	}
}

// What stops goes first; else what is ordered before does.
func TestComes(t *testing.T) {
	types := [...]JobType{Start, VerifyActive, Stop, Reload, Restart, Nop}
	for _, a := range types {
		for _, b := range types {
			want := -1
			switch {
			case a == Nop || b == Nop:
				want = 0
			case b == Stop || b == Restart:
				want = 1
			}
			if got := Comes(a, b); got != want {
				t.Errorf("%s before %s: %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestJobTypeWords(t *testing.T) {
	for jt := range JobTypes {
		if got, ok := ParseJobType(jt.String()); !ok || got != jt {
			t.Errorf("%s is read as %s", jt, got)
		}
	}
	if jt, ok := ParseJobType("begin"); ok {
		t.Errorf("begin is %s", jt)
	}
}

// FuzzBuild builds transactions over random units: no panic, and what results is
// consistent.
func FuzzBuild(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 5))
		w := randomWorld(r)
		nodes := w.g.Nodes()
		for range 8 {
			req := Request{
				Unit: nodes[r.IntN(len(nodes))], Type: JobType(r.IntN(int(JobTypes))),
				Mode: unit.JobMode(r.IntN(int(unit.JobModes))), Auto: r.IntN(2) == 0,
			}
			res, err := Build(w, req)
			if err != nil {
				if err.Name == "" || err.Message == "" || res != nil {
					t.Fatalf("a refusal without words: %+v", err)
				}
				continue
			}
			if problem := inspect(w, req, res); problem != "" {
				t.Fatalf("%s %s %s: %s", req.Type, req.Unit.Name, req.Mode, problem)
			}
		}
	})
}

func randomWorld(r *rand.Rand) *world {
	w := newWorld()
	n := 2 + r.IntN(9)
	var defs []*unit.Unit
	for i := range n {
		id := fmt.Sprintf("u%d.%s", i, [...]string{"service", "service", "target", "socket"}[r.IntN(4)])
		d := &unit.Unit{
			Name: id, Type: name.TypeOf(id), Load: unit.Loaded, DefaultDependencies: r.IntN(2) == 0,
			AllowIsolate: r.IntN(2) == 0, IgnoreOnIsolate: r.IntN(6) == 0,
			RefuseManualStart: r.IntN(12) == 0, RefuseManualStop: r.IntN(12) == 0,
			Perpetual: r.IntN(15) == 0,
		}
		if r.IntN(12) == 0 {
			d.Load = unit.LoadState(r.IntN(int(unit.LoadStates)))
		}
		defs = append(defs, d)
	}
	for i, d := range defs {
		for line := range r.IntN(5) {
			d.Edges = append(d.Edges, unit.Edge{
				Kind: unit.Dep(r.IntN(int(unit.Deps))), Name: defs[r.IntN(n)].Name,
				File: fmt.Sprint("u", i), Line: line + 1,
			})
		}
		w.states[d.Name] = graph.ActiveState(r.IntN(int(graph.ActiveStates)))
		w.reload[d.Name] = r.IntN(2) == 0
		if r.IntN(4) == 0 {
			w.queued[d.Name] = queued{JobType(r.IntN(int(Nop))), r.IntN(4) == 0}
		}
	}
	w.g.Add(defs)
	return w
}

// inspect says what is wrong with a transaction.
func inspect(w *world, req Request, res *Result) string {
	jobs := map[*graph.Node]*Job{}
	for _, j := range res.Jobs {
		if jobs[j.Node] != nil {
			return "two jobs for " + j.Node.Name
		}
		if j.Type > Nop {
			return fmt.Sprintf("%s/%s cannot be queued", j.Node.Name, j.Type)
		}
		if j.Type != Stop && j.Node.Def.Load != unit.Loaded && j.Node.Def.Load != unit.Merged {
			return j.Node.Name + " is not loaded"
		}
		jobs[j.Node] = j
	}
	if res.Anchor == nil || jobs[req.Unit] != res.Anchor {
		return "the anchor is not the unit's job"
	}
	for _, n := range res.Cancel {
		if jobs[n] != nil {
			return n.Name + " has a job and is cancelled"
		}
	}
	if problem := complete(w, req, jobs); problem != "" {
		return problem
	}
	if res.IgnoreOrder {
		return ""
	}
	return circular(w, jobs)
}

// complete checks that each job that the anchor needs has what it needs.
func complete(w *world, req Request, jobs map[*graph.Node]*Job) string {
	if req.Mode == unit.IgnoreDependencies || req.Mode == unit.IgnoreRequirements {
		if len(jobs) != 1 {
			return "the dependencies are not ignored"
		}
		return ""
	}
	for n, j := range jobs {
		if j.Type != Start || !j.matters {
			continue
		}
		for _, k := range [...]unit.Dep{unit.Requires, unit.BindsTo} {
			for _, l := range n.Links(k) {
				o := jobs[l.To]
				// What is only wanted is started even if something it requires is not there.
				absent := l.To.Def.Load != unit.Loaded && l.To.Def.Load != unit.Merged
				if absent || w.State(l.To).Up() || o != nil && o.Type != Stop {
					continue
				}
				return fmt.Sprintf("%s is started without %s, which it requires", n.Name, l.To.Name)
			}
		}
		for _, l := range n.Links(unit.Conflicts) {
			o := jobs[l.To]
			if w.State(l.To).Down() && o == nil || o != nil && o.Type == Stop || l.To.Def.Perpetual {
				continue
			}
			return fmt.Sprintf("%s is started while %s is there", n.Name, l.To.Name)
		}
	}
	return ""
}

// circular looks for jobs that wait for each other.
func circular(w *world, jobs map[*graph.Node]*Job) string {
	const (
		open = 1 + iota
		done
	)
	marks := map[*graph.Node]int{}
	var visit func(n *graph.Node) string
	visit = func(n *graph.Node) string {
		switch marks[n] {
		case open:
			return n.Name + " waits for itself"
		case done:
			return ""
		}
		marks[n] = open
		for _, o := range w.g.Nodes() {
			if jobs[o] == nil || o == n {
				continue
			}
			first := n.Has(unit.Before, o) && Comes(jobs[n].Type, jobs[o].Type) < 0 ||
				n.Has(unit.After, o) && Comes(jobs[o].Type, jobs[n].Type) > 0
			if first {
				if s := visit(o); s != "" {
					return s + " after " + n.Name
				}
			}
		}
		marks[n] = done
		return ""
	}
	for _, n := range w.g.Nodes() {
		if jobs[n] != nil {
			if s := visit(n); s != "" {
				return s
			}
		}
	}
	return ""
}

// BenchmarkBuild starts a target that pulls in a thousand units, each with some
// needs and an order.
func BenchmarkBuild(b *testing.B) {
	w := newWorld()
	var defs []*unit.Unit
	add := func(text string) {
		words := strings.Fields(text)
		d := &unit.Unit{Name: words[0], Type: name.TypeOf(words[0]), Load: unit.Loaded}
		for _, word := range words[1:] {
			key, to, _ := strings.Cut(word, "=")
			for k := range unit.Deps {
				if k.String() == key {
					d.Edges = append(d.Edges, unit.Edge{Kind: k, Name: to})
				}
			}
		}
		defs = append(defs, d)
	}
	add("shutdown.target")
	for i := range 1000 {
		add(fmt.Sprintf("u%d.service Wants=u%d.service Requires=u%d.service After=u%d.service "+
			"WantedBy=t.target Conflicts=shutdown.target Before=shutdown.target", i, i/2, i/3, i/2))
	}
	add("t.target")
	w.g.Add(defs)
	req := Request{Unit: w.g.Get("t.target"), Type: Start}
	for b.Loop() {
		if _, err := Build(w, req); err != nil {
			b.Fatal(err)
		}
	}
}
