package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"rouse/internal/host/identity"
	"rouse/internal/host/spawn"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// A line is the command line: properties in the order given, and a command.
type line struct {
	properties []directive.Assignment
	command    string   // -cmd, as in ExecStart=
	args       []string // or these
	strict     bool     // -enforce=strict
	report     bool     // -report
}

// shorts are short forms of properties of systemd.resource-control(5), named
// after the files of cgroups(7).
var shorts = []struct{ flag, usage string }{
	{"cpu_max", "CPUQuota=`PERCENT`"},
	{"mem_high", "MemoryHigh=`BYTES`"},
	{"mem_max", "MemoryMax=`BYTES`"},
	{"pids_max", "TasksMax=`NUMBER`"},
	{"swap_max", "MemorySwapMax=`BYTES`"},
}

// ioKeys are the words of -io_max, which are those of the file io.max.
var ioKeys = []struct{ key, property string }{
	{"rbps", "IOReadBandwidthMax"},
	{"wbps", "IOWriteBandwidthMax"},
	{"riops", "IOReadIOPSMax"},
	{"wiops", "IOWriteIOPSMax"},
}

func parse(args []string, stderr io.Writer) (*line, error) {
	l := &line{}
	fs := flag.NewFlagSet("restrict", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "Usage: restrict [OPTION...] [--] COMMAND [ARGUMENT...]")
		fs.PrintDefaults()
	}
	fs.StringVar(&l.command, "cmd", "", "the command as one `LINE`, with quotes as in ExecStart=")
	fs.BoolVar(&l.report, "report", false, "say of every setting what becomes of it here")
	fs.Func("enforce", "strict: run nothing with less than was asked for; best-effort (default)",
		l.enforce)
	fs.Func("p", "set a `NAME=VALUE` of systemd.exec(5)", l.property)
	for _, s := range shorts {
		property, _, _ := strings.Cut(s.usage, "=")
		fs.Func(s.flag, s.usage, func(v string) error { return l.property(property + "=" + v) })
	}
	fs.Func("io_max", "limits of a `[DEVICE] [N] [rbps=N] [wbps=N] [riops=N] [wiops=N]`", l.ioMax)
	// The flags' own complaint would come twice.
	fs.SetOutput(io.Discard)
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stderr)
		fs.Usage()
	}
	if err != nil {
		return nil, err
	}
	l.args = fs.Args()
	switch {
	case l.command == "" && len(l.args) == 0:
		return nil, errors.New("no command; try -help")
	case l.command == "" && l.args[0] == "":
		return nil, errors.New("the command is an empty word")
	case l.command != "" && len(l.args) > 0:
		return nil, fmt.Errorf("both -cmd and the command %s", l.args[0])
	}
	return l, nil
}

func (l *line) property(s string) error {
	property, v, ok := strings.Cut(s, "=")
	if !ok || property == "" {
		return errors.New("not NAME=VALUE")
	}
	l.properties = append(l.properties, directive.Assignment{
		Section: "Service", Name: property, Value: v, File: "-p",
	})
	return nil
}

// enforce reads the word of Enforce=.
func (l *line) enforce(word string) error {
	l.strict = word == unit.EnforceStrict.String()
	if !l.strict && word != unit.EnforceBestEffort.String() {
		return errors.New("not strict or best-effort")
	}
	return nil
}

// ioMax reads "DEVICE rbps=5M wiops=100", or "DEVICE 5M" for both bandwidths. Without a
// device, it is the one that holds the root directory. "5M/s" is 5M.
func (l *line) ioMax(s string) error {
	words := strings.Fields(s)
	if len(words) > 0 && !strings.HasPrefix(words[0], "/") {
		words = append([]string{"/"}, words...)
	}
	if len(words) < 2 {
		return errors.New("not DEVICE and limits")
	}
	for i, w := range words[1:] {
		words[1+i] = strings.TrimSuffix(w, "/s")
	}
	for _, w := range words[1:] {
		key, v, ok := strings.Cut(w, "=")
		found := false
		for _, k := range ioKeys {
			if k.key == key || !ok && strings.HasSuffix(k.key, "bps") {
				found = true
				if !ok {
					v = w
				}
				if err := l.property(k.property + "=" + words[0] + " " + v); err != nil {
					return err
				}
			}
		}
		if !found {
			return fmt.Errorf("%s: not one of rbps, wbps, riops, wiops", key)
		}
	}
	return nil
}

// A job is what a command line means.
type job struct {
	request *spawn.Request
	unit    *unit.Unit
	fresh   *unit.Unit        // one that sets nothing
	only    []string          // directives to be applied
	values  map[string]string // what was asked for, by property
}

// resolve parses the properties. A fault in any of them is an error: nobody
// would notice that the program runs without.
func (l *line) resolve(environ []string, users *identity.DB) (*job, error) {
	u := directive.New("restrict.service", name.Service, nil)
	j := &job{unit: u, values: map[string]string{}}
	for _, a := range l.properties {
		for _, f := range directive.Apply(u, a, nil) {
			if !f.Advice {
				return nil, fmt.Errorf("%s=%s: %s", a.Name, a.Value, f.Why)
			}
		}
		property := a.Name
		if row := directive.Lookup(a.Section, a.Name); row != nil && row.Same != "" {
			property = row.Same
		}
		j.values[property] = a.Value
		j.only = append(j.only, property)
	}
	_ = directive.Finish(u, nil, nil) // that it is no whole service does not matter
	j.fresh = directive.Fresh(u, nil, nil)
	for _, row := range directive.Differ(u, j.fresh) { // what they imply
		if !slices.Contains(j.only, row.Name) {
			j.only = append(j.only, row.Name)
		}
	}
	env := environment(environ, u.Exec, users)
	command, err := l.parseCommand(env)
	if err != nil {
		return nil, err
	}
	x := *u.Exec
	j.request = &spawn.Request{
		Command: command, Exec: &x, Env: env, Stdin: 0, Stdout: 1, Stderr: 2, Cgroup: -1,
	}
	if !strings.Contains(command.Path, "/") && !slices.Contains(j.only, "ExecSearchPath") {
		x.SearchPath = searchPath(env)
	}
	return j, nil
}

func (l *line) parseCommand(env []string) (value.Command, error) {
	if l.command == "" {
		return value.Command{Path: l.args[0], Argv: l.args}, nil
	}
	list, err := value.ParseCommands(l.command, nil)
	if err != nil {
		return value.Command{}, fmt.Errorf("-cmd %s: %w", l.command, err)
	}
	if len(list) != 1 {
		return value.Command{}, fmt.Errorf("-cmd %s: %d commands, not one", l.command, len(list))
	}
	c := list[0]
	if c.Flags&value.NoExpand == 0 {
		c.Argv = value.ExpandArgs(c.Argv, func(name string) (string, bool) { return lookup(env, name) })
	}
	if len(c.Argv) == 0 {
		return c, fmt.Errorf("-cmd %s: the variables in it leave nothing", l.command)
	}
	return c, nil
}

// environment is that of the program: our own, what User= brings with it, and
// what Environment= and UnsetEnvironment= change.
func environment(environ []string, x *unit.Exec, users *identity.DB) []string {
	env := slices.Clone(environ)
	if u, err := users.User(x.User); err == nil && x.User != "" {
		for _, kv := range []string{
			"HOME=" + u.Home, "LOGNAME=" + u.Name, "USER=" + u.Name, "SHELL=" + u.Shell,
		} {
			env = set(env, kv)
		}
	}
	for _, kv := range x.Environment {
		env = set(env, kv)
	}
	return slices.DeleteFunc(env, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(x.UnsetEnvironment, kv) || slices.Contains(x.UnsetEnvironment, name)
	})
}

// set replaces the variable that kv assigns, or adds it.
func set(env []string, kv string) []string {
	name, _, _ := strings.Cut(kv, "=")
	env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	return append(env, kv)
}

func lookup(env []string, name string) (string, bool) {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// searchPath is $PATH, where a shell would look too.
func searchPath(env []string) []string {
	var list []string
	path, _ := lookup(env, "PATH")
	for dir := range strings.SplitSeq(path, string(os.PathListSeparator)) {
		if strings.HasPrefix(dir, "/") {
			list = append(list, dir)
		}
	}
	return list
}
