package manager

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rouse/internal/face"
	"rouse/internal/host/ability"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
)

// TestPropertyAlone: a property asked for alone is what it is among all.
func TestPropertyAlone(t *testing.T) {
	f := begin(t, map[string]string{
		"a.service": "[Service]\nExecStart=SELF wait\n",
		"b.slice":   "[Slice]\n",
		"c.target":  "[Unit]\nDescription=C\n",
	})
	f.want("start", "a.service", "done")
	for _, unit := range []string{"a.service", "b.slice", "c.target", "none.mount"} {
		all, err := f.Properties(f.context(), unit)
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, len(all))
		for i, p := range all {
			names[i] = p.Name
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s: not sorted, or twice: %v", unit, names)
		}
		again, err := f.UnitProperties(f.context(), unit, names)
		if err != nil || !reflect.DeepEqual(all, again) {
			t.Errorf("%s: one by one it has %d properties, %v, not %d", unit, len(again), err, len(all))
		}
	}
	some, err := f.UnitProperties(f.context(), "c.target", []string{"Id", "Nope", "MemoryCurrent"})
	if err != nil || len(some) != 1 || some[0].Value != "c.target" {
		t.Errorf("of a target: %v, %v", some, err)
	}
	if _, err := f.UnitProperties(f.context(), "not a name", []string{"Id"}); err == nil {
		t.Error("what has no name has properties")
	}
}

func (f *fixture) own(name string) any {
	f.t.Helper()
	list, err := f.ManagerProperties(f.context(), []string{name})
	if err != nil || len(list) != 1 {
		f.t.Fatalf("%s: %v, %v", name, list, err)
	}
	return list[0].Value
}

func (f *fixture) set(name, kind string, v any) error {
	return f.SetManagerProperty(f.context(), face.Property{Name: name, Type: kind, Value: v})
}

func TestManagerProperties(t *testing.T) {
	f := begin(t, map[string]string{"a.service": "[Service]\nType=oneshot\nExecStart=SELF exit 1\n"})
	all, err := f.ManagerProperties(f.context(), nil)
	if err != nil || len(all) < 110 {
		t.Fatalf("%d properties, %v", len(all), err)
	}
	for _, p := range all {
		if p.Value == nil {
			t.Errorf("%s has no value", p.Name)
		}
	}
	for name, want := range map[string]any{
		"SystemState": "running", "Progress": 1.0, "NFailedUnits": uint32(0),
		"DefaultTimeoutStopUSec": uint64(90e6), "DefaultLimitNOFILESoft": uint64(1024),
		"RebootWatchdogUSec": uint64(600e6), "ShowStatus": true, "LogLevel": "info",
	} {
		if got := f.own(name); got != want && name != "DefaultLimitNOFILESoft" {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	f.job("start", "a.service")
	if f.own("SystemState") != "degraded" || f.own("NFailedUnits") != uint32(1) {
		t.Errorf("after a failure: %v, %v", f.own("SystemState"), f.own("NFailedUnits"))
	}
	if n := f.own("NNames").(uint32); n < 2 {
		t.Errorf("%d names", n)
	}
}

func TestSetManagerProperty(t *testing.T) {
	f := begin(t, nil)
	first := f.own("LogTarget")
	for _, c := range []struct {
		name, kind string
		v          any
		err        string
		want       any
	}{
		{"LogLevel", "s", "err", "", "err"},
		{"LogLevel", "s", "loud", "Invalid log level 'loud'", "err"},
		{"LogLevel", "s", "", "", "info"},
		{"LogLevel", "u", uint32(1), "Incorrect parameters for property 'LogLevel', " +
			"expected 's', got 'u'.", "info"},
		{"LogTarget", "s", "null", "", "null"},
		{"LogTarget", "s", "nowhere", "Invalid log target 'nowhere'", "null"},
		{"LogTarget", "s", "", "", first},
		{"ServiceWatchdogs", "b", false, "", false},
		{"RuntimeWatchdogUSec", "t", uint64(5), "", uint64(5)},
		{"KExecWatchdogUSec", "t", uint64(7), "", uint64(7)},
		{"RuntimeWatchdogPreGovernor", "s", "panic", "", "panic"},
		{"Version", "s", "1", "Property 'Version' is not writable.", f.own("Version")},
	} {
		err := f.set(c.name, c.kind, c.v)
		if c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("%s=%v: %v, want %q", c.name, c.v, err, c.err)
		}
		if got := f.own(c.name); got != c.want {
			t.Errorf("%s=%v: now it is %v, want %v", c.name, c.v, got, c.want)
		}
	}
}

// TestLogLevelCounts: lines above the level are not written, whoever sets it.
func TestLogLevelCounts(t *testing.T) {
	f := begin(t, nil)
	f.Logf(6, "first line")
	if err := f.set("LogLevel", "s", "err"); err != nil {
		t.Fatal(err)
	}
	f.Logf(4, "second line")
	f.Logf(3, "third line")
	if err := f.set("LogTarget", "s", "null"); err != nil {
		t.Fatal(err)
	}
	f.Logf(3, "fourth line")
	text := f.log.String()
	for line, want := range map[string]bool{
		"first line": true, "second line": false, "third line": true, "fourth line": false,
	} {
		if strings.Contains(text, line) != want {
			t.Errorf("%s: written is %v", line, !want)
		}
	}
}

func TestEnvironmentBlock(t *testing.T) {
	f := begin(t, nil)
	base := len(f.own("Environment").([]string))
	change := func(unset, set []string, wantErr string, want ...string) {
		t.Helper()
		err := f.SetEnvironment(f.context(), unset, set)
		if wantErr == "" && err != nil || wantErr != "" && (err == nil || err.Error() != wantErr) {
			t.Errorf("unset %q, set %q: %v, want %q", unset, set, err, wantErr)
		}
		if got := f.own("Environment").([]string)[base:]; !slices.Equal(got, want) {
			t.Errorf("unset %q, set %q: %q, want %q", unset, set, got, want)
		}
	}
	change(nil, []string{"ZED=1", "ABC=a b"}, "", "ABC=a b", "ZED=1")
	change([]string{"ZED=2", "ABC"}, []string{"M="}, "", "M=", "ZED=1")
	change([]string{"ZED=1"}, nil, "", "M=")
	change([]string{"B-AD"}, nil, "Invalid environment variable names or assignments", "M=")
	change(nil, []string{"1BAD=x"}, "Invalid environment assignments", "M=")
	change([]string{"M"}, []string{"=x"}, "Invalid environment assignments", "M=")
	change([]string{"M"}, []string{"M=2"}, "", "M=2")
}

func TestShowStatusAndExitCode(t *testing.T) {
	f := begin(t, nil)
	for mode, want := range map[string]bool{
		"yes": true, "no": false, "error": false, "auto": false, "1": true, "": true,
	} {
		if err := f.SetShowStatus(f.context(), mode); err != nil || f.own("ShowStatus") != want {
			t.Errorf("%q: %v, %v", mode, err, f.own("ShowStatus"))
		}
	}
	var bad *face.Error
	if err := f.SetShowStatus(f.context(), "foo"); !errors.As(err, &bad) ||
		bad.Message != "Invalid show status 'foo'" {
		t.Errorf("foo: %v", err)
	}
	if err := f.SetExitCode(f.context(), 7); err != nil || f.own("ExitCode") != uint8(7) {
		t.Errorf("exit code: %v, %v", err, f.own("ExitCode"))
	}
	if end, err := f.end(); err != nil || end.Status != 7 {
		t.Errorf("ended with %+v, %v", end, err)
	}
}

func TestDump(t *testing.T) {
	f := begin(t, map[string]string{
		"a.service": "[Service]\nExecStart=SELF wait\nTimeoutStopSec=7s\n",
		"b.service": "[Service]\nExecStart=SELF wait\n",
	})
	f.want("start", "a.service", "done")
	f.want("start", "b.service", "done")
	all, err := f.Dump(f.context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Manager: rouse ", "-> Unit a.service:\n", "-> Unit b.service:\n", "\tTimeoutStopUSec: 7s\n",
		"\tActiveState: active\n", "\tUMask: 0022\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the dump lacks %q", want)
		}
	}
	one, err := f.Dump(f.context(), []string{"a*"})
	if err != nil || !strings.HasPrefix(one, "-> Unit a.service:\n") ||
		strings.Contains(one, "b.service:\n") {
		t.Errorf("of a*: %v\n%s", err, one)
	}
}

// Where filters of system calls are refused, a strict unit fails for it, and the other
// one runs without; both say so.
func TestEnforce(t *testing.T) {
	const text = "[Service]\nType=exec\nExecStart=SELF wait\nSystemCallFilter=~@reboot\nUMask=0077\n"
	f := begin(t, map[string]string{
		"strict.service": text + "X-Enforce=strict\n",
		"loose.service":  text + "X-Enforce=best-effort\n",
	})
	refuse := func() {
		f.judge.Place = ability.New(ability.Config{
			Try: func(spawn.Trial) error { return sys.EPERM },
		})
	}
	if err := f.call(f.context(), refuse); err != nil {
		t.Fatal(err)
	}
	f.want("start", "loose.service", "done")
	f.want("start", "strict.service", "failed")
	if status := f.property("strict.service", "ExecMainStatus"); status != int32(228) {
		t.Errorf("status %v", status)
	}
	for unit, mode := range map[string]string{
		"strict.service": "strict", "loose.service": "best-effort",
	} {
		if got := f.property(unit, "Enforce"); got != mode {
			t.Errorf("%s: %v", unit, got)
		}
		facts := map[any]any{}
		for _, row := range f.property(unit, "Enforcement").([]any) {
			facts[row.([]any)[0]] = row.([]any)[1]
		}
		want := map[any]any{"UMask": "applied", "SystemCallFilter": "not applied"}
		if !reflect.DeepEqual(facts, want) {
			t.Errorf("%s: %v", unit, facts)
		}
	}
}
