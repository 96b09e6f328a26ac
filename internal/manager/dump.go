package manager

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/unit/value"
)

// Dump implements face.Show.
func (m *Manager) Dump(ctx context.Context, patterns []string) (text string, err error) {
	err = m.call(ctx, func() {
		var b strings.Builder
		if len(patterns) == 0 {
			m.dumpSelf(&b)
		}
		for _, s := range m.e.Units() {
			if m.matches(s.Name, patterns) {
				m.dumpUnit(&b, s.Name)
			}
		}
		if len(patterns) == 0 {
			for _, j := range jobInfos(m.e.Jobs()) {
				dumpJob(&b, j, "")
			}
		}
		text = b.String()
	})
	return text, err
}

// phaseWords are what the moments of the start are called in a dump.
var phaseWords = [phases]string{
	kernelPhase: "kernel", userspacePhase: "userspace", generatorsStart: "generators-start",
	generatorsFinish: "generators-finish", unitsLoadStart: "units-load-start",
	unitsLoadFinish: "units-load-finish", unitsLoadAgain: "units-load", finishPhase: "finish",
}

func (m *Manager) dumpSelf(b *strings.Builder) {
	fmt.Fprintf(b, "Manager: rouse %s, for unit files of systemd 252\n", m.cfg.Version)
	fmt.Fprintf(b, "State: %s\nControl groups: %s %s\n",
		m.systemState(), m.tracker.Kind(), m.tracker.Root())
	for p, at := range m.self.Phases {
		if at.Real != 0 {
			fmt.Fprintf(b, "Timestamp %s: %s\n", phaseWords[p], dumpTime(at.Real))
		}
	}
}

// dumpUnit describes a unit by its properties, those that say something.
func (m *Manager) dumpUnit(b *strings.Builder, unit string) {
	fmt.Fprintf(b, "-> Unit %s:\n", unit)
	for _, p := range m.properties(unit) {
		if p.Name == "Id" || strings.HasSuffix(p.Name, "Monotonic") {
			continue
		}
		if text := dumpValue(p); text != "" {
			fmt.Fprintf(b, "\t%s: %s\n", p.Name, text)
		}
	}
	if s, ok := m.e.Unit(unit); ok && s.JobID != 0 {
		if j, ok := m.e.Job(s.JobID); ok {
			dumpJob(b, jobInfos([]engine.QueuedJob{j})[0], "\t")
		}
	}
}

func dumpJob(b *strings.Builder, j face.JobInfo, indent string) {
	fmt.Fprintf(b, "%s-> Job %d:\n%s\tAction: %s -> %s\n%s\tState: %s\n",
		indent, j.ID, indent, j.Unit, j.Type, indent, j.State)
}

func dumpTime(real uint64) string {
	return time.UnixMicro(int64(real)).Format("Mon 2006-01-02 15:04:05 MST")
}

// dumpValue writes a value for people; "" is one that says nothing.
func dumpValue(p face.Property) string {
	n, isNumber := p.Value.(uint64)
	switch {
	case isNumber && strings.HasSuffix(p.Name, "Timestamp"):
		if n == 0 {
			return ""
		}
		return dumpTime(n)
	case isNumber && strings.HasSuffix(p.Name, "USec"):
		return value.Span(n).String()
	case isNumber && n == ^uint64(0):
		return ""
	case p.Name == "UMask" || strings.HasSuffix(p.Name, "Mode") && p.Type == "u":
		return fmt.Sprintf("%04o", p.Value)
	}
	return dumpAny(p.Value)
}

func dumpAny(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []string:
		return strings.Join(v, " ")
	case []byte:
		if len(v) == 0 {
			return ""
		}
		return fmt.Sprintf("%x", v)
	case []any:
		list := make([]string, len(v))
		for i, e := range v {
			if list[i] = dumpAny(e); slices.Contains([]string{"", "0"}, list[i]) {
				list[i] = "-"
			}
			if _, ok := e.([]any); ok {
				list[i] = "(" + list[i] + ")"
			}
		}
		return strings.Join(list, " ")
	case uint64:
		return strconv.FormatUint(v, 10)
	}
	return fmt.Sprint(v)
}
