package graph

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/load/loadtest"
	"rouse/internal/unit/name"
)

var updateEdges = flag.Bool("update-edges", false, "rewrite the output in testdata/edges")

// TestEdges runs testdata/edges/*.txt; see loadtest.Script for their form. The
// commands are
//
//	ground [user] [container] [devices] [PATH...]
//	                                      go on with another ground; PATHs are mounted
//	load NAME                             load a unit and print what it depends upon
func TestEdges(t *testing.T) {
	files, err := filepath.Glob("testdata/edges/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			runEdges(t, file, string(text))
		})
	}
}

func runEdges(t *testing.T, file, text string) {
	s := loadtest.Parse(text)
	with := func(g Ground) *load.Loader {
		return load.New(load.Config{
			FS: s.Tree, Path: []string{"/etc/systemd/system"}, User: g.User, Complete: g.Complete,
			Mounted: func(unitName string) (unit.Mount, bool) {
				where, err := name.ToPath(unitName)
				m := unit.Mount{What: "foo", Where: where, FSType: "tmpfs", Options: "rw"}
				return m, err == nil && g.Mounted(where)
			},
		})
	}
	mounted := func(words []string) func(string) bool {
		return func(where string) bool { return slices.Contains(words, where) }
	}
	l := with(Ground{Mounted: mounted(nil)})
	var got []string
	for _, step := range s.Steps {
		words := strings.Fields(step.Command)
		out := ""
		switch words[0] {
		case "ground":
			l = with(Ground{
				User:      slices.Contains(words, "user"),
				Container: slices.Contains(words, "container"),
				Devices:   slices.Contains(words, "devices"),
				Mounted:   mounted(words),
			})
		case "load":
			out = showEdges(l.Load(words[1]))
		default:
			t.Fatalf("%s: no command %q", file, step.Command)
		}
		got = append(got, out)
		if out != step.Want && !*updateEdges {
			t.Errorf("%s: %s: got\n%swant\n%s", file, step.Command, out, step.Want)
		}
	}
	if *updateEdges {
		if err := os.WriteFile(file, []byte(s.Print(got)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// showEdges prints the edges by kind, default ones with a star.
func showEdges(u *unit.Unit) string {
	var b strings.Builder
	for _, f := range u.Faults {
		fmt.Fprintf(&b, "! %s\n", f)
	}
	if u.Load != unit.Loaded {
		fmt.Fprintf(&b, "%s\n", u.Load)
	}
	for k := range unit.Deps {
		var names []string
		for _, e := range u.Edges {
			if e.Kind != k {
				continue
			}
			n := e.Name
			if e.Default {
				n += "*"
			}
			names = append(names, n)
		}
		slices.Sort(names)
		if len(names) > 0 {
			fmt.Fprintf(&b, "%s=%s\n", k, strings.Join(slices.Compact(names), " "))
		}
	}
	if len(u.RequiresMountsFor) > 0 {
		fmt.Fprintf(&b, "RequiresMountsFor=%s\n", strings.Join(u.RequiresMountsFor, " "))
	}
	return b.String()
}

// The order of a target after what it pulls in needs both units to be loaded,
// and to have default dependencies.
func TestTargetAfter(t *testing.T) {
	l := load.New(load.Config{FS: loadtest.New()})
	multi, timers, none := l.Load("multi-user.target"), l.Load("timers.target"), l.Load("x.service")
	basic, slice := l.Load("basic.target"), l.Load("x.slice")
	for _, c := range []struct {
		target, other *unit.Unit
		want          bool
	}{
		{multi, basic, true},
		{multi, slice, true},
		{multi, timers, false}, // DefaultDependencies=no
		{timers, multi, false},
		{multi, none, false},
		{slice, multi, false},
	} {
		if got := TargetAfter(c.target, c.other); got != c.want {
			t.Errorf("%s after %s: %v", c.target.Name, c.other.Name, got)
		}
	}
}

func FuzzHasOption(f *testing.F) {
	f.Add("noauto,_netdev,x-a=b", "_netdev")
	f.Add(",,=,", "")
	f.Fuzz(func(t *testing.T, options, option string) {
		if hasOption(options, option) && !strings.Contains(options, option) {
			t.Errorf("%q is not in %q", option, options)
		}
	})
}

// TestShare: units that say the same have the same memory for it, whatever slice they
// are in.
func TestShare(t *testing.T) {
	s := loadtest.New()
	for unitName, line := range map[string]string{
		"a.service": "", "b.service": "", "c@x.service": "", "d.service": "Slice=own.slice",
	} {
		s.File("/u/"+unitName, "[Service]\nExecStart=/bin/"+unitName+"\nMemoryMax=1G\n"+line)
	}
	l := load.New(load.Config{FS: s, Path: []string{"/u"}, Complete: Ground{}.Complete})
	first := l.Load("a.service")
	for unitName, slice := range map[string]string{
		"b.service": "system.slice", "c@x.service": "system-c.slice", "d.service": "own.slice",
	} {
		u := l.Load(unitName)
		if u.Slice != slice {
			t.Errorf("%s is in %s, want %s", unitName, u.Slice, slice)
		}
		if u.Exec != first.Exec || u.Resources != first.Resources {
			t.Errorf("%s has settings of its own", unitName)
		}
	}
}
