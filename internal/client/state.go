package client

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"strconv"

	"rouse/internal/face"
)

func isActive(a *app, args []string) (int, error) {
	return a.check(args, exitNotApplicable, "active", "reloading")
}

func isFailed(a *app, args []string) (int, error) { return a.check(args, exitFailure, "failed") }

// check prints the active state of each unit; the status is 0 if one of them has
// one of the states.
func (a *app) check(args []string, otherwise int, states ...string) (int, error) {
	units, err := a.resolve(args)
	if err != nil {
		return exitFailure, err
	}
	if _, err := a.manager(); err != nil {
		return exitFailure, err
	}
	status := otherwise
	for _, u := range units {
		active := a.activeState(u)
		a.say("%s\n", active)
		for _, s := range states {
			if active == s {
				status = exitOK
			}
		}
	}
	return status, nil
}

// isSystemRunning prints the state of the system; with --wait it waits until the
// start-up is over.
func isSystemRunning(a *app, _ []string) (int, error) {
	m, err := a.manager()
	if err != nil {
		a.say("offline\n")
		return exitFailure, nil
	}
	var events <-chan face.Event
	if a.opts.wait {
		w, err := a.watch(m)
		if err != nil {
			return exitFailure, err
		}
		defer w.close()
		events = w.events
	}
	for {
		i, err := m.Info(a.ctx)
		if err != nil {
			a.say("unknown\n")
			return exitFailure, nil
		}
		starting := i.SystemState == "initializing" || i.SystemState == "starting"
		if a.opts.wait && starting {
			if _, ok := <-events; ok {
				continue
			}
		}
		a.say("%s\n", i.SystemState)
		if i.SystemState == "running" {
			return exitOK, nil
		}
		return exitFailure, nil
	}
}

func daemonReload(a *app, _ []string) (int, error) {
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	r, err := m.Reload(a.ctx, false)
	if err != nil {
		return exitFailure, complain("Failed to reload daemon: %v", err)
	}
	if a.name() == "systemctl" || a.opts.quiet {
		return exitOK, nil // it says nothing
	}
	for _, f := range r.Faults {
		a.warn("%s", f)
	}
	if len(r.Added)+len(r.Changed)+len(r.Removed) > 0 {
		a.say("%d added, %d changed, %d removed\n", len(r.Added), len(r.Changed), len(r.Removed))
	}
	return exitOK, nil
}

// daemonReexec returns when the new program has taken over.
func daemonReexec(a *app, _ []string) (int, error) {
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	if err := m.Reexecute(a.ctx); err != nil {
		return exitFailure, complain("Failed to reload daemon: %v", err)
	}
	return exitOK, nil
}

// shutdown ends the manager, and with it the machine if the verb says so.
func shutdown(a *app, args []string) (int, error) {
	code := a.opts.exitCode
	if a.verb.name == "exit" && len(args) == 1 {
		n, err := strconv.ParseUint(args[0], 10, 8)
		if err != nil {
			return exitFailure, complain("Invalid exit code.")
		}
		code = uint8(n)
	}
	if a.opts.dryRun {
		a.say("Would %s.\n", a.verb.name)
		return exitOK, nil
	}
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	if err := m.Shutdown(a.ctx, a.verb.name, code); err != nil {
		return exitFailure, complain("Failed to %s: %v", a.verb.name, err)
	}
	return exitOK, nil
}

// The layout of a record of utmp(5), and the type of the one that tells the run level.
const (
	utmpRecord   = 384
	utmpRunLevel = 1
)

// runlevel answers the command of that name, which init scripts and packages call: the run
// level before and now, as utmp has them. runlevel(8).
func (a *app) runlevel() int {
	text, _ := fs.ReadFile(a.Root("/"), "run/utmp") // what cannot be read tells nothing
	level := func(b byte) string {
		if b == 0 {
			return "N"
		}
		return string(rune(b))
	}
	shown := ""
	for ; len(text) >= utmpRecord; text = text[utmpRecord:] {
		if binary.NativeEndian.Uint16(text) == utmpRunLevel {
			levels := binary.NativeEndian.Uint32(text[4:])
			shown = level(byte(levels>>8)) + " " + level(byte(levels))
		}
	}
	if shown == "" {
		fmt.Fprintln(a.Stdout, "unknown")
		return exitFailure
	}
	fmt.Fprintln(a.Stdout, shown)
	return exitOK
}
