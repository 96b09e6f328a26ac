//go:build unix && !linux

package sys

import "golang.org/x/sys/unix"

const receiveFlags = 0

func growReceiveBuffer(fd, size int) {
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
}

// passCredentials does nothing: what these systems send along differs from one
// to the next and lacks the pid on some, so no sender is told (HasSender).
func passCredentials(int) error { return nil }

func readCredentials(*unix.SocketControlMessage, *Datagram) {}
