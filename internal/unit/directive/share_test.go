package directive

import (
	"reflect"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// TestShared: units that say the same share it, and are the same as without.
func TestShared(t *testing.T) {
	var shared Shared
	finished := func(line Assignment, s *Shared) *unit.Unit {
		c := &Context{Shared: s}
		u := New("a.service", name.Service, nil)
		exec := Assignment{Section: "Service", Name: "ExecStart", Value: "/bin/true"}
		for _, a := range []Assignment{exec, line} {
			Apply(u, a, c)
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
		exec, resources bool // are those of a unit that does not say it
		again           bool // are those of another one that says it, too
	}{
		{"Restart", "always", true, true, true},
		{"Nice", "5", false, false, true},
		{"StandardOutput", "null", false, false, true},
		{"PrivateDevices", "yes", false, false, true},
		{"MemoryMax", "1M", true, false, true},
		{"DeviceAllow", "/dev/null", true, false, true},
		{"User", "%i", false, false, false},
		{"DynamicUser", "yes", false, false, false},
		{"Nice", "much", false, false, true},
	} {
		line := Assignment{Section: "Service", Name: c.setting, Value: c.value}
		u, alone, twin := finished(line, &shared), finished(line, nil), finished(line, &shared)
		if (u.Exec == first.Exec) != c.exec || (u.Resources == first.Resources) != c.resources {
			t.Errorf("%s= shares context %v, resources %v", c.setting, u.Exec == first.Exec,
				u.Resources == first.Resources)
		}
		if (u.Exec == twin.Exec && u.Resources == twin.Resources) != c.again {
			t.Errorf("%s=%s is shared: %v", c.setting, c.value, !c.again)
		}
		if !reflect.DeepEqual(u, alone) {
			t.Errorf("%s= makes another unit when it shares", c.setting)
		}
	}
	if !reflect.DeepEqual(first, finished(plain, nil)) {
		t.Error("what is shared has changed")
	}
}
