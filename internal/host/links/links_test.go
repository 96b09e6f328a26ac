package links

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit/install"
)

// root makes a root directory of files; "a -> b" is a symlink.
func root(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		p, target, isLink := strings.Cut(f, " -> ")
		at := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if isLink {
			err = os.Symlink(target, at)
		} else {
			err = os.WriteFile(at, []byte("x"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// left lists what is in a root directory.
func left(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name := strings.TrimPrefix(p, dir)
		if d.Type()&fs.ModeSymlink != 0 {
			target, _ := os.Readlink(p)
			name += " -> " + target
		}
		if d.IsDir() {
			name += "/"
		}
		list = append(list, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func check(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := left(t, dir); !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
}

const config = "/etc/systemd/system"

// A link is made with its directories, and replaced without a moment of absence; what is
// removed takes the directories with it that are empty then.
func TestApply(t *testing.T) {
	dir := root(t, "/etc/systemd/system/old.service -> /opt/old.service", "/etc/keep")
	plan := install.Plan{Changes: []install.Change{
		{Kind: install.Symlink, Path: config + "/m.target.wants/a.service", Source: "/usr/a.service"},
		{Kind: install.Unlink, Path: config + "/old.service", Replaced: true},
		{Kind: install.Symlink, Path: config + "/old.service", Source: "/dev/null"},
		{Kind: install.Missing, Path: "nope.service"},
	}}
	Apply(dir, &plan)
	if plan.Failed != nil {
		t.Fatal(plan.Failed)
	}
	check(t, dir, "/etc/", "/etc/keep", "/etc/systemd/", config+"/", config+"/m.target.wants/",
		config+"/m.target.wants/a.service -> /usr/a.service", config+"/old.service -> /dev/null")
	plan = install.Plan{Changes: []install.Change{
		{Kind: install.Unlink, Path: config + "/m.target.wants/a.service", Below: config},
		{Kind: install.Unlink, Path: config + "/old.service", Below: config},
		{Kind: install.Unlink, Path: config + "/gone.service", Below: config},
	}}
	Apply(dir, &plan)
	if plan.Failed != nil {
		t.Fatal(plan.Failed)
	}
	check(t, dir, "/etc/", "/etc/keep", "/etc/systemd/", config+"/")
}

// A directory goes with all in it.
func TestTree(t *testing.T) {
	dir := root(t, config+"/a.service.d/x.conf", config+"/a.service.d/sub/y", "/etc/keep")
	plan := install.Plan{Changes: []install.Change{
		{Kind: install.Unlink, Path: config + "/a.service.d/x.conf", Listed: true},
		{Kind: install.Unlink, Path: config + "/a.service.d", Tree: true},
	}}
	Apply(dir, &plan)
	check(t, dir, "/etc/", "/etc/keep", "/etc/systemd/", config+"/")
}

// Symlinks to directories are followed within the root, as if it were the root: nothing is
// written to the directory of this machine that they would lead to.
func TestWithinRoot(t *testing.T) {
	outside := t.TempDir()
	dir := root(t, "/etc/systemd -> "+outside, "/etc/keep")
	plan := install.Plan{Changes: []install.Change{
		{Kind: install.Symlink, Path: config + "/a.service", Source: "/usr/a.service"},
	}}
	Apply(dir, &plan)
	if list := left(t, outside); len(list) != 0 {
		t.Errorf("written outside of the root: %q", list)
	}
	if plan.Failed != nil {
		t.Fatal(plan.Failed)
	}
	at := filepath.Join(dir, outside, "system/a.service")
	if target, err := os.Readlink(at); target != "/usr/a.service" {
		t.Errorf("%s leads to %q, %v", at, target, err)
	}
	dir = root(t, "/etc -> ../../../..", "/x")
	plan = install.Plan{Changes: []install.Change{
		{Kind: install.Symlink, Path: "/etc/a.service", Source: "/usr/a.service"},
	}}
	Apply(dir, &plan)
	check(t, dir, "/a.service -> /usr/a.service", "/etc -> ../../../..", "/x")
}

// What cannot be done is told, and the rest is done.
func TestFailures(t *testing.T) {
	dir := root(t, config+"/file.service", config+"/dir.service/x")
	plan := install.Plan{Changes: []install.Change{
		{Kind: install.Symlink, Path: config + "/file.service", Source: "/dev/null"},
		{Kind: install.Unlink, Path: config + "/dir.service"},
		{Kind: install.Symlink, Path: config + "/b.service", Source: "/dev/null"},
	}}
	Apply(dir, &plan)
	var lines []string
	for _, c := range plan.Changes {
		lines = append(lines, c.Line("mask", ""))
	}
	want := []string{
		`Failed to mask unit, file "/etc/systemd/system/file.service" already exists.`,
		`Failed to mask unit, file "/etc/systemd/system/dir.service": Directory not empty`,
		`Created symlink /etc/systemd/system/b.service → /dev/null.`,
	}
	if !slices.Equal(lines, want) || plan.Failed == nil {
		t.Errorf("%q, %v, want %q", lines, plan.Failed, want)
	}
	plan = install.Plan{Changes: []install.Change{{Kind: install.Symlink, Path: "/a", Source: "/b"}}}
	if Apply(filepath.Join(dir, "none"), &plan); plan.Failed == nil {
		t.Error("a root that does not exist is no failure")
	}
}
