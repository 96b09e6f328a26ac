package sys

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls that a process makes between fork and exec, by number.
// close_range came with Linux 5.9, clone3 with 5.3, the rest long before.
const (
	CallChdir       = unix.SYS_CHDIR
	CallChroot      = unix.SYS_CHROOT
	CallClone       = unix.SYS_CLONE
	CallClose       = unix.SYS_CLOSE
	CallCloseRange  = unix.SYS_CLOSE_RANGE
	CallDup3        = unix.SYS_DUP3
	CallExecve      = unix.SYS_EXECVE
	CallExitGroup   = unix.SYS_EXIT_GROUP
	CallFcntl       = unix.SYS_FCNTL
	CallGetpid      = unix.SYS_GETPID
	CallOpenat      = unix.SYS_OPENAT
	CallPrlimit     = unix.SYS_PRLIMIT64
	CallRead        = unix.SYS_READ
	CallSetpriority = unix.SYS_SETPRIORITY
	CallSetsid      = unix.SYS_SETSID
	CallSigaction   = unix.SYS_RT_SIGACTION
	CallSigprocmask = unix.SYS_RT_SIGPROCMASK
	CallUmask       = unix.SYS_UMASK
	CallWrite       = unix.SYS_WRITE
)

// The calls about users and groups. 386 and arm have two of each, and those that
// take 32-bit numbers have the same numbers on both.
const (
	CallSetgroups = unix.SYS_SETGROUPS*is64 + 206*(1-is64)
	CallSetresgid = unix.SYS_SETRESGID*is64 + 210*(1-is64)
	CallSetresuid = unix.SYS_SETRESUID*is64 + 208*(1-is64)

	is64 = 1<<(^uint(0)>>63) - 1
)

// Arguments of those calls.
const (
	AtFDCWD         = unix.AT_FDCWD
	OpenWrite       = unix.O_WRONLY | unix.O_CLOEXEC
	FcntlSetFD      = unix.F_SETFD
	FcntlDupCloexec = unix.F_DUPFD_CLOEXEC
	PrioProcess     = unix.PRIO_PROCESS
	SigSetmask      = unix.SIG_SETMASK
	SigIgnore       = 1 // SIG_IGN; SIG_DFL is 0
	SigsetBytes     = 8
	Signals         = 64 // the highest number
	SIGKILL         = int(unix.SIGKILL)
	SIGSTOP         = int(unix.SIGSTOP)
	SIGCHLD         = int(unix.SIGCHLD)
	LimitNice       = unix.RLIMIT_NICE

	CloneVM           = unix.CLONE_VM
	CloneVfork        = unix.CLONE_VFORK
	CloneParent       = unix.CLONE_PARENT
	CloneParentSetTID = unix.CLONE_PARENT_SETTID
	CloneClearSighand = unix.CLONE_CLEAR_SIGHAND // Linux 5.5
	CloneIntoCgroup   = unix.CLONE_INTO_CGROUP   // Linux 5.7
)

// Call makes a system call without telling the Go scheduler. It is fit for a
// forked child, in which no other Go code may run.
//
//go:nosplit
//go:norace
func Call(nr, a, b, c, d, e, f uintptr) (uintptr, Errno) {
	r, _, errno := syscall.RawSyscall6(nr, a, b, c, d, e, f)
	return r, errno
}

// HaveClone3 reports whether clone3(2) can be called. Linux 5.3; the seccomp
// filter of containers often refuses it.
func HaveClone3() bool {
	// No arguments at all: EINVAL if the call is there.
	_, _, e := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	return e == unix.EINVAL
}

// HaveCloseRange reports whether close_range(2) can be called. Linux 5.9.
func HaveCloseRange() bool {
	const last = 1<<32 - 1
	_, _, e := unix.RawSyscall(unix.SYS_CLOSE_RANGE, last, last-1, 0)
	return e == unix.EINVAL
}

// CloseAllOnExec sets FD_CLOEXEC on every open descriptor above 2, for those
// that the process was started with.
func CloseAllOnExec() error {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range list {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// IgnoredSignals lists the signals that the process ignores. A child inherits
// that, whereas handlers end with exec.
func IgnoredSignals() []int {
	var list []int
	for sig := 1; sig <= Signals; sig++ {
		var action [8]uint64 // larger than any struct sigaction; the handler comes first
		_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), 0,
			uintptr(unsafe.Pointer(&action)), SigsetBytes, 0, 0)
		if e == 0 && *(*uintptr)(unsafe.Pointer(&action)) == SigIgnore {
			list = append(list, sig)
		}
	}
	return list
}

// SharedMemory maps memory that a forked child shares, filled with zeros.
// mmap(2).
func SharedMemory(size int) ([]byte, error) {
	return unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
}

// Unmap gives back what SharedMemory gave.
func Unmap(mem []byte) error { return unix.Munmap(mem) }

// Dumpable reports the process's "dumpable" attribute, which decides who may
// look into /proc/self. prctl(2), PR_GET_DUMPABLE.
func Dumpable() bool {
	v, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err == nil && v == 1
}

// SetDumpable sets it. prctl(2), PR_SET_DUMPABLE.
func SetDumpable() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }

// IsDeadChild reports whether pid is a child that has died, reaped or not.
// waitid(2).
func IsDeadChild(pid int) bool {
	var info unix.Siginfo
	for {
		const options = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
		err := unix.Waitid(unix.P_PID, pid, &info, options, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err != nil || siginfoPID(&info) == pid
	}
}

// ReapSilent collects a child that was made to send no signal at its end, and
// that no other wait finds. wait4(2), __WALL.
func ReapSilent(pid int) error {
	for {
		_, err := unix.Wait4(pid, nil, unix.WALL, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// The calls about a process's place among others, by number.
const (
	CallIoprioSet         = unix.SYS_IOPRIO_SET
	CallPersonality       = unix.SYS_PERSONALITY
	CallSchedSetaffinity  = unix.SYS_SCHED_SETAFFINITY
	CallSchedSetscheduler = unix.SYS_SCHED_SETSCHEDULER
	CallSetMempolicy      = unix.SYS_SET_MEMPOLICY
)

// The calls about keys. keyrings(7).
const (
	CallAddKey = unix.SYS_ADD_KEY
	CallKeyctl = unix.SYS_KEYCTL

	KeyctlJoin     = unix.KEYCTL_JOIN_SESSION_KEYRING
	KeyctlLink     = unix.KEYCTL_LINK
	KeyctlSetPerm  = unix.KEYCTL_SETPERM
	SessionKeyring = unix.KEY_SPEC_SESSION_KEYRING
	UserKeyring    = unix.KEY_SPEC_USER_KEYRING
)

// The calls about the real user and group alone. 386 and arm have two of each, and those
// that take 32-bit numbers have the same numbers on both.
const (
	CallSetregid = unix.SYS_SETREGID*is64 + 204*(1-is64)
	CallSetreuid = unix.SYS_SETREUID*is64 + 203*(1-is64)
)

// Arguments of those calls.
const (
	IoprioProcess    = 1          // IOPRIO_WHO_PROCESS
	IoprioClassShift = 13         // where the class is, above the priority
	SchedResetOnFork = 0x40000000 // SCHED_RESET_ON_FORK
	Personality32    = 8          // PER_LINUX32
	PrctlTimerSlack  = unix.PR_SET_TIMERSLACK
)

// CapabilityVersion is the version of capset(2) that has 64 bits.
const CapabilityVersion = unix.LINUX_CAPABILITY_VERSION_3

// The calls that change what a process may do, and their arguments.
const (
	CallCapset = unix.SYS_CAPSET
	CallPrctl  = unix.SYS_PRCTL

	PrctlDropBounding    = unix.PR_CAPBSET_DROP
	PrctlKeepCaps        = unix.PR_SET_KEEPCAPS
	PrctlSecureBits      = unix.PR_SET_SECUREBITS
	PrctlNoNewPrivileges = unix.PR_SET_NO_NEW_PRIVS
	PrctlAmbient         = unix.PR_CAP_AMBIENT
	AmbientRaise         = unix.PR_CAP_AMBIENT_RAISE
	AmbientClear         = unix.PR_CAP_AMBIENT_CLEAR_ALL
)

// OnAllThreads makes a call in every thread of the process, and so for those to come. The
// call must be one that does the same for all: where they differ, the process ends. In a
// program with cgo it fails with ENOTSUP.
func OnAllThreads(nr uintptr, args [5]uintptr) error {
	_, _, e := syscall.AllThreadsSyscall6(nr, args[0], args[1], args[2], args[3], args[4], 0)
	if e != 0 {
		return e
	}
	return nil
}

// HaveSeccomp reports whether the kernel has filters of system calls, whoever may add
// one. prctl(2), PR_SET_SECCOMP, Linux 3.5.
var HaveSeccomp = sync.OnceValue(func() bool {
	// Without a filter: EFAULT if there could be one.
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, 0, 0, 0)
	return errors.Is(err, unix.EFAULT)
})

// Domain is the execution domain of this process, without what is changed in it.
// personality(2).
func Domain() uint32 {
	const (
		ask  = 0xffffffff
		kind = 0xff
	)
	v, _, e := unix.RawSyscall(unix.SYS_PERSONALITY, ask, 0, 0)
	if e != 0 {
		return 0
	}
	return uint32(v) & kind
}

// The system calls that make namespaces and mounts, by number. mount_setattr came with
// Linux 5.12, the rest long before.
const (
	CallUnshare      = unix.SYS_UNSHARE
	CallSetns        = unix.SYS_SETNS
	CallFchdir       = unix.SYS_FCHDIR
	CallMount        = unix.SYS_MOUNT
	CallUmount       = unix.SYS_UMOUNT2
	CallPivotRoot    = unix.SYS_PIVOT_ROOT
	CallMountSetattr = unix.SYS_MOUNT_SETATTR
	CallMkdirat      = unix.SYS_MKDIRAT
	CallMknodat      = unix.SYS_MKNODAT
	CallSymlinkat    = unix.SYS_SYMLINKAT
	CallUnlinkat     = unix.SYS_UNLINKAT
)

// Arguments of those calls.
const (
	MountDetach   = unix.MNT_DETACH
	MountMove     = unix.MS_MOVE
	AtRecursive   = unix.AT_RECURSIVE
	AtRemoveDir   = unix.AT_REMOVEDIR
	MountAttrSize = 32
	OpenPlace     = unix.O_PATH | unix.O_CLOEXEC | unix.O_DIRECTORY
	TypeFile      = unix.S_IFREG
	TypeChar      = unix.S_IFCHR
)

// HaveMountSetattr reports whether mount_setattr(2) can be called.
func HaveMountSetattr() bool {
	// A size of 0 is refused before anything else is looked at.
	path := [1]byte{}
	_, _, e := unix.RawSyscall6(unix.SYS_MOUNT_SETATTR, ^uintptr(0),
		uintptr(unsafe.Pointer(&path[0])), 0, 0, 0, 0)
	return e == unix.EINVAL
}

// MountAttr is struct mount_attr of mount_setattr(2) in bytes.
func MountAttr(set, clear uint64) []byte {
	attr := unix.MountAttr{Attr_set: set, Attr_clr: clear}
	return append([]byte{}, (*[MountAttrSize]byte)(unsafe.Pointer(&attr))[:]...)
}

// Mknod makes a node of the file system with the mode, type and device number of mknod(2).
func Mknod(path string, mode uint32, device int) error { return unix.Mknod(path, mode, device) }

// The types of nodes for Mknod.
const (
	TypeBlock  = unix.S_IFBLK
	TypeFIFO   = unix.S_IFIFO
	TypeSocket = unix.S_IFSOCK
)

// The calls in a new network namespace, and of a process that waits to be killed.
const (
	CallSocket = unix.SYS_SOCKET
	CallIoctl  = unix.SYS_IOCTL
	CallPpoll  = unix.SYS_PPOLL

	SocketInet        = unix.AF_INET
	SocketDatagram    = unix.SOCK_DGRAM | unix.SOCK_CLOEXEC
	InterfaceSetFlags = unix.SIOCSIFFLAGS
	OpenExec          = unix.O_RDONLY | unix.O_CLOEXEC
)

// InterfaceUp is a struct ifreq that has the interface of that name up. netdevice(7).
func InterfaceUp(name string) []byte {
	b := make([]byte, 40)
	copy(b, name)
	*(*uint16)(unsafe.Pointer(&b[unix.IFNAMSIZ])) = unix.IFF_UP | unix.IFF_RUNNING
	return b
}

// MapUsers writes the maps of users and groups of the user namespace of a process, which
// may not change its supplementary groups any more. user_namespaces(7).
func MapUsers(pid int, users, groups string) error {
	dir := "/proc/" + strconv.Itoa(pid)
	for _, f := range []struct{ name, text string }{
		{"/setgroups", "deny"}, {"/uid_map", users}, {"/gid_map", groups},
	} {
		err := os.WriteFile(dir+f.name, []byte(f.text), 0)
		if err != nil && !(f.name == "/setgroups" && errors.Is(err, os.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// namespaceFiles are the names of namespaces below /proc/PID/ns. namespaces(7).
var namespaceFiles = map[int]string{
	NewNetwork: "net", NewIPC: "ipc", NewUsers: "user", NewMounts: "mnt", NewHostName: "uts",
}

// OpenNamespace opens the namespace of a kind that a process is in.
func OpenNamespace(pid, kind int) (fd int, err error) {
	return Open("/proc/"+strconv.Itoa(pid)+"/ns/"+namespaceFiles[kind], OpenReadOnly)
}

// AwaitByte waits until there is a byte in a pipe, or nobody left to write one.
func AwaitByte(fd int) error {
	var b [1]byte
	for {
		n, err := unix.Read(fd, b[:])
		switch {
		case err == nil && n == 0:
			return unix.EPIPE
		case errors.Is(err, unix.EAGAIN):
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		case !errors.Is(err, unix.EINTR):
			return err
		}
	}
}

// CallMoveMount is move_mount(2), and MoveEmptyPath has it take a descriptor. Linux 5.2.
const (
	CallMoveMount = unix.SYS_MOVE_MOUNT
	MoveEmptyPath = unix.MOVE_MOUNT_F_EMPTY_PATH
)

// CloneMount makes a bind mount of what is at a path, with all that is mounted below, that
// is nowhere yet. open_tree(2), Linux 5.2; mount_setattr(2), Linux 5.12.
func CloneMount(path string, readOnly bool) (fd int, err error) {
	const flags = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE
	fd, err = unix.OpenTree(unix.AT_FDCWD, path, flags)
	if err != nil {
		return -1, os.NewSyscallError("open_tree", err)
	}
	// Mounts of the host come into it, but none of those in it go to the host.
	changes := []unix.MountAttr{{Propagation: unix.MS_SLAVE}, {Propagation: unix.MS_SHARED}}
	if readOnly {
		changes[0].Attr_set = unix.MOUNT_ATTR_RDONLY
	}
	for i := range changes {
		err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &changes[i])
		if err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("mount_setattr", err)
		}
	}
	return fd, nil
}

// The calls of a process that waits for a terminal. inotify(7).
const (
	CallFchmod     = unix.SYS_FCHMOD
	CallFchown     = unix.SYS_FCHOWN*is64 + 207*(1-is64) // with 32-bit numbers
	CallInotify    = unix.SYS_INOTIFY_INIT1
	CallInotifyAdd = unix.SYS_INOTIFY_ADD_WATCH

	CloseOnExec    = unix.O_CLOEXEC
	InClose        = unix.IN_CLOSE
	OpenAsTerminal = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
)

// Pair makes two ends of a connection that keeps messages apart: one for this process, on
// which each message comes with its sender, and one that a child is to use.
func Pair() (own *os.File, its int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	err = passCredentials(fds[0])
	if err == nil {
		err = unix.SetNonblock(fds[0], true)
	}
	if err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, -1, err
	}
	return os.NewFile(uintptr(fds[0]), "pair"), fds[1], nil
}
