package socket_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"rouse/internal/host/socket"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// unset is a socket unit as the loader leaves it: with the defaults.
func unset(listen ...unit.Listen) *unit.Socket {
	return &unit.Socket{
		Listen: listen, Backlog: 1<<32 - 1, SocketMode: 0o666, DirectoryMode: 0o755,
		Priority: -1, IPTOS: -1, IPTTL: -1, Mark: -1,
	}
}

func open(t *testing.T, s *unit.Socket) *socket.Set {
	t.Helper()
	set, err := socket.Open(s, socket.Config{Log: func(line string) { t.Error(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// freePort finds a port of IPv4 that nobody has.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func option(t *testing.T, fd int, o sys.Option) int {
	t.Helper()
	v, err := sys.GetOption(fd, o)
	if err != nil {
		t.Errorf("%v: %v", o, err)
	}
	return v
}

// Directories, modes, a stale socket in the way, symlinks, and their removal.
func TestPath(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a/b/sock")
	link := filepath.Join(dir, "c/link")
	s := unset(unit.Listen{Kind: unit.ListenStream, Address: path})
	s.SocketMode, s.DirectoryMode = 0o620, 0o711
	s.Symlinks, s.RemoveOnStop = []string{link}, true
	first, err := socket.Open(s, socket.Config{})
	if err != nil {
		t.Fatal(err)
	}
	set := open(t, s) // takes the place of the first
	defer first.Close()
	for _, c := range []struct {
		path string
		mode os.FileMode
	}{
		{path, 0o620 | os.ModeSocket},
		{filepath.Dir(path), 0o711 | os.ModeDir},
		{filepath.Join(dir, "a"), 0o711 | os.ModeDir},
		{filepath.Join(dir, "c"), 0o711 | os.ModeDir},
	} {
		if info, err := os.Lstat(c.path); err != nil || info.Mode() != c.mode {
			t.Errorf("%s: %v, %v, want %v", c.path, info.Mode(), err, c.mode)
		}
	}
	if to, err := os.Readlink(link); to != path {
		t.Errorf("symlink to %q, %v", to, err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := socket.Accept(set.FDs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := fmt.Sprintf("%d-%d", os.Getpid(), os.Getuid())
	if runtime.GOOS == "linux" && c.Instance != want {
		t.Errorf("instance %s, want %s", c.Instance, want)
	}
	if c.RemoteAddr != "" || c.Source != "" {
		t.Errorf("%+v", c)
	}
	if _, err := socket.Accept(set.FDs[0]); !errors.Is(err, sys.EAGAIN) {
		t.Errorf("a second connection: %v", err)
	}
	if err := set.Close(); err != nil {
		t.Error(err)
	}
	for _, p := range []string{path, link} {
		if _, err := os.Lstat(p); err == nil {
			t.Errorf("%s is still there", p)
		}
	}
}

// What is there and no socket is left alone, and nothing stays open.
func TestInTheWay(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, k := range []unit.ListenKind{unit.ListenStream, unit.ListenFIFO} {
		s := unset(unit.Listen{Kind: k, Address: file})
		if _, err := socket.Open(s, socket.Config{}); err == nil {
			t.Errorf("%v on a regular file", k)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTCP(t *testing.T) {
	port := freePort(t)
	s := unset(unit.Listen{Kind: unit.ListenStream, Address: fmt.Sprintf("127.0.0.1:%d", port)})
	s.NoDelay, s.KeepAlive, s.KeepAliveProbes = true, true, 5
	s.KeepAliveTime, s.KeepAliveInterval = 1500000, 3000000
	s.ReusePort, s.IPTOS, s.IPTTL, s.Priority = true, 0x10, 33, 3
	s.ReceiveBuffer, s.SendBuffer = 16384, 16384
	s.FreeBind, s.DeferAccept, s.TCPCongestion = true, 0, "cubic"
	if runtime.GOOS != "linux" {
		s.KeepAliveProbes, s.KeepAliveTime, s.KeepAliveInterval = 0, 0, 0
		s.Priority, s.FreeBind, s.TCPCongestion = -1, false, ""
	}
	set, err := socket.Open(s, socket.Config{Log: func(line string) {
		if !strings.Contains(line, "TCPCongestion") { // a module that may be missing
			t.Error(line)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if runtime.GOOS == "linux" {
		for o, want := range map[sys.Option]int{
			sys.NoDelay: 1, sys.KeepAlive: 1, sys.KeepAliveProbes: 5, sys.KeepAliveTime: 2,
			sys.KeepAliveInterval: 3, sys.ReusePort: 1, sys.TypeOfService: 0x10,
			sys.TimeToLive: 33, sys.FreeBind: 1, sys.ReceiveBuffer: 32768,
			sys.Priority: 6, // not 3: setting IPTOS= changes it, after Priority= as in systemd
		} {
			if got := option(t, set.FDs[0], o); got != want {
				t.Errorf("%v is %d, want %d", o, got, want)
			}
		}
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := socket.Accept(set.FDs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	local := conn.LocalAddr().(*net.TCPAddr)
	if want := fmt.Sprintf("127.0.0.1:%d-127.0.0.1:%d", port, local.Port); c.Instance != want {
		t.Errorf("instance %s, want %s", c.Instance, want)
	}
	if c.RemoteAddr != "127.0.0.1" || c.RemotePort != fmt.Sprint(local.Port) ||
		c.Source != "127.0.0.1" {
		t.Errorf("%+v", c)
	}
}

// A port alone is open to IPv4 and, where there is one, IPv6.
func TestPortAlone(t *testing.T) {
	port := freePort(t)
	set := open(t, unset(unit.Listen{Kind: unit.ListenStream, Address: fmt.Sprint(port)}))
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, err := socket.Accept(set.FDs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.RemoteAddr != "127.0.0.1" {
		t.Errorf("%+v", c)
	}
	if conn, err := net.Dial("tcp", fmt.Sprintf("[::1]:%d", port)); err == nil {
		defer conn.Close()
		c, err := socket.Accept(set.FDs[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		remote := conn.LocalAddr().(*net.TCPAddr).Port
		if want := fmt.Sprintf("::1:%d-::1:%d", port, remote); c.Instance != want {
			t.Errorf("instance %s, want %s", c.Instance, want)
		}
	}
}

func TestIPv6Only(t *testing.T) {
	s := unset(unit.Listen{Kind: unit.ListenDatagram, Address: fmt.Sprintf("[::]:%d", freePort(t))})
	s.BindIPv6Only = unit.BindIPv6Only_
	set, err := socket.Open(s, socket.Config{})
	if err != nil {
		t.Skip(err)
	}
	defer set.Close()
	if local, err := sys.Local(set.FDs[0]); err == nil && local.IP.Addr().Is4() {
		t.Skip("no IPv6 here")
	}
	if option(t, set.FDs[0], sys.OnlyIPv6) != 1 {
		t.Error("takes IPv4 too")
	}
}

func TestAbstractAndOthers(t *testing.T) {
	name := fmt.Sprintf("@rouse-test-%d", os.Getpid())
	fifo := filepath.Join(t.TempDir(), "d/fifo")
	s := unset(
		unit.Listen{Kind: unit.ListenSequentialPacket, Address: name},
		unit.Listen{Kind: unit.ListenDatagram, Address: name + "d"},
		unit.Listen{Kind: unit.ListenFIFO, Address: fifo},
		unit.Listen{Kind: unit.ListenSpecial, Address: "/dev/null"},
	)
	if !sys.HaveAbstract {
		_, err := socket.Open(s, socket.Config{})
		if !errors.Is(err, sys.ErrUnsupported) {
			t.Error(err)
		}
		return
	}
	s.PassCredentials, s.SocketMode, s.PipeSize = false, 0o600, 4096
	set := open(t, s)
	if len(set.FDs) != 4 {
		t.Fatalf("%d descriptors", len(set.FDs))
	}
	if info, err := os.Lstat(fifo); err != nil || info.Mode() != os.ModeNamedPipe|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for i, want := range []bool{true, false, false, false} {
		if _, listening := sys.IsSocket(set.FDs[i]); listening != want {
			t.Errorf("descriptor %d listens: %v", i, listening)
		}
	}
	for _, l := range []unit.Listen{
		{Kind: unit.ListenMessageQueue, Address: "/q"}, {Kind: unit.ListenUSBFunction, Address: "/x"},
	} {
		if _, err := socket.Open(unset(l), socket.Config{}); !errors.Is(err, sys.ErrUnsupported) {
			t.Errorf("%v: %v", l.Kind, err)
		}
	}
}

func TestNetlink(t *testing.T) {
	l := unit.Listen{Kind: unit.ListenNetlink, Address: "route 1"}
	set, err := socket.Open(unset(l), socket.Config{})
	if err != nil {
		t.Skip(err)
	}
	set.Close()
}

func TestOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	path := filepath.Join(t.TempDir(), "sock")
	s := unset(unit.Listen{Kind: unit.ListenStream, Address: path})
	s.SocketUser, s.SocketGroup = "someone", "some"
	set, err := socket.Open(s, socket.Config{Lookup: func(user, group string) (int, int, error) {
		if user != "someone" || group != "some" {
			return 0, 0, errors.New("who?")
		}
		return 12345, 54321, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	info, err := os.Lstat(path)
	if got := fmt.Sprintf("%v", info.Sys()); err != nil || !strings.Contains(got, "12345 54321") {
		t.Errorf("%v, %v", got, err)
	}
}

func TestPollerAndFlush(t *testing.T) {
	type traffic struct {
		unit string
		fd   int
	}
	seen := make(chan traffic, 10)
	p, err := socket.NewPoller(func(unit string, fd int) { seen <- traffic{unit, fd} })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	dir := t.TempDir()
	a := open(t, unset(unit.Listen{Kind: unit.ListenStream, Address: filepath.Join(dir, "a")},
		unit.Listen{Kind: unit.ListenDatagram, Address: filepath.Join(dir, "d")}))
	b := open(t, unset(unit.Listen{Kind: unit.ListenStream, Address: filepath.Join(dir, "b")}))
	dial := func(name, network string) {
		t.Helper()
		conn, err := net.Dial(network, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		io.WriteString(conn, "x")
	}
	want := func(w traffic) {
		t.Helper()
		select {
		case got := <-seen:
			if got != w {
				t.Errorf("traffic for %v, want %v", got, w)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no traffic for %v", w)
		}
	}
	p.Watch("a.socket", a.FDs)
	p.Watch("b.socket", b.FDs)
	dial("a", "unix")
	want(traffic{"a.socket", a.FDs[0]})
	dial("a", "unix") // no longer watched
	dial("b", "unix")
	want(traffic{"b.socket", b.FDs[0]})
	p.Watch("b.socket", b.FDs) // what came before is still there
	want(traffic{"b.socket", b.FDs[0]})
	for _, fd := range append(a.FDs, b.FDs...) {
		if err := sys.SetNonblock(fd, false); err != nil { // as services leave it
			t.Error(err)
		}
		if err := socket.Flush(fd); err != nil {
			t.Error(err)
		}
	}
	p.Watch("a.socket", a.FDs)
	p.Watch("b.socket", b.FDs)
	p.Unwatch("b.socket")
	dial("b", "unix")
	dial("d", "unixgram")
	want(traffic{"a.socket", a.FDs[1]})
	if len(seen) > 0 {
		t.Errorf("more traffic: %v", <-seen)
	}
}

func BenchmarkAccept(b *testing.B) {
	path := filepath.Join(b.TempDir(), "sock")
	l := unit.Listen{Kind: unit.ListenStream, Address: path}
	set, err := socket.Open(unset(l), socket.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	for b.Loop() {
		conn, err := net.Dial("unix", path)
		if err != nil {
			b.Fatal(err)
		}
		c, err := socket.Accept(set.FDs[0])
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
		conn.Close()
	}
}

// The loss of the other end is noticed, traffic is not.
func TestHangups(t *testing.T) {
	lost := make(chan string, 4)
	p, err := socket.NewHangups(func(unit string, _ int) { lost <- unit })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p.Watch("file", []int{int(file.Fd())})
	p.Watch("pipe", []int{int(read.Fd())})
	if _, err := write.WriteString("traffic"); err != nil {
		t.Fatal(err)
	}
	select {
	case unit := <-lost:
		t.Errorf("traffic is taken for the loss of %s", unit)
	case <-time.After(20 * time.Millisecond):
	}
	write.Close()
	select {
	case unit := <-lost:
		if unit != "pipe" {
			t.Errorf("lost %s", unit)
		}
	case <-time.After(10 * time.Second):
		t.Error("the loss is not noticed")
	}
}

func TestSameFile(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	twin, err := sys.DupAbove(int(r.Fd()), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.CloseFD(twin)
	if !sys.SameFile(int(r.Fd()), twin) || !sys.SameFile(twin, twin) {
		t.Error("a duplicate is not the same file")
	}
	if sys.SameFile(int(r.Fd()), int(w.Fd())) || sys.SameFile(twin, -1) {
		t.Error("the ends of a pipe are the same file, or one is that of nothing")
	}
}
