package sys

import (
	"bytes"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// The changes that inotify tells of. inotify(7).
const (
	InModify     = unix.IN_MODIFY
	InAttrib     = unix.IN_ATTRIB
	InCloseWrite = unix.IN_CLOSE_WRITE
	InCreate     = unix.IN_CREATE
	InDelete     = unix.IN_DELETE
	InDeleteSelf = unix.IN_DELETE_SELF
	InMovedTo    = unix.IN_MOVED_TO
	InMovedFrom  = unix.IN_MOVED_FROM
	InMoveSelf   = unix.IN_MOVE_SELF
	InOnlyDir    = unix.IN_ONLYDIR
	InIgnored    = unix.IN_IGNORED
	InOverflow   = unix.IN_Q_OVERFLOW
)

// Inotify is one inotify instance. Linux 2.6.13.
type Inotify struct{ file *os.File }

// InotifyEvent is one change.
type InotifyEvent struct {
	Watch int // as Add gave it; -1 for InOverflow
	Mask  uint32
	Name  string // within a watched directory
}

// NewInotify makes an instance.
func NewInotify() (*Inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	return &Inotify{os.NewFile(uintptr(fd), "inotify")}, nil
}

// Add watches a path, or changes what is watched of it; the same inode gives the
// same number.
func (n *Inotify) Add(path string, mask uint32) (watch int, err error) {
	err = OnFile(n.file, func(fd int) error {
		watch, err = unix.InotifyAddWatch(fd, path, mask)
		return err
	})
	if err != nil {
		return 0, &os.PathError{Op: "inotify_add_watch", Path: path, Err: err}
	}
	return watch, nil
}

// Remove ends a watch. That it is gone already is no error.
func (n *Inotify) Remove(watch int) {
	OnFile(n.file, func(fd int) error {
		_, err := unix.InotifyRmWatch(fd, uint32(watch))
		return err
	})
}

// Read waits for changes; os.ErrClosed after Close.
func (n *Inotify) Read() ([]InotifyEvent, error) {
	buf := make([]byte, 16<<10)
	got, err := n.file.Read(buf)
	if err != nil {
		return nil, err
	}
	return inotifyEvents(buf[:got]), nil
}

func inotifyEvents(buf []byte) (list []InotifyEvent) {
	for len(buf) >= unix.SizeofInotifyEvent {
		e := InotifyEvent{
			Watch: int(int32(binary.NativeEndian.Uint32(buf))),
			Mask:  binary.NativeEndian.Uint32(buf[4:]),
		}
		size := int(binary.NativeEndian.Uint32(buf[12:]))
		buf = buf[unix.SizeofInotifyEvent:]
		if size > len(buf) {
			return list
		}
		name, _, _ := bytes.Cut(buf[:size], []byte{0})
		e.Name = string(name)
		buf = buf[size:]
		list = append(list, e)
	}
	return list
}

// Close ends the instance and a Read under way.
func (n *Inotify) Close() error { return n.file.Close() }
