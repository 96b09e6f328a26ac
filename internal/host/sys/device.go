//go:build unix

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// DeviceKind says which devices a node is for.
type DeviceKind uint8

// The kinds.
const (
	NoDevice DeviceKind = iota
	CharDevice
	BlockDevice
)

// Device is the number of a device.
type Device struct {
	Kind         DeviceKind
	Major, Minor uint32
}

// Node is a file, and the device it is on.
type Node struct {
	Device        // NoDevice if it is not for one
	Under  Device // what has the file system
}

// DeviceOf tells what a node is for. stat(2).
func DeviceOf(path string) (Node, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return Node{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	under := uint64(st.Dev) //nolint:unconvert // it is signed, and shorter, elsewhere
	n := Node{Under: Device{BlockDevice, unix.Major(under), unix.Minor(under)}}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		n.Kind = BlockDevice
	case unix.S_IFCHR:
		n.Kind = CharDevice
	default:
		return n, nil
	}
	number := uint64(st.Rdev) //nolint:unconvert // see above
	n.Major, n.Minor = unix.Major(number), unix.Minor(number)
	return n, nil
}
