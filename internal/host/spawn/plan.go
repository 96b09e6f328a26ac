package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/host/identity"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// DefaultSearchPath is where commands without a slash are sought.
var DefaultSearchPath = []string{
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
}

// softFiles is the soft limit of open files for those that say nothing. The Go
// runtime has raised the manager's own, which programs that use select(2) must
// not inherit. systemd does the same. systemd-system.conf(5), DefaultLimitNOFILE=.
const softFiles = 1024

// A planner turns a request into a plan.
type planner struct {
	*plan
	s *Spawner
	r *Request
	x *unit.Exec
	// only names the directives to apply; nil is all of them.
	only []string
	part part // what context is about to add
	who  credentials
	// talk is with the keeper of the session, and cut the number of steps that come before
	// PAM; nil and 0 if there is no session.
	talk *talk
	cut  int
	// awaits is the number of the step that may wait for the terminal, from 1 on.
	awaits int
}

// A part is what of a directive is done in one place, where directives have several.
type part string

const (
	partNamespaces part = "namespaces"
	partFilters    part = "filters"
)

// newPlanner fails on requests that no system call can express.
func (s *Spawner) newPlanner(r *Request) (*planner, error) {
	p := &planner{s: s, r: r, x: r.Exec, plan: s.blank()}
	p.unit, p.cgroup = r.Unit, -1
	if p.x == nil {
		p.x = &noExec
	}
	p.argv = r.Command.Argv
	if len(p.argv) == 0 {
		p.argv = []string{r.Command.Path}
	}
	p.env = r.Env
	p.pidEntries()
	for _, list := range [][]string{
		p.argv, p.env, r.CgroupProcs, {r.Command.Path, p.x.RootDirectory, p.x.WorkingDirectory},
	} {
		for _, s := range list {
			if strings.IndexByte(s, 0) >= 0 {
				return nil, fmt.Errorf("start %s: NUL byte in %.40q", r.Unit, s)
			}
		}
	}
	return p, nil
}

// child lists what a new process does, in the order of systemd.
func (p *planner) child() {
	p.group()
	p.signals()
	p.add(step{kind: stepSession, status: StatusSetsid})
	if p.r.Fail != nil {
		p.fail(p.r.Fail)
		return
	}
	if e := p.identify(); e != nil {
		p.fail(e)
		return
	}
	if e := p.r.nonblocking(); e != nil {
		p.fail(e)
		return
	}
	p.descriptors()
	p.context()
	p.add(step{kind: stepClose, n: [2]int64{int64(3 + len(p.r.Files))}, status: StatusFDs})
	p.end()
	p.await()
}

// self lists what the calling process does to itself.
func (p *planner) self(only []string) {
	p.only = append([]string{}, only...)
	if p.wants("IgnoreSIGPIPE") {
		p.signals()
	}
	if e := p.identify(); e != nil {
		p.fail(e)
		return
	}
	p.context()
	p.end()
}

// wants reports whether the directive is to be carried out, as far as the part goes that
// is being added.
func (p *planner) wants(directive string) bool {
	return !p.leftOut(directive) && (p.only == nil || slices.Contains(p.only, directive))
}

// leftOut reports whether the request is to be carried out without the directive.
func (p *planner) leftOut(directive string) bool {
	for _, left := range p.r.Without {
		name, part, _ := strings.Cut(left, "/")
		if name == directive && (part == "" || part == string(p.part)) {
			return true
		}
	}
	return false
}

// privileged: the command has the prefix "+".
func (p *planner) privileged() bool { return p.r.Command.Flags&value.FullPrivilege != 0 }

func (p *planner) group() {
	p.cgroup = p.r.Cgroup
	for _, path := range p.r.CgroupProcs {
		p.add(step{kind: stepCgroup, text: path, n: [2]int64{-1}, status: StatusCgroup})
	}
	if len(p.r.CgroupProcs) == 0 && p.r.Cgroup >= 0 {
		p.add(step{kind: stepCgroup, n: [2]int64{int64(p.r.Cgroup)}, status: StatusCgroup})
	}
}

func (p *planner) signals() {
	s := step{kind: stepSignals, directive: "IgnoreSIGPIPE", status: StatusSignalMask}
	if p.x.IgnoreSIGPIPE {
		s.n[0] = 1
	}
	p.add(s)
}

func (p *planner) descriptors() {
	for i, fd := range []int{p.r.Stdin, p.r.Stdout, p.r.Stderr} {
		if fd < 0 {
			fd = p.s.null[min(i, 1)]
		}
		d := stdioDirectives[i]
		p.add(step{
			kind: stepStdio, n: [2]int64{int64(fd), int64(i)}, directive: d.directive, status: d.status,
		})
	}
	p.keepSession()
	if len(p.r.Files) > 0 || p.talk != nil {
		p.add(step{kind: stepFiles, ids: p.r.Files, status: StatusFDs})
	}
	p.controlled()
}

// context adds what unit.Exec asks for, in the order of systemd: a later step may need
// what an earlier one would have taken away.
func (p *planner) context() {
	x := p.x
	if x.OOMScoreSet && p.wants("OOMScoreAdjust") && sys.HaveOOMScoreAdjust {
		p.add(step{
			kind: stepOOM, n: [2]int64{int64(x.OOMScoreAdjust)},
			directive: "OOMScoreAdjust", status: StatusOOMAdjust,
		})
	}
	if x.NiceSet && p.wants("Nice") {
		p.add(step{
			kind: stepNice, n: [2]int64{int64(x.Nice)}, directive: "Nice", status: StatusNice,
		})
	}
	p.scheduling()
	p.announce()
	p.ownTerminal()
	if p.wants("UMask") {
		p.add(step{kind: stepUmask, n: [2]int64{int64(x.UMask)}, directive: "UMask"})
	}
	p.keyring()
	p.limits()
	p.cutSession()
	chroot := x.RootDirectory != "" && x.RootDirectory != "/" && p.wants("RootDirectory")
	p.part = partNamespaces
	namespaced := p.namespaces()
	p.part = ""
	setuid := p.r.Command.Flags&(value.FullPrivilege|value.NoSetuid) == 0
	if setuid {
		p.groups()
	} else if p.who.own != nil && !p.already() { // systemd sets these early, for all commands
		p.add(step{
			kind: stepGroups, ids: p.who.own, directive: "SupplementaryGroups", status: StatusGroup,
		})
	}
	p.privateUsers()
	p.boundingSet()
	if chroot && !p.r.NoChroot && !namespaced {
		p.add(step{
			kind: stepChroot, text: x.RootDirectory, directive: "RootDirectory", status: StatusChroot,
		})
	}
	if setuid {
		p.user()
	}
	p.ambient()
	p.directory(chroot && p.r.NoChroot && !namespaced)
	p.labels()
	p.secureBits()
}

// end adds what a filter of system calls must not come before, the filter, and exec.
func (p *planner) end() {
	if p.fault != nil {
		return
	}
	p.add(step{kind: stepReady, status: StatusExec})
	p.part = partFilters
	p.filters()
	p.part = ""
	if p.fault == nil {
		p.exec()
	}
}

func (p *planner) limits() {
	for l, want := range p.x.Limits {
		own := &p.s.limits[l]
		if !own.known {
			continue // NotApplied tells
		}
		s := step{
			kind: stepLimit, text: own.name, n: [2]int64{int64(own.number)}, directive: own.directive,
			limit: [2]uint64{want.Soft, want.Hard}, ceiling: own.hard, status: StatusLimits,
		}
		switch {
		case want.Set && p.wants(s.directive) && !p.privileged():
			p.add(s)
		case l == int(value.LimitNOFILE) && p.only == nil && own.soft > softFiles &&
			!p.privileged(): // who has the manager's privileges has its limits, too
			s.limit = [2]uint64{min(softFiles, own.hard), own.hard}
			p.add(s)
		}
	}
}

// limits are the manager's own resource limits, by value.Limit.
type limits [value.Limits]struct {
	known           bool // this system has such a limit
	name, directive string
	number          int
	soft, hard      uint64
}

func ownLimits() (all limits) {
	for l := range all {
		o := &all[l]
		o.name = value.Limit(l).String()
		o.directive = "Limit" + o.name
		if o.number, o.known = sys.LimitNumber(o.name); !o.known {
			continue
		}
		var err error
		if o.soft, o.hard, err = sys.Limit(o.number); err != nil {
			o.soft, o.hard = 0, ^uint64(0)
		}
	}
	return all
}

// directory decides where the program starts. Below is set if RootDirectory= is
// not applied, and the working directory is still meant to be below it.
func (p *planner) directory(below bool) {
	s := step{kind: stepChdir, text: p.x.WorkingDirectory, status: StatusChdir}
	s.directive = "WorkingDirectory"
	if p.x.WorkingDirectoryMissingOK {
		s.n[0] = 1
	}
	switch {
	case p.only != nil && !p.wants(s.directive):
		return
	case p.x.WorkingDirectoryHome:
		home, ok := p.home()
		if !ok {
			p.fail(&StepError{
				Step: "chdir ~", Directive: s.directive, Errno: int(sys.ENXIO), Status: StatusChdir,
			})
			return
		}
		s.text = home
	case s.text == "" && p.s.Directory != "":
		s.text, s.n[0] = p.s.Directory, 1
	}
	if below {
		s.text = filepath.Join(p.x.RootDirectory, s.text)
	}
	if s.text == "" {
		s.text = "/"
	}
	p.add(s)
}

// home is that of User=, or else the manager's own: a user who is made up has none.
func (p *planner) home() (string, bool) {
	if p.who.user != nil && p.r.As == nil {
		return p.who.user.Home, p.who.user.Home != ""
	}
	if p.s.Directory != "" {
		return p.s.Directory, true
	}
	u, err := p.users().User(strconv.Itoa(os.Geteuid()))
	return u.Home, err == nil
}

func (p *planner) users() *identity.DB {
	if p.s.Users != nil {
		return p.s.Users
	}
	return localUsers
}

func (p *planner) exec() {
	path := p.r.Command.Path
	s := step{kind: stepExec, text: path, directive: p.r.Directive, status: StatusExec}
	if strings.ContainsRune(path, '/') {
		s.list = []string{path}
	} else {
		dirs := p.x.SearchPath
		if len(dirs) == 0 {
			dirs = p.s.SearchPath
		}
		if len(dirs) == 0 {
			dirs = DefaultSearchPath
		}
		for _, dir := range dirs {
			s.list = append(s.list, dir+"/"+path)
		}
	}
	if p.r.Command.Flags&value.IgnoreFailure != 0 {
		s.n[0] = 1
	}
	p.add(s)
}

// credentials are what User=, Group= and SupplementaryGroups= come down to.
type credentials struct {
	user   *identity.User // nil: stays as it is
	gid    int            // -1: stays as it is
	groups []int          // nil: stay as they are
	own    []int          // those of the user alone, without SupplementaryGroups=
}

// identify looks users and groups up, also for commands that do not change
// theirs, as systemd does.
func (p *planner) identify() *StepError {
	p.who.gid = -1
	db := p.users()
	unknown := func(what string, err error, directive string, status int) *StepError {
		return &StepError{
			Step: "look up " + what, Directive: directive, Err: errors.Unwrap(err), Status: status,
		}
	}
	made := p.r.As != nil
	if made {
		p.who.user, p.who.gid = p.r.As, p.r.As.GID
	}
	if p.x.User != "" && !made && p.wants("User") {
		u, err := db.User(p.x.User)
		if err != nil {
			return unknown("user "+p.x.User, err, "User", StatusUser)
		}
		p.who.user, p.who.gid = &u, u.GID
	}
	if p.x.Group != "" && !made && p.wants("Group") {
		g, err := db.Group(p.x.Group)
		if err != nil {
			return unknown("group "+p.x.Group, err, "Group", StatusGroup)
		}
		p.who.gid = g.GID
	}
	if u := p.who.user; u != nil && p.who.gid > 0 {
		primary := *u
		primary.GID = p.who.gid
		list, err := db.Groups(primary)
		if err != nil {
			return unknown("groups of "+u.Name, err, "User", StatusGroup)
		}
		p.who.groups, p.who.own = list, slices.Clip(list)
	}
	if !p.wants("SupplementaryGroups") {
		return nil
	}
	for _, name := range p.x.SupplementaryGroups {
		g, err := db.Group(name)
		if err != nil {
			return unknown("group "+name, err, "SupplementaryGroups", StatusGroup)
		}
		if !slices.Contains(p.who.groups, g.GID) {
			p.who.groups = append(p.who.groups, g.GID)
		}
	}
	return nil
}

// already reports whether the process, without privileges, is who it shall be:
// then nothing need be done, and nothing could be.
func (p *planner) already() bool {
	w := &p.who
	return os.Geteuid() != 0 && len(p.x.SupplementaryGroups) == 0 &&
		(w.user == nil || w.user.UID == os.Geteuid()) && (w.gid < 0 || w.gid == os.Getegid())
}

func (p *planner) groups() {
	if p.who.groups == nil && p.who.gid < 0 || p.already() {
		return
	}
	if p.who.groups != nil {
		p.add(step{
			kind: stepGroups, ids: p.who.groups, directive: "SupplementaryGroups", status: StatusGroup,
		})
	}
	if p.who.gid >= 0 {
		p.add(step{
			kind: stepGroup, n: [2]int64{int64(p.who.gid)}, directive: "Group", status: StatusGroup,
		})
	}
}

func (p *planner) user() {
	if p.who.user == nil || p.already() {
		return
	}
	p.add(step{
		kind: stepUser, n: [2]int64{int64(p.who.user.UID)}, directive: "User", status: StatusUser,
	})
}

// localUsers is the database of those who name none.
var localUsers = identity.New("")
