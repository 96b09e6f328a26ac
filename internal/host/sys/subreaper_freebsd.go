package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Subreaper makes orphans below this process its children. procctl(2), FreeBSD
// 10.2. The call is made as 64-bit systems take it; on others its arguments are
// laid out in another way, and it gives EINVAL.
func Subreaper() error {
	const pPID, reapAcquire = 0, 2
	pid := uintptr(os.Getpid())
	if _, _, e := unix.Syscall6(unix.SYS_PROCCTL, pPID, pid, reapAcquire, 0, 0, 0); e != 0 {
		return os.NewSyscallError("procctl PROC_REAP_ACQUIRE", e)
	}
	return nil
}
