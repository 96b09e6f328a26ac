package spawn

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"

	"rouse/internal/host/sys"
)

// executorArg is how the manager's own program knows that it is to be executor.
const executorArg = "--execute-plan"

// Descriptors that an executor is started with, after the standard streams. The
// files for the program follow.
const (
	planFD = 3 + iota
	reportFD
	filesFD
)

// launch starts an executor for p. land is called as start says.
func (s *Spawner) launch(p *plan, land func(Process)) (Process, *StepError, error) {
	fail := func(err error) (Process, *StepError, error) {
		return Process{}, nil, fmt.Errorf("start %s: %w", p.unit, err)
	}
	planR, planW, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	defer planW.Close()
	defer planR.Close()
	reportR, reportW, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	defer reportR.Close()
	defer reportW.Close()
	files := []int{0, 1, 2, int(planR.Fd()), int(reportW.Fd())}
	for i := range p.steps {
		switch st := &p.steps[i]; st.kind {
		case stepStdio:
			files[st.n[1]] = int(st.n[0])
		case stepFiles:
			files = append(files, st.ids...)
		case stepCgroup:
			if st.text == "" { // its descriptor is not passed on
				dir, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(st.n[0])))
				st.text = dir + "/cgroup.procs"
			}
		}
	}
	path, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	// The pid is not known before the call returns, so the reaper waits for all.
	f := s.barrier.begin(func() bool { return true })
	defer s.barrier.end(f)
	pid, err := sys.ForkExec(path, []string{path, executorArg}, []string{}, files)
	if err != nil {
		return fail(err)
	}
	pr := Process{PID: pid}
	land(pr)
	planR.Close()
	reportW.Close()
	_, err = planW.Write(p.encode())
	planW.Close()
	report, err2 := io.ReadAll(reportR)
	return pr, p.reported(report, err, err2), nil
}

// reported is what an executor's report means; nothing means success.
func (p *plan) reported(report []byte, errs ...error) *StepError {
	for _, err := range errs {
		if err != nil && len(report) == 0 {
			return &StepError{
				Unit: p.unit, Step: "talk to the executor", Err: err, Status: StatusExec,
			}
		}
	}
	if len(report) == 0 {
		return nil
	}
	d := decoder{text: report}
	return p.failed(d.int(), -1, d.int(), d.int())
}

// Executor must be called first thing in main. In a process that was started to
// carry out a Request, on systems without a better way, it does so and does not
// return. Everywhere else it does nothing.
func Executor() {
	if len(os.Args) != 2 || os.Args[1] != executorArg {
		return
	}
	_ = sys.SetCloseOnExec(planFD)
	_ = sys.SetCloseOnExec(reportFD)
	plan := os.NewFile(planFD, "plan")
	text, err := io.ReadAll(plan)
	plan.Close()
	p, ok := decodePlan(text)
	if err != nil || !ok {
		fmt.Fprintln(os.Stderr, "execute plan: descriptor "+strconv.Itoa(planFD)+" holds none")
		os.Exit(StatusExec)
	}
	p.report = reportFD
	runtime.LockOSThread() // namespaces are a thread's
	for i := range p.steps {
		s := &p.steps[i]
		if err := p.apply(s); err != nil {
			p.confess(i, err)
		}
	}
	os.Exit(StatusExec)
}

// confess reports the step that failed, and exits.
func (p *plan) confess(index int, err error) {
	s := &p.steps[index]
	status := s.statusOf(err)
	var e encoder
	e.int(index)
	e.int(int(sys.ErrnoOf(err)))
	e.int(status)
	_, _ = os.NewFile(uintptr(p.report), "report").Write(e.text)
	os.Exit(status)
}

// takeFiles moves the n files for the program down to 3 and up, and the report
// above them.
func (p *plan) takeFiles(n int) error {
	report, err := sys.DupAbove(p.report, filesFD+n)
	if err != nil {
		return err
	}
	p.report = report
	for i := range n {
		if err := sys.DupTo(filesFD+i, planFD+i); err != nil {
			return err
		}
	}
	_ = sys.CloseFD(planFD + n)
	_ = sys.CloseFD(reportFD + n)
	return nil
}
