package generator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rouse/internal/host/reap"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// Limit is how long all generators of a kind may take together. DefaultTimeoutStartSec=
// has no say in it.
const Limit = 90 * time.Second

// grace is how long those that took too long have after SIGTERM.
const grace = 5 * time.Second

// maxOutput is how much an environment generator may print.
const maxOutput = 1 << 20

// A Runner runs generators as children of the manager.
type Runner struct {
	Places
	// Start starts a process; spawn.Spawner has it. Its exit must come to Awaited.
	Start func(r *spawn.Request) (spawn.Process, error)
	// Log takes a line about what went wrong; going on without it is all that is done.
	Log func(line string)
	// Limit is how long all of a kind may take; 0 is the package's.
	Limit time.Duration

	*reap.Awaited
}

// Input is what generators are told.
type Input struct {
	Environ     []string // the environment of the manager's own process
	Environment []string // what the manager gives to all that it starts
	Variables   []string // $SYSTEMD_SCOPE and kin, for generators of units only
}

// Run empties the directories, runs all generators and returns when they have ended
// or were given up. It gives in.Environment with what the generators of environment
// variables made of it. It may block for a little more than twice the limit.
func (r *Runner) Run(ctx context.Context, in Input) []string {
	if err := r.empty(); err != nil {
		r.logf("empty the directories of generated units: %v", err)
	}
	env := in.Environment
	r.limited(ctx, func(ctx context.Context) {
		for _, path := range find(r.Environment) {
			child := value.MergeEnv(in.Environ, env)
			env = value.MergeEnv(env, r.variables(ctx, path, child))
		}
	})
	programs := find(r.Units)
	if len(programs) == 0 {
		return env
	}
	if err := r.make(); err != nil {
		r.logf("no generator is run: %v", err)
		return env
	}
	child := value.MergeEnv(in.Environ, env, in.Variables)
	r.limited(ctx, func(ctx context.Context) {
		var all sync.WaitGroup
		for _, path := range programs {
			all.Go(func() { r.run(ctx, path, child, -1, r.Normal, r.Early, r.Late) })
		}
		all.Wait()
	})
	r.trim()
	return env
}

// limited does something that must end in time.
func (r *Runner) limited(ctx context.Context, f func(context.Context)) {
	limit := r.Limit
	if limit == 0 {
		limit = Limit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	f(ctx)
}

// variables runs an environment generator and reads what it prints.
func (r *Runner) variables(ctx context.Context, path string, env []string) []string {
	read, write, err := os.Pipe()
	if err != nil {
		r.logf("%s: %v", path, err)
		return nil
	}
	text := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(read, maxOutput))
		read.Close() // what is too long finds nobody who reads it
		text <- b
	}()
	r.run(ctx, path, env, int(write.Fd()))
	write.Close()
	read.SetReadDeadline(time.Now().Add(time.Second)) // a child of its own may hold the pipe
	made, err := value.ParseEnvFile(<-text)
	if err != nil {
		r.logf("%s: its output is ignored: %v", path, err)
	}
	return made
}

// run runs one generator with its standard output in stdout.
func (r *Runner) run(ctx context.Context, path string, env []string, stdout int, args ...string) {
	if ctx.Err() != nil {
		r.logf("%s is not run: there was no time left", path)
		return
	}
	exited := make(chan reap.Exit, 1)
	plain := spawn.Plain()
	plain.WorkingDirectory = "/"
	p, err := r.Start(&spawn.Request{
		Unit:    filepath.Base(path),
		Command: value.Command{Path: path, Argv: append([]string{path}, args...)},
		Exec:    &plain,
		Env:     append(env[:len(env):len(env)], "SYSTEMD_EXEC_PID="),
		Stdin:   -1, Stdout: stdout, Stderr: 2, Cgroup: -1,
		Started: func(p spawn.Process) { r.Expect(p.PID, exited) },
	})
	if err != nil {
		r.logf("%s: %v", path, err)
	}
	if p.PID == 0 {
		return
	}
	x, ok := r.wait(ctx, p.PID, exited)
	switch {
	case !ok:
		r.logf("%s did not end (%v); going on without it", path, ctx.Err())
	case err != nil: // told already
	case x.Code != reap.Exited:
		r.logf("%s was ended by %s.", path, value.Signal(x.Status))
	case x.Status != 0:
		r.logf("%s failed with exit status %d.", path, x.Status)
	}
}

// wait waits for the end of a process. When its time is over it is told to end, and
// after a while it is killed, at once if ctx was cancelled; it is not waited for any
// longer then.
func (r *Runner) wait(ctx context.Context, pid int, exited chan reap.Exit) (reap.Exit, bool) {
	select {
	case x := <-exited:
		return x, true
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		r.signal(pid, value.SIGKILL)
		return reap.Exit{}, false
	}
	r.signal(pid, value.SIGTERM)
	last := time.NewTimer(grace)
	defer last.Stop()
	select {
	case <-exited:
	case <-last.C:
		r.signal(pid, value.SIGKILL)
	}
	return reap.Exit{}, false
}

func (r *Runner) signal(pid int, sig value.Signal) {
	if err := r.Signal(pid, sig); err != nil && !errors.Is(err, sys.ESRCH) {
		r.logf("signal generator %d: %v", pid, err)
	}
}

func (r *Runner) logf(format string, args ...any) { r.Log(fmt.Sprintf(format, args...)) }
