package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

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
