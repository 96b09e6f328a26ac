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

// NewFileSystem is not to be had here.
func NewFileSystem(kind string, _ ...string) (*os.File, error) {
	return nil, Unsupported("make a file system " + kind)
}

// PutFileSystem is not to be had here.
func PutFileSystem(_ *os.File, path string) error { return Unsupported("mount on " + path) }

// MountFileSystem is not to be had here.
func MountFileSystem(path, _ string, _ ...string) error { return Unsupported("mount on " + path) }

// MakeReadOnly is not to be had here.
func MakeReadOnly(path string) error { return Unsupported("have " + path + " read-only") }

// Writable is not to be had here.
func Writable(path string) (*os.File, error) {
	return nil, Unsupported("have " + path + " writable")
}

// DetachMount finds nothing to do here.
func DetachMount(string) error { return nil }

// IsMount is asked about what NewFileSystem made, which is nothing here.
func IsMount(string) bool { return false }

// Grant is not to be had here.
func Grant(f *os.File, _ int, _ bool) error { return Unsupported("grant access to " + f.Name()) }
