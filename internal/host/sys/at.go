//go:build unix

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// OpenDirectoryAt opens a directory in a directory.
func OpenDirectoryAt(dir *os.File, name string) (f *os.File, err error) {
	err = OnFile(dir, func(at int) error {
		const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
		fd, err := unix.Openat(at, name, flags, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: name, Err: err}
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	return f, err
}

// CreateAt makes a new file in a directory, for its owner alone.
func CreateAt(dir *os.File, name string) (f *os.File, err error) {
	err = OnFile(dir, func(at int) error {
		const flags = unix.O_CREAT | unix.O_EXCL | unix.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC
		fd, err := unix.Openat(at, name, flags, 0o600)
		if err != nil {
			return &os.PathError{Op: "create", Path: name, Err: err}
		}
		f = os.NewFile(uintptr(fd), name)
		return nil
	})
	return f, err
}

// RenameAt gives a file in a directory another name in it.
func RenameAt(dir *os.File, from, to string) error {
	return OnFile(dir, func(at int) error {
		if err := unix.Renameat(at, from, at, to); err != nil {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
		return nil
	})
}

// RemoveAt removes a file from a directory.
func RemoveAt(dir *os.File, name string) error {
	return OnFile(dir, func(at int) error { return unix.Unlinkat(at, name, 0) })
}
