//go:build unix && !linux

package sys

// Linux alone has programs that are attached to control groups.
const (
	BPFCgroupPacket = iota
	BPFCgroupDevice
	BPFCgroupAddress
)

// The places for them.
const (
	BPFIngress = iota
	BPFEgress
	BPFDevice
	BPFBind4
	BPFBind6
)

// BPFLoad loads no program.
func BPFLoad(_, _ uint32, _ []uint64) (int, error) { return -1, ErrUnsupported }

// BPFAttach attaches none.
func BPFAttach(_, _ int, _ uint32) error { return ErrUnsupported }

// BPFDetach takes none away.
func BPFDetach(_, _ int, _ uint32) error { return ErrUnsupported }

// BPFID knows no number.
func BPFID(int) (uint32, error) { return 0, ErrUnsupported }

// BPFByID finds nothing.
func BPFByID(uint32, bool) (int, error) { return -1, ErrUnsupported }

// BPFPinned finds nothing.
func BPFPinned(string) (int, error) { return -1, ErrUnsupported }

// BPFCounters counts nothing.
func BPFCounters(int) (int, error) { return -1, ErrUnsupported }

// BPFCounter counts nothing.
func BPFCounter(_, _ int) (uint64, error) { return 0, ErrUnsupported }
