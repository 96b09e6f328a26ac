package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// peerOf asks SO_PEERCRED: Linux 2.2. unix(7).
func peerOf(fd int) (Peer, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt SO_PEERCRED", err)
	}
	return Peer{UID: c.Uid, GID: c.Gid, PID: int(c.Pid)}, nil
}
