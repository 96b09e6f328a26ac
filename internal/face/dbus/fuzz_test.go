package dbus

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"rouse/internal/face/dbus/table"
	"rouse/internal/host/sys"
	"rouse/internal/wire/dbus"
)

// FuzzConnection has a client send anything, in reads of any size: the connection ends
// or goes on, and the server is there for the next one.
func FuzzConnection(f *testing.F) {
	const auth = "\x00AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
	message := func(iface, member, sig string, body []byte) string {
		m := dbus.Message{
			Type: dbus.Call, Serial: 1, Path: managerPath, Interface: iface, Member: member,
			Signature: sig, Body: body,
		}
		b, err := m.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		return string(b)
	}
	list := message(table.Manager, "ListUnits", "", nil)
	start := message(table.Manager, "StartUnit", "ss", sample("ss", managerPath))
	f.Add([]byte(auth+list+start), uint8(0))
	f.Add([]byte(auth+list), uint8(1))
	f.Add([]byte(auth+start+list[:20]), uint8(7))
	f.Add([]byte("\x00AUTH\r\nAUTH EXTERNAL 30\r\nCANCEL\r\n"), uint8(3))
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"), uint8(0))
	f.Add([]byte(auth+"l\x01\x00\x01\xff\xff\xff\x7f\x01\x00\x00\x00\x00\x00\x00\x00"), uint8(0))
	s := NewServer(newFake("web.service"), nil)
	f.Fuzz(func(t *testing.T, sent []byte, step uint8) {
		near, far := pair(t)
		c := newConn(s, near, sys.Peer{UID: uint32(os.Getuid()), PID: os.Getpid()})
		done := make(chan bool)
		go func() {
			c.serve(context.Background())
			close(done)
		}()
		go io.Copy(io.Discard, far)
		for n := int(step) + 1; len(sent) > 0; {
			if step == 0 {
				n = len(sent)
			}
			n = min(n, len(sent))
			if _, err := far.Write(sent[:n]); err != nil {
				break
			}
			sent = sent[n:]
		}
		far.CloseWrite()
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("the connection does not end")
		}
	})
}

// pair is a connection and its other end.
func pair(t testing.TB) (near, far *net.UnixConn) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: t.TempDir() + "/s", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err = net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	near, err = l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}
