package manager

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"rouse/internal/host/spawn"
)

// writeGiven writes a word to each descriptor it was given and notes their names,
// and the numbers of those that it could not write to.
func writeGiven(args []string) error {
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	line := os.Getenv("LISTEN_FDNAMES")
	for i := range n {
		f := os.NewFile(uintptr(3+i), "given")
		if _, err := f.WriteString("word"); err != nil {
			line += fmt.Sprintf(" %d", i)
		}
		f.Close()
	}
	return appendLine([]string{args[0], line})
}

func TestOpenFile(t *testing.T) {
	f := begin(t, map[string]string{
		"o.service": "[Service]\nType=oneshot\nExecStartPre=SELF given DIR/given\n" +
			"ExecStart=SELF given DIR/given\n" +
			"OpenFile=DIR/rw\nOpenFile=DIR/app:appended:append\nOpenFile=DIR/cut::truncate\n" +
			"OpenFile=DIR/ro:ro:read-only\nOpenFile=DIR/absent::graceful,read-only\nOpenFile=DIR/sock:s\n",
		"bad.service": "[Service]\nType=oneshot\nExecStart=SELF exit 0\nOpenFile=DIR/absent\n",
		"rw":          "123456", "app": "123456", "cut": "123456", "ro": "123456",
	})
	l, err := net.Listen("unix", filepath.Join(f.dir, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f.want("start", "o.service", "done")
	want := []string{"", "rw:appended:cut:ro:s 3"}
	if got := f.lines("given"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"rw": "word56", "app": "123456word", "cut": "word", "ro": "123456",
	} {
		if got := f.lines(name)[0]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text := make([]byte, 8)
	if n, err := conn.Read(text); err != nil || string(text[:n]) != "word" {
		t.Errorf("%q came through the socket, %v", text[:n], err)
	}
	f.want("start", "bad.service", "failed")
	if got := f.property("bad.service", "ExecMainStatus"); got != int32(spawn.StatusFDs) {
		t.Errorf("status %v, want %d", got, spawn.StatusFDs)
	}
}
