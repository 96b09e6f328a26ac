package control

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"rouse/internal/unit"
)

// needHooks skips a test where the kernel asks no programs about files.
func needHooks(t *testing.T) {
	t.Helper()
	if _, err := OpeningFunction(); err != nil {
		t.Skip(err)
	}
}

// magicOf is what the kernel says of the file system that a file is on.
func magicOf(t *testing.T, file string) uint32 {
	var is unix.Statfs_t
	if err := unix.Statfs(file, &is); err != nil {
		t.Skip(err)
	}
	return uint32(is.Type)
}

func TestFileSystems(t *testing.T) {
	needHooks(t)
	s := newStage(t)
	const proc, tmpfs = 0x9fa0, 0x01021994
	if magicOf(t, "/proc/version") != proc || magicOf(t, "/dev/null") != tmpfs {
		t.Skip("/proc or /dev is not what it is elsewhere")
	}
	for _, step := range []struct{ lines, what, want string }{
		{"RestrictFileSystems=~proc", "read /proc/version", forbidden},
		{"RestrictFileSystems=~proc", "read /dev/null", fine},
		{"RestrictFileSystems=~@temporary", "read /dev/null", forbidden},
		{"RestrictFileSystems=~@temporary", "read /proc/version", fine},
		{"RestrictFileSystems=@known\nRestrictFileSystems=~devtmpfs tmpfs", "write /dev/null", forbidden},
		{"RestrictFileSystems=@known\nRestrictFileSystems=~xenfs", "read /proc/version", fine},
		{"RestrictFileSystems=~xenfs", "read /proc/version", fine},
		{"", "read /proc/version", fine},
	} {
		t.Log(step.lines)
		s.control(step.lines)
		s.do(step.what, step.want)
	}
}

// A program that is on a file system which is not allowed is not executed.
func TestFileSystemsOfPrograms(t *testing.T) {
	needHooks(t)
	s := newStage(t)
	s.control("RestrictFileSystems=xenfs")
	if out, err := s.output("read /dev/null"); !errors.Is(err, unix.EPERM) {
		t.Error(out, err)
	}
	s.control("RestrictFileSystems=")
	s.do("read /dev/null", fine)
}

// What the kernel would not take is not made: a program with a part that is never reached.
func TestFileSystemPrograms(t *testing.T) {
	var s surrounding
	none := s.program(unit.Restriction{Allow: true})
	some := s.program(unit.Restriction{Allow: true, Names: []string{"ext4"}})
	other := s.program(unit.Restriction{Names: []string{"ext4"}})
	if len(some) != len(none)+3 || len(other) != len(none)+2 {
		t.Error(len(none), len(some), len(other))
	}
	for _, r := range []string{"RestrictFileSystems=xenfs", "RestrictFileSystems=~xenfs"} {
		said := ""
		c := For(&Request{
			Unit: parse(t, "x.service", r), Alone: true,
			Log: func(format string, _ ...any) { said = format },
		})
		if len(c.Programs) != 0 || said == "" {
			t.Error(r, c.Programs, said)
		}
	}
}
