package pam

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The program is sought beside the manager's, then where packages put such; without the
// library it is of no use.
func TestFind(t *testing.T) {
	if runtime.GOOS != "linux" {
		if p := Find("/bin/roused"); p.Path != "" || p.Why == "" {
			t.Errorf("%+v", p)
		}
		return
	}
	root := t.TempDir()
	put := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	want := func(path, why string) {
		t.Helper()
		if p := find(root, "/opt/rouse/roused"); p.Path != path || !strings.Contains(p.Why, why) {
			t.Errorf("%+v; want %s %s", p, path, why)
		}
	}
	want("", "no rouse-pam")
	put("/opt/rouse/rouse-pam", 0o644)
	want("", "no rouse-pam")
	put("/usr/libexec/rouse/rouse-pam", 0o755)
	want("", "no libpam")
	put("/usr/lib/x86_64-linux-gnu/libpam.so.0", 0o644)
	want("/usr/libexec/rouse/rouse-pam", "")
	if err := os.Chmod(root+"/opt/rouse/rouse-pam", 0o755); err != nil {
		t.Fatal(err)
	}
	want("/opt/rouse/rouse-pam", "")
}
