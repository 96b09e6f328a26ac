// Package name knows unit names: which are valid, their types, templates and
// instances, escaping and mangling, and their object paths on the bus. It
// answers for the naming parts of systemd.unit(5) and for systemd-escape(1).
package name

// Type is the type of a unit, told by its suffix.
type Type uint8

// The unit types. Bad is the type of what is not a unit name.
const (
	Bad Type = iota
	Service
	Socket
	Target
	Device
	Mount
	Automount
	Swap
	Timer
	Path
	Slice
	Scope
	Types
)

var typeWords = [Types]string{
	"", "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope",
}

// String gives the suffix without its dot.
func (t Type) String() string { return typeWords[t] }
