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
	t.Run("best", func(t *testing.T) { stress(t, &Spawner{}, count) })
	for name, m := range otherMeans {
		if m != meansExecutor { // which is slow, and nothing in it is at risk
			t.Run(name, func(t *testing.T) { stress(t, &Spawner{means: m}, count/10) })
		}
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
	for name, m := range otherMeans {
		b.Run(name, func(b *testing.B) { benchmark(b, &Spawner{means: m}) })
	}
	b.Run("best", func(b *testing.B) { benchmark(b, &Spawner{}) })
}

func benchmark(b *testing.B, s *Spawner) {
	r := stressed(0)
	r.Command = value.Command{Path: "/bin/true", Argv: []string{"true"}}
	for b.Loop() {
		p, err := s.Start(r)
		if err != nil {
			b.Fatal(err)
		}
		wait(b, p)
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
		wait(b, Process{PID: pid})
	}
}
