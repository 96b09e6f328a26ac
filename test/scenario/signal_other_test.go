//go:build !linux

package scenario

// plainSignals does nothing: the manager that is tested runs on Linux.
func plainSignals() {}
