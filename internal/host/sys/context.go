//go:build unix

package sys

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// What a process can change about itself, on every Unix. All but Exec and
// ForkExec give plain Errnos.

// NewSession makes the process the leader of a session of its own. setsid(2).
func NewSession() error {
	_, err := unix.Setsid()
	return err
}

// SetUmask sets the file mode creation mask. umask(2).
func SetUmask(mask int) { unix.Umask(mask) }

// SetNice sets the priority of the process, -20 to 19. setpriority(2).
func SetNice(n int) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, n) }

// SetGroups replaces the supplementary groups. setgroups(2).
func SetGroups(gids []int) error { return syscall.Setgroups(gids) }

// SetGroup sets the real, effective and saved group, in all threads. setgid(2).
func SetGroup(gid int) error { return syscall.Setgid(gid) }

// SetUser sets the real, effective and saved user, in all threads. setuid(2).
func SetUser(uid int) error { return syscall.Setuid(uid) }

// SIGPIPE for os/signal.
const SIGPIPE = syscall.SIGPIPE

// Chroot changes the root directory, and not the working directory. chroot(2).
func Chroot(dir string) error { return unix.Chroot(dir) }

// Chdir changes the working directory, without looking at what it is called
// afterwards as os.Chdir does. chdir(2).
func Chdir(dir string) error { return unix.Chdir(dir) }

// Limit reads a resource limit by its number. Infinite is ^uint64(0) on every
// system. getrlimit(2).
func Limit(number int) (soft, hard uint64, err error) {
	var l unix.Rlimit
	err = unix.Getrlimit(number, &l)
	return fromNative(uint64(l.Cur)), fromNative(uint64(l.Max)), err
}

// SetLimit sets a resource limit by its number. ^uint64(0) is infinite.
// setrlimit(2).
func SetLimit(number int, soft, hard uint64) error {
	var l unix.Rlimit
	setNative(&l.Cur, soft)
	setNative(&l.Max, hard)
	return unix.Setrlimit(number, &l)
}

// A limitNumber is one row of limitNumbers.
type limitNumber struct {
	name   string
	number int
}

// FileShare is how many descriptors one purpose may take: most, or a part of all that
// the process may have open, if that is less.
func FileShare(most, part int) int {
	number, ok := LimitNumber("NOFILE")
	if !ok {
		return most
	}
	soft, _, err := Limit(number)
	if err != nil {
		return most
	}
	return int(min(uint64(most), max(1, soft/uint64(part))))
}

// LimitNumber is the number of a resource limit for Limit and SetLimit, by the
// name after "Limit" in systemd.exec(5). ok is false if this system has none.
func LimitNumber(name string) (number int, ok bool) {
	for _, l := range limitNumbers {
		if l.name == name {
			return l.number, true
		}
	}
	return 0, false
}

// infinite is RLIM_INFINITY of this system.
const infinite uint64 = unix.RLIM_INFINITY

func fromNative(v uint64) uint64 {
	if v >= infinite {
		return ^uint64(0)
	}
	return v
}

// setNative stores v in a field that is signed on some systems.
func setNative[T ~int64 | ~uint64](field *T, v uint64) {
	*field = T(min(v, infinite))
}

// SetNonblock sets or clears O_NONBLOCK, which all who share the open file see.
// It leaves alone what is right. fcntl(2).
func SetNonblock(fd int, on bool) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	if flags&unix.O_NONBLOCK != 0 == on {
		return nil
	}
	return unix.SetNonblock(fd, on)
}

// SetCloseOnExec sets FD_CLOEXEC. fcntl(2).
func SetCloseOnExec(fd int) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
	return err
}

// DupAbove copies fd to the lowest free number from least on, close-on-exec.
// fcntl(2), F_DUPFD_CLOEXEC.
func DupAbove(fd, least int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, least)
}

// DupTo copies from to the number to, which stays open over exec. They must
// differ. dup2(2).
func DupTo(from, to int) error { return unix.Dup2(from, to) }

// CloseFD closes a descriptor. close(2).
func CloseFD(fd int) error { return unix.Close(fd) }

// Exec executes a program in place of the process. The open-files limit that the
// Go runtime has raised for itself is put back unless SetLimit has set it since.
// execve(2).
func Exec(path string, argv, env []string) error { return syscall.Exec(path, argv, env) }

// ForkExec starts a program with files as its descriptors 0, 1, 2 and so on.
func ForkExec(path string, argv, env []string, files []int) (pid int, err error) {
	fds := make([]uintptr, len(files))
	for i, fd := range files {
		fds[i] = uintptr(fd)
	}
	attr := syscall.ProcAttr{Env: env, Files: fds}
	pid, err = syscall.ForkExec(path, argv, &attr)
	return pid, os.NewSyscallError("fork", err)
}

// ErrnoOf finds the Errno in err; 0 if there is none.
func ErrnoOf(err error) Errno {
	var e Errno
	errors.As(err, &e)
	return e
}

// Nice reads the nice level of the process. getpriority(2).
func Nice() (int, error) {
	n, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if runtime.GOOS == "linux" {
		n = 20 - n // the bare call gives 40 to 1, so as not to be negative
	}
	return n, err
}

// RestoreFileLimit gives the process the limit of open files that it was started with, of
// which the Go runtime has made the most; Exec would do it, by calls that a filter may
// forbid by then.
func RestoreFileLimit() { _ = syscall.Exec("", nil, nil) } // which there is not

// KeepFileLimit makes Exec and ForkExec keep the limit of open files as it is,
// where it is about to be set by other means than SetLimit.
func KeepFileLimit() {
	if soft, hard, err := Limit(unix.RLIMIT_NOFILE); err == nil {
		_ = SetLimit(unix.RLIMIT_NOFILE, soft, hard)
	}
}

// LimitFiles sets the soft limit of open files. What the Go runtime has done about it is
// forgotten then.
func LimitFiles(soft uint64) {
	if _, hard, err := Limit(unix.RLIMIT_NOFILE); err == nil {
		_ = SetLimit(unix.RLIMIT_NOFILE, min(soft, hard), hard)
	}
}
