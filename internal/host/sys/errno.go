package sys

import "golang.org/x/sys/unix"

// Errno is an error of the kernel. errno(3).
type Errno = unix.Errno

// The errors that rooms of the host tell apart.
const (
	E2BIG   = unix.E2BIG
	EACCES  = unix.EACCES
	EAGAIN  = unix.EAGAIN
	ECHILD  = unix.ECHILD
	EINVAL  = unix.EINVAL
	ENOENT  = unix.ENOENT
	ENOEXEC = unix.ENOEXEC
	ENOMEM  = unix.ENOMEM
	ENOSYS  = unix.ENOSYS
	ENOTDIR = unix.ENOTDIR
	ENXIO   = unix.ENXIO
	EPERM   = unix.EPERM
	ESRCH   = unix.ESRCH
)
