package value

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"rouse/internal/tidy/tables"
)

func TestSpanTable(t *testing.T) {
	for _, row := range tables.Read(t, "timespan.tsv") {
		input, ok, usec, human := row[0], row[1] == "1", row[2], row[3]
		got, err := ParseSpan(input)
		if (err == nil) != ok {
			t.Errorf("ParseSpan(%q) = %d, %v; want ok %v", input, got, err, ok)
			continue
		}
		if !ok {
			continue
		}
		want := Infinity
		if usec != "infinity" {
			want = Span(number(t, usec))
		}
		if got != want || got.String() != human {
			t.Errorf("ParseSpan(%q) = %d, %s; want %d, %s", input, got, got, want, human)
		}
	}
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("table: %v", err)
	}
	return v
}

func TestExitStatusTable(t *testing.T) {
	for _, row := range tables.Read(t, "exit-status.tsv") {
		name, status, class := row[0], uint8(number(t, row[1])), row[2]
		if got, err := ParseExitStatus(name); err != nil || got != status {
			t.Errorf("ParseExitStatus(%s) = %d, %v; want %d", name, got, err, status)
		}
		if n, c := ExitStatus(status); n != name || c != class {
			t.Errorf("ExitStatus(%d) = %s, %s; want %s, %s", status, n, c, name, class)
		}
	}
}

func TestVersionsTable(t *testing.T) {
	signs := map[int]string{-1: "<", 0: "=", 1: ">"}
	for _, row := range tables.Read(t, "versions.tsv") {
		a, b, want := row[0], row[1], row[2]
		if got := signs[CompareVersions(a, b)]; got != want {
			t.Errorf("%q %s %q, want %s", a, got, b, want)
		}
	}
}

// assignments takes apart what stands for several lines NAME=VALUE, as they are
// in a unit file: after an odd backslash at the end, the next line goes on.
func assignments(lines string) []string {
	var list []string
	open := false
	for line := range strings.SplitSeq(lines, "\n") {
		bare := strings.TrimRight(line, `\`)
		odd := (len(line)-len(bare))%2 == 1
		if odd {
			line = line[:len(line)-1] + " "
		}
		if open {
			list[len(list)-1] += line
		} else {
			list = append(list, line)
		}
		open = odd
	}
	return list
}

// specifier expands the specifiers that the tables use.
func specifier(name string) func(string) (string, error) {
	prefix, _, _ := strings.Cut(name, ".")
	known := map[byte]string{'%': "%", 'n': name, 'p': prefix, 'i': ""}
	return func(s string) (string, error) {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] != '%' || i+1 == len(s) {
				b.WriteByte(s[i])
				continue
			}
			i++
			text, ok := known[s[i]]
			if !ok {
				return "", errors.New("unknown specifier")
			}
			b.WriteString(text)
		}
		return b.String(), nil
	}
}

func TestExecWordsTable(t *testing.T) {
	for i, row := range tables.Read(t, "exec-words.tsv") {
		lines, load, want := row[0], row[1], row[2]
		name := fmt.Sprintf("cfexec%04d.service", i)
		if strings.Contains(want, "cfexec") {
			name = want[strings.Index(want, "cfexec"):][:len(name)]
		}
		got, fatal := [][]any{}, false
		for _, line := range assignments(lines) {
			if strings.TrimSpace(line) == "" {
				got = [][]any{}
			}
			commands, err := ParseCommands(line, specifier(name))
			for _, c := range commands {
				flags := append([]string{}, c.Flags.FlagNames()...)
				got = append(got, []any{c.Path, c.Argv, flags})
			}
			var fault *CommandError
			fatal = fatal || errors.As(err, &fault) && fault.Fatal
		}
		if fatal || len(got) == 0 {
			if load != "bad-setting" {
				t.Errorf("%q: refused, want %s", lines, load)
			}
			continue
		}
		if text, _ := json.Marshal(got); load != "loaded" || !sameJSON(t, string(text), want) {
			t.Errorf("%q:\n got %s\nwant %s %s", lines, text, load, want)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)); err != nil {
		t.Fatalf("table: %v", err)
	}
	return reflect.DeepEqual(x, y)
}

func TestEnvironmentTable(t *testing.T) {
	for i, row := range tables.Read(t, "environment.tsv") {
		lines, want := row[0], row[1]
		name := fmt.Sprintf("cfenv%04d.service", i)
		if strings.Contains(want, "cfenv") {
			name = want[strings.Index(want, "cfenv"):][:len(name)]
		}
		env := []string{}
		for _, line := range assignments(lines) {
			if strings.TrimSpace(line) == "" {
				env = []string{}
			}
			assign, _ := ParseEnvironment(line, specifier(name))
			env = append([]string{}, MergeEnv(env, assign)...)
		}
		if text, _ := json.Marshal(env); !sameJSON(t, string(text), want) {
			t.Errorf("%q:\n got %s\nwant %s", lines, text, want)
		}
	}
}

func TestEnvFileTable(t *testing.T) {
	for _, row := range tables.Read(t, "envfile.tsv") {
		text, ok, want := row[0], row[1] == "1", row[2]
		assign, err := ParseEnvFile([]byte(text))
		if (err == nil) != ok {
			t.Errorf("%q: %v, want ok %v", text, err, ok)
		}
		if err != nil {
			continue
		}
		env := map[string]string{}
		for _, a := range assign {
			name, value, _ := strings.Cut(a, "=")
			env[name] = value
		}
		if got, _ := json.Marshal(env); !sameJSON(t, string(got), want) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestCalendarTable(t *testing.T) {
	checkCalendars(t, tables.Read(t, "calendarspec.tsv"))
}

// checkCalendars checks rows of an expression, 1 or 0, and its normal form.
func checkCalendars(t *testing.T, rows [][]string) {
	t.Helper()
	for _, row := range rows {
		input, ok, want := row[0], row[1] == "1", row[2]
		c, err := ParseCalendar(input)
		if (err == nil) != ok || ok && c.String() != want {
			t.Errorf("ParseCalendar(%q) = %q, %v; want %q, %v", input, c, err, want, ok)
		}
	}
}

func TestCalendarNextTable(t *testing.T) {
	checkCalendarNext(t, tables.Read(t, "calendar-next.tsv"))
}

// checkCalendarNext checks rows of an expression, a zone, a moment and those at
// which the expression elapses after it.
func checkCalendarNext(t *testing.T, rows [][]string) {
	t.Helper()
	for _, row := range rows {
		input, after, want := row[0], number(t, row[2]), row[3]
		zone := zoneOf(t, row[1])
		c, err := ParseCalendar(input)
		if err != nil {
			t.Errorf("ParseCalendar(%q): %v", input, err)
			continue
		}
		for _, word := range strings.Fields(want) {
			next, ok := c.Next(after, zone)
			got := "never"
			if ok {
				got = strconv.FormatUint(next, 10)
			}
			if got != word {
				t.Errorf("%q after %d in %s: %s, want %s", input, after, zone, got, word)
				break
			}
			after = next
		}
	}
}

func TestTimestampTable(t *testing.T) {
	checkTimestamps(t, tables.Read(t, "timestamp.tsv"), ParseTimestamp)
}

// checkTimestamps checks rows of a time stamp, a zone, 1 or 0, and the moment.
func checkTimestamps(t *testing.T, rows [][]string,
	parse func(string, uint64, *time.Location) (uint64, error)) {
	t.Helper()
	const now = 1_700_000_000 * uint64(Second)
	for _, row := range rows {
		input, ok, usec := row[0], row[2] == "1", row[3]
		zone := zoneOf(t, row[1])
		got, err := parse(input, now, zone)
		if (err == nil) != ok || ok && strconv.FormatUint(got, 10) != usec {
			t.Errorf("time stamp %q in %s: %d, %v; want %s, %v", input, zone, got, err, usec, ok)
		}
	}
}
