package ability

import (
	"errors"
	"strings"
	"weak"

	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// A Judge decides what becomes of processes whose protection the place does not allow. It
// remembers the reports of units until they are read anew. Its methods are for one
// goroutine at a time, but for those of its Verdicts.
type Judge struct {
	Place *Place
	// Fresh gives a unit like u that sets nothing.
	Fresh func(u *unit.Unit) *unit.Unit
	// Mode is what counts for units that do not say it themselves.
	Mode func() unit.Enforce

	reports map[string]remembered
	shared  map[context]Report
}

// context is what units that say the same about their processes have in common: they
// share it, and so one report is enough for all of them.
type context struct {
	exec      weak.Pointer[unit.Exec]
	resources weak.Pointer[unit.Resources]
	kill      unit.Kill
	of        name.Type
}

// mostShared is how many contexts are remembered.
const mostShared = 1000

// remembered is the report of a unit as it was read then.
type remembered struct {
	of     weak.Pointer[unit.Unit]
	fails  int
	report Report
}

// A Verdict is what counts for the processes of a unit.
type Verdict struct {
	Report Report
	Mode   unit.Enforce // strict or best-effort
	New    bool         // nobody has asked since the unit was read

	u     *unit.Unit
	place *Place
}

// Of gives the verdict on a unit.
func (j *Judge) Of(u *unit.Unit) Verdict {
	v := Verdict{Mode: u.Enforce, u: u, place: j.Place}
	if v.Mode == unit.EnforceUnset {
		v.Mode = j.Mode()
	}
	known, ok := j.reports[u.Name]
	if ok && known.of.Value() == u && known.fails == j.Place.failed(u) {
		v.Report = known.report
		return v
	}
	v.New = true
	v.Report = j.report(u)
	if j.reports == nil {
		j.reports = map[string]remembered{}
	}
	j.reports[u.Name] = remembered{weak.Make(u), j.Place.failed(u), v.Report}
	return v
}

func (j *Judge) report(u *unit.Unit) Report {
	if j.Place.failed(u) > 0 {
		return j.Place.Of(u, j.Fresh(u))
	}
	c := context{exec: weak.Make(u.Exec), resources: weak.Make(u.Resources), of: u.Type}
	if u.Kill != nil {
		c.kill = *u.Kill
	}
	r, ok := j.shared[c]
	if !ok {
		r = j.Place.Of(u, j.Fresh(u))
		if j.shared == nil || len(j.shared) >= mostShared {
			j.shared = map[context]Report{}
		}
		j.shared[c] = r
	}
	return r
}

// Forget forgets a unit.
func (j *Judge) Forget(name string) {
	delete(j.reports, name)
	j.Place.forget(name)
}

// Apply has a request say what the verdict comes to: what is left out, or that the
// process is to fail. Commands with full privileges are none of its business.
func (v Verdict) Apply(r *spawn.Request) {
	if r.Command.Flags&value.FullPrivilege != 0 {
		return
	}
	f, bad := v.Report.Vital()
	hint := ""
	switch {
	case bad:
	case v.Mode == unit.EnforceStrict:
		f, bad = v.Report.Refused()
		hint = "; X-Enforce=best-effort would do without"
	default:
		r.Without = v.Report.Without()
	}
	if bad && r.Fail == nil {
		r.Fail = &spawn.StepError{
			Unit: v.u.Name, Step: f.Directive + "= is " + f.Level.String(), Directive: f.Directive,
			Err: errors.New(f.Why + hint), Status: f.Status,
		}
	}
}

// Again reports whether a process that failed with err is to be started once more, and
// has the request leave out what it failed for. It says why in one line.
func (v Verdict) Again(r *spawn.Request, err error) (why string, again bool) {
	var failed *spawn.StepError
	if v.Mode == unit.EnforceStrict || r.Fail != nil || !errors.As(err, &failed) ||
		failed.Directive == "" || !isRefusal(failed) {
		return "", false
	}
	why = failed.Step + ": " + failed.Unwrap().Error()
	if !v.place.Failed(v.u, failed.Directive, why) {
		return "", false
	}
	r.Without = append(r.Without, failed.Directive)
	return failed.Directive + ": not applied: " + why, true
}

// isRefusal reports whether it was the place that did not allow a step: else the unit is
// at fault, and it must not run.
func isRefusal(err error) bool {
	for _, e := range []error{sys.EPERM, sys.EACCES, sys.ENOSYS, sys.EOPNOTSUPP} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Line says in one line what protection the unit's processes do without; "" if none.
func (v Verdict) Line() string {
	var list []string
	for _, f := range v.Report {
		if f.Status != 0 && f.Level != Applied {
			list = append(list, f.Directive+"= ("+f.Why+")")
		}
	}
	if len(list) == 0 || v.Mode == unit.EnforceStrict {
		return ""
	}
	return "runs without, or with less of, " + strings.Join(list, ", ")
}
