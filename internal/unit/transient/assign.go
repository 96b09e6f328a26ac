package transient

import (
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Properties turns NAME=VALUE, as somebody writes it for a unit file, into properties as
// clients set them: what systemd-run --property= and systemctl set-property do. Specifiers
// are left as they are. ErrNoProperty is for settings that units of the type have not.
func Properties(t name.Type, assignment string) ([]directive.Property, error) {
	setting, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return nil, &ErrPropertyValue{assignment, "", "not an assignment"}
	}
	if kind, rest, ok := outputFile(setting, text); ok {
		return []directive.Property{{Name: setting + kind, Type: "s", Value: rest}}, nil
	}
	if share, ok := strings.CutSuffix(text, "%"); ok && hasShare(setting) {
		n, err := value.ParsePermyriad(share + "%")
		if err != nil {
			return nil, &ErrPropertyValue{setting, text, err.Error()}
		}
		scaled := uint32((uint64(n)*(1<<32-1) + 5000) / 10000)
		return []directive.Property{{Name: setting + "Scale", Type: "u", Value: scaled}}, nil
	}
	section, row := find(t, setting)
	if row == nil {
		return nil, ErrNoProperty
	}
	if isDependency(row) {
		words, err := value.Words(text, value.Unquote)
		if err != nil {
			return nil, &ErrPropertyValue{setting, text, err.Error()}
		}
		return []directive.Property{{Name: row.Name, Type: "as", Value: words}}, nil
	}
	d := directive.NewDefaults()
	u := directive.New("a."+t.String(), t, d)
	a := directive.Assignment{Section: section, Name: setting, Value: text}
	for _, f := range directive.Apply(u, a, &directive.Context{Defaults: d}) {
		if !f.Advice {
			return nil, &ErrPropertyValue{setting, text, f.Why}
		}
	}
	return shownBy(t, u, row, text)
}

// shownBy gives the properties that show what a row has read.
func shownBy(t name.Type, u *unit.Unit, row *directive.Row, text string) (
	[]directive.Property, error) {
	wanted := []string{row.Property(), row.Name + "Soft"}
	if row.Name == "Delegate" {
		wanted = append(wanted, "DelegateControllers")
	}
	if row.Name == "WatchdogSec" {
		return []directive.Property{{Name: "WatchdogUSec", Type: "t",
			Value: uint64(u.Service.Watchdog)}}, nil
	}
	var list []directive.Property
	for _, p := range directive.Properties(u) {
		if p.Name == "" || !slices.Contains(wanted, p.Name) {
			continue
		}
		if p.Name == "DelegateControllers" && len(p.Value.([]string)) == 0 {
			continue
		}
		p = asClientsSet(p)
		if text == "" && strings.HasPrefix(p.Type, "a") {
			p.Value = []any{}
		}
		if _, err := All(t, []directive.Property{p}); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		return nil, ErrNoProperty
	}
	return list, nil
}

// find looks a setting up in the sections of units of a type.
func find(t name.Type, setting string) (section string, row *directive.Row) {
	for _, section := range [...]string{"Unit", sectionOf(t)} {
		if row := directive.Lookup(section, setting); row != nil {
			if row.Same != "" {
				row = directive.Lookup(section, row.Same)
			}
			return section, row
		}
	}
	return "", nil
}

// outputFile splits what a stream is connected to, where the kind of it is a property of
// its own.
func outputFile(setting, text string) (kind, rest string, ok bool) {
	if setting != "StandardInput" && setting != "StandardOutput" && setting != "StandardError" {
		return "", "", false
	}
	for prefix, kind := range map[string]string{
		"fd:": "FileDescriptorName", "file:": "File", "append:": "FileToAppend",
		"truncate:": "FileToTruncate",
	} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return kind, rest, true
		}
	}
	return "", "", false
}

// hasShare reports whether a setting may be a share of what the machine has.
func hasShare(setting string) bool {
	return setting == "TasksMax" || strings.HasPrefix(setting, "Memory") ||
		strings.HasPrefix(setting, "DefaultMemory")
}

// asClientsSet takes from what is shown what is not to be set: the times and results of
// commands, the next times of timers; and puts lists the first first.
func asClientsSet(p directive.Property) directive.Property {
	drop, turn := 0, false
	switch p.Type {
	case "a(sasbttttuii)":
		p.Type, drop = "a(sasb)", 7
	case "a(sasasttttuii)":
		p.Type, drop = "a(sasas)", 7
	case "a(sbbsi)":
		p.Type, drop, turn = "a(sbbs)", 1, true
	case "a(stt)":
		p.Type, drop, turn = "a(st)", 1, true
	case "a(sst)":
		if p.Name == "TimersCalendar" {
			p.Type, drop, turn = "a(ss)", 1, true
		}
	}
	turn = turn || p.Name == "DeviceAllow" || p.Name == "BPFProgram" ||
		strings.HasPrefix(p.Name, "SocketBind")
	list, ok := p.Value.([]any)
	if !ok || drop == 0 && !turn {
		return p
	}
	out := make([]any, len(list))
	for i, e := range list {
		f := e.([]any)
		out[i] = f[:len(f)-drop]
	}
	if turn {
		slices.Reverse(out)
	}
	p.Value = out
	return p
}
