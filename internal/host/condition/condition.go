// Package condition tests the Condition…= and Assert…= lines of units against
// the machine. It knows the machine, and not what follows from a failed test. It
// answers for the section CONDITIONS AND ASSERTS of systemd.unit(5).
package condition

import (
	"errors"
	"fmt"
	"os"

	"rouse/internal/host/identity"
	"rouse/internal/unit"
)

// Env is what a test depends on besides the machine.
type Env struct {
	Users *identity.DB // nil is that of this machine
	// Environment is what services are given, for ConditionEnvironment=.
	Environment []string
	// Credentials are directories of credentials passed to the manager.
	Credentials []string
	// FirstBoot is for ConditionFirstBoot=; /run/systemd/first-boot says so too.
	FirstBoot bool
	// CgroupDir is the directory of the control group, of version 2, that slices are
	// below, for pressures and controllers; "" if there is none.
	CgroupDir string
}

// test tests a parameter, without the negation.
type test func(param string, m *Env) (bool, error)

// tests has all conditions of systemd 252 by name. Tests of these lines run on
// systemd-analyze too, and compare.
var tests = map[string]test{
	"ACPower":                acPower,
	"Architecture":           architecture,
	"CPUFeature":             cpuFeature,
	"CPUPressure":            pressure("cpu", "some"),
	"CPUs":                   cpus,
	"Capability":             capability,
	"ControlGroupController": controller,
	"Credential":             credential,
	"DirectoryNotEmpty":      directoryNotEmpty,
	"Environment":            environment,
	"FileIsExecutable":       fileIsExecutable,
	"FileNotEmpty":           fileNotEmpty,
	"Firmware":               firmware,
	"FirstBoot":              firstBoot,
	"Group":                  group,
	"Host":                   host,
	"IOPressure":             pressure("io", "full"),
	"KernelCommandLine":      kernelCommandLine,
	"KernelVersion":          kernelVersion,
	"Memory":                 memory,
	"MemoryPressure":         pressure("memory", "full"),
	"NeedsUpdate":            needsUpdate,
	"OSRelease":              osRelease,
	"PathExists":             pathExists,
	"PathExistsGlob":         pathExistsGlob,
	"PathIsDirectory":        pathIsDirectory,
	"PathIsEncrypted":        pathIsEncrypted,
	"PathIsMountPoint":       pathIsMountPoint,
	"PathIsReadWrite":        pathIsReadWrite,
	"PathIsSymbolicLink":     pathIsSymbolicLink,
	"Security":               security,
	"User":                   user,
	"Virtualization":         virtualization,
}

// errSyntax is for parameters that cannot be read.
var errSyntax = errors.New("bad parameter")

// Test tests one line, negation included and Trigger left to All. The error says
// why it could not be tested; then the result is false, negated or not. It may
// wait for file systems.
func Test(c unit.Condition, m *Env) (bool, error) {
	if m == nil {
		m = &Env{}
	}
	f, ok := tests[c.Name]
	if !ok {
		return false, fmt.Errorf("condition %s: unknown", c.Name)
	}
	met, err := f(c.Param, m)
	if err != nil {
		return false, fmt.Errorf("condition %s=%s: %w", c.Name, c.Param, err)
	}
	return met != c.Negate, nil
}

// Result is the outcome of one line.
type Result struct {
	Condition unit.Condition
	Met       bool
	Err       error
}

// All tests lines until it is clear what comes of them: none of those without
// Trigger may fail, and at least one with Trigger must hold if there are any.
// results has those that were tested.
func All(list []unit.Condition, m *Env) (ok bool, results []Result) {
	triggers, triggered := false, false
	for _, c := range list {
		met, err := Test(c, m)
		results = append(results, Result{c, met, err})
		if !c.Trigger && !met {
			return false, results
		}
		triggers = triggers || c.Trigger
		triggered = triggered || c.Trigger && met
	}
	return triggered || !triggers, results
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
