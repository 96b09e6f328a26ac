package value

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// result stands for what a parser gives: the value as text, or "error".
func result[T any](v T, err error) string {
	if err != nil {
		return "error"
	}
	return fmt.Sprint(v)
}

func TestNumbers(t *testing.T) {
	tests := []struct{ what, got, want string }{
		{"yes", result(ParseBool("YES")), "true"},
		{"off", result(ParseBool("oFf")), "false"},
		{"t", result(ParseBool("t")), "true"},
		{"no boolean", result(ParseBool("2")), "error"},
		{"empty boolean", result(ParseBool("")), "error"},
		{"uint", result(ParseUint("10", 8)), "10"},
		{"uint hex", result(ParseUint("0x10", 8)), "16"},
		{"uint octal", result(ParseUint("010", 8)), "8"},
		{"uint 0o", result(ParseUint("0o10", 8)), "8"},
		{"uint binary", result(ParseUint("0b10", 8)), "2"},
		{"uint blank", result(ParseUint(" 10", 8)), "10"},
		{"uint blank after", result(ParseUint("10 ", 8)), "error"},
		{"uint plus", result(ParseUint("+10", 8)), "10"},
		{"uint minus", result(ParseUint("-1", 64)), "error"},
		{"uint minus zero", result(ParseUint("-0", 64)), "0"},
		{"uint large", result(ParseUint("256", 8)), "error"},
		{"uint largest", result(ParseUint("18446744073709551615", 64)), "18446744073709551615"},
		{"uint bad octal", result(ParseUint("08", 8)), "error"},
		{"uint underscore", result(ParseUint("1_0", 8)), "error"},
		{"uint prefix", result(ParseUint("0x", 8)), "error"},
		{"uint empty", result(ParseUint("", 8)), "error"},
		{"int", result(ParseInt("-128", 8)), "-128"},
		{"int small", result(ParseInt("-129", 8)), "error"},
		{"int large", result(ParseInt("128", 8)), "error"},
		{"int smallest", result(ParseInt("-9223372036854775808", 64)), "-9223372036854775808"},
		{"int hex", result(ParseInt("-0x10", 32)), "-16"},
		{"mode", result(ParseMode("0755")), "0755"},
		{"mode short", result(ParseMode("22")), "0022"},
		{"mode large", result(ParseMode("10000")), "error"},
		{"mode no octal", result(ParseMode("0o22")), "error"},
		{"mode sign", result(ParseMode("+22")), "error"},
		{"percent", result(ParsePercent("50%")), "50"},
		{"percent too many", result(ParsePercent("101%")), "error"},
		{"percent point", result(ParsePercent("1.5%")), "error"},
		{"percent none", result(ParsePercent("50")), "error"},
		{"permille of percent", result(ParsePermille("12.5%")), "125"},
		{"permille", result(ParsePermille("125‰")), "125"},
		{"permille too fine", result(ParsePermille("12.55%")), "error"},
		{"permyriad of percent", result(ParsePermyriad("12.55%")), "1255"},
		{"permyriad of percent, one digit", result(ParsePermyriad("12.5%")), "1250"},
		{"permyriad of permille", result(ParsePermyriad("125.5‰")), "1255"},
		{"permyriad", result(ParsePermyriad("1255‱")), "1255"},
		{"permyriad negative", result(ParsePermyriad("-1%")), "error"},
		{"permyriad over", result(ParsePermyriad("200%")), "error"},
		{"permyriad unbounded", result(ParsePermyriadUnbounded("200%")), "20000"},
		{"permyriad huge", result(ParsePermyriadUnbounded("2147483647%")), "error"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, tt.got, tt.want)
		}
	}
	if _, err := ParseUint("256", 8); !errors.Is(err, ErrRange) {
		t.Errorf("ParseUint(256, 8): %v, want ErrRange", err)
	}
}

func TestSpans(t *testing.T) {
	tests := []struct{ what, got, want string }{
		{"seconds", result(ParseSpan("90")), "1min 30s"},
		{"sum", result(ParseSpan("2min 200ms")), "2min 200ms"},
		{"other unit", result(ParseSpanUnit("5", Millisecond)), "5ms"},
		{"unit wins", result(ParseSpanUnit("5s", Millisecond)), "5s"},
		{"infinity", result(ParseSpan(" infinity ")), "infinity"},
		{"nothing", result(ParseSpan(" ")), "error"},
		{"negative", result(ParseSpan("-1")), "error"},
		{"unknown unit", result(ParseSpan("5 parsecs")), "error"},
		{"too long", result(ParseSpan("600000y")), "error"},
		{"nanoseconds", result(ParseNanoseconds("1us 5")), "1005"},
		{"nanoseconds with unit", result(ParseNanoseconds("7ns 2nsec")), "9"},
		{"nanoseconds infinity", result(ParseNanoseconds("infinity")), "18446744073709551615"},
		{"format seconds", (Second + 5*Millisecond).Format(Second), "1s"},
		{"format short", (5 * Millisecond).Format(Second), "5ms"},
		{"format tenths", (1550 * Millisecond).Format(100 * Millisecond), "1.5s"},
		{"format none", Span(0).Format(0), "0"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, tt.got, tt.want)
		}
	}
}

func TestSizes(t *testing.T) {
	tests := []struct{ what, got, want string }{
		{"bytes", result(ParseSize("1000")), "1000"},
		{"kilo", result(ParseSize("1K")), "1K"},
		{"B", result(ParseSize("12B")), "12"},
		{"fraction", result(ParseSize("1.5G")), "1536M"},
		{"sum", result(ParseSize("1G 512M")), "1536M"},
		{"sum going up", result(ParseSize("512M 1G")), "error"},
		{"infinity", result(ParseSize("infinity")), "infinity"},
		{"base 1000", result(ParseSize1000("1M")), "1000000"},
		{"negative", result(ParseSize("-1")), "error"},
		{"small k", result(ParseSize("1k")), "error"},
		{"too large", result(ParseSize("16E")), "error"},
		{"largest", result(ParseSize("15E")), "15E"},
		{"nothing", result(ParseSize("")), "error"},
		{"blank at the end", result(ParseSize("1K ")), "error"},
		{"zero", result(ParseSize("0")), "0"},
		{"format", Size(1536 << 20).Format(), "1.5G"},
		{"format whole", Size(5 << 20).Format(), "5.0M"},
		{"format bytes", Size(1023).Format(), "1023B"},
		{"format infinity", SizeInfinity.Format(), "infinity"},
		{"format large", (SizeInfinity - 1).Format(), "15.9E"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.what, tt.got, tt.want)
		}
	}
}

func TestSignals(t *testing.T) {
	tests := []struct {
		text string
		want Signal // 0 is an error
	}{
		{"SIGTERM", 15}, {"TERM", 15}, {"15", 15}, {"SIGHUP", 1}, {"SIGSYS", 31},
		{"RTMIN", 34}, {"SIGRTMIN+3", 37}, {"RTMIN+30", 64}, {"RTMIN+31", 0}, {"RTMIN-1", 0},
		{"SIGRTMAX", 64}, {"RTMAX-2", 62}, {"RTMAX+1", 0}, {"RTMAX-31", 0}, {"RTMIN+x", 0},
		{"64", 64}, {"65", 0}, {"0", 0}, {"-1", 0}, {"term", 0}, {"SIG", 0}, {"", 0}, {"32", 32},
	}
	for _, tt := range tests {
		got, err := ParseSignal(tt.text)
		if got != tt.want || (err == nil) != (tt.want != 0) {
			t.Errorf("ParseSignal(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
	for s := Signal(1); s.Valid(); s++ {
		if got, err := ParseSignal(s.String()); err != nil || got != s {
			t.Errorf("ParseSignal(%s) = %d, %v; want %d", s, got, err, s)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		limit Limit
		text  string
		want  string
	}{
		{LimitNOFILE, "1024", "1024:1024"},
		{LimitNOFILE, "1024:4096", "1024:4096"},
		{LimitNOFILE, "infinity", "infinity:infinity"},
		{LimitNOFILE, "1024:infinity", "1024:infinity"},
		{LimitNOFILE, "4096:1024", "error"},
		{LimitNOFILE, "1K", "error"},
		{LimitNOFILE, "1:", "error"},
		{LimitNOFILE, "", "error"},
		{LimitSTACK, "8M", "8388608:8388608"},
		{LimitCPU, "1min", "60:60"},
		{LimitCPU, "1500ms", "2:2"},
		{LimitRTTIME, "5", "5:5"},
		{LimitRTTIME, "5s", "5000000:5000000"},
		{LimitNICE, "-5", "25:25"},
		{LimitNICE, "+5", "15:15"},
		{LimitNICE, "40", "40:40"},
		{LimitNICE, "41", "error"},
		{LimitNICE, "+20", "error"},
		{LimitNICE, "-21", "error"},
		{LimitNICE, "infinity", "error"},
	}
	for _, tt := range tests {
		soft, hard, err := ParseRlimit(tt.limit, tt.text)
		got := FormatRlimit(soft) + ":" + FormatRlimit(hard)
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("Limit%s=%s: %s, %v; want %s", tt.limit, tt.text, got, err, tt.want)
		}
	}
	for l := range Limits {
		if got, ok := ParseLimit(l.String()); !ok || got != l {
			t.Errorf("ParseLimit(%s) = %d, %v", l, got, ok)
		}
	}
}

func TestExitSet(t *testing.T) {
	var set ExitSet
	if !set.IsEmpty() {
		t.Error("the zero set is not empty")
	}
	var wrong []string
	for _, word := range strings.Fields("TEMPFAIL 250 SIGKILL 3 KILL 3 USR1 256 -1 NOTFOUND 9") {
		if err := set.Add(word); err != nil {
			wrong = append(wrong, word)
		}
	}
	if want := []string{"256", "-1", "NOTFOUND"}; !slices.Equal(wrong, want) {
		t.Errorf("refused %q, want %q", wrong, want)
	}
	if got, want := set.String(), "3 9 75 250 SIGKILL SIGUSR1"; got != want {
		t.Errorf("set is %s, want %s", got, want)
	}
	if !set.HasStatus(75) || set.HasStatus(0) || !set.HasSignal(SIGKILL) || set.HasSignal(SIGTERM) {
		t.Errorf("set %s has other members than it says", set)
	}
	for status := range 256 {
		name, class := ExitStatus(uint8(status))
		if name == "" {
			continue
		}
		if got, err := ParseExitStatus(name); err != nil || int(got) != status || class == "" {
			t.Errorf("ParseExitStatus(%s) = %d, %v, class %q", name, got, err, class)
		}
	}
}

func TestCPUSets(t *testing.T) {
	tests := []struct{ text, want string }{
		{"0", "0"}, {"0-3,5 7", "0-3 5 7"}, {"3,2 1 0", "0-3"}, {"1 1", "1"}, {"", ""},
		{`"1" '2'`, "1-2"}, {"3-1", "error"}, {"1-", "error"}, {"x", "error"}, {"8192", "error"},
		{"0-99999999999", "error"},
	}
	for _, tt := range tests {
		if got := result(ParseCPUSet(tt.text)); got != tt.want {
			t.Errorf("ParseCPUSet(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
	a, b := CPUSet{0, 2}, CPUSet{1, 2}
	if got := a.Merge(b).String(); got != "0-2" || a.String() != "0 2" || !b.Has(1) || b.Has(0) {
		t.Errorf("%s and %s make %s", a, b, got)
	}
}

func TestVersions(t *testing.T) {
	// Each is older than the next.
	order := []string{
		"~", "", "a", "ab", "1~rc1", "1", "1-1", "1-2", "1^p", "1.0", "1.1", "1a", "2", "10",
	}
	for i, a := range order {
		for j, b := range order {
			got, want := CompareVersions(a, b), 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got != want {
				t.Errorf("CompareVersions(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
	if CompareVersions("1_0+", "+1é00") != 0 {
		t.Error("versions that differ only in characters without meaning are not equal")
	}
}

func FuzzNumbers(f *testing.F) {
	for _, s := range []string{
		"1", "-0x1f", "0b1", "1.5G", "12.5%", "RTMIN+3", "1:2", "0-3,5", "1~rc",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseInt(s, 64); err == nil {
			if back, err := ParseInt(fmt.Sprint(v), 64); err != nil || back != v {
				t.Errorf("%q is %d, which is %d, %v", s, v, back, err)
			}
		}
		if v, err := ParseSize(s); err == nil {
			if back, err := ParseSize(v.String()); err != nil || back != v {
				t.Errorf("%q is %s, which is %d, %v; want %d", s, v, back, err, v)
			}
		}
		if v, err := ParseSpan(s); err == nil {
			if back, err := ParseSpan(v.String()); err != nil || back != v {
				t.Errorf("%q is %s, which is %d, %v; want %d", s, v, back, err, v)
			}
		}
		if v, err := ParseMode(s); err == nil {
			if back, err := ParseMode(v.String()); err != nil || back != v {
				t.Errorf("%q is %s, which is %d, %v", s, v, back, err)
			}
		}
		if v, err := ParseSignal(s); err == nil {
			if back, err := ParseSignal(v.String()); err != nil || back != v {
				t.Errorf("%q is %s, which is %d, %v", s, v, back, err)
			}
		}
		if v, err := ParseCPUSet(s); err == nil {
			if back, err := ParseCPUSet(v.String()); err != nil || !slices.Equal(back, v) {
				t.Errorf("%q is %s, which is %v, %v", s, v, back, err)
			}
		}
		if v, err := ParsePermyriad(s); err == nil && (v < 0 || v > 10000) {
			t.Errorf("%q is %d permyriad", s, v)
		}
		for l := range Limits {
			if soft, hard, err := ParseRlimit(l, s); err == nil && soft > hard {
				t.Errorf("Limit%s=%q is %d:%d", l, s, soft, hard)
			}
		}
		a, b, _ := strings.Cut(s, ":")
		if CompareVersions(a, b) != -CompareVersions(b, a) || CompareVersions(s, s) != 0 {
			t.Errorf("the order of versions %q and %q is not one", a, b)
		}
	})
}
