package value

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rouse/internal/tidy/tables"
)

// The tables in testdata say what the routines of systemd make of random text.

// numberKinds gives for each kind of the table of numbers what prints its value.
var numberKinds = map[string]func(string) string{
	"u8":          func(s string) string { return result(ParseUint(s, 8)) },
	"u16":         func(s string) string { return result(ParseUint(s, 16)) },
	"u32":         func(s string) string { return result(ParseUint(s, 32)) },
	"u64":         func(s string) string { return result(ParseUint(s, 64)) },
	"i32":         func(s string) string { return result(ParseInt(s, 32)) },
	"i64":         func(s string) string { return result(ParseInt(s, 64)) },
	"mode":        func(s string) string { return plain(ParseMode(s)) },
	"size1024":    func(s string) string { return plain(ParseSize(s)) },
	"size1000":    func(s string) string { return plain(ParseSize1000(s)) },
	"time1":       func(s string) string { return plain(ParseSpanUnit(s, Microsecond)) },
	"time1000000": func(s string) string { return plain(ParseSpan(s)) },
	"permyriad":   func(s string) string { return result(ParsePermyriad(s)) },
	"signal":      func(s string) string { return plain(ParseSignal(s)) },
	"fmtbytes": func(s string) string {
		v, _ := ParseUint(s, 64)
		return Size(v).Format()
	},
	"fmtspan": func(s string) string {
		span, accuracy, _ := strings.Cut(s, " ")
		v, _ := ParseUint(span, 64)
		a, _ := ParseUint(accuracy, 64)
		return Span(v).Format(Span(a))
	},
	"cpus": func(s string) string {
		set, err := ParseCPUSet(s)
		if err != nil {
			return "error"
		}
		return strings.Trim(fmt.Sprint([]uint(set)), "[]")
	},
}

// plain is result without the String method of v.
func plain[T ~uint32 | ~uint64 | ~int](v T, err error) string {
	return result(fmt.Sprintf("%d", v), err)
}

func TestNumberFacts(t *testing.T) {
	for _, row := range tables.ReadFile(t, "testdata/numbers.tsv") {
		kind, input, ok, want := row[0], row[1], row[2] == "1", row[3]
		if !ok {
			want = "error"
		}
		got := ""
		if word, isLimit := strings.CutPrefix(kind, "rlimit"); isLimit {
			limit, _ := ParseLimit(word)
			soft, hard, err := ParseRlimit(limit, input)
			got = result(fmt.Sprintf("%d:%d", soft, hard), err)
		} else {
			got = numberKinds[kind](input)
		}
		if got != want {
			t.Errorf("%s %q: %s, want %s", kind, input, got, want)
		}
	}
}

var wordFlags = map[string]WordFlags{
	"Unquote": Unquote, "KeepQuotes": KeepQuotes, "CUnescape": CUnescape, "Relax": Relax,
	"RelaxEscape": RelaxEscape, "RetainEscape": RetainEscape, "KeepEmpty": KeepEmpty,
	"SeparatorEscape": SeparatorEscape,
}

// fromJSON reads a field of a table.
func fromJSON[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("table: %v", err)
	}
	return v
}

func TestWordFacts(t *testing.T) {
	for _, row := range tables.ReadFile(t, "testdata/words.tsv") {
		text, separators, ok, want := row[0], row[1], row[3] == "1", fromJSON[[]string](t, row[4])
		var flags WordFlags
		for word := range strings.FieldsSeq(row[2]) {
			flags |= wordFlags[word]
		}
		got, err := Split(text, separators, flags)
		if (err == nil) != ok || !slices.Equal(got, want) {
			t.Errorf("Split(%q, %q, %s) = %q, %v; want %q", text, separators, row[2], got, err, want)
		}
	}
}

func TestExpandFacts(t *testing.T) {
	for _, row := range tables.ReadFile(t, "testdata/expand.tsv") {
		argv, want := fromJSON[[]string](t, row[0]), fromJSON[[]string](t, row[2])
		env := fromJSON[map[string]string](t, row[1])
		got := ExpandArgs(argv, func(name string) (string, bool) {
			v, ok := env[name]
			return v, ok
		})
		if !slices.Equal(got, want) {
			t.Errorf("ExpandArgs(%q) with %v = %q, want %q", argv, env, got, want)
		}
	}
}

func TestEnvFileFacts(t *testing.T) {
	for _, row := range tables.ReadFile(t, "testdata/envfile.tsv") {
		text, ok, want := row[0], row[1] == "1", fromJSON[[]string](t, row[2])
		want = slices.DeleteFunc(want, func(a string) bool { return !ValidEnvAssign(a) })
		got, err := ParseEnvFile([]byte(text))
		if (err == nil) != ok || !slices.Equal(got, want) {
			t.Errorf("ParseEnvFile(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestCalendarFacts(t *testing.T) {
	checkCalendars(t, tables.ReadFile(t, "testdata/calendar.tsv"))
	checkCalendarNext(t, tables.ReadFile(t, "testdata/calendar-next.tsv"))
}

func TestTimestampFacts(t *testing.T) {
	checkTimestamps(t, tables.ReadFile(t, "testdata/timestamp.tsv"), ParseTimestampZoned)
}

func TestVersionFacts(t *testing.T) {
	for _, row := range tables.ReadFile(t, "testdata/versions.tsv") {
		if got := fmt.Sprint(CompareVersions(row[0], row[1])); got != row[2] {
			t.Errorf("CompareVersions(%q, %q) = %s, want %s", row[0], row[1], got, row[2])
		}
	}
}
