// Package scenario plays the same scripts on rouse and on systemd 252, and wants
// the same to be seen. testdata/*.txt has the scenarios; what is indented in them was
// recorded from systemd running as PID 1, and where rouse differs there is the reason.
//
// go test plays them on a roused that is an ordinary process, all but those that
// need more. As root, -init roused boots it as PID 1 in namespaces, over a view of
// this machine that is thrown away, and plays all; -init old does so as on an old kernel,
// -init systemd with systemd, and with -update records what it shows.
//
//	go test ./test/scenario -init systemd -update -run 'Scenarios/restart'
//	go test ./test/scenario -init roused
//
// A file has scenarios, each from "== NAME" to the next: prose, what it needs
// (root: a machine in namespaces; cgroups; boot: a manager of its own, for it ends it),
// files, and a script. What writes outside of its folder needs root.
// In units "@act" is the program of act_test.go with its first arguments, and "@dir"
// the folder of the scenario. drive_test.go has the commands of scripts.
package scenario

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	initFlag = flag.String("init", "", "boot this as PID 1: roused, old or systemd (needs root)")
	update   = flag.Bool("update", false, "record what is seen")
	machines = flag.Int("machines", 6, "how many managers play scenarios side by side")
)

// patience bounds every wait of a script.
const patience = 15 * time.Second

// TestMain is a service or the inside of a machine, if it was started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "act":
			os.Exit(act(os.Args[2], os.Args[3:]))
		case "boot":
			os.Exit(bootInside(os.Args[2:]))
		case "drive":
			os.Exit(driveInside(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

// TestScenarios is described at the top.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the scenarios take a minute")
	}
	// They wait most of the time: as many as there are machines, not processors.
	if err := flag.Set("test.parallel", fmt.Sprint(*machines)); err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, oracle: *initFlag == "systemd", tools: build(t)}
	for range *machines {
		f.seats = append(f.seats, nil)
	}
	f.free = sync.NewCond(&f.mu)
	books := library(t)
	t.Cleanup(func() {
		f.end()
		if *update {
			for file, b := range books {
				write(t, file, b)
			}
		}
	})
	for _, file := range slices.Sorted(maps.Keys(books)) {
		b := books[file]
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for _, sc := range b.scenarios {
				t.Run(sc.Name, func(t *testing.T) {
					t.Parallel()
					f.play(t, sc)
				})
			}
		})
	}
}

func write(t *testing.T, file string, b *book) {
	t.Helper()
	if err := os.WriteFile(file, []byte(b.text()), 0o644); err != nil {
		t.Error(err)
	}
}

// library reads all books, by file.
func library(t *testing.T) map[string]*book {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	books := map[string]*book{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if books[file], err = parse(string(text)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return books
}

// TestBooks: a file is read and written again without a change.
func TestBooks(t *testing.T) {
	for file, b := range library(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if b.text() != string(text) {
			t.Errorf("%s is not what is made of it", file)
		}
	}
}

// A machine is a manager that runs, and the way to play scenarios on it.
type machine interface {
	// play runs the script; got has the lines of each step that was reached.
	play(sc *scenario) (got [][]string, err error)
	// end ends the manager and leaves nothing behind. It gives its log.
	end() string
}

// A fleet is the machines of a run, each started when it is first needed.
type fleet struct {
	t      *testing.T
	oracle bool
	tools  string // folder of the programs
	mu     sync.Mutex
	free   *sync.Cond
	seats  []machine // those that are not at work; nil is one that is yet to be started
}

// play plays one scenario and compares, or records.
func (f *fleet) play(t *testing.T, sc *scenario) {
	if *initFlag == "" {
		for what, why := range sc.Needs {
			if what != "boot" {
				t.Skipf("needs %s: %s", what, why)
			}
		}
	}
	_, alone := sc.Needs["boot"]
	m, err := f.take(alone)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.play(sc)
	if err != nil || alone {
		log := m.end()
		m = nil
		if err != nil {
			t.Errorf("%v\nlog of the manager:\n%s", err, log)
		} else {
			t.Logf("log of the manager:\n%s", log)
		}
	}
	f.put(m)
	for i, s := range sc.Steps {
		var seen []string
		if i < len(got) {
			seen = got[i]
		}
		want := s.expected(f.oracle)
		if *update {
			s.record(seen, f.oracle)
			want = s.expected(f.oracle)
		}
		if !slices.Equal(seen, want) || s.inVain(seen) {
			t.Errorf("%s\n  want\n%s\n  got\n%s", s.Line, indent(want), indent(seen))
		}
	}
}

func indent(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }

// take waits for a machine that is free. Alone is one of its own.
func (f *fleet) take(alone bool) (machine, error) {
	f.mu.Lock()
	for len(f.seats) == 0 {
		f.free.Wait()
	}
	at := 0
	if alone { // best a seat that is empty, else the machine on it has to go
		at = max(0, slices.Index(f.seats, nil))
	}
	m := f.seats[at]
	f.seats = slices.Delete(f.seats, at, at+1)
	f.mu.Unlock()
	if m != nil && !alone {
		return m, nil
	}
	if m != nil {
		m.end()
	}
	var err error
	if *initFlag == "" {
		m, err = startLocal(f.tools)
	} else {
		m, err = startBooted(f.tools, *initFlag)
	}
	if err != nil {
		f.put(nil)
	}
	return m, err
}

func (f *fleet) put(m machine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seats = append(f.seats, m)
	f.free.Signal()
}

func (f *fleet) end() {
	for _, m := range f.seats {
		if m != nil {
			m.end()
		}
	}
}
