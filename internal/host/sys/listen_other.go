//go:build unix && !linux

package sys

import "golang.org/x/sys/unix"

// OpenQueue is not to be had here.
func OpenQueue(string, uint32, int64, int64) (int, error) { return -1, Unsupported("mq_open") }

// RemoveQueue is not to be had here.
func RemoveQueue(string) error { return Unsupported("mq_unlink") }

// Watchable reports whether traffic on a file can be waited for, which is always
// there on regular files.
func Watchable(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG
}

// HaveSmack reports that there are no labels of SMACK here.
func HaveSmack() bool { return false }

// SetSmack is not to be had here.
func SetSmack(int, string, string) error { return Unsupported("SMACK label") }
