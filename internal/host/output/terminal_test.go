package output

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"rouse/internal/unit"
)

// $TERM follows the terminal, and the console what it is.
func TestTerminalType(t *testing.T) {
	for _, c := range []struct{ path, own, want string }{
		{"/dev/tty7", "", "linux"},
		{"/dev/tty7", "xterm", "linux"},
		{"/dev/tty64", "", "vt220"},
		{"/dev/ttyS0", "", "vt220"},
		{"/dev/pts/3", "xterm", "vt220"},
		{"", "xterm", "xterm"},
	} {
		x := &unit.Exec{Terminal: unit.Terminal{TTYPath: c.path}}
		if got := TerminalType(x, c.own); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.path, c.own, got, c.want)
		}
	}
}

// The console is what the kernel says that it is.
func TestIsVirtual(t *testing.T) {
	sys := t.TempDir()
	for alias, active := range map[string]string{"console": "ttyS0 tty0\n", "tty0": "tty1\n"} {
		dir := filepath.Join(sys, "class/tty", alias)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "active"), []byte(active), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !isVirtual("/dev/console", sys) || !isVirtual("/dev/tty0", sys) {
		t.Error("the console is tty1")
	}
	if isVirtual("/dev/console", sys+"/none") || isVirtual("tty", sys) {
		t.Error("nobody knows what the console is")
	}
}

func TestUsesTerminal(t *testing.T) {
	for _, c := range []struct {
		x    unit.Exec
		want bool
	}{
		{unit.Exec{}, false},
		{unit.Exec{Stdin: unit.StdioTTYForce}, true},
		{unit.Exec{Stdout: unit.StdioJournalConsole}, true},
		{unit.Exec{Stderr: unit.StdioTTY}, true},
		{unit.Exec{Stdout: unit.StdioFile, Stderr: unit.StdioKmsg}, false},
		{unit.Exec{Terminal: unit.Terminal{TTYPath: "/dev/tty1"}}, true},
	} {
		if got := UsesTerminal(&c.x); got != c.want {
			t.Errorf("%+v: %v", c.x, got)
		}
	}
}

func TestTakeTerminal(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root takes what is another user's")
	}
	path := filepath.Join(t.TempDir(), "tty")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 61234, 61234); err != nil {
		t.Fatal(err)
	}
	x := &unit.Exec{}
	x.TTYPath, x.User = path, "somebody"
	if GivesTerminal(x) {
		t.Error("what is no terminal is given away")
	}
	x.Stdin = unit.StdioTTY
	if !GivesTerminal(x) {
		t.Error("the terminal is not given away")
	}
	if err := TakeTerminal(x, 5); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o620 {
		t.Fatalf("%v, %v", info, err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 0 || s.Gid != 5 {
		t.Errorf("owner %d, group %d", s.Uid, s.Gid)
	}
}
