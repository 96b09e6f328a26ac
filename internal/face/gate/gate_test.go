package gate

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"rouse/internal/host/sys"
)

// echo serves connections by sending back what comes.
func echo(_ context.Context, wg *sync.WaitGroup, c *net.UnixConn) {
	wg.Go(func() {
		defer c.Close()
		_, _ = io.Copy(c, c)
	})
}

func dial(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A socket is handed on: who connects in the meantime is let in by the next program, and
// those who are in are waited for.
func TestSuspend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "socket")
	var l *net.UnixListener
	for range 2 { // the second takes the first one's place
		var err error
		if l, err = Listen(path, 0o640); err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Fatalf("%v, %v", info, err)
	}
	var first Gate
	ended := make(chan error, 1)
	entered := make(chan bool, 1)
	go func() {
		ended <- first.Serve(t.Context(), l, nil, func(
			ctx context.Context, wg *sync.WaitGroup, c *net.UnixConn,
		) {
			echo(ctx, wg, c)
			entered <- true
		})
	}()
	in := dial(t, path)
	<-entered
	first.Suspend()
	if !first.Suspended() {
		t.Error("not suspended")
	}
	in.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	late := dial(t, path)
	again, err := Listener(first.Left())
	if err != nil {
		t.Fatal(err)
	}
	var second Gate
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- second.Serve(ctx, again, nil, echo) }()
	if _, err := late.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1)
	if _, err := io.ReadFull(late, got); err != nil || got[0] != 'x' {
		t.Errorf("%q, %v", got, err)
	}
	late.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if second.Suspended() {
		t.Error("suspended")
	}
}

// What was there before is begun before anybody is let in.
func TestBegin(t *testing.T) {
	l, err := Listen(filepath.Join(t.TempDir(), "socket"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begun := false
	var g Gate
	err = g.Serve(ctx, l, func(ctx context.Context, wg *sync.WaitGroup) {
		begun = true
		wg.Go(func() { <-ctx.Done() })
		cancel()
	}, echo)
	if err != nil || !begun {
		t.Errorf("%v, begun: %t", err, begun)
	}
	if fd := g.Left(); fd != -1 {
		t.Errorf("descriptor %d is left", fd)
	}
}

func TestNothing(t *testing.T) {
	var g Gate
	if err := g.Serve(t.Context(), nil, nil, nil); err != nil || g.Left() != -1 {
		t.Error(err, g.Left())
	}
	if _, err := Listener(-1); err == nil {
		t.Error("there is a listener")
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, take := range map[string]func(int) error{
		"listener":   func(fd int) error { _, err := Listener(fd); return err },
		"connection": func(fd int) error { _, err := Connection(fd); return err },
	} {
		fd, err := sys.DuplicateOf(f)
		if err != nil {
			t.Fatal(err)
		}
		if take(fd) == nil {
			t.Errorf("/dev/null is a %s", name)
		}
	}
	if _, err := Listen("/dev/null/socket", 0o600); err == nil {
		t.Error("/dev/null is a directory")
	}
}
