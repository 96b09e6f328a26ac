package client

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"rouse/internal/face"
	"rouse/internal/unit/name"
)

// sortUnits sorts by type, then by name, as systemctl lists them.
func sortUnits(units []face.UnitInfo) {
	slices.SortFunc(units, func(a, b face.UnitInfo) int { return compareNames(a.Name, b.Name) })
}

func compareNames(a, b string) int {
	return cmp.Or(
		cmp.Compare(path.Ext(a), path.Ext(b)),
		cmp.Compare(strings.ToLower(a), strings.ToLower(b)),
		cmp.Compare(a, b))
}

// shown reports whether list-units shows a unit.
func (o *options) shown(u face.UnitInfo) bool {
	if len(o.types) > 0 && !slices.Contains(o.types, name.TypeOf(u.Name).String()) {
		return false
	}
	if len(o.states) > 0 {
		return slices.Contains(o.states, u.Load) || slices.Contains(o.states, u.Sub) ||
			slices.Contains(o.states, u.Active)
	}
	if o.all || u.JobID > 0 {
		return true
	}
	return u.Active != "inactive" && u.Following == ""
}

func listUnits(a *app, args []string) (int, error) {
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	all, err := m.Units(a.ctx, args, false)
	if err != nil {
		return exitFailure, complain("Failed to list units: %v", err)
	}
	units := slices.DeleteFunc(all, func(u face.UnitInfo) bool { return !a.opts.shown(u) })
	sortUnits(units)
	jobs := slices.ContainsFunc(units, func(u face.UnitInfo) bool { return u.JobID > 0 })
	if a.opts.json != "" {
		return exitOK, a.writeJSON(unitObjects(units, jobs))
	}
	b := &strings.Builder{}
	a.unitTable(units, jobs).write(b, a.look, a.opts.legend, a.opts.full)
	if a.opts.legend {
		a.unitFoot(b, len(units), jobs)
	}
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

func unitObjects(units []face.UnitInfo, jobs bool) []object {
	rows := []object{}
	for _, u := range units {
		o := object{{"unit", u.Name}, {"load", u.Load}, {"active", u.Active}, {"sub", u.Sub}}
		if jobs {
			o = append(o, field{"job", orNull(u.JobType)})
		}
		rows = append(rows, append(o, field{"description", u.Description}))
	}
	return rows
}

func (a *app) unitTable(units []face.UnitInfo, jobs bool) *table {
	t := &table{head: []string{" ", "UNIT", "LOAD", "ACTIVE", "SUB"}, keep: 1}
	if a.opts.plain {
		t.head, t.keep = t.head[1:], 0
	}
	if jobs {
		t.head = append(t.head, "JOB")
	}
	t.head = append(t.head, "DESCRIPTION")
	for _, u := range units {
		mark, load, active := cell{text: " "}, cell{text: u.Load}, cell{text: u.Active}
		if slices.Contains([]string{"error", "not-found", "bad-setting", "masked"}, u.Load) {
			mark, load.paint = cell{a.sign(), yellow}, red
		}
		unit := cell{text: u.Name}
		if u.Active == "failed" {
			mark, active.paint, unit.paint = cell{a.sign(), red}, red, red
		}
		row := []cell{unit, load, active, {u.Sub, active.paint}}
		if !a.opts.plain {
			row = append([]cell{mark}, row...)
		}
		if jobs {
			row = append(row, cell{text: u.JobType})
		}
		t.add(append(row, cell{text: u.Description})...)
	}
	return t
}

// sign is what marks units in lists.
func (a *app) sign() string {
	if a.look.ascii {
		return "*"
	}
	return "●"
}

// unitFoot explains the columns and counts the lines.
func (a *app) unitFoot(b *strings.Builder, n int, jobs bool) {
	if n > 0 {
		b.WriteString(`
LOAD   = Reflects whether the unit definition was properly loaded.
ACTIVE = The high-level unit activation state, i.e. generalization of SUB.
SUB    = The low-level unit activation state, values depend on unit type.
`)
		if jobs {
			b.WriteString("JOB    = Pending job for the unit.\n\n")
		}
	}
	fmt.Fprintf(b, "%d loaded units listed.", n)
	if !a.opts.all && len(a.opts.states) == 0 {
		b.WriteString(" Pass --all to see loaded but inactive units, too.")
	}
	b.WriteByte('\n')
	if len(a.opts.states) == 0 {
		fmt.Fprintf(b, "To show all installed unit files use '%s list-unit-files'.\n", a.name())
	}
}

func listJobs(a *app, args []string) (int, error) {
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	jobs, err := m.Jobs(a.ctx)
	if err != nil {
		return exitFailure, complain("Failed to list jobs: %v", err)
	}
	jobs = slices.DeleteFunc(jobs, func(j face.JobInfo) bool { return !matches(args, j.Unit) })
	slices.SortFunc(jobs, func(x, y face.JobInfo) int { return cmp.Compare(x.ID, y.ID) })
	if a.opts.json != "" {
		rows := []object{}
		for _, j := range jobs {
			rows = append(rows, object{{"job", j.ID}, {"unit", j.Unit}, {"type", j.Type},
				{"state", j.State}})
		}
		return exitOK, a.writeJSON(rows)
	}
	if len(jobs) == 0 {
		if a.opts.legend {
			fmt.Fprintln(a.Stdout, "No jobs running.")
		}
		return exitOK, nil
	}
	t := &table{head: []string{"JOB", "UNIT", "TYPE", "STATE"}, keep: 1}
	for _, j := range jobs {
		t.add(cell{text: fmt.Sprint(j.ID)}, cell{text: j.Unit}, cell{text: j.Type},
			cell{text: j.State})
	}
	b := &strings.Builder{}
	t.write(b, a.look, a.opts.legend, a.opts.full)
	if a.opts.legend {
		fmt.Fprintf(b, "\n%d jobs listed.\n", len(jobs))
	}
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

// matches reports whether a name matches one of the patterns, or there are none.
func matches(patterns []string, n string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, n); ok || p == n { // a name may have a backslash
			return true
		}
	}
	return len(patterns) == 0
}
