package ipc

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// stranger is a user of whom nobody has objects.
const stranger = 54321

// TestMain makes objects of each kind, if it is asked to.
func TestMain(m *testing.M) {
	if os.Getenv("IPC_MAKE") == "" {
		os.Exit(m.Run())
	}
	for _, call := range [][3]uintptr{
		{unix.SYS_SHMGET, 4096}, {unix.SYS_SEMGET, 1}, {unix.SYS_MSGGET, unix.IPC_CREAT | 0o600},
	} {
		flags := uintptr(unix.IPC_CREAT | 0o600)
		if _, _, e := unix.Syscall(call[0], unix.IPC_PRIVATE, call[1], flags); e != 0 {
			os.Exit(1)
		}
	}
}

// objects counts the lines of the lists that are of the user.
func objects(t *testing.T) (n int) {
	t.Helper()
	for _, l := range Machine.SystemV {
		none := l
		none.Remove = func(int) error { n++; return nil }
		if err := none.remove(who{stranger, -1}); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestSystemV(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: objects of another user")
	}
	if _, err := os.Stat("/proc/sysvipc/shm"); err != nil {
		t.Skip("this kernel has no System V objects")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "make") // where everybody may look
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(program); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(program)
	c.Env = []string{"IPC_MAKE=1"}
	c.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: stranger, Gid: stranger},
	}
	if out, err := c.CombinedOutput(); errors.Is(err, os.ErrPermission) {
		t.Skipf("another user cannot run a program here: %v", err)
	} else if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if n := objects(t); n != 3 {
		t.Fatalf("%d objects were made", n)
	}
	if err := (Place{SystemV: Machine.SystemV}).Of(0, 0); err != nil || objects(t) != 3 {
		t.Fatalf("root's: %v, %d are left", err, objects(t))
	}
	if err := (Place{SystemV: Machine.SystemV}).Of(-1, stranger); err != nil || objects(t) != 0 {
		t.Fatalf("%v, %d are left", err, objects(t))
	}
}

func TestPOSIX(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: files of another user")
	}
	dir := t.TempDir()
	for _, n := range []string{"theirs", ".hidden", "d/theirs", "ours", "e/ours", "group"} {
		path := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		uid, gid := stranger, 0
		if strings.Contains(n, "ours") {
			uid = 0
		} else if n == "group" {
			uid, gid = 0, stranger
		}
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []string{"d", "e"} {
		if err := os.Chown(filepath.Join(dir, n), stranger, 0); err != nil {
			t.Fatal(err)
		}
	}
	p := Place{Dirs: []string{dir, filepath.Join(dir, "not there")}}
	if err := p.Of(stranger, stranger); err != nil {
		t.Fatal(err)
	}
	var left []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if path != dir {
			left = append(left, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if got := strings.Join(left, " "); err != nil || got != ".hidden e e/ours ours" {
		t.Errorf("%v, left: %s", err, got)
	}
}

func TestLists(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shm")
	text := "key shmid perms size cpid lpid nattch uid gid\n" +
		"0 1 600 9 9 9 0 7 8\n0 2 600 9 9 9 1 7 8\n0 3 600 9 9 9 0 6 8\n0 4 600 9\n\n" +
		"0 5 600 9 9 9 0 7 8\n0 6 600 9 9 9 0 7 8\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var removed []int
	l := List{Path: file, ID: "shmid", Remove: func(id int) error {
		removed = append(removed, id)
		return map[int]error{5: unix.EIDRM, 6: unix.EPERM}[id]
	}}
	err := Place{SystemV: []List{l, {Path: file + "x"}}}.Of(7, -1)
	if !errors.Is(err, unix.EPERM) || strings.Count(err.Error(), "remove") != 1 {
		t.Errorf("error %v", err)
	}
	if len(removed) != 3 || removed[0] != 1 || removed[1] != 5 || removed[2] != 6 {
		t.Errorf("removed %v", removed)
	}
}
