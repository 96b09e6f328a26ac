package value

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Blanks are the separators of words in most directives.
const Blanks = " \t\n\r"

// ParseBool reads a boolean: 1, yes, y, true, t, on; 0, no, n, false, f, off; in
// any case of letters.
func ParseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "1", "yes", "y", "true", "t", "on":
		return true, nil
	case "0", "no", "n", "false", "f", "off":
		return false, nil
	}
	return false, errors.New("not a boolean")
}

// FormatBool gives "yes" or "no".
func FormatBool(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// ErrRange is wrapped by the errors about well-formed values that are too large or
// too small.
var ErrRange = errors.New("out of range")

var errNotNumber = errors.New("not a number")

// ParseUint reads an unsigned integer of so many bits by systemd's rules:
// decimal, or 0x… hexadecimal, 0o… or 0… octal, 0b… binary; blanks and a + may
// stand before it.
func ParseUint(s string, bits int) (uint64, error) { return parseUint(s, 0, bits) }

// ParseInt reads a signed integer of so many bits by the rules of ParseUint.
func ParseInt(s string, bits int) (int64, error) {
	rest := strings.TrimLeft(s, Blanks)
	rest, base := numberBase(rest, 0)
	digits, negative := cutSign(rest)
	if base == 0 {
		digits, base = cutPrefix(digits)
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return 0, numberError(err)
	}
	limit := uint64(1) << (bits - 1)
	if negative {
		if v > limit {
			return 0, ErrRange
		}
		return -int64(v), nil
	}
	if v >= limit {
		return 0, ErrRange
	}
	return int64(v), nil
}

// parseUint reads an unsigned integer to a base; 0 lets its prefix say.
func parseUint(s string, base, bits int) (uint64, error) {
	rest := strings.TrimLeft(s, Blanks)
	rest, base = numberBase(rest, base)
	digits, negative := cutSign(rest)
	if base == 0 {
		digits, base = cutPrefix(digits)
	}
	v, err := strconv.ParseUint(digits, base, bits)
	switch {
	case err != nil:
		return 0, numberError(err)
	case negative && v != 0:
		return 0, ErrRange
	}
	return v, nil
}

// numberBase takes off the prefixes that stand before the sign.
func numberBase(s string, base int) (rest string, _ int) {
	if base != 0 || len(s) < 2 || s[0] != '0' {
		return s, base
	}
	switch s[1] {
	case 'b', 'B':
		return s[2:], 2
	case 'o', 'O':
		return s[2:], 8
	}
	return s, 0
}

// cutPrefix takes off the prefixes that stand after the sign, those of C.
func cutPrefix(s string) (digits string, base int) {
	switch {
	case len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'):
		return s[2:], 16
	case len(s) > 1 && s[0] == '0':
		return s[1:], 8
	}
	return s, 10
}

func cutSign(s string) (rest string, negative bool) {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:], s[0] == '-'
	}
	return s, false
}

func numberError(err error) error {
	if errors.Is(err, strconv.ErrRange) {
		return ErrRange
	}
	return errNotNumber
}

// ParseMode reads permission bits, octal without a sign, up to 07777.
func ParseMode(s string) (Mode, error) {
	if strings.ContainsAny(s, "+-") {
		return 0, errors.New("not an octal file mode")
	}
	v, err := parseUint(s, 8, 32)
	switch {
	case errors.Is(err, ErrRange), v > 0o7777:
		return 0, fmt.Errorf("file mode: %w, more than 07777", ErrRange)
	case err != nil:
		return 0, errors.New("not an octal file mode")
	}
	return Mode(v), nil
}

// String gives the mode as four octal digits or more: "0755".
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// ParsePercent reads "0%" to "100%" in whole percent.
func ParsePercent(s string) (int, error) { return atMost(100)(parseParts(s, percentSigns[:1])) }

// ParsePermille reads a percentage ("12.5%") or permille ("125‰") up to 100%,
// in thousandths.
func ParsePermille(s string) (int, error) {
	return atMost(1000)(parseParts(s, percentSigns[:2]))
}

// ParsePermyriad reads a percentage ("12.55%"), permille ("125.5‰") or permyriad
// ("1255‱") up to 100%, in ten-thousandths.
func ParsePermyriad(s string) (int, error) {
	return atMost(10000)(ParsePermyriadUnbounded(s))
}

// ParsePermyriadUnbounded is ParsePermyriad without the limit of 100%.
func ParsePermyriadUnbounded(s string) (int, error) { return parseParts(s, percentSigns) }

// percentSigns are the signs of parts of a whole, each a tenth of the one before.
var percentSigns = []string{"%", "‰", "‱"}

// parseParts reads a number with one of the signs, and gives it in parts of the
// last: as many digits may follow the point as there are finer signs.
func parseParts(s string, signs []string) (int, error) {
	for i, sign := range signs {
		number, ok := strings.CutSuffix(s, sign)
		if !ok {
			continue
		}
		finer := len(signs) - 1 - i
		whole, fraction, point := strings.Cut(number, ".")
		if point && (len(fraction) < 1 || len(fraction) > finer || !allDigits(fraction)) {
			return 0, fmt.Errorf("not a percentage of at most %d digits after the point", finer)
		}
		v, err := ParseInt(whole, 32)
		if err != nil {
			return 0, fmt.Errorf("percentage: %w", err)
		}
		if v < 0 {
			return 0, fmt.Errorf("percentage: %w", ErrRange)
		}
		for j := range finer {
			v *= 10
			if j < len(fraction) {
				v += int64(fraction[j] - '0')
			}
		}
		if v > math.MaxInt32 {
			return 0, fmt.Errorf("percentage: %w", ErrRange)
		}
		return int(v), nil
	}
	return 0, errors.New("not a percentage: no % at the end")
}

// atMost refuses numbers over limit.
func atMost(limit int) func(int, error) (int, error) {
	return func(v int, err error) (int, error) {
		if err == nil && v > limit {
			return 0, fmt.Errorf("percentage: %w, more than 100%%", ErrRange)
		}
		return v, err
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func allDigits(s string) bool { return countDigits(s) == len(s) }

// countDigits gives the number of decimal digits that s starts with.
func countDigits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}
