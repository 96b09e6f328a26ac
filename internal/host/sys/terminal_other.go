//go:build !unix

package sys

// TerminalWidth knows no terminals on this system.
func TerminalWidth(uintptr) (columns int, ok bool) { return 0, false }
