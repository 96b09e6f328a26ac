package cgroup

import "testing"

func TestUnitPath(t *testing.T) {
	for _, c := range []struct{ unit, slice, want string }{
		{"foo.service", "system.slice", "system.slice/foo.service"},
		{"foo.service", "", "foo.service"},
		{"foo.service", "-.slice", "foo.service"},
		{"getty@tty1.service", "system-getty.slice",
			"system.slice/system-getty.slice/getty@tty1.service"},
		{"a-b-c.slice", "", "a.slice/a-b.slice/a-b-c.slice"},
		{"system.slice", "whatever.slice", "system.slice"},
		{"-.slice", "", ""},
		{"tasks", "", "_tasks"},
		{"_x.service", "", "__x.service"},
		{".x.service", "", "_.x.service"},
		{"cpu.service", "system.slice", "system.slice/_cpu.service"},
		{"cgroup.service", "memory.slice", "_memory.slice/_cgroup.service"},
		{"cpufreq.service", "", "cpufreq.service"},
	} {
		if got := unitPath(c.unit, c.slice); got != c.want {
			t.Errorf("unitPath(%s, %s) = %s, want %s", c.unit, c.slice, got, c.want)
		}
	}
}

func TestDir(t *testing.T) {
	for _, c := range []struct {
		top, group, want string
		ok               bool
	}{
		{"/", "/a", "/m/a", true},
		{"/", "/", "/m", true},
		{"/docker/x", "/docker/x", "/m", true},
		{"/docker/x", "/docker/x/a", "/m/a", true},
		{"/docker/x", "/docker/xy", "", false},
		{"/docker/x", "/other", "", false},
		{"/", "/../a", "", false},
	} {
		h := &hierarchy{mount: "/m", top: c.top}
		if got, ok := h.dir(c.group); got != c.want || ok != c.ok {
			t.Errorf("dir(%s) below %s = %q, %v, want %q, %v", c.group, c.top, got, ok, c.want, c.ok)
		}
	}
}
