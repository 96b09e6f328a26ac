package manager

import (
	"errors"
	"os"
	"slices"
	"strconv"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/host/notify"
	"rouse/internal/host/proc"
	"rouse/internal/host/socket"
	"rouse/internal/host/sys"
)

// message is one that came on the notify socket, and whose it is.
type message struct {
	*notify.Message
	unit string // "" if that is not known
}

// notified is called for each message on the notify socket.
func (m *Manager) notified(msg *notify.Message) {
	m.carry(func() { m.hear(message{Message: msg}) })
}

// hear passes a message on, or holds it as long as its sender may be a process that
// was started a moment ago, of which the engine, or even the tracker, is yet to know.
func (m *Manager) hear(msg message) {
	if msg.unit == "" {
		msg.unit, _ = m.tracker.Owner(msg.PID)
	}
	if m.flyingBy[msg.unit] > 0 || msg.unit == "" && len(m.aloft) > 0 {
		m.held = append(m.held, msg)
		return
	}
	m.heard(msg.Message, msg.unit, msg.unit != "")
}

// heard passes a message on to the engine.
func (m *Manager) heard(msg *notify.Message, name string, known bool) {
	defer msg.Done()
	switch {
	case msg.Barrier:
	case !known:
		m.logf(engine.Warning, "", "notify message from process %d, which is no unit's; ignored", msg.PID)
	default:
		ev := engine.Notified{
			Unit: name, PID: msg.PID, Trusted: msg.HasSender && (msg.UID == 0 || msg.UID == os.Getuid()),
		}
		for _, f := range msg.Fields {
			ev.Fields = append(ev.Fields, f.Key+"="+f.Value)
		}
		if text, ok := msg.Get("MAINPID"); ok {
			if pid, err := strconv.Atoi(text); err == nil {
				owner, ok := m.tracker.Owner(pid)
				ev.Ours, ev.Unfit = ok && owner == name, unfit(pid)
			}
		}
		ev.FDs = m.takeFDs(msg, name)
		m.step(ev)
		m.dropFDs(ev.FDs)
		if tells(msg) {
			m.observed(face.Event{Kind: "unit-changed", Unit: name})
		}
	}
}

// tells reports whether a message may change what is shown of a unit; that it is
// alive does not.
func tells(msg *notify.Message) bool {
	for _, key := range [...]string{"STATUS", "ERRNO", "MAINPID", "NOTIFYACCESS", "BUSERROR"} {
		if _, ok := msg.Get(key); ok {
			return true
		}
	}
	return false
}

// unfit says why a process can be no main process; "" if it can.
func unfit(pid int) string {
	if pid == os.Getpid() {
		return "is the manager"
	}
	gone := pid > 0 && errors.Is(sys.Kill(pid, 0), sys.ESRCH)
	if st, err := proc.Read(pid); gone || err == nil && st.Dead() {
		return "does not exist or is a zombie"
	}
	return ""
}

// storedFD is a descriptor that a service has left here.
type storedFD struct {
	fd     int
	id     sys.FileID
	unit   string
	kept   bool // the engine wants it
	polled bool // the loss of its other end is waited for
}

// takeFDs takes over the descriptors of a message that stores them, but those that
// the unit has stored already, and those that the manager might need itself.
func (m *Manager) takeFDs(msg *notify.Message, unit string) (taken []engine.Handle) {
	if !slices.Contains(msg.Fields, notify.Field{Key: "FDSTORE", Value: "1"}) {
		if len(msg.FDs) > 0 {
			m.logf(engine.Warning, unit, "descriptors came with a notify message that does not store"+
				" them; closing them")
		}
		return nil
	}
	for i, fd := range msg.FDs {
		id, err := sys.IDOf(fd)
		switch {
		case err != nil:
			m.logf(engine.Warning, unit, "store a descriptor: %v", err)
		case m.isStored(fd, id, unit):
		case uint64(len(m.stored)) >= m.storeRoom():
			m.logf(engine.Warning, unit, "no room for another stored descriptor: %d of the manager's"+
				" own are in use for that; closing it", len(m.stored))
		default:
			m.lastHandle++
			m.stored[m.lastHandle] = &storedFD{fd: fd, id: id, unit: unit}
			msg.FDs[i] = -1
			taken = append(taken, m.lastHandle)
		}
	}
	return taken
}

// storeRoom is how many descriptors may be stored for all services together: half
// of what the manager may have at all.
func (m *Manager) storeRoom() uint64 {
	n, err := sys.FileLimit()
	if err != nil {
		return 512
	}
	return n / 2
}

func (m *Manager) isStored(fd int, id sys.FileID, unit string) bool {
	for _, s := range m.stored {
		if s.id == id && s.unit == unit && sys.SameFile(s.fd, fd) {
			return true
		}
	}
	return false
}

// keepFD: the engine wants a descriptor that came with a message.
func (m *Manager) keepFD(fx engine.KeepFD) {
	s := m.stored[fx.FD]
	if s == nil {
		return
	}
	s.kept = true
	if !fx.Poll {
		return
	}
	if m.hangups == nil {
		hangups, err := socket.NewHangups(m.hungUp)
		if err != nil {
			m.logf(engine.Warning, fx.Unit, "watch a stored descriptor: %v", err)
			return
		}
		m.hangups = hangups
	}
	s.polled = true
	m.hangups.Watch(handleKey(fx.FD), []int{s.fd})
}

// handleKey names a stored descriptor for the poller.
func handleKey(h engine.Handle) string { return strconv.FormatUint(uint64(h), 10) }

// hungUp is called by the poller when the other end of a stored descriptor is gone.
func (m *Manager) hungUp(key string, _ int) {
	n, err := strconv.ParseUint(key, 10, 64)
	if err != nil {
		return
	}
	m.post(func() {
		if s := m.stored[engine.Handle(n)]; s != nil {
			m.step(engine.HungUp{Unit: s.unit, FD: engine.Handle(n)})
		}
	})
}

// dropFDs closes those that the engine did not want.
func (m *Manager) dropFDs(list []engine.Handle) {
	for _, h := range list {
		if s := m.stored[h]; s != nil && !s.kept {
			m.closeFDs([]engine.Handle{h})
		}
	}
}

func (m *Manager) closeFDs(list []engine.Handle) {
	for _, h := range list {
		s := m.stored[h]
		if s == nil {
			continue
		}
		delete(m.stored, h)
		if m.hangups != nil {
			m.hangups.Unwatch(handleKey(h))
		}
		sys.CloseFD(s.fd)
	}
}

// closeStore closes all of them, at the end.
func (m *Manager) closeStore() {
	if m.hangups != nil {
		m.hangups.Close()
	}
	for _, s := range m.stored {
		sys.CloseFD(s.fd)
	}
	clear(m.stored)
}

// tellSupervisor tells whoever has started the manager how it fares, as user@.service
// expects it of the manager of a user. sd_notify(3).
func (m *Manager) tellSupervisor(text string) {
	if m.cfg.Supervisor == "" {
		return
	}
	f, err := sys.DialDatagram(m.cfg.Supervisor)
	if err == nil {
		defer f.Close()
		err = sys.Send(f, []byte(text))
	}
	if err != nil {
		m.logf(engine.Debug, "", "tell the supervisor: %v", err)
	}
}

// unitChanged tells everybody of a unit's state. The manager itself is ready once
// basic.target is reached, or, where there is none, when nothing is left to start; the
// first message counts.
func (m *Manager) unitChanged(fx engine.Changed) {
	m.sliceChanged(fx)
	m.busChanged(fx)
	m.publish(face.Event{Kind: "unit-changed", Unit: fx.Unit, Active: fx.Active, Sub: fx.Sub})
	if fx.Unit == "basic.target" && fx.Active == "active" {
		m.tellSupervisor("READY=1\nSTATUS=Reached basic.target.")
	}
}
