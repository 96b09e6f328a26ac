package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// WaitGone waits for the end of a process that need not be a child, without holding a
// thread. It is an error if there is no such process. Linux 5.3.
func WaitGone(pid int) (wait func(), err error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		defer f.Close()
		raw.Read(func(fd uintptr) bool { //nolint:errcheck // closed is as good as gone
			set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(set, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
	}, nil
}
