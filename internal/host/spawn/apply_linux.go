package spawn

import "rouse/internal/host/sys"

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
