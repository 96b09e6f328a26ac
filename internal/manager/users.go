package manager

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/dirs"
	"rouse/internal/host/identity"
	"rouse/internal/host/ipc"
	"rouse/internal/host/output"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/host/utmp"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// userPool makes the place for users that are in no file, and has these found like others.
func (m *Manager) userPool() {
	dir := m.cfg.DynamicUsers
	if dir == "" {
		dir = filepath.Join(m.cfg.RuntimeDir, "systemd/dynamic-uid")
	}
	m.pool = identity.NewPool(dir, m.users)
	m.users.Further = m.pool.Find
}

// identify finds out as whom a process runs, or makes that user up. It gives the owner of
// directories, the user's environment, and whether there is such a user.
func (m *Manager) identify(req *spawn.Request) (o dirs.Owner, env []string, known bool) {
	x := req.Exec
	if !x.DynamicUser {
		return m.owner(x)
	}
	uid, gid, err := m.pool.Take(req.Unit, x.User, x.Group, dirs.Owned(x, m.cfg.Bases))
	if err != nil {
		req.Fail = &spawn.StepError{
			Unit: req.Unit, Step: "make up a user", Directive: "DynamicUser", Err: err,
			Status: spawn.StatusUser,
		}
		return dirs.Owner{UID: -1, GID: -1}, nil, false
	}
	req.As = &identity.User{Name: x.User, UID: uid, GID: gid}
	return dirs.Owner{UID: uid, GID: gid}, append(login(*req.As), m.ownHome(x)...), true
}

// owner resolves User= and Group=, and reports whether both are known. One who is not
// there is left to the spawn, which fails with the right status.
func (m *Manager) owner(x *unit.Exec) (o dirs.Owner, env []string, known bool) {
	o = dirs.Owner{UID: -1, GID: -1}
	known = true
	if x.User != "" {
		u, err := m.users.User(x.User)
		if known = err == nil; known {
			o.UID, o.GID = u.UID, u.GID
			env = append(login(u), m.withoutPAM(x, u)...)
		}
	} else {
		env = m.ownHome(x)
	}
	if x.Group != "" {
		g, err := m.users.Group(x.Group)
		if err == nil {
			o.GID = g.GID
		}
		known = known && err == nil
	}
	return o, env, known
}

// ownHome is $HOME for those who have no other, and ask for it as WorkingDirectory=.
func (m *Manager) ownHome(x *unit.Exec) []string {
	if x.WorkingDirectoryHome {
		if u, err := m.users.User(itoa(os.Geteuid())); err == nil {
			return []string{"HOME=" + u.Home}
		}
	}
	return nil
}

// noLogin are shells that stand for none.
var noLogin = []string{
	"/bin/nologin", "/sbin/nologin", "/usr/bin/nologin", "/usr/sbin/nologin",
	"/bin/false", "/usr/bin/false", "/bin/true", "/usr/bin/true",
}

// nobodyID is the user whom nothing belongs to, a home neither.
const nobodyID = 65534

// login are the variables of a user. What stands for no home or no shell is left out.
func login(u identity.User) []string {
	env := []string{"USER=" + u.Name, "LOGNAME=" + u.Name}
	if u.UID != nobodyID && u.Home != "" && u.Home != "/" {
		env = append(env, "HOME="+u.Home)
	}
	if u.Shell != "" && !slices.Contains(noLogin, u.Shell) {
		env = append(env, "SHELL="+u.Shell)
	}
	return env
}

// withoutPAM is what pam_systemd(8) gives to the manager of a user, where PAM cannot be
// called: nothing but the place of its runtime directory.
func (m *Manager) withoutPAM(x *unit.Exec, u identity.User) []string {
	if x.PAMName != "systemd-user" || m.cfg.PAM.Path != "" {
		return nil
	}
	dir := "/run/user/" + itoa(u.UID)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	return []string{"XDG_RUNTIME_DIR=" + dir}
}

// session is what PAM opens for a process; nil is nothing. Without a user there is nobody to
// open it for.
func (m *Manager) session(l *launch, r *spawn.Request, o dirs.Owner) *spawn.Session {
	x := l.Unit.Exec
	s := l.Unit.Service
	full := s != nil && s.PermissionsStartOnly && l.Kind != unit.ExecStart.String()
	if x.PAMName == "" || m.cfg.PAM.Path == "" || r.Fail != nil || full || o.UID < 0 ||
		x.User == "" && !x.DynamicUser || l.Command.Flags&(value.FullPrivilege|value.NoSetuid) != 0 {
		return nil
	}
	session := &spawn.Session{
		Keeper: m.cfg.PAM.Path, Service: x.PAMName, User: x.User, UID: o.UID, GID: o.GID,
		Terminal: x.TTYPath,
	}
	if u, err := m.users.User(itoa(o.UID)); err == nil {
		session.User = u.Name
	}
	return session
}

// onTerminal says what standard input is to the process, if it is a terminal: that is the
// user's then. A process that waits for it is one already, unless it counts only once it
// executes.
func (m *Manager) onTerminal(l *launch, r *spawn.Request, s *output.Streams, o dirs.Owner) {
	x := l.Unit.Exec
	if s.Terminal {
		r.TerminalOwner = o.UID
	}
	switch {
	case l.given != nil && l.given[0] >= 0:
		r.Terminal = spawn.MayControl
	case !s.Terminal:
		r.Terminal = spawn.NoTerminal
	case x.Stdin == unit.StdioTTYForce:
		r.Terminal = spawn.SeizedTerminal
	case x.Stdin == unit.StdioTTYFail:
		r.Terminal = spawn.MustControl
	default:
		r.Terminal, r.TerminalPath = spawn.AwaitedTerminal, output.TerminalOf(x)
	}
	if s := l.Unit.Service; s != nil && s.Type == unit.ExecType && !l.Control {
		return
	}
	r.Waiting = func(p spawn.Process) {
		m.post(func() {
			m.launched(l, p, "", nil)
			l.early = true
			l.left()
		})
	}
}

// terminalType is $TERM of processes with a terminal. PID 1 hands on what it was started
// with to who is on the console: a container's is that of the terminal it was made from.
func (m *Manager) terminalType(x *unit.Exec) []string {
	if !output.UsesTerminal(x) {
		return nil
	}
	own := ""
	if os.Getpid() == 1 {
		for _, kv := range m.cfg.Environ {
			if v, ok := strings.CutPrefix(kv, "TERM="); ok {
				own = v
			}
		}
	}
	return []string{"TERM=" + output.TerminalType(x, own)}
}

// enrol has a process written down in utmp and wtmp before it executes: a getty looks
// for itself there.
func (m *Manager) enrol(l *launch, r *spawn.Request, o dirs.Owner) {
	x := l.Unit.Exec
	if x.UtmpIdentifier == "" {
		return
	}
	name := x.User
	if u, err := m.users.User(itoa(o.UID)); err == nil && o.UID >= 0 {
		name = u.Name
	}
	r.Announce = func(p spawn.Process) {
		defer m.recovered("utmp")
		err := m.utmp.Begun(utmp.Process{
			PID: p.PID, ID: x.UtmpIdentifier, Line: x.TTYPath, User: name, Mode: x.UtmpMode,
		}, time.Now())
		if err != nil {
			m.logf(engine.Debug, l.Unit.Name, "write utmp and wtmp: %v", err)
		}
	}
}

// departed has the end of a process written down. If another program is writing, it is
// waited for, but not here.
func (m *Manager) departed(u *unit.Unit, ev engine.Reaped) {
	end := utmp.End{
		PID: ev.PID, ID: u.Exec.UtmpIdentifier, Code: int(ev.Code), Status: ev.Status,
	}
	err := m.utmp.Ended(end, time.Now(), false)
	if errors.Is(err, sys.EAGAIN) {
		m.goes(func() { _ = m.utmp.Ended(end, time.Now(), true) })
	} else if err != nil {
		m.logf(engine.Debug, u.Name, "write utmp and wtmp: %v", err)
	}
}

// removeIPC removes what a unit at rest has left in memory for others of its user or
// group, once no unit of theirs is up, if one of them asks for it. systemd.exec(5),
// RemoveIPC=.
func (m *Manager) removeIPC(u *unit.Unit) {
	if m.cfg.User || !removesIPC(u) && !m.e.AnyDefinition(removesIPC) { // which is quickly seen
		return
	}
	o, _, known := m.owner(u.Exec)
	if !known {
		return
	}
	asked := u.Exec.RemoveIPC
	uid, gid := o.UID, o.GID
	for _, other := range m.e.Definitions() {
		x := other.Exec
		if other.Name == u.Name || x == nil || x.User == "" && x.Group == "" {
			continue
		}
		is, _, _ := m.owner(x)
		if is.UID != o.UID && is.GID != o.GID {
			continue
		}
		asked = asked || x.RemoveIPC
		if s, _ := m.e.Unit(other.Name); s.Active == "inactive" || s.Active == "failed" {
			continue
		}
		if is.UID == o.UID {
			uid = -1
		}
		if is.GID == o.GID {
			gid = -1
		}
	}
	if !asked {
		return
	}
	if err := ipc.Machine.Of(uid, gid); err != nil {
		m.logf(engine.Warning, u.Name, "RemoveIPC=: %v", err)
	}
}

func removesIPC(u *unit.Unit) bool { return u.Exec != nil && u.Exec.RemoveIPC }

// takeTerminal takes a terminal back that a unit's processes had for their user. It may be
// gone, or nobody's to take.
func (m *Manager) takeTerminal(u *unit.Unit) {
	if !output.GivesTerminal(u.Exec) || m.cfg.User || m.flyingBy[u.Name] != 0 {
		return
	}
	const none = -1 // leaves the group as it is
	group := none
	if g, err := m.users.Group("tty"); err == nil {
		group = g.GID
	}
	if err := output.TakeTerminal(u.Exec, group); err != nil {
		m.logf(engine.Debug, u.Name, "take the terminal back: %v", err)
	}
}

// dismiss ends the users that exist for a unit alone. Its processes are gone.
func (m *Manager) dismiss(u *unit.Unit) {
	if u.Exec != nil && m.flyingBy[u.Name] == 0 {
		m.pool.Drop(u.Name)
	}
}

// DynamicUsers implements face.Transient.
func (m *Manager) DynamicUsers(context.Context) (list []face.DynamicUser, err error) {
	for _, u := range m.pool.List() {
		list = append(list, face.DynamicUser{UID: uint32(u.UID), Name: u.Name})
	}
	return list, nil
}

// restoreUsers goes on with the users of the manager before.
func (m *Manager) restoreUsers(s *State) {
	if err := m.pool.Restore(s.Dynamic); err != nil {
		m.logf(engine.Warning, "", "a dynamic user is lost: %v", err)
	}
}
