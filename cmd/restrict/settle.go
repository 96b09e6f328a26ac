package main

import (
	"slices"

	"rouse/internal/host/ability"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
)

// statusRefused is that of a program that was not started for want of a setting which has
// no status of its own: systemd's EXIT_CGROUP.
const statusRefused = 219

// settle finds out what of the settings can be had, says what cannot, and has the rest
// applied: limits of resources now, all else by the request. It gives an exit status if
// nothing is to be run.
func (j *job) settle(l *line, say func(string, ...any)) int {
	report := ability.New(ability.Config{Nobody: true}).Of(j.unit, j.fresh)
	group := enter(j.unit)
	status := 0
	for i := range report {
		f := &report[i]
		row := directive.Lookup("Service", f.Directive)
		if row.Use() == directive.ForResources && row.Support != directive.Parsed {
			f.Level, f.Why = group.fact(f.Directive, j.alone(f.Directive))
		}
		if f.Level == ability.Applied && !l.report {
			continue
		}
		text := f.Directive
		if v, ok := j.values[f.Directive]; ok {
			text += "=" + v
		}
		text += ": " + f.Level.String()
		if f.Why != "" {
			text += ": " + f.Why
		}
		say("%s", text)
		if f.Level != ability.Applied && (l.strict || f.Vital) && status == 0 {
			if status = f.Status; status == 0 {
				status = statusRefused
			}
		}
	}
	if status != 0 {
		group.leave()
		return status
	}
	j.request.Without = report.Without()
	j.only = slices.DeleteFunc(j.only, func(name string) bool {
		return slices.Contains(j.request.Without, name)
	})
	return 0
}

// alone gives a unit with nothing but one of the settings.
func (j *job) alone(property string) *unit.Unit {
	u := directive.New(j.unit.Name, j.unit.Type, nil)
	directive.Apply(u, directive.Assignment{
		Section: "Service", Name: property, Value: j.values[property],
	}, nil)
	return u
}
