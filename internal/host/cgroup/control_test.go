package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeTree is a hierarchy of directories and files that only look like the kernel's.
func fakeTree(t *testing.T, available Controllers) (h *hierarchy, read func(name string) string) {
	t.Helper()
	h = &hierarchy{
		kind: V2, mount: t.TempDir(), top: "/", root: "/", available: available,
		killed: map[string]bool{}, groups: map[string]*group{}, units: map[string]string{},
		passed: map[string]*passes{}, watches: map[int]*group{}, pids: map[int]*group{},
		config: Config{Log: func(line string) { t.Log(line) }},
	}
	read = func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(h.mount, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	return h, read
}

// put makes empty files in a directory of the tree.
func (h *hierarchy) put(t *testing.T, dir string, files ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(h.mount, dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(h.mount, dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const switches = "cgroup.subtree_control"

func memoryMax(text string) *Control {
	return &Control{Needs: Memory | PIDs, Settings: []Setting{
		{Controller: Memory, File: "memory.max", Value: text, Reset: "max"},
		{Controller: IO, File: "io.max", Key: "8:0", Value: "8:0 rbps=1", Reset: "8:0 rbps=max"},
	}}
}

// Controllers are switched on from the top down, once; files are written once, and
// taken back when nobody says anything about them any more.
func TestControl(t *testing.T) {
	h, read := fakeTree(t, Memory|PIDs)
	h.put(t, "", switches)
	h.put(t, "a.slice", switches)
	h.put(t, "a.slice/a-b.slice", switches)
	const dir = "a.slice/a-b.slice/x.service"
	h.put(t, dir, "memory.max")
	g, err := h.Unit("x.service", "a-b.slice")
	if err != nil {
		t.Fatal(err)
	}
	tell := func(c *Control) {
		t.Helper()
		if err := g.Control(c); err != nil {
			t.Error(err)
		}
	}
	tell(memoryMax("1000"))
	for _, at := range []string{"", "a.slice", "a.slice/a-b.slice"} {
		if got := read(at + "/" + switches); got != "+memory +pids" {
			t.Errorf("%q passes %q", at, got)
		}
	}
	if got := read(dir + "/memory.max"); got != "1000" {
		t.Errorf("memory.max is %q", got)
	}
	h.put(t, "a.slice", switches)
	h.put(t, dir, "memory.max")
	tell(memoryMax("1000"))
	if got := read("a.slice/"+switches) + read(dir+"/memory.max"); got != "" {
		t.Errorf("said again: %q", got)
	}
	tell(memoryMax("2000"))
	if got := read(dir + "/memory.max"); got != "2000" {
		t.Errorf("memory.max is %q", got)
	}
	h.put(t, dir, "memory.max")
	tell(&Control{})
	if got := read(dir + "/memory.max"); got != "max" {
		t.Errorf("memory.max is %q, and nobody says so any more", got)
	}
}

// What cannot be written is told, and what is optional is not missed.
func TestControlFails(t *testing.T) {
	h, _ := fakeTree(t, AllControllers)
	h.put(t, "", switches)
	h.put(t, "x.service")
	g, err := h.Unit("x.service", "")
	if err != nil {
		t.Fatal(err)
	}
	c := &Control{Needs: IO, Settings: []Setting{
		{Controller: IO, File: "io.weight", Value: "default 1", Optional: true},
	}}
	if err := g.Control(c); err != nil {
		t.Error(err)
	}
	c.Settings[0].Optional = false
	if err := g.Control(c); err == nil || !strings.Contains(err.Error(), "io.weight") {
		t.Errorf("the error is %v", err)
	}
}

// A slice can keep controllers from what is in it, and give them back.
func TestDisableControllers(t *testing.T) {
	h, read := fakeTree(t, AllControllers)
	h.put(t, "", switches)
	h.put(t, "a.slice", switches)
	h.put(t, "a.slice/x.service", "memory.max", "pids.max")
	slice, err := h.Unit("a.slice", "")
	if err != nil {
		t.Fatal(err)
	}
	g, err := h.Unit("x.service", "a.slice")
	if err != nil {
		t.Fatal(err)
	}
	both := &Control{Needs: Memory | PIDs}
	for _, step := range []struct {
		who  Group
		c    *Control
		want string
	}{
		{g, both, "+memory +pids"},
		{slice, &Control{Without: Memory}, "-memory"},
		{g, both, ""},
		{slice, &Control{}, ""},
		{g, both, "+memory"},
	} {
		h.put(t, "a.slice", switches)
		if err := step.who.Control(step.c); err != nil {
			t.Error(err)
		}
		if got := read("a.slice/" + switches); got != step.want {
			t.Errorf("%s: %q, want %q", step.who.Unit(), got, step.want)
		}
	}
}

// A directory that is used again has what it was told before, and one that is new has
// nothing.
func TestControlAfterRemove(t *testing.T) {
	h, read := fakeTree(t, Memory)
	h.put(t, "", switches)
	h.put(t, "x.service", "memory.max")
	g, err := h.Unit("x.service", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Control(memoryMax("1000")); err != nil {
		t.Error(err)
	}
	h.put(t, "x.service", "memory.max")
	h.mu.Lock()
	h.groups["x.service"].populated = false
	h.mu.Unlock()
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	if g, err = h.Unit("x.service", ""); err != nil {
		t.Fatal(err)
	}
	if err := g.Control(&Control{}); err != nil {
		t.Error(err)
	}
	if got := read("x.service/memory.max"); got != "max" {
		t.Errorf("memory.max is %q", got)
	}
	h.sweeper.wait(&h.mu)
}

func TestControllers(t *testing.T) {
	all := ControllersOf([]string{"cpu", "cpuset", "io", "memory", "pids", "hugetlb"})
	if all != AllControllers || all.String() != "cpu cpuset io memory pids" {
		t.Errorf("they are %q", all)
	}
	dir := t.TempDir()
	if readControllers(dir, switches) != 0 {
		t.Error("a directory without files has controllers")
	}
	err := os.WriteFile(filepath.Join(dir, switches), []byte("memory memorystat rdma pids\n"), 0o600)
	if got := readControllers(dir, switches); err != nil || got != Memory|PIDs {
		t.Errorf("they are %q, %v", got, err)
	}
}
