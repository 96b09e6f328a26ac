package sys

import _ "unsafe" // for the name of the runtime's clock

// Monotonic is the time since boot in microseconds, by CLOCK_MONOTONIC.
func Monotonic() uint64 { return uint64(nanotime()) / 1000 }

// nanotime reads that clock without a system call. The linker lets it be named.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64
