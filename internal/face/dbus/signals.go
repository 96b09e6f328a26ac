package dbus

import (
	"context"
	"slices"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/unit/name"
	"rouse/internal/wire/dbus"
)

// emit sends a signal to the clients of the private socket, and on the bus if anybody
// there has asked for signals, or has asked for the job that it is about.
func (s *Server) emit(
	path, iface, member, sig string, body func(*dbus.Encoder), about *jobTrack,
) {
	s.mu.Lock()
	defer s.mu.Unlock()
	onBus := s.bus != nil && (s.bus.listens() || about != nil)
	if len(s.conns) == 0 && !onBus {
		return
	}
	var e dbus.Encoder
	if body != nil {
		body(&e)
	}
	m := &dbus.Message{
		Type: dbus.Signal, Flags: dbus.NoReply, Serial: 1, Path: path, Interface: iface,
		Member: member, Signature: sig, Body: e.Bytes(),
	}
	if onBus {
		s.bus.bus.Send(m, nil)
	}
	var b []byte
	for c := range s.conns {
		if !c.isReady() {
			continue
		}
		if b == nil {
			var err error
			if b, err = m.Append(nil); err != nil {
				s.log("signal " + member + ": " + err.Error())
				return
			}
		}
		c.queue(b)
	}
}

// heard reports whether anybody would get a signal.
func (s *Server) heard() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns) > 0 || s.bus != nil && s.bus.listens()
}

// jobTrack says who on the bus has asked for a job.
type jobTrack struct{ senders []string }

// observe tells the clients of an event. It runs where the event happens, and so the
// answer to a call that led to it is queued before or after it as systemd has it.
func (s *Server) observe(v face.View, ev face.Event) {
	switch ev.Kind {
	case "unit-new":
		s.emitUnit("UnitNew", ev.Unit)
	case "unit-removed":
		s.tellUnit(v, ev.Unit) // for the last time
		s.emitUnit("UnitRemoved", ev.Unit)
	case "unit-changed":
		s.mark(ev.Unit)
	case "job-new":
		s.mark(ev.Unit) // its property Job is another one
		if !s.isBusy() {
			s.tellUnit(v, ev.Unit)
		}
		s.emitJob("JobNew", ev, nil)
		s.states[ev.Job] = "waiting"
	case "job-removed":
		s.tellUnit(v, ev.Unit) // the unit's new state is known before its job is over
		delete(s.states, ev.Job)
		s.emitJob("JobRemoved", ev, s.tracked(ev.Job))
		s.mark(ev.Unit)
	case "reloading", "reloaded":
		s.emit(managerPath, table.Manager, "Reloading", "b", func(e *dbus.Encoder) {
			e.Bool(ev.Kind == "reloading")
		}, nil)
	case "request-stop":
		s.emitRequestStop(ev)
	case "startup-finished":
		s.emitStartup(ev)
	case "unit-files-changed":
		s.emit(managerPath, table.Manager, "UnitFilesChanged", "", nil, nil)
	case "settled":
		s.settled(v)
	}
}

// mark notes that a unit's change is to be told.
func (s *Server) mark(unit string) {
	if !s.marked[unit] {
		s.marked[unit] = true
		s.dirty = append(s.dirty, unit)
	}
}

func (s *Server) emitUnit(member, unit string) {
	s.emit(managerPath, table.Manager, member, "so", func(e *dbus.Encoder) {
		e.Text(unit)
		e.Text(name.BusPath(unit))
	}, nil)
}

func (s *Server) emitJob(member string, ev face.Event, about *jobTrack) {
	sig := "uos"
	if member == "JobRemoved" {
		sig = "uoss"
	}
	s.emit(managerPath, table.Manager, member, sig, func(e *dbus.Encoder) {
		e.Uint32(ev.Job)
		e.Text(jobPath(ev.Job))
		e.Text(ev.Unit)
		if member == "JobRemoved" {
			e.Text(ev.Result)
		}
	}, about)
}

// emitStartup tells how long the start has taken: firmware, loader, kernel, initrd,
// userspace, all of it.
func (s *Server) emitStartup(ev face.Event) {
	s.emit(managerPath, table.Manager, "StartupFinished", "tttttt", func(e *dbus.Encoder) {
		for _, t := range ev.Times {
			e.Uint64(t)
		}
	}, nil)
}

// track notes that a sender on the bus is to hear of a job.
func (s *Server) track(job uint32, sender string) {
	if sender == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[job] == nil {
		s.jobs[job] = &jobTrack{}
	}
	s.jobs[job].senders = append(s.jobs[job].senders, sender)
}

// isTracked reports whether a sender has asked for a job.
func (s *Server) isTracked(job uint32, sender string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.jobs[job]
	return t != nil && slices.Contains(t.senders, sender)
}

// tracked gives, for the last time, who is to hear of a job.
func (s *Server) tracked(job uint32) *jobTrack {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.jobs[job]
	delete(s.jobs, job)
	return t
}

// tellUnit tells of a unit's change, if it is to be told and was not yet.
func (s *Server) tellUnit(v face.View, unit string) {
	if !s.marked[unit] {
		return
	}
	delete(s.marked, unit)
	s.dirty = slices.DeleteFunc(s.dirty, func(u string) bool { return u == unit })
	s.changed(v, unit)
}

func (s *Server) changed(v face.View, unit string) {
	if !s.heard() {
		return
	}
	s.emitChanged(name.BusPath(unit), table.OfUnit(name.TypeOf(unit)),
		func(names []string) []face.Property { return v.Properties(unit, names) })
}

// settled tells what is left to be told, and sends all of it off.
func (s *Server) settled(v face.View) {
	if !s.isBusy() {
		dirty := s.dirty
		s.dirty = nil
		clear(s.marked)
		if s.heard() {
			s.tellJobs(v)
			s.tellManager(v)
			for _, unit := range dirty {
				s.changed(v, unit)
			}
		}
	}
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.flush()
	}
}

// isBusy reports whether a client has much to read yet. Changes wait until it has: by
// then, those of one unit are one.
func (s *Server) isBusy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.isBusy() {
			return true
		}
	}
	return false
}

// catchUp tells what has waited for a client to read.
func (s *Server) catchUp() { _ = s.m.Inspect(context.Background(), s.settled) }

// tellJobs tells of jobs that run now, or wait again.
func (s *Server) tellJobs(v face.View) {
	var changed []uint32
	for id, state := range s.states {
		if j, ok := v.Job(id); ok && j.State != state {
			s.states[id] = j.State
			changed = append(changed, id)
		}
	}
	slices.Sort(changed)
	for _, id := range changed {
		s.emitChanged(jobPath(id), []*table.Interface{table.Find(table.Job)},
			func([]string) []face.Property {
				j, _ := v.Job(id)
				return jobProperties(j)
			})
	}
}

// tellManager tells how many units have failed, if they are more or fewer.
func (s *Server) tellManager(v face.View) {
	failed := v.Failed()
	if failed == s.failed {
		return
	}
	s.failed = failed
	s.emitChanged(managerPath, []*table.Interface{table.Find(table.Manager)},
		func([]string) []face.Property {
			return []face.Property{{Name: "NFailedUnits", Type: "u", Value: uint32(failed)}}
		})
}
