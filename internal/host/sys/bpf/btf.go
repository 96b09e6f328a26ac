package bpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// A Member is one of a structure of the kernel.
type Member struct{ Structure, Name string }

// FileOpen is what asks programs of Security about a file that is opened.
const FileOpen = "bpf_lsm_file_open"

// kernelTypes is where the kernel tells of its types and functions.
const kernelTypes = "/sys/kernel/btf/vmlinux"

// Find gives the number of a function of the running kernel, and where in their
// structures members are, in bytes. It reads some megabytes each time: the caller keeps
// what it gives. The kernel's BTF document.
func Find(function string, members ...Member) (id uint32, offsets []int, err error) {
	text, err := os.ReadFile(kernelTypes)
	if err != nil {
		return 0, nil, err
	}
	id, offsets, err = find(text, function, members)
	if err != nil {
		err = fmt.Errorf("%s: %w", kernelTypes, err)
	}
	return id, offsets, err
}

// The kinds of types that matter here.
const (
	kindStructure = 4
	kindUnion     = 5
	kindFunction  = 12
)

// perKind is the size of what follows a type: as such, and for each of its parts.
var perKind = [...]struct{ always, each int }{
	1: {4, 0}, 3: {12, 0}, 4: {0, 12}, 5: {0, 12}, 6: {0, 8}, 13: {0, 8}, 14: {4, 0},
	15: {0, 12}, 17: {4, 0}, 19: {0, 12},
}

// types are those of a kernel, in the order of their numbers: where each is.
type types struct {
	text, names []byte
	at          []int
}

var errShort = errors.New("not what the kernel tells of its types")

func find(text []byte, function string, members []Member) (uint32, []int, error) {
	t, err := parseTypes(text)
	if err != nil {
		return 0, nil, err
	}
	id := t.find(kindFunction, function)
	if id == 0 {
		return 0, nil, errors.New("no function " + function)
	}
	offsets := make([]int, len(members))
	for i, m := range members {
		bits, ok := t.member(t.find(kindStructure, m.Structure), m.Name, 0)
		if !ok || bits%8 != 0 {
			return 0, nil, fmt.Errorf("no %s in a structure %s", m.Name, m.Structure)
		}
		offsets[i] = bits / 8
	}
	return uint32(id), offsets, nil
}

func parseTypes(text []byte) (*types, error) {
	const header, magic = 24, 0xeb9f
	if len(text) < header || binary.NativeEndian.Uint16(text) != magic {
		return nil, errShort
	}
	word := func(at int) int { return int(binary.NativeEndian.Uint32(text[at:])) }
	start := word(4)
	from, size, names, namesSize := start+word(8), word(12), start+word(16), word(20)
	end := from + size
	if from < header || size < 0 || end < from || end > len(text) ||
		names < header || namesSize < 0 || names+namesSize < names || names+namesSize > len(text) {
		return nil, errShort
	}
	t := &types{text: text, names: text[names : names+namesSize], at: make([]int, 1, size/16+1)}
	for at := from; at < end; {
		if at+12 > end {
			return nil, errShort
		}
		t.at = append(t.at, at)
		info := word(at + 4)
		at += 12
		if kind := info >> 24 & 31; kind < len(perKind) {
			at += perKind[kind].always + perKind[kind].each*(info&0xffff)
		}
		if at > end {
			return nil, errShort
		}
	}
	return t, nil
}

func (t *types) word(at int) int { return int(binary.NativeEndian.Uint32(t.text[at:])) }

func (t *types) kind(id int) int { return t.word(t.at[id]+4) >> 24 & 31 }

// isNamed compares without making a string.
func (t *types) isNamed(at int, name string) bool {
	n := t.word(at)
	return n >= 0 && n < len(t.names)-len(name) && string(t.names[n:n+len(name)]) == name &&
		t.names[n+len(name)] == 0
}

// find gives the number of a type; 0 is none.
func (t *types) find(kind int, name string) int {
	for id := 1; id < len(t.at); id++ {
		if t.kind(id) == kind && t.isNamed(t.at[id], name) {
			return id
		}
	}
	return 0
}

// member gives the place of a member, in bits, also of one in a part without a name.
func (t *types) member(id int, name string, depth int) (bits int, ok bool) {
	const deepest = 8
	if id <= 0 || id >= len(t.at) || depth > deepest {
		return 0, false
	}
	if k := t.kind(id); k != kindStructure && k != kindUnion {
		return 0, false
	}
	info := t.word(t.at[id] + 4)
	for i := range info & 0xffff {
		at := t.at[id] + 12 + 12*i
		bits := t.word(at + 8)
		if info>>31 != 0 {
			bits &= 1<<24 - 1 // above is how many bits it has
		}
		if t.isNamed(at, name) {
			return bits, true
		}
		if t.isNamed(at, "") {
			if more, ok := t.member(t.word(at+4), name, depth+1); ok {
				return bits + more, true
			}
		}
	}
	return 0, false
}
