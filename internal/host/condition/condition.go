// Package condition tests the Condition…= and Assert…= lines of units against
// the machine. It knows the machine, and not what follows from a failed test. It
// answers for the section CONDITIONS AND ASSERTS of systemd.unit(5).
package condition

import "rouse/internal/unit"

// Env is what a test depends on besides the machine.
type Env struct {
	Root        string   // prefix of the files consulted, for tests; "" is /
	User        bool     // the manager runs for a user
	Environment []string // the manager's own, for ConditionEnvironment=
	Credentials []string // directories of credentials passed to the manager
	FirstBoot   bool     // for ConditionFirstBoot=
}

// Test tests one line, Negate included and Trigger left to All. The error says
// why it could not be tested; then the result is false.
func Test(c unit.Condition, m *Env) (bool, error) { return false, nil }

// All combines tests: none of those without Trigger may fail, and at least one
// with Trigger must hold if there are any. It gives the results one by one too.
func All(list []unit.Condition, m *Env) (ok bool, results []Result) { return false, nil }

// Result is the outcome of one line.
type Result struct {
	Condition unit.Condition
	Met       bool
	Err       error
}
