package ability

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"rouse/internal/host/identity"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

func euid() int { return os.Geteuid() }

// capabilities are the manager's own, as bits by capabilities(7).
type capabilities struct {
	known                          bool
	inside                         bool // in a user namespace that is not the machine's
	effective, permitted, bounding uint64
}

func (p *Place) capabilities() capabilities {
	if p.caps == nil {
		own := readCapabilities()
		p.caps = &own
	}
	return *p.caps
}

// readCapabilities reads proc_pid_status(5).
func readCapabilities() (c capabilities) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return c
	}
	for line := range strings.Lines(string(text)) {
		key, number, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		set := map[string]*uint64{
			"CapEff": &c.effective, "CapPrm": &c.permitted, "CapBnd": &c.bounding,
		}[key]
		if set == nil {
			continue
		}
		if *set, err = strconv.ParseUint(number, 16, 64); err == nil {
			c.known = true
		}
	}
	ids, err := os.ReadFile("/proc/self/uid_map")
	c.inside = err == nil && strings.Join(strings.Fields(string(ids)), " ") != "0 0 4294967295"
	return c
}

// has says that a capability is not there; "" if it is, or nobody knows.
func (p *Place) has(name string) string {
	n, _ := linux.Capability(name)
	if c := p.capabilities(); !c.known || c.effective&(1<<n) != 0 {
		return ""
	}
	return "no " + name
}

// reallyHas is has for what the kernel does not let the root of a user namespace do.
func (p *Place) reallyHas(name string) string {
	if why := p.has(name); why != "" || !p.capabilities().inside {
		return why
	}
	return name + " counts for nothing in this user namespace"
}

// names lists capabilities.
func names(set uint64) string {
	var list []string
	for n := range uint(64) {
		if set&(1<<n) != 0 {
			list = append(list, linux.CapabilityName(n))
		}
	}
	return strings.Join(list, ", ")
}

// tried says why a trial fails; "" if it does not, or cannot be made here: then the
// start itself will tell.
func (p *Place) tried(t spawn.Trial, what string) string {
	r := &p.trials[t]
	if !r.done {
		r.done, r.err = true, p.c.Try(t)
	}
	var errno sys.Errno
	if r.err == nil || !errors.As(r.err, &errno) {
		return ""
	}
	return what + ": " + p.reason(errno)
}

// reason says what an error of the kernel means here.
func (p *Place) reason(errno sys.Errno) string {
	switch errno {
	case sys.EPERM, sys.EACCES:
		if why := p.has("CAP_SYS_ADMIN"); why != "" {
			return why
		}
		return "refused by a filter or a security module (" + errno.Error() + ")"
	case sys.ENOSYS, sys.EINVAL:
		return "not in this kernel, or refused by a filter (" + errno.Error() + ")"
	}
	return errno.Error()
}

func (p *Place) knownGroups() Groups {
	if p.groups == nil {
		p.groups = &Groups{}
		if p.c.Groups != nil {
			*p.groups = p.c.Groups()
		}
	}
	return *p.groups
}

// isSelf reports whether a user is the one that this program runs as.
func (p *Place) isSelf(user string) bool {
	u, err := localUsers.User(user)
	return err == nil && u.UID == p.euid
}

// isSelfGroup is isSelf for a group; that of the user is meant by "".
func (p *Place) isSelfGroup(group string) bool {
	g, err := localUsers.Group(group)
	return group == "" || err == nil && g.GID == os.Getegid()
}

var localUsers = identity.New("")

// module is what a label takes.
func module(name, file string) func(asked) string {
	return func(asked) string {
		if _, err := os.Stat(file); err != nil {
			return name + " is not at work here"
		}
		return ""
	}
}

// ownLimit is the hard limit of this program.
func ownLimit(l value.Limit) uint64 {
	number, ok := sys.LimitNumber(l.String())
	if !ok {
		return uint64(value.SizeInfinity)
	}
	_, hard, err := sys.Limit(number)
	if err != nil {
		return uint64(value.SizeInfinity)
	}
	return hard
}

// leastNice is the lowest nice level that can be had without privileges.
func leastNice() (least int, ok bool) {
	now, err := sys.Nice()
	if err != nil {
		return 0, false
	}
	if most := ownLimit(value.LimitNICE); most != uint64(value.SizeInfinity) && most > 0 {
		now = min(now, 20-int(min(most, 40)))
	}
	return now, true
}

// leastOOMScore is the lowest OOM score adjustment that can be had without privileges.
func leastOOMScore() (least int, ok bool) {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return 0, false
	}
	least, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return least, err == nil
}

// Numbers of sched_setscheduler(2) and ioprio_set(2).
const (
	fifo            = 1
	roundRobin      = 2
	ioClassRealtime = 1
)
