package value

import (
	"fmt"
	"strings"
	"time"
)

// Calendar is a calendar event expression: the moments whose weekday, date and
// time of day all match. Its text form is that of systemd.time(7); the zero value
// matches nothing and is written "".
type Calendar struct {
	weekdays   uint8 // bit 0 is Monday; 0 is every day
	parts      [calendarParts]chain
	endOfMonth bool // days are counted from the end of the month, 1 being the last
	utc        bool
	zone       *time.Location // nil: UTC if utc is set, or else the local zone
}

// calendarPart is one of the numbers that a moment is made of.
type calendarPart uint8

// The parts, in the order they are matched. partMicro counts the microseconds of
// a minute.
const (
	partYear calendarPart = iota
	partMonth
	partDay
	partHour
	partMinute
	partMicro
	calendarParts
)

// partInfo gives for each part the least and the largest number, and how many
// digits it is printed with.
var partInfo = [calendarParts]struct{ least, most, digits int }{
	partYear:   {1970, 2199, 4},
	partMonth:  {1, 12, 2},
	partDay:    {1, 31, 2},
	partHour:   {0, 23, 2},
	partMinute: {0, 59, 2},
	partMicro:  {0, 60*microPerSecond - 1, 2},
}

const microPerSecond = int(Second)

// chain is what a part may be: one of its elements. nil is anything.
type chain []element

// element is a number, a range or a step: start, start..stop/step, start/step.
// stop is -1 if there is no range, and step 0 if there is no step.
type element struct{ start, stop, step int }

// IsZero reports whether c is the zero value, which no text stands for.
func (c Calendar) IsZero() bool { return c.parts[partMicro] == nil }

var weekdayWords = [7]string{
	"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
}

// String gives the normalised form: "Mon..Fri *-*-* 09:00:00 Europe/Berlin".
func (c Calendar) String() string {
	if c.IsZero() {
		return ""
	}
	var b strings.Builder
	if c.weekdays != 0 {
		b.WriteString(formatWeekdays(c.weekdays) + " ")
	}
	for p, after := range []string{"-", "-", " ", ":", ":", ""} {
		writeChain(&b, c.parts[p], calendarPart(p))
		if calendarPart(p) == partMonth && c.endOfMonth {
			after = "~"
		}
		b.WriteString(after)
	}
	switch {
	case c.utc:
		b.WriteString(" UTC")
	case c.zone != nil:
		b.WriteString(" " + c.zone.String())
	}
	return b.String()
}

// formatWeekdays gives days in runs: "Mon..Thu,Sat,Sun".
func formatWeekdays(days uint8) string {
	var words []string
	for d := 0; d < 7; d++ {
		if days>>d&1 == 0 {
			continue
		}
		first := d
		for d < 6 && days>>(d+1)&1 == 1 {
			d++
		}
		word := weekdayWords[first][:3]
		switch {
		case d == first+1:
			word += "," + weekdayWords[d][:3]
		case d > first+1:
			word += ".." + weekdayWords[d][:3]
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}

func writeChain(b *strings.Builder, list chain, part calendarPart) {
	digits, unit := partInfo[part].digits, 1
	if part == partMicro {
		unit = microPerSecond
		if len(list) == 1 && list[0] == anySecond {
			list = nil
		}
	}
	if list == nil {
		b.WriteByte('*')
		return
	}
	write := func(v, digits int) {
		fmt.Fprintf(b, "%0*d", digits, v/unit)
		if v%unit > 0 {
			fmt.Fprintf(b, ".%06d", v%unit)
		}
	}
	for i, e := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		write(e.start, digits)
		if e.stop > 0 {
			b.WriteString("..")
			write(e.stop, digits)
		}
		if e.step > 0 && (e.stop <= 0 || e.step != unit) {
			b.WriteByte('/')
			write(e.step, 1)
		}
	}
}

// anySecond is what * stands for in place of the seconds: not every microsecond.
var anySecond = element{start: 0, stop: -1, step: microPerSecond}

// MarshalText gives the normalised form.
func (c Calendar) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText gives, or any other text of an expression.
func (c *Calendar) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Calendar{}
		return nil
	}
	parsed, err := ParseCalendar(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}
