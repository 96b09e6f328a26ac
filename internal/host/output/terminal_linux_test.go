package output

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// A terminal that somebody has spoiled is fit for a shell again, and has the size asked
// for.
func TestTidyTerminal(t *testing.T) {
	master, path, err := sys.OpenTerminal()
	if err != nil {
		t.Skip(err)
	}
	defer master.Close()
	slave, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer slave.Close()
	fd := int(slave.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := *before
	spoiled.Lflag, spoiled.Oflag = 0, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &spoiled); err != nil {
		t.Fatal(err)
	}
	x := &unit.Exec{Terminal: unit.Terminal{
		TTYPath: path, TTYReset: true, TTYVTDisallocate: true, TTYRows: 7,
		TTYColumns: unit.TTYSizeUnset,
	}}
	if !TidiesTerminal(x) || TidiesTerminal(&unit.Exec{}) {
		t.Error("what is asked for is not known")
	}
	TidyTerminal(x)
	sizeTerminal(x)
	after, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil || after.Lflag&unix.ICANON == 0 || after.Oflag&unix.ONLCR == 0 {
		t.Errorf("%+v, %v", after, err)
	}
	size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil || size.Row != 7 {
		t.Errorf("%+v, %v", size, err)
	}
	text := make([]byte, 64)
	if n, err := master.Read(text); err != nil || string(text[:n])[:3] != "\x1b[r" {
		t.Errorf("not cleared: %q, %v", text[:n], err)
	}
	x.TTYPath = "/nowhere"
	TidyTerminal(x) // there is nothing to be done
}
