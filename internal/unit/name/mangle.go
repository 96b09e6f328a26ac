package name

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// FromPath gives the name of the unit for a path: "/home" and ".mount" make
// "home.mount". A name that would be too long is cut and ends in a hash of the
// whole, as systemd does it; ToPath cannot undo that.
func FromPath(path, suffix string) (string, error) {
	if err := checkSuffix(suffix); err != nil {
		return "", err
	}
	escaped, err := EscapePath(path)
	if err != nil {
		return "", err
	}
	name := escaped + suffix
	if len(name) > MaxLen {
		name = hashLong(name, suffix)
	}
	return check(name)
}

// ToPath gives the path that the prefix of a name stands for.
func ToPath(name string) (string, error) {
	if !Valid(name, Any) {
		return "", fmt.Errorf("unit name %q: not valid", name)
	}
	return UnescapePath(Prefix(name))
}

// longKey is the key of the hash in long names, as systemd has fixed it.
var longKey = [16]byte{
	0xec, 0xf2, 0x37, 0xfb, 0x58, 0x32, 0x4a, 0x32, 0x84, 0x9f, 0x06, 0x9b, 0x0d, 0x21, 0xeb, 0x9a,
}

// hashLong cuts a name to MaxLen so that it ends in _, a hash of it and suffix. The
// hash is written lowest byte first, and of the name with a zero byte after it.
func hashLong(name, suffix string) string {
	hash := fmt.Sprintf("_%016x", bits.ReverseBytes64(SipHash(longKey, name+"\x00")))
	return name[:MaxLen-len(hash)-len(suffix)] + hash + suffix
}

// SipHash is SipHash-2-4, by which systemd tells names from each other.
func SipHash(key [16]byte, text string) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	v0, v1 := k0^0x736f6d6570736575, k1^0x646f72616e646f6d
	v2, v3 := k0^0x6c7967656e657261, k1^0x7465646279746573
	mix := func(rounds int) {
		for range rounds {
			v0 += v1
			v2 += v3
			v1 = bits.RotateLeft64(v1, 13) ^ v0
			v3 = bits.RotateLeft64(v3, 16) ^ v2
			v0 = bits.RotateLeft64(v0, 32)
			v2 += v1
			v0 += v3
			v1 = bits.RotateLeft64(v1, 17) ^ v2
			v3 = bits.RotateLeft64(v3, 21) ^ v0
			v2 = bits.RotateLeft64(v2, 32)
		}
	}
	full := len(text) / 8 * 8
	for i := 0; i < full; i += 8 {
		m := binary.LittleEndian.Uint64([]byte(text[i : i+8]))
		v3 ^= m
		mix(2)
		v0 ^= m
	}
	var tail [8]byte
	copy(tail[:], text[full:])
	tail[7] = byte(len(text))
	m := binary.LittleEndian.Uint64(tail[:])
	v3 ^= m
	mix(2)
	v0 ^= m
	v2 ^= 0xff
	mix(4)
	return v0 ^ v1 ^ v2 ^ v3
}

var errEmpty = errors.New("unit name is empty")

// Mangle makes a unit name of what a user typed: paths become .mount or .device
// units, wrong characters are escaped, suffix (".service") is added where there
// is none. With globs allowed, a pattern such as "foo*" is left without suffix,
// and the result is then not checked to be a valid name. systemctl(1).
func Mangle(s, suffix string, allowGlob bool) (string, error) {
	if s == "" {
		return "", errEmpty
	}
	if err := checkSuffix(suffix); err != nil {
		return "", err
	}
	if Valid(s, Any) {
		return s, nil
	}
	glob := allowGlob && IsGlob(s)
	if glob && only(s, isGlobByte) {
		return s, nil
	}
	if s[0] == '/' {
		if name, err := FromPath(s, pathSuffix(s)); err == nil {
			return name, nil
		}
	}
	name := mangleBytes(s, allowGlob)
	if !glob && !Valid(name, Any) {
		name += suffix
	}
	if allowGlob {
		return name, nil
	}
	return check(name)
}

// pathSuffix tells the type of unit for an absolute path.
func pathSuffix(path string) string {
	parts, err := components(path)
	if err == nil && len(parts) > 1 && (parts[0] == "dev" || parts[0] == "sys") {
		return ".device"
	}
	return ".mount"
}

// mangleBytes escapes what is not valid in a name, or in a pattern.
func mangleBytes(s string, allowGlob bool) string {
	is := isNameByteOrAt
	if allowGlob {
		is = isGlobByte
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '/':
			b.WriteByte('-')
		case is(c):
			b.WriteByte(c)
		default:
			writeHex(&b, c)
		}
	}
	return b.String()
}

// IsGlob reports whether s has a character of patterns: *, ? or [.
func IsGlob(s string) bool { return strings.ContainsAny(s, "*?[") }
