// Package cgroup finds, counts, signals and places the processes of each unit:
// by control groups of version 2 or 1 where it may write them, and by what the
// process table tells where it may not. It knows unit names and processes, and
// nothing of what units mean. It answers for cgroups(7) and for the control
// group paths of systemd.slice(5).
package cgroup

import (
	"errors"
	"fmt"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// Kind is a way to track processes.
type Kind uint8

// The ways. Auto takes the first that works of V2, V1, None.
const (
	Auto Kind = iota
	V2        // the unified hierarchy, alone or beside version 1 ("hybrid")
	V1        // the hierarchy name=systemd
	None      // pid, parent, session, process group and INVOCATION_ID
	Kinds
)

var kindWords = [Kinds]string{Auto: "auto", V2: "v2", V1: "v1", None: "none"}

func (k Kind) String() string { return kindWords[k] }

// Config says how to track.
type Config struct {
	Kind Kind
	// Root is the manager's own control group, as in /proc/self/cgroup, below which
	// the units' are made. "" is the group this process is in; a manager that is not
	// PID 1 makes rouse-PID.scope there, for others may be in the same group. Then it
	// moves itself to init.scope below (version 2 wants no processes in inner
	// groups), and back at Close, which removes what is empty. If Root is given,
	// nobody is moved.
	Root string
	// Empty is told of each unit whose last process is gone, from a goroutine of
	// the tracker or from within Reaped. It must not block. A unit may be told of
	// more than once, and may have processes again by then: ask Group.Empty.
	Empty func(unit string)
	// Killed is told of each unit of which the kernel may have killed a process for
	// want of memory, from a goroutine of the tracker: ask Group.OOMKilled.
	Killed func(unit string)
	// Log takes one line about what goes wrong. Nil is nowhere.
	Log func(line string)
	// Saved is what Suspend gave before a re-execution; nil if there was none.
	Saved *Saved
}

// A Tracker knows which process belongs to which unit. All its methods, and
// those of its groups, may be called from any goroutine; none waits for others.
type Tracker interface {
	Kind() Kind
	// Root is the group below which the units' are, "/" at the top; "" if there are no groups.
	Root() string
	// UnifiedDir is the directory of Root; "" unless tracking is by V2.
	UnifiedDir() string
	// Available are the controllers that units can have.
	Available() Controllers
	// Unit gives the group of a unit in a slice ("" is -.slice), making it if need
	// be. The same unit gives the same group until that is removed.
	Unit(unit, slice string) (Group, error)
	// Find gives the group of a unit if Unit has made it.
	Find(unit string) (Group, bool)
	// Own tells of a process that the manager started for itself, before the lock
	// that reap waits for is released: it belongs to no unit.
	Own(pid int)
	// Owner is the unit that a process belongs to.
	Owner(pid int) (unit string, ok bool)
	// OwnerOf is the unit that a group belongs to, be it the unit's own or one below.
	OwnerOf(group string) (unit string, ok bool)
	// CanFreeze reports whether groups can be frozen.
	CanFreeze() bool
	// Starting is to be called before any process is started, and what it returns when
	// Register or Own was called for it, or there is none.
	Starting() (done func())
	// Dying is to be called for each dead child before it is reaped, while nobody
	// forks (reap.Config.Before).
	Dying(pid int)
	// Reaped is to be called for each child after it was reaped.
	Reaped(pid int)
	// Suspend ends the tracking like Close, but leaves all as it is for Config.Saved.
	Suspend() *Saved
	Close() error
}

// A Group holds the processes of one unit.
type Group interface {
	Unit() string
	// Path is the property ControlGroup: "/system.slice/foo.service"; "" if there is none.
	Path() string
	// Enter says how a new process gets in, or into the group sub below ("" is
	// none), which is made. Close the Place after the spawn.
	Enter(sub string) (Place, error)
	// Register tells of a process that was started for the unit, and of its
	// INVOCATION_ID ("" if none), before the lock that reap waits for is released.
	Register(pid int, invocation string)
	// Attach moves a process that was started by others into the group, or into the
	// group sub below ("" is none), which is made.
	Attach(pid int, sub string) error
	// Give makes the group, and gives it to a user who may make others below.
	Give(uid, gid int) error
	// Freeze stops all processes of the group where they are, or lets them go on, and
	// waits until that is so.
	Freeze(on bool) error
	// PIDs lists the live processes of the unit, groups below included, sorted.
	PIDs() ([]int, error)
	// Tree lists them with the group each is in.
	Tree() ([]Process, error)
	// Signal sends sig to every process of the unit but those in except (0 is
	// nobody), again until no new ones are found, and says how many it reached.
	Signal(sig value.Signal, except ...int) (int, error)
	// Empty reports whether the unit has no live process.
	Empty() (bool, error)
	// OOMKilled reports whether the kernel has killed processes of the unit for want of
	// memory since it was last asked; never without the memory controller of V2.
	OOMKilled() bool
	// Control has the controllers do what is said, and no more what was said before.
	// What no controller is there for is left out.
	Control(c *Control) error
	// Traffic tells how many bytes and packets came in, and how many went out; false if
	// nobody counts them. IPAccounting=.
	Traffic() (n [traffic]uint64, ok bool)
	// Delegate hands the group to a user, who may make groups below it and move
	// processes between these. Delegate=.
	Delegate(uid, gid int) error
	// Remove forgets the unit and removes its group; EBUSY if it is not empty.
	Remove() error
}

// Place is where to start a process.
type Place struct {
	// Dir is the descriptor for CLONE_INTO_CGROUP; -1 if the tracker has none.
	Dir int
	// Procs are files the child writes "0" to if Dir is -1 or refused.
	Procs []string
}

// nowhere is the Place that is none.
var nowhere = Place{Dir: -1}

// Close closes Dir.
func (p Place) Close() {
	if p.Dir >= 0 {
		sys.CloseFD(p.Dir)
	}
}

// Process is one process of a unit.
type Process struct {
	PID, Parent int
	Group       string // below the unit's own, "" if it is that one
	Command     string // arguments with blanks between; "(name)" if there are none
}

// Open tries the ways of tracking in turn, or only the one asked for. Why the
// better ways were passed over is logged.
func Open(c Config) (Tracker, error) {
	if c.Empty == nil {
		c.Empty = func(string) {}
	}
	if c.Killed == nil {
		c.Killed = func(string) {}
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	ways := []Kind{c.Kind}
	if c.Saved != nil {
		ways[0] = c.Saved.Kind
	}
	if ways[0] == Auto {
		ways = []Kind{V2, V1, None}
	}
	var errs []error
	for _, k := range ways {
		t, err := open(k, c)
		if err == nil {
			for _, e := range errs {
				c.Log(e.Error() + "; tracking processes by " + k.String())
			}
			return t, nil
		}
		errs = append(errs, fmt.Errorf("control groups %s: %w", k, err))
	}
	return nil, errors.Join(errs...)
}

func open(k Kind, c Config) (Tracker, error) {
	switch k {
	case V2:
		return openV2(c)
	case V1:
		return openV1(c)
	case None:
		return openNone(c)
	case Auto, Kinds:
	}
	return nil, fmt.Errorf("no such way of tracking: %d", k)
}
