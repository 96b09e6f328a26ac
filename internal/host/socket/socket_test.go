package socket_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
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
		unit.Listen{Kind: unit.ListenSpecial, Address: "/proc/self/mountinfo"},
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
}

func TestVSock(t *testing.T) {
	s := unset(unit.Listen{Kind: unit.ListenStream, Address: "vsock::54321"})
	set, err := socket.Open(s, socket.Config{})
	if err != nil {
		t.Skip(err)
	}
	defer set.Close()
	local, err := sys.Local(set.FDs[0])
	if err != nil || socket.Format(local) != s.Listen[0].Address {
		t.Errorf("bound to %s, %v", socket.Format(local), err)
	}
	// No machine has this number; it is refused when it is bound, not before.
	openFails(t, unset(unit.Listen{Kind: unit.ListenStream, Address: "vsock:77777:1"}),
		sys.EADDRNOTAVAIL)
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
	s.Listen = []unit.Listen{{Kind: unit.ListenFIFO, Address: filepath.Join(t.TempDir(), "fifo")}}
	for range 2 { // the second one finds what the first has given away
		fifo, err := socket.Open(s, socket.Config{
			Lookup: func(string, string) (int, int, error) { return 12345, 54321, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		fifo.Close()
	}
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
		case <-time.After(time.Minute):
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
	case <-time.After(time.Minute):
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

// openFails opens one thing, which must fail with that error.
func openFails(t *testing.T, s *unit.Socket, want error) {
	t.Helper()
	set, err := socket.Open(s, socket.Config{})
	if err == nil {
		set.Close()
	}
	if !errors.Is(err, want) {
		t.Errorf("listen on %v: %v, want %v", s.Listen, err, want)
	}
}

func TestMessageQueue(t *testing.T) {
	name := fmt.Sprintf("/rouse-test-%d", os.Getpid())
	s := unset(unit.Listen{Kind: unit.ListenMessageQueue, Address: name})
	s.SocketMode, s.RemoveOnStop = 0o640, true
	s.MessageQueueMaxMessages, s.MessageQueueMessageSize = 3, 100
	set, err := socket.Open(s, socket.Config{})
	if errors.Is(err, sys.ErrUnsupported) || errors.Is(err, sys.ENOSYS) || errors.Is(err, sys.EPERM) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	again := open(t, s) // one that is there already is taken, if it is alike
	s.RemoveOnStop = false
	again.Close()
	s.RemoveOnStop = true
	other := unset(s.Listen...)
	other.SocketMode = 0o600
	openFails(t, other, sys.EEXIST)
	if err := set.Close(); err != nil {
		t.Error(err)
	}
	if err := sys.RemoveQueue(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after RemoveOnStop=: %v", err)
	}
	text, err := os.ReadFile("/proc/sys/fs/mqueue/msg_max")
	if err != nil {
		t.Skip(err)
	}
	most, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s.MessageQueueMaxMessages = most
	open(t, s).Close()
	if os.Geteuid() != 0 { // root may have more
		s.MessageQueueMaxMessages = most + 1
		openFails(t, s, sys.EINVAL)
	}
	s.MessageQueueMaxMessages = 1 << 40
	openFails(t, s, sys.EINVAL)
	s.Listen[0].Address = "/a/b"
	openFails(t, s, sys.EACCES)
	s.Listen[0].Address = "/" + strings.Repeat("x", 256)
	openFails(t, s, sys.ENAMETOOLONG)
}

// A FIFO that is there must be like one that would be made.
func TestFIFOThere(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) *unit.Socket {
		return unset(unit.Listen{Kind: unit.ListenFIFO, Address: filepath.Join(dir, name)})
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	openFails(t, at("file"), sys.EEXIST)
	s := at("fifo")
	s.SocketMode, s.RemoveOnStop = 0o600, false
	open(t, s).Close()
	open(t, s).Close()
	openFails(t, at("fifo"), sys.EEXIST)
	if err := os.Symlink("fifo", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	openFails(t, at("link"), sys.EEXIST)
}

// Of special files only those are opened on which traffic can be waited for.
func TestSpecial(t *testing.T) {
	at := func(path string) *unit.Socket {
		return unset(unit.Listen{Kind: unit.ListenSpecial, Address: path})
	}
	openFails(t, at(t.TempDir()), sys.EEXIST)
	openFails(t, at("/nonexistent"), os.ErrNotExist)
	if runtime.GOOS != "linux" {
		t.Skip("no files of the kernel to wait for")
	}
	openFails(t, at("/dev/null"), sys.EPERM)
	openFails(t, at("/etc/passwd"), sys.EPERM)
	open(t, at("/proc/self/mountinfo")).Close()
	s := at("/proc/self/mountinfo")
	if s.Writable = true; os.Geteuid() != 0 {
		openFails(t, s, sys.EACCES)
	}
}

// A directory stands for the FunctionFS here: what is written to its control file is
// what the kernel would be told.
func TestUSBFunction(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	functions := filepath.Join(dir, "ffs")
	if err := os.Mkdir(functions, 0o700); err != nil {
		t.Fatal(err)
	}
	s := unset(unit.Listen{Kind: unit.ListenUSBFunction, Address: functions})
	openFails(t, s, os.ErrNotExist)
	for _, name := range []string{"ffs/ep0", "ffs/ep2", "ffs/ep1", "ffs/.hidden"} {
		write(name, "")
	}
	set, err := socket.Open(s, socket.Config{
		Descriptors: write("descriptors", "what it is, "), Strings: write("strings", "in words"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if len(set.FDs) != 3 || len(set.Watched) != 1 || set.Watched[0] != set.FDs[0] {
		t.Errorf("descriptors %v, watched %v; want 3 and the first", set.FDs, set.Watched)
	}
	text, err := os.ReadFile(filepath.Join(functions, "ep0"))
	if err != nil || string(text) != "what it is, in words" {
		t.Errorf("%q, %v", text, err)
	}
	bad := socket.Config{Descriptors: filepath.Join(dir, "absent")}
	if _, err := socket.Open(s, bad); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without descriptors: %v", err)
	}
}

// Netlink families have names or numbers; the kernel knows which there are.
func TestNetlinkNumbers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no netlink")
	}
	for _, address := range []string{"15 0", "kobject-uevent 1", "route 0"} {
		open(t, unset(unit.Listen{Kind: unit.ListenNetlink, Address: address})).Close()
	}
	s := unset(unit.Listen{Kind: unit.ListenNetlink, Address: "99 1"})
	openFails(t, s, sys.EPROTONOSUPPORT)
	s.Listen[0].Address = "route 4294967296"
	if _, err := socket.Open(s, socket.Config{}); err == nil {
		t.Error("a group of 33 bits")
	}
}
