//go:build unix

package sys

import "golang.org/x/sys/unix"

// TerminalWidth gives the number of columns of the terminal that fd is; ok is
// false if it is none. tty_ioctl(4).
func TerminalWidth(fd uintptr) (columns int, ok bool) {
	w, err := unix.IoctlGetWinsize(int(fd), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(w.Col), true
}
