package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCheckListen(t *testing.T) {
	for _, c := range []struct {
		pid, fds, fdnames, names string
		count                    int
		fault                    string
	}{
		{pid: "7", fds: "1", fdnames: "web", count: 1},
		{pid: "7", fds: "2", fdnames: "web:log", names: "web:log", count: 2},
		{pid: "8", fds: "1", fdnames: "web", fault: `LISTEN_PID is "8"`},
		{pid: "", fds: "1", fdnames: "web", fault: `LISTEN_PID is ""`},
		{pid: "7", fds: "", fdnames: "", fault: `LISTEN_FDS is ""`},
		{pid: "7", fds: "0", fdnames: "", fault: `LISTEN_FDS is "0"`},
		{pid: "7", fds: "two", fdnames: "a:b", fault: `LISTEN_FDS is "two"`},
		{pid: "7", fds: "2", fdnames: "web", fault: "has 1 names for 2 sockets"},
		{pid: "7", fds: "1", fdnames: "web", names: "log", fault: `want "log"`},
		{pid: "7", fds: "2", fdnames: "web:log", names: "log:web", count: 2},
	} {
		env := map[string]string{
			"LISTEN_PID": c.pid, "LISTEN_FDS": c.fds, "LISTEN_FDNAMES": c.fdnames,
		}
		got, err := checkListen(func(k string) string { return env[k] }, 7, c.names)
		if got != c.count || c.fault == "" != (err == nil) {
			t.Errorf("%+v: got %d, %v", c, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

// TestIdentify: the kind of each descriptor is found, whatever it is.
func TestIdentify(t *testing.T) {
	dir := t.TempDir()
	file := func(s interface{ File() (*os.File, error) }) *os.File {
		t.Helper()
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	stream, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "a")})
	if err != nil {
		t.Fatal(err)
	}
	gram, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "b")})
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	defer gram.Close()
	defer write.Close()
	for want, f := range map[string]*os.File{
		"stream": file(stream), "datagram": file(gram), "fifo": read,
	} {
		got, err := identify(f, "x")
		if err != nil || got.kind() != want {
			t.Errorf("got %s, %v, want %s", got.kind(), err, want)
			continue
		}
		got.close()
	}
	if _, err := os.Stat(filepath.Join(dir, "a")); err != nil {
		t.Errorf("the manager's socket was removed: %v", err)
	}
}

func TestAnswer(t *testing.T) {
	dir := t.TempDir()
	web, err := net.Listen("unix", filepath.Join(dir, "web"))
	if err != nil {
		t.Fatal(err)
	}
	ctl, err := net.ListenPacket("unixgram", filepath.Join(dir, "ctl"))
	if err != nil {
		t.Fatal(err)
	}
	all := sockets{{name: "web", stream: web}, {name: "ctl", packet: ctl}}
	if got, want := all.String(), "2 sockets: stream web, datagram ctl"; got != want {
		t.Errorf("String: got %q, want %q", got, want)
	}
	var work sync.WaitGroup
	defer work.Wait()
	defer web.Close()
	defer ctl.Close()
	all.answer(t.Context(), &work, newLog(new(strings.Builder)))

	conn, err := net.Dial("unix", filepath.Join(dir, "web"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	in := bufio.NewScanner(conn)
	if want := fmt.Sprintf("web[%d]: hello", os.Getpid()); !in.Scan() || in.Text() != want {
		t.Errorf("stream: got %q, want %q", in.Text(), want)
	}
	own := &net.UnixAddr{Name: filepath.Join(dir, "own"), Net: "unixgram"}
	gram, err := net.DialUnix("unixgram", own, ctl.LocalAddr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer gram.Close()
	fmt.Fprint(gram, "hello")
	buf := make([]byte, 100)
	n, err := gram.Read(buf)
	if want := fmt.Sprintf("ctl[%d]: hello", os.Getpid()); err != nil || string(buf[:n]) != want {
		t.Errorf("datagram: got %q, %v, want %q", buf[:n], err, want)
	}
}

// TestWatchdog: WATCHDOG=1 comes twice per WATCHDOG_USEC, and stops when told so.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		env := func(string) string { return "10000000" } // 10 s
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			(&manager{far}).feedWatchdog(t.Context(), env, 2, newLog(new(strings.Builder)))
		}()
		buf := make([]byte, 100)
		for i := 1; i <= 2; i++ {
			n, err := near.Read(buf)
			if err != nil || !strings.HasPrefix(string(buf[:n]), "WATCHDOG=1\n") {
				t.Fatalf("got %q, %v", buf[:n], err)
			}
			if got, want := time.Since(start), time.Duration(i)*5*time.Second; got != want {
				t.Errorf("message %d came after %v, want %v", i, got, want)
			}
		}
		<-done
	})
}

func TestTouchAndNeed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "made", "mark")
	log := newLog(new(strings.Builder))
	if _, err := run(options{need: file, oneshot: true}, log); err == nil {
		t.Error("no error for a file that is not there")
	}
	if code, err := run(options{touch: file, oneshot: true, status: 3}, log); code != 3 || err != nil {
		t.Errorf("got %d, %v, want 3", code, err)
	}
	if _, err := run(options{need: file, oneshot: true}, log); err != nil {
		t.Error(err)
	}
}
