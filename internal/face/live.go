package face

import (
	"context"
	"iter"
)

// Live is for faces that tell of changes as they happen, in the order in which they
// happen, and that look at much at once.
type Live interface {
	// Observe has f told of every event from now on. f runs on the goroutine that owns
	// the engine, before anything else happens there: it must not wait and must not call
	// the Manager. The view holds until f returns. An event of the kind "settled" follows
	// the others once what led to them has been dealt with.
	Observe(f func(View, Event))
	// Inspect has f look, on the goroutine that owns the engine: f must not wait either.
	Inspect(ctx context.Context, f func(View)) error
	// InspectReady is Inspect for what loads units: it waits for generators that run.
	InspectReady(ctx context.Context, f func(View)) error
	// End ends the manager, or the machine, at once and without stopping units: verb is
	// as for Shutdown.
	End(ctx context.Context, verb string) error
}

// View is the state of everything at one moment.
type View interface {
	// Info describes the manager itself.
	Info() Info
	// Failed counts the failed units.
	Failed() int
	// Units gives each loaded unit to f, in no order. What it is given holds until f returns.
	Units(f func(*UnitInfo))
	// Unit finds a loaded unit by any of its names.
	Unit(name string) (UnitInfo, bool)
	// Load loads a unit if need be and gives its primary name; only in InspectReady.
	Load(name string) (string, *Error)
	// Loaded has f look at a unit, which is loaded for that if it is not; only in
	// InspectReady.
	Loaded(name string, f func(primary string)) *Error
	// Matches reports whether the loaded unit has a name that one of the globs fits.
	Matches(unit string, patterns []string) bool
	// Jobs lists the queued jobs by ID.
	Jobs() []JobInfo
	// Job finds a queued job.
	Job(id uint32) (JobInfo, bool)
	// JobOrder lists the jobs that wait for the job (after), or those that it waits for.
	JobOrder(id uint32, after bool) []JobInfo
	// Properties gives those of the properties that the loaded unit has, in the order in
	// which they are asked for.
	Properties(unit string, names []string) []Property
	// Each calls f with each of those properties, and whether the unit has it; not at
	// all if it is not loaded.
	Each(unit string, names iter.Seq[string], f func(p Property, ok bool))
}
