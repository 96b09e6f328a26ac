package manager

import (
	"context"
	"path/filepath"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/dirs"
	"rouse/internal/host/identity"
	"rouse/internal/host/ipc"
	"rouse/internal/host/spawn"
	"rouse/internal/unit"
)

// userPool makes the place for users that are in no file, and has these found like others.
func (m *Manager) userPool() {
	dir := m.cfg.RuntimeDir
	if m.cfg.User {
		dir = "/run" // which is the system's: a user cannot make others up
	}
	m.pool = identity.NewPool(filepath.Join(dir, "systemd/dynamic-uid"), m.users)
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
	return dirs.Owner{UID: uid, GID: gid}, login(*req.As), true
}

// removeIPC removes what a unit at rest has left in memory for others of its user or
// group, once no unit of theirs is up, if one of them asks for it. systemd.exec(5),
// RemoveIPC=.
func (m *Manager) removeIPC(u *unit.Unit) {
	o, _, known := m.owner(u.Exec)
	if !known || m.cfg.User {
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
