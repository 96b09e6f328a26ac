package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// TestUnits: what journald is told is what systemd 252 was seen to tell it.
func TestUnits(t *testing.T) {
	dir, socket := filepath.Join(t.TempDir(), "systemd", "units"), filepath.Join(t.TempDir(), "socket")
	units := NewUnits(dir, socket)
	x := &unit.Exec{}
	x.LogLevelMax, x.LogExtraFields = 5, []string{"FOO=bar", "X=1"}
	x.LogRateLimitInterval, x.LogRateLimitBurst = 30*value.Second, 77
	if err := units.Tell("a.service", "0", x); err != nil || len(listed(dir)) > 0 {
		t.Errorf("told, and nobody listens: %v", err)
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := units.Forget("a.service", x); err != nil {
		t.Error("forget what was never told:", err)
	}
	for _, id := range []string{"1", "1", "2"} {
		if err := units.Tell("a.service", id, x); err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[string]string{
			invocationFile: id, levelFile: "5", intervalFile: "30000000", burstFile: "77",
		} {
			if got, err := os.Readlink(filepath.Join(dir, kind+":a.service")); got != want {
				t.Errorf("%s is %q, want %s: %v", kind, got, want, err)
			}
		}
	}
	const fields = "\a\x00\x00\x00\x00\x00\x00\x00FOO=bar\x03\x00\x00\x00\x00\x00\x00\x00X=1"
	got, err := os.ReadFile(filepath.Join(dir, "log-extra-fields:a.service"))
	if string(got) != fields {
		t.Errorf("fields are %q, %v", got, err)
	}
	after := NewUnits(dir, socket) // of a manager that came later
	left := filepath.Join(dir, ".invocation:b.service")
	if err := os.Symlink("left over", left); err != nil {
		t.Fatal(err)
	}
	plain := &unit.Exec{}
	plain.LogLevelMax = -1
	if err := after.Tell("b.service", "3", plain); err != nil {
		t.Error(err)
	}
	if got := len(listed(dir)); got != 6 {
		t.Errorf("%v, want 6", listed(dir))
	}
	for name, x := range map[string]*unit.Exec{"a.service": x, "b.service": plain} {
		if err := NewUnits(dir, socket).Forget(name, x); err != nil {
			t.Error(err)
		}
	}
	if left := listed(dir); len(left) > 0 {
		t.Error("left:", strings.Join(left, " "))
	}
}

func listed(dir string) (names []string) {
	entries, _ := os.ReadDir(dir) // none if it is not there
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
