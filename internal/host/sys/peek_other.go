//go:build unix && !linux

package sys

// PeekChild is not to be had here; ReapChild(-1) takes any.
func PeekChild() (pid int, ok bool, err error) {
	return 0, false, Unsupported("look at a dead child")
}
