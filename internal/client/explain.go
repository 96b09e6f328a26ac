package client

import (
	"fmt"
	"path/filepath"
	"strings"

	"rouse/internal/face"
	"rouse/internal/unit"
)

// plan shows the jobs that a verb would queue, in the order in which they would
// run, and why each is there.
func plan(a *app, args []string) (int, error) {
	if jv, ok := jobVerbs[args[0]]; !ok || jv.unit != "" {
		return exitFailure, complain("Unknown job verb %s; known: start, stop, restart, "+
			"try-restart, reload, reload-or-restart, try-reload-or-restart, isolate.", args[0])
	}
	return a.planned(args[0], args[1])
}

// planned shows the plan for one unit, or for the unit that the verb names itself.
func (a *app) planned(verb, arg string) (int, error) {
	jv := jobVerbs[verb]
	suffix, modeWord := ".service", a.opts.jobMode
	if jv.isolate {
		suffix, modeWord = ".target", unit.Isolate.String()
	}
	mode, ok := unit.ParseJobMode(modeWord)
	if !ok {
		return exitFailure, complain("Job mode %s invalid", modeWord)
	}
	u, err := a.mangle(arg, suffix)
	if err != nil {
		return exitFailure, err
	}
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	jobs, err := m.Plan(a.ctx, face.JobRequest{Unit: u, Type: jv.job, Mode: mode})
	if err != nil {
		return a.refused(jv.job, u, err), nil
	}
	if a.opts.json != "" {
		rows := []object{}
		for _, j := range jobs {
			rows = append(rows, object{{"unit", j.Unit}, {"job", j.Type}, {"effect", j.Effect},
				{"because", j.Because}, {"after", append([]string{}, j.After...)}})
		}
		return exitOK, a.writeJSON(rows)
	}
	t := &table{head: []string{"JOB", "UNIT", "EFFECT", "AFTER", "BECAUSE"}, keep: 1}
	for _, j := range jobs {
		t.add(cell{text: j.Type}, cell{text: j.Unit}, cell{text: j.Effect},
			cell{text: orDash(strings.Join(j.After, " "))}, cell{text: j.Because})
	}
	b := &strings.Builder{}
	t.write(b, a.look, a.opts.legend, a.opts.full)
	if a.opts.legend {
		fmt.Fprintf(b, "\n%d jobs would be queued.\n", len(jobs))
	}
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

// why tells the chain of causes of each unit's last change, nearest first.
func why(a *app, args []string) (int, error) {
	units, err := a.resolve(args)
	if err != nil {
		return exitFailure, err
	}
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	for i, u := range units {
		causes, err := m.Why(a.ctx, u)
		if err != nil {
			return exitFailure, complain("Failed to explain %s: %v", u, err)
		}
		if i > 0 {
			fmt.Fprintln(a.Stdout)
		}
		if len(causes) == 0 {
			fmt.Fprintf(a.Stdout, "%s: nothing has happened to it yet.\n", u)
		}
		for depth, c := range causes {
			indent := strings.Repeat("  ", depth)
			fmt.Fprintf(a.Stdout, "%s%s %s: %s\n", indent, a.stamp(c.At.Real), c.Unit, c.What)
			if c.Why != "" {
				fmt.Fprintf(a.Stdout, "%s  because %s\n", indent, c.Why)
			}
		}
	}
	return exitOK, nil
}

// verify loads unit files without a manager and prints all that is wrong in them.
// A file counts as if it lay in the directory of unit files that comes first.
func verify(a *app, args []string) (int, error) {
	status := exitOK
	for _, arg := range args {
		unitName, dir := arg, ""
		if strings.Contains(arg, "/") {
			abs := arg
			if a.opts.root == "" {
				var err error
				if abs, err = filepath.Abs(arg); err != nil {
					return exitFailure, err
				}
			}
			dir, unitName = filepath.Split(filepath.Join("/", abs))
		}
		f, err := a.filesIn(strings.TrimSuffix(dir, "/"))
		if err != nil {
			return exitFailure, err
		}
		if unitName, err = a.mangle(unitName, ".service"); err != nil {
			return exitFailure, err
		}
		if !f.report(a, unitName) {
			status = exitFailure
		}
	}
	return status, nil
}

// report prints the faults of one unit; false if there are any.
func (f *files) report(a *app, unitName string) bool {
	u := f.Loader().Load(unitName)
	good := len(u.Faults) == 0
	for _, fault := range u.Faults {
		fmt.Fprintln(a.Stdout, fault)
	}
	switch u.Load {
	case unit.Loaded, unit.Masked:
	default:
		good = false
		text := u.LoadError
		if text == "" {
			text = u.Load.String()
		}
		fmt.Fprintf(a.Stdout, "%s: %s\n", unitName, text)
	}
	for _, n := range u.NotHonoured {
		a.say("%s: note: %s= is read and has no effect here\n", unitName, n)
	}
	return good
}
