package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// A terminal controls the process that it is given to, and only one session has it.
func TestTerminal(t *testing.T) {
	master, path, err := sys.OpenTerminal()
	if err != nil {
		t.Skip(err)
	}
	defer master.Close()
	fd, err := sys.OpenStream(path, true, true, false)
	if err != nil {
		t.Skip(err)
	}
	defer sys.CloseFD(fd)
	everyMeans(t, func(t *testing.T, s *Spawner) {
		for kind, want := range map[Terminal]string{
			NoTerminal: "none", MayControl: "controlled", MustControl: "controlled",
			SeizedTerminal: "controlled",
		} {
			r := sh("if (: < /dev/tty) 2> /dev/null; then echo controlled; else echo none; fi")
			r.Stdin, r.Terminal = fd, kind
			got := do(t, s, r)
			if errors.Is(got.err, sys.EPERM) && kind == SeizedTerminal {
				continue // who is not mighty may not
			}
			if got.err != nil || strings.TrimSpace(got.out) != want {
				t.Errorf("%d: %+v, want %s", kind, got, want)
			}
		}
	})
	r := sh("echo ran")
	r.Terminal = MayControl // which /dev/null cannot
	if got := do(t, &Spawner{}, r); got.out != "ran\n" || got.err != nil {
		t.Errorf("no terminal: %+v", got)
	}
	r.Terminal = AwaitedTerminal
	if got := do(t, &Spawner{}, r); got.status != StatusStdin || got.err == nil {
		t.Errorf("no terminal, and it is awaited: %+v", got)
	}
	r.Terminal = MustControl
	if got := do(t, &Spawner{}, r); got.status != StatusStdin || got.err == nil {
		t.Errorf("no terminal, and it must be: %+v", got)
	}
}

// Who awaits a terminal that another session has is told of at once, holds up no other
// start, and goes on when that session lets it go. Until then a signal ends it.
func TestAwaitTerminal(t *testing.T) {
	everyMeans(t, func(t *testing.T, s *Spawner) {
		master, path, err := sys.OpenTerminal()
		if err != nil {
			t.Skip(err)
		}
		defer master.Close()
		open := func() int {
			fd, err := sys.OpenStream(path, true, true, false)
			if err != nil {
				t.Skip(err)
			}
			return fd
		}
		if s.means == meansExecutor {
			t.Skip("an executor does not wait")
		}
		owner := sh("exec sleep 1000")
		owner.Stdin, owner.Terminal = open(), MustControl
		first, err := s.Start(owner)
		sys.CloseFD(owner.Stdin)
		if err != nil {
			t.Fatal(err)
		}
		fd := open()
		defer sys.CloseFD(fd)
		waits := func(script string) (pid int, end func() error) { return await(t, s, path, fd, script) }
		var pids []int
		var ends []func() error
		for range inFlight + 1 {
			pid, end := waits("true")
			pids, ends = append(pids, pid), append(ends, end)
		}
		for i, pid := range pids {
			if err := sys.Kill(pid, value.SIGTERM); err != nil {
				t.Error(err)
			}
			_ = ends[i]()
			if status := wait(t, Process{PID: pid}); status != -1 {
				t.Errorf("waiting process: %d", status)
			}
		}
		pid, end := waits("tty; (: < /dev/tty) && test -t 1 && exit 7")
		if err := sys.Kill(first.PID, value.SIGKILL); err != nil {
			t.Fatal(err)
		}
		wait(t, first)
		if err := end(); err != nil {
			t.Error(err)
		}
		if status := wait(t, Process{PID: pid}); status != 7 {
			t.Errorf("process that has waited: %d", status)
		}
	})
}

// await starts a script that waits for a terminal, and gives its number as soon as it does;
// end waits for what Start returns.
func await(
	t *testing.T, s *Spawner, path string, fd int, script string,
) (pid int, end func() error) {
	t.Helper()
	waiting, done := make(chan Process, 1), make(chan error, 1)
	r := sh(script)
	r.Stdin, r.Stdout = fd, fd
	r.Terminal, r.TerminalPath = AwaitedTerminal, path
	r.Waiting = func(p Process) { waiting <- p }
	go func() {
		_, err := s.Start(r)
		done <- err
	}()
	select {
	case p := <-waiting:
		return p.PID, func() error { return <-done }
	case err := <-done:
		t.Fatalf("did not wait: %v", err)
	}
	return 0, nil
}

// A process waits until it was announced.
func TestAnnounce(t *testing.T) {
	everyMeans(t, func(t *testing.T, s *Spawner) {
		if s.means == meansExecutor {
			t.Skip("an executor is not waited for")
		}
		name := filepath.Join(t.TempDir(), "pid")
		r := sh("test $(cat " + name + ") = $$ && echo same")
		r.Announce = func(p Process) {
			if err := os.WriteFile(name, []byte(strconv.Itoa(p.PID)), 0o600); err != nil {
				t.Error(err)
			}
		}
		if got := do(t, s, r); got.out != "same\n" || got.err != nil {
			t.Errorf("%+v", got)
		}
		r = sh("true")
		r.Fail, r.Announce = &StepError{Step: "x", Errno: 1, Status: 9}, func(Process) {}
		if got := do(t, s, r); got.status != 9 {
			t.Errorf("fails before: %+v", got)
		}
	})
}
