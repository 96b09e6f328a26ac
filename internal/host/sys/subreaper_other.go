//go:build unix && !linux && !freebsd

package sys

// Subreaper is not to be had here: orphans go to PID 1.
func Subreaper() error { return Unsupported("become a subreaper") }
