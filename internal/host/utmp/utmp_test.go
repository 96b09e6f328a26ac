package utmp

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

var noon = time.Unix(1700000000, 123456000)

// The form of a record: that of x86, 32-bit machines and riscv64, and that of arm64.
func TestLayout(t *testing.T) {
	r := &record{
		kind: userProcess, pid: 0x01020304, line: "tty1", id: "1234", user: "games", host: "h",
		termination: 1, exit: 3, session: 77, at: noon, address: [16]byte{127, 0, 0, 1},
	}
	start := "0700" + "0000" + "04030201" + hex.EncodeToString([]byte("tty1")) +
		strings.Repeat("00", 28) + hex.EncodeToString([]byte("1234games")) + strings.Repeat("00", 27) +
		"68" + strings.Repeat("00", 255) + "0100" + "0300"
	for _, c := range []struct {
		wide bool
		end  string
	}{
		{false, "4d000000" + "00f15365" + "40e20100" + "7f000001" + strings.Repeat("00", 32)},
		{true, "4d00000000000000" + "00f1536500000000" + "40e2010000000000" + "7f000001" +
			strings.Repeat("00", 36)},
	} {
		l := layout{binary.LittleEndian, c.wide}
		b := l.encode(r)
		if got := hex.EncodeToString(b); got != start+c.end {
			t.Errorf("wide %t:\n%s\n%s", c.wide, got, start+c.end)
		}
		if back := l.decode(b); fmt.Sprint(*back) != fmt.Sprint(*r) {
			t.Errorf("wide %t: %+v, %+v", c.wide, back, r)
		}
	}
}

// What is too long for a field is cut, and has no NUL byte after it.
func TestLong(t *testing.T) {
	long := strings.Repeat("x", 300)
	r := native.decode(native.encode(&record{line: long, id: long, user: long, host: long}))
	lengths := [4]int{len(r.line), len(r.id), len(r.user), len(r.host)}
	if lengths != [4]int{32, 4, 32, 256} || !r.at.IsZero() {
		t.Errorf("%+v", r)
	}
	if id("sc-init") != "init" || id("a") != "a" {
		t.Error(id("sc-init"), id("a"))
	}
}

// book makes a book of empty files.
func book(t *testing.T) *Book {
	dir := t.TempDir()
	b := &Book{Now: filepath.Join(dir, "utmp"), Ever: filepath.Join(dir, "wtmp")}
	for _, f := range []string{b.Now, b.Ever} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// records lists what is in a file, a line each.
func records(t *testing.T, path string) string {
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for ; len(all) >= native.size(); all = all[native.size():] {
		r := native.decode(all[:native.size()])
		at := "never"
		if !r.at.IsZero() {
			at = r.at.UTC().Format("15:04:05")
		}
		lines = append(lines, fmt.Sprintln(r.kind, r.pid, r.id, r.line, r.user, r.session,
			r.termination, r.exit, at))
	}
	return strings.Join(lines, "")
}

func TestBook(t *testing.T) {
	b := book(t)
	for _, p := range []Process{
		{PID: 10, ID: "sc-init", Line: "/dev/tty1"},
		{PID: 11, ID: "lo", Line: "console", Mode: unit.UtmpLogin},
		{PID: 12, ID: "u", User: "games", Mode: unit.UtmpUser},
		{PID: 13, ID: "lo", Mode: unit.UtmpInit},
	} {
		if err := b.Begun(p, noon); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range []End{{10, "sc-init", 1, 3}, {11, "lo", 2, 9}, {99, "what", 1, 0}} {
		if err := b.Ended(e, noon.Add(time.Second), false); err != nil {
			t.Error(err)
		}
	}
	now := "8 10 init tty1  10 1 3 never\n" + "5 13 lo   13 0 0 22:13:20\n" +
		"7 12 u  games 12 0 0 22:13:20\n"
	if got := records(t, b.Now); got != now {
		t.Errorf("now:\n%s\nwant:\n%s", got, now)
	}
	ever := "5 10 init tty1  10 0 0 22:13:20\n" + "5 11 lo console  11 0 0 22:13:20\n" +
		"6 11 lo console  11 0 0 22:13:20\n" + "5 12 u   12 0 0 22:13:20\n" +
		"6 12 u   12 0 0 22:13:20\n" + "7 12 u  games 12 0 0 22:13:20\n" +
		"5 13 lo   13 0 0 22:13:20\n" + "8 10 init tty1  10 1 3 22:13:21\n"
	if got := records(t, b.Ever); got != ever {
		t.Errorf("ever:\n%s\nwant:\n%s", got, ever)
	}
}

// Without an identifier in either, the terminal decides; records of other kinds are nobody's.
func TestReplaces(t *testing.T) {
	for _, c := range []struct {
		r, old record
		want   bool
	}{
		{record{id: "a"}, record{kind: deadProcess, id: "a", line: "x"}, true},
		{record{id: "a"}, record{kind: 2, id: "a"}, false},
		{record{id: "a", line: "x"}, record{kind: userProcess, id: "b", line: "x"}, false},
		{record{line: "x"}, record{kind: userProcess, id: "b", line: "x"}, true},
	} {
		if got := c.r.replaces(&c.old); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// Files that are not there are not made. Others are an error, and do not keep the rest away.
func TestMissing(t *testing.T) {
	b := book(t)
	b.Now += "/not/there"
	if err := b.Begun(Process{PID: 1, ID: "a"}, noon); !errors.Is(err, sys.ENOTDIR) {
		t.Error(err)
	}
	if err := os.Remove(b.Ever); err != nil {
		t.Fatal(err)
	}
	b.Now = b.Ever
	if err := b.Begun(Process{PID: 1, ID: "a"}, noon); err != nil {
		t.Error(err)
	}
	if err := b.Ended(End{PID: 1, ID: "a"}, noon, true); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(b.Ever); !os.IsNotExist(err) {
		t.Error("was made")
	}
}

// While another program writes, nobody else does.
func TestLocked(t *testing.T) {
	if name := os.Getenv("UTMP_TEST_LOCK"); name != "" {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err == nil {
			err = sys.LockRecords(f)
		}
		fmt.Println(err)
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	b := book(t)
	if err := b.Begun(Process{PID: 1, ID: "a"}, noon); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(self, "-test.run=TestLocked")
	cmd.Env = append(os.Environ(), "UTMP_TEST_LOCK="+b.Ever)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 100)
	if n, err := out.Read(said); err != nil || string(said[:n]) != "<nil>\n" {
		t.Fatalf("%s %v", said[:n], err)
	}
	if err := b.Ended(End{PID: 1, ID: "a"}, noon, false); !errors.Is(err, sys.EAGAIN) {
		t.Error(err)
	}
	in.Close()
	_ = cmd.Wait()
	if err := b.Ended(End{PID: 1, ID: "a"}, noon, true); err != nil {
		t.Error(err)
	}
	if got := records(t, b.Ever); strings.Count(got, "\n8 1 a") != 1 {
		t.Error(got)
	}
}
