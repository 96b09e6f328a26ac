package spawn

import (
	"errors"
	"fmt"
	"slices"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value/linux"
)

// applyCalls makes the calls of one step, from where nothing but the plan runs.
func applyCalls(s *step) error {
	alone := &plan{steps: []step{*s}}
	a, err := newArena(alone.size())
	if err != nil {
		return err
	}
	defer a.free()
	a.reset()
	pr := &program{arena: a}
	pr.calls(s)
	pr.call(s, opEnd)
	pr.finish()
	if c := a.control(); !run(c) {
		return sys.Errno(c.errno)
	}
	return nil
}

// Confine carries out on the calling process, with all its threads and so for all that it
// starts, what x says of CPUAffinity=, NUMAPolicy=, TimerSlackNSec=,
// CapabilityBoundingSet=, NoNewPrivileges= and SystemCallArchitectures=, of which only
// those named. Capabilities are taken away at once, not at the next exec. What fails is
// left as it was, and the errors say so. It must come before the first Start.
// systemd-system.conf(5).
func Confine(x *unit.Exec, only []string) []error {
	s := &Spawner{}
	s.kernel.prepare()
	p, err := s.newPlanner(&Request{Unit: "manager", Exec: x})
	if err != nil {
		return []error{err}
	}
	p.only = slices.Clone(only)
	p.affinity()
	p.memoryPolicy()
	p.timerSlack()
	p.loseCapabilities()
	p.secureBits()
	p.filters()
	var errs []error
	for i := range p.steps {
		step := &p.steps[i]
		if err := p.everywhere(step); err != nil {
			errs = append(errs, fmt.Errorf("%s (%s=): %w", step.text, step.directive, err))
		}
	}
	return errs
}

// loseCapabilities takes capabilities away from the bounding set and from all others.
func (p *planner) loseCapabilities() {
	own := p.ownCapabilities()
	bounding := p.x.CapabilityBoundingSet
	if !p.wants("CapabilityBoundingSet") || own.Bounding&^bounding == 0 {
		return
	}
	var calls []call
	if own.Effective&(1<<linux.CapSetPCap) == 0 {
		calls = append(calls, capset(own.Effective|1<<linux.CapSetPCap, own.Permitted, own.Inheritable))
	}
	for n := uint(0); n <= own.Last; n++ {
		if own.Bounding&^bounding&(1<<n) != 0 {
			calls = append(calls, prctl(sys.PrctlDropBounding, int(n)))
		}
	}
	calls = append(calls, capset(
		own.Effective&bounding, own.Permitted&bounding, own.Inheritable&bounding,
	))
	p.attribute("drop capabilities", "CapabilityBoundingSet", StatusCapabilities, calls...)
}

// everywhere makes the calls of a step in every thread of the process.
func (p *planner) everywhere(s *step) error {
	if s.kind == stepFail {
		return p.fault
	}
	alone := &plan{steps: []step{*s}}
	a, err := newArena(alone.size())
	if err != nil {
		return err
	}
	defer a.free()
	a.reset()
	for i := range s.calls {
		c := &s.calls[i]
		var args [5]uintptr
		for n, g := range c.args {
			args[n] = a.argument(g)
		}
		err := sys.OnAllThreads(c.nr, args)
		if err != nil && !c.any && !slices.ContainsFunc(c.fine, func(e sys.Errno) bool {
			return errors.Is(err, e)
		}) {
			return err
		}
	}
	return nil
}
