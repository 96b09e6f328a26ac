package transaction

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

var update = flag.Bool("update", false, "rewrite the expected output of scripts")

// TestScript runs testdata/*.txt: commands at the margin, what they print indented.
//
//	unit NAME [Wants=NAME…] [SETTING…]  makes or replaces a unit; its n-th
//	                                    dependency is written in line n
//	state NAME STATE                    the unit is active, failed, …
//	queue NAME TYPE [irreversible]      a job waits for the unit
//	new                                 forgets all that
//	TYPE NAME [MODE] [auto]             builds the transaction
//
// A name without a type is a service's.
func TestScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, string(text))
			if got == string(text) {
				return
			}
			if !*update {
				t.Errorf("%s prints\n%s", file, got)
				return
			}
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func run(t *testing.T, text string) string {
	var out strings.Builder
	w := newWorld()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		out.WriteString(line)
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		for _, s := range w.command(t, words) {
			fmt.Fprintf(&out, "\t%s\n", s)
		}
	}
	return out.String()
}

// world is a View of units that exist only in a test.
type world struct {
	g      *graph.Graph
	states map[string]graph.ActiveState
	queued map[string]queued
	reload map[string]bool
}

type queued struct {
	t            JobType
	irreversible bool
}

func newWorld() *world {
	return &world{
		g: graph.New(), states: map[string]graph.ActiveState{}, queued: map[string]queued{},
		reload: map[string]bool{},
	}
}

func (w *world) Graph() *graph.Graph { return w.g }

func (w *world) State(n *graph.Node) graph.ActiveState { return w.states[n.Name] }

func (w *world) Queued(n *graph.Node) (t JobType, irreversible, ok bool) {
	q, ok := w.queued[n.Name]
	return q.t, q.irreversible, ok
}

func (w *world) CanReload(n *graph.Node) bool { return w.reload[n.Name] }

func full(n string) string {
	if strings.Contains(n, ".") {
		return n
	}
	return n + ".service"
}

func (w *world) command(t *testing.T, words []string) []string {
	switch words[0] {
	case "unit":
		w.unit(t, words[1:])
	case "state":
		for s := range graph.ActiveStates {
			if s.String() == words[2] {
				w.states[full(words[1])] = s
			}
		}
	case "queue":
		jt, ok := ParseJobType(words[2])
		if !ok {
			t.Fatalf("no job type %q", words[2])
		}
		w.queued[full(words[1])] = queued{jt, len(words) > 3}
	case "new":
		*w = *newWorld()
	default:
		return w.build(t, words)
	}
	return nil
}

// settings are the words of a unit command that are no dependencies.
var settings = map[string]func(d *unit.Unit){
	"AllowIsolate":      func(d *unit.Unit) { d.AllowIsolate = true },
	"IgnoreOnIsolate":   func(d *unit.Unit) { d.IgnoreOnIsolate = true },
	"RefuseManualStart": func(d *unit.Unit) { d.RefuseManualStart = true },
	"RefuseManualStop":  func(d *unit.Unit) { d.RefuseManualStop = true },
	"Perpetual":         func(d *unit.Unit) { d.Perpetual = true },
	"not-found":         func(d *unit.Unit) { d.Load = unit.NotFound },
	"bad-setting":       func(d *unit.Unit) { d.Load = unit.BadSetting },
	"masked":            func(d *unit.Unit) { d.Load = unit.Masked },
	"error":             func(d *unit.Unit) { d.Load, d.LoadError = unit.LoadFailed, "EACCES" },
}

func (w *world) unit(t *testing.T, words []string) {
	n := full(words[0])
	d := &unit.Unit{Name: n, Type: name.TypeOf(n), Load: unit.Loaded}
	for _, word := range words[1:] {
		key, to, isEdge := strings.Cut(word, "=")
		switch set := settings[key]; {
		case isEdge:
			d.Edges = append(d.Edges, unit.Edge{
				Kind: depOf(t, key), Name: full(to), File: words[0], Line: len(d.Edges) + 1,
			})
		case key == "reloads":
			w.reload[n] = true
		case set != nil:
			set(d)
		default:
			t.Fatalf("no setting %q", word)
		}
	}
	defs := []*unit.Unit{d}
	for _, old := range w.g.Nodes() { // whoever names it is linked to it
		if old.Name != n {
			defs = append(defs, old.Def)
		}
	}
	w.g.Add(defs)
}

func depOf(t *testing.T, word string) unit.Dep {
	for k := range unit.Deps {
		if k.String() == word {
			return k
		}
	}
	t.Fatalf("no dependency %q", word)
	return 0
}

// build prints a transaction: its jobs and why each is there.
func (w *world) build(t *testing.T, words []string) []string {
	jt, ok := ParseJobType(words[0])
	n := w.g.Get(full(words[1]))
	if !ok || n == nil {
		t.Fatalf("no command %q", words)
	}
	req := Request{Unit: n, Type: jt}
	for _, word := range words[2:] {
		if word == "auto" {
			req.Auto = true
		} else if req.Mode, ok = unit.ParseJobMode(word); !ok {
			t.Fatalf("no job mode %q", word)
		}
	}
	res, err := Build(w, req)
	if err != nil {
		out := []string{"error " + err.Name + ": " + err.Message}
		if err.Detail != "" {
			out = append(out, err.Detail)
		}
		return out
	}
	var out []string
	for _, j := range res.Jobs {
		s := short(j.Node.Name) + "/" + j.Type.String()
		switch l := j.Because; {
		case j == res.Anchor:
		case l.To == nil:
			s += " by the job mode"
		default:
			s += fmt.Sprintf(" for %s %s= (%s:%d)", short(l.To.Name), l.Kind, l.File, l.Line)
		}
		out = append(out, s)
	}
	for _, n := range res.Cancel {
		out = append(out, "cancels "+short(n.Name))
	}
	for _, note := range res.Dropped {
		out = append(out, "- "+note)
	}
	if res.IgnoreOrder {
		out = append(out, "in any order")
	}
	if res.Irreversible {
		out = append(out, "irreversible")
	}
	return out
}

func short(n string) string { return strings.TrimSuffix(n, ".service") }
