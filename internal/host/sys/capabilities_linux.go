package sys

import (
	"golang.org/x/sys/unix"
)

// Capabilities are what a process may do, as sets of bits by capabilities(7).
type Capabilities struct {
	Effective, Permitted, Inheritable, Bounding, Ambient uint64

	Last       uint // the highest capability that the kernel knows
	SecureBits int  // how root and capabilities hang together; prctl(2), PR_GET_SECUREBITS
}

// OwnCapabilities gives those of the calling thread.
func OwnCapabilities() Capabilities {
	var c Capabilities
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		join := func(low, high uint32) uint64 { return uint64(high)<<32 | uint64(low) }
		c.Effective = join(data[0].Effective, data[1].Effective)
		c.Permitted = join(data[0].Permitted, data[1].Permitted)
		c.Inheritable = join(data[0].Inheritable, data[1].Inheritable)
	}
	for n := uint(0); n < 64; n++ {
		v, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0)
		if err != nil {
			break
		}
		c.Last = n
		c.Bounding |= uint64(v) << n
		v, err = unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(n), 0, 0)
		if err == nil {
			c.Ambient |= uint64(v) << n
		}
	}
	if bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0); err == nil {
		c.SecureBits = bits
	}
	return c
}
