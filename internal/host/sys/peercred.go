package sys

import "syscall"

// Peer is who is at the other end of a unix socket, as the kernel saw it when the
// connection was made.
type Peer struct {
	UID, GID uint32
	PID      int // 0 where the system does not tell
}

// PeerOf tells who is at the other end of a connected unix socket, such as a
// *net.UnixConn.
func PeerOf(c syscall.Conn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var p Peer
	var inner error
	if err := raw.Control(func(fd uintptr) { p, inner = peerOf(int(fd)) }); err != nil {
		return Peer{}, err
	}
	return p, inner
}
