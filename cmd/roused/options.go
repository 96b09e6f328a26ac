package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/engine"
	"rouse/internal/face/rpc"
	"rouse/internal/host/cgroup"
	"rouse/internal/manager"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/value"
)

// options are what the command line says.
type options struct {
	user, init, test, version bool
	container                 bool
	deserialize               int   // descriptor of what another program has left; -1 is none
	generators                *bool // nil: as PID 1 and for a user
	target, socket            string
	unitPath                  []string
	level                     engine.Level
	levelSet                  bool // else it is system.conf's
	logTarget                 string
	cgroups                   cgroup.Kind
	enforce                   unit.Enforce
	runtimeDir                string   // of a system manager that is not PID 1; see there
	filtered                  []string // what SystemCallArchitectures= has been carried out
}

var errHelp = errors.New("help asked for")

const usage = `roused [OPTION...]

Runs systemd unit files: as PID 1, or as an ordinary process, root or not.

  --system             Manage the system (default for root)
  --user               Manage the services of a user
  --unit=UNIT          Start this unit (default.target)
  --unit-path=DIR      Read unit files here first; may be given more than once
  --socket=PATH        Control socket
  --test               Load, print what would be started and what is wrong, exit
  --log-level=LEVEL    emerg, alert, crit, err, warning, notice, info, debug
  --log-target=TARGET  console (default), journal-or-console (default of PID 1), journal,
                       kmsg, syslog, or null
  --cgroups=KIND       How processes are found: auto, v2, v1, none
  --enforce=MODE       strict: what cannot be protected as its unit says fails (default on a
                       host); best-effort: it runs with less (in containers and for users)
  --generators=BOOL    Run generators (default as PID 1 and for a user)
  --version, --help

As PID 1 it also takes systemd.unit=UNIT and systemd.log_level=LEVEL.
`

// parseOptions reads the command line; init says that this is PID 1.
func parseOptions(args []string, init bool) (*options, error) {
	o := &options{
		deserialize: -1, init: init, user: !init && os.Getuid() != 0,
	}
	for i := 1; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		if !has && takesValue(name) {
			if i++; i >= len(args) {
				return nil, fmt.Errorf("option %s needs a value", name)
			}
			value = args[i]
		}
		err := o.set(name, value, init)
		if err != nil && init && strings.HasPrefix(name, "systemd.") {
			say(err.Error() + "; ignored") // a machine must come up with a bad boot entry
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	if o.target == "" {
		if !o.init && !o.user && !o.test && !o.hasDefault() {
			// It would boot a machine that is up: mount, set up and clean up once more.
			return nil, errors.New("the system's default.target is for PID 1:" +
				" use --unit=UNIT, --user, or --unit-path=DIR with a default.target in it")
		}
		o.target = "default.target"
	}
	if o.generators == nil {
		on := init || o.user // what is in /run/systemd of a machine belongs to its PID 1
		o.generators = &on
	}
	if o.socket == "" {
		o.socket = rpc.SocketPath(o.user, os.Getenv)
	}
	if o.socket == "" {
		return nil, errors.New("no place for the control socket: XDG_RUNTIME_DIR is not set;" +
			" use --socket=PATH")
	}
	return o, nil
}

// hasDefault reports whether a default.target comes with the command line.
func (o *options) hasDefault() bool {
	return slices.ContainsFunc(o.unitPath, func(dir string) bool {
		_, err := os.Lstat(filepath.Join(dir, "default.target"))
		return err == nil
	})
}

func takesValue(name string) bool {
	switch name {
	case "--unit", "--unit-path", "--socket", "--log-level", "--log-target", "--cgroups",
		"--generators", "--enforce":
		return true
	}
	return false
}

func (o *options) set(name, word string, init bool) error {
	switch name {
	case "--system":
		o.user = false
	case "--user":
		o.user = true
	case "--unit", "systemd.unit":
		o.target = word
	case "--unit-path":
		dir, err := filepath.Abs(word)
		if err != nil {
			return err
		}
		o.unitPath = append(o.unitPath, dir)
	case "--socket":
		o.socket = word
	case "--deserialize":
		fd, err := strconv.Atoi(word)
		if err != nil || fd < 3 {
			return fmt.Errorf("--deserialize=%s: not a descriptor", word)
		}
		o.deserialize = fd
	case "--test":
		o.test = true
	case "--version":
		o.version = true
	case "--help", "-h":
		return errHelp
	case "--log-level", "systemd.log_level":
		return o.setLevel(word)
	case "--log-target", "systemd.log_target":
		if !slices.Contains(manager.LogTargets[:], word) {
			return fmt.Errorf("--log-target=%s: not a target; one of %s", word,
				strings.Join(manager.LogTargets[:], ", "))
		}
		o.logTarget = word
	case "--cgroups":
		return o.setCgroups(word)
	case "--enforce":
		return o.setEnforce(word)
	case "--generators":
		on, err := value.ParseBool(word)
		if err != nil {
			return fmt.Errorf("--generators=%s: not a boolean", word)
		}
		o.generators = &on
	default:
		if !init { // the kernel hands PID 1 whatever it does not know itself
			return fmt.Errorf("unknown option %s; --help lists them", name)
		}
	}
	return nil
}

func (o *options) setLevel(word string) error {
	for i, l := range manager.LogLevels {
		if l == word {
			o.level, o.levelSet = engine.Level(i), true
			return nil
		}
	}
	return fmt.Errorf("--log-level=%s: not a level; one of %s", word,
		strings.Join(manager.LogLevels[:], ", "))
}

// settle takes from system.conf what the command line leaves open.
func (o *options) settle(conf *directive.Manager) {
	if !o.levelSet {
		_ = o.setLevel(conf.LogLevel) // it was checked when it was read
	}
	switch {
	case o.logTarget != "":
	case conf.LogTarget != "journal-or-kmsg" && conf.LogTarget != "auto":
		o.logTarget = conf.LogTarget
	case o.init, o.user && os.Getenv("JOURNAL_STREAM") != "": // started by another manager
		o.logTarget = "journal-or-console"
	default:
		o.logTarget = "console"
	}
}

func (o *options) setEnforce(word string) error {
	for e := unit.EnforceStrict; e < unit.Enforces; e++ {
		if e.String() == word {
			o.enforce = e
			return nil
		}
	}
	return fmt.Errorf("--enforce=%s: not one of strict, best-effort", word)
}

func (o *options) setCgroups(word string) error {
	if word == "auto" {
		return nil
	}
	for k := range cgroup.Kinds {
		if k.String() == word {
			o.cgroups = k
			return nil
		}
	}
	return fmt.Errorf("--cgroups=%s: not one of auto, v2, v1, none", word)
}
