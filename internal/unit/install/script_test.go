package install

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/load/loadtest"
)

var (
	update    = flag.Bool("update", false, "write what the scripts print as what is expected")
	systemctl = flag.String("systemctl", "", "have this program print it: systemctl of systemd 252")
)

// TestScripts: what systemctl --root= of systemd 252 prints and does, command by command.
// Its lines are sorted, because it takes links away in the order of the directory. What
// follows are the files that came, with +, and those that went, with -.
func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := loadtest.Parse(string(text))
			run := func(line string) string { return offline(s.Tree, line) }
			if *systemctl != "" {
				root := t.TempDir()
				copyTree(t, s.Tree, root)
				run = func(line string) string { return recorded(t, root, line) }
			}
			var got []string
			for _, step := range s.Steps {
				got = append(got, run(step.Command))
				if last := got[len(got)-1]; last != step.Want && !*update {
					t.Errorf("%s\ngot:\n%swant:\n%s", step.Command, last, step.Want)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(s.Print(got)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// copyTree makes a tree real.
func copyTree(t *testing.T, tree *loadtest.Tree, root string) {
	err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		at := filepath.Join(root, p)
		switch {
		case err != nil, p == "dev", strings.HasPrefix(p, "dev/"):
			return err
		case d.IsDir():
			return os.MkdirAll(at, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, _ := tree.ReadLink(p)
			return os.Symlink(target, at)
		}
		text, err := fs.ReadFile(tree, p)
		if err != nil {
			return err
		}
		return os.WriteFile(at, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recorded gives what systemctl itself prints and does.
func recorded(t *testing.T, root, line string) string {
	fsys := os.DirFS(root).(fs.ReadLinkFS)
	before := snapshot(fsys)
	var out bytes.Buffer
	c := exec.Command(*systemctl, append([]string{"--root=" + root}, strings.Fields(line)...)...)
	c.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	c.Stdout, c.Stderr = &out, &out
	var ended *exec.ExitError
	if err := c.Run(); err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(out.String(), root, "")
	return printed(text, c.ProcessState.ExitCode(), before, snapshot(fsys))
}

// printed puts together what a step shows.
func printed(text string, status int, before, after []string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool {
		return l == "" || strings.Contains(l, "rejecting.") // a note of its own log
	})
	if strings.Contains(text, "The unit files have no") {
		lines = []string{"(no installation config)"}
	}
	slices.Sort(lines)
	if status != 0 {
		lines = append(lines, fmt.Sprintf("status %d", status))
	}
	for _, f := range before {
		if !slices.Contains(after, f) {
			lines = append(lines, "- "+f)
		}
	}
	for _, f := range after {
		if !slices.Contains(before, f) {
			lines = append(lines, "+ "+f)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// snapshot lists all files and symlinks.
func snapshot(fsys fs.ReadLinkFS) (list []string) {
	_ = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case d.Type()&fs.ModeSymlink != 0:
			target, _ := fsys.ReadLink(p)
			p += " -> " + target
		}
		list = append(list, "/"+p)
		return nil
	})
	return list
}

// verbWords are what systemctl calls verbs in its messages.
var verbWords = map[string]string{
	"preset-all": "preset", "set-default": "set default",
	"add-wants": "add dependency on", "add-requires": "add dependency on",
}

// native tells what is wrong with looking for a unit's own file, as is done before
// looking for an init script.
func native(tree *loadtest.Tree, units []string) error {
	for _, u := range units {
		if _, err := files(tree, false).HasNative(u); err != nil && !strings.Contains(u, "/") {
			return err
		}
	}
	return nil
}

// offline does what systemctl does.
func offline(tree *loadtest.Tree, line string) string {
	before := snapshot(tree)
	req := request(line)
	var lines []string
	status := 0
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	faults := func(list []unit.Fault) {
		for _, f := range list {
			say("%s:%d: %s", f.File, f.Line, f.Why)
		}
	}
	fail := func(format string, args ...any) { say(format, args...); status = 1 }
	sysv := slices.Contains([]string{"enable", "disable", "is-enabled"}, req.Verb)
	switch err := native(tree, req.Units); {
	case sysv && err != nil:
		fail("Failed to look up unit file state: %v", err)
	case req.Verb == "is-enabled":
		status = 1
		for _, u := range req.Units {
			word, list, err := files(tree, false).Lookup(u)
			faults(list)
			if err != nil {
				fail("Failed to get unit file state for %s: %v", u, err)
				break
			}
			say("%s", word)
			if strings.HasPrefix(word, "enabled") || slices.Contains([]string{"static", "alias",
				"indirect", "generated"}, word) {
				status = 0
			}
		}
	case req.Verb == "get-default":
		if target, err := place(tree).DefaultTarget(); err != nil {
			fail("Failed to get default target: %v", err)
		} else {
			say("%s", target)
		}
	default:
		verb := req.Verb
		if word := verbWords[verb]; word != "" {
			verb = word
		}
		plan := place(tree).Make(req)
		carryOut(tree, plan)
		faults(plan.Faults)
		told := false
		for _, c := range plan.Changes {
			told = told || c.Failed()
			if l := c.Line(verb, ""); l != "" {
				say("%s", l)
			}
		}
		switch {
		case plan.Failed != nil && !told:
			fail("Failed to %s: %v.", verb, plan.Failed)
		case plan.Failed != nil:
			status = 1
		case req.Verb == "set-default":
			if target, err := place(tree).DefaultTarget(); err == nil && target != req.Units[0] {
				say("Note: \"%s\" is the default unit (possibly a runtime override).", target)
			}
		case strings.HasSuffix(req.Verb, "enable") && plan.Rules == 0:
			lines = []string{"The unit files have no installation config"}
		}
	}
	return printed(strings.Join(lines, "\n"), status, before, snapshot(tree))
}
