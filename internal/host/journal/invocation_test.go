package journal

import (
	"os"
	"path/filepath"
	"testing"
)

func TestInvocations(t *testing.T) {
	dir, socket := filepath.Join(t.TempDir(), "systemd", "units"), filepath.Join(t.TempDir(), "socket")
	i := NewInvocations(dir, socket)
	if err := i.Tell("a.service", "0"); err != nil || exists(dir) {
		t.Errorf("told, and nobody listens: %v", err)
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "invocation:a.service")
	if err := i.Forget("a.service"); err != nil {
		t.Error("forget what was never told:", err)
	}
	for _, id := range []string{"1", "1", "2"} {
		if err := i.Tell("a.service", id); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(link); got != id {
			t.Errorf("told %s, it says %q, %v", id, got, err)
		}
	}
	after := NewInvocations(dir, socket) // of a manager that came later
	if err := os.Symlink("left over", filepath.Join(dir, "invocation:.a.service")); err != nil {
		t.Fatal(err)
	}
	if err := after.Tell("a.service", "3"); err != nil {
		t.Error(err)
	}
	if err := NewInvocations(dir, socket).Forget("a.service"); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
