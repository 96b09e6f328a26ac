package spawn

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// storm collects garbage and throws signals at the process until stop is called.
func storm(t testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var kept atomic.Pointer[[]byte]
	all.Go(func() {
		for ctx.Err() == nil {
			b := make([]byte, 1<<16)
			kept.Store(&b)
			runtime.GC()
		}
	})
	all.Go(func() {
		for ctx.Err() == nil {
			// SIGURG has a handler and no meaning: it is how goroutines are interrupted.
			_ = syscall.Kill(os.Getpid(), syscall.SIGURG)
			runtime.Gosched()
		}
	})
	return func() { cancel(); all.Wait() }
}

// stressed is a request with about thirty attributes whose program checks some.
func stressed(i int) *Request {
	want := strconv.Itoa(i)
	r := sh(`test "$LISTEN_PID" = $$ && test "$(umask)" = 0027 && exit ` + want)
	r.Exec.UMask = 0o027
	r.Exec.Nice, r.Exec.NiceSet = 3, true
	r.Exec.OOMScoreAdjust, r.Exec.OOMScoreSet = 700, true
	for l := range r.Exec.Limits {
		switch value.Limit(l) {
		case value.LimitCORE, value.LimitFSIZE, value.LimitDATA, value.LimitSTACK:
			r.Exec.Limits[l] = unit.Rlimit{Set: true, Soft: 1 << 26, Hard: 1 << 30}
		}
	}
	r.Env = append(r.Env, "LISTEN_PID=")
	if os.Geteuid() == 0 {
		r.Exec.User = "daemon"
	}
	return r
}

// Thousands of processes, from several goroutines, while the collector moves
// stacks and signals rain: none fails, each is who it should be, nothing is left.
func TestStress(t *testing.T) {
	count := 5000
	if testing.Short() {
		count = 500
	}
	for _, c := range []struct {
		name  string
		means means
		count int
	}{
		{"best", meansUnset, count},
		{"clone", meansClone, count / 5},
		{"fork", meansFork, count / 25},
	} {
		if runtime.GOOS != "linux" && c.means != meansUnset || c.means == meansClone && !haveVfork {
			continue
		}
		t.Run(c.name, func(t *testing.T) { stress(t, &Spawner{means: c.means}, c.count) })
	}
}

func stress(t *testing.T, s *Spawner, count int) {
	if got := do(t, s, sh("")); got.err != nil { // it opens what is kept open
		t.Fatal(got.err)
	}
	before := openFiles(t)
	stop := storm(t)
	defer stop()
	var next, wrong atomic.Int64
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for n := next.Add(1); n <= int64(count) && wrong.Load() < 5; n = next.Add(1) {
				r := stressed(int(n) % 100)
				want := int(n) % 100
				if n%10 == 0 {
					r.Command.Path, want = "/nowhere/at/all", StatusExec
				}
				p, err := s.Start(r)
				var e *StepError
				if errors.As(err, &e) != (n%10 == 0) || p.PID <= 0 {
					t.Errorf("spawn %d: %+v, %v", n, p, err)
					wrong.Add(1)
					continue
				}
				if got := wait(t, p); got != want {
					t.Errorf("spawn %d: status %d, want %d", n, got, want)
					wrong.Add(1)
				}
			}
		})
	}
	all.Wait()
	stop()
	if after := openFiles(t); after > before {
		t.Errorf("open descriptors: %d before, %d after", before, after)
	}
}

// openFiles counts the descriptors of this process; 0 where that cannot be done.
func openFiles(t testing.TB) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Whoever passes the barrier after a process has died finds it registered. A
// process that hangs between fork and exec holds up nobody.
func TestForking(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the executor's pid is not known in time: everybody waits")
	}
	for _, m := range []means{meansUnset, meansClone, meansFork} {
		if m == meansClone && !haveVfork {
			continue
		}
		testForking(t, m)
	}
}

func testForking(t *testing.T, m means) {
	var known sync.Map
	s := &Spawner{means: m, Started: func(_ *Request, p Process) { known.Store(p.PID, true) }}
	lock := s.Forking()

	// A program that nobody feeds: opening it for exec hangs, until we open the other
	// end. The kernel refuses to execute it then.
	fifo := t.TempDir() + "/fifo"
	if err := syscall.Mkfifo(fifo, 0o700); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	hung := sh("")
	hung.CgroupProcs = []string{fifo} // open(2) for writing waits for a reader
	all.Go(func() {
		p, err := s.Start(hung)
		if err != nil || wait(t, p) != 0 {
			t.Errorf("hung process: %+v, %v", p, err)
		}
	})

	// The reaper: whoever it sees dead must be known once it has passed.
	done := make(chan struct{})
	var reaped atomic.Int64
	all.Go(func() {
		for reaped.Load() < 300 {
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
			reaped.Add(1)
		}
		close(done)
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
				if p.Pidfd >= 0 {
					_ = sys.CloseFD(p.Pidfd)
				}
			}
		})
	}
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Errorf("the reaper hangs after %d", reaped.Load())
	}
	feed, err := os.OpenFile(fifo, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	all.Wait()
}

// An environment larger than the usual arena, and one larger than the kernel takes.
func TestLarge(t *testing.T) {
	everyMeans(t, func(t *testing.T, s *Spawner) {
		r := sh(`test ${#A} = 100000 && test ${#B} = 100000; echo $?`)
		r.Env = append(r.Env, "A="+strings.Repeat("a", 100000), "B="+strings.Repeat("b", 100000))
		if got := do(t, s, r); got.err != nil || got.out != "0\n" {
			t.Errorf("output %q, %v", got.out, got.err)
		}
		r.Env = append(r.Env, "C="+strings.Repeat("c", 1<<20))
		got := do(t, s, r)
		var e *StepError
		if !errors.As(got.err, &e) || e.Status != StatusExec || got.status != StatusExec {
			t.Errorf("status %d, %v", got.status, got.err)
		}
	})
}

func BenchmarkSpawn(b *testing.B) {
	for _, c := range []struct {
		name  string
		means means
	}{
		{"best", meansUnset}, {"clone", meansClone}, {"fork", meansFork}, {"executor", meansExecutor},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := &Spawner{means: c.means}
			r := stressed(0)
			r.Command = value.Command{Path: "/bin/true", Argv: []string{"true"}}
			for b.Loop() {
				p, err := s.Start(r)
				if err != nil {
					b.Fatal(err)
				}
				wait(b, p)
			}
		})
	}
}

// BenchmarkForkExec is what BenchmarkSpawn is to be held against: no attributes.
func BenchmarkForkExec(b *testing.B) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	fd := int(null.Fd())
	for b.Loop() {
		pid, err := sys.ForkExec("/bin/true", []string{"true"}, nil, []int{fd, fd, fd})
		if err != nil {
			b.Fatal(err)
		}
		wait(b, Process{PID: pid, Pidfd: -1})
	}
}
