// Command testservice is a service to try a service manager with. As its flags
// say, it tells the manager that it is ready, answers the watchdog, checks the
// sockets it was handed and answers on them, leaves a process behind, or ends
// with a given status. It knows only what a manager promises every service: the
// protocol of sd_notify(3), the variables of sd_listen_fds(3), and signals. It
// must not know rouse.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// options is what the flags say.
type options struct {
	sockets bool
	names   string
	notify  bool
	ready   time.Duration
	stuck   int
	orphan  bool
	linger  time.Duration
	touch   string
	need    string
	name    string
	every   time.Duration
	after   time.Duration
	status  int
	oneshot bool
}

// main runs the service until it is told to end, or has nothing more to do.
func main() {
	o := flags(os.Args[1:])
	log := newLog(os.Stdout)
	if o.linger > 0 {
		linger(o.linger)
		return
	}
	code, err := run(o, log)
	if err != nil {
		fmt.Fprintf(os.Stderr, "testservice: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

// flags reads the command line; a wrong one ends the program with status 2.
func flags(args []string) options {
	var o options
	f := flag.NewFlagSet("testservice", flag.ExitOnError)
	f.BoolVar(&o.sockets, "sockets", false, "check the sockets handed over, and answer on them")
	f.StringVar(&o.names, "names", "", "what LISTEN_FDNAMES must be (`A:B`)")
	f.BoolVar(&o.notify, "notify", false, "tell the manager READY=1, STATUS= and WATCHDOG=1")
	f.DurationVar(&o.ready, "ready-after", 0, "be ready only after `D`")
	f.IntVar(&o.stuck, "stuck-after", 0, "stop answering the watchdog after `N` answers")
	f.BoolVar(&o.orphan, "orphan", false, "leave a process behind, in a session of its own")
	f.DurationVar(&o.linger, "linger", 0, "be that process: do nothing for `D`")
	f.StringVar(&o.touch, "touch", "", "write the process ID to `FILE`, making its directory")
	f.StringVar(&o.need, "need", "", "fail unless `FILE` is there")
	f.StringVar(&o.name, "name", "", "print this `NAME` with each line of -every")
	f.DurationVar(&o.every, "every", 0, "print a line every `D`")
	f.DurationVar(&o.after, "exit-after", 0, "end after `D`")
	f.IntVar(&o.status, "status", 0, "end with status `N`")
	f.BoolVar(&o.oneshot, "oneshot", false, "end when the work is done")
	_ = f.Parse(args) // ExitOnError
	return o
}

// run does what o says and returns the exit status.
func run(o options, log *logger) (int, error) {
	if o.need != "" {
		if _, err := os.Stat(o.need); err != nil {
			return 0, fmt.Errorf("needed before the start: %w", err)
		}
	}
	if o.touch != "" {
		if err := touch(o.touch); err != nil {
			return 0, err
		}
		log.printf("wrote %s", o.touch)
	}
	if o.orphan {
		pid, err := leaveOrphan()
		if err != nil {
			return 0, err
		}
		log.printf("left process %d behind", pid)
	}
	if o.oneshot {
		return o.status, nil
	}
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer end()
	if o.after > 0 {
		ctx, end = context.WithTimeout(ctx, o.after)
		defer end()
	}
	if err := serve(ctx, o, log); err != nil {
		return 0, err
	}
	log.printf("ending")
	return o.status, nil
}

// serve runs everything that goes on until ctx ends, and waits for all of it.
func serve(ctx context.Context, o options, log *logger) error {
	manager, err := dialManager(os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	if o.notify && manager == nil {
		return errors.New("NOTIFY_SOCKET is not set: this service was not started with Type=notify")
	}
	var work sync.WaitGroup
	defer work.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	if o.sockets {
		s, err := inherit(os.Getenv, os.Getpid(), o.names)
		if err != nil {
			return err
		}
		log.printf("was handed %s", s)
		s.answer(ctx, &work, log)
	}
	if !wait(ctx, o.ready) {
		return nil
	}
	if o.notify {
		err := manager.tell(fmt.Sprintf("STATUS=Serving as process %d\nREADY=1", os.Getpid()))
		if err != nil {
			return err
		}
		log.printf("told the manager: ready")
		work.Go(func() { manager.feedWatchdog(ctx, os.Getenv, o.stuck, log) })
	}
	if o.every > 0 {
		work.Go(func() { tick(ctx, o, log) })
	}
	<-ctx.Done()
	if o.notify {
		return manager.tell("STOPPING=1\nSTATUS=Ending")
	}
	return nil
}

// wait reports whether d has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tick prints a line every o.every until ctx ends.
func tick(ctx context.Context, o options, log *logger) {
	for n := 1; ; n++ {
		log.printf("%s works, round %d", o.name, n)
		if !wait(ctx, o.every) {
			return
		}
	}
}

// touch writes the process ID to the file path.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644)
}

// linger does nothing for d; a signal ends it as it ends any program.
func linger(d time.Duration) {
	<-time.After(d)
}

// leaveOrphan starts a process that leaves the session and outlives this one for
// an hour, unless the manager finds it when the service stops.
func leaveOrphan() (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	p, err := os.StartProcess(self, []string{self, "-linger=1h"}, &os.ProcAttr{
		Files: []*os.File{nil, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, fmt.Errorf("start the process left behind: %w", err)
	}
	pid := p.Pid
	return pid, p.Release()
}

// logger prints whole lines, from any goroutine.
type logger struct {
	mu  sync.Mutex
	out io.Writer
}

// newLog gives a logger that prints to out.
func newLog(out io.Writer) *logger { return &logger{out: out} }

// printf prints one line.
func (l *logger) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, format+"\n", args...)
}
