package directive

import (
	"encoding/json"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/specifier"
	"rouse/internal/unit/value"
)

// The machine that the tables of facts were made on.
const (
	labMemory = 25276510208
	labTasks  = 192730
)

// labDefaults are the defaults of systemd on that machine.
func labDefaults() *Defaults {
	d := NewDefaults()
	d.MemoryTotal, d.TasksTotal, d.NUMANodes = labMemory, labTasks, 1
	d.Architecture = "x86-64"
	for l, own := range map[value.Limit][2]uint64{
		value.LimitNOFILE: {20000, 20000}, value.LimitCORE: {0, value.LimitInfinity},
		value.LimitSTACK: {8 << 20, value.LimitInfinity}, value.LimitMEMLOCK: {8 << 20, 8 << 20},
		value.LimitNPROC:      {96365, 96365},
		value.LimitSIGPENDING: {96365, 96365}, value.LimitMSGQUEUE: {819200, 819200},
		value.LimitNICE: {0, 0}, value.LimitRTPRIO: {0, 0},
	} {
		d.Inherited[l] = unit.Rlimit{Soft: own[0], Hard: own[1]}
	}
	return d
}

// basis is what every unit of the tables has, besides the lines in question.
var basis = map[string][]string{
	"service":   {"Service", "ExecStart=/bin/true"},
	"socket":    {"Socket", "ListenStream=/run/NAME.sock"},
	"timer":     {"Timer", "OnActiveSec=1d"},
	"path":      {"Path", "PathExists=/nonexistent"},
	"mount":     {"Mount", "What=tmpfs", "Where=/cf/NAME", "Type=tmpfs"},
	"automount": {"Automount", "Where=/cf/NAME"},
	"swap":      {"Swap", "What=/dev/NAME"},
}

// unitNamed gives the name of the unit that the tables call NAME.
func unitNamed(kind string) string {
	switch kind {
	case "mount", "automount":
		return "cf-NAME." + kind
	case "swap":
		return "dev-NAME." + kind
	}
	return "NAME." + kind
}

// build makes a unit of lines in a section, after what it has anyway.
func build(t testing.TB, kind, section, lines string) (*unit.Unit, error) {
	t.Helper()
	typ, ok := name.ParseType(kind)
	if !ok {
		t.Fatalf("no unit type %s", kind)
	}
	d := labDefaults()
	u := New(unitNamed(kind), typ, d)
	host := func(s string) func() (string, error) { return func() (string, error) { return s, nil } }
	m := &specifier.Machine{
		HostName: host("lab"), MachineID: host("0123456789abcdef0123456789abcdef"),
		BootID:        host("00000000000000000000000000000000"),
		KernelRelease: host("6.1"), Architecture: host("x86-64"),
		User: func() (specifier.Account, error) {
			return specifier.Account{Name: "root", Group: "root", Home: "/root", Shell: "/bin/sh"}, nil
		},
	}
	s := &specifier.Unit{Name: u.Name}
	c := &Context{
		Expand:     func(f string) (string, error) { return specifier.Expand(f, s, m) },
		ExpandName: func(f string) (string, error) { return specifier.ExpandName(f, s, m) },
		Defaults:   d,
	}
	if b := basis[kind]; b != nil {
		apply(u, c, b[0], b[1:])
	}
	if section != "" {
		apply(u, c, section, strings.Split(lines, "\n"))
	}
	return u, Finish(u, c, d)
}

func apply(u *unit.Unit, c *Context, section string, lines []string) {
	for i, line := range lines {
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		n, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		a := Assignment{
			Section: section, Name: strings.TrimSpace(n), Value: strings.TrimSpace(v), File: "/u",
			Line: i + 1,
		}
		u.Faults = append(u.Faults, Apply(u, a, c)...)
	}
}

// plainJSON is how the tables have the value of a property.
func plainJSON(v any) string {
	if b, ok := v.([]byte); ok {
		v = numbers(b)
	}
	if l, ok := v.([]any); ok {
		v = plainList(l)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func plainList(l []any) []any {
	list := make([]any, len(l))
	for i, e := range l {
		switch e := e.(type) {
		case []byte:
			list[i] = numbers(e)
		case []any:
			list[i] = plainList(e)
		default:
			list[i] = e
		}
	}
	return list
}

func numbers(b []byte) []int {
	list := make([]int, len(b))
	for i, n := range b {
		list[i] = int(n)
	}
	return list
}

func properties(u *unit.Unit) map[string]Property {
	m := map[string]Property{}
	for _, p := range Properties(u) {
		m[p.Name] = p
	}
	return m
}

// sameJSON compares ignoring blanks.
func sameJSON(a, b string) bool {
	return a == b || decode(a) == decode(b)
}

func decode(s string) string {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return err.Error()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// notHere are properties that other rooms make.
var notHere = map[string]bool{
	"After": true, "Before": true, "Requires": true, "Requisite": true, "Wants": true, "BindsTo": true,
	"PartOf": true, "Upholds": true, "Conflicts": true, "OnSuccess": true, "OnFailure": true,
	"PropagatesReloadTo": true, "ReloadPropagatedFrom": true, "PropagatesStopTo": true,
	"StopPropagatedFrom": true, "JoinsNamespaceOf": true, "Triggers": true, "TriggeredBy": true,
	"RequiresMountsFor": true, "CanClean": true, "CanStart": true, "CanStop": true, "CanReload": true,
	"CanIsolate": true, "LoadError": true, "LoadState": true, "UnitFileState": true,
	"NeedDaemonReload": true,
	"UnitFilePreset":   true, "Following": true,
}

// bareOnes are the properties of units without settings, by unit type, in JSON.
var bareOnes = map[string]map[string]string{}

func bareProperties(t testing.TB, kind string) map[string]string {
	if bareOnes[kind] == nil {
		u, _ := build(t, kind, "", "")
		bareOnes[kind] = map[string]string{}
		for n, p := range properties(u) {
			bareOnes[kind][n] = plainJSON(p.Value)
		}
	}
	return bareOnes[kind]
}

// compare builds the unit and checks its differences from the bare one against
// a table's; it returns what is wrong.
func compare(t testing.TB, kind, section, lines string, want map[string]json.RawMessage) []string {
	t.Helper()
	bare := bareProperties(t, kind)
	u, err := build(t, kind, section, lines)
	got := properties(u)
	var wrong []string
	for n, p := range got {
		expected, differs := want[n]
		have := plainJSON(p.Value)
		if !differs {
			expected = json.RawMessage(bare[n])
		}
		if !sameJSON(have, string(expected)) && !skipped(n, err) {
			wrong = append(wrong, n+": have "+have+", want "+string(expected))
		}
	}
	for n := range want {
		if _, ok := got[n]; !ok && !notHere[n] {
			wrong = append(wrong, n+": not a property here")
		}
	}
	if state, ok := want["LoadState"]; ok != (err != nil) {
		wrong = append(wrong, "load state: have error "+errorText(err)+", want "+string(state))
	}
	wrong = append(wrong, missingEdges(u, want)...)
	sort.Strings(wrong)
	return wrong
}

// skipped tells properties that other rooms complete, the slice by default, and one that
// was left out for its name, as if it were a time stamp, when the answers were recorded.
func skipped(property string, err error) bool {
	return property == "RequiresMountsFor" || property == "Slice" && err != nil ||
		property == "Timestamping"
}

func errorText(err error) string {
	if err == nil {
		return "none"
	}
	return strconv.Quote(err.Error())
}

// missingEdges checks that the dependencies that lines name are there.
func missingEdges(u *unit.Unit, want map[string]json.RawMessage) []string {
	var wrong []string
	for _, e := range u.Edges {
		text, ok := want[e.Kind.String()]
		if !ok {
			continue
		}
		var names []string
		if err := json.Unmarshal(text, &names); err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		if i := sort.SearchStrings(names, e.Name); !(i < len(names) && names[i] == e.Name) &&
			!reflect.DeepEqual(names, []string{e.Name}) {
			found := false
			for _, n := range names {
				found = found || n == e.Name
			}
			if !found {
				wrong = append(wrong, "edge "+e.Kind.String()+" "+e.Name+" is not wanted")
			}
		}
	}
	return wrong
}
