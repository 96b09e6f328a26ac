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

// OpenDirectory opens a directory, for the calls that take one by descriptor.
func OpenDirectory(path string) (fd int, err error) {
	fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// More errors that rooms of the host tell apart.
const (
	EADDRINUSE   = unix.EADDRINUSE
	EAFNOSUPPORT = unix.EAFNOSUPPORT
	EBUSY        = unix.EBUSY
	ECONNREFUSED = unix.ECONNREFUSED
	EEXIST       = unix.EEXIST
	ENODEV       = unix.ENODEV
	ENOTEMPTY    = unix.ENOTEMPTY
	EROFS        = unix.EROFS
)
