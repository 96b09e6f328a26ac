package value

import "time"

// Calendar is a calendar event expression. systemd.time(7).
type Calendar struct {
	weekdays uint8
}

// ParseCalendar reads a calendar event expression.
func ParseCalendar(s string) (Calendar, error) { return Calendar{}, nil }

// String gives the normalised form.
func (c Calendar) String() string { return "" }

// Next gives the first elapse later than after, both in microseconds since 1970;
// local is the zone of expressions that name none. ok is false if there is none.
func (c Calendar) Next(after uint64, local *time.Location) (next uint64, ok bool) {
	return 0, false
}

// ParseTimestamp reads a time stamp in microseconds since 1970, absolute in the
// local zone or UTC, or relative to now ("today", "+5min", "2h ago").
func ParseTimestamp(s string, now uint64, local *time.Location) (uint64, error) { return 0, nil }

// FormatTimestamp gives a time stamp to the second: "Sat 2012-09-22 16:34:22 UTC".
func FormatTimestamp(real uint64, local *time.Location) string { return "" }
