package sys

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PeekChild gives the pid of a dead child and leaves it where it is, so that its
// entry in /proc can still be read. ok is false if none is dead. waitid(2) with
// WNOWAIT, Linux 2.6.9.
func PeekChild() (pid int, ok bool, err error) {
	var info unix.Siginfo
	for {
		const options = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
		err := unix.Waitid(unix.P_ALL, 0, &info, options, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return 0, false, nil
		case err != nil:
			return 0, false, os.NewSyscallError("waitid", err)
		}
		pid := siginfoPID(&info)
		return pid, pid > 0, nil
	}
}

// AwaitChild waits until a child is dead, and leaves it where it is. some is false if
// there are no children. The thread that it takes cannot be called back. waitid(2).
func AwaitChild() (some bool, err error) {
	for {
		err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return false, nil
		}
		return err == nil, os.NewSyscallError("waitid", err)
	}
}

// action is what the kernel has of a signal: the handler first, then what differs
// between processors.
type action struct {
	handler uintptr
	rest    [8]uintptr
}

// childSignal is who wants SIGCHLD, and the Go runtime's handler of it.
var childSignal struct {
	mu     sync.Mutex
	wanted int
	loud   action
}

// WantChildSignal has the kernel send SIGCHLD, which signal.Notify was called for, until
// done is called. While nobody wants it there is none, so that no thread is woken for a
// child whose death somebody waits for in AwaitChild. Children are still there to be waited
// for then: the default action is another thing than to ignore the signal. sigaction(2).
func WantChildSignal() (done func()) {
	s := &childSignal
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loud.handler == 0 {
		sigaction(nil, &s.loud)
	}
	if s.wanted++; s.wanted == 1 {
		sigaction(&s.loud, nil)
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.wanted--; s.wanted == 0 {
			sigaction(&action{}, nil)
		}
	}
}

func sigaction(now, was *action) {
	const setSize = 8 // of the kernel's set of signals
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD),
		uintptr(unsafe.Pointer(now)), uintptr(unsafe.Pointer(was)), setSize, 0, 0)
}

// siginfoPID reads si_pid: the first field of the union, which is aligned as a
// pointer is and follows three integers.
func siginfoPID(info *unix.Siginfo) int {
	const align = unsafe.Sizeof(uintptr(0))
	const offset = (12 + align - 1) / align * align
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), offset)))
}

// Subreaper makes orphans below this process its children. prctl(2), Linux 3.4.
func Subreaper() error {
	err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	return os.NewSyscallError("prctl PR_SET_CHILD_SUBREAPER", err)
}

const receiveFlags = unix.MSG_CMSG_CLOEXEC

// growReceiveBuffer asks for a larger buffer, beyond the limit if it may.
func growReceiveBuffer(fd, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
	}
}

// growSendBuffer does the same for what is sent.
func growSendBuffer(fd, size int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, size) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, size)
	}
}

func passCredentials(fd int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	return os.NewSyscallError("setsockopt SO_PASSCRED", err)
}

func readCredentials(m *unix.SocketControlMessage, d *Datagram) {
	if c, err := unix.ParseUnixCredentials(m); err == nil {
		d.PID, d.UID, d.GID, d.HasSender = int(c.Pid), int(c.Uid), int(c.Gid), true
	}
}

// The changes that inotify tells of. inotify(7).
const (
	InModify     = unix.IN_MODIFY
	InAttrib     = unix.IN_ATTRIB
	InCloseWrite = unix.IN_CLOSE_WRITE
	InCreate     = unix.IN_CREATE
	InDelete     = unix.IN_DELETE
	InDeleteSelf = unix.IN_DELETE_SELF
	InMovedTo    = unix.IN_MOVED_TO
	InMovedFrom  = unix.IN_MOVED_FROM
	InMoveSelf   = unix.IN_MOVE_SELF
	InOnlyDir    = unix.IN_ONLYDIR
	InDontFollow = unix.IN_DONT_FOLLOW
	InMaskAdd    = unix.IN_MASK_ADD
	InIgnored    = unix.IN_IGNORED
	InOverflow   = unix.IN_Q_OVERFLOW
)

// Inotify is one inotify instance. Linux 2.6.13.
type Inotify struct{ file *os.File }

// InotifyEvent is one change.
type InotifyEvent struct {
	Watch int // as Add gave it; -1 for InOverflow
	Mask  uint32
	Name  string // within a watched directory
}

// NewInotify makes an instance.
func NewInotify() (*Inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	return &Inotify{os.NewFile(uintptr(fd), "inotify")}, nil
}

// Add watches a path, or changes what is watched of it; the same inode gives the
// same number.
func (n *Inotify) Add(path string, mask uint32) (watch int, err error) {
	err = OnFile(n.file, func(fd int) error {
		watch, err = unix.InotifyAddWatch(fd, path, mask)
		return err
	})
	if err != nil {
		return 0, &os.PathError{Op: "inotify_add_watch", Path: path, Err: err}
	}
	return watch, nil
}

// Remove ends a watch. That it is gone already is no error.
func (n *Inotify) Remove(watch int) {
	OnFile(n.file, func(fd int) error {
		_, err := unix.InotifyRmWatch(fd, uint32(watch))
		return err
	})
}

// Read waits for changes; os.ErrClosed after Close.
func (n *Inotify) Read() ([]InotifyEvent, error) {
	buf := make([]byte, 16<<10)
	got, err := n.file.Read(buf)
	if err != nil {
		return nil, err
	}
	return inotifyEvents(buf[:got]), nil
}

func inotifyEvents(buf []byte) (list []InotifyEvent) {
	for len(buf) >= unix.SizeofInotifyEvent {
		e := InotifyEvent{
			Watch: int(int32(binary.NativeEndian.Uint32(buf))),
			Mask:  binary.NativeEndian.Uint32(buf[4:]),
		}
		size := int(binary.NativeEndian.Uint32(buf[12:]))
		buf = buf[unix.SizeofInotifyEvent:]
		if size > len(buf) {
			return list
		}
		name, _, _ := bytes.Cut(buf[:size], []byte{0})
		e.Name = string(name)
		buf = buf[size:]
		list = append(list, e)
	}
	return list
}

// Close ends the instance and a Read under way.
func (n *Inotify) Close() error { return n.file.Close() }

// Memory is the size of the machine's memory in bytes. sysinfo(2).
func Memory() (uint64, error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, os.NewSyscallError("sysinfo", err)
	}
	return uint64(info.Totalram) * uint64(info.Unit), nil
}

// ReadOnly reports whether the file system of a path cannot be written, whoever
// asks. statfs(2).
func ReadOnly(path string) (bool, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return false, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return st.Flags&unix.ST_RDONLY != 0 || errors.Is(unix.Access(path, unix.W_OK), unix.EROFS), nil
}

// SendAs sends text through a connected unix socket on behalf of a process, if the
// kernel lets us, and else on our own. SCM_CREDENTIALS, unix(7).
func SendAs(f *os.File, text []byte, pid int) error {
	oob := unix.UnixCredentials(&unix.Ucred{
		Pid: int32(pid), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()),
	})
	err := OnFile(f, func(fd int) error { return unix.Sendmsg(fd, text, oob, nil, 0) })
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ESRCH) {
		return Send(f, text)
	}
	return os.NewSyscallError("sendmsg", err)
}

// RemoveSharedMemory removes a System V segment by its number. shmctl(2).
func RemoveSharedMemory(id int) error { return removeIPC(unix.SYS_SHMCTL, id, unix.IPC_RMID, 0) }

// RemoveMessageQueue removes a System V queue by its number. msgctl(2).
func RemoveMessageQueue(id int) error { return removeIPC(unix.SYS_MSGCTL, id, unix.IPC_RMID, 0) }

// RemoveSemaphores removes a System V set of semaphores by its number. semctl(2).
func RemoveSemaphores(id int) error { return removeIPC(unix.SYS_SEMCTL, id, 0, unix.IPC_RMID) }

func removeIPC(nr uintptr, id int, second, third uintptr) error {
	if _, _, e := unix.Syscall(nr, uintptr(id), second, third); e != 0 {
		return e
	}
	return nil
}
