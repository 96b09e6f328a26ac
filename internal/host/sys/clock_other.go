//go:build !linux

package sys

import "time"

var start = time.Now()

// Ticks is 0: when processes started is not told here.
func Ticks() uint64 { return 0 }

// Monotonic is the time since this process began in microseconds.
func Monotonic() uint64 { return uint64(time.Since(start).Microseconds()) + 1 }
