package client

import (
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"rouse/internal/face"
	"rouse/internal/unit/value"
)

// execProperties are the lists of commands whose outcomes status shows.
var execProperties = []string{
	"ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStopPre",
	"ExecStop", "ExecStopPost",
}

// processes writes the commands that have ended, the main and the control process.
func (s *statusPage) processes() {
	for _, property := range execProperties {
		for _, c := range s.p.rows(property) {
			if len(c) < 10 || c[3] == uint64(0) || c[5] == uint64(0) {
				continue
			}
			argv, _ := c[1].([]string)
			code, _ := c[8].(int32)
			status, _ := c[9].(int32)
			ended := s.ending(code, status)
			s.line("Process", "%v %s=%s %s", c[7], property, strings.Join(argv, " "), ended)
		}
	}
	main, control := s.p.number("MainPID"), s.p.number("ControlPID")
	var parts []string
	switch {
	case main > 0:
		parts = append(parts, fmt.Sprintf("Main PID: %d%s", main, s.comm(main)))
	case s.p.number("ExecMainPID") > 0 && s.p.number("ExecMainExitTimestamp") > 0:
		code, status := s.p.number("ExecMainCode"), s.p.number("ExecMainStatus")
		parts = append(parts, fmt.Sprintf("Main PID: %d %s",
			s.p.number("ExecMainPID"), s.ending(int32(code), int32(status))))
	}
	if control > 0 {
		word := "Control"
		if len(parts) == 0 {
			word = "Cntrl" // so that it fits
		}
		parts = append(parts, fmt.Sprintf("%s PID: %d%s", word, control, s.comm(control)))
	}
	if len(parts) > 0 {
		label, rest, _ := strings.Cut(strings.Join(parts, "; "), ": ")
		s.line(label, "%s", rest)
	}
}

// ending says how a process ended.
func (s *statusPage) ending(code, status int32) string {
	text := ""
	good := code == codeExited && status == 0
	if code == codeExited {
		text = fmt.Sprintf("status=%d", status)
		name, class := value.ExitStatus(uint8(status))
		if name != "" && (class == "libc" || class == "systemd") {
			text += "/" + name
		}
	} else {
		text = "signal=" + signalName(int(status))
	}
	text = fmt.Sprintf("code=%s, %s", codeName(code), text)
	if !good {
		text = s.a.look.paint(red, text)
	}
	return "(" + text + ")"
}

// comm gives the name of a process in parentheses, with a blank before them; ""
// if it cannot be told.
func (s *statusPage) comm(pid uint64) string {
	text, err := fs.ReadFile(s.a.Root("/"), fmt.Sprintf("proc/%d/comm", pid))
	if err == nil {
		return " (" + strings.TrimSpace(string(text)) + ")"
	}
	if m, err := s.a.manager(); err == nil {
		list, _ := m.Processes(s.a.ctx, s.unit)
		for _, p := range list {
			if fields := strings.Fields(p.Command); uint64(p.PID) == pid && len(fields) > 0 {
				return " (" + path.Base(strings.Trim(fields[0], "()")) + ")"
			}
		}
	}
	return ""
}

// set gives a number that has no limit or was measured; ok is false for those that
// were not.
func (s *statusPage) set(property string) (v uint64, ok bool) {
	v = s.p.number(property)
	_, known := s.p.index[property]
	return v, known && v != math.MaxUint64
}

// resources writes what the unit uses.
func (s *statusPage) resources() {
	in, ok1 := s.set("IPIngressBytes")
	out, ok2 := s.set("IPEgressBytes")
	if ok1 && ok2 {
		s.line("IP", "%s in, %s out", value.Size(in).Format(), value.Size(out).Format())
	}
	if n, ok := s.set("TasksCurrent"); ok {
		text := fmt.Sprint(n)
		if limit, ok := s.set("TasksMax"); ok {
			text += s.a.look.paint(grey, fmt.Sprintf(" (limit: %d)", limit))
		}
		s.line("Tasks", "%s", text)
	}
	if n, ok := s.set("MemoryCurrent"); ok {
		s.line("Memory", "%s%s", value.Size(n).Format(), s.memoryLimits())
	}
	if n, ok := s.set("CPUUsageNSec"); ok {
		s.line("CPU", "%s", value.Span(n/1000).Format(value.Millisecond))
	}
}

// memoryLimits gives the limits that are set.
func (s *statusPage) memoryLimits() string {
	var parts []string
	for _, l := range []struct {
		property, word string
		zero           bool // 0 is a limit as well
	}{
		{"MemoryMin", "min", false}, {"MemoryLow", "low", false}, {"MemoryHigh", "high", true},
		{"MemoryMax", "max", true}, {"MemorySwapMax", "swap max", true},
		{"MemoryLimit", "limit", true}, {"MemoryAvailable", "available", true},
	} {
		if n, ok := s.set(l.property); ok && (n > 0 || l.zero) {
			parts = append(parts, l.word+": "+value.Size(n).Format())
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, " ") + ")"
}

// group is a control group with the processes and groups in it.
type group struct {
	name      string
	processes []face.Process
	groups    []*group
}

// child finds or makes the group inside g with a path.
func (g *group) child(parts []string) *group {
	if len(parts) == 0 || parts[0] == "" {
		return g
	}
	i := slices.IndexFunc(g.groups, func(c *group) bool { return c.name == parts[0] })
	if i < 0 {
		i = len(g.groups)
		g.groups = append(g.groups, &group{name: parts[0]})
	}
	return g.groups[i].child(parts[1:])
}

// groups writes the tree of processes.
func (s *statusPage) groups() {
	m, err := s.a.manager()
	if err != nil {
		return
	}
	list, err := m.Processes(s.a.ctx, s.unit)
	at := s.p.string("ControlGroup")
	if err != nil || at == "" && len(list) == 0 {
		return
	}
	if at == "" {
		at = "none" // processes are tracked by other means
	}
	s.line("CGroup", "%s", at)
	root := &group{}
	for _, p := range list {
		g := root.child(strings.Split(strings.Trim(p.Cgroup, "/"), "/"))
		g.processes = append(g.processes, p)
	}
	s.tree(root, strings.Repeat(" ", indentWidth))
}

// tree writes what is in a group: its processes by pid, then groups by name.
func (s *statusPage) tree(g *group, indent string) {
	lines := s.a.look.tree()
	slices.SortFunc(g.processes, func(a, b face.Process) int { return a.PID - b.PID })
	slices.SortFunc(g.groups, func(a, b *group) int { return strings.Compare(a.name, b.name) })
	width := 0
	for _, p := range g.processes {
		width = max(width, len(fmt.Sprint(p.PID)))
	}
	for i, p := range g.processes {
		branch := lines.branch
		if i == len(g.processes)-1 && len(g.groups) == 0 {
			branch = lines.last
		}
		text := fmt.Sprintf("%*d %s", width, p.PID, p.Command)
		if room := s.a.look.width - len(indent) - 2; s.a.look.width > 0 && !s.a.opts.full &&
			utf8.RuneCountInString(text) > room && room > 10 {
			text = ellipsize(text, room)
		}
		s.b.WriteString(indent + branch + s.a.look.paint(grey, text) + "\n")
	}
	for i, c := range g.groups {
		branch, more := lines.branch, lines.through
		if i == len(g.groups)-1 {
			branch, more = lines.last, lines.blank
		}
		s.b.WriteString(indent + branch + c.name + "\n")
		s.tree(c, indent+more)
	}
}
