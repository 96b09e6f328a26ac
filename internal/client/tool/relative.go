package tool

import (
	"fmt"
	"math"

	"rouse/internal/unit/value"
)

// Relative gives how long ago or how far off a time is: "5min ago", "1h 6min
// left". Only the two largest units are told, and only whole ones.
func Relative(now, usec uint64) string {
	if usec == 0 || usec == math.MaxUint64 {
		return ""
	}
	word, d := "ago", now-usec
	if usec > now {
		word, d = "left", usec-now
	}
	const (
		week  = 7 * uint64(value.Day)
		month = 2629800 * uint64(value.Second)
		year  = 31557600 * uint64(value.Second)
	)
	count := func(n uint64, one, many string) string {
		if n == 1 {
			return fmt.Sprintf("%d %s", n, one)
		}
		return fmt.Sprintf("%d %s", n, many)
	}
	pair := func(big, small uint64, bigOne, bigMany, smallOne, smallMany string) string {
		return count(d/big, bigOne, bigMany) + " " + count(d%big/small, smallOne, smallMany) +
			" " + word
	}
	day, hour, minute, second := uint64(value.Day), uint64(value.Hour), uint64(value.Minute),
		uint64(value.Second)
	switch {
	case d >= year:
		return pair(year, month, "year", "years", "month", "months")
	case d >= month:
		return pair(month, day, "month", "months", "day", "days")
	case d >= week:
		return pair(week, day, "week", "weeks", "day", "days")
	case d >= 2*day:
		return fmt.Sprintf("%d days %s", d/day, word)
	case d >= 25*hour:
		return fmt.Sprintf("1 day %dh %s", (d-day)/hour, word)
	case d >= 6*hour:
		return fmt.Sprintf("%dh %s", d/hour, word)
	case d >= hour:
		return fmt.Sprintf("%dh %dmin %s", d/hour, d%hour/minute, word)
	case d >= 5*minute:
		return fmt.Sprintf("%dmin %s", d/minute, word)
	case d >= minute:
		return fmt.Sprintf("%dmin %ds %s", d/minute, d%minute/second, word)
	case d >= second:
		return fmt.Sprintf("%ds %s", d/second, word)
	case d >= 1000:
		return fmt.Sprintf("%dms %s", d/1000, word)
	case d > 0:
		return fmt.Sprintf("%dus %s", d, word)
	}
	return "now"
}
