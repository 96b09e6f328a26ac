package tool

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is one of the programs, if it was started as one.
func TestMain(m *testing.M) {
	for _, p := range All() {
		if filepath.Base(os.Args[0]) == p.Name {
			os.Exit(p.Main(context.Background(), Env{
				Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
				Getenv: os.Getenv, Environ: os.Environ, Now: time.Now,
				Root: func(dir string) fs.ReadLinkFS { return os.DirFS(dir).(fs.ReadLinkFS) },
			}))
		}
	}
	os.Exit(m.Run())
}

// start runs one of the programs as a process.
func start(t *testing.T, env []string, args ...string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Args, cmd.Env = args, append(os.Environ(), env...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, &out
}

// place is a directory with a short name, for sockets.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "tool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestNotify: the manager gets the message, and the barrier afterwards.
func TestNotify(t *testing.T) {
	at := filepath.Join(shortDir(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: at, Net: "unixgram"})
	if err != nil {
		t.Skip(err)
	}
	defer conn.Close()
	cmd, _ := start(t, []string{"NOTIFY_SOCKET=" + at},
		"systemd-notify", "--ready", "--status=all is well", "--pid=77", "X_A=b")
	buf, oob := make([]byte, 4096), make([]byte, 4096)
	conn.SetDeadline(time.Now().Add(time.Minute))
	want := []string{"READY=1\nSTATUS=all is well\nMAINPID=77\nX_A=b", "BARRIER=1"}
	for _, text := range want {
		n, _, _, _, err := conn.ReadMsgUnix(buf, oob)
		if err != nil || string(buf[:n]) != text {
			t.Fatalf("%q, %v, want %q", buf[:n], err, text)
		}
	}
	conn.Close() // and with it the descriptor that came along
	cmd.Process.Kill()
	cmd.Wait()
	cmd, out := start(t, []string{"NOTIFY_SOCKET=" + at + ".none"}, "systemd-notify", "READY=1")
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "Failed to notify") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestActivate: the command gets the socket, or each connection.
func TestActivate(t *testing.T) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, c := range []struct{ args, want string }{
		{"--fdname=web", "1 web 3"}, {"--accept", "1  3"}, {"--accept --inetd", "  3"},
		{"-E A=b", "1  3 b"},
	} {
		at := filepath.Join(shortDir(t), "s")
		words := append([]string{"systemd-socket-activate", "-l", at}, strings.Fields(c.args)...)
		file := filepath.Join(t.TempDir(), "out")
		words = append(words, "/bin/sh", "-c",
			`echo $LISTEN_FDS $LISTEN_FDNAMES`+
				` $(test "$LISTEN_PID" = $$ || test -S /proc/self/fd/0 && echo 3) $A`+
				` >`+file+`.tmp; mv `+file+`.tmp `+file)
		cmd, out := start(t, nil, words...)
		conn := dial(t, at)
		text := ""
		for end := time.Now().Add(time.Minute); text == ""; <-tick.C {
			b, err := os.ReadFile(file)
			if err == nil {
				text = string(b)
			}
			if time.Now().After(end) {
				t.Fatalf("%s: nothing came of it: %s", c.args, out)
			}
		}
		conn.Close()
		cmd.Process.Kill()
		cmd.Wait()
		if strings.Join(strings.Fields(text), " ") != strings.Join(strings.Fields(c.want), " ") {
			t.Errorf("%s: %q, want %q", c.args, text, c.want)
		}
	}
}

func dial(t *testing.T, at string) net.Conn {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		conn, err := net.Dial("unix", at)
		if err == nil {
			return conn
		}
		early := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
		if !early || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
