// Package dbus is the wire format of D-Bus: messages, their values and the names
// in them, from and to bytes. It checks all that the D-Bus Specification demands
// of a valid message, and knows neither sockets nor who speaks.
package dbus

import "encoding/binary"

// Limits of the specification.
const (
	MaxMessage = 128 << 20 // bytes of a message, header and padding included
	MaxArray   = 64 << 20  // bytes of the elements of an array
	MaxName    = 255       // bytes of a bus, interface, member or error name, or a signature
	maxDepth   = 32        // arrays in arrays, and structures in structures, in a signature
	maxNesting = 64        // containers in containers, variants included, in a value
)

// An Order is the order of bytes in numbers. A message is in one of two.
type Order byte

const (
	Little Order = 'l' // least significant byte first; all that an Encoder writes
	Big    Order = 'B' // most significant byte first
)

func (o Order) uint16(b []byte) uint16 {
	if o == Big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (o Order) uint32(b []byte) uint32 {
	if o == Big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (o Order) uint64(b []byte) uint64 {
	if o == Big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// pad says how many bytes are missing from n to a multiple of align.
func pad(n, align int) int { return -n & (align - 1) }
