package directive

import "rouse/internal/unit"

// Property is one property of a unit as D-Bus has it: Type is its signature,
// Value the Go value; a struct is []any.
type Property struct {
	Name, Type string
	Value      any
}

// Properties gives the configuration properties of u, sorted by name.
func Properties(u *unit.Unit) []Property { return nil }
