package dbus

import (
	"fmt"
	"strings"
)

// CheckSignature says what is wrong with a signature, which is any number of
// complete types one after another.
func CheckSignature(sig string) error {
	if len(sig) > MaxName {
		return fmt.Errorf("signature of %d bytes: longer than %d", len(sig), MaxName)
	}
	for rest := sig; rest != ""; {
		n, err := typeLen(rest, 0, 0)
		if err != nil {
			return fmt.Errorf("signature %q: %w", sig, err)
		}
		rest = rest[n:]
	}
	return nil
}

// IsType reports whether sig is a signature of exactly one complete type.
func IsType(sig string) bool {
	n, err := typeLen(sig, 0, 0)
	return err == nil && n == len(sig) && n <= MaxName
}

// typeLen is the length of the complete type that sig begins with. Around it are
// so many arrays and structures.
func typeLen(sig string, arrays, structs int) (int, error) {
	switch {
	case sig == "":
		return 0, fmt.Errorf("ends where a type should be")
	case arrays > maxDepth || structs > maxDepth:
		return 0, fmt.Errorf("nested deeper than %d", maxDepth)
	case sig[0] == 'a' && strings.HasPrefix(sig[1:], "{"):
		return entryLen(sig, arrays+1, structs)
	case sig[0] == 'a':
		n, err := typeLen(sig[1:], arrays+1, structs)
		return n + 1, err
	case sig[0] == '(':
		return structLen(sig, arrays, structs+1)
	case sig[0] == 'v' || isBasic(sig[0]):
		return 1, nil
	}
	return 0, fmt.Errorf("no type begins with %q", sig[0])
}

func structLen(sig string, arrays, structs int) (int, error) {
	at := 1
	for at < len(sig) && sig[at] != ')' {
		n, err := typeLen(sig[at:], arrays, structs)
		if err != nil {
			return 0, err
		}
		at += n
	}
	switch {
	case at >= len(sig):
		return 0, fmt.Errorf("structure without an end")
	case at == 1:
		return 0, fmt.Errorf("structure of nothing")
	}
	return at + 1, nil
}

// entryLen is the length of an array of dictionary entries, "a{" key value "}".
func entryLen(sig string, arrays, structs int) (int, error) {
	if arrays > maxDepth {
		return 0, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	if len(sig) < 3 || !isBasic(sig[2]) {
		return 0, fmt.Errorf("dictionary whose key is no basic type")
	}
	n, err := typeLen(sig[3:], arrays, structs)
	if err != nil {
		return 0, err
	}
	if end := 3 + n; end >= len(sig) || sig[end] != '}' {
		return 0, fmt.Errorf("dictionary entry without an end after its value")
	}
	return 3 + n + 1, nil
}

func isBasic(c byte) bool { return c != 0 && strings.IndexByte("ybnqiuxtdsogh", c) >= 0 }

// alignment of a value whose type begins with c, in bytes from the start of the
// message, or of its body.
func alignment(c byte) int {
	switch c {
	case 'n', 'q':
		return 2
	case 'b', 'i', 'u', 's', 'o', 'a', 'h':
		return 4
	case 'x', 't', 'd', '(', '{':
		return 8
	}
	return 1 // y g v
}

// fixedSize is the size of the types that have one and may be any bytes; else 0.
func fixedSize(c byte) int {
	switch c {
	case 'y':
		return 1
	case 'n', 'q':
		return 2
	case 'i', 'u', 'h':
		return 4
	case 'x', 't', 'd':
		return 8
	}
	return 0
}

// TypeLen is the length of the complete type that a valid signature begins with.
func TypeLen(sig string) int {
	n, err := typeLen(sig, 0, 0)
	if err != nil {
		return len(sig)
	}
	return n
}
