package rpc_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/rpc"
	"rouse/internal/face/rpc/fake"
	"rouse/internal/unit/value"
)

// serve runs a server for m on a socket until the test ends. set may change it.
func serve(t *testing.T, m face.Manager, set func(*rpc.Server)) (socket string, stop func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rouse") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "sub", "control")
	l, err := rpc.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &rpc.Server{Manager: m}
	if set != nil {
		set(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return socket, stop
}

func connect(t *testing.T, socket string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { c.Close() })
	return c
}

// talk sends text, closes the side for writing and gives all that comes back.
func talk(t *testing.T, socket, text string) string {
	t.Helper()
	c := connect(t, socket)
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(got), "\n")
}

func TestConversation(t *testing.T) {
	socket, _ := serve(t, example(), nil)
	const (
		list  = `{"jsonrpc":"2.0","id":1,"method":"list-units","params":"socket"}`
		names = `{"jsonrpc":"2.0","id":1,"result":["web.socket"]}`
	)
	for _, c := range []struct{ name, send, want string }{
		{"one request and the end", list, names},
		{"a line", list + "\n", names},
		{"two lines", list + "\n" + list + "\n", names + "\n" + names},
		{"no space between", list + list, names + "\n" + names},
		{"over several lines", strings.ReplaceAll(list, ",", ",\n\t"), names},
		{"nothing", "", ""},
		{"white space", " \n\t ", ""},
		{"a notification", `{"jsonrpc":"2.0","method":"list-units"}`, ""},
		{"a bad notification", `{"jsonrpc":"2.0","method":"nope"}`,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no method \"nope\""}}`},
		{"id null", `{"jsonrpc":"2.0","id":null,"method":"list-units","params":"socket"}`,
			`{"jsonrpc":"2.0","id":null,"result":["web.socket"]}`},
		{"id a string", `{"jsonrpc":"2.0","id":"a b","method":"list-units","params":"socket"}`,
			`{"jsonrpc":"2.0","id":"a b","result":["web.socket"]}`},
		{"id an object", `{"jsonrpc":"2.0","id":{},"method":"list-units"}`,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,` +
				`"message":"id: not a string, a number or null"}}`},
		{"batch of notifications", "[" + `{"jsonrpc":"2.0","method":"info"}` + "]", ""},
		{"batch", "[" + list + `,1,` + list + "]", "[" + names +
			`,{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"not a request"}},` +
			names + "]"},
		{"empty batch", "[]",
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty batch"}}`},
		{"a scalar", "1 " + list,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"not a request"}}` +
				"\n" + names},
		{"not JSON", "{]" + list,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}` + "\n" + names},
		{"cut off", list[:20],
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request: incomplete"}}`},
		{"no method", `{"jsonrpc":"2.0","id":1}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"method: missing"}}`},
		{"method no string", `{"jsonrpc":"2.0","id":1,"method":1}`,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"not a request"}}`},
		{"unknown parameter", `{"jsonrpc":"2.0","id":1,"method":"why","params":{"unti":"x"}}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32602,` +
				`"message":"why: unknown parameter \"unti\"; known: unit"}}`},
		{"wrong kind", `{"jsonrpc":"2.0","id":1,"method":"cancel","params":{"job":"x"}}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32602,` +
				`"message":"cancel: parameter \"job\": string does not fit"}}`},
		{"too many", `{"jsonrpc":"2.0","id":1,"method":"why","params":["a","b"]}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32602,` +
				`"message":"why: takes at most 1 parameters"}}`},
		{"none taken", `{"jsonrpc":"2.0","id":1,"method":"info","params":"a"}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32602,` +
				`"message":"info: takes no parameters"}}`},
		{"bad mode", `{"jsonrpc":"2.0","id":1,"method":"start","params":["web.service","x"]}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32602,` +
				`"message":"mode: \"x\" is no job mode"}}`},
		{"bad verb", `{"jsonrpc":"2.0","id":1,"method":"shutdown","params":"x"}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-32602,` +
				`"message":"verb: \"x\" is none of exit, poweroff, reboot, halt, kexec"}}`},
		{"too long", "[" + strings.Repeat(" ", rpc.MaxRequest) + "1]",
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,` +
				`"message":"request: longer than 1048576 bytes"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := talk(t, socket, c.send); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSocketMode(t *testing.T) {
	socket, _ := serve(t, fake.New(), nil)
	st, err := os.Stat(socket)
	if err != nil || st.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if _, err := rpc.Listen(socket); err == nil {
		t.Error("two managers on one socket")
	}
}

// TestListenStale checks that a dead socket is replaced and another file is not.
func TestListenStale(t *testing.T) {
	socket, stop := serve(t, fake.New(), nil)
	stop()
	l, err := rpc.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	plain := filepath.Join(filepath.Dir(socket), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rpc.Listen(plain); err == nil {
		t.Error("a plain file was replaced")
	}
}

func TestTooManyConnections(t *testing.T) {
	socket, _ := serve(t, fake.New(), func(s *rpc.Server) { s.MaxConns = 1 })
	first := connect(t, socket)
	request := []byte(`{"jsonrpc":"2.0","id":1,"method":"list-jobs"}`)
	first.Write(request)
	if _, err := bufio.NewReader(first).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(connect(t, socket))
	if !strings.Contains(string(got), "LimitsExceeded") {
		t.Errorf("got %q", got)
	}
}

// TestDeadlines checks that a connection ends that asks for nothing, or does not
// finish what it has begun.
func TestDeadlines(t *testing.T) {
	socket, _ := serve(t, fake.New(), func(s *rpc.Server) { s.Idle = 20 * time.Millisecond })
	if got, err := io.ReadAll(connect(t, socket)); err != nil || len(got) > 0 {
		t.Errorf("idle: %q, %v", got, err)
	}
	// Another one, which does not end the connection before anything has been written.
	socket, _ = serve(t, fake.New(), func(s *rpc.Server) { s.Partial = 20 * time.Millisecond })
	c := connect(t, socket)
	c.Write([]byte(`{"jsonrpc"`))
	if got, err := io.ReadAll(c); err != nil || !strings.Contains(string(got), "-32700") {
		t.Errorf("partial: %q, %v", got, err)
	}
}

// TestSlowReader checks that a client that does not read is dropped and does not
// keep the server from ending.
func TestSlowReader(t *testing.T) {
	dropped := make(chan string, 8)
	m := example()
	socket, stop := serve(t, m, func(s *rpc.Server) {
		s.Write, s.Log = 20*time.Millisecond, func(text string) { dropped <- text }
	})
	c := connect(t, socket)
	request := strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"show","params":"web.service"}`, 100)
	for {
		if _, err := c.Write([]byte(request)); err != nil {
			break // the server has closed it
		}
	}
	if text := <-dropped; !strings.Contains(text, "does not read") {
		t.Errorf("log: %s", text)
	}
	stop()
}

// stuck is a manager whose jobs never end.
type stuck struct {
	*fake.Manager
	entered chan string
}

func (s stuck) Enqueue(ctx context.Context, r face.JobRequest) (face.JobReply, error) {
	s.entered <- r.Unit
	r.Queued()
	<-ctx.Done()
	return face.JobReply{}, ctx.Err()
}

// TestWaitingHoldsUpNobody checks that requests behind one that waits are
// answered, and that the server ends all the same.
func TestWaitingHoldsUpNobody(t *testing.T) {
	m := stuck{example(), make(chan string, 4)}
	socket, stop := serve(t, m, nil)
	c := connect(t, socket)
	c.Write([]byte(`{"jsonrpc":"2.0","id":1,"method":"start","params":"web.service"}` +
		`{"jsonrpc":"2.0","id":2,"method":"list-units","params":"socket"}`))
	<-m.entered
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, `{"jsonrpc":"2.0","id":2`) {
		t.Errorf("got %q, %v", line, err)
	}
	stop()
}

// TestClient checks that every call of the manager arrives and comes back as it
// was.
func TestClient(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m := example()
	socket, stop := serve(t, m, nil)
	c, err := rpc.Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if i, err := c.Info(ctx); err != nil || i.Since != m.About.Since {
		t.Errorf("info: %v, %v", i, err)
	}
	units, err := c.Units(ctx, []string{"web.socket", "new.service"}, true)
	if err != nil || len(units) != 2 || units[0].Load != "not-found" {
		t.Errorf("units: %v, %v", units, err)
	}
	props, err := c.Properties(ctx, "web.socket")
	if err != nil || len(props) != 7 {
		t.Fatalf("properties: %v, %v", props, err)
	}
	row, ok := props[1].Value.([]any)[0].([]any) // Listen
	if !ok || row[1] != "0.0.0.0:80" || props[1].Type != "a(ss)" {
		t.Errorf("properties: %v", props)
	}
	props, err = c.Show(ctx, "web.service", []string{"TimeoutStartUSec"})
	if err != nil || len(props) != 1 || props[0].Value != uint64(value.Infinity) {
		t.Errorf("show: %v, %v", props, err)
	}
	if _, err := c.Subscribe(ctx); err != nil {
		t.Errorf("subscribe: %v", err)
	}
	r, err := c.Enqueue(ctx, face.JobRequest{Unit: "bad.service", Type: "start", Wait: true})
	if err != nil || r.Result != "failed" || r.Unit != "bad.service" {
		t.Errorf("enqueue: %v, %v", r, err)
	}
	_, err = c.Enqueue(ctx, face.JobRequest{Unit: "nope.service", Type: "start"})
	var e *face.Error
	if !errors.As(err, &e) || e.Name != face.NoSuchUnit {
		t.Errorf("enqueue: %v", err)
	}
	if err := c.Kill(ctx, "web.service", "main", value.SIGHUP); err != nil {
		t.Errorf("kill: %v", err)
	}
	if err := c.Cancel(ctx, 99); !errors.As(err, &e) || e.Name != face.NoSuchJob {
		t.Errorf("cancel: %v", err)
	}
	if err := c.Shutdown(ctx, "reboot", 0); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	calls := strings.Join(m.Calls(), "; ")
	if !strings.Contains(calls, "kill web.service main 1; shutdown reboot 0") {
		t.Errorf("calls: %s", calls)
	}
	stop()
	if _, err := c.Info(ctx); err == nil {
		t.Error("the manager is gone and nothing said so")
	}
}

// TestSubscription checks that events come through and end with the context.
func TestSubscription(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	socket, _ := serve(t, example(), nil)
	c, err := rpc.Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sub, end := context.WithCancel(ctx)
	events, err := c.Subscribe(sub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Enqueue(ctx, face.JobRequest{Unit: "web.service", Type: "stop"}); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Kind != "job-removed" || e.Unit != "web.service" || e.Result != "done" {
		t.Errorf("event %v", e)
	}
	end()
	for range events { // until it is closed
	}
}
