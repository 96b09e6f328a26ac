//go:build !linux

package sys

// Timer is not there on these systems: nothing tells that the clock was set.
type Timer struct{}

// NewTimer says so.
func NewTimer(bool) (*Timer, error) { return nil, Unsupported("timerfd") }

// OnJump cannot be called.
func (*Timer) OnJump() error { return Unsupported("timerfd") }

// Set cannot be called.
func (*Timer) Set(uint64) error { return Unsupported("timerfd") }

// Wait cannot be called.
func (*Timer) Wait() error { return Unsupported("timerfd") }

// Close cannot be called.
func (*Timer) Close() error { return nil }
