package value

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// CPUSet is a set of CPU numbers, sorted. nil is "not set"; a set that is not nil
// may still be empty.
type CPUSet []uint

// maxCPU is the highest number of a CPU that is accepted.
const maxCPU = 8191

// ParseCPUSet reads CPU numbers and ranges between blanks or commas: "0-3,5 7". A
// range that ends before it starts is an error; systemd drops it and goes on.
func ParseCPUSet(s string) (CPUSet, error) {
	words, err := Split(s, Blanks+",", Unquote)
	if err != nil {
		return nil, err
	}
	set := CPUSet{}
	for _, word := range words {
		low, high, err := parseRange(word)
		if err != nil {
			return nil, fmt.Errorf("CPU %q: %w", word, err)
		}
		for cpu := low; cpu <= high; cpu++ {
			set = append(set, cpu)
		}
	}
	slices.Sort(set)
	return slices.Compact(set), nil
}

var errRangeOrder = errors.New("the range ends before it starts")

func parseRange(word string) (low, high uint, err error) {
	first, last, two := strings.Cut(word, "-")
	if !two {
		last = first
	}
	a, err := ParseUint(first, 32)
	if err != nil {
		return 0, 0, err
	}
	b, err := ParseUint(last, 32)
	switch {
	case err != nil:
		return 0, 0, err
	case b > maxCPU:
		return 0, 0, fmt.Errorf("%w, more than %d", ErrRange, maxCPU)
	case a > b:
		return 0, 0, errRangeOrder
	}
	return uint(a), uint(b), nil
}

// Has reports whether the set has a CPU.
func (c CPUSet) Has(cpu uint) bool { return has(c, cpu) }

// Merge gives the union of two sets.
func (c CPUSet) Merge(other CPUSet) CPUSet {
	union := slices.Concat(c, other)
	slices.Sort(union)
	return slices.Compact(union)
}

// String gives the set with ranges: "0-3 5".
func (c CPUSet) String() string {
	var words []string
	for i := 0; i < len(c); {
		j := i
		for j+1 < len(c) && c[j+1] == c[j]+1 {
			j++
		}
		word := strconv.FormatUint(uint64(c[i]), 10)
		if j > i {
			word += "-" + strconv.FormatUint(uint64(c[j]), 10)
		}
		words = append(words, word)
		i = j + 1
	}
	return strings.Join(words, " ")
}

// Mask gives the set as a bit mask of whole 64-bit words, lowest byte first.
func (c CPUSet) Mask() []byte {
	if len(c) == 0 {
		return []byte{}
	}
	mask := make([]byte, (c[len(c)-1]/64+1)*8)
	for _, cpu := range c {
		mask[cpu/8] |= 1 << (cpu % 8)
	}
	return mask
}
