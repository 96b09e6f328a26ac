//go:build !linux

package sys

// WaitGone says that only the ends of children are told.
func WaitGone(int) (func(), error) { return nil, Unsupported("pidfd_open") }
