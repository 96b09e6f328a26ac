package output_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rouse/internal/host/output"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// console is a terminal that can be looked at, and made slow.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newConsole() *console { return &console{more: make(chan struct{}, 1)} }

func (c *console) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text.Write(text)
	select {
	case c.more <- struct{}{}:
	default:
	}
	return len(text), nil
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// wait waits until the console shows just this.
func (c *console) wait(t *testing.T, want string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for c.String() != want {
		select {
		case <-c.more:
		case <-timeout:
			t.Fatalf("console:\n%s\nwant:\n%s", c, want)
		}
	}
}

type world struct {
	t       *testing.T
	console *console
	router  *output.Router
	dir     string
}

func start(t *testing.T) *world {
	w := &world{t: t, console: newConsole(), dir: t.TempDir()}
	w.router = output.New(output.Config{
		Console: w.console, Journal: filepath.Join(w.dir, "journal"),
		Log: func(line string) { t.Error(line) },
	})
	t.Cleanup(w.router.Close)
	return w
}

func (w *world) open(x unit.Exec) *output.Streams {
	w.t.Helper()
	s, err := w.router.Open(w.request(x))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

func (w *world) request(x unit.Exec) output.Request {
	x.SyslogFacility, x.SyslogLevel, x.SyslogLevelPrefix = 3, 6, true
	if x.UMask == 0 {
		x.UMask = 0o022
	}
	return output.Request{Unit: "web.service", Exec: &x, Identifier: "webd", Socket: -1}
}

// process starts a shell with the streams, as a service would be.
func (w *world) process(s *output.Streams, script string) *os.Process {
	w.t.Helper()
	var files []*os.File
	for _, fd := range []int{s.In, s.Out, s.Err} {
		files = append(files, dup(w.t, fd))
	}
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", script}, &os.ProcAttr{Files: files})
	if err != nil {
		w.t.Skip(err)
	}
	for _, f := range files {
		f.Close()
	}
	return p
}

func TestConsole(t *testing.T) {
	w := start(t)
	s := w.open(unit.Exec{})
	if s.Out != s.Err {
		t.Error("error does not go where output goes")
	}
	s.Started(42)
	p := w.process(s, `echo one; echo '<3>two' >&2; printf 'three\n\nfour \033[1m\a'`)
	s.Close()
	p.Wait()
	w.console.wait(t, "web.service[42]: one\nweb.service[42]: two\nweb.service[42]: three\n"+
		"web.service[42]:\nweb.service[42]: four \x1b[1m\n")
}

// A line longer than the buffer is cut, none of it is lost.
func TestLongLine(t *testing.T) {
	w := start(t)
	s := w.open(unit.Exec{})
	p := w.process(s, "head -c 10000 /dev/zero | tr '\\0' x; echo; echo end")
	s.Close()
	p.Wait()
	const prefix = "web.service: "
	w.console.wait(t, prefix+strings.Repeat("x", 4096)+"\n"+prefix+strings.Repeat("x", 4096)+"\n"+
		prefix+strings.Repeat("x", 1808)+"\n"+prefix+"end\n")
}

// The console takes nothing: the service waits, and Open does not.
func TestSlowConsole(t *testing.T) {
	w := start(t)
	w.console.mu.Lock()
	s := w.open(unit.Exec{})
	p := w.process(s, "i=0; while [ $i -lt 5000 ]; do "+
		"echo 0123456789012345678901234567890; i=$((i+1)); done")
	s.Close()
	again := w.open(unit.Exec{})
	again.Close()
	w.console.mu.Unlock()
	p.Wait()
	w.router.Close()
	if n := strings.Count(w.console.String(), "\n"); n != 5000 {
		t.Errorf("%d lines, want 5000", n)
	}
}

// Over a re-exec no line is lost, split or doubled, and writers notice nothing.
func TestSuspendAndRestore(t *testing.T) {
	w := start(t)
	s := w.open(unit.Exec{})
	ended := w.open(unit.Exec{})
	gone := dup(t, ended.Out)
	fmt.Fprint(gone, "last words")
	gone.Close()
	ended.Close()
	w.console.wait(t, "web.service: last words\n")
	s.Started(7)
	service := dup(t, s.Out)
	s.Close()
	fmt.Fprint(service, "one\ntw")
	saved := w.router.Suspend()
	if len(saved) != 1 || saved[0].Unit != "web.service" || saved[0].PID != 7 {
		t.Fatalf("%+v", saved)
	}
	fmt.Fprint(service, "o\nthree\n")
	next := output.New(output.Config{Console: w.console})
	next.Restore(saved)
	service.Close()
	w.console.wait(t, "web.service: last words\nweb.service[7]: one\nweb.service[7]: two\n"+
		"web.service[7]: three\n")
	next.Close()
}

func TestFiles(t *testing.T) {
	w := start(t)
	path := filepath.Join(w.dir, "log")
	write := func(x unit.Exec, text string) {
		t.Helper()
		x.StdoutFile, x.StderrFile = path, path
		s := w.open(x)
		f := dup(t, s.Out)
		fmt.Fprint(f, text)
		f.Close()
		s.Close()
	}
	for _, c := range []struct {
		how        unit.Stdio
		text, want string
	}{
		{unit.StdioFile, "hello", "hello"},
		{unit.StdioFile, "J", "Jello"},
		{unit.StdioAppend, "!", "Jello!"},
		{unit.StdioTruncate, "new", "new"},
	} {
		write(unit.Exec{Stdout: c.how, UMask: 0o027}, c.text)
		if got, _ := os.ReadFile(path); string(got) != c.want {
			t.Errorf("%v: %q, want %q", c.how, got, c.want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	both := w.open(unit.Exec{
		Stdout: unit.StdioAppend, StdoutFile: path, Stderr: unit.StdioAppend, StderrFile: path,
	})
	if both.Out != both.Err {
		t.Error("one file is opened twice")
	}
	in := w.open(unit.Exec{Stdin: unit.StdioFile, StdinFile: path})
	if text, err := io.ReadAll(dup(t, in.In)); string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
	x := unit.Exec{Stdout: unit.StdioFile, StdoutFile: w.dir + "/no/log"}
	_, err := w.router.Open(w.request(x))
	if !errors.Is(err, os.ErrNotExist) ||
		!strings.Contains(err.Error(), "StandardOutput= of web.service") {
		t.Error(err)
	}
	_, err = w.router.Open(w.request(unit.Exec{Stdin: unit.StdioFile, StdinFile: w.dir + "/none"}))
	if !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestInput(t *testing.T) {
	w := start(t)
	for _, text := range []string{"a few bytes", strings.Repeat("many", 50000)} {
		s := w.open(unit.Exec{Stdin: unit.StdioData, StdinData: []byte(text)})
		if got, err := io.ReadAll(dup(t, s.In)); string(got) != text {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
	}
	s := w.open(unit.Exec{Stdin: unit.StdioSocket, Stdout: unit.StdioNull})
	if got, err := io.ReadAll(dup(t, s.In)); len(got) != 0 {
		t.Errorf("%q, %v from a socket that is not there", got, err)
	}
	fmt.Fprint(dup(t, s.Out), "into nothing")
}

// With Accept=yes the connection is input and, unless said otherwise, output.
func TestSocketAndNamed(t *testing.T) {
	w := start(t)
	r, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer pw.Close()
	fd := int(pw.Fd())
	q := w.request(unit.Exec{Stdin: unit.StdioSocket})
	q.Socket = fd
	s, err := w.router.Open(q)
	if err != nil || s.In != fd || s.Out != fd || s.Err != fd {
		t.Errorf("%+v, %v, want %d", s, err, fd)
	}
	s.Close()
	q = w.request(unit.Exec{Stdin: unit.StdioNull, Stdout: unit.StdioFD, StdoutFDName: "out"})
	q.Named = func(name string) int {
		if name == "out" {
			return fd
		}
		return -1
	}
	s, err = w.router.Open(q)
	if err != nil || s.Out != fd || s.Err != fd {
		t.Errorf("%+v, %v, want %d", s, err, fd)
	}
	s.Close()
	if _, err := fmt.Fprint(pw, "still open"); err != nil {
		t.Error(err)
	}
	q.Exec.StdoutFDName = "other"
	if _, err = w.router.Open(q); err == nil {
		t.Error("an unknown name")
	}
}

func TestJournal(t *testing.T) {
	w := start(t)
	l, err := net.Listen("unix", filepath.Join(w.dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	beside := w.dir + ".x"
	if err := os.Mkdir(beside, 0o755); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", filepath.Join(beside, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	read := func(x unit.Exec, text, want string) {
		t.Helper()
		s := w.open(x)
		from := l
		if x.LogNamespace != "" {
			from = other
		}
		conn, err := from.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		service := dup(t, s.Out)
		if id, err := sys.IDOf(s.Err); err != nil || s.Journal != id.String() {
			t.Errorf("JOURNAL_STREAM=%s, want %v", s.Journal, id)
		}
		s.Close()
		fmt.Fprint(service, text)
		service.Close()
		got, err := io.ReadAll(bufio.NewReader(conn))
		if string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	read(unit.Exec{}, "hello\n", "webd\nweb.service\n30\n1\n0\n0\n0\nhello\n")
	x := unit.Exec{}
	x.LogNamespace = "x"
	read(x, "hello\n", "webd\nweb.service\n30\n1\n0\n0\n0\nhello\n")
	x = unit.Exec{SyslogIdentifier: "me", Stdout: unit.StdioKmsgConsole}
	read(x, "", "me\nweb.service\n30\n1\n0\n1\n1\n")
	if w.console.String() != "" {
		t.Errorf("console: %s", w.console)
	}
}

func BenchmarkConsoleLines(b *testing.B) {
	r := output.New(output.Config{Console: io.Discard, Journal: "/nonexistent"})
	s, err := r.Open(output.Request{Unit: "a.service", Exec: &unit.Exec{}, Socket: -1})
	if err != nil {
		b.Fatal(err)
	}
	f := dup(b, s.Out)
	s.Close()
	for b.Loop() {
		io.WriteString(f, "a line as services write them, of sixty-four characters or so.\n")
	}
	f.Close()
	r.Close()
}

// dup gives a file of its own to what a descriptor is open on.
func dup(t testing.TB, fd int) *os.File {
	t.Helper()
	if fd < 0 { // whoever starts the process has it open
		f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	n, err := sys.DupAbove(fd, 3)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(n), "dup")
}
