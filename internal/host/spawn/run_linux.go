package spawn

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"rouse/internal/host/sys"
)

// The scheduler must know that a thread is away in a system call: the child may
// hang between fork and exec. The linker lets these two be named.
//
//go:linkname entersyscall runtime.entersyscall
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// vforkAndRun makes a child that runs the program of c, and returns when it has
// executed or exited.
//
//go:nosplit
//go:norace
func vforkAndRun(c *control) {
	entersyscall()
	vfork(c)
	exitsyscall()
}

// forkAndRun does the same with a copy of the memory instead of the memory
// itself, and with Go code in the child, which allocates nothing, grows no stack
// and takes no lock. The arena is shared all the same.
//
//go:nosplit
//go:norace
func forkAndRun(c *control) {
	entersyscall()
	fork(c)
	exitsyscall()
}

//go:nosplit
//go:norace
//go:nocheckptr
func fork(c *control) {
	all, mask := uintptr(unsafe.Pointer(&c.all)), uintptr(unsafe.Pointer(&c.mask))
	sys.Call(sys.CallSigprocmask, sys.SigSetmask, all, mask, sys.SigsetBytes, 0, 0)
	flags, stack := c.flags, uintptr(0)
	if runtime.GOARCH == "s390x" {
		flags, stack = stack, flags
	}
	pid, e := sys.Call(sys.CallClone, flags, stack, uintptr(unsafe.Pointer(&c.tid)), 0, 0, 0)
	if e == 0 && pid == 0 {
		run(c)
		at := (*op)(unsafe.Add(unsafe.Pointer(c.ops), c.failed-1))
		for {
			sys.Call(sys.CallExitGroup, at.status, 0, 0, 0, 0, 0)
			// A filter forbids it. Then SIGSEGV, which is not caught any more, is the end.
			*(*byte)(nil) = 0
		}
	}
	c.pid = pid
	if e != 0 {
		c.pid = -uintptr(e)
	}
	sys.Call(sys.CallSigprocmask, sys.SigSetmask, mask, 0, sys.SigsetBytes, 0, 0)
}

// runForGood carries out the program of c on the calling thread, which ends with it: if it
// has not executed another program, it waits for the end of the process without a system
// call, of which none may be allowed any more.
//
//go:nosplit
//go:norace
func runForGood(c *control) {
	entersyscall()
	run(c)
	for {
		spin()
	}
}

//go:noinline
//go:nosplit
func spin() {}

// run carries out the program of c, as the assembler does. It gives true at
// opEnd; after a failure it gives false, and c tells which.
//
//go:nosplit
//go:norace
//go:nocheckptr
func run(c *control) bool {
	at := c.ops
	for {
		var r uintptr
		var e sys.Errno
		switch at.nr {
		case opPID:
			r, e = sys.Call(sys.CallGetpid, 0, 0, 0, 0, 0, 0)
			decimal(at.args[0], r)
		case opFail:
			e = sys.Errno(at.args[0])
		case opEnd:
			return true
		default:
			a := &at.args
			r, e = sys.Call(at.nr, a[0], a[1], a[2], a[3], a[4], a[5])
		}
		if e == 0 && at.nr != opFail {
			if at.out[0] != nil {
				*at.out[0] = r
			}
			if at.out[1] != nil {
				*at.out[1] = r
			}
			at = (*op)(unsafe.Add(unsafe.Pointer(at), at.next))
			continue
		}
		n := uintptr(e)
		if at.any == 0 && (n == 0 || n != at.fine[0] && n != at.fine[1] && n != at.fine[2]) {
			c.errno = n
			failed := uintptr(unsafe.Pointer(at)) - uintptr(unsafe.Pointer(c.ops)) + 1
			atomic.StoreUintptr(&c.failed, failed)
			return false
		}
		if at.seen != nil && e != sys.ENOENT {
			*at.seen = n
		}
		at = (*op)(unsafe.Add(unsafe.Pointer(at), at.other))
	}
}

// decimal writes n at address, and a NUL byte.
//
//go:nosplit
//go:norace
//go:nocheckptr
func decimal(address, n uintptr) {
	digits := uintptr(1)
	for m := n; m >= 10; m /= 10 {
		digits++
	}
	p := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	*(*byte)(unsafe.Add(p, digits)) = 0
	for i := digits; i > 0; i-- {
		*(*byte)(unsafe.Add(p, i-1)) = byte('0' + n%10)
		n /= 10
	}
}
