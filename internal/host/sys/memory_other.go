//go:build unix && !linux

package sys

// TrimImage does nothing here.
func TrimImage() {}
