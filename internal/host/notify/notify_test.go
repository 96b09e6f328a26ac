package notify_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rouse/internal/host/notify"
	"rouse/internal/host/sys"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  []notify.Field
		notes int
		ok    bool
	}{
		{"READY=1", []notify.Field{{"READY", "1"}}, 0, true},
		{"READY=1\nSTATUS=a=b c\n", []notify.Field{{"READY", "1"}, {"STATUS", "a=b c"}}, 0, true},
		{"A=1\r\nB=2\rC=\x01\t", []notify.Field{{"A", "1"}, {"B", "2"}, {"C", "\x01\t"}}, 0, true},
		{"READY=1\x00", []notify.Field{{"READY", "1"}}, 0, true},
		{"X_Y=\n\n\nZ=1", []notify.Field{{"X_Y", ""}, {"Z", "1"}}, 0, true},
		{"READY=1\x00\x00", nil, 0, false},
		{"A\x00=1", nil, 0, false},
		{"STATUS=\xff\nREADY=1", []notify.Field{{"STATUS", ""}, {"READY", "1"}}, 1, true},
		{"FDNAME=\xff\nREADY=1", []notify.Field{{"READY", "1"}}, 1, true},
		{"READY\n=1\nA=b", []notify.Field{{"A", "b"}}, 2, true},
		{"", nil, 0, true},
	} {
		got, notes, err := notify.Parse([]byte(c.text))
		if !reflect.DeepEqual(got, c.want) || len(notes) != c.notes || (err == nil) != c.ok {
			t.Errorf("Parse(%q) = %v, %q, %v", c.text, got, notes, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("READY=1\nSTATUS=x\nFDSTORE=1\nFDNAME=a"))
	f.Add([]byte("A\x00=1"))
	f.Add([]byte("\xff=\n="))
	f.Fuzz(func(t *testing.T, text []byte) {
		fields, _, err := notify.Parse(text)
		if err != nil {
			return
		}
		// Printed again it is the same message.
		var b bytes.Buffer
		for _, f := range fields {
			b.WriteString(f.Key + "=" + f.Value + "\n")
		}
		again, notes, err := notify.Parse(b.Bytes())
		if err != nil || len(notes) > 0 || !reflect.DeepEqual(fields, again) {
			t.Errorf("%q: %v, again %v, %v %v", text, fields, again, notes, err)
		}
	})
}

type world struct {
	t        *testing.T
	path     string
	messages chan *notify.Message
	lines    chan string
	conn     *net.UnixConn
}

func start(t *testing.T) *world {
	w := &world{
		t: t, path: filepath.Join(t.TempDir(), "notify"),
		messages: make(chan *notify.Message, 100), lines: make(chan string, 100),
	}
	l, err := notify.Listen(notify.Config{
		Path:    w.path,
		Deliver: func(m *notify.Message) { w.messages <- m },
		Log:     func(line string) { w.lines <- line },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if len(w.lines) > 0 {
			t.Errorf("after all: %s", <-w.lines)
		}
		if _, err := os.Lstat(w.path); err == nil {
			t.Error("the socket is still there")
		}
	})
	w.conn, err = net.DialUnix("unixgram", nil, &net.UnixAddr{Name: w.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.conn.Close() })
	return w
}

func (w *world) send(text string) {
	w.t.Helper()
	if _, err := w.conn.Write([]byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

func take[T any](w *world, from chan T) (v T) {
	w.t.Helper()
	select {
	case v = <-from:
	case <-time.After(time.Minute):
		w.t.Fatal("nothing came")
	}
	return v
}

func TestSender(t *testing.T) {
	w := start(t)
	w.send("READY=1\nMAINPID=7")
	m := take(w, w.messages)
	defer m.Done()
	if v, _ := m.Get("MAINPID"); v != "7" || m.Barrier || len(m.FDs) != 0 {
		t.Errorf("%+v", m)
	}
	if runtime.GOOS == "linux" && (m.PID != os.Getpid() || m.UID != os.Getuid() || !m.HasSender) {
		t.Errorf("sender %d of user %d, want %d of %d", m.PID, m.UID, os.Getpid(), os.Getuid())
	}
	info, err := os.Stat(w.path)
	if err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What is refused leaves a line behind, and what comes after it is received.
func TestRefused(t *testing.T) {
	w := start(t)
	for _, c := range []struct{ text, why string }{
		{"STATUS=" + strings.Repeat("x", 4090), "longer than 4096 bytes"},
		{"STATUS=" + strings.Repeat("x", 9000), "longer than 4096 bytes"},
		{"A=1\x00B=2", "NUL"},
		{"BARRIER=1", "0 descriptors"},
		{"BARRIER=1\nREADY=1", "not alone"},
	} {
		w.send(c.text)
		if line := take(w, w.lines); !strings.Contains(line, c.why) {
			t.Errorf("line %q, want one about %q", line, c.why)
		}
	}
	w.send("STATUS=" + strings.Repeat("x", 4089))
	take(w, w.messages).Done()
}

// sendFiles sends descriptors along.
func (w *world) sendFiles(text string, files ...*os.File) {
	w.t.Helper()
	conn, err := w.conn.File()
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	if err := sys.Send(conn, []byte(text), files...); err != nil {
		w.t.Fatal(err)
	}
}

func TestFilesAndBarrier(t *testing.T) {
	w := start(t)
	r, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w.sendFiles("FDSTORE=1\nFDNAME=pipe", pw)
	m := take(w, w.messages)
	if len(m.FDs) != 1 {
		t.Fatalf("%d files came along", len(m.FDs))
	}
	kept := os.NewFile(uintptr(m.FDs[0]), "kept")
	m.FDs[0] = -1
	m.Done()
	if _, err := kept.WriteString("hello"); err != nil {
		t.Error(err)
	}
	kept.Close()

	w.sendFiles("BARRIER=1", pw)
	pw.Close()
	m = take(w, w.messages)
	if !m.Barrier {
		t.Error("not taken for a barrier")
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(r, buf); err != nil || string(buf) != "hello" {
		t.Errorf("%q, %v", buf, err)
	}
	m.Done()
	if n, err := r.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("the barrier was not closed: %d, %v", n, err)
	}
}

// A flood of descriptors makes its sender wait, not the manager run out of them.
func TestFlood(t *testing.T) {
	w := start(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	files := make([]*os.File, sys.MaxFDs)
	for i := range files {
		files[i] = null
	}
	const messages = 9
	sent := make(chan error, 1)
	go func() {
		var err error
		for range messages {
			conn, e := w.conn.File()
			if e != nil {
				err = e
				break
			}
			err = errors.Join(err, sys.Send(conn, []byte("FDSTORE=1"), files...))
			conn.Close()
		}
		sent <- err
	}()
	var pending []*notify.Message
	for range 3 { // the third finds too many; after it nothing is taken in
		pending = append(pending, take(w, w.messages))
	}
	select {
	case m := <-w.messages:
		t.Errorf("another message with %d descriptors came", len(m.FDs))
	case <-time.After(50 * time.Millisecond):
	}
	for _, m := range pending {
		m.Done()
	}
	for range messages - len(pending) {
		m := take(w, w.messages)
		if len(m.FDs) != sys.MaxFDs {
			t.Errorf("%d descriptors, want %d", len(m.FDs), sys.MaxFDs)
		}
		m.Done()
	}
	if err := take(w, sent); err != nil {
		t.Error(err)
	}
}

// Where no more descriptors can be had, a message with some is refused, and the next
// one without is received.
func TestNoDescriptors(t *testing.T) {
	w := start(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	files := make([]*os.File, 100)
	for i := range files {
		files[i] = null
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := was
	few.Cur = 60
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		t.Skip(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	w.sendFiles("FDSTORE=1", files...)
	if line := take(w, w.lines); !strings.Contains(line, "more descriptors") {
		t.Errorf("line %q", line)
	}
	w.send("READY=1")
	take(w, w.messages).Done()
	w.sendFiles("FDSTORE=1", files[:10]...) // those of the first are closed again
	m := take(w, w.messages)
	if len(m.FDs) != 10 {
		t.Errorf("%d descriptors came", len(m.FDs))
	}
	m.Done()
}

// The tool of systemd waits for its barrier.
func TestSystemdNotify(t *testing.T) {
	tool, err := exec.LookPath("systemd-notify")
	if err != nil {
		t.Skip(err)
	}
	w := start(t)
	cmd := exec.Command(tool, "--ready", "--status=well")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+w.path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := take(w, w.messages)
	if v, _ := m.Get("STATUS"); v != "well" {
		t.Errorf("%+v", m)
	}
	m.Done()
	barrier := take(w, w.messages)
	if !barrier.Barrier {
		t.Errorf("%+v", barrier)
	}
	barrier.Done()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func BenchmarkReceive(b *testing.B) {
	path := filepath.Join(b.TempDir(), "notify")
	got := make(chan struct{}, 1)
	l, err := notify.Listen(notify.Config{
		Path:    path,
		Deliver: func(m *notify.Message) { m.Done(); got <- struct{}{} },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for b.Loop() {
		conn.Write([]byte("WATCHDOG=1"))
		<-got
	}
}
