package boot_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/host/boot"
	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// Each signal means one thing, and only those of the manual are there.
func TestRequests(t *testing.T) {
	for _, init := range []bool{true, false} {
		seen := map[value.Signal]bool{}
		for _, r := range boot.Requests(init) {
			if seen[r.Signal] {
				t.Errorf("signal %d twice", r.Signal)
			}
			seen[r.Signal] = true
			if (r.Action == boot.Start) != (r.Unit != "") {
				t.Errorf("%+v", r)
			}
			if r.Signal == value.SIGKILL || r.Signal > 64 {
				t.Errorf("signal %d cannot be taken", r.Signal)
			}
		}
	}
}

func TestListen(t *testing.T) {
	got := make(chan boot.Request, 10)
	s := boot.Listen(false, func(r boot.Request) { got <- r }, func(line string) { t.Error(line) })
	defer s.Close()
	for _, r := range boot.Requests(false) {
		if _, ok := sys.NativeSignal(r.Signal); !ok {
			continue
		}
		if err := sys.Kill(os.Getpid(), r.Signal); err != nil {
			t.Fatal(err)
		}
		select {
		case have := <-got:
			if have != r {
				t.Errorf("%+v, want %+v", have, r)
			}
		case <-time.After(time.Minute):
			t.Fatalf("signal %d did not arrive", r.Signal)
		}
	}
}

// A console that is hung up or not there loses no line; one that is slow delays
// nobody.
func TestConsole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "console")
	if err := os.WriteFile(path, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := boot.OpenConsole(path)
	fmt.Fprintln(c, "one")
	fmt.Fprintln(c, "two")
	c.Close()
	fmt.Fprintln(c, "too late")
	if text, err := os.ReadFile(path); string(text) != "before\none\ntwo\n" {
		t.Errorf("%q, %v", text, err)
	}

	if err := sys.MakeFIFO(path+"2", 0o600); err != nil {
		t.Skip(err)
	}
	r, err := os.OpenFile(path+"2", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c = boot.OpenConsole(path + "2")
	const lines, long = 3000, 1000 // more than queue and pipe hold
	line := append(bytes.Repeat([]byte{'x'}, long), '\n')
	for range lines {
		c.Write(line)
	}
	const end = "the end\n"
	go func() { c.Close(); r.WriteString(end) }() // r is open for writing, too
	var text []byte
	buf := make([]byte, 1<<16)
	for !bytes.HasSuffix(text, []byte(end)) {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, buf[:n]...)
	}
	n := bytes.Count(text, []byte("xxx\n"))
	dropped := 0
	for line := range strings.Lines(string(text)) {
		var more int
		if _, err := fmt.Sscanf(line, "%d lines were dropped", &more); err == nil {
			dropped += more
		}
	}
	if dropped == 0 || n+dropped != lines {
		t.Errorf("%d lines and %d dropped, want %d together", n, dropped, lines)
	}
}

// Ordinary processes are not what this is for.
func TestNotInit(t *testing.T) {
	if boot.IsInit() {
		t.Skip("this is PID 1")
	}
	boot.EndProcesses(0, func(line string) { t.Error(line) })
	boot.Unmount(func(line string) { t.Error(line) })
	if err := boot.TakeCtrlAltDel(); err != nil {
		t.Error(err)
	}
}

// TestInit runs TestInside as PID 1 of namespaces of its own.
func TestInit(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command(unshare, "-pmf", "--mount-proc", "true").CombinedOutput(); err != nil {
		t.Skipf("no namespaces: %v: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const script = `mount -t tmpfs none /run && mount -t tmpfs -o size=1M none /dev/shm &&
mkdir /run/x && umount /dev/shm; exec "$0" -test.run='^TestInside$' -test.v`
	cmd := exec.Command(unshare, "-pmf", "--mount-proc", "sh", "-c", script, self)
	cmd.Env = append(os.Environ(), "ROUSE_TEST_INIT=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("PASS: TestInside")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInside(t *testing.T) {
	if !boot.IsInit() || os.Getenv("ROUSE_TEST_INIT") == "" {
		t.Skip("run by TestInit, as PID 1")
	}
	if err := boot.Mount(func(line string) { t.Log(line) }); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat("/run/systemd/system"); err != nil || !info.IsDir() {
		t.Error(err)
	}
	mounts, err := proc.Mounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, point := range []string{"/proc", "/run"} {
		n := 0
		for _, m := range mounts {
			if m.Point == point && m.Type != "devtmpfs" {
				n++
			}
		}
		if n == 0 {
			t.Errorf("nothing is mounted on %s", point)
		}
	}
	if err := boot.Stdio(); err != nil {
		t.Error(err)
	}
	for _, script := range []string{
		"sleep 1000 & sleep 1000", "trap '' TERM HUP; echo $$ >/run/stubborn; while :; do sleep 1; done",
	} {
		argv := []string{"sh", "-c", script}
		if _, err := os.StartProcess("/bin/sh", argv, &os.ProcAttr{}); err != nil {
			t.Fatal(err)
		}
	}
	for tick := range time.Tick(5 * time.Millisecond) {
		if _, err := os.Stat("/run/stubborn"); err == nil || tick.IsZero() {
			break
		}
	}
	var lines []string
	boot.EndProcesses(2*time.Second, func(line string) { lines = append(lines, line) })
	if len(lines) != 1 || !strings.Contains(lines[0], "sh -c trap") {
		t.Errorf("log: %q", lines)
	}
	all, err := proc.All()
	if err != nil {
		t.Error(err)
	}
	for _, s := range all {
		if s.PID != os.Getpid() && !s.Dead() { // who is dead may wait to be reaped
			t.Errorf("process %d (%s) is left", s.PID, proc.Command(s.PID))
		}
	}
}
