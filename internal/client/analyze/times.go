package analyze

import (
	"strconv"
	"time"

	"rouse/internal/client/tool"
	"rouse/internal/unit/value"
)

func timespan(a *session) (int, error) {
	for i, arg := range a.args {
		s, err := value.ParseSpan(arg)
		if err != nil {
			return 1, tool.Complain("Failed to parse time span '%s': Invalid argument", arg)
		}
		a.Print("Original: %s\n      μs: %d\n   Human: %s\n", arg, uint64(s), s)
		a.part(i)
	}
	return 0, nil
}

// part parts what is said of an argument from that of the next one.
func (a *session) part(i int) {
	if i < len(a.args)-1 {
		a.Print("\n")
	}
}

// now is the time of the wall clock in microseconds.
func (a *session) now() uint64 { return uint64(a.Now().UnixMicro()) }

func (a *session) isUTC() bool {
	_, offset := time.Unix(0, 0).In(a.Local).Zone()
	name, _ := a.Now().In(a.Local).Zone()
	return offset == 0 && name == "UTC"
}

func timestamp(a *session) (int, error) {
	for i, arg := range a.args {
		at, err := value.ParseTimestamp(arg, a.now(), a.Local)
		if err != nil {
			return 1, tool.Complain("Failed to parse \"%s\": Invalid argument", arg)
		}
		a.Print("  Original form: %s\n", arg)
		if at == 0 {
			a.Print("Normalized form: -\n")
		} else {
			a.Print("Normalized form: %s\n", value.FormatTimestamp(at, a.Local))
		}
		if !a.isUTC() && at != 0 {
			a.Print("       (in UTC): %s\n", orDash(value.FormatTimestamp(at, time.UTC)))
		}
		frac := ""
		if us := at % 1e6; us != 0 {
			frac = "." + strconv.FormatUint(us+1e6, 10)[1:]
		}
		a.Print("   UNIX seconds: @%d%s\n", at/1e6, frac)
		a.Print("       From now: %s\n", orDash(tool.Relative(a.now(), at)))
		a.part(i)
	}
	return 0, nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func calendar(a *session) (int, error) {
	n := 1
	if a.Has("iterations") {
		v, err := value.ParseUint(a.Value("iterations"), 31)
		if err != nil {
			return 1, tool.Complain("Failed to parse iterations: %s", a.Value("iterations"))
		}
		n = int(v)
	}
	from := a.now()
	if a.Has("base-time") {
		at, err := value.ParseTimestamp(a.Value("base-time"), a.now(), a.Local)
		if err != nil {
			return 1, tool.Complain("Failed to parse --base-time= parameter: %s", a.Value("base-time"))
		}
		from = at
	}
	for i, arg := range a.args {
		c, err := value.ParseCalendar(arg)
		if err != nil {
			return 1, tool.Complain(
				"Failed to parse calendar specification '%s': Invalid argument", arg)
		}
		if c.String() != arg {
			a.Print("  Original form: %s\n", arg)
		}
		a.Print("Normalized form: %s\n", c)
		a.elapses(c, from, n)
		a.part(i)
	}
	return 0, nil
}

// elapses prints when a calendar event comes next.
func (a *session) elapses(c value.Calendar, after uint64, n int) {
	for i := range n {
		next, ok := c.Next(after, a.Local)
		if !ok {
			if i == 0 {
				a.Print("    Next elapse: never\n")
			}
			return
		}
		if i == 0 {
			a.Print("    Next elapse: %s\n", value.FormatTimestamp(next, a.Local))
		} else {
			a.Print("       Iter. #%d: %s\n", i+1, value.FormatTimestamp(next, a.Local))
		}
		if !a.isUTC() {
			a.Print("       (in UTC): %s\n", value.FormatTimestamp(next, time.UTC))
		}
		a.Print("       From now: %s\n", tool.Relative(a.now(), next))
		after = next
	}
}
