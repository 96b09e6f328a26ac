package name

import (
	"errors"
	"fmt"
	"strings"
)

// Escape escapes a string for use in a unit name: / becomes -, and what is not
// valid there becomes \x and two hex digits. systemd-escape(1).
func Escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '/':
			b.WriteByte('-')
		case c == '-' || c == '\\' || !isNameByte(c) || c == '.' && i == 0:
			writeHex(&b, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func writeHex(b *strings.Builder, c byte) {
	const digits = "0123456789abcdef"
	b.WriteString(`\x`)
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}

// Unescape undoes Escape. As in systemd, \x00 ends the string.
func Unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '-':
			b.WriteByte('/')
		case '\\':
			if i+3 >= len(s) || s[i+1] != 'x' {
				return "", fmt.Errorf(`unescape %q: \ is not followed by x and two hex digits`, s)
			}
			hi, lo := hexDigit(s[i+2]), hexDigit(s[i+3])
			if hi < 0 || lo < 0 {
				return "", fmt.Errorf(`unescape %q: \x is not followed by two hex digits`, s)
			}
			b.WriteByte(byte(hi<<4 | lo))
			i += 3
		default:
			b.WriteByte(c)
		}
	}
	before, _, _ := strings.Cut(b.String(), "\x00")
	return before, nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// The limits of the kernel for paths and their components.
const (
	maxPath      = 4096 - 1
	maxComponent = 255
)

var (
	errNotNormalized = errors.New("path is not normalized or too long")
	errPathUnescape  = errors.New("does not stand for a normalized path")
)

// EscapePath escapes a path for use in a unit name: slashes at both ends and
// components "." are dropped first, and / itself becomes "-". Paths with ".." are
// refused. systemd-escape(1), --path.
func EscapePath(path string) (string, error) {
	if strings.Trim(path, "/") == "" {
		return "-", nil
	}
	parts, err := components(path)
	if err != nil || len(parts) == 0 && path[0] != '/' { // such as "./."
		return "", fmt.Errorf("escape path %q: %w", path, errNotNormalized)
	}
	if len(parts) == 0 {
		return "-", nil
	}
	return Escape(strings.Join(parts, "/")), nil
}

// components takes a path apart, without empty ones and those that are ".".
func components(path string) ([]string, error) {
	var parts []string
	size := 0
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." {
			continue
		}
		size += 1 + len(part)
		if part == ".." || len(part) > maxComponent || size > maxPath {
			return nil, errNotNormalized
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// UnescapePath undoes EscapePath; the path is absolute.
func UnescapePath(s string) (string, error) {
	if s == "-" {
		return "/", nil
	}
	path, err := Unescape(s)
	if err != nil {
		return "", err
	}
	parts, err := components(path)
	if s == "" || err != nil || strings.Join(parts, "/") != path {
		return "", fmt.Errorf("unescape path %q: %w", s, errPathUnescape)
	}
	return "/" + path, nil
}
