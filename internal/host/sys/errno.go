//go:build unix

package sys

import "golang.org/x/sys/unix"

// Errno is an error of the kernel. errno(3).
type Errno = unix.Errno

// The errors that rooms of the host tell apart.
const (
	EACCES     = unix.EACCES
	EAGAIN     = unix.EAGAIN
	ECANCELED  = unix.ECANCELED
	EIDRM      = unix.EIDRM
	EINVAL     = unix.EINVAL
	EOPNOTSUPP = unix.EOPNOTSUPP
	ENOENT     = unix.ENOENT
	ENOMEM     = unix.ENOMEM
	ENOSYS     = unix.ENOSYS
	ENOTDIR    = unix.ENOTDIR
	ELOOP      = unix.ELOOP
	ENXIO      = unix.ENXIO
	ESTALE     = unix.ESTALE
	EMFILE     = unix.EMFILE
	ENFILE     = unix.ENFILE
	EPERM      = unix.EPERM
	ESRCH      = unix.ESRCH
	ETIMEDOUT  = unix.ETIMEDOUT
)
