package bus

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/wire/dbus"
)

const patience = time.Minute

// A daemon is a real dbus-daemon in a folder of its own.
type daemon struct {
	dir     string
	address string
	cmd     *exec.Cmd
}

func newDaemon(t *testing.T) *daemon {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip("no dbus-daemon on this machine")
	}
	dir, err := os.MkdirTemp("", "bus")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &daemon{dir: dir, address: "unix:path=" + filepath.Join(dir, "bus")}
	d.file(t, "bus.conf", `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>session</type>
 <listen>`+d.address+`</listen>
 <auth>EXTERNAL</auth>
 <servicedir>`+dir+`</servicedir>
 <policy context="default">
  <allow send_destination="*" eavesdrop="true"/>
  <allow eavesdrop="true"/>
  <allow own="*"/>
 </policy>
</busconfig>
`)
	d.service(t, Name, "")
	d.service(t, "org.example.Lazy", "lazy.service")
	return d
}

func (d *daemon) file(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (d *daemon) service(t *testing.T, name, unit string) {
	t.Helper()
	text := "[D-BUS Service]\nName=" + name + "\nExec=/bin/false\n"
	if unit != "" {
		text += "SystemdService=" + unit + "\n"
	}
	d.file(t, name+".service", text)
}

// start returns when the daemon takes connections: it says so by its address.
func (d *daemon) start(t *testing.T) {
	t.Helper()
	os.Remove(filepath.Join(d.dir, "bus"))
	d.cmd = exec.Command("dbus-daemon", "--config-file="+filepath.Join(d.dir, "bus.conf"),
		"--nofork", "--nopidfile", "--systemd-activation", "--print-address=1")
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	if n, err := out.Read(make([]byte, 4096)); n == 0 {
		t.Fatalf("dbus-daemon does not start: %v", err)
	}
}

func (d *daemon) stop() {
	if d.cmd.ProcessState == nil {
		d.cmd.Process.Kill()
		d.cmd.Wait()
	}
}

// What a connection tells, a line each.
type seen chan string

func (s seen) config(address string) Config {
	return Config{
		Address:  address,
		Owner:    func(name string, pid int) { s <- fmt.Sprintf("owner %s %d", name, pid) },
		Activate: func(unit string) { s <- "activate " + unit },
		Lost:     func(err error) { s <- "lost " + err.Error() },
		Log:      func(line string) { s <- "log " + line },
	}
}

func (s seen) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-s:
		return line
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
	return ""
}

func (s seen) want(t *testing.T, want string) {
	t.Helper()
	if got := s.next(t); !strings.HasPrefix(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func dial(t *testing.T, address string) (*Conn, seen) {
	t.Helper()
	s := make(seen, 1024)
	c, err := Dial(s.config(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); <-c.done })
	return c, s
}

// client is another connection: ours as well, but for the name.
func client(t *testing.T, address string) *Conn {
	t.Helper()
	socket, err := connect(address)
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(Config{}, socket)
	c.call("Hello", "", nil, func(*dbus.Message) {})
	go c.run()
	t.Cleanup(func() { c.Close(); <-c.done })
	return c
}

// ask calls a method of the bus and waits.
func (c *Conn) ask(t *testing.T, member, sig string, body []byte) *dbus.Message {
	t.Helper()
	got := make(chan *dbus.Message, 1)
	c.call(member, sig, body, func(m *dbus.Message) { got <- m })
	select {
	case m := <-got:
		return m
	case <-time.After(patience):
		t.Fatalf("%s: no answer", member)
	}
	return nil
}

// obtain gets a name on the bus.
func (c *Conn) obtain(t *testing.T, name string) {
	t.Helper()
	var e dbus.Encoder
	e.Text(name)
	e.Uint32(0)
	if m := c.ask(t, "RequestName", "su", e.Bytes()); m.Type != dbus.Return {
		t.Fatal(m.ErrorName)
	}
}

// settled waits until the bus has dealt with all that was sent on c.
func (c *Conn) settled(t *testing.T) { t.Helper(); c.ask(t, "GetId", "", nil) }

// run gives the output of a command about the bus.
func (d *daemon) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s on this machine", name)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS="+d.address)
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	_ = cmd.Run()
	if time.Since(begin) > patience {
		t.Errorf("%s %v took %v", name, args, time.Since(begin))
	}
	return out.String()
}

func TestOwner(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	c, s := dial(t, d.address)
	const name = "org.example.Web"
	me := fmt.Sprintf("owner %s %d", name, os.Getpid())
	none := "owner " + name + " 0"

	c.Watch(name)
	s.want(t, none)
	first := client(t, d.address)
	first.obtain(t, name)
	s.want(t, me)
	first.Close() // its end is the end of its names
	s.want(t, none)
	second := client(t, d.address)
	second.obtain(t, name)
	s.want(t, me)
	c.Watch(name) // asks again
	s.want(t, me)

	c.Unwatch(name)
	c.settled(t)
	second.ask(t, "ReleaseName", "s", text(name))
	c.settled(t)
	if len(s) != 0 {
		t.Errorf("after Unwatch: %s", <-s)
	}
	c.Watch(busName) // whose owner is the bus
	s.want(t, "owner "+busName)
	c.Watch("not a name")
	s.want(t, `log bus: watch "not a name": not a name on the bus; ignoring it`)
}

func TestManyNames(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	c, s := dial(t, d.address)
	for i := range 400 {
		c.Watch(fmt.Sprintf("org.example.N%d", i))
	}
	for i := range 400 {
		s.want(t, fmt.Sprintf("owner org.example.N%d 0", i))
	}
}

func TestDaemonRestarts(t *testing.T) {
	d := newDaemon(t)
	s := make(seen, 64)
	if _, err := Dial(s.config(d.address)); err == nil {
		t.Fatal("dialed a bus that is not there")
	}
	d.start(t)
	c, s := dial(t, d.address)
	c.Watch("org.example.Web")
	s.want(t, "owner org.example.Web 0")
	d.stop()
	s.want(t, "lost bus: ")
	c.Watch("org.example.Late") // goes nowhere, and does not wait
	c.ActivationFailed("a.service", "x", "y")
	c.Close()

	d.start(t)
	c, s = dial(t, d.address)
	c.Watch("org.example.Web")
	s.want(t, "owner org.example.Web 0")
	if m := c.ask(t, "GetNameOwner", "s", text(Name)); m.Type != dbus.Return {
		t.Errorf("our name: %s", m.ErrorName)
	}
	c.Close()
	<-c.done
	if len(s) != 0 {
		t.Errorf("after Close: %s", <-s)
	}
}

func TestNameTaken(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	other := client(t, d.address)
	other.obtain(t, Name)
	c, s := dial(t, d.address)
	s.want(t, "log bus: name "+Name+" is somebody else's; waiting for it")
	c.Watch(Name)
	s.want(t, "owner "+Name)
	other.Close()
	s.want(t, fmt.Sprintf("owner %s %d", Name, os.Getpid()))
}

// Without the policy that lets us have our name, names are seen all the same.
func TestNameDenied(t *testing.T) {
	d := newDaemon(t)
	conf, err := os.ReadFile(filepath.Join(d.dir, "bus.conf"))
	if err != nil {
		t.Fatal(err)
	}
	d.file(t, "bus.conf", strings.Replace(string(conf), `<allow own="*"/>`,
		`<allow own="*"/><deny own="`+Name+`"/>`, 1))
	d.start(t)
	c, s := dial(t, d.address)
	s.want(t, "log bus: request name "+Name+
		": org.freedesktop.DBus.Error.AccessDenied; going on without it")
	c.Watch("org.example.Web")
	s.want(t, "owner org.example.Web 0")
}

func TestCalls(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	c, _ := dial(t, d.address)
	c.settled(t)
	const method = "org.freedesktop.systemd1.Manager.ListUnits"
	got := d.run(t, "dbus-send", "--session", "--print-reply", "--dest="+Name, "/a", method)
	if want := "org.freedesktop.DBus.Error.UnknownMethod"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %s", got, want)
	}
	if got := d.run(t, "dbus-send", "--session", "--dest="+Name, "/a", "a.b.C"); got != "" {
		t.Errorf("without an answer: %q", got)
	}
}

// A face is handed calls, with their descriptors, and told of clients that leave.
type taker struct {
	c      *Conn
	calls  chan string
	closed chan bool
}

func (f *taker) Received(m *dbus.Message, files []*os.File) {
	if m.Type == dbus.Signal {
		f.calls <- m.Member
		return
	}
	f.calls <- fmt.Sprintf("%s %d", m.Member, len(files))
	f.c.Send(&dbus.Message{
		Type: dbus.Return, ReplySerial: m.Serial, Destination: m.Sender, Signature: "h",
		Body: []byte{0, 0, 0, 0},
	}, files)
}

func (f *taker) Closed() { close(f.closed) }

func TestReceiver(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	f := &taker{calls: make(chan string, 16), closed: make(chan bool)}
	c, err := Dial(Config{Address: d.address, Open: func(c *Conn) Receiver {
		f.c = c
		return f
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.settled(t)
	user := client(t, d.address)
	user.settled(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	call := &dbus.Message{Type: dbus.Call, Destination: Name, Path: "/a", Interface: "a.b",
		Member: "Give", Signature: "h", Body: []byte{0, 0, 0, 0}, FDs: 1}
	answer := make(chan *dbus.Message, 1)
	if err := user.queue(call, []*os.File{w}, func(m *dbus.Message) { answer <- m }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Give 1"} {
		select {
		case got := <-f.calls:
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		case <-time.After(patience):
			t.Fatal("no call comes")
		}
	}
	select {
	case m := <-answer:
		if m.Type != dbus.Return || m.FDs != 1 {
			t.Errorf("answer: %+v", m)
		}
	case <-time.After(patience):
		t.Fatal("no answer")
	}
	c.Close()
	select {
	case <-f.closed:
	case <-time.After(patience):
		t.Error("nobody says that it is over")
	}
}

// More calls at once than answers may wait do not end the connection.
func TestBurst(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	c, s := dial(t, d.address)
	c.settled(t)
	const many = 3000
	sender := client(t, d.address)
	for range many {
		sender.send(&dbus.Message{Type: dbus.Call, Flags: dbus.NoAutoStart, Path: "/a",
			Interface: "a.b", Member: "C", Destination: Name}, nil)
	}
	sender.settled(t)
	c.Watch("org.example.Web")
	s.want(t, "owner org.example.Web 0")
}

func TestActivation(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	c, s := dial(t, d.address)
	c.settled(t)
	start := func(c *Conn) chan *dbus.Message {
		var e dbus.Encoder
		e.Text("org.example.Lazy")
		e.Uint32(0)
		got := make(chan *dbus.Message, 1)
		c.call("StartServiceByName", "su", e.Bytes(), func(m *dbus.Message) { got <- m })
		return got
	}
	user := client(t, d.address)
	answer := start(user)
	s.want(t, "activate lazy.service")
	c.ActivationFailed("lazy.service", "org.freedesktop.systemd1.NoSuchUnit", "no\xff such unit")
	m := <-answer
	if m.ErrorName != "org.freedesktop.systemd1.NoSuchUnit" {
		t.Errorf("failed activation: %+v", m)
	}

	answer = start(user)
	s.want(t, "activate lazy.service")
	client(t, d.address).obtain(t, "org.example.Lazy")
	if m := <-answer; m.Type != dbus.Return {
		t.Errorf("activation: %s %s", m.ErrorName, m.Decoder().Text())
	}
}

// Units wanted before the manager is on the bus are asked for when it comes.
func TestActivationBeforeUs(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	user := client(t, d.address)
	var e dbus.Encoder
	e.Text("org.example.Lazy")
	e.Uint32(0)
	user.call("StartServiceByName", "su", e.Bytes(), func(*dbus.Message) {})
	user.settled(t)
	_, s := dial(t, d.address)
	s.want(t, "activate lazy.service")
}

// Only the bus itself can ask for an activation.
func TestForgedSignals(t *testing.T) {
	d := newDaemon(t)
	d.start(t)
	c, s := dial(t, d.address)
	c.settled(t)
	forger := client(t, d.address)
	forger.send(&dbus.Message{Type: dbus.Signal, Path: busPath, Interface: activator,
		Member: "ActivationRequest", Destination: Name, Signature: "s",
		Body: text("evil.service")}, nil)
	c.Watch("org.example.Web")
	s.want(t, "owner org.example.Web 0")
	forger.send(&dbus.Message{Type: dbus.Signal, Path: busPath, Interface: busName,
		Member: "NameOwnerChanged", Destination: Name, Signature: "sss",
		Body: append(text("org.example.Web"), text("")...)}, nil)
	forger.settled(t)
	c.Watch("org.example.Web")
	s.want(t, "owner org.example.Web 0")
}

// A bus that does not read ends the connection, and nobody waits for it.
func TestQueueIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, s := dial(t, "unix:path="+path)
	for range maxQueue>>20 + 1 {
		c.Send(&dbus.Message{Type: dbus.Signal, Path: "/a", Interface: "a.b", Member: "C",
			Signature: "s", Body: text(strings.Repeat("x", 1<<20))}, nil)
	}
	s.want(t, "lost "+errFull.Error())
}

func TestRefused(t *testing.T) {
	for _, says := range []string{
		"", "REJECTED EXTERNAL\r\n", "OK 1", "OK 1\r\nnot a message at all",
	} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, s := dial(t, "unix:path="+path)
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(peer, says)
		peer.(*net.UnixConn).CloseWrite()
		s.want(t, "lost bus: ")
		peer.Close()
		l.Close()
	}
}

func TestSocketPath(t *testing.T) {
	for _, test := range []struct{ address, want, fault string }{
		{"unix:path=/run/dbus/system_bus_socket", "/run/dbus/system_bus_socket", ""},
		{"unix:guid=12,path=/a%20b%2c", "/a b,", ""},
		{"unix:abstract=/tmp/x", "@/tmp/x", ""},
		{"unix:path=", "", "is no socket"},
		{"unix:path=%", "", "without two digits"},
		{"unix:path=%zz", "", "without two digits"},
		{"unix:path=a%00", "", "is no socket"},
		{"unix:tmpdir=/tmp", "", "neither path= nor abstract="},
		{"tcp:host=a", "", "only unix:"},
	} {
		got, err := socketPath(test.address)
		if got != test.want || (err == nil) != (test.fault == "") ||
			err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: got %q, %v; want %q, %q", test.address, got, err, test.want, test.fault)
		}
	}
	if _, err := connect(";"); err == nil {
		t.Error("connected to nothing")
	}
	if _, err := connect("tcp:a;unix:path=/does/not/exist"); err == nil ||
		!strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("two bad addresses: %v", err)
	}
}
