// Package flood has a manager's clients behave as badly as they can: thousands at once,
// some that do not read, some that leave in the middle of a message, more than there are
// descriptors for, and some that send descriptors which nobody wants. It wants services
// to start and stop all the same, and every descriptor to be closed in the end. It runs
// the real roused, without root.
package flood

import (
	"bufio"
	"context"
	"encoding/hex"
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

	"rouse/internal/face"
	"rouse/internal/face/dbus/client"
	"rouse/internal/unit"
	"rouse/internal/wire/dbus"
	"rouse/test/live"
)

// clients are as many as the test's own limit of descriptors allows, 3,000 if it can.
func clients(t *testing.T) int {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if l.Cur < 500 {
		t.Skipf("%d descriptors are too few to be many clients", l.Cur)
	}
	return min(3000, int(l.Cur)-200)
}

// begin starts a manager with at most files descriptors; 0 is any number of them.
func begin(t *testing.T, files int) *live.Manager {
	t.Helper()
	before := ""
	if files > 0 {
		before = fmt.Sprintf("ulimit -n %d", files)
	}
	return live.Start(t, t.TempDir(), before, "a.service", map[string]string{
		"a.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 100000\n",
	})
}

// private is the socket that D-Bus clients use.
func private(m *live.Manager) string { return filepath.Join(m.Dir, "systemd", "private") }

// restart restarts a service, which takes a process, streams and more.
func restart(t *testing.T, m *live.Manager) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), live.Patience)
	defer cancel()
	r, err := m.Client.Enqueue(ctx, face.JobRequest{
		Unit: "a.service", Type: "restart", Mode: unit.Replace, Wait: true,
	})
	if err != nil || r.Result != "done" {
		t.Fatalf("restart: %q, %v", r.Result, err)
	}
}

// letIn connects to the private socket and is told that it may speak.
func letIn(at string) (*net.UnixConn, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(live.Patience))
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Getuid())))
	_, err = c.Write([]byte("\x00AUTH EXTERNAL " + uid + "\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"))
	in := bufio.NewReader(c)
	for _, want := range [...]string{"OK ", "AGREE_UNIX_FD"} {
		var line string
		if err == nil {
			line, err = in.ReadString('\n')
		}
		if err == nil && !strings.HasPrefix(line, want) {
			err = fmt.Errorf("not let in: %q", line)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// message is a call of a method of the manager without arguments.
func message(t *testing.T, member string, fds uint32) []byte {
	t.Helper()
	m := dbus.Message{
		Type: dbus.Call, Serial: 1, Path: client.ManagerPath, Interface: client.Interface,
		Member: member, FDs: fds,
	}
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMany: a third asks and reads the answer, a third asks for signals and never reads,
// a third stops in the middle of its first message.
func TestMany(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this takes some seconds")
	}
	n := clients(t)
	m := begin(t, 0)
	restart(t, m)
	before := m.Descriptors(t)
	version, subscribe := message(t, "ListJobs", 0), message(t, "Subscribe", 0)
	conns := make([]*net.UnixConn, n)
	for i := range conns {
		c, err := letIn(private(m))
		if err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		conns[i] = c
		switch i % 3 {
		case 0:
			_, err = c.Write(version)
			if err == nil {
				_, err = c.Read(make([]byte, 1))
			}
		case 1:
			_, err = c.Write(subscribe)
		case 2:
			_, err = c.Write(version[:len(version)-i%40-1])
		}
		if err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		if i%500 == 0 {
			restart(t, m)
		}
	}
	for range 20 {
		restart(t, m)
	}
	for _, c := range conns {
		c.Close()
	}
	closed(t, m, before)
	restart(t, m)
}

// closed waits until no more descriptors are open than before, but for one or two of
// connections that come and go.
func closed(t *testing.T, m *live.Manager, before int) {
	t.Helper()
	live.Until(t, fmt.Sprintf("%d descriptors are open", before), func() bool {
		return m.Descriptors(t) <= before+2
	})
}

// TestFewDescriptors: clients cannot take the descriptors that services need.
func TestFewDescriptors(t *testing.T) {
	m := begin(t, 300)
	restart(t, m)
	before := m.Descriptors(t)
	var conns []net.Conn
	for i := range 400 {
		for _, at := range []string{private(m), m.Socket} {
			c, err := net.DialTimeout("unix", at, live.Patience)
			if err != nil {
				t.Fatalf("client %d: %v", i, err)
			}
			conns = append(conns, c)
		}
		if i%100 == 0 {
			restart(t, m)
		}
	}
	restart(t, m)
	for _, c := range conns {
		c.Close()
	}
	closed(t, m, before)
	c, err := client.Dial(private(m), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Property(client.ManagerPath, client.Interface, "Version"); err != nil {
		t.Error(err)
	}
	restart(t, m)
}

// TestDescriptors: what nobody wants is closed, and who sends too much is dropped.
func TestDescriptors(t *testing.T) {
	m := begin(t, 0)
	restart(t, m)
	before := m.Descriptors(t)
	t.Run("with each call", func(t *testing.T) { withCalls(t, m) })
	t.Run("without a message", func(t *testing.T) { withoutMessage(t, m) })
	t.Run("before it may", func(t *testing.T) { beforeIn(t, m) })
	t.Run("for the store", func(t *testing.T) { toStore(t, m) })
	closed(t, m, before)
	restart(t, m)
}

// most is SCM_MAX_FD, the descriptors that one sendmsg(2) takes.
const most = 253

// rights is a control message with so many descriptors.
func rights(t *testing.T, n int) []byte {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	fds := make([]int, n)
	for i := range fds {
		fds[i] = int(null.Fd())
	}
	return syscall.UnixRights(fds...)
}

// in is letIn, until the test ends.
func in(t *testing.T, m *live.Manager) *net.UnixConn {
	t.Helper()
	c, err := letIn(private(m))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func withCalls(t *testing.T, m *live.Manager) {
	c, fds := in(t, m), rights(t, 16)
	for i := range 100 {
		_, _, err := c.WriteMsgUnix(message(t, "ListJobs", 16), fds, nil)
		if err == nil {
			_, err = c.Read(make([]byte, 4096))
		}
		if err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}

func withoutMessage(t *testing.T, m *live.Manager) {
	c, fds := in(t, m), rights(t, most)
	call := message(t, "ListJobs", 16)
	for i := range call {
		if _, _, err := c.WriteMsgUnix(call[i:i+1], fds, nil); err != nil {
			break
		}
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("still answered")
	}
}

func beforeIn(t *testing.T, m *live.Manager) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: private(m), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(live.Patience))
	for _, part := range []string{"\x00AUTH EXTERNAL ", "\r\nBEGIN\r\n"} {
		// It may be refused now or later.
		_, _, _ = c.WriteMsgUnix([]byte(part), rights(t, most), nil)
	}
	for err == nil {
		_, err = c.Read(make([]byte, 100))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("still connected")
	}
}

func toStore(t *testing.T, m *live.Manager) {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{
		Name: filepath.Join(m.Dir, "mine"), Net: "unixgram",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := &net.UnixAddr{Name: filepath.Join(m.Dir, "systemd", "notify"), Net: "unixgram"}
	b, fds := []byte("FDSTORE=1\nFDNAME=a"), rights(t, most)
	for range 200 { // this process belongs to no unit
		live.Until(t, "the manager takes messages", func() bool {
			_, _, err := c.WriteMsgUnix(b, fds, to)
			// Who is not root may have so many descriptors under way, and no more.
			if err != nil && !errors.Is(err, syscall.ETOOMANYREFS) {
				t.Fatal(err)
			}
			return err == nil
		})
	}
}
