package face

import "context"

// Show is what the manager shows of itself and, property by property, of its units;
// and what can be changed of that.
type Show interface {
	// UnitProperties gives properties of the named unit, in the order in which they are
	// asked for, loading it first if need be. Those that units of its type do not have
	// are left out.
	UnitProperties(ctx context.Context, unit string, names []string) ([]Property, error)
	// ManagerProperties gives properties of the manager itself, in the order in which
	// they are asked for; none asked for means all, sorted by name. Those that there are
	// not are left out.
	ManagerProperties(ctx context.Context, names []string) ([]Property, error)
	// SetManagerProperty changes a property of the manager, until it ends. An empty
	// LogLevel or LogTarget is what it was at first.
	SetManagerProperty(ctx context.Context, p Property) error

	// SetEnvironment takes variables away, NAME or NAME=VALUE, then sets others, all as
	// NAME=VALUE, for what is started from now on.
	SetEnvironment(ctx context.Context, unset, set []string) error
	// SetShowStatus says what of the progress of jobs is written on the console: "yes",
	// "no", "auto", "error", or "" for what it was at first.
	SetShowStatus(ctx context.Context, mode string) error
	// SetExitCode says with what a manager exits that is told to exit later.
	SetExitCode(ctx context.Context, code uint8) error
	// Dump describes units and jobs for people: all, or the units whose names match.
	Dump(ctx context.Context, patterns []string) (string, error)
}

// NoShow is for those who can do none of Show: each call is refused.
type NoShow struct{}

var _ Show = NoShow{}

// UnitProperties implements Show.
func (NoShow) UnitProperties(context.Context, string, []string) ([]Property, error) {
	return nil, notHere("UnitProperties")
}

// ManagerProperties implements Show.
func (NoShow) ManagerProperties(context.Context, []string) ([]Property, error) {
	return nil, notHere("ManagerProperties")
}

// SetManagerProperty implements Show.
func (NoShow) SetManagerProperty(_ context.Context, p Property) error { return notHere(p.Name) }

// SetEnvironment implements Show.
func (NoShow) SetEnvironment(context.Context, []string, []string) error {
	return notHere("SetEnvironment")
}

// SetShowStatus implements Show.
func (NoShow) SetShowStatus(context.Context, string) error { return notHere("SetShowStatus") }

// SetExitCode implements Show.
func (NoShow) SetExitCode(context.Context, uint8) error { return notHere("SetExitCode") }

// Dump implements Show.
func (NoShow) Dump(context.Context, []string) (string, error) { return "", notHere("Dump") }
