//go:build unix && !linux

package sys

// SameFile reports whether two descriptors are of one file that was opened in the
// same way, which is as much as can be known here.
func SameFile(a, b int) bool { return a == b || alike(a, b) }
