package client

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"rouse/internal/client/run"
	"rouse/internal/face"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// busManager connects by D-Bus where that is possible: not all can be asked otherwise.
func (a *app) busManager() (face.Manager, error) {
	if a.mgr == nil && a.DialBus != nil && a.opts.socket == "" {
		if m, err := a.DialBus(a.opts.user); err == nil {
			a.mgr = m
		}
	}
	return a.manager()
}

// eachUnit does something to units, one after the other.
func (a *app) eachUnit(
	args []string, what string, do func(m face.Manager, unit string) error,
) (int, error) {
	units, err := a.mangleAll(args, ".service")
	if err != nil {
		return exitFailure, err
	}
	m, err := a.busManager()
	if err != nil {
		return exitFailure, err
	}
	status := exitOK
	for _, u := range units {
		if err := do(m, u); err != nil {
			a.warn("Failed to %s unit %s: %v", what, u, err)
			status = exitFailure
		}
	}
	return status, nil
}

// setProperty sets settings of a unit now and, without --runtime, for ever.
func setProperty(a *app, args []string) (int, error) {
	u, err := a.mangle(args[0], ".service")
	if err != nil {
		return exitFailure, err
	}
	settings, err := run.Assignments(name.TypeOf(u), args[1:])
	if err != nil {
		return exitFailure, err
	}
	var list []face.Property
	for _, s := range settings {
		list = append(list, face.Property(s))
	}
	m, err := a.busManager()
	if err != nil {
		return exitFailure, err
	}
	if err := m.SetProperties(a.ctx, u, a.opts.runtime, list); err != nil {
		return exitFailure, complain("Failed to set unit properties on %s: %v", u, err)
	}
	return exitOK, nil
}

func freeze(a *app, args []string) (int, error) {
	return a.eachUnit(args, "freeze", func(m face.Manager, u string) error {
		return m.Freeze(a.ctx, u)
	})
}

func thaw(a *app, args []string) (int, error) {
	return a.eachUnit(args, "thaw", func(m face.Manager, u string) error { return m.Thaw(a.ctx, u) })
}

func clean(a *app, args []string) (int, error) {
	what := words(a.opts.what)
	if len(what) == 0 {
		what = []string{"cache", "runtime"}
	}
	return a.eachUnit(args, "clean", func(m face.Manager, u string) error {
		return m.Clean(a.ctx, u, what)
	})
}

// bindMount mounts something into the file systems that a running unit sees.
func bindMount(a *app, args []string) (int, error) {
	r := face.MountRequest{Source: args[1], Destination: args[1], ReadOnly: a.opts.readOnly,
		MakeDirectory: a.opts.mkdir, Image: a.verb.name == "mount-image"}
	what := "bind mount"
	if r.Image {
		what = "mount image"
	}
	if len(args) > 2 {
		r.Destination = args[2]
	}
	if r.Image && len(args) > 3 {
		for o := range strings.SplitSeq(args[3], ",") {
			partition, option, ok := strings.Cut(o, ":")
			if !ok {
				partition, option = "root", o
			}
			r.Options = append(r.Options, [2]string{partition, option})
		}
	}
	u, err := a.mangle(args[0], ".service")
	if err != nil {
		return exitFailure, err
	}
	m, err := a.busManager()
	if err != nil {
		return exitFailure, err
	}
	r.Unit = u
	if err := m.BindMount(a.ctx, r); err != nil {
		return exitFailure, complain("Failed to %s: %v", what, err)
	}
	return exitOK, nil
}

// managerSettings are verbs that show or set a property of the manager.
var managerSettings = map[string]struct{ property, what string }{
	"log-level":         {"LogLevel", "log level"},
	"log-target":        {"LogTarget", "log target"},
	"service-watchdogs": {"ServiceWatchdogs", "service-watchdog state"},
}

func managerSetting(a *app, args []string) (int, error) {
	s := managerSettings[a.verb.name]
	m, err := a.busManager()
	if err != nil {
		return exitFailure, err
	}
	if len(args) == 0 {
		list, err := m.ManagerProperties(a.ctx, []string{s.property})
		if err != nil || len(list) == 0 {
			return exitFailure, complain("Failed to get %s: %v", s.what, err)
		}
		if on, ok := list[0].Value.(bool); ok {
			fmt.Fprintln(a.Stdout, value.FormatBool(on))
		} else {
			fmt.Fprintln(a.Stdout, list[0].Value)
		}
		return exitOK, nil
	}
	p := face.Property{Name: s.property, Type: "s", Value: args[0]}
	switch a.verb.name {
	case "service-watchdogs":
		on, err := value.ParseBool(args[0])
		if err != nil {
			return exitFailure, complain("Failed to parse service-watchdogs argument: Invalid argument")
		}
		p.Type, p.Value = "b", on
	case "log-level":
		if _, ok := linux.Level(args[0]); !ok {
			return exitFailure, complain("\"%s\" is not a valid log level.", args[0])
		}
	}
	if err := m.SetManagerProperty(a.ctx, p); err != nil {
		return exitFailure, complain("Failed to set %s of org.freedesktop.systemd1 to %s: %v",
			s.what, args[0], err)
	}
	return exitOK, nil
}

// serviceSetting asks or tells a service itself, by its name on the bus.
func serviceSetting(a *app, args []string) (int, error) {
	u, err := a.mangle(args[0], ".service")
	if err != nil {
		return exitFailure, err
	}
	p, err := a.properties(u, "BusName")
	if err != nil {
		return exitFailure, err
	}
	bus := p.string("BusName")
	if bus == "" {
		return exitFailure, complain("Unit %s doesn't declare BusName=.\n"+
			"Hint: the service must declare BusName= and implement the appropriate D-Bus interface.\n"+
			"      See the org.freedesktop.LogControl1(5) man page for details.", u)
	}
	property, what := "LogLevel", "level"
	if a.verb.name == "service-log-target" {
		property, what = "LogTarget", "target"
	}
	to := ""
	if len(args) > 1 {
		to = args[1]
		if _, ok := linux.Level(to); !ok && what == "level" {
			return exitFailure, complain("\"%s\" is not a valid log level.", to)
		}
	}
	now, err := a.LogControl(a.opts.user, bus, property, to)
	switch {
	case err != nil && to == "":
		return exitFailure, complain("Failed to get log %s of %s: %v", what, bus, err)
	case err != nil:
		return exitFailure, complain("Failed to set log %s of %s to %s: %v", what, bus, to, err)
	case to == "":
		fmt.Fprintln(a.Stdout, now)
	}
	return exitOK, nil
}

func switchRoot(*app, []string) (int, error) {
	return exitFailure, complain("Failed to switch root: this manager was not started in an initrd")
}

// listMachines: the manager knows no others than this one.
func listMachines(a *app, args []string) (int, error) {
	m, err := a.manager()
	if err != nil {
		return exitFailure, err
	}
	i, err := m.Info(a.ctx)
	if err != nil {
		return exitFailure, complain("Failed to ask the manager: %v", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	t := &table{head: []string{"", "NAME", "STATE", "FAILED", "JOBS"}, keep: 1}
	b := &strings.Builder{}
	n := 0
	if len(args) == 0 || slices.Contains(args, host) || slices.Contains(args, ".host") {
		n++
		t.add(cell{text: " "}, cell{text: host + " (host)"}, cell{text: i.SystemState},
			cell{text: fmt.Sprint(i.Failed)}, cell{text: fmt.Sprint(i.Jobs)})
	}
	t.write(b, a.look, a.opts.legend, a.opts.full)
	if a.opts.legend {
		fmt.Fprintf(b, "\n%d machines listed.\n", n)
	}
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

func listAutomounts(a *app, args []string) (int, error) {
	units, err := a.unitsOfType(name.Automount, args)
	if err != nil {
		return exitFailure, err
	}
	t := &table{head: []string{"WHAT", "WHERE", "MOUNTED", "IDLE TIMEOUT", "UNIT"}, keep: 1}
	for _, u := range units {
		p, err := a.properties(u.Name, "Where", "TimeoutIdleUSec")
		if err != nil {
			return exitFailure, err
		}
		what, idle := "", "0"
		if n := p.number("TimeoutIdleUSec"); n > 0 {
			idle = value.Span(n).String()
		}
		if mount, err := name.WithSuffix(u.Name, ".mount"); err == nil {
			if q, err := a.properties(mount, "What"); err == nil {
				what = q.string("What")
			}
		}
		t.add(cell{text: orDash(what)}, cell{text: p.string("Where")},
			cell{text: value.FormatBool(u.Sub == "running")},
			cell{text: idle}, cell{text: u.Name})
	}
	b := &strings.Builder{}
	t.write(b, a.look, a.opts.legend, a.opts.full)
	a.foot(b, len(units), "automounts")
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

// remotely runs the command on another host, through ssh.
func (a *app) remotely() (int, error) {
	if a.Exec == nil {
		return exitFailure, complain("Another host cannot be asked from here.")
	}
	host, words := a.opts.host, []string{"systemctl"}
	rest := a.Args[1:]
	for i := 0; i < len(rest); i++ {
		switch arg := rest[i]; {
		case arg == "-H" || arg == "--host":
			i++
		case strings.HasPrefix(arg, "--host="), strings.HasPrefix(arg, "-H"):
		default:
			words = append(words, shellQuote(arg))
		}
	}
	argv := []string{"ssh", "-x"}
	if !a.Terminal {
		argv = append(argv, "-T")
	}
	if at, port, ok := strings.Cut(host, ":"); ok {
		host = at
		argv = append(argv, "-p", port)
	}
	status, err := a.Exec(append(argv, "--", host, strings.Join(words, " ")))
	if err != nil {
		return exitFailure, complain("Failed to run ssh: %v", err)
	}
	return status, nil
}

// shellQuote makes a word that a shell takes as it is.
func shellQuote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./:@,%+"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func showEnvironment(a *app, _ []string) (int, error) {
	v, err := a.own("Environment")
	if err != nil {
		return exitFailure, complain("Failed to get environment: %v", err)
	}
	list, _ := v.([]string)
	for _, assignment := range list {
		fmt.Fprintln(a.Stdout, shellAssignment(assignment))
	}
	return exitOK, nil
}

func setEnvironment(a *app, args []string) (int, error) { return a.environ(nil, args) }

func unsetEnvironment(a *app, args []string) (int, error) { return a.environ(args, nil) }

func (a *app) environ(unset, set []string) (int, error) {
	m, err := a.busManager()
	if err == nil {
		err = m.SetEnvironment(a.ctx, unset, set)
	}
	if err != nil {
		return exitFailure, complain("Failed to set environment: %v", err)
	}
	return exitOK, nil
}

// importEnvironment hands on variables of this process's own environment.
func importEnvironment(a *app, args []string) (int, error) {
	own := a.Environ()
	var set []string
	if len(args) == 0 {
		a.warn("Calling %s without a list of variable names is deprecated.", a.verb.name)
		for _, e := range own {
			if value.ValidEnvAssign(e) {
				set = append(set, e)
			}
		}
	}
	for _, n := range args {
		if !value.ValidEnvName(n) {
			return exitFailure, complain("Not a valid environment variable name: %s", n)
		}
		v, ok := value.LookupEnv(own, n)
		if !ok {
			a.warn("Environment variable $%s not set, ignoring.", n)
			continue
		}
		set = append(set, n+"="+v)
	}
	if len(set) == 0 {
		return exitOK, nil
	}
	code, err := a.environ(nil, set)
	if err != nil {
		err = complain("%s", strings.Replace(err.Error(), "set", "import", 1))
	}
	return code, err
}

// own gives a property of the manager.
func (a *app) own(property string) (any, error) {
	m, err := a.busManager()
	if err != nil {
		return nil, err
	}
	list, err := m.ManagerProperties(a.ctx, []string{property})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the manager has no property %s", property)
	}
	return list[0].Value, nil
}
