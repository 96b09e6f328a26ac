package manager

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rouse/internal/engine"
	"rouse/internal/host/notify"
	"rouse/internal/host/sys"
	"rouse/internal/unit/load"
	"rouse/internal/unit/value"
)

// storeService writes what it was given to a file, leaves descriptors with the
// manager, and is ready when the manager has dealt with that.
func storeService(args []string) error {
	end := signals(syscall.SIGTERM)
	given := "names=" + os.Getenv("LISTEN_FDNAMES") + " max=" + os.Getenv("FDSTORE")
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	for i := range n {
		text := make([]byte, 4)
		k, err := os.NewFile(uintptr(3+i), "given").ReadAt(text, 0)
		if err != nil {
			k = 0
		}
		given += fmt.Sprintf(" %q", text[:k])
	}
	if err := appendLine([]string{args[0], given}); err != nil {
		return err
	}
	file, err := os.Open(args[1])
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	lost, lose, err := os.Pipe()
	if err != nil {
		return err
	}
	err = errors.Join(
		sendFiles("FDSTORE=1\nFDNAME=file", file, file),
		sendFiles("FDSTORE=1", r), // lost with this process, which has the other end
		sendFiles("FDSTORE=1\nFDPOLL=0\nFDNAME=lost", lost),
		lose.Close(),
		sendFiles("STATUS=nothing is stored", w),
		barrier(),
		notifyManager("READY=1"))
	if err != nil {
		return err
	}
	<-end
	return nil
}

func sendFiles(text string, files ...*os.File) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	f, err := conn.(*net.UnixConn).File()
	if err != nil {
		return err
	}
	defer f.Close()
	return sys.Send(f, []byte(text), files...)
}

// barrier waits until all that was sent before has been dealt with.
func barrier() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := errors.Join(sendFiles("BARRIER=1", w), w.Close()); err != nil {
		return err
	}
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := r.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the barrier does not end: %v", err)
	}
	return nil
}

func (f *fixture) lines(name string) []string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// What a service leaves comes back at its next start, once, unless it has been hung
// up; a stop releases it.
func TestDescriptorStore(t *testing.T) {
	f := begin(t, map[string]string{
		"s.service": "[Service]\nType=notify\nExecStart=SELF store DIR/given DIR/text\n" +
			"FileDescriptorStoreMax=3\nRestart=always\nRestartSec=0\n",
		"text": "text",
	})
	stored := func(want int) {
		t.Helper()
		if got := f.property("s.service", "NFileDescriptorStore"); got != uint32(want) {
			t.Errorf("%v descriptors stored, want %d", got, want)
		}
	}
	f.want("start", "s.service", "done")
	stored(3)
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Kill(f.context(), "s.service", "main", value.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.until(events, is("s.service", "auto-restart"))
	f.until(events, is("s.service", "running"))
	f.want("stop", "s.service", "done")
	stored(0)
	f.want("start", "s.service", "done")
	stored(3)
	f.want("stop", "s.service", "done")
	stored(0)
	if n := openOn(filepath.Join(f.dir, "text")); n > 0 {
		t.Errorf("%d descriptors are still open", n)
	}
	given := f.lines("given")
	if len(given) != 3 || given[0] != "names= max=3" || given[2] != given[0] {
		t.Errorf("%q", given)
	}
	// The pipe is hung up when its service dies, which may be noticed too late.
	switch given[1] {
	case `names=lost:file max=3 "" "text"`, `names=lost:stored:file max=3 "" "" "text"`:
	default:
		t.Errorf("%q", given[1])
	}
}

// openOn counts this process's descriptors of a file; it finds none without /proc.
func openOn(path string) (n int) {
	list, _ := os.ReadDir("/proc/self/fd")
	for _, l := range list {
		if to, err := os.Readlink("/proc/self/fd/" + l.Name()); err == nil && to == path {
			n++
		}
	}
	return n
}

// More than half of the manager's own descriptors are not stored, whatever
// FileDescriptorStoreMax= says.
func TestDescriptorStoreFull(t *testing.T) {
	m := New(Config{Console: &console{up: make(chan struct{})}})
	for i := range m.storeRoom() {
		m.stored[engine.Handle(i+1)] = &storedFD{fd: -1}
	}
	m.lastHandle = engine.Handle(len(m.stored))
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	m.closeFDs([]engine.Handle{1})
	for i, want := range []int{1, 0} {
		msg := storing(t, null)
		if got := m.takeFDs(msg, "a.service"); len(got) != want {
			t.Errorf("%d descriptors taken the %d. time, want %d", len(got), i+1, want)
		}
		msg.Done()
	}
	m.dropFDs([]engine.Handle{m.lastHandle}) // the engine did not want it
	if m.stored[m.lastHandle] != nil {
		t.Error("what the engine did not want is stored")
	}
}

// storing is a message that stores a duplicate of the file.
func storing(t *testing.T, f *os.File) *notify.Message {
	t.Helper()
	fd := -1
	err := sys.OnFile(f, func(own int) (err error) { fd, err = sys.DupAbove(own, 3); return err })
	if err != nil {
		t.Fatal(err)
	}
	return &notify.Message{Fields: []notify.Field{{Key: "FDSTORE", Value: "1"}}, FDs: []int{fd}}
}

// TestSupervisor: whoever has started the manager is told when it is up, and when it ends.
func TestSupervisor(t *testing.T) {
	dir, err := os.MkdirTemp("", "rouse") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f := begin(t, map[string]string{
		"basic.target": "[Unit]\n", "default.target": "[Unit]\nRequires=basic.target\n",
	}, func(c *Config, _ *load.Config) { c.Supervisor = at.Name })
	if err := f.Shutdown(f.context(), "exit", 0); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 4096)
	for _, want := range []string{
		"READY=1\nSTATUS=Reached basic.target.", "READY=1\nSTATUS=Startup finished in ",
		"STOPPING=1\nSTATUS=Shutting down.",
	} {
		n, err := conn.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), want) {
			t.Fatalf("told %q, %v, want %q", buf[:n], err, want)
		}
	}
}
