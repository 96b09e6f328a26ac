package value

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// sizeUnits are the suffixes of sizes, largest first, with their power.
var sizeUnits = []struct {
	suffix string
	power  int
}{
	{"E", 6}, {"P", 5}, {"T", 4}, {"G", 3}, {"M", 2}, {"K", 1}, {"B", 0}, {"", 0},
}

// ParseSize reads a number of bytes with suffixes K M G T P E to the base 1024,
// or "infinity". Several numbers add up if their units go down: "1G 512M".
func ParseSize(s string) (Size, error) { return parseSize(s, 1024) }

// ParseSize1000 is ParseSize to the base 1000, as for bits and bytes per second.
func ParseSize1000(s string) (Size, error) { return parseSize(s, 1000) }

var (
	errNoSize    = errors.New("not a size")
	errSizeRange = fmt.Errorf("size: %w", ErrRange)
)

func parseSize(s string, base uint64) (Size, error) {
	if s == "infinity" {
		return SizeInfinity, nil
	}
	var sum uint64
	units := sizeUnits
	for first := true; first || s != ""; first = false {
		s = strings.TrimLeft(s, Blanks)
		if strings.HasPrefix(s, "-") {
			return 0, fmt.Errorf("size: %w, negative", ErrRange)
		}
		s = strings.TrimPrefix(s, "+")
		l := countDigits(s)
		if l == 0 {
			return 0, errNoSize
		}
		whole, err := strconv.ParseUint(s[:l], 10, 64)
		if err != nil {
			return 0, errSizeRange
		}
		s = s[l:]
		fraction := 0.0
		if rest, ok := strings.CutPrefix(s, "."); ok {
			l := countDigits(rest)
			if l > 0 {
				digits, err := strconv.ParseUint(rest[:l], 10, 64)
				if err != nil {
					return 0, errSizeRange
				}
				fraction = float64(digits)
				for range l {
					fraction /= 10
				}
			}
			s = rest[l:]
		}
		s = strings.TrimLeft(s, Blanks)
		for len(units) > 0 && !strings.HasPrefix(s, units[0].suffix) {
			units = units[1:]
		}
		if len(units) == 0 {
			return 0, errNoSize
		}
		if sum, err = addSize(sum, whole, fraction, power(base, units[0].power)); err != nil {
			return 0, err
		}
		s = s[len(units[0].suffix):]
		units = units[1:]
	}
	return Size(sum), nil
}

func addSize(sum, whole uint64, fraction float64, factor uint64) (uint64, error) {
	high, low := bits.Mul64(whole, factor)
	part := uint64(fraction * float64(factor))
	low, carry1 := bits.Add64(low, part, 0)
	low, carry2 := bits.Add64(low, sum, 0)
	if high != 0 || carry1 != 0 || carry2 != 0 {
		return 0, errSizeRange
	}
	return low, nil
}

func power(base uint64, n int) uint64 {
	p := uint64(1)
	for range n {
		p *= base
	}
	return p
}

// String gives the size in full, with the largest suffix that leaves no rest:
// "infinity", "64M" or "1000". ParseSize reads it.
func (s Size) String() string {
	if s == SizeInfinity {
		return "infinity"
	}
	for _, u := range sizeUnits {
		factor := power(1024, u.power)
		if u.power > 0 && s > 0 && uint64(s)%factor == 0 {
			return strconv.FormatUint(uint64(s)/factor, 10) + u.suffix
		}
	}
	return strconv.FormatUint(uint64(s), 10)
}

// Format gives the size as people read it, cut to one digit after the point:
// "1.5G", "12B", "infinity".
func (s Size) Format() string {
	if s == SizeInfinity {
		return "infinity"
	}
	for _, u := range sizeUnits {
		factor := power(1024, u.power)
		if u.power == 0 || uint64(s) < factor {
			continue
		}
		// The unit below keeps the tenths from overflowing.
		below := factor / 1024
		tenths := uint64(s) / below * 10 / 1024
		return fmt.Sprintf("%d.%d%s", tenths/10, tenths%10, u.suffix)
	}
	return strconv.FormatUint(uint64(s), 10) + "B"
}
