//go:build !linux

package sys

import "time"

var start = time.Now()

// Monotonic is the time since this process began in microseconds.
func Monotonic() uint64 { return uint64(time.Since(start).Microseconds()) + 1 }
