package spawn

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"strconv"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// apply carries out one step on the calling process, in Go. A process that does
// that is an executor: nothing but the plan runs in it.
func (p *plan) apply(s *step) error {
	switch s.kind {
	case stepFail:
		return sys.Errno(p.fault.Errno)
	case stepCgroup:
		return join(s.text)
	case stepSignals:
		resetSignals(s.n[0] == 1)
	case stepSession:
		return sys.NewSession()
	case stepStdio:
		return nil // the executor was started with them
	case stepFiles:
		return p.takeFiles(len(s.ids))
	case stepOOM:
		err := sys.SetOOMScoreAdjust(int(s.n[0]))
		if isPrivilege(err) {
			return nil
		}
		return err
	case stepNice:
		return setNice(int(s.n[0]))
	case stepUmask:
		sys.SetUmask(int(s.n[0]))
	case stepLimit:
		return setLimit(int(s.n[0]), s.limit[0], s.limit[1])
	case stepGroups:
		return sys.SetGroups(s.ids)
	case stepGroup:
		return sys.SetGroup(int(s.n[0]))
	case stepUser:
		return sys.SetUser(int(s.n[0]))
	case stepChroot:
		if err := sys.Chroot(s.text); err != nil {
			return err
		}
		return sys.Chdir("/")
	case stepChdir:
		err := sys.Chdir(s.text)
		if err != nil && s.n[0] == 1 {
			return sys.Chdir("/")
		}
		return err
	case stepCalls:
		return applyCalls(s)
	case stepGate: // an executor has none
	case stepClose:
		closeFrom(int(s.n[0]))
	case stepReady:
		p.number()
	case stepExec:
		return p.execute(s.list)
	case stepKinds:
	}
	return nil
}

// join moves the process into a control group.
func join(procs string) error {
	f, err := os.OpenFile(procs, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("0")
	return err
}

// resetSignals gives every signal its default action: a caught one has it after
// exec. Whether SIGPIPE is ignored stays.
func resetSignals(ignorePipe bool) {
	signal.Notify(make(chan os.Signal, 1))
	if ignorePipe {
		signal.Ignore(sys.SIGPIPE)
	}
}

func isPrivilege(err error) bool {
	return errors.Is(err, sys.EPERM) || errors.Is(err, sys.EACCES)
}

// setNice gets as near to the nice level as permitted.
func setNice(n int) error {
	err := sys.SetNice(n)
	if !isPrivilege(err) {
		return err
	}
	if now, e := sys.Nice(); e == nil && now >= n {
		return nil
	}
	return err
}

// setLimit gets as near to the limit as permitted.
func setLimit(number int, soft, hard uint64) error {
	err := sys.SetLimit(number, soft, hard)
	if !errors.Is(err, sys.EPERM) {
		return err
	}
	_, most, e := sys.Limit(number)
	if e != nil || most == uint64(value.SizeInfinity) {
		return err
	}
	return sys.SetLimit(number, min(soft, most), min(hard, most))
}

// mostDescriptors bounds the search for descriptors that somebody left open.
const mostDescriptors = 4096

// closeFrom has all descriptors from least on closed by exec.
func closeFrom(least int) {
	for fd := least; fd < mostDescriptors; fd++ {
		_ = sys.SetCloseOnExec(fd) // most are not open
	}
}

// number writes the process's number into the environment.
func (p *plan) number() {
	p.env = slices.Clone(p.env)
	for _, i := range p.pids {
		p.env[i] += strconv.Itoa(os.Getpid())
	}
}

// execute replaces the process by the first program of list that is there. If
// none is, the last error that says more than "no such file" counts.
func (p *plan) execute(list []string) error {
	var why error = sys.ENOENT
	for _, path := range list {
		err := sys.Exec(path, p.argv, p.env)
		switch {
		case errors.Is(err, sys.ENOENT):
		case errors.Is(err, sys.EACCES), errors.Is(err, sys.ENOTDIR):
			why = err
		default:
			return err
		}
	}
	return why
}

// isMissing says which errors of exec mean that there is no such program.
func isMissing(err error) bool {
	return errors.Is(err, sys.ENOENT) || errors.Is(err, sys.EACCES) || errors.Is(err, sys.ENOTDIR)
}

// statusOf is the exit status after the step failed with err.
func (s *step) statusOf(err error) int {
	if s.kind == stepExec && s.n[0] == 1 && isMissing(err) {
		return 0
	}
	return s.status
}
