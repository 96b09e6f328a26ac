package proc

import (
	"os"
	"reflect"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	const tail = " S 1 12 13 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 23 24 25"
	const kernel = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0"
	shell := Stat{PID: 7, Parent: 1, Group: 12, Session: 13, State: 'S', Start: 987654, Name: "sh"}
	odd := shell
	odd.Name = "a) b (c)"
	for _, c := range []struct {
		text string
		want Stat
		ok   bool
	}{
		{"7 (sh)" + tail, shell, true},
		{"7 (a) b (c))" + tail, odd, true},
		{kernel, Stat{PID: 2, State: 'S', Name: "kthreadd", Kernel: true}, true},
		{"7 (sh) S 1", Stat{}, false},
		{"7 )sh( S 1", Stat{}, false},
		{"x (sh)" + tail, Stat{}, false},
		{"", Stat{}, false},
	} {
		got, err := ParseStat([]byte(c.text))
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("ParseStat(%q) = %+v, %v", c.text, got, err)
		}
	}
}

func TestParseMounts(t *testing.T) {
	got := ParseMounts("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 propagate_from:2 - " +
		"ext3 /dev/root rw,errors=continue\n" +
		"37 36 0:30 / /x ro - cgroup cgroup rw,name=systemd\nnonsense\n38 36 0:30 / /x ro -\n")
	want := []Mount{
		{36, 35, "/mnt1", "/mnt 2", []string{"rw", "noatime"}, "ext3", "/dev/root",
			[]string{"rw", "errors=continue"}, 98, 0},
		{37, 36, "/", "/x", []string{"ro"}, "cgroup", "cgroup", []string{"rw", "name=systemd"}, 0, 30},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestParseCgroups(t *testing.T) {
	got := ParseCgroups("9:name=systemd:/a b\n4:cpu,cpuacct:/x:y\n0::/z (deleted)\njunk\n1:x:rel\n")
	want := []Cgroup{{"name=systemd", "/a b"}, {"cpu,cpuacct", "/x:y"}, {"", "/z"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestSelf(t *testing.T) {
	self := os.Getpid()
	s, err := Read(self)
	if err != nil {
		t.Skip(err)
	}
	if s.PID != self || s.Parent != os.Getppid() || s.Dead() || s.Kernel {
		t.Errorf("Read(self) = %+v", s)
	}
	all, err := All()
	if err != nil || !slices.Contains(all, s) {
		// The start time and ids do not change; the state may.
		if !slices.ContainsFunc(all, func(o Stat) bool { return o.PID == self && o.Start == s.Start }) {
			t.Errorf("All does not list this process: %v", err)
		}
	}
	if children, ok := Children(os.Getppid()); ok && !slices.Contains(children, self) {
		t.Errorf("Children(parent) = %v, without %d", children, self)
	}
	if Command(self) == "" {
		t.Error("no command line")
	}
	environ := []byte("A=1\x00INVOCATION_ID=x=y\x00B")
	if v, ok := environValue(environ, "INVOCATION_ID"); !ok || v != "x=y" {
		t.Errorf("environValue = %q, %v", v, ok)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("7 (sh) S 1 12 13 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 23 24 25")
	f.Add("36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw")
	f.Add("9:name=systemd:/a b\n0::/z (deleted)\n")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseStat([]byte(text)); err == nil && s.State == 0 {
			t.Error("a stat without a state")
		}
		for _, m := range ParseMounts(text) {
			if m.Type == "" || m.Point == "" {
				t.Errorf("%+v", m)
			}
		}
		for _, c := range ParseCgroups(text) {
			if c.Path == "" || c.Path[0] != '/' {
				t.Errorf("%+v", c)
			}
		}
	})
}
