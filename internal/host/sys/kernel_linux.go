package sys

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PeekChild gives the pid of a dead child and leaves it where it is, so that its
// entry in /proc can still be read. ok is false if none is dead. waitid(2) with
// WNOWAIT, Linux 2.6.9.
func PeekChild() (pid int, ok bool, err error) {
	var info unix.Siginfo
	for {
		const options = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
		err := unix.Waitid(unix.P_ALL, 0, &info, options, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return 0, false, nil
		case err != nil:
			return 0, false, os.NewSyscallError("waitid", err)
		}
		pid := siginfoPID(&info)
		return pid, pid > 0, nil
	}
}

// siginfoPID reads si_pid: the first field of the union, which is aligned as a
// pointer is and follows three integers.
func siginfoPID(info *unix.Siginfo) int {
	const align = unsafe.Sizeof(uintptr(0))
	const offset = (12 + align - 1) / align * align
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), offset)))
}

// Subreaper makes orphans below this process its children. prctl(2), Linux 3.4.
func Subreaper() error {
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	return os.NewSyscallError("prctl PR_SET_CHILD_SUBREAPER", err)
}

const receiveFlags = unix.MSG_CMSG_CLOEXEC

// growReceiveBuffer asks for a larger buffer, beyond the limit if it may.
func growReceiveBuffer(fd, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}
}

func passCredentials(fd int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	return os.NewSyscallError("setsockopt SO_PASSCRED", err)
}

func readCredentials(m *unix.SocketControlMessage, d *Datagram) {
	if c, err := unix.ParseUnixCredentials(m); err == nil {
		d.PID, d.UID, d.GID, d.HasSender = int(c.Pid), int(c.Uid), int(c.Gid), true
	}
}
