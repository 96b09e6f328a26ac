package sys

import (
	_ "unsafe" // for the name of the runtime's clock

	"golang.org/x/sys/unix"
)

// Ticks is the time since boot as /proc/PID/stat tells when a process started, in
// hundredths of a second.
func Ticks() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0
	}
	return uint64(ts.Nano()) / 1e7
}

// Monotonic is the time since boot in microseconds, by CLOCK_MONOTONIC.
func Monotonic() uint64 { return uint64(nanotime()) / 1000 }

// nanotime reads that clock without a system call. The linker lets it be named.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64
