//go:build unix && !linux

package sys

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// PeekChild is not to be had here; ReapChild(-1) takes any.
func PeekChild() (pid int, ok bool, err error) {
	return 0, false, Unsupported("look at a dead child")
}

// AwaitChild is of no use where PeekChild is not to be had.
func AwaitChild() (some bool, err error) {
	return false, Unsupported("wait for a child to be looked at")
}

// WantChildSignal does nothing where nobody waits in AwaitChild.
func WantChildSignal() (done func()) { return func() {} }

// Subreaper makes orphans below this process its children: procctl(2) of FreeBSD
// 10.2, as its 64-bit systems take it. Elsewhere orphans go to PID 1.
func Subreaper() error {
	if runtime.GOOS != "freebsd" {
		return Unsupported("become a subreaper")
	}
	const procctl, pPID, reapAcquire = 544, 0, 2
	pid := uintptr(os.Getpid())
	if _, _, e := unix.Syscall6(procctl, pPID, pid, reapAcquire, 0, 0, 0); e != 0 {
		return os.NewSyscallError("procctl PROC_REAP_ACQUIRE", e)
	}
	return nil
}

// Memory is not to be had here without sysctl(3).
func Memory() (uint64, error) { return 0, Unsupported("tell the size of memory") }

// ReadOnly reports whether the file system of a path cannot be written, as far as
// access(2) tells: not for those whose permissions forbid it first.
func ReadOnly(path string) (bool, error) {
	err := unix.Access(path, unix.W_OK)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return false, &os.PathError{Op: "access", Path: path, Err: err}
	}
	return errors.Is(err, unix.EROFS), nil
}

const receiveFlags = 0

func growReceiveBuffer(fd, size int) {
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
}

func growSendBuffer(fd, size int) {
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, size)
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
	InDontFollow
	InMaskAdd
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

// The flags of mounts, where roused makes mounts.
const (
	MountNoSuid = 1 << iota
	MountNoExec
	MountNoDev
	MountStrictAtime
	MountReadOnly
	MountRemount
	MountBind
)

// Mount is not to be had here: what the system needs is mounted by its own init.
func Mount(_, target, _ string, _ uintptr, _ string) error { return Unsupported("mount " + target) }

// SetHostName is for the system's own init here.
func SetHostName(string) error { return Unsupported("set the host name") }

// SetAttribute is for control groups, which are not to be had here.
func SetAttribute(path, _, _ string) error { return Unsupported("set an attribute of " + path) }

// Unmount is not to be had here.
func Unmount(target string) error { return Unsupported("unmount " + target) }

// Sync has everything written that waits for it. sync(2).
func Sync() { unix.Sync() }

// Ends are the ways to end the machine; there is none here.
var Ends = map[string]uint32{}

// Reboot is not to be had here.
func Reboot(uint32) error { return Unsupported("reboot") }

// SendCtrlAltDel is not to be had here.
func SendCtrlAltDel() error { return Unsupported("take Ctrl-Alt-Del") }

// SendAs sends text through a connected unix socket; on whose behalf cannot be said.
func SendAs(f *os.File, text []byte, _ int) error { return Send(f, text) }
