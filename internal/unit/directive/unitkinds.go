package directive

import (
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// dep is a setting that lists units the unit depends upon in one way. Which
// dependencies a unit has in the end is not known here, so that it has no property.
type dep struct{ kind unit.Dep }

func (s dep) assign(p *parse) error {
	return p.eachWord(value.RetainEscape, func(w string) { p.addDep(s.kind, w) })
}

func (s dep) property(*unit.Unit) any { return nil }
func (s dep) signature() string       { return "" }
func (s dep) syntax() string          { return "unit names" }

// addDep adds one dependency upon the unit that w names.
func (p *parse) addDep(kind unit.Dep, w string) {
	other, err := p.unitName(w)
	if err != nil {
		p.ignore(w, err.Error())
		return
	}
	if other == p.u.Name {
		p.ignore(w, "the unit itself")
		return
	}
	p.u.Edges = append(p.u.Edges, unit.Edge{Kind: kind, Name: other, File: p.a.File, Line: p.a.Line})
}

// unitName expands w and checks that it is the name of a unit. A template
// becomes its instance for what the unit itself is an instance of, or for its prefix.
func (p *parse) unitName(w string) (string, error) {
	s, err := p.expandName(w)
	if err != nil {
		return "", err
	}
	switch name.KindOf(s) {
	case name.Plain, name.Instance:
		return s, nil
	case name.Template:
		instance := name.InstanceOf(p.u.Name)
		if instance == "" {
			instance = name.Prefix(p.u.Name)
		}
		return name.WithInstance(s, instance)
	}
	return "", why("not a unit name")
}

// unitRef is the name of a unit of one of the types that allowed accepts. An
// empty value is refused.
func (p *parse) unitRef(allowed func(t name.Type) bool, what string) (string, error) {
	s, err := p.expandName(p.value)
	if err != nil {
		return "", err
	}
	if name.KindOf(s) == 0 || name.KindOf(s) == name.Template {
		return "", why("not a unit name")
	}
	if !allowed(name.TypeOf(s)) {
		return "", why("not the name of a " + what)
	}
	return s, nil
}

var (
	documents    = kind[[]string]{"addresses", "as", parseDocuments, list}
	mountsFor    = kind[[]string]{"absolute paths", "as", parseMountsFor, list}
	action       = kind[unit.Action]{"none, reboot, reboot-force, …", "s", parseAction, busAction}
	actionStatus = kind[int]{"number, 0 to 255", "i", parseActionStatus, busInt}
)

func busInt(v *int) any            { return int32(*v) }
func busAction(v *unit.Action) any { return v.String() }

// parseDocuments adds addresses; one whose specifiers cannot be expanded spoils
// the line.
func parseDocuments(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	have := len(*v)
	var bad error
	p.eachOf(p.value, value.Unquote|value.RetainEscape, func(w string) {
		s, err := p.expand(w)
		switch {
		case err != nil:
			bad = err
		case !isDocument(s):
			p.ignore(w, "not an http, https, file, info or man address")
		default:
			*v = append(*v, s)
		}
	})
	if bad != nil {
		*v = (*v)[:have]
	}
	return bad
}

func isDocument(s string) bool {
	for _, scheme := range [...]string{"http://", "https://", "file:/", "info:", "man:"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			return rest != "" && isASCII(rest)
		}
	}
	return false
}

// isASCII reports whether s has only ASCII characters.
func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || s[i] == 0 {
			return false
		}
	}
	return true
}

// parseMountsFor adds paths; an empty value does not take any away.
func parseMountsFor(p *parse, v *[]string) error {
	return p.eachWord(value.Unquote, func(w string) {
		s, err := p.absolute(w)
		if err != nil {
			p.ignore(w, err.Error())
			return
		}
		*v = appendNew(*v, s)
	})
}

// appendNew appends s unless it is there already.
func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

func parseAction(p *parse, v *unit.Action) error {
	got := *v
	if err := parseEnum(p.value, unit.Actions, &got); err != nil {
		return err
	}
	if p.User && got != unit.ActionNone && got != unit.ActionExit && got != unit.ActionExitForce {
		return why("not possible for the manager of a user")
	}
	*v = got
	return nil
}

func parseActionStatus(p *parse, v *int) error {
	if p.value == "" {
		*v = -1
		return nil
	}
	n, err := value.ParseUint(p.value, 8)
	if err == nil {
		*v = int(n)
	}
	return err
}

func parseJobRunningTimeout(p *parse) error {
	err := parseTimeout(p, &p.u.JobRunningTimeout)
	if err == nil {
		p.u.JobRunningTimeoutSet = true
	}
	return err
}

// parseJobTimeout: it is the default of JobRunningTimeoutSec= as well.
func parseJobTimeout(p *parse) error {
	err := parseTimeout(p, &p.u.JobTimeout)
	if err == nil && !p.u.JobRunningTimeoutSet {
		p.u.JobRunningTimeout = p.u.JobTimeout
	}
	return err
}

func parseOnFailureIsolate(p *parse) error {
	b, err := value.ParseBool(p.value)
	if err != nil {
		return err
	}
	p.u.OnFailureJobMode = unit.Replace
	if b {
		p.u.OnFailureJobMode = unit.Isolate
	}
	return nil
}

// busDescription: units without one show their name.
func busDescription(u *unit.Unit) any {
	if u.Description == "" {
		return u.Name
	}
	return u.Description
}
