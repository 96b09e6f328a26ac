package cgroup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"rouse/internal/host/sys"
)

// fakeGroup is a group of directories and files that only look like the kernel's.
func fakeGroup(t *testing.T, killed chan string) (g *group, write func(name, text string)) {
	t.Helper()
	dir := t.TempDir()
	write = func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := &hierarchy{
		kind: V2, killed: map[string]bool{},
		groups: map[string]*group{}, watches: map[int]*group{}, passed: map[string]*passes{},
		slices: map[string]*killing{}, units: map[string]string{},
		config: Config{
			Killed: func(unit string) { killed <- unit },
			Empty:  func(unit string) { t.Errorf("%s is taken for empty", unit) },
			Log:    func(line string) { t.Log(line) },
		},
	}
	var err error
	if h.events, err = sys.NewInotify(); err != nil {
		t.Skip(err)
	}
	h.done = make(chan struct{})
	go h.listen()
	t.Cleanup(func() {
		h.events.Close()
		<-h.done
	})
	g = &group{h: h, unit: "a.service", dir: dir, made: true, watch: -1, killWatch: -1, memory: true}
	return g, write
}

// What the kernel kills for want of memory is told, once.
func TestOOM(t *testing.T) {
	killed := make(chan string, 100)
	g, write := fakeGroup(t, killed)
	write("memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 7\n")
	g.h.mu.Lock()
	g.observeKills() // what was before is another run's
	g.h.mu.Unlock()
	if g.OOMKilled() {
		t.Error("killings of an earlier run count")
	}
	write("memory.events", "oom 2\noom_kill 3\n")
	select {
	case unit := <-killed:
		if unit != "a.service" {
			t.Errorf("told of %s", unit)
		}
	case <-time.After(time.Minute):
		t.Fatal("the killing is not told")
	}
	if !g.OOMKilled() || g.OOMKilled() {
		t.Error("one more killing does not count once")
	}
	for _, text := range []string{"", "oom_kill x\n", "oom_kill\n", "oom_kill 3", "oom_kill 2\n"} {
		if write("memory.events", text); g.OOMKilled() {
			t.Errorf("%q is taken for a killing", text)
		}
	}
	if write("memory.events", "oom_kill 18446744073709551615"); !g.OOMKilled() {
		t.Error("the largest number does not count")
	}
	g.memory = false
	write("memory.events", "oom_kill 18446744073709551615\n")
	if g.OOMKilled() {
		t.Error("something is done without the controller")
	}
}

// One watch is enough for all that is in a slice, and those in which nothing was killed
// are not taken for it.
func TestOOMInSlice(t *testing.T) {
	killed := make(chan string, 100)
	g, write := fakeGroup(t, killed)
	slice := g.dir
	write("memory.events", "oom_kill 4\n")
	var groups []*group
	for _, name := range []string{"a.service", "b.service"} {
		if err := os.Mkdir(filepath.Join(slice, name), 0o755); err != nil {
			t.Fatal(err)
		}
		write(name+"/memory.events", "oom_kill 1\n")
		x := &group{
			h: g.h, unit: name, dir: filepath.Join(slice, name), made: true, watch: -1, killWatch: -1,
			memory: true,
		}
		g.h.mu.Lock()
		g.h.groups[name] = x
		x.observeKills()
		g.h.mu.Unlock()
		if x.killWatch >= 0 {
			t.Errorf("%s has a watch of its own", name)
		}
		groups = append(groups, x)
	}
	write("memory.events", "high 5\noom_kill 4\n")
	write("b.service/memory.events", "oom_kill 2\n")
	write("memory.events", "high 5\noom_kill 5\n")
	for _, want := range []string{"a.service", "b.service"} {
		select {
		case unit := <-killed:
			if unit != want {
				t.Errorf("told of %s, want %s", unit, want)
			}
		case <-time.After(time.Minute):
			t.Fatal("the killing is not told")
		}
	}
	if groups[0].OOMKilled() || !groups[1].OOMKilled() {
		t.Error("it was the other one")
	}
	g.h.local = true
	g.h.mu.Lock()
	groups[0].lost()
	groups[0].observeKills()
	g.h.mu.Unlock()
	if groups[0].killWatch >= 0 {
		t.Error("a slice that is watched is not made use of")
	}
}
