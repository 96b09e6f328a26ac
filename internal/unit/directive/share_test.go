package directive

import (
	"reflect"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// TestShared: a unit shares what it says nothing about, and is the same as without.
func TestShared(t *testing.T) {
	var shared Shared
	finished := func(line Assignment, s *Shared) *unit.Unit {
		c := &Context{Shared: s}
		u := New("a.service", name.Service, nil)
		exec := Assignment{Section: "Service", Name: "ExecStart", Value: "/bin/true"}
		for _, a := range []Assignment{exec, line} {
			if faults := Apply(u, a, c); len(faults) > 0 {
				t.Fatal(faults)
			}
		}
		if err := Finish(u, c, nil); err != nil {
			t.Fatal(err)
		}
		return u
	}
	plain := Assignment{Section: "Unit", Name: "Description", Value: "plain"}
	first := finished(plain, &shared)
	for _, c := range []struct {
		setting, value  string
		exec, resources bool // are shared
	}{
		{"Restart", "always", true, true},
		{"Nice", "5", false, false},
		{"StandardOutput", "null", false, false},
		{"PrivateDevices", "yes", false, false},
		{"MemoryMax", "1M", true, false},
		{"DeviceAllow", "/dev/null", true, false},
	} {
		line := Assignment{Section: "Service", Name: c.setting, Value: c.value}
		u, alone := finished(line, &shared), finished(line, nil)
		if (u.Exec == first.Exec) != c.exec || (u.Resources == first.Resources) != c.resources {
			t.Errorf("%s= shares context %v, resources %v", c.setting, u.Exec == first.Exec,
				u.Resources == first.Resources)
		}
		if !reflect.DeepEqual(u, alone) {
			t.Errorf("%s= makes another unit when it shares", c.setting)
		}
	}
	if !reflect.DeepEqual(first, finished(plain, nil)) {
		t.Error("what is shared has changed")
	}
}
