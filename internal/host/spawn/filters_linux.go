package spawn

import (
	"strings"

	"rouse/internal/host/seccomp"
	"rouse/internal/host/sys"
)

// filters adds the filter of system calls. Nothing that it may forbid may come after but
// exec. Where the kernel has no filters there is none, as in systemd.
func (p *planner) filters() {
	if p.privileged() {
		return
	}
	policy, asked := seccomp.For(p.x, p.domain(), p.wants)
	if len(asked) == 0 || !sys.HaveSeccomp() {
		return
	}
	s := step{
		kind: stepCalls, text: "filter system calls for " + strings.Join(asked, ", "),
		directive: asked[0], status: StatusSeccomp,
	}
	if asked[0] == "RestrictAddressFamilies" {
		s.status = StatusAddressFamilies
	}
	program, err := p.s.kernel.programs.Program(&policy)
	if err != nil {
		p.fail(&StepError{Step: s.text, Directive: s.directive, Err: err, Status: s.status})
		return
	}
	if len(program) == 0 {
		return
	}
	s.calls = []call{{
		nr:   sys.CallPrctl,
		args: []arg{num(sys.PrctlSeccomp), num(sys.SeccompFilter), filterArg(program)},
	}}
	p.add(s)
	// A process that is killed before exec may write a core file. Up to Linux 5.15, that
	// ends all who share its memory.
	p.ownMemory = p.ownMemory || policy.Kills("execve") || policy.Kills("exit_group")
}

// filtered reports whether there will be a filter of system calls.
func (p *planner) filtered() bool {
	before := p.part
	defer func() { p.part = before }()
	p.part = partFilters
	_, asked := seccomp.For(p.x, 0, p.wants)
	return len(asked) > 0
}

// domain is the execution domain that the process will have. personality(2).
func (p *planner) domain() uint32 {
	if p.x.Personality != "" && p.wants("Personality") {
		return uint32(personality(p.x.Personality))
	}
	return sys.Domain()
}
