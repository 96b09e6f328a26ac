//go:build unix && !linux

package bpf

import "errors"

// Linux alone has programs that are attached to control groups. These are their types.
const (
	Packet = iota
	DeviceUse
	Address
	Security
)

// The places for them.
const (
	Ingress = iota
	Egress
	Device
	Bind4
	Bind6
	Hook
)

// Load loads no program.
func Load(_, _, _ uint32, _ []uint64) (int, error) { return -1, errors.ErrUnsupported }

// Attach attaches none.
func Attach(_, _ int, _ uint32) error { return errors.ErrUnsupported }

// Detach takes none away.
func Detach(_, _ int, _ uint32) error { return errors.ErrUnsupported }

// ID knows no number.
func ID(int) (uint32, error) { return 0, errors.ErrUnsupported }

// ByID finds nothing.
func ByID(uint32, bool) (int, error) { return -1, errors.ErrUnsupported }

// Pinned finds nothing.
func Pinned(string) (int, error) { return -1, errors.ErrUnsupported }

// Counters counts nothing.
func Counters(int) (int, error) { return -1, errors.ErrUnsupported }

// Counter counts nothing.
func Counter(_, _ int) (uint64, error) { return 0, errors.ErrUnsupported }

// ProcessID knows no number.
func ProcessID() (uint32, error) { return 0, errors.ErrUnsupported }

// IsAsked: none is.
func IsAsked() (bool, error) { return false, errors.ErrUnsupported }
