package reap_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rouse/internal/host/reap"
	"rouse/internal/unit/value"
)

// spawn starts a shell without anybody waiting for it.
func spawn(t testing.TB, script string) int {
	t.Helper()
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", script}, &os.ProcAttr{
		Files: []*os.File{nil, nil, os.Stderr},
	})
	if err != nil {
		t.Skipf("no shell: %v", err)
	}
	pid := p.Pid
	p.Release()
	return pid
}

// until takes exits until the one of pid.
func until(t testing.TB, exits <-chan reap.Exit, pid int) reap.Exit {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case e := <-exits:
			if e.PID == pid {
				return e
			}
		case <-timeout:
			t.Fatalf("process %d was not reaped", pid)
		}
	}
}

func TestExits(t *testing.T) {
	exits := make(chan reap.Exit, 100)
	r := reap.Start(reap.Config{Deliver: func(e reap.Exit) { exits <- e }})
	defer r.Close()
	for _, c := range []struct {
		script string
		code   reap.Code
		status int
	}{
		{"exit 0", reap.Exited, 0},
		{"exit 203", reap.Exited, 203},
		{"kill -TERM $$", reap.Killed, 15},
		{"kill -KILL $$", reap.Killed, 9},
	} {
		pid := spawn(t, c.script)
		got := until(t, exits, pid)
		if want := (reap.Exit{PID: pid, Code: c.code, Status: c.status}); got != want {
			t.Errorf("%s: %v %d, want %v %d", c.script, got.Code, got.Status, want.Code, want.Status)
		}
	}
}

// Signals coalesce: a hundred children that die at once are all delivered.
func TestStorm(t *testing.T) {
	exits := make(chan reap.Exit)
	r := reap.Start(reap.Config{Deliver: func(e reap.Exit) { exits <- e }})
	defer r.Close()
	want := map[int]bool{}
	for range 100 {
		want[spawn(t, "exit 1")] = true
	}
	timeout := time.After(time.Minute)
	for len(want) > 0 {
		select {
		case e := <-exits:
			delete(want, e.PID)
		case <-timeout:
			t.Fatalf("not reaped: %v", want)
		}
	}
}

// An exit is delivered only after the one who forked has let go of the lock, and
// the process can still be looked at before.
func TestForkingAndBefore(t *testing.T) {
	var forking sync.RWMutex
	registered := map[int]bool{}
	exits := make(chan reap.Exit, 100)
	states := map[int]string{}
	r := reap.Start(reap.Config{
		Forking: &forking,
		Before: func(pid int) {
			stat, _ := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "stat"))
			if _, after, ok := strings.Cut(string(stat), ") "); ok {
				states[pid] = after[:1]
			}
		},
		Deliver: func(e reap.Exit) {
			forking.RLock()
			ok := registered[e.PID]
			forking.RUnlock()
			if !ok {
				e.Status = -1
			}
			exits <- e
		},
	})
	for range 20 {
		forking.Lock()
		pid := spawn(t, "exit 7")
		registered[pid] = true
		forking.Unlock()
		if e := until(t, exits, pid); e.Status != 7 {
			t.Fatalf("process %d delivered before it was registered", pid)
		}
	}
	r.Close()
	for pid, s := range states {
		if s != "Z" {
			t.Errorf("process %d was in state %s before it was reaped, want Z", pid, s)
		}
	}
}

// A reaper that was closed, but still waits in the kernel, keeps the signal from no other
// one, which notices children that nobody tells it of.
func TestAfterAnother(t *testing.T) {
	for range 10 {
		exits := make(chan reap.Exit, 100)
		c := reap.Config{Deliver: func(e reap.Exit) { exits <- e }}
		old := reap.Start(c)
		last := spawn(t, "sleep 0.02")
		old.Close()
		r := reap.Start(c)
		until(t, exits, last)
		for range 3 {
			until(t, exits, spawn(t, "exit 0"))
		}
		r.Close()
	}
}

// The orphans of dead children are reaped too.
func TestOrphans(t *testing.T) {
	if err := reap.Subreaper(); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "pid")
	exits := make(chan reap.Exit, 100)
	r := reap.Start(reap.Config{Deliver: func(e reap.Exit) { exits <- e }})
	defer r.Close()
	fifo := file + ".go"
	pid := spawn(t, "mkfifo "+fifo+"; (read x <"+fifo+"; exit 5) & echo $! >"+file)
	until(t, exits, pid)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var orphan int
	if _, err := fmt.Sscan(string(text), &orphan); err != nil {
		t.Skip("the shell did not tell the pid of its child")
	}
	f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if e := until(t, exits, orphan); e.Status != 5 {
		t.Errorf("orphan: %v %d, want exited 5", e.Code, e.Status)
	}
}

func BenchmarkReap(b *testing.B) {
	exits := make(chan reap.Exit, 1)
	r := reap.Start(reap.Config{Deliver: func(e reap.Exit) { exits <- e }})
	defer r.Close()
	for b.Loop() {
		until(b, exits, spawn(b, "exit 0"))
	}
}

// The exit of a process goes to who waits for it, and then its number is signalled no more.
func TestAwaited(t *testing.T) {
	var h reap.Awaited
	exited := make(chan reap.Exit, 1)
	if h.Reaped(reap.Exit{PID: 7}) {
		t.Error("nobody's exit is taken")
	}
	pid := spawn(t, "sleep 10")
	h.Expect(pid, exited)
	if err := h.Signal(pid, value.SIGKILL); err != nil {
		t.Error(err)
	}
	if !h.Reaped(reap.Exit{PID: pid}) || (<-exited).PID != pid {
		t.Error("the exit is not handed on")
	}
	if h.Reaped(reap.Exit{PID: pid}) || h.Signal(pid, value.SIGKILL) != nil {
		t.Error("it is waited for still")
	}
}
