package cgroup_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rouse/internal/host/cgroup"
	"rouse/internal/host/proc"
	"rouse/internal/host/reap"
	"rouse/internal/unit/value"
)

// world is a tracker with a reaper behind it, as the manager has them.
type world struct {
	t       *testing.T
	tracker cgroup.Tracker
	forking sync.RWMutex
	empty   chan string
	exits   sync.Map // of those that were reaped, by pid
	dir     string
	spawned int
}

// each runs a test with every way of tracking that works here.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	for _, tool := range []string{"sh", "setsid", "sleep", "env"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	if err := reap.Subreaper(); err != nil {
		t.Skip(err)
	}
	for _, k := range []cgroup.Kind{cgroup.V2, cgroup.V1, cgroup.None} {
		t.Run(k.String(), func(t *testing.T) { test(t, open(t, k)) })
	}
}

func open(t *testing.T, k cgroup.Kind) *world {
	w := &world{t: t, empty: make(chan string, 100), dir: t.TempDir()}
	root := path.Join("/", fmt.Sprintf("rouse-test-%d", os.Getpid()))
	tracker, err := cgroup.Open(cgroup.Config{
		Kind: k, Root: root,
		Empty: func(unit string) { w.empty <- unit },
		Log:   func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Skip(err)
	}
	w.tracker = tracker
	r := reap.Start(reap.Config{
		Forking: &w.forking,
		Before:  tracker.Dying,
		Deliver: func(e reap.Exit) {
			tracker.Reaped(e.PID)
			w.exits.Store(e.PID, true)
		},
	})
	t.Cleanup(func() {
		r.Close()
		tracker.Close()
		for _, mount := range []string{"", "unified", "systemd"} {
			dir := filepath.Join("/sys/fs/cgroup", mount, root)
			for _, inner := range []string{"init.scope", "system.slice", ""} {
				os.Remove(filepath.Join(dir, inner))
			}
		}
	})
	return w
}

func (w *world) group(unit string) cgroup.Group {
	w.t.Helper()
	g, err := w.tracker.Unit(unit, "system.slice")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { g.Signal(value.SIGKILL) })
	return g
}

// spawn starts a shell script as the leader of a session in the group. $DIR is a
// directory of the test's own.
func (w *world) spawn(g cgroup.Group, script string) int {
	w.t.Helper()
	return w.spawnLate(g, script, func() {})
}

// spawnLate does so, and registers the process when late has returned.
func (w *world) spawnLate(g cgroup.Group, script string, late func()) int {
	w.t.Helper()
	place, err := g.Enter("")
	if err != nil {
		w.t.Fatal(err)
	}
	defer place.Close()
	w.spawned++
	in := fmt.Sprintf("in-%d", w.spawned)
	script = "echo $$ >$DIR/" + in + "; " + script
	for _, procs := range place.Procs {
		script = "echo $$ >" + procs + " || exit 219; " + script
	}
	setsid, _ := exec.LookPath("setsid")
	invocation := fmt.Sprintf("%032x", time.Now().UnixNano())
	w.forking.RLock()
	defer w.forking.RUnlock()
	defer w.tracker.Starting()()
	p, err := os.StartProcess(setsid, []string{"setsid", "sh", "-c", script}, &os.ProcAttr{
		Env:   append(os.Environ(), "INVOCATION_ID="+invocation, "DIR="+w.dir),
		Files: []*os.File{nil, nil, os.Stderr},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	pid := p.Pid
	late()
	g.Register(pid, invocation)
	p.Release()
	w.told(in)
	return pid
}

// told waits for a pid that a script writes to a file in $DIR.
func (w *world) told(name string) int {
	w.t.Helper()
	var pid int
	w.wait(name+" to be written", func() bool {
		text, _ := os.ReadFile(filepath.Join(w.dir, name))
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		pid = n
		return err == nil && strings.HasSuffix(string(text), "\n")
	})
	return pid
}

// wait looks again and again, as tests of other processes must.
func (w *world) wait(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (w *world) waitExit(pid int) {
	w.t.Helper()
	w.wait(fmt.Sprintf("process %d to be reaped", pid), func() bool {
		_, gone := w.exits.LoadAndDelete(pid)
		return gone
	})
}

func (w *world) waitEmpty(unit string) {
	w.t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case got := <-w.empty:
			if got != unit {
				continue
			}
			g, _ := w.tracker.Find(unit)
			if empty, err := g.Empty(); err == nil && empty {
				return
			}
		case <-timeout:
			w.t.Fatalf("%s was not reported empty", unit)
		}
	}
}

func (w *world) has(g cgroup.Group, want ...int) {
	w.t.Helper()
	pids, err := g.PIDs()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, pid := range want {
		if !slices.Contains(pids, pid) {
			w.t.Errorf("processes of %s: %v, without %d %s", g.Unit(), pids, pid, proc.Command(pid))
		}
		if owner, ok := w.tracker.Owner(pid); !ok || owner != g.Unit() {
			w.t.Errorf("owner of %d: %q, want %s", pid, owner, g.Unit())
		}
	}
}

// end kills what is left and sees the group empty, and gone.
func (w *world) end(g cgroup.Group) {
	w.t.Helper()
	if empty, err := g.Empty(); empty || err != nil {
		w.t.Errorf("%s is empty before it was killed, error %v", g.Unit(), err)
	}
	if _, err := g.Signal(value.SIGKILL, 0); err != nil {
		w.t.Error(err)
	}
	w.waitEmpty(g.Unit())
	if err := g.Remove(); err != nil {
		w.t.Error(err)
	}
	if _, ok := w.tracker.Find(g.Unit()); ok {
		w.t.Errorf("%s is found after its removal", g.Unit())
	}
}

func TestTree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("tree.service")
		main := w.spawn(g, "sleep 1000 & echo $! >$DIR/child; wait")
		child := w.told("child")
		w.has(g, main, child)
		tree, err := g.Tree()
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(tree, func(p cgroup.Process) bool { return p.PID == child })
		if i < 0 || tree[i].Parent != main || tree[i].Group != "" {
			t.Errorf("tree: %+v, want %d below %d", tree, child, main)
		}
		if owner, ok := w.tracker.Owner(os.Getpid()); ok {
			t.Errorf("the test itself belongs to %s", owner)
		}
		w.end(g)
	})
}

// KillMode=mixed: everything but the main process.
func TestSignalExcept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("mixed.service")
		main := w.spawn(g, "sleep 1000 & sleep 1000 & echo $! >$DIR/child; wait; exec sleep 1000")
		child := w.told("child")
		n, err := g.Signal(value.SIGTERM, main)
		if err != nil || n != 2 {
			t.Errorf("signalled %d, %v; want 2", n, err)
		}
		w.wait("the child to die", func() bool {
			s, err := proc.Read(child)
			return err != nil || s.Dead()
		})
		w.has(g, main)
		w.end(g)
	})
}

// A daemon with a session of its own, whose parents are dead.
func TestDaemon(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("daemon.service")
		main := w.spawn(g, `setsid sh -c 'setsid sleep 1000 & echo $! >$DIR/daemon'`)
		daemon := w.told("daemon")
		w.waitExit(main)
		w.has(g, daemon)
		w.end(g)
	})
}

// The same with nothing left in its environment, beside another unit.
func TestDaemonWithoutEnvironment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.group("other.service")
		sleeper := w.spawn(other, "exec sleep 1000")
		g := w.group("bare.service")
		main := w.spawn(g, `setsid sh -c 'env -i setsid sleep 1000 & echo $! >$DIR/daemon'`)
		daemon := w.told("daemon")
		w.waitExit(main)
		w.has(g, daemon)
		w.has(other, sleeper)
		w.end(g)
		w.has(other, sleeper)
		w.end(other)
	})
}

// daemon(3) twice over: each parent exits at once.
func TestDaemonParentsGoFirst(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.group("other.service")
		w.spawn(other, "exec sleep 1000")
		g := w.group("quick.service")
		inner := `env -i setsid sleep 1000 & echo $! >$DIR/daemon`
		main := w.spawn(g, `setsid sh -c '`+inner+`' & exit 0`)
		daemon := w.told("daemon")
		w.waitExit(main)
		w.has(g, daemon)
		w.end(g)
		w.end(other)
	})
}

// Somebody asks for an orphan when its parent is dead, and nobody has been told of that yet.
func TestOrphanBeforeDying(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.group("other.service")
		w.spawn(other, "exec sleep 1000")
		for _, first := range []string{"owner", "processes"} {
			g := w.group(first + ".service")
			inner := `while test ! -e $DIR/` + first + `; do sleep 0.01; done; ` +
				`env -i setsid sleep 1000 & echo $! >$DIR/daemon-` + first
			w.waitExit(w.spawn(g, `setsid sh -c '`+inner+`' & exit 0`))
			w.forking.RLock() // so that the reaper gets no further
			if err := os.WriteFile(filepath.Join(w.dir, first), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			daemon := w.told("daemon-" + first)
			w.wait("the daemon to be an orphan", func() bool {
				s, err := proc.Read(daemon)
				return err == nil && s.Parent == os.Getpid() && s.Session == daemon
			})
			if first == "owner" {
				if owner, _ := w.tracker.Owner(daemon); owner != g.Unit() {
					t.Errorf("owner of %d: %q, want %s", daemon, owner, g.Unit())
				}
			}
			w.has(g, daemon)
			w.forking.RUnlock()
			w.end(g)
		}
		w.end(other)
	})
}

// A process ends before it is registered, while one of another unit ends.
func TestGoneBeforeRegistered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.group("other.service")
		ending := w.spawn(other, "exec sleep 1000")
		for _, script := range []string{
			"sleep 1000 & echo $! >$DIR/daemon",
			"setsid sleep 1000 & echo $! >$DIR/daemon",
			"{ sleep 1000 & echo $! >$DIR/daemon; } & exit 0",
		} {
			g := w.group("quick.service")
			os.Remove(filepath.Join(w.dir, "daemon"))
			var daemon int
			main := w.spawnLate(g, script, func() {
				daemon = w.told("daemon")
				w.wait("the daemon to be an orphan", func() bool {
					stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", daemon))
					return err == nil && strings.Contains(string(stat),
						fmt.Sprintf(") S %d ", os.Getpid()))
				})
				w.tracker.Dying(ending)
				if _, err := other.PIDs(); err != nil { // looks for orphans as well
					t.Fatal(err)
				}
			})
			w.waitExit(main)
			w.has(g, daemon)
			w.has(other, ending)
			w.end(g)
		}
		w.end(other)
	})
}

// What forks while it is being killed is killed as well.
func TestForking(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("forking.service")
		w.spawn(g, "echo $$ >$DIR/main; while :; do sleep 1000 & done")
		w.told("main")
		w.wait("20 children", func() bool {
			pids, _ := g.PIDs()
			return len(pids) > 20
		})
		w.end(g)
	})
}

// Starting again in a group that has become empty, and been removed by others.
func TestAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("again.service")
		for range 3 {
			w.spawn(g, "exit 0")
			w.waitEmpty("again.service")
		}
		main := w.spawn(g, "exec sleep 1000")
		w.has(g, main)
		w.end(g)
		g = w.group("again.service")
		w.spawn(g, "exec sleep 1000")
		w.end(g)
	})
}

// A process of the manager's own is no unit's, whenever it shows up.
func TestOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("some.service")
		w.spawn(g, "exec sleep 1000")
		w.forking.RLock()
		sleep, _ := exec.LookPath("sleep")
		p, err := os.StartProcess(sleep, []string{"sleep", "1000"}, &os.ProcAttr{})
		if err != nil {
			t.Fatal(err)
		}
		w.tracker.Own(p.Pid)
		w.forking.RUnlock()
		defer p.Kill()
		w.waitExit(w.spawn(g, "exit 0"))
		if owner, ok := w.tracker.Owner(p.Pid); ok {
			t.Errorf("the manager's own process belongs to %s", owner)
		}
		w.end(g)
	})
}

// TestAttach: a process that others have started is of the unit that it was moved to, as
// what it starts is, and its end is told.
func TestAttach(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.group("some.service"), w.group("some.scope")
		w.spawn(a, "(sleep 1000 & sleep 1000 & wait) & echo $! >$DIR/inner; exec sleep 1000")
		inner := w.told("inner")
		if err := b.Attach(inner, ""); err != nil {
			t.Fatal(err)
		}
		if owner, _ := w.tracker.Owner(inner); owner != "some.scope" {
			t.Errorf("it belongs to %q", owner)
		}
		if pids, err := b.PIDs(); err != nil || !slices.Contains(pids, inner) {
			t.Errorf("the scope has %v (%v), not %d", pids, err, inner)
		}
		if pids, err := a.PIDs(); err != nil || slices.Contains(pids, inner) {
			t.Errorf("the service has %v (%v), still with %d", pids, err, inner)
		}
		if empty, _ := b.Empty(); empty {
			t.Error("the scope is empty")
		}
		if _, err := b.Signal(value.SIGKILL); err != nil {
			t.Error(err)
		}
		w.waitEmpty("some.scope")
		w.end(a)
	})
}

func BenchmarkPIDs(b *testing.B) {
	tracker, err := cgroup.Open(cgroup.Config{Kind: cgroup.None})
	if err != nil {
		b.Skip(err)
	}
	g, err := tracker.Unit("a.service", "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g.PIDs()
	}
}
