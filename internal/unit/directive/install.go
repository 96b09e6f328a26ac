package directive

import (
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

var installRows = [...]Row{
	{Name: "Alias", Group: installGroup, Bus: "-",
		Doc: "Further names that the unit gets when it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.Alias }}},
	{Name: "Also", Group: installGroup, Bus: "-",
		Doc: "Units that are enabled and disabled together with the unit.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.Also }}},
	{Name: "DefaultInstance", Group: installGroup, Bus: "-",
		Doc: "The instance of a template that is enabled when none is named.",
		in:  in[string]{&instance, func(u *unit.Unit) *string { return &u.Install.DefaultInstance }}},
	{Name: "RequiredBy", Group: installGroup, Bus: "-",
		Doc: "Units that require the unit once it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.RequiredBy }}},
	{Name: "UpheldBy", Group: installGroup, Bus: "-", Since: 254,
		Doc: "Units that uphold the unit once it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.UpheldBy }}},
	{Name: "WantedBy", Group: installGroup, Bus: "-",
		Doc: "Units that want the unit once it is enabled.",
		in:  in[[]string]{&unitNames, func(u *unit.Unit) *[]string { return &u.Install.WantedBy }}},
}

// unitNames are names of units that nothing is done with yet; an empty value
// takes all away. instance is the instance part of a unit name.
var (
	unitNames = kind[[]string]{"unit names", "as", parseUnitNames, list}
	instance  = kind[string]{"instance name", "s", parseInstance, plain[string]}
)

func parseUnitNames(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.eachWord(value.Unquote|value.RetainEscape, func(w string) {
		s, err := p.expandName(w)
		switch {
		case err != nil:
			p.ignore(w, err.Error())
		case name.KindOf(s) == 0:
			p.ignore(w, "not a unit name")
		default:
			*v = append(*v, s)
		}
	})
}

func parseInstance(p *parse, v *string) error {
	s, err := p.expandName(p.value)
	if err != nil {
		return err
	}
	if s != "" && !name.Valid("x@"+s+".service", name.Instance) {
		return why("not an instance name")
	}
	*v = s
	return nil
}
