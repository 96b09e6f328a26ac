package spawn

import (
	"fmt"
	"os"
	"os/signal"
	"path"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rouse/internal/host/sys"
)

// otherMeans are those that a Spawner would not choose here.
var otherMeans = func() map[string]means {
	m := map[string]means{"fork": meansFork, "executor": meansExecutor}
	if haveVfork {
		m["clone"] = meansClone
	}
	return m
}()

// moreProbes are what a tester that is started as a service can look at, by name.
var moreProbes = map[string]func(){"keyring": keyProbe, "confine": confineMe}

// No signal is blocked in the child, none ignored but SIGPIPE, none caught. The C
// library's own signal 32 is left out: who was started with posix_spawn, as by make,
// ignores it, and the executor cannot change that.
func TestSignals(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	everyMeans(t, func(t *testing.T, s *Spawner) {
		for _, pipe := range []bool{true, false} {
			r := sh("exec cat /proc/self/status")
			r.Exec.IgnoreSIGPIPE = pipe
			got := do(t, s, r)
			got.out = strings.Replace(got.out, "SigIgn:\t000000008", "SigIgn:\t000000000", 1)
			ignored := "0000000000000000"
			if pipe {
				ignored = "0000000000001000"
			}
			for _, want := range []string{
				"SigBlk:\t0000000000000000", "SigIgn:\t" + ignored, "SigCgt:\t0000000000000000",
			} {
				if got.err != nil || !strings.Contains(got.out, want) {
					t.Errorf("error %v, output %q, want %q", got.err, got.out, want)
				}
			}
		}
	})
}

// A change of user in a child that shares memory must not make the manager's
// /proc/self root's, and must not change the manager's own user.
func TestManagerUnchanged(t *testing.T) {
	needRoot(t)
	everyMeans(t, func(t *testing.T, s *Spawner) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		r := sh("")
		r.Exec.User = "daemon"
		r.Exec.OOMScoreAdjust, r.Exec.OOMScoreSet = 555, true
		before := managerState(t)
		if got := do(t, s, r); got.err != nil {
			t.Fatal(got.err)
		}
		if after := managerState(t); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func managerState(t *testing.T) string {
	t.Helper()
	score, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, mask, _ := strings.Cut(string(status), "SigBlk:")
	mask, _, _ = strings.Cut(mask, "\n")
	return fmt.Sprintf("uid %d, dumpable %v, score %s, blocked %v",
		os.Geteuid(), sys.Dumpable(), score, mask)
}

// Whoever passes the barrier after a process has died finds it registered. A
// process that hangs between fork and exec holds up nobody.
func TestForking(t *testing.T) {
	t.Run("best", func(t *testing.T) { testForking(t, meansUnset) })
	for name, m := range otherMeans {
		if m != meansExecutor { // whose pid is not known in time: everybody waits
			t.Run(name, func(t *testing.T) { testForking(t, m) })
		}
	}
}

func testForking(t *testing.T, m means) {
	var known sync.Map
	s := &Spawner{means: m, Started: func(_ *Request, p Process) { known.Store(p.PID, true) }}
	fifo := t.TempDir() + "/fifo"
	if err := syscall.Mkfifo(fifo, 0o700); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		hung := sh("")
		hung.CgroupProcs = []string{fifo} // opening it to write waits for a reader
		p, err := s.Start(hung)
		if err != nil || wait(t, p) != 0 {
			t.Errorf("hung process: %+v, %v", p, err)
		}
	})
	done := make(chan struct{})
	all.Go(func() {
		defer close(done)
		reapAll(t, 300, s.Forking(), &known)
	})
	for i := range 3 {
		all.Go(func() {
			for range 100 {
				r := sh("")
				if i == 0 {
					r.Command.Path = "/nowhere"
				}
				p, err := s.Start(r)
				if p.PID == 0 {
					t.Errorf("no process: %v", err)
				}
			}
		})
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("the reaper hangs")
	}
	feed, err := os.OpenFile(fifo, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	all.Wait()
}

// reapAll is a reaper of count children: whoever it sees dead must be known once
// it has passed the lock.
func reapAll(t *testing.T, count int, lock sync.Locker, known *sync.Map) {
	for count > 0 {
		pid, ok, err := sys.PeekChild()
		if err != nil {
			t.Error(err)
			return
		}
		if !ok {
			runtime.Gosched()
			continue
		}
		lock.Lock()
		if _, ok := known.Load(pid); !ok {
			t.Errorf("process %d is dead and unknown", pid)
		}
		lock.Unlock()
		if _, _, err := sys.ReapChild(pid); err != nil {
			t.Error(err)
		}
		count--
	}
}

// A process is born in its control group, or moves itself there; a group that is
// gone fails the step, in a process.
func TestCgroup(t *testing.T) {
	needRoot(t)
	mount := cgroup2(t)
	group, err := os.MkdirTemp(mount, "rouse-test-")
	if err != nil {
		t.Skip(err)
	}
	defer os.Remove(group)
	gone, err := os.MkdirTemp(mount, "rouse-test-")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	dirGone, err := os.Open(gone)
	if err != nil {
		t.Fatal(err)
	}
	defer dirGone.Close()
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	everyMeans(t, func(t *testing.T, s *Spawner) {
		for _, set := range []func(r *Request){
			func(r *Request) { r.Cgroup = int(dir.Fd()) },
			func(r *Request) { r.CgroupProcs = []string{group + "/cgroup.procs"} },
			func(r *Request) {
				r.Cgroup, r.CgroupProcs = int(dirGone.Fd()), []string{group + "/cgroup.procs"}
			},
		} {
			r := sh("grep ^0:: /proc/self/cgroup")
			set(r)
			got := do(t, s, r)
			if got.err != nil || !strings.HasSuffix(strings.TrimSpace(got.out), path.Base(group)) {
				t.Errorf("output %q, %v, want group %s", got.out, got.err, group)
			}
		}
		r := sh("")
		r.Cgroup = int(dirGone.Fd())
		got := do(t, s, r)
		if got.status != StatusCgroup || !strings.HasSuffix(fmt.Sprint(got.err), "(219/CGROUP)") {
			t.Errorf("status %d, error %v", got.status, got.err)
		}
	})
}

// cgroup2 finds where control groups of version 2 are mounted.
func cgroup2(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	t.Skip("no cgroup2 is mounted")
	return ""
}
