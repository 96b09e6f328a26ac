package value

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// calendarWords are the expressions that have a name.
var calendarWords = []struct{ word, meaning string }{
	{"minutely", "*-*-* *:*:00"},
	{"hourly", "*-*-* *:00:00"},
	{"daily", "*-*-* 00:00:00"},
	{"weekly", "Mon *-*-* 00:00:00"},
	{"monthly", "*-*-01 00:00:00"},
	{"quarterly", "*-01,04,07,10-01 00:00:00"},
	{"semiannually", "*-01,07-01 00:00:00"},
	{"semi-annually", "*-01,07-01 00:00:00"},
	{"biannually", "*-01,07-01 00:00:00"},
	{"bi-annually", "*-01,07-01 00:00:00"},
	{"yearly", "*-01-01 00:00:00"},
	{"annually", "*-01-01 00:00:00"},
	{"anually", "*-01-01 00:00:00"}, // systemd takes the misspelling too
}

var (
	errCalendar      = errors.New("not a calendar event")
	errCalendarRange = fmt.Errorf("calendar event: %w", ErrRange)
)

// ParseCalendar reads a calendar event expression. systemd.time(7). Time zones
// are UTC and the names of the zone database; abbreviations such as CEST, which
// systemd knows of the local zone, are refused unless the database has them.
func ParseCalendar(s string) (Calendar, error) {
	c := Calendar{}
	p := calendarParser{rest: s, c: &c}
	p.zone()
	for _, w := range calendarWords {
		if strings.EqualFold(p.rest, w.word) {
			p.rest = w.meaning
		}
	}
	if p.rest == "" {
		return Calendar{}, errCalendar
	}
	if err := p.expression(); err != nil {
		return Calendar{}, err
	}
	c.normalize()
	if !c.valid() {
		return Calendar{}, errCalendarRange
	}
	return c, nil
}

// cutUTC takes " UTC" in any case off the end.
func cutUTC(s string) (rest string, ok bool) {
	if at := len(s) - len(" UTC"); at >= 0 && strings.EqualFold(s[at:], " UTC") {
		return s[:at], true
	}
	return s, false
}

// findZone gives the time zone that the zone database has by a name. Package time
// reads it from the machine, or from the program if it was built into it.
func findZone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" || strings.ContainsFunc(name, isNoZoneRune) {
		return nil, false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			return nil, false
		}
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

func isNoZoneRune(r rune) bool {
	return r > 'z' || !isDigit(byte(r)) && !isLetter(byte(r)) && !strings.ContainsRune("-_+/", r)
}

// calendarParser reads an expression into c; rest is what is left of it.
type calendarParser struct {
	rest string
	c    *Calendar
}

// zone takes the time zone off the end, if there is one.
func (p *calendarParser) zone() {
	rest, ok := cutUTC(p.rest)
	if ok {
		p.rest, p.c.utc = rest, true
		return
	}
	space := strings.LastIndexByte(p.rest, ' ')
	if space < 0 {
		return
	}
	if zone, ok := findZone(p.rest[space+1:]); ok {
		p.rest, p.c.zone = p.rest[:space], zone
	}
}

// expression reads what stands before the time zone.
func (p *calendarParser) expression() error {
	if p.rest != "" && isLetter(p.rest[0]) {
		days, rest, _ := strings.Cut(p.rest, " ")
		p.rest = strings.TrimLeft(rest, " ")
		if err := p.weekdays(days); err != nil {
			return err
		}
	}
	if seconds, ok := strings.CutPrefix(p.rest, "@"); ok {
		return p.unixTime(seconds)
	}
	if err := p.date(); err != nil {
		return err
	}
	return p.time()
}

// weekdays reads "Mon..Wed,Sat"; a comma at the end is allowed.
func (p *calendarParser) weekdays(s string) error {
	for item := range strings.SplitSeq(strings.TrimSuffix(s, ","), ",") {
		first, last, isRange := strings.Cut(item, "..")
		if !isRange { // systemd once wrote ranges with a dash
			first, last, isRange = strings.Cut(item, "-")
		}
		if !isRange {
			last = first
		}
		from, to := weekday(first), weekday(last)
		if from < 0 || to < from {
			return fmt.Errorf("calendar event: %q is neither a day of the week nor a range", item)
		}
		for d := from; d <= to; d++ {
			p.c.weekdays |= 1 << d
		}
	}
	return nil
}

// weekday gives the number of a day, Monday being 0; -1 for what is none.
func weekday(word string) int {
	return slices.IndexFunc(weekdayWords[:], func(full string) bool {
		return strings.EqualFold(word, full) || strings.EqualFold(word, full[:3])
	})
}

// unixTime reads seconds since 1970 as a date and time in UTC.
func (p *calendarParser) unixTime(s string) error {
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil || !allDigits(s) {
		return errCalendar
	}
	t := time.Unix(seconds, 0).UTC()
	numbers := [calendarParts]int{
		t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second() * microPerSecond,
	}
	for part, n := range numbers {
		p.c.parts[part] = just(n)
	}
	p.c.utc, p.c.zone = true, nil
	return nil
}

// just is the chain that has one number.
func just(n int) chain { return chain{{start: n, stop: -1}} }

// date reads "year-month-day", "month-day" or nothing, up to the blanks after it.
// A ~ in place of the last dash counts days from the end of the month.
func (p *calendarParser) date() error {
	var lists []chain
	rest := p.rest
	if rest == "" {
		return nil
	}
	for {
		list, after, err := parseChain(rest, partDay)
		if err != nil {
			return err
		}
		lists, rest = append(lists, list), after
		if len(lists) == 1 && (rest == "" || rest[0] == ':') {
			return nil // it is the time of day
		}
		if len(lists) > 1 && (rest == "" || rest[0] == ' ') {
			break
		}
		if len(lists) == 3 || p.c.endOfMonth || rest == "" || rest[0] != '-' && rest[0] != '~' {
			return errCalendar
		}
		p.c.endOfMonth = rest[0] == '~'
		rest = rest[1:]
	}
	copy(p.c.parts[partDay+1-calendarPart(len(lists)):], lists)
	p.rest = strings.TrimLeft(rest, " ")
	return nil
}

// time reads "hour:minute:second", "hour:minute" or nothing, which is midnight.
func (p *calendarParser) time() error {
	if p.rest == "" {
		p.c.parts[partHour], p.c.parts[partMinute], p.c.parts[partMicro] = just(0), just(0), just(0)
		return nil
	}
	for part := partHour; part <= partMicro; part++ {
		list, rest, err := parseChain(p.rest, part)
		if err != nil {
			return err
		}
		p.c.parts[part], p.rest = list, rest
		switch {
		case part == partMinute && rest == "":
			p.c.parts[partMicro] = just(0)
			return nil
		case part == partMicro && rest == "":
			return nil
		case part == partMicro || !strings.HasPrefix(rest, ":"):
			return errCalendar
		}
		p.rest = rest[1:]
	}
	return nil
}

// maxElements is how many elements a chain may have.
const maxElements = 240

// parseChain takes "*" or elements between commas off s.
func parseChain(s string, part calendarPart) (list chain, rest string, err error) {
	if rest, ok := strings.CutPrefix(s, "*"); ok {
		if part == partMicro {
			list = chain{anySecond}
		}
		return list, rest, nil
	}
	for {
		e, rest, err := parseElement(s, part)
		if err != nil {
			return nil, "", err
		}
		if list = append(list, e); len(list) > maxElements {
			return nil, "", errCalendarRange
		}
		if s, _ = strings.CutPrefix(rest, ","); s == rest {
			return list, rest, nil
		}
	}
}

// parseElement takes "start", "start..stop", "start/step" or "start..stop/step"
// off s.
func parseElement(s string, part calendarPart) (e element, rest string, err error) {
	e.stop = -1
	if e.start, s, err = parseNumber(s, part); err != nil {
		return e, "", err
	}
	if after, ok := strings.CutPrefix(s, ".."); ok {
		if e.stop, s, err = parseNumber(after, part); err != nil {
			return e, "", err
		}
		e.step = 1
		if part == partMicro {
			e.step = microPerSecond
		}
	}
	if after, ok := strings.CutPrefix(s, "/"); ok {
		if e.step, s, err = parseNumber(after, part); err != nil {
			return e, "", err
		}
		if e.step == 0 {
			return e, "", errCalendarRange
		}
	} else if part == partMicro && e.stop >= 0 && e.start+e.step > e.stop {
		return e, "", errCalendarRange // a range within one second needs a step
	}
	if s != "" && strings.IndexByte(" ,-~:", s[0]) < 0 {
		return e, "", errCalendar
	}
	return e, s, nil
}

// parseNumber takes digits off s; those of the seconds may have a fraction, which
// is rounded to microseconds.
func parseNumber(s string, part calendarPart) (n int, rest string, err error) {
	l := countDigits(s)
	if l == 0 {
		return 0, "", errCalendar
	}
	v, err := strconv.ParseUint(s[:l], 10, 31)
	if err != nil {
		return 0, "", errCalendarRange
	}
	rest = s[l:]
	if part != partMicro {
		return int(v), rest, nil
	}
	v *= uint64(microPerSecond)
	if strings.HasPrefix(rest, ".") && !strings.HasPrefix(rest, "..") {
		micro, after, ok := parseFraction(rest[1:])
		if !ok {
			return 0, "", errCalendar
		}
		v += uint64(micro)
		rest = after
	}
	if v > math.MaxInt32 {
		return 0, "", errCalendarRange
	}
	return int(v), rest, nil
}

// parseFraction takes the digits after the point off s and gives them in
// millionths, rounded.
func parseFraction(s string) (micro int, rest string, ok bool) {
	l := countDigits(s)
	for i := range 6 {
		micro *= 10
		if i < l {
			micro += int(s[i] - '0')
		}
	}
	if l > 6 && s[6] >= '5' {
		micro++
	}
	return micro, s[l:], l > 0
}

// normalize brings c into the form in which equal expressions look alike.
func (c *Calendar) normalize() {
	if c.zone != nil && c.zone.String() == "UTC" {
		c.utc, c.zone = true, nil
	}
	if c.weekdays == 1<<7-1 {
		c.weekdays = 0
	}
	if c.parts[partDay] == nil {
		c.endOfMonth = false
	}
	for i := range c.parts[partYear] {
		e := &c.parts[partYear][i]
		e.start, e.stop = fullYear(e.start), fullYear(e.stop)
	}
	for p := range c.parts {
		c.parts[p].normalize()
		c.parts[p] = slices.Compact(c.parts[p])
	}
}

// fullYear gives the year that two digits stand for.
func fullYear(year int) int {
	switch {
	case 0 <= year && year < 70:
		return year + 2000
	case 70 <= year && year < 100:
		return year + 1900
	}
	return year
}

// normalize cuts ranges to whole steps, and sorts.
func (l chain) normalize() {
	for i := range l {
		e := &l[i]
		if e.stop > e.start && e.step > 0 {
			e.stop -= (e.stop - e.start) % e.step
		}
		if e.start == e.stop {
			e.step, e.stop = 0, -1
		}
	}
	slices.SortFunc(l, func(a, b element) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.stop, b.stop),
			cmp.Compare(a.step, b.step))
	})
}

// valid reports whether all numbers are in the range of their part.
func (c *Calendar) valid() bool {
	for p, list := range c.parts {
		least, most := partInfo[p].least, partInfo[p].most
		fromEnd := calendarPart(p) == partDay && c.endOfMonth
		for _, e := range list {
			if fromEnd {
				// No month has fewer than 28 days. For each further element systemd takes
				// off three more, and so do we: what it refuses is in no unit file.
				most -= 3
			}
			if !e.valid(least, most, fromEnd) {
				return false
			}
		}
	}
	return true
}

// valid reports whether e is in a range, and a step has room at least once.
func (e element) valid(least, most int, fromEnd bool) bool {
	switch {
	case e.start < least || e.start > most || e.step > most-least:
		return false
	case e.stop >= 0:
		return e.stop >= least && e.stop <= most && e.start+e.step <= e.stop
	case fromEnd:
		return e.start-e.step >= least
	}
	return e.start+e.step <= most
}
