package proc

import (
	"os"
	"path/filepath"
	"testing"
)

func put(t *testing.T, path, text string, uid int) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, uid, -1); err != nil {
		t.Fatal(err)
	}
}

// What the file says counts if root says it, and nobody else has led there.
func TestReadPIDFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: gives files to others")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	link := func(name, to string, uid int) {
		t.Helper()
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(at(name), uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"roots", "users"} {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(at("users"), 4711, -1); err != nil {
		t.Fatal(err)
	}
	put(t, at("roots/pid"), "17\nmore\n", 0)
	put(t, at("users/own"), " 18 ", 4711)
	put(t, at("users/roots"), "19", 0)
	put(t, at("roots/bad"), "one\n", 0)
	put(t, at("roots/first"), "1\n", 0)
	put(t, at("roots/empty"), "", 0)
	link("roots/link", "../roots/./pid", 0)
	link("roots/absolute", at("roots/pid"), 0)
	link("roots/users", "../users/own", 0)
	link("users/link", "../roots/pid", 4711)
	link("users/absolute", at("roots/pid"), 4711)
	link("roots/loop", "loop", 0)
	for name, want := range map[string]PIDFile{
		"roots/pid": {17, true}, "roots/link": {17, true}, "roots/absolute": {17, true},
		"users/own": {18, false}, "roots/users": {18, false}, "users/roots": {19, false},
		"users/link": {17, false}, "users/absolute": {17, false},
	} {
		if got, err := ReadPIDFile(at(name)); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"bad", "first", "empty", "none", "loop"} {
		if got, err := ReadPIDFile(at("roots/" + name)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, path := range []string{"", "relative", at("roots/loop"), at("roots/none")} {
		if _, safe := chase(path); safe {
			t.Errorf("%q is safe", path)
		}
	}
}
