//go:build unix && !linux

package sys

import "golang.org/x/sys/unix"

// PeekChild is not to be had here; ReapChild(-1) takes any.
func PeekChild() (pid int, ok bool, err error) {
	return 0, false, Unsupported("look at a dead child")
}

const receiveFlags = 0

func growReceiveBuffer(fd, size int) {
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
}

// passCredentials does nothing: what these systems send along differs from one
// to the next and lacks the pid on some, so no sender is told (HasSender).
func passCredentials(int) error { return nil }

func readCredentials(*unix.SocketControlMessage, *Datagram) {}

// The changes that inotify tells of, where there is inotify.
const (
	InModify = 1 << iota
	InAttrib
	InCloseWrite
	InCreate
	InDelete
	InDeleteSelf
	InMovedTo
	InMovedFrom
	InMoveSelf
	InOnlyDir
	InIgnored
	InOverflow
)

// Inotify is not to be had here.
type Inotify struct{}

// InotifyEvent is one change.
type InotifyEvent struct {
	Watch int
	Mask  uint32
	Name  string
}

// NewInotify says that there is no inotify.
func NewInotify() (*Inotify, error) { return nil, Unsupported("inotify") }

// Add is never called, for there is no instance.
func (n *Inotify) Add(string, uint32) (int, error) { return 0, Unsupported("inotify") }

// Remove is never called.
func (n *Inotify) Remove(int) {}

// Read is never called.
func (n *Inotify) Read() ([]InotifyEvent, error) { return nil, Unsupported("inotify") }

// Close is never called.
func (n *Inotify) Close() error { return nil }
