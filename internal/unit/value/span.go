package value

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// The long lengths of systemd.time(7): a year is 365.25 days, a month a twelfth
// of it.
const (
	Week       = 7 * Day
	Month Span = 2629800 * Second
	Year       = 12 * Month
)

// spanWord is one word for a unit of time, in microseconds.
type spanWord struct {
	word string
	unit Span
}

// spanWords are tried in order, so a longer word stands before its start.
var spanWords = []spanWord{
	{"seconds", Second}, {"second", Second}, {"sec", Second}, {"s", Second},
	{"minutes", Minute}, {"minute", Minute}, {"min", Minute},
	{"months", Month}, {"month", Month}, {"M", Month},
	{"msec", Millisecond}, {"ms", Millisecond}, {"m", Minute},
	{"hours", Hour}, {"hour", Hour}, {"hr", Hour}, {"h", Hour},
	{"days", Day}, {"day", Day}, {"d", Day},
	{"weeks", Week}, {"week", Week}, {"w", Week},
	{"years", Year}, {"year", Year}, {"y", Year},
	{"usec", Microsecond}, {"us", Microsecond},
	{"μs", Microsecond}, {"µs", Microsecond}, // Greek mu, and the micro sign
}

var (
	errNoSpan   = errors.New("not a time span")
	errSpanLong = fmt.Errorf("time span: %w", ErrRange)
)

// ParseSpan reads a time span; a number alone is seconds. systemd.time(7).
func ParseSpan(s string) (Span, error) { return ParseSpanUnit(s, Second) }

// ParseSpanUnit reads a time span in which a number alone counts units.
func ParseSpanUnit(s string, unit Span) (Span, error) {
	v, err := parseTime(s, uint64(unit), func(s string) (uint64, string) {
		for _, w := range spanWords {
			if rest, ok := strings.CutPrefix(s, w.word); ok {
				return uint64(w.unit), rest
			}
		}
		return 0, s
	})
	return Span(v), err
}

// ParseNanoseconds reads a time span to the nanosecond; a number alone is
// nanoseconds. math.MaxUint64 is infinity.
func ParseNanoseconds(s string) (uint64, error) {
	return parseTime(s, 1, func(s string) (uint64, string) {
		for _, w := range spanWords {
			if rest, ok := strings.CutPrefix(s, w.word); ok {
				return uint64(w.unit) * 1000, rest
			}
		}
		for _, word := range []string{"nsec", "ns"} {
			if rest, ok := strings.CutPrefix(s, word); ok {
				return 1, rest
			}
		}
		return 0, s
	})
}

// parseTime sums up numbers with units. unit takes the word of a unit off a
// string and gives its length, or 0 if there is none; then it is def.
func parseTime(s string, def uint64, unit func(string) (uint64, string)) (uint64, error) {
	s = strings.TrimLeft(s, Blanks)
	if rest, ok := strings.CutPrefix(s, "infinity"); ok {
		if strings.TrimLeft(rest, Blanks) != "" {
			return 0, errNoSpan
		}
		return math.MaxUint64, nil
	}
	var sum uint64
	for first := true; ; first = false {
		s = strings.TrimLeft(s, Blanks)
		if s == "" {
			if first {
				return 0, errNoSpan
			}
			return sum, nil
		}
		n, err := cutNumber(s)
		if err != nil {
			return 0, err
		}
		length, rest := unit(strings.TrimLeft(n.rest, Blanks))
		if length == 0 {
			length = def
			rest = strings.TrimLeft(n.rest, Blanks)
			if rest == n.rest && rest != "" { // such as 12.34.56 or 5x
				return 0, unknownUnit(rest)
			}
		}
		if sum, err = n.addTo(sum, length); err != nil {
			return 0, err
		}
		s = rest
	}
}

func unknownUnit(s string) error {
	word, _, _ := strings.Cut(s, " ")
	return fmt.Errorf("not a time span: %q is no unit of time", word)
}

// decimal is a number with a fraction, and what comes after it.
type decimal struct {
	whole          uint64
	fraction, rest string
}

// cutNumber takes a decimal number off s. Negative ones, even -0, are refused.
func cutNumber(s string) (decimal, error) {
	if s[0] == '-' {
		return decimal{}, fmt.Errorf("time span: %w, negative", ErrRange)
	}
	digits := strings.TrimPrefix(strings.TrimLeft(s, "\v\f"), "+")
	var n decimal
	if l := countDigits(digits); l > 0 {
		v, err := strconv.ParseInt(digits[:l], 10, 64)
		if err != nil {
			return n, errSpanLong
		}
		n.whole, n.rest = uint64(v), digits[l:]
	} else {
		n.rest = s
	}
	if fraction, ok := strings.CutPrefix(n.rest, "."); ok {
		l := countDigits(fraction)
		n.fraction, n.rest = fraction[:l], fraction[l:]
		if l == 0 { // such as "3." or "3.sec"
			return n, errNoSpan
		}
	} else if n.rest == s {
		return n, unknownUnit(s)
	}
	return n, nil
}

// addTo adds n units to sum. Each digit of the fraction is cut to whole ticks.
func (n decimal) addTo(sum, unit uint64) (uint64, error) {
	if n.whole >= math.MaxUint64/unit || n.whole*unit >= math.MaxUint64-sum {
		return 0, errSpanLong
	}
	sum += n.whole * unit
	for i := range len(n.fraction) {
		unit /= 10
		if unit == 0 {
			break
		}
		k := uint64(n.fraction[i]-'0') * unit
		if k >= math.MaxUint64-sum {
			return 0, errSpanLong
		}
		sum += k
	}
	return sum, nil
}

// spanUnits are the units that spans are printed in. digits is how many decimal
// digits of microseconds stand after the point.
var spanUnits = []struct {
	word   string
	unit   Span
	digits int
}{
	{"y", Year, 0}, {"month", Month, 0}, {"w", Week, 0}, {"d", Day, 0}, {"h", Hour, 0},
	{"min", Minute, 0}, {"s", Second, 6}, {"ms", Millisecond, 3}, {"us", Microsecond, 0},
}

// String gives the span with an accuracy of 1 µs: "1min 30s", "infinity", "0".
func (s Span) String() string { return s.Format(Microsecond) }

// Format gives the span with what is below the accuracy (a power of ten of
// microseconds) cut off: "1min 30s", "infinity", "0". ParseSpan reads it.
func (s Span) Format(accuracy Span) string {
	switch s {
	case Infinity:
		return "infinity"
	case 0:
		return "0"
	}
	var words []string
	for _, u := range spanUnits {
		if s == 0 || s < accuracy && len(words) > 0 {
			break
		}
		if s < u.unit {
			continue
		}
		whole, part, digits := s/u.unit, s%u.unit, u.digits
		if s < Minute && part > 0 {
			for a := accuracy; a > 1; a /= 10 {
				part /= 10
				digits--
			}
			if digits > 0 {
				words = append(words, fmt.Sprintf("%d.%0*d%s", whole, digits, part, u.word))
				break
			}
		}
		words = append(words, strconv.FormatUint(uint64(whole), 10)+u.word)
		s = s % u.unit
	}
	return strings.Join(words, " ")
}
