package load

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/load/loadtest"
)

var update = flag.Bool("update", false, "rewrite the output in testdata")

// TestScript runs testdata/*.txt; see loadtest.Script for their form. The
// commands are
//
//	load NAME        load a unit and print it
//	closure NAME...  load units with all they refer to and print their names
//	files [PATTERN]  list the unit files that are not built in
//	user             go on with a user's manager
//	path DIR...      go on with another search path
//	refresh          forget what was read
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
			run(t, file, string(text))
		})
	}
}

func run(t *testing.T, file, text string) {
	s := loadtest.Parse(text)
	c := Config{FS: s.Tree, Path: SearchPath(false, func(string) string { return "" }, nil)}
	l := New(c)
	var (
		got    []string
		faults []unit.Fault
	)
	for _, step := range s.Steps {
		verb, args, _ := strings.Cut(step.Command, " ")
		out := ""
		switch verb {
		case "load":
			u := l.Load(args)
			faults = append(faults, u.Faults...)
			out = show(u)
		case "closure":
			for _, u := range l.Closure(strings.Fields(args), nil) {
				out += u.Name + " " + u.Load.String() + "\n"
			}
		case "files":
			out = list(l, args)
		case "refresh":
			l.Refresh()
		case "user", "path":
			if verb == "user" {
				c.User = true
				c.Path = SearchPath(true, func(string) string { return "" }, nil)
			} else {
				c.Path = strings.Fields(args)
			}
			l = New(c)
		default:
			t.Fatalf("%s: no command %q", file, step.Command)
		}
		got = append(got, out)
		if out != step.Want && !*update {
			t.Errorf("%s: %s: got\n%swant\n%s", file, step.Command, out, step.Want)
		}
	}
	for _, m := range s.Marks {
		if !slices.ContainsFunc(faults, func(f unit.Fault) bool {
			return f.File == m.File && f.Line == m.Line && strings.Contains(f.String(), m.Text)
		}) {
			t.Errorf("%s: no fault at %s:%d says %q", file, m.File, m.Line, m.Text)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(s.Print(got)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// show prints what the loader settled about a unit.
func show(u *unit.Unit) string {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("%s %s", u.Name, u.Load)
	if u.LoadError != "" {
		line("  %s", u.LoadError)
	}
	if len(u.Names) > 0 {
		line("  also %s", strings.Join(u.Names, " "))
	}
	if u.Fragment != "" {
		line("  file %s", u.Fragment)
	}
	for _, f := range u.DropIns {
		line("  with %s", f)
	}
	if u.Description != u.Name {
		line("  Description=%s", u.Description)
	}
	if u.SourcePath != "" {
		line("  SourcePath=%s", u.SourcePath)
	}
	if u.Exec != nil && len(u.Exec.Environment) > 0 {
		line("  Environment=%s", strings.Join(u.Exec.Environment, " "))
	}
	for _, e := range u.Edges {
		switch {
		case e.Line > 0:
			line("  %s %s (%s:%d)", e.Kind, e.Name, e.File, e.Line)
		case e.File != "":
			line("  %s %s (%s)", e.Kind, e.Name, e.File)
		default:
			line("  %s %s", e.Kind, e.Name)
		}
	}
	for _, f := range u.Faults {
		line("  %s", f)
	}
	return b.String()
}

func list(l *Loader, pattern string) string {
	var b strings.Builder
	for _, f := range l.Files() {
		if f.Path == "" && pattern == "" {
			continue
		}
		if ok, _ := filepath.Match(pattern, f.Name); !ok && pattern != "" {
			continue
		}
		b.WriteString(f.Name)
		for _, s := range []string{f.Path, f.Alias} {
			if s != "" {
				b.WriteString(" " + s)
			}
		}
		if f.Masked {
			b.WriteString(" masked")
		}
		if f.Linked {
			b.WriteString(" linked")
		}
		b.WriteString("\n")
	}
	return b.String()
}
