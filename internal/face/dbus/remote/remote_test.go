package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/dbus/client"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/wire/dbus"
)

// peer is the other end: it answers each method with what it was told to.
type peer struct {
	t       *testing.T
	answers map[string]answer
	called  chan string
}

type answer struct {
	sig   string
	args  []any
	err   string
	after *dbus.Message // a signal that follows
}

func start(t *testing.T, answers map[string]answer) (*Manager, *peer) {
	t.Helper()
	dir, err := os.MkdirTemp("", "remote")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := filepath.Join(dir, "private")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &peer{t: t, answers: answers, called: make(chan string, 100)}
	go p.serve(l)
	m, err := Dial(at, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, p
}

func (p *peer) serve(l *net.UnixListener) {
	c, err := l.AcceptUnix()
	if err != nil {
		return
	}
	defer c.Close()
	duct := sys.NewDuct(c)
	seen := ""
	buf := make([]byte, 4096)
	for !strings.Contains(seen, "BEGIN\r\n") {
		n, _, err := duct.Read(buf)
		if err != nil {
			return
		}
		seen += string(buf[:n])
	}
	duct.WriteAll([]byte("OK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n"), nil)
	_, rest, _ := strings.Cut(seen, "BEGIN\r\n")
	r := &dbus.Reader{Source: duct.Read, Max: 1 << 20, TakesFDs: true}
	r.Put([]byte(rest), nil)
	serial := uint32(0)
	send := func(m *dbus.Message) {
		serial++
		m.Serial = serial
		b, err := m.Append(nil)
		if err != nil {
			p.t.Error(err)
			return
		}
		duct.WriteAll(b, nil)
	}
	for {
		m, _, err := r.Next()
		if err != nil {
			return
		}
		send(p.answer(m))
		if a := p.answers[m.Member]; a.after != nil {
			send(a.after)
		}
	}
}

// answer notes the call and gives what is to be said to it.
func (p *peer) answer(m *dbus.Message) *dbus.Message {
	said := m.Member
	d := m.Decoder()
	for sig := m.Signature; sig != ""; {
		n := dbus.TypeLen(sig)
		said += fmt.Sprintf(" %v", d.Value(sig[:n], nil))
		sig = sig[n:]
	}
	p.called <- said
	a := p.answers[m.Member]
	if a.err != "" {
		var e dbus.Encoder
		e.Text("no: " + a.err)
		return &dbus.Message{Type: dbus.Error, ReplySerial: m.Serial, ErrorName: a.err,
			Signature: "s", Body: e.Bytes()}
	}
	return &dbus.Message{Type: dbus.Return, ReplySerial: m.Serial, Signature: a.sig,
		Body: body(a.sig, a.args)}
}

func body(sig string, args []any) []byte {
	var e dbus.Encoder
	for _, v := range args {
		n := dbus.TypeLen(sig)
		client.Write(&e, sig[:n], v)
		sig = sig[n:]
	}
	return e.Bytes()
}

func (p *peer) want(calls ...string) {
	p.t.Helper()
	for _, want := range calls {
		select {
		case got := <-p.called:
			if got != want {
				p.t.Errorf("called %q, want %q", got, want)
			}
		case <-time.After(time.Minute):
			p.t.Fatalf("no call of %s", want)
		}
	}
}

const (
	aUnit  = "/org/freedesktop/systemd1/unit/a_2eservice"
	theJob = "/org/freedesktop/systemd1/job/12"
)

func TestUnits(t *testing.T) {
	row := []any{
		"a.service", "The a", "loaded", "active", "running", "", aUnit, uint32(7), "stop", "/",
	}
	rows := answer{sig: "a(ssssssouso)", args: []any{[]any{row}}}
	m, p := start(t, map[string]answer{
		"ListUnitsByPatterns": rows, "ListUnitsByNames": rows,
	})
	ctx := t.Context()
	list, err := m.Units(ctx, []string{"a.service", "b*"}, true)
	want := face.UnitInfo{Name: "a.service", Description: "The a", Load: "loaded", Active: "active",
		Sub: "running", JobID: 7, JobType: "stop"}
	if err != nil || len(list) != 1 || list[0] != want {
		t.Errorf("%v, %v", list, err)
	}
	p.want("ListUnitsByPatterns [] [b*]", "ListUnitsByNames [a.service]")
	if _, err := m.Units(ctx, nil, false); err != nil {
		t.Error(err)
	}
	p.want("ListUnitsByPatterns [] []")
}

func TestJob(t *testing.T) {
	done := &dbus.Message{
		Type: dbus.Signal, Path: client.ManagerPath, Interface: client.Interface, Member: "JobRemoved",
		Signature: "uoss",
		Body:      body("uoss", []any{uint32(12), theJob, "a.service", "failed"}),
	}
	m, p := start(t, map[string]answer{
		"StartUnit": {sig: "o", args: []any{theJob}, after: done},
		"StopUnit":  {err: face.NoSuchUnit},
	})
	r, err := m.Enqueue(t.Context(), face.JobRequest{
		Unit: "a.service", Type: "start", Mode: unit.Replace, Wait: true,
	})
	if err != nil || r.ID != 12 || r.Result != "failed" {
		t.Errorf("%+v, %v", r, err)
	}
	p.want("StartUnit a.service replace")
	_, err = m.Enqueue(t.Context(), face.JobRequest{Unit: "b.service", Type: "stop"})
	var told *face.Error
	if !errors.As(err, &told) || told.Name != face.NoSuchUnit {
		t.Errorf("stop: %v", err)
	}
	if _, err := m.Enqueue(t.Context(), face.JobRequest{Type: "frobnicate"}); err == nil {
		t.Error("frobnicate")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Await(ctx, 99); !errors.Is(err, context.Canceled) {
		t.Errorf("await: %v", err)
	}
}

func TestProperties(t *testing.T) {
	m, p := start(t, map[string]answer{
		"LoadUnit": {sig: "o", args: []any{aUnit}}, "GetAll": {},
	})
	if list, err := m.UnitProperties(t.Context(), "a.service", []string{"Id"}); err == nil {
		t.Errorf("an answer without properties: %v", list)
	}
	p.want("LoadUnit a.service", "GetAll ")
}

// Each method that changes something is called with its arguments, in their order.
func TestCalls(t *testing.T) {
	changes := answer{sig: "a(sss)", args: []any{[]any{[]any{"symlink", "/etc/x", "/lib/x"}}}}
	carries := answer{sig: "ba(sss)", args: []any{true, changes.args[0]}}
	m, p := start(t, map[string]answer{
		"EnableUnitFiles": carries, "DisableUnitFiles": changes, "SetDefaultTarget": changes,
		"AddDependencyUnitFiles": changes, "GetDefaultTarget": {sig: "s", args: []any{"x.target"}},
	})
	ctx := t.Context()
	check := func(err error, calls ...string) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		p.want(calls...)
	}
	check(m.Kill(ctx, "a.service", "main", 15), "KillUnit a.service main 15")
	check(m.Cancel(ctx, 5), "CancelJob 5")
	check(m.ResetFailed(ctx, nil), "ResetFailed")
	check(m.ResetFailed(ctx, []string{"a.service"}), "ResetFailedUnit a.service")
	check(m.Shutdown(ctx, "exit", 3), "SetExitCode 3", "Exit")
	check(m.Shutdown(ctx, "reboot", 0), "Reboot")
	check(m.SetEnvironment(ctx, []string{"A"}, []string{"B=c"}), "UnsetAndSetEnvironment [A] [B=c]")
	for _, c := range []struct {
		req  face.FilesRequest
		call string
	}{
		{face.FilesRequest{Verb: "enable", Force: true}, "EnableUnitFiles [a.service] false true"},
		{face.FilesRequest{Verb: "disable", Runtime: true}, "DisableUnitFiles [a.service] true"},
		{face.FilesRequest{Verb: "set-default"}, "SetDefaultTarget a.service false"},
		{face.FilesRequest{Verb: "add-wants", Target: "b.target"},
			"AddDependencyUnitFiles [a.service] b.target Wants false false"},
	} {
		c.req.Units = []string{"a.service"}
		r, err := m.ChangeFiles(ctx, c.req)
		check(err, c.call)
		if len(r.Changes) != 1 || r.HasInstallInfo != (c.req.Verb == "enable") {
			t.Errorf("%s: %+v", c.req.Verb, r)
		}
	}
	target, err := m.DefaultTarget(ctx)
	check(err, "GetDefaultTarget")
	if target != "x.target" {
		t.Error(target)
	}
	if _, err := m.Plan(ctx, face.JobRequest{}); err == nil {
		t.Error("plan")
	}
}
