package sys

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// OpenTerminal makes a pseudo terminal and gives the path of its other end. pts(4).
func OpenTerminal() (master *os.File, slave string, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	fd := int(master.Fd())
	err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	if err == nil {
		var n uint32
		if n, err = unix.IoctlGetUint32(fd, unix.TIOCGPTN); err == nil {
			return master, "/dev/pts/" + strconv.FormatUint(uint64(n), 10), nil
		}
	}
	master.Close()
	return nil, "", err
}

// SetTerminalSize sets the size of a terminal, in characters.
func SetTerminalSize(f *os.File, width, height int) error {
	size := unix.Winsize{Col: uint16(width), Row: uint16(height)}
	return unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ, &size)
}
