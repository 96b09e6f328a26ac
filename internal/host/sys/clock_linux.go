package sys

import "golang.org/x/sys/unix"

// Monotonic is the time since boot in microseconds, by CLOCK_MONOTONIC.
func Monotonic() uint64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return uint64(ts.Nano()) / 1000
}
