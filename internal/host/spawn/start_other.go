//go:build unix && !linux

package spawn

import "rouse/internal/host/sys"

// appliedHere are the directives that are carried out on this system and not on all.
var appliedHere []string

// scratch is what a plan needs where it becomes system calls: not here.
type scratch struct{}

// kernel is what a Spawner knows about this system: nothing.
type kernel struct{}

func (k *kernel) prepare() means { return meansExecutor }

func (k *kernel) inherited() {}

func (s *Spawner) start(p *plan, land func(Process)) (Process, *StepError, error) {
	return s.launch(p, land)
}

// become carries out the plan on the calling process. It returns what has failed.
func (p *plan) become() *StepError {
	if p.sets("NOFILE") {
		sys.KeepFileLimit()
	}
	for i := range p.steps {
		s := &p.steps[i]
		if err := p.apply(s); err != nil {
			return p.failed(i, -1, int(sys.ErrnoOf(err)), s.statusOf(err))
		}
	}
	return p.failed(len(p.steps)-1, -1, int(sys.ENOENT), StatusExec)
}
