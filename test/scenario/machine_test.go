package scenario

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// baseUnits are what every service refers to without saying so, and the way to the
// end. They are the same for both managers, so that nothing else is there.
var baseUnits = map[string]string{
	"sysinit.target": "", "basic.target": "", "sockets.target": "", "timers.target": "",
	"paths.target": "", "umount.target": "", "default.target": "AllowIsolate=yes\n",
	"shutdown.target": "DefaultDependencies=no\n",
	"final.target":    "DefaultDependencies=no\n",
	"exit.target": "DefaultDependencies=no\nRequires=systemd-exit.service\n" +
		"After=systemd-exit.service\nAllowIsolate=yes\n",
	"systemd-exit.service": "DefaultDependencies=no\nRequires=shutdown.target\n" +
		"After=shutdown.target\nSuccessAction=exit-force\n",
}

// writeBase writes the units of the machine and gives their names.
func writeBase(dir string) ([]string, error) {
	names := []string{"init.scope", "-.slice", "-.mount", "system.slice", "app.slice"}
	for n, text := range baseUnits {
		names = append(names, n)
		text = "[Unit]\nDescription=Base " + n + "\n" + text
		if strings.HasSuffix(n, ".service") {
			text += "[Service]\nSlice=-.slice\n" // not in the slice that ends with all others
		}
		if err := os.WriteFile(filepath.Join(dir, n), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}

// build makes the programs, in a folder that is removed after the test.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-o", dir, "rouse/cmd/roused", "rouse/cmd/rouse", "rouse/cmd/restrict"}
	if runtime.GOOS == "linux" {
		args = append(args, "rouse/cmd/rouse-pam")
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as they are shipped
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.Symlink("rouse", filepath.Join(dir, "systemctl")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// local is a roused that is an ordinary process, and manages an ordinary user.
type local struct {
	dir   string
	cmd   *exec.Cmd
	said  quotable
	stage *stage
	done  chan struct{} // closed when the process has ended
}

// quotable is a log that may be read while it is written.
type quotable struct {
	mu   sync.Mutex
	text strings.Builder
}

func (q *quotable) Write(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.text.Write(b)
}

func (q *quotable) String() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.text.String()
}

func startLocal(tools string) (machine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: addresses of sockets are at most 108 bytes.
	dir, err := os.MkdirTemp("", "sc")
	if err != nil {
		return nil, err
	}
	m := &local{dir: dir, done: make(chan struct{})}
	units := filepath.Join(dir, "units")
	if err := os.Mkdir(units, 0o755); err != nil {
		return nil, err
	}
	base, err := writeBase(units)
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "rouse.sock")
	m.stage = &stage{
		Dir: filepath.Join(dir, "s"), Units: units, Act: self + " act", Base: base,
		Env: []string{"ROUSE_SOCKET=" + socket}, Path: filepath.Join(tools, "systemctl"),
	}
	m.cmd = exec.Command(filepath.Join(tools, "roused"), "--user", "--socket", socket,
		"--log-target", "console")
	m.cmd.Stdout, m.cmd.Stderr = &m.said, &m.said
	// Under the race detector, programs take a second to end, if they are not told otherwise.
	m.cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "SYSTEMD_UNIT_PATH="+units,
		"GORACE=atexit_sleep_ms=0")
	m.cmd.WaitDelay = time.Second
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = m.cmd.Wait()
		close(m.done)
	}()
	if err := m.stage.ready(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, m.end())
	}
	return m, nil
}

// ready waits until the manager has started up.
func (s *stage) ready() error {
	d := &driver{stage: s}
	out := ""
	if err := await(patience, func() bool {
		out, _ = d.client("is-system-running")
		out = strings.TrimSpace(out)
		return out == "running" || out == "degraded"
	}); err != nil {
		return fmt.Errorf("the manager is not up: %w: %s", err, out)
	}
	return nil
}

func (m *local) play(sc *scenario) (got [][]string, err error) {
	err = m.stage.drive(sc, func(lines []string) { got = append(got, lines) })
	if err != nil || !sc.ends() {
		return got, err
	}
	end, err := ending(sc, m.stage.Dir, m.done, m.cmd)
	return append(got, end), err
}

// ending plays the last step, which makes a file that the manager ends after, and
// shows how it did.
func ending(
	sc *scenario, dir string, done <-chan struct{}, cmd *exec.Cmd,
) (lines []string, err error) {
	_, name, _ := strings.Cut(sc.Steps[len(sc.Steps)-1].Line, " ")
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
		return nil, err
	}
	select {
	case <-done:
		return []string{cmd.ProcessState.String()}, nil
	case <-time.After(2 * patience):
		return []string{"not ended"}, nil
	}
}

// ends says that the last step ends the manager.
func (s *scenario) ends() bool {
	return len(s.Steps) > 0 && strings.HasPrefix(s.Steps[len(s.Steps)-1].Line, "ended ")
}

func (m *local) end() string {
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(patience, func() { _ = m.cmd.Process.Kill() })
	defer late.Stop()
	<-m.done
	if err := os.RemoveAll(m.dir); err != nil {
		return err.Error()
	}
	return m.said.String()
}
