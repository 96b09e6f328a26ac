//go:build unix && !linux

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// OpenPath opens a directory for the calls that take one by descriptor.
func OpenPath(path string) (fd int, err error) {
	fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}
