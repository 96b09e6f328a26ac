package client

import (
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/face"
	"rouse/internal/unit/install"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// statusPage is the status of one unit being written.
type statusPage struct {
	a    *app
	b    *strings.Builder
	p    properties
	unit string
}

// status shows units; without any, the system as a whole.
func status(a *app, args []string) (int, error) {
	if len(args) == 0 {
		return a.systemStatus()
	}
	units, err := a.resolvePIDs(args)
	if err != nil {
		return exitFailure, err
	}
	if a.opts.json != "" {
		return a.statusJSON(units)
	}
	result, printed := exitOK, false
	for _, u := range units {
		p, err := a.properties(u)
		if err != nil {
			return exitFailure, complain("Failed to get properties: %v", err)
		}
		one := exitNotApplicable
		switch active := p.string("ActiveState"); {
		case p.string("LoadState") == "not-found" && active == "inactive":
			a.warn("Unit %s could not be found.", u)
			one = exitNoPermission
		default:
			if printed {
				fmt.Fprintln(a.Stdout)
			}
			printed = true
			s := &statusPage{a: a, b: &strings.Builder{}, p: p, unit: u}
			s.write()
			fmt.Fprint(a.Stdout, s.b.String())
			if !a.opts.quiet {
				a.warnOutdated(p, u)
			}
			if active == "active" || active == "reloading" {
				one = exitOK
			}
		}
		if result == exitOK {
			result = one
		}
	}
	return result, nil
}

// statusJSON shows the states of units, and what of their settings is carried out, as JSON.
func (a *app) statusJSON(units []string) (int, error) {
	rows := []object{}
	for _, u := range units {
		p, err := a.properties(u)
		if err != nil {
			return exitFailure, complain("Failed to get properties: %v", err)
		}
		settings := []map[string]string{}
		for _, r := range p.rows("Enforcement") {
			if len(r) == 3 {
				settings = append(settings, map[string]string{
					"setting": fmt.Sprint(r[0]), "level": fmt.Sprint(r[1]), "why": fmt.Sprint(r[2]),
				})
			}
		}
		rows = append(rows, object{
			{"unit", p.string("Id")}, {"load", p.string("LoadState")},
			{"active", p.string("ActiveState")}, {"sub", p.string("SubState")},
			{"result", p.string("Result")}, {"enforce", p.string("Enforce")}, {"settings", settings},
		})
	}
	return exitOK, a.writeJSON(rows)
}

// resolvePIDs is resolve, but numbers are pids and stand for the unit they belong
// to.
func (a *app) resolvePIDs(args []string) ([]string, error) {
	var units []string
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err != nil {
			more, err := a.resolve([]string{arg})
			if err != nil {
				return nil, err
			}
			units = append(units, more...)
			continue
		}
		u, err := a.unitOfPID(pid)
		if err != nil {
			return nil, complain("Failed to get unit for PID %d: %v", pid, err)
		}
		units = append(units, u)
	}
	return units, nil
}

func (a *app) unitOfPID(pid int) (string, error) {
	m, err := a.manager()
	if err != nil {
		return "", err
	}
	all, err := m.Units(a.ctx, nil, false)
	if err != nil {
		return "", err
	}
	for _, u := range all {
		if u.Active == "inactive" || name.TypeOf(u.Name) == name.Slice {
			continue
		}
		list, err := m.Processes(a.ctx, u.Name)
		if err == nil && slices.ContainsFunc(list, func(p face.Process) bool { return p.PID == pid }) {
			return u.Name, nil
		}
	}
	return "", complain("PID %d does not belong to any loaded unit.", pid)
}

// systemStatus shows the manager itself.
func (a *app) systemStatus() (int, error) {
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	i, err := m.Info(a.ctx)
	if err != nil {
		return exitFailure, err
	}
	active := map[string]string{"running": "active", "degraded": "failed"}[i.SystemState]
	if active == "" {
		active = "activating"
	}
	b := &strings.Builder{}
	host := "localhost"
	if text, err := fs.ReadFile(a.Root("/"), "proc/sys/kernel/hostname"); err == nil {
		host = strings.TrimSpace(string(text))
	}
	d := dots[active]
	fmt.Fprintf(b, "%s %s\n", a.look.paint(d.paint, a.sign()), host)
	fmt.Fprintf(b, "    State: %s\n", a.look.paint(d.paint, i.SystemState))
	fmt.Fprintf(b, "    Units: %d loaded (incl. loaded aliases)\n", i.Units)
	fmt.Fprintf(b, "     Jobs: %d queued\n", i.Jobs)
	fmt.Fprintf(b, "   Failed: %d units\n", i.Failed)
	fmt.Fprintf(b, "    Since: %s; %s\n", a.stamp(i.Since.Real), a.relative(i.Since.Real))
	fmt.Fprintf(b, "    rouse: %s\n", i.Version)
	if i.CgroupRoot != "" {
		fmt.Fprintf(b, "   CGroup: %s\n", i.CgroupRoot)
	}
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

// indentWidth is where the values begin.
const indentWidth = 13

// line writes one line with a label.
func (s *statusPage) line(label, format string, args ...any) {
	fmt.Fprintf(s.b, "%*s: %s\n", indentWidth-2, label, fmt.Sprintf(format, args...))
}

// list writes one value per line, with the label before the first.
func (s *statusPage) list(label string, values []string) {
	for i, v := range values {
		if i == 0 {
			s.line(label, "%s", v)
		} else {
			fmt.Fprintf(s.b, "%*s%s\n", indentWidth, "", v)
		}
	}
}

func (s *statusPage) write() {
	s.head()
	s.activeLine()
	s.triggers()
	s.conditions()
	s.line1("Where", s.p.string("Where"))
	s.line1("What", s.p.string("What"))
	s.list("Docs", s.p.strings("Documentation"))
	s.sockets()
	s.processes()
	s.line1("Status", quoted(s.p.string("StatusText")))
	if n := s.p.number("StatusErrno"); n > 0 {
		s.line("Error", "%d (%s)", n, s.a.ErrorText(int(n)))
	}
	s.resources()
	s.groups()
	s.faults()
}

// faults writes what is wrong in the files, and what in them has no effect. Where
// the manager does not tell, the files are read.
func (s *statusPage) faults() {
	faults, ignored := s.p.strings("Faults"), s.p.strings("NotHonoured")
	file := s.p.string("FragmentPath")
	if _, told := s.p.index["Faults"]; !told && file != "" {
		if f, err := s.a.files(); err == nil {
			if u := f.Loader().Load(s.p.string("Id")); u.Fragment == file {
				ignored = u.NotHonoured
				for _, fault := range u.Faults {
					faults = append(faults, fault.String())
				}
			}
		}
	}
	s.list("Faults", faults)
	told := s.enforcement()
	ignored = slices.DeleteFunc(slices.Clone(ignored), func(n string) bool {
		return slices.Contains(told, n[strings.IndexByte(n, '.')+1:])
	})
	if len(ignored) > 0 {
		s.line("No effect", "%s", strings.Join(ignored, ", "))
	}
}

// enforcement writes which settings for processes are carried out here, unless all are,
// and gives the names of those that are not.
func (s *statusPage) enforcement() (missing []string) {
	by := map[string][]string{}
	for _, r := range s.p.rows("Enforcement") {
		if len(r) != 3 {
			continue
		}
		setting, level := fmt.Sprint(r[0]), fmt.Sprint(r[1])
		text := setting
		if level != "applied" {
			missing = append(missing, setting)
			text += fmt.Sprintf(": %v", r[2])
		}
		by[level] = append(by[level], text)
	}
	if len(missing) == 0 {
		return nil
	}
	s.line1("Enforce", s.p.string("Enforce"))
	s.line1("Applied", strings.Join(by["applied"], ", "))
	s.list("Weaker", by["weaker"])
	s.list("Not applied", by["not applied"])
	return missing
}

// factLine gives one fact of the property Enforcement as a line.
func factLine(r []any) string {
	text := fmt.Sprintf("%v: %v", r[0], r[1])
	if len(r) > 2 && r[2] != "" {
		text += fmt.Sprintf(": %v", r[2])
	}
	return text
}

// line1 writes a line unless the value is empty.
func (s *statusPage) line1(label, v string) {
	if v != "" {
		s.line(label, "%s", v)
	}
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

// head writes what the unit is and where it comes from.
func (s *statusPage) head() {
	id, active := s.p.string("Id"), s.p.string("ActiveState")
	fmt.Fprintf(s.b, "%s %s", s.a.look.dot(active), s.a.look.paint(bold, id))
	if d := s.p.string("Description"); d != "" && d != id {
		fmt.Fprintf(s.b, " - %s", d)
	}
	s.b.WriteByte('\n')
	if f := s.p.string("Following"); f != "" {
		s.line("Follows", "unit currently follows state of %s", f)
	}
	load := s.p.string("LoadState")
	text := load
	if slices.Contains([]string{"error", "not-found", "bad-setting"}, load) {
		text = s.a.look.paint(red, load)
	}
	file := s.p.string("SourcePath")
	if file == "" {
		file = s.p.string("FragmentPath")
	}
	if e, _ := s.p.get("LoadError").([]any); len(e) == 2 && e[1] != "" {
		text += fmt.Sprintf(" (Reason: %v)", e[1])
	} else if file != "" {
		text += " (" + strings.Join(append([]string{file}, s.fileState()...), "; ") + ")"
	}
	s.line("Loaded", "%s", text)
	if s.p.bool("Transient") {
		s.line("Transient", "yes")
	}
	s.dropIns()
}

// fileState gives whether the unit's file is enabled, and would be by preset.
func (s *statusPage) fileState() []string {
	state, preset := s.p.string("UnitFileState"), s.p.string("UnitFilePreset")
	if _, known := s.p.index["UnitFileState"]; !known {
		if f, err := s.a.files(); err == nil {
			state = f.State(s.p.string("Id"))
			preset = f.preset(path.Base(s.p.string("FragmentPath")), state)
		}
	}
	if state == "" {
		return nil
	}
	out := []string{state}
	if preset != "" && install.HasPreset(state) {
		out = append(out, "preset: "+preset)
	}
	return out
}

// dropIns writes the drop-ins by directory.
func (s *statusPage) dropIns() {
	lines := s.a.look.tree()
	var values []string
	dir := ""
	for _, f := range s.p.strings("DropInPaths") {
		if path.Dir(f) != dir || len(values) == 0 {
			dir = path.Dir(f)
			values = append(values, dir, lines.last+path.Base(f))
		} else {
			values[len(values)-1] += ", " + path.Base(f)
		}
	}
	s.list("Drop-In", values)
}

// since gives a moment with how long ago it was.
func (s *statusPage) since(usec uint64) string {
	return s.a.stamp(usec) + "; " + s.a.relative(usec)
}

// activeLine writes the state and since when it lasts.
func (s *statusPage) activeLine() {
	active, sub, result := s.p.string("ActiveState"), s.p.string("SubState"), s.p.string("Result")
	text := active
	if sub != active {
		text += " (" + sub + ")"
	}
	if result != "" && result != "success" {
		if active == "failed" {
			text = active
		}
		text += " (Result: " + result + ")"
	}
	text = s.a.look.paint(dots[active].paint, text)
	property := map[string]string{
		"active": "ActiveEnterTimestamp", "reloading": "ActiveEnterTimestamp",
		"inactive": "InactiveEnterTimestamp", "failed": "InactiveEnterTimestamp",
		"activating": "InactiveExitTimestamp", "deactivating": "ActiveExitTimestamp",
	}[active]
	if at := s.p.number(property); at > 0 && at != math.MaxUint64 {
		text += " since " + s.since(at)
	}
	s.line("Active", "%s", text)
	enter, exit := s.p.number("ActiveEnterTimestamp"), s.p.number("ActiveExitTimestamp")
	if (active == "inactive" || active == "failed") && enter > 0 && exit >= enter {
		s.line("Duration", "%s", value.Span(exit-enter).Format(value.Millisecond))
	}
	limit := s.p.number("RuntimeMaxUSec")
	if active == "active" && limit > 0 && limit != math.MaxUint64 && enter > 0 {
		s.line("Until", "%s", s.since(enter+limit))
	}
}

// conditions writes which conditions kept the unit from starting.
func (s *statusPage) conditions() {
	if _, ok := s.p.index["ConditionResult"]; !ok {
		return
	}
	if at := s.p.number("ConditionTimestamp"); !s.p.bool("ConditionResult") && at > 0 {
		s.line("Condition", "start condition %s at %s",
			s.a.look.paint(yellow, "failed"), s.since(at))
		failed := s.failedChecks("Conditions", "Condition")
		lines := s.a.look.tree()
		for i, f := range failed {
			branch := lines.branch
			if i == len(failed)-1 {
				branch = lines.last
			}
			fmt.Fprintf(s.b, "%*s%s %s\n", indentWidth, "", branch, f)
		}
	}
	if at := s.p.number("AssertTimestamp"); !s.p.bool("AssertResult") && at > 0 {
		s.line("Assert", "start assertion %s at %s", s.a.look.paint(red, "failed"), s.since(at))
		for _, f := range s.failedChecks("Asserts", "Assert") {
			fmt.Fprintf(s.b, "%*s%s\n", indentWidth, "", f)
		}
	}
}

// failedChecks gives the conditions that decided: one that failed on its own, or
// else all those of which one had to hold. The bus has them last line first.
func (s *statusPage) failedChecks(property, kind string) []string {
	var alone, triggers []string
	for _, c := range s.p.rows(property) { // name, trigger, negate, parameter, state
		if len(c) < 5 {
			continue
		}
		trigger, _ := c[1].(bool)
		negate, _ := c[2].(bool)
		if state, _ := c[4].(int32); state >= 0 {
			continue
		}
		text := fmt.Sprint(c[0])
		if !strings.HasPrefix(text, kind) {
			text = kind + text
		}
		text += "="
		if trigger {
			text += "|"
		}
		if negate {
			text += "!"
		}
		text += fmt.Sprint(c[3]) + " was not met"
		if trigger {
			triggers = append(triggers, text)
		} else {
			alone = append(alone, text)
		}
	}
	if len(alone) > 0 {
		return alone[:1]
	}
	slices.Reverse(triggers)
	return triggers
}

// triggers writes what starts the unit and what it starts.
func (s *statusPage) triggers() {
	if name.TypeOf(s.unit) == name.Timer {
		if next := s.a.nextElapse(s.p); next > 0 {
			s.line("Trigger", "%s", s.since(next))
		} else {
			s.line("Trigger", "n/a")
		}
	}
	for _, property := range []string{"TriggeredBy", "Triggers"} {
		names := slices.Clone(s.p.strings(property))
		slices.SortFunc(names, func(x, y string) int {
			return cmp.Compare(strings.ToLower(x), strings.ToLower(y))
		})
		for i, n := range names {
			p := dots[s.a.activeState(n)].paint
			names[i] = s.a.look.paint(p, s.a.sign()) + " " + n
		}
		s.list(property, names)
	}
}

// sockets writes what a socket listens on and how many connections it has.
func (s *statusPage) sockets() {
	var values []string
	for _, l := range s.p.rows("Listen") {
		if len(l) == 2 {
			values = append(values, fmt.Sprintf("%v (%v)", l[1], l[0]))
		}
	}
	s.list("Listen", values)
	if s.p.bool("Accept") && name.TypeOf(s.unit) == name.Socket {
		text := fmt.Sprintf("%d; Connected: %d;", s.p.number("NAccepted"), s.p.number("NConnections"))
		if n := s.p.number("NRefused"); n > 0 {
			text += fmt.Sprintf(" Refused: %d", n)
		}
		s.line("Accepted", "%s", text)
	}
}
