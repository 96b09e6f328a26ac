package tidy

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFresh generates everything again, in a copy of the tree, and wants the files
// that are committed.
func TestFresh(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: generating builds the generators")
	}
	tree, err := Read(os.DirFS(root), "rouse")
	if err != nil {
		t.Fatal(err)
	}
	if !generates(tree) {
		t.Skip("nothing is generated yet: no file says go:generate")
	}
	dir := t.TempDir()
	before := copyTree(t, dir)
	if vendor, err := filepath.Abs(root + "/vendor"); err == nil {
		if _, err := os.Stat(vendor); err == nil { // without it the modules are not to be had
			if err := os.Symlink(vendor, filepath.Join(dir, "vendor")); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command("go", "generate", "./...")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go generate: %v\n%s", err, out)
	}
	walk(t, dir, func(name string, data []byte) {
		old, was := before[name]
		delete(before, name)
		switch {
		case !was:
			t.Errorf("%s: is not here, but generated: run make generate", name)
		case !bytes.Equal(old, data):
			t.Errorf("%s: is not what is generated: run make generate", name)
		}
	})
	for name := range before {
		t.Errorf("%s: is removed by generating: run make generate", name)
	}
}

// generates tells whether a file of the tree has a go:generate line.
func generates(tree *Tree) bool {
	for _, f := range tree.Files {
		if f.Go == nil {
			continue
		}
		for _, line := range f.Lines {
			if strings.HasPrefix(line, "//go:"+"generate ") {
				return true
			}
		}
	}
	return false
}

// copyTree copies the repository to dir and returns what it copied.
func copyTree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	walk(t, root, func(name string, data []byte) {
		files[name] = data
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	})
	return files
}

// walk calls f for each regular file of the repository at top.
func walk(t *testing.T, top string, f func(name string, data []byte)) {
	t.Helper()
	fsys := os.DirFS(top)
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped[p]:
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		data, err := fs.ReadFile(fsys, p)
		if err == nil {
			f(p, data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
