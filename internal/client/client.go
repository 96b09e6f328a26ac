// Package client is the command rouse, which answers to systemctl's arguments as
// well: a table of verbs, what they ask of the manager, and how the answers look.
// It speaks to a face.Manager and reads unit files where systemctl reads them
// itself. It knows nothing of how the manager decides. It answers for
// systemctl(1).
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"rouse/internal/face"
	"rouse/internal/unit/specifier"
)

// Env is all that the command sees of the world.
type Env struct {
	Args           []string // with the name of the command itself
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Environ        func() []string
	// Dial connects to the manager of the system, or of the user, at socket, or at
	// the usual place if that is "".
	Dial func(ctx context.Context, user bool, socket string) (face.Manager, error)
	// DialBus connects by D-Bus, which answers more; nil is not at all.
	DialBus func(user bool) (face.Manager, error)
	// LogControl reads a property of org.freedesktop.LogControl1 of who has the name on
	// the bus, and sets it first unless to is "". org.freedesktop.LogControl1(5).
	LogControl func(user bool, name, property, to string) (now string, err error)
	// Root opens a root directory, "/" or that of --root.
	Root func(dir string) fs.ReadLinkFS
	Now  func() time.Time
	// Monotonic is CLOCK_MONOTONIC in microseconds; 0 if it cannot be told.
	Monotonic func() uint64
	Local     *time.Location
	// Facts gives what specifiers tell of the machine whose root directory is given.
	Facts func(root string) *specifier.Machine
	// Exec runs another program on the terminal of this one and gives its exit status.
	Exec func(argv []string) (status int, err error)
	// ErrorText says what an error number of the kernel means.
	ErrorText func(errno int) string
	Terminal  bool // standard output is a terminal
	Width     int  // of the terminal; 0 is unknown
	Version   string
}

// The exit statuses of systemctl, which are those of LSB init scripts.
const (
	exitOK            = 0
	exitFailure       = 1
	exitNotApplicable = 3 // also: not active
	exitNoPermission  = 4 // also: no such unit
	exitNotInstalled  = 5
)

// app is one run of the command.
type app struct {
	Env
	opts options
	verb *verb
	mgr  face.Manager
	ctx  context.Context
	look look

	sysvEnabled bool // is-enabled has found an init script that is
}

// Run carries out the command and gives its exit status.
func Run(ctx context.Context, env Env) int {
	if p, args := program(env.Args); p != nil {
		env.Args = args
		return p.Main(ctx, env.tool())
	}
	a := &app{Env: env, ctx: ctx}
	if a.name() == "runlevel" {
		return a.runlevel()
	}
	args, err := a.opts.parse(env.Args[1:])
	if err != nil {
		fmt.Fprintf(a.Stderr, "%s: %v\n", a.name(), err)
		return exitFailure
	}
	status := exitFailure
	if err = a.opts.check(); err == nil {
		a.look = newLook(env)
		status, err = a.run(args)
	}
	if c, ok := a.mgr.(io.Closer); ok {
		c.Close()
	}
	var told *failed
	switch {
	case err == nil:
		return status
	case errors.As(err, &told):
		fmt.Fprintln(a.Stderr, told.text)
		return told.status
	default:
		fmt.Fprintln(a.Stderr, err)
		return exitFailure
	}
}

// name is what the command was called as.
func (a *app) name() string { return filepath.Base(a.Args[0]) }

// run finds the verb and carries it out.
func (a *app) run(args []string) (int, error) {
	if done, err := a.special(); done || err != nil {
		return exitOK, err
	}
	if a.opts.host != "" {
		return a.remotely()
	}
	word := "list-units"
	if len(args) > 0 {
		word, args = args[0], args[1:]
	}
	a.verb = verbNamed(word)
	if a.verb == nil {
		return exitFailure, complain("Unknown command verb %s.", word)
	}
	switch {
	case len(args) < a.verb.min:
		return exitFailure, complain("Too few arguments.")
	case a.verb.max >= 0 && len(args) > a.verb.max:
		return exitFailure, complain("Too many arguments.")
	}
	if a.opts.machine != "" {
		return exitFailure, complain("Containers are not known here; " +
			"run this command in it, for instance through nsenter.")
	}
	return a.verb.run(a, args)
}

// special answers the options that stand for a verb.
func (a *app) special() (done bool, err error) {
	switch {
	case a.opts.help:
		return true, a.help()
	case a.opts.version:
		if a.name() == "systemctl" {
			// Scripts look for the number of the version whose behaviour this is.
			fmt.Fprintf(a.Stdout, "systemd 252 (rouse %s)\n", a.Version)
		} else {
			fmt.Fprintf(a.Stdout, "rouse %s\n", a.Version)
		}
		return true, nil
	}
	return a.opts.listWords(a.Stdout)
}

// failed is a message for the user, in systemctl's words where it has some, with
// an exit status. It is not for other packages.
type failed struct {
	status int
	text   string
}

func (f *failed) Error() string { return f.text }

// complain makes a message with exit status 1.
func complain(format string, args ...any) error {
	return &failed{exitFailure, fmt.Sprintf(format, args...)}
}

// manager connects to the manager, once.
func (a *app) manager() (face.Manager, error) {
	if a.mgr != nil {
		return a.mgr, nil
	}
	m, err := a.Dial(a.ctx, a.opts.user, a.opts.socket)
	if err != nil {
		return nil, complain("Failed to connect to the manager: %v\n"+
			"hint: is roused running? --user and --system choose between managers, "+
			"--socket=PATH names one", err)
	}
	a.mgr = m
	return m, nil
}

// say prints a line of information, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.opts.quiet {
		fmt.Fprintf(a.Stdout, format, args...)
	}
}

// warn prints a line on standard error.
func (a *app) warn(format string, args ...any) { fmt.Fprintf(a.Stderr, format+"\n", args...) }
