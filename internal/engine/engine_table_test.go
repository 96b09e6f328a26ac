package engine

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/tidy/tables"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/value"
)

// TestEngineTable goes through the steps of systemd's test-engine: jobs are added
// one after the other and none is carried out, for the host never answers.
func TestEngineTable(t *testing.T) {
	rows := tables.Read(t, "engine.tsv")
	w := newStillWorld(t)
	for _, row := range rows {
		step, before, job, n, mode, want := row[0], row[1], row[2], row[3], row[4], row[5]
		if before != "-" {
			for _, doing := range strings.Split(before, "; ") {
				w.prepare(strings.Fields(doing))
			}
		}
		if got := w.request(job, n, mode); got != want {
			t.Errorf("step %s: %s %s %s: %s, want %s (%v)", step, job, n, mode, got, want, w.reply.Err)
		}
		if row[6] != "-" {
			w.expect(step, strings.Fields(row[6]))
		}
	}
}

// stillWorld is a host that does nothing.
type stillWorld struct {
	t      *testing.T
	e      *Engine
	loader *load.Loader
	reply  Replied
}

func newStillWorld(t *testing.T) *stillWorld {
	text, err := os.ReadFile("testdata/table/units.txt")
	if err != nil {
		t.Fatal(err)
	}
	const dir = "etc/systemd/system"
	files := fstest.MapFS{dir: {Mode: fs.ModeDir | 0o755, ModTime: time.Unix(1, 0)}}
	for line := range strings.Lines(string(text)) {
		n, edges, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if n == "" || n[0] == '#' {
			continue
		}
		body := "[Unit]\n"
		for _, e := range strings.Fields(edges) {
			body += e + ".service\n"
		}
		body += "[Service]\nExecStart=/bin/true\n"
		files[dir+"/"+n+".service"] = &fstest.MapFile{Data: []byte(body), Mode: 0o644}
	}
	return &stillWorld{
		t: t, e: New(Config{Seed: 1, Strict: true}),
		loader: load.New(load.Config{
			FS: files, Path: []string{"/" + dir}, Complete: graph.Ground{}.Complete,
		}),
	}
}

// prepare does what stands before a step: load UNIT…, clear, running UNIT….
func (w *stillWorld) prepare(words []string) {
	switch words[0] {
	case "load":
		loaded := func(n string) bool { return w.e.unit(n) != nil }
		w.step(Loaded{Units: w.loader.Closure(words[1:], loaded)})
	case "clear":
		for _, n := range w.e.g.Nodes() {
			if u := w.e.at(n); u.job != nil {
				w.e.finish(u.job, JobCanceled, false)
			}
		}
	case "running":
		for _, n := range words[1:] {
			w.e.unit(n).svc.Sub = Running
		}
	default:
		w.t.Fatalf("the table asks for %q", words)
	}
}

func (w *stillWorld) step(ev Event) {
	for _, fx := range w.e.Step(value.Instant{Mono: 1e6, Real: 1e15}, ev) {
		if r, ok := fx.(Replied); ok {
			w.reply = r
		}
	}
}

// request adds a job and says how that went in the words of the table.
func (w *stillWorld) request(job, n, mode string) string {
	t, ok := transaction.ParseJobType(job)
	m, known := unit.ParseJobMode(mode)
	if !ok || !known {
		w.t.Fatalf("the table asks for %s %s", job, mode)
	}
	w.step(JobRequested{Unit: n, Type: t, Mode: m, Auto: true})
	if w.reply.Err == nil {
		return "ok"
	}
	switch w.reply.Err.Name {
	case "TransactionOrderIsCyclic", "TransactionJobsConflicting", "TransactionIsDestructive":
		return "deadlock"
	}
	return w.reply.Err.Name
}

// expect compares the queued jobs with those that must be there.
func (w *stillWorld) expect(step string, want []string) {
	for _, text := range want {
		n, job, _ := strings.Cut(text, ":")
		got := "none"
		if j := w.e.unit(n).job; j != nil {
			got = fmt.Sprint(j.t)
		}
		if got != job {
			w.t.Errorf("step %s: %s has job %s, want %s", step, n, got, job)
		}
	}
}
