package engine

import (
	"slices"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// StoredFD is a descriptor that a service has left with the manager. sd_notify(3),
// FDSTORE=1.
type StoredFD struct {
	FD   Handle `json:",omitzero"`
	Name string `json:",omitzero"` // FDNAME=; "stored" if the service said none
}

// saidDescriptors: the message stores descriptors, or takes them back.
func (s *service) saidDescriptors(e *Engine, u *runUnit, ev Notified, m said) {
	name, named := m.get("FDNAME")
	switch {
	case m.has("FDSTOREREMOVE=1"):
		if !named || !value.IsFDName(name) {
			e.log(Warning, u, "FDSTOREREMOVE=1 without a valid FDNAME=; ignored.")
			return
		}
		s.unstore(e, func(f StoredFD) bool { return f.Name == name })
	case m.has("FDSTORE=1"):
		if named && !value.IsFDName(name) {
			e.log(Warning, u, "FDNAME=%q is no name of a descriptor; using \"stored\".", name)
			named = false
		}
		if !named {
			name = "stored"
		}
		s.store(e, u, ev.FDs, name, !m.has("FDPOLL=0"))
	}
}

// store takes descriptors in, up to FileDescriptorStoreMax=. What is not kept is
// closed by the host. The newest is the first that the service gets back.
func (s *service) store(e *Engine, u *runUnit, fds []Handle, name string, poll bool) {
	most := u.Def.Service.FileDescriptorStoreMax
	for _, fd := range fds {
		if uint(len(s.Stored)) >= most {
			e.log(Warning, u, "The descriptor store is full (FileDescriptorStoreMax=%d); "+
				"closing what else came.", most)
			return
		}
		s.Stored = slices.Insert(s.Stored, 0, StoredFD{fd, name})
		e.emit(KeepFD{FD: fd, Unit: u.Name, Poll: poll})
	}
}

// hungUp: nobody has the other end of a stored descriptor any more.
func (e *Engine) hungUp(ev HungUp) {
	u := e.unit(ev.Unit)
	if u == nil || u.svc == nil {
		return
	}
	e.log(Debug, u, "A stored descriptor was hung up; closing it.")
	u.svc.unstore(e, func(f StoredFD) bool { return f.FD == ev.FD })
}

// unstore closes the stored descriptors that match.
func (s *service) unstore(e *Engine, match func(StoredFD) bool) {
	var gone []Handle
	s.Stored = slices.DeleteFunc(s.Stored, func(f StoredFD) bool {
		if !match(f) {
			return false
		}
		gone = append(gone, f.FD)
		return true
	})
	if len(gone) > 0 {
		e.emit(CloseFDs{FDs: gone})
	}
}

func (s *service) unstoreAll(e *Engine) { s.unstore(e, func(StoredFD) bool { return true }) }

// trimStore: a reload has lowered FileDescriptorStoreMax=. The oldest stay.
func (s *service) trimStore(e *Engine, u *runUnit) {
	n := 0
	if u.Def.Service != nil {
		n = int(min(u.Def.Service.FileDescriptorStoreMax, uint(len(s.Stored))))
	}
	excess := len(s.Stored) - n
	s.unstore(e, func(StoredFD) bool {
		excess--
		return excess >= 0
	})
}

// settleStore closes what a service has stored once it is down and nothing is to
// bring it back. FileDescriptorStorePreserve=.
func (s *service) settleStore(e *Engine, u *runUnit) {
	if u.job == nil && u.active().Down() && s.preserve(u) != unit.PreserveYes {
		s.unstoreAll(e)
	}
}

func (s *service) preserve(u *runUnit) unit.Preserve {
	if u.Def.Service == nil {
		return unit.PreserveNo
	}
	return u.Def.Service.FileDescriptorStorePreserve
}

// pinned reports that a service at rest has descriptors in store all the same.
func (s *service) pinned(u *runUnit) bool {
	return s.Sub == Dead && len(s.Stored) > 0 && s.preserve(u) == unit.PreserveYes
}
