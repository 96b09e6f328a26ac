package directive

import (
	"rouse/internal/unit"
)

// setting is how a row reads its value into a unit and shows it.
type setting interface {
	assign(p *parse) error
	property(u *unit.Unit) any // nil where the unit has no such part
	signature() string         // of the property; "" if there is none
	syntax() string
}

// wide is a setting that shows in more properties than its own.
type wide interface {
	setting
	further(u *unit.Unit, list []Property) []Property
}

// with makes a setting show in more properties than its own.
type with struct {
	setting
	more func(u *unit.Unit, list []Property) []Property
}

func (s with) further(u *unit.Unit, list []Property) []Property { return s.more(u, list) }

// kind is a kind of value: how it is read and shown. parse changes v in place,
// so that lists add to what they have; on error v is as it was.
type kind[T any] struct {
	name  string // "time span"
	sig   string
	parse func(p *parse, v *T) error
	bus   func(v *T) any
}

// in is a setting of some kind that is one field of a unit. The compiler checks
// that the two agree. Being a literal, it costs nothing when a program starts.
type in[T any] struct {
	kind *kind[T]
	at   func(u *unit.Unit) *T
}

func (s in[T]) assign(p *parse) error     { return s.kind.parse(p, s.at(p.u)) }
func (s in[T]) property(u *unit.Unit) any { return s.kind.bus(s.at(u)) }
func (s in[T]) signature() string         { return s.kind.sig }
func (s in[T]) syntax() string            { return s.kind.name }

// does is a setting that concerns more than one field.
type does struct {
	name, sig string
	parse     func(p *parse) error
	bus       func(u *unit.Unit) any
}

func (s does) assign(p *parse) error { return s.parse(p) }
func (s does) property(u *unit.Unit) any {
	if s.bus == nil {
		return nil
	}
	return s.bus(u)
}
func (s does) signature() string { return s.sig }
func (s does) syntax() string    { return s.name }

// enum is a setting that is one of the words of its type, of which there are n.
type enum[T interface {
	~uint8
	String() string
}] struct {
	n  T
	at func(u *unit.Unit) *T
}

func (s enum[T]) assign(p *parse) error {
	return parseEnum(p.value, s.n, s.at(p.u))
}

// parseEnum finds a word of an enumeration with n values.
func parseEnum[T interface {
	~uint8
	String() string
}](word string, n T, v *T) error {
	for i := T(0); i < n; i++ {
		if w := i.String(); w == word && w != "" {
			*v = i
			return nil
		}
	}
	return why("not one of " + enumWords(n))
}

func (s enum[T]) property(u *unit.Unit) any { return (*s.at(u)).String() }
func (s enum[T]) signature() string         { return "s" }
func (s enum[T]) syntax() string            { return enumWords(s.n) }

func enumWords[T interface {
	~uint8
	String() string
}](n T) string {
	text := ""
	for i := T(0); i < n; i++ {
		w := i.String()
		if w == "" {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += w
	}
	return text
}
