package rpc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/gate"
	"rouse/internal/face/rpc"
	"rouse/internal/face/rpc/fake"
)

// leaver is a manager that is about to execute itself again.
type leaver struct {
	*fake.Manager
	gone bool // it has, and this is the next one
}

func (l *leaver) Enqueue(ctx context.Context, q face.JobRequest) (face.JobReply, error) {
	r, err := l.Manager.Enqueue(ctx, q)
	if err == nil && !l.gone && q.Wait {
		return face.JobReply{ID: 7, Unit: q.Unit, Type: "start"}, face.ErrSuspended
	}
	return r, err
}

func (l *leaver) Reexecute(context.Context) error {
	if l.gone {
		return nil
	}
	return face.ErrSuspended
}

func (l *leaver) Await(_ context.Context, job uint32) (string, error) {
	if job != 7 {
		return "", &face.Error{Name: face.NoSuchJob, Message: "no such job"}
	}
	return "failed", nil
}

func (l *leaver) Reload(context.Context, bool) (face.ReloadReport, error) {
	if !l.gone {
		return face.ReloadReport{}, face.ErrSuspended
	}
	return face.ReloadReport{Added: []string{"new.service"}}, nil
}

// begin serves on l until the test ends.
func beginServer(t *testing.T, m face.Manager, l *net.UnixListener, saved *rpc.Saved) *rpc.Server {
	t.Helper()
	s := &rpc.Server{Manager: m, Saved: saved}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

// Connections outlive a server: requests that were begun, those that wait, those that are
// half read, and the answers are those of the next manager.
func TestSuspend(t *testing.T) {
	socket := t.TempDir() + "/control"
	l, err := rpc.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	m := fake.New()
	m.Add(&fake.Unit{UnitInfo: face.UnitInfo{Name: "a.service", Load: "loaded", Active: "inactive"}})
	first := beginServer(t, &leaver{Manager: m}, l, nil)
	start := `"method":"start","params":{"unit":"a.service","wait":true}}`
	talks := []struct{ say, rest, want string }{
		{`{"jsonrpc":"2.0","id":1,` + start, "", `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,` +
			`"message":"start a.service: failed","data":{"name":"rouse.JobFailed",` +
			`"job":{"ID":7,"Unit":"a.service","Type":"start",` +
			`"Result":"failed"}}}}`},
		{`{"jsonrpc":"2.0","id":2,"method":"daemon-reexec"}`, "", `{"jsonrpc":"2.0","id":2,"result":[]}`},
		{`{"jsonrpc":"2.0","id":3,"method":"daemon-reload"}`, "", `{"jsonrpc":"2.0","id":3,"result":` +
			`{"Added":["new.service"],"Changed":null,"Removed":null,"Faults":null}}`},
		{`[{"jsonrpc":"2.0","id":4,"method":"daemon-reexec"},` +
			`{"jsonrpc":"2.0","id":5,"method":"reset-failed"}]`, "",
			`[{"jsonrpc":"2.0","id":4,"result":[]},{"jsonrpc":"2.0","id":5,"result":[]}]`},
		{`{"jsonrpc":"2.0","id":6,"method":"reset`, `-failed"}`,
			`{"jsonrpc":"2.0","id":6,"result":[]}`},
	}
	var conns []net.Conn
	for _, talk := range talks {
		c := connect(t, socket)
		conns = append(conns, c)
		if _, err := c.Write([]byte(talk.say)); err != nil {
			t.Fatal(err)
		}
	}
	// What a connection says after another one was answered has been read before.
	probe := connect(t, socket)
	in := bufio.NewReader(probe)
	for range 3 {
		if _, err := probe.Write([]byte(`{"jsonrpc":"2.0","id":0,"method":"reset-failed"}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(first.Suspend())
	if err != nil {
		t.Fatal(err)
	}
	late := connect(t, socket) // nobody listens just now, and it is not refused
	saved := &rpc.Saved{}
	if err := json.Unmarshal(data, saved); err != nil {
		t.Fatal(err)
	}
	if n := len(saved.FDs()); n != len(talks)+2 {
		t.Errorf("%d descriptors, want %d", n, len(talks)+2)
	}
	again, err := gate.Listener(saved.Listener)
	if err != nil {
		t.Fatal(err)
	}
	beginServer(t, &leaver{Manager: m, gone: true}, again, saved)
	conns, talks = append(conns, late), append(talks, talks[1])
	if _, err := late.Write([]byte(talks[1].say)); err != nil {
		t.Fatal(err)
	}
	for i, c := range conns[:len(talks)-1] {
		c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := c.Write([]byte(talks[i].rest)); err != nil {
			t.Fatal(err)
		}
		got, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || got != talks[i].want+"\n" {
			t.Errorf("%s: got %s, %v; want %s", talks[i].say, got, err, talks[i].want)
		}
	}
}
