package graph

import (
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// Ground is what the implicit and default dependencies of units depend on
// besides the units. The zero Ground is that of the system manager of a machine
// without device units.
type Ground struct {
	User      bool // the manager of a user
	Container bool // swap is the business of another machine
	Devices   bool // there are device units, since udev runs
	// Mounted tells whether something is mounted at a path; nil knows of nothing.
	Mounted func(path string) bool
	// Bases are the directories that RuntimeDirectory= and kin are relative to;
	// "" is the one of the system manager.
	Bases [unit.DirectoryKinds]string
	// Stdout is DefaultStandardOutput=; the zero value is the journal.
	Stdout unit.Stdio
}

// Complete adds to u what it has without saying so: its slice, the mounts it
// needs, and the edges that its type and its settings bring, default ones only
// if DefaultDependencies= is on. The man pages of the unit types, IMPLICIT
// DEPENDENCIES and DEFAULT DEPENDENCIES. hasFile tells whether there is a unit
// file of that name which is not masked.
//
// What follows from two units is not added: see TargetAfter.
func (g Ground) Complete(u *unit.Unit, hasFile func(name string) bool) {
	e := edges{Ground: g, u: u, hasFile: hasFile}
	e.slice()
	switch u.Type {
	case name.Service:
		e.service()
	case name.Socket:
		e.socket()
	case name.Target:
		e.shutdown("shutdown.target")
	case name.Mount:
		e.mount()
	case name.Automount:
		e.automount()
	case name.Swap:
		e.swap()
	case name.Timer:
		e.timer()
	case name.Path:
		e.path()
	case name.Slice, name.Scope:
		e.shutdown("shutdown.target")
	case name.Device, name.Bad, name.Types:
	}
	e.mounts()
}

// TargetAfter reports whether target is ordered after other, given that it
// pulls other in: not so if either says DefaultDependencies=no. An order that
// is written the other way round must be looked for by the caller.
// systemd.target(5).
func TargetAfter(target, other *unit.Unit) bool {
	return target.Type == name.Target &&
		target.Load == unit.Loaded && other.Load == unit.Loaded &&
		target.DefaultDependencies && other.DefaultDependencies
}

// edges is a unit whose edges are being completed.
type edges struct {
	Ground
	u       *unit.Unit
	hasFile func(name string) bool
}

// add adds implicit edges of some kinds to one other unit.
func (e *edges) add(other string, kinds ...unit.Dep) {
	for _, k := range kinds {
		if other != e.u.Name {
			e.u.Edges = append(e.u.Edges, unit.Edge{Kind: k, Name: other})
		}
	}
}

// byDefault adds edges that DefaultDependencies= switches off.
func (e *edges) byDefault(other string, kinds ...unit.Dep) {
	if !e.u.DefaultDependencies {
		return
	}
	from := len(e.u.Edges)
	e.add(other, kinds...)
	for i := from; i < len(e.u.Edges); i++ {
		e.u.Edges[i].Default = true
	}
}

// shutdown makes the unit stop before the target is reached.
func (e *edges) shutdown(target string) { e.byDefault(target, unit.Before, unit.Conflicts) }

// sysinit makes units of the system manager start after the early boot.
func (e *edges) sysinit() {
	if !e.User {
		e.byDefault("sysinit.target", unit.Requires, unit.After)
	}
}

func (e *edges) service() {
	s := e.u.Service
	if s == nil {
		return
	}
	if e.User {
		e.byDefault("basic.target", unit.Requires, unit.After)
	} else {
		e.sysinit()
		e.byDefault("basic.target", unit.After)
	}
	e.shutdown("shutdown.target")
	if s.Type == unit.DBus {
		e.add("dbus.socket", unit.Requires, unit.After)
	}
	for _, socket := range s.Sockets {
		e.add(socket, unit.Wants, unit.After, unit.TriggeredBy)
	}
	e.exec()
}

func (e *edges) socket() {
	s := e.u.Socket
	if s == nil {
		return
	}
	e.byDefault("sockets.target", unit.Before)
	e.sysinit()
	e.shutdown("shutdown.target")
	if !s.Accept {
		e.triggers(s.Service, ".service")
	}
	if s.BindToDevice != "" && s.BindToDevice != "lo" {
		e.device("/sys/subsystem/net/devices/"+s.BindToDevice, unit.BindsTo)
	}
	for _, l := range s.Listen {
		switch l.Kind {
		case unit.ListenStream, unit.ListenDatagram, unit.ListenSequentialPacket, unit.ListenFIFO,
			unit.ListenSpecial, unit.ListenUSBFunction:
			if strings.HasPrefix(l.Address, "/") {
				e.needMounts(l.Address)
			}
		case unit.ListenNetlink, unit.ListenMessageQueue, unit.ListenKinds:
		}
	}
	for _, commands := range s.Commands {
		if len(commands) > 0 {
			e.exec()
			break
		}
	}
}

// triggers ties u to the unit that it starts: other, or the one of the same
// name with another suffix.
func (e *edges) triggers(other, suffix string) {
	if other == "" {
		var err error
		if other, err = name.WithSuffix(e.u.Name, suffix); err != nil {
			return
		}
	}
	e.add(other, unit.Before, unit.Triggers)
}

func (e *edges) timer() {
	t := e.u.Timer
	if t == nil {
		return
	}
	e.byDefault("timers.target", unit.Before)
	e.sysinit()
	e.shutdown("shutdown.target")
	for _, s := range t.Specs {
		if s.Base == unit.OnCalendar && !e.User {
			e.byDefault("time-sync.target", unit.After)
			e.byDefault("time-set.target", unit.After)
			break
		}
	}
	e.triggers(t.Unit, ".service")
	if t.Persistent && !e.User {
		e.needMounts("/var/lib/systemd/timers")
	}
}

func (e *edges) path() {
	p := e.u.Path
	if p == nil {
		return
	}
	e.byDefault("paths.target", unit.Before)
	e.sysinit()
	e.shutdown("shutdown.target")
	e.triggers(p.Unit, ".service")
	for _, s := range p.Specs {
		e.needMounts(s.Path)
	}
}

// slice settles which slice the unit is in and ties it to that.
func (e *edges) slice() {
	if e.u.Resources == nil || e.u.Name == "-.slice" {
		return
	}
	if e.u.Type == name.Slice {
		e.u.Slice, _ = name.ParentSlice(e.u.Name)
	} else if e.u.Slice == "" {
		e.u.Slice = e.defaultSlice()
	}
	if e.u.Slice != "" {
		e.add(e.u.Slice, unit.InSlice, unit.Requires, unit.After)
	}
}

// defaultSlice is the slice of units that do not name one: one per template for
// instances, the root slice for what is no part of the services that the
// manager runs, else system.slice or app.slice.
func (e *edges) defaultSlice() string {
	top := "system"
	if e.User {
		top = "app"
	}
	switch {
	case e.u.Perpetual, e.isForeign():
		return "-.slice"
	case name.KindOf(e.u.Name) == name.Instance:
		return top + "-" + name.Escape(name.Prefix(e.u.Name)) + ".slice"
	}
	return top + ".slice"
}
