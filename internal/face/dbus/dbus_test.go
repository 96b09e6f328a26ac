package dbus

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"rouse/internal/face/dbus/table"
	"rouse/internal/host/sys"
	"rouse/internal/unit/name"
	"rouse/internal/wire/dbus"
)

const patience = time.Minute

// client is a client of the private socket.
type client struct {
	t      *testing.T
	nc     *net.UnixConn
	in     dbus.Reader
	serial uint32
}

// serve starts a server on a private socket.
func serve(t *testing.T, m Manager) (path string) {
	t.Helper()
	dir := t.TempDir()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s := NewServer(m, func(line string) { t.Log(line) })
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return dir + "/" + PrivateSocket
}

func dial(t *testing.T, path string) *client {
	t.Helper()
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	c := &client{t: t, nc: nc}
	c.in = dbus.Reader{Source: sys.NewDuct(nc).Read, Max: dbus.MaxMessage, TakesFDs: true}
	return c
}

// connect authenticates as sd-bus does: all at once.
func connect(t *testing.T, path string) *client {
	t.Helper()
	c := dial(t, path)
	c.greet()
	return c
}

func (c *client) greet() {
	c.t.Helper()
	c.write([]byte("\x00AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"))
	c.line("DATA")
	c.line("OK ")
	c.line("AGREE_UNIX_FD")
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// line expects a line of the authentication.
func (c *client) line(want string) {
	c.t.Helper()
	for !strings.Contains(string(c.in.Ahead()), "\r\n") {
		if err := c.in.Fill(len(c.in.Ahead()) + 1); err != nil {
			c.t.Fatalf("want %s: %v", want, err)
		}
	}
	line, _, _ := strings.Cut(string(c.in.Ahead()), "\r\n")
	c.in.Skip(len(line) + 2)
	if !strings.HasPrefix(line, want) {
		c.t.Fatalf("got %q, want %q", line, want)
	}
}

// send sends a call and gives its serial.
func (c *client) send(path, iface, member, sig string, args ...any) uint32 {
	c.t.Helper()
	c.serial++
	var e dbus.Encoder
	rest := sig
	for _, a := range args {
		n := dbus.TypeLen(rest)
		write(&e, rest[:n], a)
		rest = rest[n:]
	}
	m := dbus.Message{
		Type: dbus.Call, Serial: c.serial, Path: path, Interface: iface, Member: member,
		Signature: sig, Body: e.Bytes(),
	}
	b, err := m.Append(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(b)
	return c.serial
}

func (c *client) next() *dbus.Message {
	c.t.Helper()
	m, fds, err := c.in.Next()
	if err != nil {
		c.t.Fatal(err)
	}
	sys.CloseFDs(fds)
	return m
}

// call calls and gives the answer; signals that come before are left out.
func (c *client) call(path, iface, member, sig string, args ...any) *dbus.Message {
	c.t.Helper()
	serial := c.send(path, iface, member, sig, args...)
	for {
		if m := c.next(); m.Type != dbus.Signal {
			if m.ReplySerial != serial {
				c.t.Fatalf("answer to %d, want %d", m.ReplySerial, serial)
			}
			return m
		}
	}
}

// show is a message in a line.
func show(m *dbus.Message) string {
	values := []string{}
	d := m.Decoder()
	for rest := m.Signature; rest != ""; {
		n := dbus.TypeLen(rest)
		values = append(values, fmt.Sprint(readValue(d, rest[:n])))
		rest = rest[n:]
	}
	what := map[dbus.Type]string{dbus.Return: "return", dbus.Error: "error " + m.ErrorName}[m.Type]
	if m.Type == dbus.Signal {
		what = m.Path + " " + m.Member
	}
	return strings.TrimSpace(what + " " + strings.Join(values, " | "))
}

func TestStartUnit(t *testing.T) {
	c := connect(t, serve(t, newFake("web.service")))
	c.send(managerPath, table.Manager, "StartUnit", "ss", "web.service", "replace")
	web := name.BusPath("web.service")
	for i, want := range []string{
		web + " PropertiesChanged org.freedesktop.systemd1.Service",
		web + " PropertiesChanged org.freedesktop.systemd1.Unit",
		"/org/freedesktop/systemd1 JobNew 1 | /org/freedesktop/systemd1/job/1 | web.service",
		"return /org/freedesktop/systemd1/job/1",
		web + " PropertiesChanged org.freedesktop.systemd1.Service",
		web + " PropertiesChanged org.freedesktop.systemd1.Unit",
		"/org/freedesktop/systemd1 JobRemoved 1 | /org/freedesktop/systemd1/job/1 | " +
			"web.service | done",
	} {
		if got := show(c.next()); !strings.HasPrefix(got, want) {
			t.Errorf("message %d: %s, want %s", i, got, want)
		}
	}
}

// TestErrors has the errors of sd-bus, and systemd's where it has its own.
func TestErrors(t *testing.T) {
	c := connect(t, serve(t, newFake("web.service")))
	web := name.BusPath("web.service")
	const get = "org.freedesktop.DBus.Properties Get ss"
	for _, test := range []struct{ path, what, want string }{
		{"/none", "org.freedesktop.systemd1.Manager ListJobs -", "UnknownObject Unknown object '/none'."},
		{managerPath, "org.freedesktop.systemd1.Manager No -",
			"UnknownMethod Unknown method No or interface org.freedesktop.systemd1.Manager."},
		{web, "org.freedesktop.systemd1.Manager ListJobs -", "UnknownMethod Unknown method " +
			"ListJobs or interface org.freedesktop.systemd1.Manager."},
		{managerPath, "org.freedesktop.systemd1.Manager GetUnit -", "InvalidArgs Invalid arguments " +
			"'' to call org.freedesktop.systemd1.Manager.GetUnit(), expecting 's'."},
		{web, get + " org.freedesktop.systemd1.Unit No",
			"UnknownProperty Unknown interface " +
				"org.freedesktop.systemd1.Unit or property No."},
		{managerPath, "org.freedesktop.systemd1.Manager StartUnit ss web.service no",
			"InvalidArgs Job mode no invalid"},
		{"/org/freedesktop/DBus", "org.freedesktop.DBus AddMatch s x",
			"UnknownObject Unknown object '/org/freedesktop/DBus'."},
	} {
		f := strings.Fields(test.what)
		sig := strings.Trim(f[2], "-")
		var args []any
		for _, a := range f[3:] {
			args = append(args, a)
		}
		m := c.call(test.path, f[0], f[1], sig, args...)
		if got := strings.TrimPrefix(show(m), "error "+errorPrefix); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.path, test.what, got, test.want)
		}
	}
}

func TestAuthentication(t *testing.T) {
	path := serve(t, newFake())
	uid := fmt.Sprintf("%x", fmt.Sprint(os.Getuid()))
	for _, test := range []struct{ sent, want string }{
		{"AUTH", "REJECTED EXTERNAL"},
		{"AUTH ANONYMOUS", "REJECTED EXTERNAL"},
		{"AUTH EXTERNAL " + uid, "OK"},
		{"AUTH EXTERNAL 39393939", "REJECTED"},
		{"AUTH EXTERNAL zz", "REJECTED"},
		{"NEGOTIATE_UNIX_FD", "ERROR"},
		{"NONSENSE", "ERROR"},
		{"DATA", "ERROR"},
	} {
		c := dial(t, path)
		c.write([]byte("\x00" + test.sent + "\r\n"))
		c.line(test.want)
	}
	for _, hostile := range []string{
		"AUTH EXTERNAL\r\n", "\x00BEGIN\r\n", "\x00" + strings.Repeat("x", 2*maxLine),
		"\x00" + strings.Repeat("X\r\n", 2*maxTries),
	} {
		c := dial(t, path)
		c.write([]byte(hostile))
		for {
			if _, err := c.nc.Read(make([]byte, 4096)); err != nil {
				if os.IsTimeout(err) {
					t.Errorf("%.20q: the connection stays open", hostile)
				}
				break
			}
		}
	}
}

// TestDoesNotRead has a client that asks and never reads: it must not hold up another.
func TestDoesNotRead(t *testing.T) {
	m := newFake("web.service")
	path := serve(t, m)
	deaf := connect(t, path)
	go func() {
		for range 1 << 20 {
			deaf.serial++
			msg := dbus.Message{
				Type: dbus.Call, Serial: deaf.serial, Path: managerPath,
				Interface: table.Introspectable, Member: "Introspect",
			}
			b, _ := msg.Append(nil)
			if _, err := deaf.nc.Write(b); err != nil {
				return
			}
		}
	}()
	c := connect(t, path)
	for range 100 {
		if m := c.call(managerPath, table.Manager, "ListUnits", ""); m.Type != dbus.Return {
			t.Fatal(show(m))
		}
	}
	deaf.nc.Close()
}
