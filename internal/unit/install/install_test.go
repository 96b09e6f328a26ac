package install

import (
	"encoding/json"
	"slices"
	"testing"

	"rouse/internal/tidy/tables"
	"rouse/internal/unit/load"
	"rouse/internal/unit/load/loadtest"
)

// files gives the files of a tree.
func files(tree *loadtest.Tree, user bool) *Files {
	env := func(key string) string {
		return map[string]string{"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/7"}[key]
	}
	return New(load.Config{FS: tree, Path: load.SearchPath(user, env, nil), User: user})
}

// TestStatesTable: the states of units once systemctl of systemd 252 has done something.
func TestStatesTable(t *testing.T) {
	for i, row := range tables.Read(t, "install.tsv") {
		var text, links, states map[string]string
		var gone []string
		for column, into := range map[int]any{0: &text, 3: &links, 4: &gone, 5: &states} {
			if err := json.Unmarshal([]byte(row[column]), into); err != nil {
				t.Fatalf("row %d, column %d: %v", i+1, column+1, err)
			}
		}
		tree := loadtest.New()
		for p, s := range text {
			if !slices.Contains(gone, p) {
				tree.File(p, s)
			}
		}
		for p, to := range links {
			tree.Link(p, to)
		}
		f := files(tree, false)
		for unitName, want := range states {
			got := f.State(unitName)
			if want == "error" {
				want = ""
			}
			if got != want {
				t.Errorf("row %d: %s: %s is %q, want %q (links %v)", i+1, row[1], unitName, got, want, links)
			}
		}
	}
}

// TestStates: links that systemctl does not make, and others do.
func TestStates(t *testing.T) {
	for i, row := range tables.ReadFile(t, "testdata/states.tsv") {
		var text, links map[string]string
		for column, into := range []*map[string]string{&text, &links} {
			if err := json.Unmarshal([]byte(row[column]), into); err != nil {
				t.Fatalf("row %d, column %d: %v", i+1, column+1, err)
			}
		}
		tree := loadtest.New()
		for p, s := range text {
			tree.File(p, s)
		}
		for p, to := range links {
			tree.Link(p, to)
		}
		if got := files(tree, false).State(row[2]); got != row[3] {
			t.Errorf("row %d: %s with %s is %q, want %q", i+1, row[2], row[1], got, row[3])
		}
	}
}
