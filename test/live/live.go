// Package live starts the real roused for a test, without root and without the
// machine's own units.
package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"rouse/internal/face/rpc"
)

// Patience is how long anything may take that is to happen at all.
const Patience = 60 * time.Second

// A Manager is one that runs.
type Manager struct {
	Dir    string // the test's, where all is: its sockets and its programs, too
	Socket string // for its own clients
	PID    int
	Client *rpc.Client
}

// Units writes unit files, by name, into the folder at.
func Units(t testing.TB, at string, units map[string]string) {
	t.Helper()
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range units {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Start builds roused and rouse into dir, and starts the manager on the units, of which
// the one called unit is the first. With a shell in before, such as "ulimit -n 300", that
// is run first in its process. The manager ends with the test, and what it said is shown
// if that failed.
func Start(t testing.TB, dir, before, unit string, units map[string]string) *Manager {
	t.Helper()
	build := exec.Command("go", "build", "-o", dir, "rouse/cmd/roused", "rouse/cmd/rouse")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as they are shipped
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	m := &Manager{Dir: dir, Socket: filepath.Join(dir, "rouse.sock")}
	at := filepath.Join(dir, "units")
	Units(t, at, units)
	if before == "" {
		before = ":"
	}
	cmd := exec.Command("sh", "-c", before+`; exec "$@"`, "sh", filepath.Join(dir, "roused"), "--user",
		"--unit", unit, "--socket", m.Socket, "--log-target", "console", "--generators", "no")
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "SYSTEMD_UNIT_PATH="+at)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m.PID = cmd.Process.Pid
	t.Cleanup(func() {
		late := time.AfterFunc(Patience, func() { cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("end roused: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("roused: %v", err)
		}
		if text, err := os.ReadFile(said.Name()); err == nil && t.Failed() {
			t.Logf("%s", text[max(0, len(text)-500000):])
		}
	})
	Until(t, "the manager answers", func() bool {
		m.Client, err = rpc.Dial(t.Context(), m.Socket)
		return err == nil
	})
	t.Cleanup(func() { m.Client.Close() })
	return m
}

// Descriptors counts those that the manager has open.
func (m *Manager) Descriptors(t testing.TB) int {
	t.Helper()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("there is no /proc")
	}
	list, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(m.PID), "fd"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Until waits for something, but not for ever.
func Until(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(Patience); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}
