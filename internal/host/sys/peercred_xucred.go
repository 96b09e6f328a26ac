//go:build freebsd || darwin

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// peerOf asks LOCAL_PEERCRED, what getpeereid(3) is made of: FreeBSD 4.6, macOS
// 10.4. The pid is not asked for.
func peerOf(fd int) (Peer, error) {
	c, err := unix.GetsockoptXucred(fd, solLocal, unix.LOCAL_PEERCRED)
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt LOCAL_PEERCRED", err)
	}
	p := Peer{UID: c.Uid}
	if c.Ngroups > 0 {
		p.GID = c.Groups[0]
	}
	return p, nil
}

// solLocal is SOL_LOCAL, the level of options of unix sockets. unix(4).
const solLocal = 0
