package scenario

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// plainSignals gives all signals their default effect, but those that are ignored: what
// Go makes of them is another, and signal.Reset does not take that back. rt_sigaction(2).
func plainSignals() {
	const most, setSize, ignored = 64, 8, 1
	for n := uintptr(1); n <= most; n++ {
		var now, none [8]uintptr // the handler comes first, where 0 is the default
		_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, n, 0,
			uintptr(unsafe.Pointer(&now)), setSize, 0, 0)
		if e != 0 || now[0] == ignored {
			continue
		}
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, n, uintptr(unsafe.Pointer(&none)), 0, setSize, 0, 0)
	}
}
