package journal

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestEncode(t *testing.T) {
	got := string(Encode([]Field{{"MESSAGE", "a\nb"}, {"PRIORITY", "6"}}))
	if want := "MESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\nPRIORITY=6\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSend sends to a journal, one that is started anew, and to none.
func TestSend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	s := Open(path)
	defer s.Close()
	if s.Listening() {
		t.Error("nobody listens yet")
	}
	for range 2 {
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		if !s.Send(Field{"MESSAGE", "hello"}) {
			t.Error("no room for one line")
		}
		buf := make([]byte, 100)
		n, err := l.Read(buf)
		if err != nil || string(buf[:n]) != "MESSAGE=hello\n" {
			t.Errorf("read %q, %v", buf[:n], err)
		}
		l.Close()
		os.Remove(path)
	}
}

// TestFull does not wait for a journal that does not read.
func TestFull(t *testing.T) {
	s := &Sender{path: "/nonexistent", lines: make(chan []byte, 1)}
	if !s.Send(Field{"MESSAGE", "1"}) || s.Send(Field{"MESSAGE", "2"}) {
		t.Error("want room for one line only")
	}
}
