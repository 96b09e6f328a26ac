package name

import (
	"fmt"
	"strings"
)

// busPrefix is the object path that those of units are below.
const busPrefix = "/org/freedesktop/systemd1/unit/"

// BusPath is the object path of a unit.
func BusPath(name string) string {
	return string(AppendBusPath(make([]byte, 0, len(busPrefix)+len(name)+12), name))
}

// AppendBusPath appends it to b.
func AppendBusPath(b []byte, name string) []byte {
	return appendBusLabel(append(b, busPrefix...), name)
}

// FromBusPath gives the name of the unit with an object path. It need not be a
// valid name.
func FromBusPath(path string) (string, error) {
	label, ok := strings.CutPrefix(path, busPrefix)
	if !ok || label == "" || strings.Contains(label, "/") {
		return "", fmt.Errorf("object path %q: not that of a unit", path)
	}
	return FromBusLabel(label), nil
}

// BusLabel escapes a string for use as one label of a D-Bus object path: what is
// no letter or digit, and a digit at the start, becomes _ and two hex digits; the
// empty string becomes "_".
func BusLabel(s string) string {
	return string(appendBusLabel(make([]byte, 0, len(s)+12), s))
}

func appendBusLabel(b []byte, s string) []byte {
	if s == "" {
		return append(b, '_')
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if letter || i > 0 && '0' <= c && c <= '9' {
			b = append(b, c)
			continue
		}
		const digits = "0123456789abcdef"
		b = append(b, '_', digits[c>>4], digits[c&15])
	}
	return b
}

// FromBusLabel undoes BusLabel. A _ without two hex digits after it stands for
// itself.
func FromBusLabel(label string) string {
	if label == "_" {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(label); i++ {
		if label[i] == '_' && i+2 < len(label) {
			hi, lo := hexDigit(label[i+1]), hexDigit(label[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(label[i])
	}
	return b.String()
}
