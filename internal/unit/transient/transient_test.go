package transient

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/unitfile"
	"rouse/internal/unit/value"
)

func defaults() *directive.Defaults {
	d := directive.NewDefaults()
	d.MemoryTotal, d.TasksTotal, d.NUMANodes, d.Architecture = 1<<34, 100000, 1, "x86-64"
	return d
}

func single(s string) (string, error) { return strings.ReplaceAll(s, "%%", "%"), nil }

// made applies the lines as the loader does: after the text was taken apart.
func made(t *testing.T, unitType name.Type, lines []Line) (*unit.Unit, []unit.Fault) {
	t.Helper()
	var text strings.Builder
	section := ""
	for _, l := range lines {
		if l.Section != section {
			section = l.Section
			text.WriteString("[" + section + "]\n")
		}
		text.WriteString(l.Name + "=" + l.Value + "\n")
	}
	u := directive.New("a."+unitType.String(), unitType, defaults())
	c := &directive.Context{Expand: single, Defaults: defaults()}
	file := unitfile.Parse("/u", text.String())
	if len(file.Assignments) != len(lines) {
		t.Errorf("%d lines have become %d:\n%s", len(lines), len(file.Assignments), text.String())
	}
	faults := file.Faults
	for _, a := range file.Assignments {
		faults = append(faults, directive.Apply(u, directive.Assignment{
			Section: a.Section, Name: a.Name, Value: a.Value,
		}, c)...)
	}
	return u, faults
}

func shown(u *unit.Unit) map[string]directive.Property {
	all := map[string]directive.Property{}
	for _, p := range directive.Properties(u) {
		all[p.Name] = p
	}
	return all
}

// asSet gives a property as clients set it, of how it is shown.
func asSet(p directive.Property) (directive.Property, bool) { return asClientsSet(p), true }

// TestSettings: what the settings that systemd 252 was asked about show as properties
// makes lines that show the same.
func TestSettings(t *testing.T) {
	tried := map[string]bool{}
	eachSetting(t, func(unitType name.Type, p directive.Property) {
		lines, err := All(unitType, []directive.Property{p})
		switch {
		case errors.Is(err, ErrNoProperty) && notSet[p.Name], err != nil && unnamed[p.Name]:
			return
		case err != nil:
			t.Errorf("%s %s %v: %v", unitType, p.Name, p.Value, err)
			return
		}
		tried[p.Name] = true
		again, faults := made(t, unitType, lines)
		got, _ := asSet(shown(again)[p.Name])
		if !reflect.DeepEqual(got, p) && !differs[p.Name] {
			t.Errorf("%s %s: %#v became %v, which is %#v (%v)", unitType, p.Name, p.Value, lines,
				got.Value, faults)
		}
	})
	if len(tried) < 250 {
		t.Errorf("only %d properties were tried", len(tried))
	}
}

// TestLines shows the lines of all those properties: testdata/lines.txt.
func TestLines(t *testing.T) {
	var out strings.Builder
	seen := map[string]bool{}
	eachSetting(t, func(unitType name.Type, p directive.Property) {
		ask := fmt.Sprintf("%s %s %s %#v", unitType, p.Name, p.Type, p.Value)
		if seen[ask] {
			return
		}
		seen[ask] = true
		out.WriteString(strings.ReplaceAll(ask, "interface {}", "any") + "\n")
		lines, err := All(unitType, []directive.Property{p})
		if err != nil {
			out.WriteString("\t" + err.Error() + "\n")
		}
		for _, l := range lines {
			out.WriteString("\t[" + l.Section + "] " + l.Name + "=" + l.Value + "\n")
		}
	})
	const file = "testdata/lines.txt"
	want, err := os.ReadFile(file)
	if *update {
		err = os.WriteFile(file, []byte(out.String()), 0o644)
		want = []byte(out.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != string(want) {
		have, wanted := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range have {
			if i >= len(wanted) || have[i] != wanted[i] {
				t.Fatalf("%s:%d: got %q", file, i+1, have[i])
			}
		}
		t.Errorf("%s has lines that are not there any more", file)
	}
}

var update = flag.Bool("update", false, "rewrite testdata/lines.txt")

// eachSetting gives what the settings that systemd 252 was asked about show, as clients
// would set it.
func eachSetting(t *testing.T, f func(unitType name.Type, p directive.Property)) {
	text, err := os.ReadFile("../directive/testdata/oracle.txt")
	if err != nil {
		t.Fatal(err)
	}
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t")
	for line := range strings.Lines(string(text)) {
		column := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(column) != 4 || column[0] == "swap" {
			continue
		}
		unitType, _ := name.ParseType(column[0])
		u := directive.New("a."+column[0], unitType, defaults())
		for l := range strings.SplitSeq(unescape.Replace(column[2]), "\n") {
			n, v, _ := strings.Cut(l, "=")
			directive.Apply(u, directive.Assignment{
				Section: column[1], Name: n, Value: strings.TrimSpace(v),
			}, &directive.Context{Expand: single, Defaults: defaults()})
		}
		bare := shown(directive.New("a."+column[0], unitType, defaults()))
		all := shown(u)
		for _, n := range slices.Sorted(maps.Keys(all)) {
			if !reflect.DeepEqual(all[n], bare[n]) {
				p, _ := asSet(all[n])
				f(unitType, p)
			}
		}
	}
}

// notSet are properties that show settings and that systemd 252 does not let clients set.
var notSet = map[string]bool{"SyslogPriority": true}

// unnamed are numbers that may have no name, and that cannot be set then.
var unnamed = map[string]bool{"CPUSchedulingPolicy": true, "IOSchedulingClass": true}

// differs are properties that do not say all that a setting has said.
var differs = map[string]bool{
	"RestrictFileSystems": true, "RestrictNetworkInterfaces": true, "SystemCallLog": true,
	"SystemCallFilter": true, "TasksMax": true, "TCPCongestion": true, "RestrictNamespaces": true,
	"CapabilityBoundingSet": true, "Listen": true, "CPUSchedulingPriority": true,
}

// TestHostile: whatever is in a text, it makes one line that says that text.
func TestHostile(t *testing.T) {
	texts := []string{
		"", " ", "a b", "%n", "100%", "%%", `\`, `a\`, `a\\`, `\x41`, `"`, `'`, `a"b'c`, "a;b", "; b",
		";",
		"a\nExecStart=/bin/evil", "a\\\nb", "tab\there", "\x01\x7f", "ä€", "#x", "[Service]",
		"$HOME", "${A}", "$$", "a=b", "-", "@x", "=", ",", "a,b:c",
	}
	for _, s := range texts {
		lines, err := Lines(name.Service, directive.Property{Name: "ExecStart", Type: "a(sasb)",
			Value: []any{[]any{"/bin/x", []string{"/bin/x", s, "end"}, false}}})
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		u, faults := made(t, name.Service, lines)
		if got := u.Service.Commands[unit.ExecStart]; len(got) != 1 ||
			!reflect.DeepEqual(got[0].Argv, []string{"/bin/x", s, "end"}) {
			t.Errorf("ExecStart %q: %q has become %q (%v)", s, lines, got, faults)
		}
		lines, err = Lines(name.Service, directive.Property{
			Name: "Environment", Type: "as", Value: []string{"A=" + s},
		})
		u, faults = made(t, name.Service, lines)
		bad := strings.ContainsAny(s, "\x01\x7f")
		if got := u.Exec.Environment; err != nil || !bad && !reflect.DeepEqual(got, []string{"A=" + s}) {
			t.Errorf("Environment %q: %q has become %q (%v)", s, lines, got, faults)
		}
		lines, err = Lines(name.Service, directive.Property{Name: "Description", Type: "s", Value: s})
		u, faults = made(t, name.Service, lines)
		want, _, _ := strings.Cut(s, "\n")
		if got := u.Description; err != nil || got != escapeControls(strings.TrimSpace(want)) &&
			strings.TrimSpace(escapeControls(want)) != got {
			t.Errorf("Description %q: %q has become %q (%v)", s, lines, got, faults)
		}
		lines, err = Lines(name.Service, directive.Property{Name: "StandardOutputFile", Type: "s",
			Value: "/" + s})
		if err == nil && (strings.Contains(s, "\n") || len(lines) != 1) {
			t.Errorf("StandardOutputFile /%q: %q", s, lines)
		}
	}
}

// TestRefusals: what is no property, of another type, or can be no value.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		t    name.Type
		p    directive.Property
		want error
	}{
		{name.Service, directive.Property{Name: "Foo", Type: "s", Value: ""}, ErrNoProperty},
		{name.Service, directive.Property{Name: "MainPID", Type: "u", Value: uint32(1)}, ErrNoProperty},
		{name.Timer, directive.Property{Name: "Type", Type: "s", Value: "simple"}, ErrNoProperty},
		{name.Service, directive.Property{Name: "Type", Type: "b", Value: true}, ErrPropertyType},
		{name.Service, directive.Property{Name: "ExecStart", Type: "s", Value: "x"}, ErrPropertyType},
		{name.Service, directive.Property{Name: "ExecStart", Type: "a(sasb)", Value: []any{"x"}},
			ErrPropertyType},
		{name.Timer, directive.Property{Name: "TimersMonotonic", Type: "a(st)",
			Value: []any{[]any{"x"}}}, ErrPropertyType},
	} {
		if _, err := Lines(c.t, c.p); !errors.Is(err, c.want) {
			t.Errorf("%s %v: %v, want %v", c.t, c.p, err, c.want)
		}
	}
	for _, p := range []directive.Property{
		{Name: "ExecStart", Type: "a(sasb)", Value: []any{[]any{"bin/x", []string{"x"}, false}}},
		{Name: "ExecStart", Type: "a(sasb)", Value: []any{[]any{"/bin/x", []string{}, false}}},
		{Name: "ExecStartEx", Type: "a(sasas)", Value: []any{[]any{"/x", []string{"x"}, []string{"y"}}}},
		{Name: "Type", Type: "s", Value: "bar"},
		{Name: "User", Type: "s", Value: "a\nb"},
		{Name: "CPUSchedulingPolicy", Type: "i", Value: int32(77)},
		{Name: "MountFlags", Type: "t", Value: uint64(1)},
		{Name: "Conditions", Type: "a(sbbs)", Value: []any{[]any{"Foo", false, false, "x"}}},
		{Name: "SetCredential", Type: "a(say)", Value: []any{[]any{"a:b", []byte("x")}}},
	} {
		lines, err := Lines(name.Service, p)
		if err == nil {
			err = Check("a.service", name.Service, lines, defaults())
		}
		var bad *ErrPropertyValue
		if !errors.As(err, &bad) || bad.Error() == "" {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// TestAdvice: what a unit's file is told of is no reason to refuse a property.
func TestAdvice(t *testing.T) {
	for _, text := range []string{"User=nobody", "CPUShares=10", "MemoryLimit=1G", "KillMode=none"} {
		list, err := Properties(name.Service, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		lines, err := All(name.Service, list)
		if err == nil {
			err = Check("a.service", name.Service, lines, defaults())
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestUnknownCalls: system calls that are not known here are no reason to refuse a unit.
func TestUnknownCalls(t *testing.T) {
	for value, ok := range map[string]bool{
		"nosuchcall": true, "@nosuchgroup": true, "uname:NOSUCHERROR": false,
	} {
		lines, err := Lines(name.Service, directive.Property{
			Name: "SystemCallFilter", Type: "(bas)", Value: []any{false, []string{value}},
		})
		if err == nil {
			err = Check("a.service", name.Service, lines, defaults())
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// TestWritten: properties that have no setting of their own, or that are not shown as
// they are set.
func TestWritten(t *testing.T) {
	for _, c := range []struct {
		t         name.Type
		prop, sig string
		value     any
		want      string
	}{
		{name.Service, "StandardOutputFileToAppend", "s", "/a b", "[Service]StandardOutput=append:/a b"},
		{name.Service, "StandardInputFileDescriptorName", "s", "x", "[Service]StandardInput=fd:x"},
		{name.Service, "WatchdogUSec", "t", uint64(5), "[Service]WatchdogSec=5us"},
		{name.Service, "MemoryMaxScale", "u", uint32(math.MaxUint32/2 + 1), "[Service]MemoryMax=50%"},
		{name.Service, "CPUQuotaPerSecUSec", "t", uint64(1505000), "[Service]CPUQuota=150.5%"},
		{name.Service, "CPUQuotaPerSecUSec", "t", uint64(value.Infinity), "[Service]CPUQuota="},
		{name.Service, "MemoryMax", "t", uint64(math.MaxUint64), "[Service]MemoryMax=infinity"},
		{name.Scope, "RuntimeMaxUSec", "t", uint64(math.MaxUint64), "[Scope]RuntimeMaxSec=infinity"},
		{name.Scope, "Wants", "as", []string{"a.service"}, "[Unit]Wants=a.service"},
		{name.Scope, "RequisiteOverridable", "as", []string{"a.service"}, "[Unit]Requisite=a.service"},
		{name.Timer, "OnActiveSec", "t", uint64(7), "[Timer]OnActiveSec=7us"},
		{name.Timer, "TimersMonotonic", "a(st)", []any{}, "[Timer]OnActiveSec="},
		{name.Service, "ExecStart", "a(sasb)", []any{}, "[Service]ExecStart="},
		{name.Service, "ExecStart", "a(sasb)", []any{[]any{"/bin/x", []string{"y"}, true}},
			`[Service]ExecStart=-@"/bin/x" "y"`},
		{name.Service, "StateDirectorySymlink", "a(sst)", []any{[]any{"a", "b", uint64(0)}},
			"[Service]StateDirectory=a:b"},
		{name.Service, "RuntimeDirectorySymlink", "a(sst)",
			[]any{[]any{"a:%b", `c "d\`, uint64(0)}},
			`[Service]RuntimeDirectory="a\:%%b:c \"d\\"`},
		{name.Service, "ConfigurationDirectory", "as", []string{"a:b c"},
			`[Service]ConfigurationDirectory="a\:b c"`},
		{name.Service, "NUMAPolicy", "i", int32(-1), "[Service]NUMAPolicy="},
		{name.Service, "DelegateControllers", "as", []string{"cpu", "io"}, "[Service]Delegate=cpu io"},
		{name.Slice, "TasksMax", "t", uint64(10), "[Slice]TasksMax=10"},
	} {
		lines, err := Lines(c.t, directive.Property{Name: c.prop, Type: c.sig, Value: c.value})
		got := ""
		for _, l := range lines {
			got += "[" + l.Section + "]" + l.Name + "=" + l.Value
		}
		if got != c.want || err != nil {
			t.Errorf("%s: %s (%v), want %s", c.prop, got, err, c.want)
		}
	}
}

func TestLive(t *testing.T) {
	for prop, want := range map[string]bool{
		"Description": true, "Markers": true, "TasksMax": true, "DeviceAllow": true, "Type": false,
		"ExecStart": false, "Foo": false, "MemoryMaxScale": true, "Wants": false,
		"Slice": false, "Delegate": false, "DelegateControllers": false, "BPFProgram": false,
		"IPIngressFilterPath": false, "IPAddressDeny": true,
	} {
		if got := Live(name.Service, prop); got != want {
			t.Errorf("%s: %v", prop, got)
		}
	}
}

func TestProperties(t *testing.T) {
	for _, c := range []struct {
		t          name.Type
		text, want string
	}{
		{name.Service, "Nice=5", "Nice i 5"},
		{name.Service, "Nice=0", "Nice i 0"},
		{name.Service, "LimitNOFILE=33", "LimitNOFILE t 33; LimitNOFILESoft t 33"},
		{name.Service, "LimitNOFILE=3:4", "LimitNOFILE t 4; LimitNOFILESoft t 3"},
		{name.Service, "MemoryMax=50%", "MemoryMaxScale u 2147483648"},
		{name.Service, "TasksMax=7", "TasksMax t 7"},
		{name.Service, "Wants=a.service b.service", "Wants as [a.service b.service]"},
		{name.Service, "RuntimeMaxSec=1min", "RuntimeMaxUSec t 60000000"},
		{name.Service, "WatchdogSec=5", "WatchdogUSec t 5000000"},
		{name.Service, "ExecStartPre=-/bin/echo one",
			"ExecStartPre a(sasb) [[/bin/echo [/bin/echo one] true]]"},
		{name.Service, "Environment=A=b C=d", "Environment as [A=b C=d]"},
		{name.Service, "Environment=", "Environment as []"},
		{name.Service, "StandardOutput=file:/x", "StandardOutputFile s /x"},
		{name.Service, "StandardOutput=null", "StandardOutput s null"},
		{name.Service, "User=%u", "User s %u"},
		{name.Service, "Delegate=cpu io", "Delegate b true; DelegateControllers as [cpu io]"},
		{name.Timer, "OnActiveSec=5", "TimersMonotonic a(st) [[OnActiveUSec 5000000]]"},
		{name.Timer, "OnCalendar=daily", "TimersCalendar a(ss) [[OnCalendar *-*-* 00:00:00]]"},
		{name.Path, "PathExists=/x", "Paths a(ss) [[PathExists /x]]"},
		{name.Socket, "ListenStream=/x", "Listen a(ss) [[Stream /x]]"},
		{name.Scope, "Nice=5", "cannot be set, or is no property"},
		{name.Service, "Foo=x", "cannot be set, or is no property"},
		{name.Service, "Nice=99", "Nice=99: out of range, -20 to 19"},
		{name.Service, "Nice", "Nice=: not an assignment"},
		{name.Service, "MemoryMax=500%", "MemoryMax=500%: percentage: out of range, more than 100%"},
	} {
		list, err := Properties(c.t, c.text)
		var words []string
		for _, p := range list {
			words = append(words, fmt.Sprint(p.Name, " ", p.Type, " ", p.Value))
		}
		got := strings.Join(words, "; ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
