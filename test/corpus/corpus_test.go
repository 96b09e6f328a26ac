// Package corpus loads the unit files of real packages. The script fetch gets
// them; without them there is nothing to test.
package corpus

import (
	"cmp"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/graph"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/load"
	"rouse/internal/unit/load/loadtest"
	"rouse/internal/unit/name"
	"rouse/internal/unit/specifier"
	"rouse/internal/unit/unitfile"
)

// dir is where fetch puts the files: ROUSE_CORPUS, or ~/.cache/rouse/corpus.
func dir(t *testing.T) string {
	dir := os.Getenv("ROUSE_CORPUS")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Skipf("no home directory: %v", err)
		}
		dir = filepath.Join(home, ".cache/rouse/corpus")
	}
	if found, _ := filepath.Glob(dir + "/*/*"); len(found) == 0 {
		t.Skipf("no unit files in %s; run test/corpus/fetch", dir)
	}
	return dir
}

// machine lays the files of all packages into one tree.
func machine(t *testing.T) *loadtest.Tree {
	dir := dir(t)
	tree := loadtest.New()
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		_, inside, ok := strings.Cut(strings.TrimPrefix(p, dir+"/"), "/")
		if !ok || strings.HasPrefix(e.Name(), ".fetch") {
			return nil
		}
		inside = "/" + inside
		if strings.HasPrefix(inside, "/lib/") {
			inside = "/usr" + inside
		}
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			tree.Link(inside, target)
			return err
		case e.Type().IsRegular():
			text, err := os.ReadFile(p)
			tree.File(inside, string(text))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tree.Link("/lib", "usr/lib")
	return tree
}

// facts is a machine of which specifiers can tell everything.
func facts() *specifier.Machine {
	is := func(s string) func() (string, error) { return func() (string, error) { return s, nil } }
	return &specifier.Machine{
		HostName: is("host"), PrettyHostName: is("host"), MachineID: is(strings.Repeat("a", 32)),
		BootID: is(strings.Repeat("b", 32)), KernelRelease: is("6.1.0"), Architecture: is("x86-64"),
		OSRelease: is1(""), User: func() (specifier.Account, error) {
			return specifier.Account{Name: "root", Group: "root", Home: "/root", Shell: "/bin/sh"}, nil
		},
	}
}

func is1(s string) func(string) (string, error) {
	return func(string) (string, error) { return s, nil }
}

// TestLoad loads every unit file and all it refers to, as one big machine.
func TestLoad(t *testing.T) {
	tree := machine(t)
	for _, user := range []bool{false, true} {
		l := load.New(load.Config{
			FS: tree, User: user, Machine: facts(), Home: "/root", RuntimeDir: "/run/user/0",
			Path:     load.SearchPath(user, func(string) string { return "" }, nil),
			Complete: graph.Ground{User: user, Devices: true}.Complete,
		})
		var names []string
		files := l.Files()
		for _, f := range files {
			if name.KindOf(f.Name) == name.Template {
				f.Name, _ = name.WithInstance(f.Name, "x")
			}
			names = append(names, f.Name)
		}
		states := map[unit.LoadState]int{}
		faults := 0
		units := l.Closure(names, nil)
		for _, u := range units {
			states[u.Load]++
			switch u.Load {
			case unit.LoadFailed, unit.BadSetting, unit.Stub, unit.Merged:
				t.Errorf("%s: %s", u.Name, u.LoadError)
			case unit.Loaded, unit.NotFound, unit.Masked, unit.LoadStates:
			}
			for _, f := range u.Faults {
				faults++
				t.Log(f)
			}
		}
		t.Logf("user=%v: %d files, %d units: %v, %d faults",
			user, len(files), len(units), states, faults)
	}
}

// TestHonoured prints how many of the files hold nothing but settings that are
// carried out, and which settings are missing most.
func TestHonoured(t *testing.T) {
	dir := dir(t)
	var files, whole, inPart int
	missing := map[string]int{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || name.KindOf(e.Name()) == 0 &&
			!strings.HasSuffix(e.Name(), ".conf") {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		worst := directive.Full
		seen := map[string]bool{}
		for _, a := range unitfile.Parse(p, string(text)).Assignments {
			if strings.HasPrefix(a.Section, "X-") || strings.HasPrefix(a.Name, "X-") {
				continue
			}
			support := directive.Refused
			if row := directive.Lookup(a.Section, a.Name); row != nil {
				support = row.Support
			}
			key := a.Section + "." + a.Name
			if support >= directive.Parsed && !seen[key] {
				missing[key]++
			}
			seen[key] = true
			worst = max(worst, support)
		}
		files++
		switch worst {
		case directive.Full, directive.LinuxOnly:
			whole++
		case directive.Partial:
			inPart++
		case directive.Parsed, directive.Refused, directive.Supports:
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files; every setting carried out in %d (%.1f %%), in part in %d more (%.1f %%)",
		files, whole, percent(whole, files), inPart, percent(inPart, files))
	keys := slices.SortedFunc(maps.Keys(missing), func(a, b string) int {
		return cmp.Or(missing[b]-missing[a], cmp.Compare(a, b))
	})
	for _, k := range keys[:min(20, len(keys))] {
		t.Logf("%4d files set %s", missing[k], k)
	}
}

func percent(part, all int) float64 { return 100 * float64(part) / float64(max(all, 1)) }
