//go:build unix

package sys

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Root is the root directory as a file system, which reads whole files with no
// more calls than that takes: a boot reads thousands.
type Root struct{ fs.ReadLinkFS }

// NewRoot gives the root directory.
func NewRoot() Root { return Root{os.DirFS("/").(fs.ReadLinkFS)} }

// Stat implements fs.StatFS.
func (Root) Stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	return os.Stat("/" + name)
}

// ReadFile implements fs.ReadFileFS.
func (Root) ReadFile(name string) (text []byte, err error) {
	fail := func(op string, err error) ([]byte, error) {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if !fs.ValidPath(name) {
		return fail("open", fs.ErrInvalid)
	}
	fd, err := open("/" + name)
	if err != nil {
		return fail("open", err)
	}
	defer unix.Close(fd)
	var buf [4096]byte
	for {
		n, err := Read(fd, buf[:])
		switch {
		case err != nil:
			return fail("read", err)
		case n == 0:
			return text, nil
		}
		text = append(text, buf[:n]...)
	}
}

// open opens a file to read.
func open(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}
