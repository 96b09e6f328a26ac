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
