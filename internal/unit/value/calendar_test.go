package value

import (
	"strings"
	"testing"
	"time"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no zone database here: %v", err)
	}
	return zone
}

func TestParseCalendar(t *testing.T) {
	tests := []struct{ text, want string }{
		{"daily", "*-*-* 00:00:00"},
		{"anually", "*-01-01 00:00:00"},
		{"Mon..Fri,sun 9:30", "Mon..Fri,Sun *-*-* 09:30:00"},
		{"mon-wednesday, 9:30", "Mon..Wed *-*-* 09:30:00"},
		{"Mon..Sun 9:30", "*-*-* 09:30:00"},
		{"Mon,Tue,Thu", "Mon,Tue,Thu *-*-* 00:00:00"},
		{"99-*~3..1 9:30", "error"},
		{"99-*~1..3 9:30", "1999-*~01..03 09:30:00"},
		{"*-*~28,23", "error"},
		{"*:*:59.9999999", "error"},
		{"*:*:1.5/0.25", "*-*-* *:*:01.500000/0.250000"},
		{"@0 UTC", "1970-01-01 00:00:00 UTC"},
		{"@7258118400", "error"},
		{"@+1", "error"},
		{"9:30 Local", "error"},
		{"9:30 ../etc", "error"},
		{"9:30 Europe//Berlin", "error"},
		{"9:30 uTC", "*-*-* 09:30:00 UTC"},
		{"UTC", "error"},
		{" UTC", "error"},
		{"Mon UTC", "Mon *-*-* 00:00:00 UTC"},
		{"Mon,", "Mon *-*-* 00:00:00"},
		{"Mon,,", "error"},
		{",Mon", "error"},
		{strings.Repeat("1,", 239) + "1:0", "*-*-* 01:00:00"},
		{strings.Repeat("1,", 240) + "1:0", "error"},
		{"99999999999:0", "error"},
	}
	for _, tt := range tests {
		if got := result(ParseCalendar(tt.text)); got != tt.want {
			t.Errorf("ParseCalendar(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestCalendarNext(t *testing.T) {
	tests := []struct{ text, zone, after, want string }{
		{"daily", "UTC", "2024-02-28 00:00:00", "2024-02-29 00:00:00 +0000"},
		{"daily", "UTC", "2024-02-28 23:59:59", "2024-02-29 00:00:00 +0000"},
		{"Sun *-02-29", "UTC", "2024-03-01 00:00:00", "2032-02-29 00:00:00 +0000"},
		{"*-02-30", "UTC", "2024-03-01 00:00:00", "never"},
		{"2023-*-*", "UTC", "2024-03-01 00:00:00", "never"},
		{"*-*~1", "UTC", "2024-02-10 00:00:00", "2024-02-29 00:00:00 +0000"},
		{"*-*~3..1/1 0:0", "UTC", "2024-02-10 00:00:00", "error"},
		{"*-*~1..3", "UTC", "2024-02-28 00:00:00", "2024-02-29 00:00:00 +0000"},
		{"*-4/5-1", "UTC", "2024-09-02 00:00:00", "2025-04-01 00:00:00 +0000"},
		// The clock goes from 02:00 to 03:00 on 31 March, and back on 27 October.
		{"02:30", "Europe/Berlin", "2024-03-30 12:00:00", "2024-04-01 02:30:00 +0200"},
		{"*:30", "Europe/Berlin", "2024-03-31 01:30:00", "2024-03-31 03:30:00 +0200"},
		{"02:30", "Europe/Berlin", "2024-10-26 12:00:00", "2024-10-27 02:30:00 +0200"},
		{"*:0/30", "Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 03:00:00 +0100"},
		{"02:30 UTC", "Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 03:30:00 +0100"},
		// In Ireland, it is winter time that counts as the odd one.
		{"hourly", "Europe/Dublin", "2021-03-28 00:00:00", "2021-03-28 02:00:00 +0100"},
		// The island went to the other side of the date line and had no 30 December.
		{"12:00", "Pacific/Apia", "2011-12-29 12:00:00", "2011-12-31 12:00:00 +1400"},
	}
	for _, tt := range tests {
		zone := zoneOf(t, tt.zone)
		after, err := time.ParseInLocation("2006-01-02 15:04:05", tt.after, zone)
		if err != nil {
			t.Fatal(err)
		}
		got := "error"
		if c, err := ParseCalendar(tt.text); err == nil {
			got = "never"
			if next, ok := c.Next(uint64(after.UnixMicro()), zone); ok {
				got = time.UnixMicro(int64(next)).In(zone).Format("2006-01-02 15:04:05 -0700")
			}
		}
		if got != tt.want {
			t.Errorf("%s after %s in %s: %s, want %s", tt.text, tt.after, tt.zone, got, tt.want)
		}
	}
	if _, ok := (Calendar{}).Next(0, time.UTC); ok {
		t.Error("the zero Calendar elapses")
	}
	c, _ := ParseCalendar("daily")
	if _, ok := c.Next(maxReal, time.UTC); ok {
		t.Error("a Calendar elapses after the end of time")
	}
}

func TestCalendarText(t *testing.T) {
	c, err := ParseCalendar("Mon 9:30 UTC")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := c.MarshalText()
	var back Calendar
	if err := back.UnmarshalText(text); err != nil || back.String() != c.String() {
		t.Errorf("%s is read as %q, %v", text, back, err)
	}
	if err := back.UnmarshalText(nil); err != nil || !back.IsZero() || back.String() != "" {
		t.Errorf("nothing is read as %q, %v", back, err)
	}
	if err := back.UnmarshalText([]byte("x")); err == nil {
		t.Error("UnmarshalText takes what is no calendar event")
	}
}

func TestTimestamps(t *testing.T) {
	const now = 1_700_000_000 * uint64(Second) // Tue 2023-11-14 22:13:20 UTC
	berlin := zoneOf(t, "Europe/Berlin")
	tests := []struct{ text, want string }{
		{"now", "Tue 2023-11-14 23:13:20 CET"},
		{"today", "Tue 2023-11-14 00:00:00 CET"},
		{"yesterday", "Mon 2023-11-13 00:00:00 CET"},
		{"tomorrow", "Wed 2023-11-15 00:00:00 CET"},
		{"tomorrow UTC", "Wed 2023-11-15 01:00:00 CET"},
		{"+5min", "Tue 2023-11-14 23:18:20 CET"},
		{"-1d", "Mon 2023-11-13 23:13:20 CET"},
		{"1d ago", "Mon 2023-11-13 23:13:20 CET"},
		{"5min left", "Tue 2023-11-14 23:18:20 CET"},
		{"12:00", "Tue 2023-11-14 12:00:00 CET"},
		{"Tue 12:00:30.5", "Tue 2023-11-14 12:00:30 CET"},
		{"Wed 12:00", "error"},
		{"2023-07-01 12:00 CEST", "Sat 2023-07-01 12:00:00 CEST"},
		{"2023-07-01 12:00 Asia/Tokyo", "error"},
		{"2016-03-27 02:30", "Sun 2016-03-27 03:30:00 CEST"},
		{"@1.5", "Thu 1970-01-01 01:00:01 CET"},
		{"1000years ago", "error"},
		{"+9999y", "error"},
		{"now UTC", "error"},
		{"+", "error"},
		{"12:00.5", "error"},
		{"12:00:00.", "error"},
	}
	for _, tt := range tests {
		got, err := ParseTimestamp(tt.text, now, berlin)
		text := FormatTimestamp(got, berlin)
		if err != nil {
			text = "error"
		}
		if text != tt.want {
			t.Errorf("ParseTimestamp(%q) = %s, %v; want %s", tt.text, text, err, tt.want)
		}
	}
	for text, want := range map[string]string{
		"2012-09-22 16:34:22 Asia/Tokyo": "Sat 2012-09-22 07:34:22 UTC",
		"2012-09-22 16:34:22 CET":        "Sat 2012-09-22 15:34:22 UTC",
		"2012-09-22 16:34:22":            "Sat 2012-09-22 14:34:22 UTC",
		"2012-09-22 16:34:22 utc":        "Sat 2012-09-22 16:34:22 UTC",
	} {
		got, err := ParseTimestampZoned(text, now, berlin)
		if err != nil || FormatTimestamp(got, time.UTC) != want {
			t.Errorf("ParseTimestampZoned(%q) = %s, %v", text, FormatTimestamp(got, time.UTC), err)
		}
	}
}

func FuzzCalendar(f *testing.F) {
	for _, s := range []string{
		"Mon..Fri *-*-* 9..17:0/30", "*-2~1..3/2 *:*:0.5/7.25 UTC", "@1700000000", "daily CET",
		"2020..2030/2-06-15 12:00 Australia/Lord_Howe", "*-4/5-1", "12-10-15 1:2:3",
	} {
		f.Add(s, uint64(1_700_000_000_000_000))
	}
	zone := zoneOf(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, s string, after uint64) {
		c, err := ParseCalendar(s)
		if err != nil {
			return
		}
		again, err := ParseCalendar(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%q is %q, which is %q, %v", s, c, again, err)
		}
		next, ok := c.Next(after, zone)
		if ok && next <= after {
			t.Errorf("%q after %d: %d", s, after, next)
		}
		if same, _ := again.Next(after, zone); same != next {
			t.Errorf("%q after %d: %d, but %q: %d", s, after, next, again, same)
		}
		if ok && after < next-1 {
			if before, _ := c.Next(next-1, zone); before > next {
				t.Errorf("%q: %d after %d, but %d just before it", s, next, after, before)
			}
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{
		"2012-09-22 16:34:22 UTC", "Sat 12-09-22 16:34", "today", "+5min", "2h ago", "@5", "16:34:22.5",
	} {
		f.Add(s)
	}
	zone := zoneOf(f, "America/New_York")
	f.Fuzz(func(t *testing.T, s string) {
		const now = 1_700_000_000 * uint64(Second)
		v, err := ParseTimestampZoned(s, now, zone)
		if err != nil || v > maxReal {
			return
		}
		text := FormatTimestamp(v, time.UTC)
		back, err := ParseTimestamp(text, now, zone)
		if err != nil || back != v-v%uint64(Second) {
			t.Errorf("%q is %d: %s, which is %d, %v", s, v, text, back, err)
		}
	})
}

func BenchmarkCalendarNext(b *testing.B) {
	zone := zoneOf(b, "Europe/Berlin")
	c, _ := ParseCalendar("Mon *-02-29 04:30")
	for b.Loop() {
		c.Next(1_700_000_000_000_000, zone)
	}
}
