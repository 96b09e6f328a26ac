package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rouse/internal/face/dbus"
	"rouse/internal/graph"
	"rouse/internal/host/credentials"
	"rouse/internal/host/dirs"
	"rouse/internal/host/generator"
	"rouse/internal/host/identity"
	"rouse/internal/host/machine"
	"rouse/internal/host/mounts"
	"rouse/internal/host/pam"
	"rouse/internal/host/proc"
	"rouse/internal/manager"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// systemPath is the search path of services. systemd.exec(5), PATH=.
const systemPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// setUp reads the configuration of the manager and of the machine, and limits the manager
// as that says.
func setUp(o *options) (manager.Config, error) {
	users := identity.New("")
	facts := machine.Facts(users)
	conf, faults := readConfig(o)
	for _, f := range faults {
		say(f.String())
	}
	o.settle(conf)
	if !o.test {
		confine(o, conf)
		for _, v := range conf.Environment {
			name, word, _ := strings.Cut(v, "=")
			if err := os.Setenv(name, word); err != nil {
				return manager.Config{}, fmt.Errorf("ManagerEnvironment=: %w", err)
			}
		}
	}
	d := &conf.Defaults
	path := load.SearchPath(o.user, os.Getenv, o.unitPath)
	c := manager.Config{
		Version: version, User: o.user, Init: o.init, Target: o.target, RuntimeDir: "/run",
		DynamicUsers: "/run/systemd/dynamic-uid",
		Environ:      os.Environ(), Console: console(o), Level: o.level, UnitPath: path,
		LogTarget: o.logTarget, Conf: conf, Enforce: o.enforce,
		Reread:      func() (*directive.Manager, []unit.Fault) { return readConfig(o) },
		Environment: d.Environment, Output: d.Stdout, OutputError: d.Stderr, Cgroups: o.cgroups,
	}
	if id, err := facts.MachineID(); err == nil {
		c.MachineID = id
	}
	loading := load.Config{
		FS: root(), Path: path, User: o.user, Machine: facts, Defaults: d,
	}
	if o.user {
		if err := forUser(&c, &loading); err != nil {
			return c, err
		}
	} else {
		c.Environment = systemEnvironment(o, d.Environment)
		c.NewEnvironment = func() []string { return systemEnvironment(o, d.Environment) }
		c.Bases = dirs.SystemBases
		c.Stamps = "/var/lib/systemd/timers"
		if !o.init {
			c.RuntimeDir = runtimeDir(o)
		}
	}
	if self, err := os.Executable(); err == nil {
		c.PAM = pam.Find(self)
	}
	c.Credentials.Base = filepath.Join(c.Bases[unit.RuntimeDirectory], "credentials")
	receive(o, &c.Credentials)
	mounted := useMounts(&c, &loading)
	if *o.generators {
		places := generator.PlacesOf(o.user, c.RuntimeDir, os.Getenv)
		c.Generators = &places
	}
	loading.Complete = graph.Ground{
		User: o.user, Container: o.container, Bases: c.Bases, Stdout: d.Stdout, Mounted: mounted,
	}.Complete
	c.Loader = load.New(loading)
	return c, nil
}

// runtimeDir is where the sockets of a system manager are that is not PID 1: where clients
// look for them, unless another manager has its own there. The next program has to take the
// same one, whose sockets answer by then.
func runtimeDir(o *options) string {
	if o.runtimeDir == "" {
		o.runtimeDir = filepath.Dir(filepath.Dir(o.socket))
		private := filepath.Join(o.runtimeDir, dbus.PrivateSocket)
		if c, err := net.DialTimeout("unix", private, time.Second); err == nil {
			c.Close()
			o.runtimeDir = filepath.Dir(o.socket)
		}
	}
	return o.runtimeDir
}

// readConfig reads system.conf or user.conf, and what defaults depend upon besides.
func readConfig(o *options) (*directive.Manager, []unit.Fault) {
	conf, faults := manager.ReadConfig(root(), o.user)
	d := &conf.Defaults
	d.Inherited, d.MemoryTotal, d.TasksTotal = machine.Limits(), machine.Memory(), machine.Tasks()
	d.Architecture, d.NUMANodes, d.OwnKeyring = machine.Architecture(), machine.Nodes(), o.user
	return conf, faults
}

// systemEnvironment is what services of the system are given: the PATH, of a machine
// its language, and DefaultEnvironment=, sorted.
func systemEnvironment(o *options, defaults []string) []string {
	env := []string{systemPath}
	if o.init {
		line := ""
		if !o.container {
			line, _ = proc.CommandLine()
		}
		env = append(env, machine.Locale(line)...)
	}
	env = value.MergeEnv(env, defaults)
	slices.Sort(env)
	return env
}

// receive has the manager use the credentials that it was given, and PID 1 those of the
// machine.
func receive(o *options, s *credentials.Store) {
	if !o.init {
		if dir := os.Getenv("CREDENTIALS_DIRECTORY"); filepath.IsAbs(dir) {
			s.Received = append(s.Received, dir)
		}
		return
	}
	line := ""
	if !o.container {
		line, _ = proc.CommandLine()
	}
	for _, err := range s.Receive(credentials.Machine{
		Getenv: os.Getenv, CommandLine: line, Container: o.container,
	}) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "roused: import credentials:", err)
		}
	}
}

// useMounts gives manager and loader the mount table, and tells what is mounted.
func useMounts(c *manager.Config, l *load.Config) (mounted func(where string) bool) {
	table := &mounts.Table{}
	c.Mounts, c.AllMounts = table, c.Init || c.User
	if !c.AllMounts {
		return nil
	}
	l.Mounted = func(unitName string) (unit.Mount, bool) {
		where, err := name.ToPath(unitName)
		if len(unitName) == name.MaxLen { // it may be a hash
			for _, p := range table.Points() {
				if n, err := name.FromPath(p, ".mount"); err == nil && n == unitName {
					where = p
				}
			}
		}
		m, ok := table.At(where)
		return unit.Mount{
			What: m.What, Where: where, FSType: m.Type, Options: m.Options,
		}, ok && err == nil
	}
	return func(where string) bool { _, ok := table.At(where); return ok }
}

// forUser sets what is different for the manager of a user.
func forUser(c *manager.Config, l *load.Config) (err error) {
	c.Home, c.RuntimeDir = os.Getenv("HOME"), os.Getenv("XDG_RUNTIME_DIR")
	if c.RuntimeDir == "" {
		return fmt.Errorf("XDG_RUNTIME_DIR is not set")
	}
	if c.Bases, err = dirs.UserBases(os.Getenv); err != nil {
		return err
	}
	l.Home, l.RuntimeDir = c.Home, c.RuntimeDir
	data := os.Getenv("XDG_DATA_HOME")
	if data == "" {
		data = filepath.Join(c.Home, ".local/share")
	}
	c.Stamps = filepath.Join(data, "systemd/timers")
	c.Environment = append(forServices(os.Environ()), c.Environment...)
	c.Supervisor = os.Getenv("NOTIFY_SOCKET")
	manager.UserDirectories(l.Machine, os.Getenv)
	return nil
}

// ownVariables are about the manager as a service of another one, and none of its
// services' business. systemd.exec(5), "Environment Variables Set or Propagated by the
// Service Manager".
var ownVariables = []string{
	"CACHE_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "EXIT_CODE", "EXIT_STATUS",
	"INVOCATION_ID", "JOURNAL_STREAM", "LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "LOGS_DIRECTORY",
	"LOG_NAMESPACE", "MAINPID", "MANAGERPID", "MONITOR_EXIT_CODE", "MONITOR_EXIT_STATUS",
	"MONITOR_INVOCATION_ID", "MONITOR_SERVICE_RESULT", "MONITOR_UNIT", "NOTIFY_SOCKET", "PIDFILE",
	"REMOTE_ADDR", "REMOTE_PORT", "RUNTIME_DIRECTORY", "SERVICE_RESULT", "STATE_DIRECTORY",
	"SYSTEMD_EXEC_PID", "TRIGGER_PATH", "TRIGGER_TIMER_MONOTONIC_USEC",
	"TRIGGER_TIMER_REALTIME_USEC", "TRIGGER_UNIT", "WATCHDOG_PID", "WATCHDOG_USEC",
}

// forServices leaves out what is only the manager's own.
func forServices(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(ownVariables, name)
	})
}

// console is where log lines and the output of services go.
func console(o *options) io.Writer {
	switch {
	case o.logTarget == "null":
		return io.Discard
	case o.init:
		if f, err := os.OpenFile("/dev/console", os.O_WRONLY, 0); err == nil && !o.container {
			return f
		}
	}
	return os.Stdout
}
