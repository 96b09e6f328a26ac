package value

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	errTimestamp      = errors.New("not a time stamp")
	errTimestampRange = fmt.Errorf("time stamp: %w", ErrRange)
)

// FormatTimestamp gives a moment in microseconds since 1970 to the second:
// "Sat 2012-09-22 16:34:22 UTC". ParseTimestamp reads it.
func FormatTimestamp(real uint64, local *time.Location) string {
	return time.UnixMicro(int64(min(real, maxReal))).In(local).Format("Mon 2006-01-02 15:04:05 MST")
}

// ParseTimestamp reads a time stamp as microseconds since 1970: absolute, in the
// local zone, or UTC, or a zone that the local clock changes to and from by its
// abbreviation; or relative to now, also in microseconds since 1970 ("now",
// "today", "+5min", "2h ago", "1h left"). systemd.time(7), PARSING TIMESTAMPS.
//
// Names of the zone database are refused, as systemd-analyze does. See
// ParseTimestampZoned.
func ParseTimestamp(s string, now uint64, local *time.Location) (uint64, error) {
	if _, _, ok := cutZone(s); ok {
		return 0, errors.New("not a time stamp: only UTC and the local time zone may be named")
	}
	return parseTimestamp(s, now, local)
}

// ParseTimestampZoned is ParseTimestamp for absolute time stamps that may end in
// any name of the zone database, as journalctl takes them.
func ParseTimestampZoned(s string, now uint64, local *time.Location) (uint64, error) {
	rest, zone, ok := cutZone(s)
	if !ok {
		return parseTimestamp(s, now, local)
	}
	p := timestampParser{rest: rest, zone: zone, now: now}
	for _, abbreviation := range zoneWords(zone, now) {
		if abbreviation.word == s[len(rest)+1:] { // such as CET
			p.fixed = &abbreviation
		}
	}
	return p.parse()
}

// cutZone takes the name of a time zone other than UTC off the end.
func cutZone(s string) (rest string, zone *time.Location, ok bool) {
	space := strings.LastIndexByte(s, ' ')
	if space < 0 || strings.EqualFold(s[space:], " UTC") {
		return s, nil, false
	}
	zone, ok = findZone(s[space+1:])
	return s[:space], zone, ok
}

func parseTimestamp(s string, now uint64, local *time.Location) (uint64, error) {
	if rest, ok := strings.CutPrefix(s, "@"); ok {
		v, err := ParseSpan(rest)
		return uint64(v), err
	}
	if v, ok, err := parseRelative(s, now); ok {
		return v, err
	}
	p := timestampParser{rest: s, zone: local, now: now}
	if rest, ok := cutUTC(s); ok {
		p.rest, p.zone = rest, time.UTC
		return p.parse()
	}
	for _, z := range zoneWords(local, now) {
		at := len(s) - len(z.word) - 1
		if at >= 0 && s[at] == ' ' && strings.EqualFold(s[at+1:], z.word) {
			p.rest, p.fixed = s[:at], &z
			break
		}
	}
	return p.parse()
}

// parseRelative reads what counts from now; ok is false if s is nothing of that.
func parseRelative(s string, now uint64) (moment uint64, ok bool, err error) {
	if s == "now" {
		return now, true, nil
	}
	span, ahead := strings.CutPrefix(s, "+")
	if !ahead {
		span, ahead = strings.CutSuffix(s, " left")
	}
	behind := false
	if !ahead {
		span, behind = strings.CutPrefix(s, "-")
	}
	if !ahead && !behind {
		span, behind = strings.CutSuffix(s, " ago")
	}
	if !ahead && !behind {
		return 0, false, nil
	}
	v, err := ParseSpan(span)
	switch {
	case err != nil:
		return 0, true, err
	case ahead && (uint64(v) > maxReal || now+uint64(v) > maxReal), behind && uint64(v) > now:
		return 0, true, errTimestampRange
	case ahead:
		return now + uint64(v), true, nil
	}
	return now - uint64(v), true, nil
}

// zoneWord is the abbreviation of an offset of a zone, in seconds east of UTC.
type zoneWord struct {
	word   string
	offset int
}

// zoneWords gives the abbreviations that a zone has in the year of now.
func zoneWords(zone *time.Location, now uint64) []zoneWord {
	year := time.UnixMicro(int64(min(now, maxReal))).In(zone).Year()
	var words []zoneWord
	for _, month := range []time.Month{time.January, time.July} {
		word, offset := time.Date(year, month, 1, 0, 0, 0, 0, zone).Zone()
		words = append(words, zoneWord{word, offset})
	}
	return words
}

// timestampParser reads a date and a time of day, without a zone.
type timestampParser struct {
	rest  string
	zone  *time.Location
	fixed *zoneWord // the offset that was named, if one was
	now   uint64
	micro int
}

// timestampForms are tried in order. Years of two digits come first; a form with
// seconds may be followed by a fraction of them.
var timestampForms = []string{
	"y-m-d H:M:S", "Y-m-d H:M:S", "y-m-d H:M", "Y-m-d H:M", "y-m-d", "Y-m-d", "H:M:S", "H:M",
}

func (p *timestampParser) parse() (uint64, error) {
	clock := wallClock{zone: p.zone}
	if p.now > maxReal {
		return 0, errTimestampRange
	}
	today := clock.read(p.now)
	clock.offset = 0
	day := -1 // the day of the week, if it is written
	var w wall
	switch p.rest {
	case "today", "yesterday", "tomorrow":
		w = today
		w.clearBelow(partDay)
		w[partDay] += map[string]int{"today": 0, "yesterday": -1, "tomorrow": 1}[p.rest]
	default:
		if word, rest, ok := strings.Cut(p.rest, " "); ok {
			if day = weekday(word); day >= 0 {
				p.rest = rest
			}
		}
		var err error
		if w, err = p.date(today); err != nil {
			return 0, err
		}
	}
	if day >= 0 && w.weekday() != day {
		return 0, errors.New("time stamp: another day of the week than written")
	}
	seconds := clock.moment(w)
	if p.fixed != nil {
		seconds = w.asUTC().Unix() - int64(p.fixed.offset)
	}
	real := seconds*int64(Second) + int64(p.micro)
	if seconds < 0 || real > int64(maxReal) {
		return 0, errTimestampRange
	}
	return uint64(real), nil
}

// date reads the date and time of day by the first form that fits; what the form
// leaves out is that of today, or zero.
func (p *timestampParser) date(today wall) (wall, error) {
	for _, form := range timestampForms {
		w := today
		w[partMicro] = 0
		if form[0] != 'H' {
			w.clearBelow(partDay)
		}
		rest, ok := scanForm(p.rest, form, &w)
		if !ok {
			continue
		}
		if fraction, point := strings.CutPrefix(rest, "."); point && strings.HasSuffix(form, "S") {
			micro, after, ok := parseFraction(fraction)
			if !ok || after != "" {
				return w, errTimestamp
			}
			p.micro = micro
			return w, nil
		}
		if rest == "" {
			return w, nil
		}
	}
	return wall{}, errTimestamp
}

// scanForm reads the numbers of a form into w, as strptime(3) does: digits are
// taken as long as the number can be in range, and blanks before it are skipped.
func scanForm(s, form string, w *wall) (rest string, ok bool) {
	for i := range len(form) {
		switch c := form[i]; c {
		case 'y':
			s, ok = scanNumber(s, 0, 99, 2, &w[partYear])
			w[partYear] = fullYear2(w[partYear])
		case 'Y':
			s, ok = scanNumber(s, 0, 9999, 4, &w[partYear])
		case 'm':
			s, ok = scanNumber(s, 1, 12, 2, &w[partMonth])
		case 'd':
			s, ok = scanNumber(s, 1, 31, 2, &w[partDay])
		case 'H':
			s, ok = scanNumber(s, 0, 23, 2, &w[partHour])
		case 'M':
			s, ok = scanNumber(s, 0, 59, 2, &w[partMinute])
		case 'S':
			s, ok = scanNumber(s, 0, 61, 2, &w[partMicro])
			w[partMicro] *= microPerSecond
		case ' ':
			s, ok = strings.TrimLeft(s, " \t\n\v\f\r"), true
		default:
			s, ok = strings.CutPrefix(s, string(rune(c)))
		}
		if !ok {
			return s, false
		}
	}
	return s, true
}

// fullYear2 gives the year that the last two digits stand for.
func fullYear2(year int) int {
	if year < 69 {
		return year + 2000
	}
	return year + 1900
}

func scanNumber(s string, least, most, digits int, n *int) (rest string, ok bool) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	v, i := 0, 0
	for i < len(s) && i < digits && isDigit(s[i]) && (i == 0 || v*10 <= most) {
		v = v*10 + int(s[i]-'0')
		i++
	}
	if i == 0 || v < least || v > most {
		return s, false
	}
	*n = v
	return s[i:], true
}
