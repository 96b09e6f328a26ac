// Package storm makes a thousand connections to a socket-activated service while
// the service is stopped, killed and restarted ten times each, and wants every one
// of them answered. It runs the real roused and the real client, without root.
//
// With ROUSE_STORM_CTL=systemctl it asks a systemd that is running already instead,
// which then finds the units in /run/systemd/system: that is how the test was tested.
package storm

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rouse/test/live"
)

const (
	rounds   = 10
	burst    = 33 // connections made during each action, besides the one before it
	patience = 30 * time.Second
)

// TestMain is the service, if the unit file says so, and else the test.
func TestMain(m *testing.M) {
	gate := os.Getenv("STORM_GATE")
	if gate == "" {
		os.Exit(m.Run())
	}
	if err := serve(gate); err != nil {
		fmt.Fprintf(os.Stderr, "storm: %v\n", err)
		os.Exit(1)
	}
}

// TestStorm is described at the top.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the storm takes some seconds")
	}
	dir := t.TempDir()
	gate, err := os.Create(filepath.Join(dir, "gate"))
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	ctl := start(t, dir)
	s := &storm{address: filepath.Join(dir, "ask"), pids: map[string]bool{}}
	if err := s.first(); err != nil {
		t.Fatal(err)
	}
	for range rounds {
		s.during(t, func() { ctl(t, "stop", "storm.service") })
		s.during(t, func() { ctl(t, "restart", "storm.service") })
		s.during(t, func() {
			if err := flock(gate, syscall.LOCK_EX); err != nil {
				t.Error(err)
			}
			ctl(t, "kill", "--signal=KILL", "storm.service")
			if err := flock(gate, syscall.LOCK_UN); err != nil {
				t.Error(err)
			}
		})
	}
	t.Logf("%d connections answered by %d processes", s.answered, len(s.pids))
	if s.answered < 1000 {
		t.Errorf("%d connections were answered, want 1000 or more", s.answered)
	}
	if len(s.pids) < 3*rounds {
		t.Errorf("%d processes answered, want %d or more: one for each action",
			len(s.pids), 3*rounds)
	}
}

// storm counts answers, from any goroutine.
type storm struct {
	address  string
	mu       sync.Mutex
	answered int
	pids     map[string]bool
}

// first waits until the manager listens, and for the first answer.
func (s *storm) first() error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); ; <-again.C {
		err := s.ask("first")
		missing := errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
		if !missing || time.Now().After(end) {
			return err
		}
	}
}

// during makes sure that the service runs, and then connections while act acts.
func (s *storm) during(t *testing.T, act func()) {
	t.Helper()
	if err := s.ask("before"); err != nil {
		t.Errorf("before: %v", err)
	}
	var work sync.WaitGroup
	for i := range burst {
		work.Go(func() {
			if err := s.ask(fmt.Sprint(i)); err != nil {
				t.Errorf("connection %d: %v", i, err)
			}
		})
	}
	act()
	work.Wait()
}

// ask makes one connection, sends a line and wants it back.
func (s *storm) ask(line string) error {
	conn, err := net.DialTimeout("unix", s.address, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return err
	}
	in := bufio.NewScanner(conn)
	if !in.Scan() {
		return errors.Join(errors.New("closed without an answer"), in.Err())
	}
	pid, got, _ := strings.Cut(in.Text(), " ")
	if got != line {
		return fmt.Errorf("sent %q, got back %q", line, got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered++
	s.pids[pid] = true
	return nil
}

// control runs the client, and fails the test if it does.
type control func(t *testing.T, args ...string)

// start writes the units and starts a manager on them.
func start(t *testing.T, dir string) control {
	t.Helper()
	if ctl := os.Getenv("ROUSE_STORM_CTL"); ctl != "" {
		live.Units(t, "/run/systemd/system", units(t, dir))
		run := client(ctl, "")
		run(t, "daemon-reload")
		run(t, "start", "storm.socket")
		return run
	}
	m := live.Start(t, dir, "", "storm.socket", units(t, dir))
	return client(filepath.Join(dir, "rouse"), m.Socket)
}

// client is the program, which is to ask the manager at socket.
func client(program, socket string) control {
	return func(t *testing.T, args ...string) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "ROUSE_SOCKET="+socket)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// units are the unit files.
func units(t *testing.T, dir string) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"storm.socket": "[Socket]\nListenStream=" + dir + "/ask\nTriggerLimitIntervalSec=0\n",
		"storm.service": "[Unit]\nStartLimitIntervalSec=0\n" +
			"[Service]\nType=notify\nExecStart=" + self + "\n" +
			"Environment=STORM_GATE=" + dir + "/gate\n",
	}
}
