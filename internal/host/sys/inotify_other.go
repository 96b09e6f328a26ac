//go:build unix && !linux

package sys

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
