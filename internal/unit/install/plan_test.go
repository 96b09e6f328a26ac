package install

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"rouse/internal/tidy/tables"
	"rouse/internal/unit/load"
	"rouse/internal/unit/load/loadtest"
)

// place is where the tests' unit files are.
func place(tree *loadtest.Tree) Place {
	path := load.SearchPath(false, func(string) string { return "" }, nil)
	return At(load.Config{FS: tree, Path: path}, nil)
}

// carryOut makes the changes of a plan in a tree.
func carryOut(tree *loadtest.Tree, plan Plan) {
	for _, c := range plan.Changes {
		switch {
		case c.Kind == Symlink:
			tree.Link(c.Path, c.Source)
		case c.Kind == Unlink && c.Tree:
			entries, _ := fs.ReadDir(tree, inFS(c.Path))
			for _, e := range entries {
				tree.Remove(path.Join(c.Path, e.Name()))
			}
			tree.Remove(c.Path)
		case c.Kind == Unlink && !c.Replaced && !c.Listed:
			tree.Remove(c.Path)
		}
	}
}

// request reads the arguments of systemctl.
func request(line string) Request {
	var r Request
	for _, w := range strings.Fields(line) {
		mode, isMode := strings.CutPrefix(w, "--preset-mode=")
		switch {
		case w == "--runtime":
			r.Runtime = true
		case w == "--force":
			r.Force = true
		case isMode:
			r.PresetMode = mode
		case r.Verb == "":
			r.Verb = w
		case strings.HasPrefix(r.Verb, "add-") && r.Target == "":
			r.Target = w
		default:
			if !strings.ContainsAny(w, "./") {
				w += ".service"
			}
			r.Units = append(r.Units, w)
		}
	}
	r.Force = r.Force || r.Verb == "set-default"
	return r
}

// linksOf gives the symlinks below /etc and /run.
func linksOf(tree *loadtest.Tree) map[string]string {
	links := map[string]string{}
	for _, top := range []string{"etc", "run"} {
		fs.WalkDir(tree, top, func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.Type()&fs.ModeSymlink != 0 {
				links["/"+p], _ = tree.ReadLink(p)
			}
			return nil
		})
	}
	return links
}

// TestTable: what systemctl of systemd 252 makes of a root directory.
func TestTable(t *testing.T) {
	for i, row := range tables.Read(t, "install.tsv") {
		var text, links, states map[string]string
		var ops, gone []string
		var status []int
		for column, into := range []any{&text, &ops, &status, &links, &gone, &states} {
			if err := json.Unmarshal([]byte(row[column]), into); err != nil {
				t.Fatalf("row %d, column %d: %v", i+1, column+1, err)
			}
		}
		tree := loadtest.New()
		for p, s := range text {
			tree.File(p, s)
		}
		for n, op := range ops {
			plan := place(tree).Make(request(op))
			carryOut(tree, plan)
			if got := plan.Failed != nil; got != (status[n] != 0) {
				t.Errorf("row %d: %s: %v, want status %d", i+1, op, plan.Failed, status[n])
			}
		}
		if got := linksOf(tree); !maps.Equal(got, links) {
			t.Errorf("row %d: %s: links %v, want %v", i+1, row[1], got, links)
		}
		for p := range text {
			_, err := fs.Stat(tree, inFS(p))
			if got := err != nil; got != slices.Contains(gone, p) {
				t.Errorf("row %d: %s: %s is gone: %v", i+1, row[1], p, got)
			}
		}
		f := files(tree, false)
		for unitName, want := range states {
			if got := f.State(unitName); got != strings.TrimSuffix(want, "error") {
				t.Errorf("row %d: %s: %s is %q, want %q", i+1, row[1], unitName, got, want)
			}
		}
	}
}
