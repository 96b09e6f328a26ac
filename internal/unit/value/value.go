// Package value holds the kinds of values that unit files are made of: time
// spans, sizes, signals, modes, calendar events, command lines, environment
// assignments, exit statuses. It knows their text forms and nothing of what
// they are used for. It answers for systemd.time(7), systemd.syntax(7) and the
// COMMAND LINES section of systemd.service(5).
package value

import "math"

// Span is a length of time in microseconds. systemd.time(7).
type Span uint64

// Infinity is the Span without an end; as a timeout it means none.
const Infinity Span = math.MaxUint64

// The usual lengths.
const (
	Microsecond Span = 1
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
	Hour             = 60 * Minute
	Day              = 24 * Hour
)

// Instant is one moment by two clocks, each in microseconds: Mono since boot
// (CLOCK_MONOTONIC), Real since 1970 (CLOCK_REALTIME). Deadlines are counted by
// Mono; Real is for people. The zero Instant is "never".
type Instant struct {
	Mono, Real uint64
}

// IsZero reports whether i is "never".
func (i Instant) IsZero() bool { return i == Instant{} }

// Size is a number of bytes; SizeInfinity is no limit.
type Size uint64

// SizeInfinity is the Size without an end, written "infinity".
const SizeInfinity Size = math.MaxUint64

// Mode holds the permission bits of a file.
type Mode uint32

// Signal is a signal by its Linux number; hosts with other numbers translate it
// by name. 0 is no signal.
type Signal int

// The signals the engine speaks of.
const (
	SIGHUP  Signal = 1
	SIGINT  Signal = 2
	SIGQUIT Signal = 3
	SIGABRT Signal = 6
	SIGKILL Signal = 9
	SIGUSR1 Signal = 10
	SIGUSR2 Signal = 12
	SIGPIPE Signal = 13
	SIGTERM Signal = 15
	SIGCONT Signal = 18
)

// IsFDName reports whether s may be one of $LISTEN_FDNAMES: visible ASCII characters
// and blanks without a colon, at most 255 of them. It may be empty. sd_listen_fds(3).
func IsFDName(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == ':' {
			return false
		}
	}
	return len(s) <= 255
}
