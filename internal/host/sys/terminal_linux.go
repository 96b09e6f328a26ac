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

// IoctlControlledBy makes a terminal the one that controls a session, and IoctlWindowSize
// asks for its size. ioctl_tty(2).
const (
	IoctlControlledBy = unix.TIOCSCTTY
	IoctlWindowSize   = unix.TIOCGWINSZ
)

// openTerminal opens a terminal without waiting and without being controlled by it.
func openTerminal(path string) (int, error) {
	return unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
}

// onTerminal opens a terminal for as long as do takes.
func onTerminal(path string, do func(fd int) error) error {
	fd, err := openTerminal(path)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	return do(fd)
}

// HangUpTerminal takes the terminal away from all who have it. TIOCVHANGUP.
func HangUpTerminal(path string) error {
	return onTerminal(path, func(fd int) error { return unix.IoctlSetInt(fd, tiocVHangup, 0) })
}

// The calls about terminals that have no name in x/sys. ioctl_tty(2), ioctl_console(2).
const (
	tiocVHangup   = 0x5437
	kdSetMode     = 0x4b3a
	kdText        = 0
	kdSetKeys     = 0x4b45
	keysUnicode   = 3
	vtDisallocate = 0x5608
)

// ResetTerminal gives a terminal the settings that a shell expects, and drops what is
// waiting in it.
func ResetTerminal(path string) error {
	return onTerminal(path, func(fd int) error {
		// Nobody has it alone; and if it is one of the kernel's own, it shows text.
		_ = unix.IoctlSetInt(fd, unix.TIOCNXCL, 0)
		_ = unix.IoctlSetInt(fd, kdSetMode, kdText)
		_ = unix.IoctlSetInt(fd, kdSetKeys, keysUnicode)
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		sane(t)
		err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
		_ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH)
		return err
	})
}

// sane is what stty(1) calls so, and a little more. termios(3).
func sane(t *unix.Termios) {
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.IUCLC
	t.Iflag |= unix.ICRNL | unix.IMAXBEL | unix.IUTF8
	t.Oflag |= unix.ONLCR | unix.OPOST
	t.Cflag |= unix.CREAD
	t.Lflag = unix.ISIG | unix.ICANON | unix.IEXTEN | unix.ECHO | unix.ECHOE | unix.ECHOK |
		unix.ECHOCTL | unix.ECHOKE
	for key, char := range map[int]uint8{
		unix.VINTR: 'C' & 31, unix.VQUIT: '\\' & 31, unix.VERASE: 127, unix.VKILL: 'U' & 31,
		unix.VEOF: 'D' & 31, unix.VSTART: 'Q' & 31, unix.VSTOP: 'S' & 31, unix.VSUSP: 'Z' & 31,
		unix.VLNEXT: 'V' & 31, unix.VWERASE: 'W' & 31, unix.VREPRINT: 'R' & 31, unix.VEOL: 0,
		unix.VEOL2: 0, unix.VTIME: 0, unix.VMIN: 1,
	} {
		t.Cc[key] = char
	}
}

// ClearTerminal gives one of the kernel's own terminals back, by number; any other one, or
// one in use, is cleared together with what has scrolled out of it.
func ClearTerminal(path string, number int) error {
	if number > 0 {
		err := onTerminal("/dev/tty0", func(fd int) error {
			return unix.IoctlSetInt(fd, vtDisallocate, number)
		})
		if err == nil {
			return nil
		}
	}
	return onTerminal(path, func(fd int) error {
		_, err := unix.Write(fd, []byte("\x1b[r\x1b[H\x1b[3J\x1b[2J"))
		return err
	})
}

// SizeTerminal sets those of height and width that are not negative.
func SizeTerminal(path string, height, width int) error {
	return onTerminal(path, func(fd int) error {
		size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err != nil {
			return err
		}
		if height >= 0 {
			size.Row = uint16(height)
		}
		if width >= 0 {
			size.Col = uint16(width)
		}
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size)
	})
}
