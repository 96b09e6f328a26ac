package sys

import "golang.org/x/sys/unix"

// kcmpFile has kcmp(2) compare open files.
const kcmpFile = 0

// SameFile reports whether two descriptors are of one open file: what is done to one
// is done to the other. Where kcmp(2) (Linux 3.5) is not to be had, the same file
// opened twice in the same way counts as well.
func SameFile(a, b int) bool {
	if a == b {
		return true
	}
	pid := uintptr(unix.Getpid())
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, pid, pid, kcmpFile, uintptr(a), uintptr(b), 0)
	if errno == 0 {
		return order == 0
	}
	return alike(a, b)
}
