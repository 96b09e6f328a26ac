package varlink

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/face"
)

const patience = time.Minute

// users are those there are in all tests.
func users(context.Context) ([]face.DynamicUser, error) {
	return []face.DynamicUser{
		{Name: "d3", UID: 61411}, {Name: "dyn1", UID: 63019}, {Name: "dyn2", UID: 61542},
		{Name: "games", UID: 5}, {Name: "gr2", UID: 64815},
	}, nil
}

// run has s serve at a socket until the test ends.
func run(t *testing.T, s *Server, l *net.UnixListener) {
	t.Helper()
	if s.Users == nil {
		s.Users = users
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func listen(t *testing.T) (l *net.UnixListener, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	return l, path
}

func dial(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// say sends messages, in which a bar is the byte that ends one.
func say(t *testing.T, c net.Conn, messages string) {
	t.Helper()
	if _, err := c.Write([]byte(strings.ReplaceAll(messages, "|", "\x00"))); err != nil {
		t.Fatal(err)
	}
}

// hear gives the next message; "" is the end.
func hear(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString(0)
	if err != nil && !ended(err) {
		t.Fatal(err)
	}
	return strings.TrimSuffix(s, "\x00")
}

// ended reports that the other end has closed the connection, whatever it left unread.
func ended(err error) bool { return err == io.EOF || !errors.Is(err, os.ErrDeadlineExceeded) }

// Answers are systemd's, byte for byte, and so is what connections end of.
func TestSystemd(t *testing.T) {
	l, path := listen(t)
	run(t, &Server{}, l)
	text, err := os.ReadFile("testdata/systemd.txt")
	if err != nil {
		t.Fatal(err)
	}
	const last = `{"method":"x.y"}|`
	const end = `{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"x.y"}}`
	for _, part := range strings.Split("\n"+string(text), "\n> ")[1:] {
		lines := strings.Split(strings.TrimSuffix(part, "\n"), "\n")
		want := strings.ReplaceAll(strings.Join(lines[1:], "\n"), "< ", "")
		if want != "closed" {
			want = strings.TrimPrefix(want+"\n"+end, "\n")
		}
		c := dial(t, path)
		say(t, c, lines[0])
		if want != "closed" {
			say(t, c, last)
		}
		var got []string
		for r := bufio.NewReader(c); len(got) == 0 || got[len(got)-1] != end; {
			reply := hear(t, r)
			if reply == "" {
				got = append(got, "closed")
				break
			}
			got = append(got, reply)
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s:\n%s\nwant\n%s", lines[0], strings.Join(got, "\n"), want)
		}
		c.Close()
	}
}

// What systemd 252 does not answer, and Varlink wants to be.
func TestInterface(t *testing.T) {
	s := &Server{Users: users, Version: "1"}
	for _, c := range []struct{ message, part string }{
		{`{"method":"org.varlink.service.GetInfo"}`, `"product":"roused","version":"1"`},
		{`{"method":"org.varlink.service.GetInfo","parameters":{"x":1}}`,
			`InvalidParameter","parameters":{"parameter":"x"}`},
		{`{"method":"org.varlink.service.GetInterfaceDescription",
			"parameters":{"interface":"io.systemd.UserDatabase"}}`, `method GetUserRecord(`},
		{`{"method":"org.varlink.service.GetInterfaceDescription",
			"parameters":{"interface":"a.b"}}`, `InterfaceNotFound","parameters":{"interface":"a.b"}`},
		{`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{}}`,
			`InvalidParameter`},
		{`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":1}}`,
			`InvalidParameter`},
		{`{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"x":1}}`,
			`"parameter":"x"`},
	} {
		replies, ok := s.answer(t.Context(), []byte(c.message))
		b, _ := json.Marshal(replies)
		if !ok || len(replies) != 1 || !strings.Contains(string(b), c.part) {
			t.Errorf("%s: %s", c.message, b)
		}
	}
	for which := range descriptions {
		for method := range methods {
			at := strings.LastIndexByte(method, '.')
			has := strings.Contains(descriptions[which], "method "+method[at+1:]+"(")
			if has != (method[:at] == which) {
				t.Errorf("%s in %s: %v", method, which, has)
			}
		}
	}
}

// Who cannot be told is told that.
func TestUsersFail(t *testing.T) {
	s := &Server{Users: func(context.Context) ([]face.DynamicUser, error) {
		return nil, errors.New("no")
	}}
	replies, ok := s.answer(t.Context(), []byte(
		`{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"`+Service+`"}}`))
	if want := fmt.Sprint(errno(errIO)); !ok || fmt.Sprint(replies) != want {
		t.Errorf("%v, %v", replies, ok)
	}
}

const one = `{"method":"io.systemd.UserDatabase.GetGroupRecord","parameters":` +
	`{"gid":61411,"service":"io.systemd.DynamicUser"}}|`

const d3 = `{"parameters":{"record":{"groupName":"d3","description":"Dynamic Group",` +
	`"gid":61411,"service":"io.systemd.DynamicUser","disposition":"dynamic"}}}`

// Requests may come in one piece, or byte by byte.
func TestPieces(t *testing.T) {
	l, path := listen(t)
	run(t, &Server{}, l)
	c := dial(t, path)
	r := bufio.NewReader(c)
	say(t, c, strings.Repeat(one, 100))
	for i := range one {
		say(t, c, one[i:i+1])
	}
	for i := range 101 {
		if got := hear(t, r); got != d3 {
			t.Fatalf("%d: %s", i, got)
		}
	}
}

// Who sends nothing whole, or too much, or does not read, is dropped; others are served
// meanwhile.
func TestBadClients(t *testing.T) {
	l, path := listen(t)
	run(t, &Server{Idle: 50 * time.Millisecond, Write: 50 * time.Millisecond}, l)
	silent, half, long, deaf := dial(t, path), dial(t, path), dial(t, path), dial(t, path)
	_, _ = half.Write([]byte(one[:20]))                          // too late, where all is slow
	_, _ = long.Write([]byte(strings.Repeat("x", 4*maxRequest))) // it may be cut off
	many := []byte(strings.ReplaceAll(strings.Repeat(one, 100), "|", "\x00"))
	for err := error(nil); err == nil; { // until both ends are full, and then the other one closes
		_, err = deaf.Write(many)
	}
	for _, c := range []net.Conn{silent, half, long} {
		if n, err := c.Read(make([]byte, 1)); n > 0 || !ended(err) {
			t.Errorf("%d, %v", n, err)
		}
	}
	served(t, path)
}

// served asks until it is answered: who is slow may be dropped, or find no room yet.
func served(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		c := dial(t, path)
		_, err := c.Write([]byte(strings.ReplaceAll(one, "|", "\x00")))
		if err == nil && hear(t, bufio.NewReader(c)) == d3 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("nobody is let in any more")
		}
	}
}

// More than there is room for are closed; when others leave, there is room again.
func TestMany(t *testing.T) {
	l, path := listen(t)
	s := &Server{MaxConns: 8}
	run(t, s, l)
	var in []net.Conn
	for range 8 {
		c := dial(t, path)
		say(t, c, one)
		if got := hear(t, bufio.NewReader(c)); got != d3 {
			t.Fatal(got)
		}
		in = append(in, c)
	}
	for range 50 {
		if n, err := dial(t, path).Read(make([]byte, 1)); n > 0 || !ended(err) {
			t.Errorf("%d, %v", n, err)
		}
	}
	for _, c := range in {
		c.Close()
	}
	served(t, path)
}

// One user who is not root has a quarter of all connections.
func TestShare(t *testing.T) {
	s := &Server{MaxConns: 8}
	in := func(uid uint32, n int) {
		t.Helper()
		for i := range n + 1 {
			if got := s.join(uid); got != (i < n) {
				t.Errorf("%d, number %d: %v", uid, i, got)
			}
		}
	}
	a := uint32(os.Geteuid()) + 1 // the manager's own user has more
	in(a, 2)
	in(a+1, 2)
	in(a+2, 2)
	in(a+3, 0)
	in(0, 2)
	for _, uid := range []uint32{a, a, a + 1, a + 1, a + 2, a + 2, 0, 0} {
		s.left(uid)
	}
	if s.all != 0 || len(s.counts) > 0 {
		t.Errorf("%d, %v", s.all, s.counts)
	}
	in(a, 2)
}

// Without a socket, nobody is served, and the end is as always.
func TestNoListener(t *testing.T) {
	s := &Server{Users: users}
	if err := s.Serve(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if saved := s.Suspend(); len(saved.FDs()) > 0 {
		t.Error(saved)
	}
}

// A re-execution loses neither a connection, nor half a request, nor who connects meanwhile.
func TestSuspend(t *testing.T) {
	l, path := listen(t)
	s := &Server{Users: users}
	done := make(chan error, 1)
	go func() { done <- s.Serve(t.Context(), l) }()
	asked, half := dial(t, path), dial(t, path)
	in := bufio.NewReader(asked)
	say(t, asked, one)
	if got := hear(t, in); got != d3 {
		t.Fatal(got)
	}
	say(t, half, one+one[:30])
	inHalf := bufio.NewReader(half)
	if got := hear(t, inHalf); got != d3 {
		t.Fatal(got)
	}
	saved := s.Suspend()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(saved)
	if err != nil || len(saved.FDs()) != 3 {
		t.Fatalf("%s, %v", text, err)
	}
	late := dial(t, path)
	say(t, late, one)
	say(t, asked, one)
	again := &Saved{}
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(again.Listener), "listener")
	next, err := net.FileListener(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	run(t, &Server{Saved: again}, next.(*net.UnixListener))
	say(t, half, one[30:])
	for _, r := range []*bufio.Reader{in, inHalf, bufio.NewReader(late)} {
		if got := hear(t, r); got != d3 {
			t.Error(got)
		}
	}
}

// Whatever comes, there is an answer or an end.
func FuzzAnswer(f *testing.F) {
	text, err := os.ReadFile("testdata/systemd.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if q, ok := strings.CutPrefix(line, "> "); ok {
			f.Add([]byte(strings.TrimSuffix(q, "|\n")))
		}
	}
	s := &Server{Users: users}
	f.Fuzz(func(t *testing.T, message []byte) {
		replies, ok := s.answer(t.Context(), message)
		if ok != (len(replies) > 0) {
			t.Errorf("%v, %v", replies, ok)
		}
		for i, r := range replies {
			if r.Continues != (i < len(replies)-1) || r.Error != "" && r.Continues {
				t.Errorf("%d of %d: %+v", i, len(replies), r)
			}
		}
	})
}
