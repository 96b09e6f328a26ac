package main

import (
	"bufio"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestAsk(t *testing.T) {
	dir := t.TempDir()
	stream, datagram := filepath.Join(dir, "stream"), filepath.Join(dir, "datagram")
	l, err := net.Listen("unix", stream)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := net.ListenPacket("unixgram", datagram)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		line, _ := bufio.NewReader(conn).ReadString('\n')
		conn.Write([]byte("you said " + line))
	}()
	go func() {
		buf := make([]byte, 100)
		n, from, err := p.ReadFrom(buf)
		if err == nil {
			p.WriteTo([]byte("you said "+string(buf[:n])), from)
		}
	}()
	if got, err := askStream(t.Context(), stream, "hi"); got != "you said hi" || err != nil {
		t.Errorf("stream: got %q, %v", got, err)
	}
	if got, err := askDatagram(t.Context(), datagram, "hi"); got != "you said hi" || err != nil {
		t.Errorf("datagram: got %q, %v", got, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "client-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRunEnds: a question that gets no answer is an error that names the socket.
func TestRunEnds(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	err := run(t.Context(), options{stream: nowhere, count: 1})
	if err == nil || !strings.Contains(err.Error(), nowhere) {
		t.Errorf("got %v, want an error that names %s", err, nowhere)
	}
}
