package sys

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// action is what the kernel has of a signal: the handler first, then what differs
// between processors.
type action struct {
	handler uintptr
	rest    [8]uintptr
}

// childAction is what the Go runtime has installed for SIGCHLD.
var childAction = sync.OnceValue(func() action {
	var a action
	sigaction(nil, &a)
	return a
})

// QuietChildren has the kernel send no signal when a child dies, so that no thread is
// woken for it, or has it do so again. Children are still there to be waited for:
// that is what the default action means, other than to ignore the signal. It is to be
// called after signal.Notify. sigaction(2).
func QuietChildren(quiet bool) {
	a := childAction()
	if a.handler <= 1 {
		return // there is no handler
	}
	if quiet {
		a = action{}
	}
	sigaction(&a, nil)
}

func sigaction(now, was *action) {
	const setSize = 8 // of the kernel's set of signals
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD),
		uintptr(unsafe.Pointer(now)), uintptr(unsafe.Pointer(was)), setSize, 0, 0)
}
