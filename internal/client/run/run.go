// Package run is systemd-run: a command as a transient service or scope, at once or by a
// timer, path or socket. It knows the options and what it prints, and drives rouse and
// systemd alike, over D-Bus. It answers for systemd-run(1).
package run

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/client/tool"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/transient"
	"rouse/internal/unit/value"
)

// Program is systemd-run.
var Program = tool.Program{
	Name: "systemd-run", Args: "COMMAND [ARGUMENTS...]", Stop: true,
	About: "Run the specified command in a transient scope or service",
	Flags: []tool.Flag{
		{Long: "no-ask-password", Help: "Do not prompt for password"},
		{Long: "system", Help: "Talk to the manager of the system"},
		{Long: "user", Help: "Talk to the manager of the user"},
		{Long: "scope", Help: "Run this as scope rather than service"},
		{Short: "u", Long: "unit", Arg: "UNIT", Help: "Run under the specified unit name"},
		{Short: "p", Long: "property", Arg: "NAME=VALUE", Help: "Set service or scope unit property"},
		{Long: "description", Arg: "TEXT", Help: "Description for unit"},
		{Long: "slice", Arg: "SLICE", Help: "Run in the specified slice"},
		{Long: "slice-inherit", Help: "Inherit the slice"},
		{Long: "no-block", Help: "Do not wait until operation finished"},
		{Short: "r", Long: "remain-after-exit",
			Help: "Leave service around until explicitly stopped"},
		{Long: "wait", Help: "Wait until service stopped again"},
		{Long: "send-sighup", Help: "Send SIGHUP when terminating"},
		{Long: "service-type", Arg: "TYPE", Help: "Service type"},
		{Long: "uid", Arg: "USER", Help: "Run as system user"},
		{Long: "gid", Arg: "GROUP", Help: "Run as system group"},
		{Long: "nice", Arg: "NICE", Help: "Nice level"},
		{Long: "working-directory", Arg: "PATH", Help: "Set working directory"},
		{Short: "d", Long: "same-dir", Help: "Inherit working directory from caller"},
		{Short: "E", Long: "setenv", Arg: "NAME[=VALUE]", Help: "Set environment variable"},
		{Short: "t", Long: "pty", Help: "Run service on pseudo TTY"},
		{Short: "P", Long: "pipe", Help: "Pass standard streams directly to service"},
		{Short: "q", Long: "quiet", Help: "Suppress information messages during runtime"},
		{Short: "G", Long: "collect", Help: "Unload unit after it ran, even when failed"},
		{Short: "S", Long: "shell", Help: "Invoke a $SHELL interactively"},
		{Long: "path-property", Arg: "NAME=VALUE", Help: "Set path unit property"},
		{Long: "socket-property", Arg: "NAME=VALUE", Help: "Set socket unit property"},
		{Long: "on-active", Arg: "SECONDS", Help: "Run after SECONDS delay"},
		{Long: "on-boot", Arg: "SECONDS", Help: "Run SECONDS after machine was booted up"},
		{Long: "on-startup", Arg: "SECONDS", Help: "Run SECONDS after systemd activation"},
		{Long: "on-unit-active", Arg: "SECONDS", Help: "Run SECONDS after the last activation"},
		{Long: "on-unit-inactive", Arg: "SECONDS", Help: "Run SECONDS after the last deactivation"},
		{Long: "on-calendar", Arg: "SPEC", Help: "Realtime timer"},
		{Long: "on-timezone-change", Help: "Run when the timezone changes"},
		{Long: "on-clock-change", Help: "Run when the realtime clock jumps"},
		{Long: "timer-property", Arg: "NAME=VALUE", Help: "Set timer unit property"},
	},
	Run: main,
}

// order is what is to be done.
type order struct {
	*tool.Run
	argv    []string
	scope   bool
	trigger name.Type // Timer, Path or Socket; Bad for none
	times   []directive.Property
	pty     bool
	pipe    bool
	wait    bool
	slice   string
	inform  func(format string, args ...any)
}

func main(r *tool.Run) (int, error) {
	o := &order{Run: r, argv: r.Args, inform: r.Say}
	if r.Has("quiet") {
		o.inform = func(string, ...any) {}
	}
	if err := o.read(); err != nil {
		return 1, err
	}
	c, err := o.dial()
	if err != nil {
		return 1, tool.Complain("Failed to connect to bus: %v", plainError(err))
	}
	defer c.conn.Close()
	switch {
	case o.scope:
		return c.runScope()
	case o.trigger != name.Bad:
		return c.runTrigger()
	}
	return c.runService()
}

// plainError is the innermost error, with a capital.
func plainError(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// timers are the options for timers, with the setting that each of them is.
var timers = [...][2]string{
	{"on-active", "OnActiveSec"}, {"on-boot", "OnBootSec"}, {"on-startup", "OnStartupSec"},
	{"on-unit-active", "OnUnitActiveSec"}, {"on-unit-inactive", "OnUnitInactiveSec"},
	{"on-calendar", "OnCalendar"},
}

// read checks what goes together.
func (o *order) read() error {
	o.scope, o.wait = o.Has("scope"), o.Has("wait")
	if err := o.readTimers(); err != nil {
		return err
	}
	kinds := 0
	for _, k := range [...]struct {
		given bool
		t     name.Type
	}{
		{len(o.times) > 0, name.Timer}, {o.Has("path-property"), name.Path},
		{o.Has("socket-property"), name.Socket},
	} {
		if k.given {
			kinds++
			o.trigger = k.t
		}
	}
	if err := o.readShell(); err != nil {
		return err
	}
	terminal := isTerminal(os.Stdin) && isTerminal(os.Stdout) && isTerminal(os.Stderr)
	o.pty, o.pipe = o.Has("pty") || o.Has("shell"), o.Has("pipe")
	if o.pty && o.pipe {
		o.pty, o.pipe = terminal, !terminal
	}
	named := o.Has("unit") && o.trigger != name.Bad
	streams := o.pty || o.pipe
	switch {
	case len(o.argv) == 0 && !named:
		return tool.Complain("Command line to execute required.")
	case o.scope && (o.Has("remain-after-exit") || o.Has("service-type")):
		return tool.Complain(
			"--remain-after-exit and --service-type= are not supported in --scope mode.")
	case streams && (o.trigger != name.Bad || o.scope):
		return tool.Complain("--pty/--pipe is not compatible in timer or --scope mode.")
	case o.scope && o.trigger != name.Bad:
		return tool.Complain("Path, socket or timer options are not supported in --scope mode.")
	case o.Has("timer-property") && len(o.times) == 0:
		return tool.Complain("--timer-property= has no effect without any other timer options.")
	case kinds > 1:
		return tool.Complain("Only single trigger (path, socket, timer) unit can be created.")
	case o.wait && o.Has("no-block"):
		return tool.Complain("--wait may not be combined with --no-block.")
	case o.wait && o.trigger != name.Bad:
		return tool.Complain("--wait may not be combined with path, socket or timer operations.")
	case o.wait && o.scope:
		return tool.Complain("--wait may not be combined with --scope.")
	}
	return o.readCommand()
}

// readShell carries out --shell.
func (o *order) readShell() error {
	if !o.Has("shell") {
		return nil
	}
	if len(o.argv) > 0 {
		return tool.Complain("If --shell is used, no command line is expected.")
	}
	shell := o.Getenv("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	o.argv, o.wait = []string{shell}, true
	return nil
}

func (o *order) readTimers() error {
	for _, t := range timers {
		for _, v := range o.Values(t[0]) {
			list, err := transient.Properties(name.Timer, t[1]+"="+v)
			switch {
			case err != nil && t[0] == "on-calendar":
				return tool.Complain("Failed to parse calendar event specification: Invalid argument")
			case err != nil:
				return tool.Complain("Failed to parse timer value: %s", v)
			}
			o.times = append(o.times, list...)
		}
	}
	for option, property := range map[string]string{
		"on-timezone-change": "OnTimezoneChange", "on-clock-change": "OnClockChange",
	} {
		if o.Has(option) {
			o.times = append(o.times, directive.Property{Name: property, Type: "b", Value: true})
		}
	}
	return nil
}

// readCommand finds the program, and checks the values that are ours to check.
func (o *order) readCommand() error {
	if nice := o.Value("nice"); nice != "" {
		if n, err := strconv.Atoi(nice); err != nil || n < -20 || n > 19 {
			return tool.Complain("Failed to parse nice value: %s", nice)
		}
	}
	for _, e := range o.Values("setenv") {
		key, _, _ := strings.Cut(e, "=")
		if !isVariable(key) {
			return tool.Complain("Cannot assign environment variable %s: Invalid argument", e)
		}
	}
	if len(o.argv) == 0 || strings.HasPrefix(o.argv[0], "/") {
		return nil
	}
	path, err := exec.LookPath(o.argv[0])
	if err != nil {
		return tool.Complain("Failed to find executable %s: No such file or directory", o.argv[0])
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	o.argv = append([]string{path}, o.argv[1:]...)
	return nil
}

// isVariable reports whether s is the name of a variable.
func isVariable(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// Assignments turns -p and kin, NAME=VALUE each, into properties of a unit of that type.
func Assignments(t name.Type, list []string) ([]directive.Property, error) {
	var all []directive.Property
	for _, a := range list {
		props, err := transient.Properties(t, a)
		var bad *transient.ErrPropertyValue
		switch {
		case errors.Is(err, transient.ErrNoProperty):
			return nil, tool.Complain("Unknown assignment: %s", a)
		case errors.As(err, &bad) && bad.Why == "not an assignment":
			return nil, tool.Complain("Not an assignment: %s", a)
		case err != nil:
			key, v, _ := strings.Cut(a, "=")
			return nil, tool.Complain("Failed to parse %s= value %s: %v", key, v, err)
		}
		all = append(all, props...)
	}
	return all, nil
}

func text(name, v string) directive.Property {
	return directive.Property{Name: name, Type: "s", Value: v}
}

func flag(name string) directive.Property {
	return directive.Property{Name: name, Type: "b", Value: true}
}

// common are the properties of services and scopes.
func (o *order) common(t name.Type) ([]directive.Property, error) {
	description := o.Value("description")
	if description == "" {
		words := make([]string, len(o.argv))
		for i, a := range o.argv {
			words[i] = shellWord(a)
		}
		description = strings.Join(words, " ")
	}
	if description == "" {
		description = o.Value("unit")
	}
	list := []directive.Property{text("Description", description)}
	if o.Has("collect") {
		list = append(list, text("CollectMode", "inactive-or-failed"))
	}
	own, err := Assignments(t, o.Values("property"))
	if err != nil {
		return nil, err
	}
	list = append(list, own...)
	if o.slice != "" {
		list = append(list, text("Slice", o.slice))
	}
	if o.Has("send-sighup") {
		list = append(list, flag("SendSIGHUP"))
	}
	return list, nil
}

// shellWord quotes a word for a shell where that is needed.
func shellWord(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\"'\\`$*?[]#~=%|&;<>(){}!") {
		return s
	}
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "`", "\\`", "$", `\$`).Replace(s) + `"`
}

// service are the properties of the service.
func (o *order) service(tty string) ([]directive.Property, error) {
	list, err := o.common(name.Service)
	if err != nil {
		return nil, err
	}
	if o.wait || o.pty || o.pipe {
		list = append(list, flag("AddRef"))
	}
	if o.Has("remain-after-exit") {
		list = append(list, flag("RemainAfterExit"))
	}
	for _, p := range [...][2]string{
		{"service-type", "Type"}, {"uid", "User"}, {"gid", "Group"},
	} {
		if v := o.Value(p[0]); v != "" {
			list = append(list, text(p[1], v))
		}
	}
	if n, err := strconv.Atoi(o.Value("nice")); err == nil {
		list = append(list, directive.Property{Name: "Nice", Type: "i", Value: int32(n)})
	}
	if dir := o.directory(); dir != "" {
		list = append(list, text("WorkingDirectory", dir))
	}
	env := o.environment()
	switch {
	case o.pty:
		for _, s := range [...]string{"StandardInput", "StandardOutput", "StandardError"} {
			list = append(list, text(s, "tty"))
		}
		list = append(list, text("TTYPath", tty))
		if term := o.Getenv("TERM"); term != "" {
			env = append([]string{"TERM=" + term}, env...)
		}
	case o.pipe:
		for i, s := range [...]string{"StandardInput", "StandardOutput", "StandardError"} {
			list = append(list, directive.Property{
				Name: s + "FileDescriptor", Type: "h", Value: uint32(i),
			})
		}
	}
	if len(env) > 0 {
		list = append(list, directive.Property{Name: "Environment", Type: "as", Value: env})
	}
	if len(o.argv) > 0 {
		list = append(list, directive.Property{Name: "ExecStart", Type: "a(sasb)",
			Value: []any{[]any{o.argv[0], o.argv, false}}})
	}
	return list, nil
}

// directory is where the service starts; "" is the manager's choice.
func (o *order) directory() string {
	if dir := o.Value("working-directory"); dir != "" {
		if abs, err := filepath.Abs(dir); err == nil && dir != "~" {
			return abs
		}
		return dir
	}
	if o.Has("same-dir") || o.Has("shell") {
		dir, _ := os.Getwd()
		return dir
	}
	return ""
}

// environment are the variables of --setenv; one without a value has ours.
func (o *order) environment() []string {
	var env []string
	for _, e := range o.Values("setenv") {
		if !strings.Contains(e, "=") {
			e += "=" + o.Getenv(e)
		}
		env = append(env, e)
	}
	return value.MergeEnv(env)
}
