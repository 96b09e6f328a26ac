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
	case <-time.After(10 * time.Second):
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
