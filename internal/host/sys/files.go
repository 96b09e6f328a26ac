//go:build unix

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// control runs f on the descriptor of a file, which stays open meanwhile.
func control(file *os.File, f func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// quietFile makes a file of a descriptor that the Go runtime shall not watch:
// one that others use, and whose traffic would wake this process for nothing.
// The runtime watches those that do not block, so it is made to block meanwhile.
func quietFile(fd int, name string, nonblock bool) (*os.File, error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if nonblock {
		if err := unix.SetNonblock(fd, true); err != nil {
			f.Close()
			return nil, os.NewSyscallError("fcntl", err)
		}
	}
	return f, nil
}

// The errors that callers tell apart.
const (
	ErrAgain        = unix.EAGAIN       // nothing there now
	ErrBusy         = unix.EBUSY        // in use
	ErrNotEmpty     = unix.ENOTEMPTY    // a directory with something in it
	ErrNoDevice     = unix.ENODEV       // gone
	ErrNoFamily     = unix.EAFNOSUPPORT // no such kind of address on this system
	ErrInUse        = unix.EADDRINUSE   // the address is taken
	ErrRefused      = unix.ECONNREFUSED // nobody listens there
	ErrReadOnly     = unix.EROFS        // the file system cannot be written
	ErrNotDirectory = unix.ENOTDIR      // a file where a directory should be
)
