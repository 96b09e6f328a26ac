package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/host/ability"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
)

// tree makes files below a directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Where there is no group to go to, each limit is not applied, with the reason.
func TestGroup(t *testing.T) {
	for _, c := range []struct {
		name, self, property, value string
		files                       map[string]string
		level                       ability.Level
		want                        string
	}{
		{
			name: "version 1", self: "1:memory:/\n", property: "MemoryMax", value: "1G",
			level: ability.NotApplied, want: "no control groups of version 2 here",
		},
		{
			name: "not ours", self: "0::/a\n", property: "MemoryMax", value: "1G",
			files: map[string]string{"cgroup.controllers": "memory\n", "b": ""},
			level: ability.NotApplied, want: "control groups cannot be written here: ",
		},
		{
			name: "no kernel", self: "0::/\n", property: "TasksMax", value: "7",
			files: map[string]string{"cgroup.controllers": "memory\n"},
			level: ability.NotApplied, want: "control groups cannot be written here: ",
		},
		{
			name: "a manager's", self: "0::/\n", property: "Slice", value: "a.slice",
			level: ability.NotApplied, want: "this is for a service manager to do",
		},
		{
			name: "programs without groups", self: "1:devices:/\n",
			property: "DeviceAllow", value: "/dev/null",
			level: ability.NotApplied, want: "no control groups of version 2 here",
		},
		{
			name: "no device", self: "0::/\n", property: "IOReadBandwidthMax", value: "/dev/no/disk 5M",
			level: ability.NotApplied, want: "/dev/no/disk",
		},
		{
			name: "with another", self: "0::/\n", property: "CPUQuotaPeriodSec", value: "10ms",
			level: ability.Applied,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := directive.New("restrict.service", name.Service, nil)
			a := directive.Assignment{Section: "Service", Name: c.property, Value: c.value}
			if faults := directive.Apply(u, a, nil); len(faults) > 0 {
				t.Fatal(faults)
			}
			g := &group{root: tree(t, c.files), self: c.self, failed: map[string]error{}}
			level, why := g.enter(u).fact(c.property, u)
			if level != c.level && c.property != "CPUQuotaPeriodSec" || !strings.Contains(why, c.want) {
				t.Errorf("%s: %s", level, why)
			}
			left, err := filepath.Glob(g.root + "/*/restrict-*")
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			g.leave()
		})
	}
}

func TestHas(t *testing.T) {
	root := tree(t, map[string]string{"cgroup.subtree_control": "cpu memory\n"})
	for words, want := range map[string]bool{"": true, "cpu": true, "cpu memory": true, "io": false} {
		if got := has(root, strings.Fields(words)); got != want {
			t.Errorf("%q: %t", words, got)
		}
	}
	if has(root+"/none", nil) {
		t.Error("a group that is not there has controllers")
	}
}
