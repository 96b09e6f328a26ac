package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rouse/internal/host/cgroup"
	"rouse/internal/host/sys"
	"rouse/internal/host/sys/bpf"
	"rouse/internal/unit"
)

// TestMain is also what is run in a control group: it does one thing, and says how that
// went.
func TestMain(m *testing.M) {
	what := strings.Fields(os.Getenv("ROUSE_TEST_DO"))
	if len(what) == 0 {
		os.Exit(m.Run())
	}
	var err error
	switch what[0] {
	case "read", "write":
		mode := os.O_RDONLY
		if what[0] == "write" {
			mode = os.O_WRONLY
		}
		_, err = os.OpenFile(what[1], mode, 0)
	case "send":
		var c net.Conn
		if c, err = net.Dial("udp", what[1]); err == nil {
			_, err = c.Write([]byte("hello"))
		}
	case "receive":
		err = receive(what[1])
	case "bind":
		var l net.PacketConn
		if l, err = net.ListenPacket("udp", what[1]); err == nil {
			l.Close()
		}
	}
	var errno syscall.Errno
	switch {
	case err == nil:
		fmt.Print("ok")
	case errors.As(err, &errno):
		fmt.Print(errno.Error())
	default:
		fmt.Print(err)
	}
	os.Exit(0)
}

// receive sends a packet to itself and waits for it.
func receive(address string) error {
	l, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	c, err := net.Dial("udp", l.LocalAddr().String())
	if err != nil {
		return err
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		return err
	}
	if err := l.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, _, err = l.ReadFrom(make([]byte, 10))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("nothing came")
	}
	return err
}

// A stage is a control group of the kernel, and how to do things in it.
type stage struct {
	t     *testing.T
	group cgroup.Group
	dir   string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	root := path.Join("/", fmt.Sprintf("rouse-test-%d", os.Getpid()))
	tracker, err := cgroup.Open(cgroup.Config{
		Kind: cgroup.V2, Root: root, Log: func(line string) { t.Log(line) },
	})
	if err != nil {
		t.Skip(err)
	}
	g, err := tracker.Unit("x.service", "")
	if err != nil {
		t.Skip(err)
	}
	s := &stage{t: t, group: g, dir: tracker.UnifiedDir() + "/x.service"}
	t.Cleanup(func() {
		g.Remove()
		tracker.Close()
		os.Remove(s.dir)
		os.Remove(tracker.UnifiedDir() + "/init.scope")
		os.Remove(tracker.UnifiedDir())
	})
	return s
}

// control tells the group what the unit says, or skips where the kernel does not let us.
func (s *stage) control(lines string, above ...*unit.Unit) {
	s.t.Helper()
	q := &Request{Unit: parse(s.t, "x.service", lines), Slices: above, Log: s.t.Logf}
	err := s.group.Control(For(q))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) {
		s.t.Skip(err)
	}
	if err != nil {
		s.t.Error(err)
	}
}

// do does one thing in the group, and checks how it went.
func (s *stage) do(what, want string) {
	s.t.Helper()
	out, err := s.output(what)
	if err != nil {
		s.t.Skip(err)
	}
	if out != want {
		s.t.Errorf("%s: %s, want %s", what, out, want)
	}
}

// output does one thing in the group, and gives what is said of it.
func (s *stage) output(what string) (string, error) {
	s.t.Helper()
	dir, err := os.Open(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	defer dir.Close()
	program, err := os.Executable()
	if err != nil {
		s.t.Skip(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "ROUSE_TEST_DO="+what)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	cmd.Stderr = io.Discard
	out, err := cmd.Output()
	return string(out), err
}

// canOpen reports whether a device is there, and nobody else keeps it from us.
func canOpen(device string) bool {
	f, err := os.Open(device)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// needLoopback skips a test where there is no network at all.
func needLoopback(t *testing.T) {
	t.Helper()
	if err := receive("127.0.0.1:0"); err != nil {
		t.Skip(err)
	}
}

const (
	fine      = "ok"
	forbidden = "operation not permitted"
)

// The kernel leaves off checking a program when a signal comes, which is no refusal.
func TestLoadDespiteSignals(t *testing.T) {
	newStage(t).control("DevicePolicy=closed") // or it skips
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, thread := os.Getpid(), unix.Gettid()
	var ended atomic.Bool
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for ; !ended.Load(); <-tick.C {
			_ = unix.Tgkill(self, thread, unix.SIGURG) // which the runtime uses itself
		}
	})
	defer work.Wait()
	defer ended.Store(true)
	var rules []deviceRule
	for i := range int64(20) {
		rules = append(rules, deviceRule{kind: sys.CharDevice, major: i, minor: i})
	}
	code := deviceProgram(rules)
	for range 200 {
		fd, err := bpf.Load(bpf.DeviceUse, bpf.Device, 0, code)
		if err != nil {
			t.Fatal(err)
		}
		sys.CloseFD(fd)
	}
}

func TestDevices(t *testing.T) {
	s := newStage(t)
	for _, step := range []struct{ lines, what, want string }{
		{"DevicePolicy=closed", "read /dev/zero", fine},
		{"DevicePolicy=closed", "read /dev/kmsg", forbidden},
		{"DevicePolicy=strict", "read /dev/zero", forbidden},
		{"DevicePolicy=strict\nDeviceAllow=/dev/zero r", "read /dev/zero", fine},
		{"DevicePolicy=strict\nDeviceAllow=/dev/zero r", "write /dev/zero", forbidden},
		{"DevicePolicy=strict\nDeviceAllow=/dev/zero r", "read /dev/null", forbidden},
		{"DeviceAllow=/dev/zero r", "read /dev/null", fine},
		{"DeviceAllow=char-mem", "read /dev/kmsg", fine},
		{"DeviceAllow=char-m?m", "read /dev/kmsg", fine},
		{"DeviceAllow=char-1", "read /dev/kmsg", fine},
		{"DeviceAllow=char-*", "read /dev/kmsg", fine},
		{"DeviceAllow=block-*", "read /dev/kmsg", forbidden},
		{"DeviceAllow=/dev/none rw", "read /dev/kmsg", forbidden},
		{"PrivateDevices=yes", "read /dev/kmsg", forbidden},
		{"", "read /dev/kmsg", fine},
	} {
		s.control(step.lines)
		if !canOpen(strings.Fields(step.what)[1]) {
			continue
		}
		t.Log(step.lines)
		s.do(step.what, step.want)
	}
}

func TestAddresses(t *testing.T) {
	needLoopback(t)
	s := newStage(t)
	for _, step := range []struct{ lines, what, want string }{
		{"IPAddressDeny=any", "send 127.0.0.1:9", forbidden},
		{"IPAddressDeny=any\nIPAddressAllow=127.0.0.2", "send 127.0.0.1:9", forbidden},
		{"IPAddressDeny=any\nIPAddressAllow=127.0.0.2", "send 127.0.0.2:9", fine},
		{"IPAddressDeny=any\nIPAddressAllow=localhost", "receive 127.0.0.1:0", fine},
		{"IPAddressDeny=127.0.0.64/26", "send 127.0.0.1:9", fine},
		{"IPAddressDeny=127.0.0.64/26", "send 127.0.0.65:9", forbidden},
		{"IPAddressDeny=::1", "send 127.0.0.1:9", fine},
		{"IPAddressDeny=::1", "send [::1]:9", forbidden},
		{"IPAddressDeny=::/3", "send [::1]:9", forbidden},
		{"IPAddressDeny=8000::/3", "send [::1]:9", fine},
		{"IPAddressDeny=any\nIPAddressAllow=::1/128", "send [::1]:9", fine},
		{"IPAddressAllow=127.0.0.2", "send 127.0.0.1:9", fine},
		{"RestrictNetworkInterfaces=~lo", "receive 127.0.0.1:0", forbidden},
		{"RestrictNetworkInterfaces=lo", "receive 127.0.0.1:0", fine},
		{"", "send 127.0.0.1:9", fine},
	} {
		if l, err := net.ListenPacket("udp", "[::1]:0"); err == nil {
			l.Close()
		} else if strings.Contains(step.what, "[") {
			continue
		}
		t.Log(step.lines)
		s.control(step.lines)
		s.do(step.what, step.want)
	}
}

// What a slice denies, the units in it cannot do, but they can have exceptions.
func TestAddressesOfSlices(t *testing.T) {
	needLoopback(t)
	s := newStage(t)
	above := parse(t, "a.slice", "IPAddressDeny=any")
	s.control("", above)
	s.do("send 127.0.0.1:9", forbidden)
	s.control("IPAddressAllow=127.0.0.1", above)
	s.do("send 127.0.0.1:9", fine)
}

// Traffic is counted on either way, and goes on to be when other settings change.
func TestTraffic(t *testing.T) {
	needLoopback(t)
	s := newStage(t)
	if _, ok := s.group.Traffic(); ok {
		t.Error("it is counted")
	}
	s.control("IPAccounting=yes")
	const size = 20 + 8 + 5
	for i, lines := range []string{"IPAccounting=yes", "IPAccounting=yes\nIPAddressDeny=127.0.0.9"} {
		s.control(lines)
		s.do("receive 127.0.0.1:0", fine)
		n, ok := s.group.Traffic()
		want := uint64(i + 1)
		if !ok || n != [4]uint64{want * size, want, want * size, want} {
			t.Errorf("%s: %d, %v", lines, n, ok)
		}
	}
	s.do("send 127.0.0.9:9", forbidden)
	if n, _ := s.group.Traffic(); n[3] != 2 {
		t.Errorf("what is not sent counts: %d", n)
	}
}

func TestBinds(t *testing.T) {
	free := func() string {
		l, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Skip(err)
		}
		defer l.Close()
		return strconv.Itoa(l.LocalAddr().(*net.UDPAddr).Port)
	}
	s := newStage(t)
	port := free()
	for _, step := range []struct{ lines, want string }{
		{"SocketBindDeny=any", forbidden},
		{"SocketBindDeny=tcp:any", fine},
		{"SocketBindDeny=ipv6:any", fine},
		{"SocketBindDeny=ipv4:udp:" + port, forbidden},
		{"SocketBindDeny=any\nSocketBindAllow=udp:" + port, fine},
		{"SocketBindDeny=1-65535", forbidden},
		{"SocketBindDeny=1-1000", fine},
		{"", fine},
	} {
		t.Log(step.lines)
		s.control(step.lines)
		s.do("bind 127.0.0.1:"+port, step.want)
	}
}
