package sys

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Scratch makes a file without a name, in memory. memfd_create(2), Linux 3.17.
func Scratch(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// block blocks signals for the calling thread, and gives the undoing.
func block(signals []syscall.Signal) (unblock func()) {
	var set, old uint64
	for _, s := range signals {
		set |= 1 << (uint(s) - 1)
	}
	change := func(how int, set, old *uint64) {
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, uintptr(how),
			uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), SigsetBytes, 0, 0)
	}
	change(unix.SIG_BLOCK, &set, &old)
	return func() { change(unix.SIG_SETMASK, &old, nil) }
}

// BlockOnThread blocks signals on the calling thread, for good: what it starts has them
// blocked, too.
func BlockOnThread(signals ...syscall.Signal) { block(signals) }
