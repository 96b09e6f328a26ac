package sys

import (
	"errors"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queueAttributes is struct mq_attr of the kernel. mq_open(2).
type queueAttributes struct {
	flags, maxMessages, messageSize, current int
	_                                        [4]int
}

// OpenQueue opens a POSIX message queue for reading, without waiting, and makes it if
// it is not there: with that mode, and those numbers unless one of them is not above
// 0. One that is there must have that mode and be the manager's own. mq_open(2),
// Linux 2.6.6.
func OpenQueue(name string, mode uint32, maxMessages, messageSize int64) (fd int, err error) {
	var attr *queueAttributes
	if maxMessages > 0 && messageSize > 0 {
		attr = &queueAttributes{maxMessages: int(maxMessages), messageSize: int(messageSize)}
	}
	fd, err = openQueue(name, unix.O_CREAT|unix.O_EXCL, mode, attr)
	switch {
	case err == nil:
		if err = unix.Fchmod(fd, mode); err == nil { // whatever the umask
			return fd, nil
		}
	case errors.Is(err, unix.EEXIST):
		if fd, err = openQueue(name, 0, 0, nil); err != nil {
			break
		}
		var st unix.Stat_t
		if err = unix.Fstat(fd, &st); err == nil && (st.Mode&0o777 != mode || !ours(&st)) {
			err = unix.EEXIST
		}
		if err == nil {
			return fd, nil
		}
	}
	if fd >= 0 {
		unix.Close(fd)
	}
	return -1, &os.PathError{Op: "mq_open", Path: name, Err: err}
}

func openQueue(name string, flags int, mode uint32, attr *queueAttributes) (int, error) {
	text, err := unix.BytePtrFromString(strings.TrimPrefix(name, "/"))
	if err != nil {
		return -1, err
	}
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(text)), uintptr(flags),
		uintptr(mode), uintptr(unsafe.Pointer(attr)), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// ours reports whether a file belongs to the manager's user and group.
func ours(st *unix.Stat_t) bool {
	return int(st.Uid) == unix.Geteuid() && int(st.Gid) == unix.Getegid()
}

// RemoveQueue removes a message queue. mq_unlink(2).
func RemoveQueue(name string) error {
	text, err := unix.BytePtrFromString(strings.TrimPrefix(name, "/"))
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(text)), 0, 0)
	if errno != 0 {
		return &os.PathError{Op: "mq_unlink", Path: name, Err: errno}
	}
	return nil
}

// Watchable reports whether traffic on a file can be waited for, which is always
// there on regular files and on devices such as /dev/null.
func Watchable(fd int) bool {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return true
	}
	defer unix.Close(poll)
	err = unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN})
	return !errors.Is(err, unix.EPERM)
}

// HaveSmack reports whether the kernel knows the labels of SMACK. Linux 2.6.25.
func HaveSmack() bool {
	_, err := os.Stat("/sys/fs/smackfs")
	return err == nil
}

// SetSmack gives a descriptor a label of SMACK: "SMACK64", "SMACK64IPIN" or
// "SMACK64IPOUT".
func SetSmack(fd int, attribute, label string) error {
	err := unix.Fsetxattr(fd, "security."+attribute, []byte(label), 0)
	return os.NewSyscallError("fsetxattr "+attribute, err)
}
