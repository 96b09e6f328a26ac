package dbus

import (
	"fmt"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/wire/dbus"
)

func managerTransientRows() map[string]row {
	return map[string]row{
		"StartTransientUnit":    {run: startTransient, asks: true},
		"SetUnitProperties":     {run: byName(setProperties), asks: true},
		"RefUnit":               {run: byName(ref), asks: true},
		"UnrefUnit":             {run: byName(unref)},
		"AbandonScope":          {run: byName(abandon), asks: true},
		"AttachProcessesToUnit": {run: byName(attach), asks: true},
		"CleanUnit":             {run: byName(clean), asks: true, slow: true},
		"FreezeUnit":            {run: byName(freeze), asks: true, slow: true},
		"ThawUnit":              {run: byName(thaw), asks: true, slow: true},
		"BindMountUnit":         {run: byName(bindMount), asks: true},
		"MountImageUnit":        {run: byName(mountImage), asks: true},
		"EnqueueMarkedJobs":     {run: enqueueMarked, asks: true},
	}
}

func unitTransientRows() map[string]row {
	return map[string]row{
		"SetProperties": {run: onUnit(setProperties), asks: true},
		"Ref":           {run: onUnit(ref), asks: true},
		"Unref":         {run: onUnit(unref)},
		"Clean":         {run: onUnit(clean), asks: true, slow: true},
		"Freeze":        {run: onUnit(freeze), asks: true, slow: true},
		"Thaw":          {run: onUnit(thaw), asks: true, slow: true},
	}
}

// typeTransientRows are those of the interfaces of single types, for which they have them.
func typeTransientRows() []methods {
	all := map[string]row{
		"Abandon":         {run: onUnit(abandon), asks: true},
		"AttachProcesses": {run: onUnit(attach), asks: true},
		"BindMount":       {run: onUnit(bindMount), asks: true},
		"MountImage":      {run: onUnit(mountImage), asks: true},
	}
	var list []methods
	for t := name.Service; t < name.Types; t++ {
		i := methods{table.OfType(t), map[string]row{}}
		for n, r := range all {
			if table.Find(i.iface).Member(table.Method, n) != nil {
				i.rows[n] = r
			}
		}
		list = append(list, i)
	}
	return list
}

// settings reads a(sv). Descriptors become those that came with the call.
func (c *call) settings() ([]face.Property, error) {
	var list []face.Property
	var bad error
	c.in.Array("(sv)", func() {
		c.in.Struct()
		p := face.Property{Name: c.in.Text()}
		p.Type = c.in.Variant()
		if p.Type == "" {
			return
		}
		p.Value = readValue(c.in, p.Type)
		if p.Type == "h" {
			i, _ := p.Value.(uint32)
			if int(i) >= len(c.files) {
				bad = refuse("InvalidArgs", "No descriptor came for property %s.", p.Name)
				return
			}
			p.Value = int(c.files[i].Fd())
		}
		list = append(list, p)
	})
	return list, bad
}

const asksToSet = "Authentication is required to set properties on '$(unit)'."

// startTransient makes units and starts the first.
func startTransient(c *call) error {
	unitName, modeWord := c.in.Text(), c.in.Text()
	var aux []face.TransientUnit
	props, err := c.settings()
	c.in.Array("(sa(sv))", func() {
		c.in.Struct()
		u := face.TransientUnit{Name: c.in.Text()}
		var bad error
		if u.Properties, bad = c.settings(); err == nil {
			err = bad
		}
		aux = append(aux, u)
	})
	if err != nil {
		return err
	}
	mode, ok := unit.ParseJobMode(modeWord)
	if !ok {
		return refuse("InvalidArgs", "Job mode %s is invalid.", modeWord)
	}
	if err := c.allowUnit(unitName, "start", asked["start"]); err != nil {
		return err
	}
	who, err := c.sender()
	if err != nil {
		return err
	}
	for _, p := range props {
		if p.Name == "AddRef" && p.Value == true {
			c.holds()
		}
	}
	_, err = c.s.m.StartTransient(c.ctx, face.TransientRequest{
		TransientUnit: face.TransientUnit{Name: unitName, Properties: props},
		Auxiliary:     aux, Mode: mode, Client: c.m.Sender, PID: who.pid,
		Replied: func(r face.JobReply) {
			c.s.track(r.ID, c.m.Sender)
			c.out.Text(jobPath(r.ID))
			c.reply()
		},
	})
	return err
}

func setProperties(c *call, unit string) error {
	runtime := c.in.Bool()
	list, err := c.settings()
	if err != nil {
		return err
	}
	if err := c.allowUnit(unit, "set-property", asksToSet); err != nil {
		return err
	}
	return c.s.m.SetProperties(c.ctx, unit, runtime, list)
}

// errNoPeer is for those who hold no name on a bus, and so cannot be seen to leave.
var errNoPeer = refuse("InvalidArgs", "Invalid argument")

func ref(c *call, unit string) error {
	if c.m.Sender == "" {
		return errNoPeer
	}
	if err := c.allowUnit(unit, "ref", ""); err != nil {
		return err
	}
	c.holds()
	return c.s.m.Ref(c.ctx, unit, c.m.Sender)
}

// holds notes that the sender has a reference, if it is on the bus.
func (c *call) holds() {
	if l, ok := c.from.(*BusLink); ok {
		l.hold(c.ctx, c.m.Sender)
	}
}

func unref(c *call, unit string) error {
	if c.m.Sender == "" {
		return errNoPeer
	}
	return c.s.m.Unref(c.ctx, unit, c.m.Sender)
}

func abandon(c *call, unit string) error {
	if err := c.allowUnit(unit, "stop", asked["stop"]); err != nil {
		return err
	}
	return c.s.m.Abandon(c.ctx, unit)
}

// attach moves processes into a unit; the name of none is the sender's own unit.
func attach(c *call, unit string) error {
	group := c.in.Text()
	var pids []int
	c.in.Array("u", func() { pids = append(pids, int(c.in.Uint32())) })
	who, err := c.sender()
	if err != nil {
		return err
	}
	for i, pid := range pids {
		if pid == 0 {
			pids[i] = who.pid
		}
	}
	if unit == "" {
		if unit, err = c.own(); err != nil {
			return err
		}
	}
	if err := c.allowUnit(unit, "attach", ""); err != nil {
		return err
	}
	return c.s.m.Attach(c.ctx, unit, group, pids)
}

func clean(c *call, unit string) error {
	what, _ := readValue(c.in, "as").([]string)
	err := c.allowUnit(unit, "clean", "Authentication is required to delete files and directories "+
		"associated with '$(unit)'.")
	if err != nil {
		return err
	}
	return c.s.m.Clean(c.ctx, unit, what)
}

func freeze(c *call, unit string) error {
	err := c.allowUnit(unit, "freeze",
		"Authentication is required to freeze or thaw the processes of '$(unit)' unit.")
	if err != nil {
		return err
	}
	return c.s.m.Freeze(c.ctx, unit)
}

func thaw(c *call, unit string) error {
	err := c.allowUnit(unit, "thaw",
		"Authentication is required to freeze or thaw the processes of '$(unit)' unit.")
	if err != nil {
		return err
	}
	return c.s.m.Thaw(c.ctx, unit)
}

func bindMount(c *call, unit string) error {
	req := face.MountRequest{
		Unit: unit, Source: c.in.Text(), Destination: c.in.Text(), ReadOnly: c.in.Bool(),
		MakeDirectory: c.in.Bool(),
	}
	return c.mount(req)
}

func mountImage(c *call, unit string) error {
	req := face.MountRequest{
		Unit: unit, Source: c.in.Text(), Destination: c.in.Text(), ReadOnly: c.in.Bool(),
		MakeDirectory: c.in.Bool(), Image: true,
	}
	c.in.Array("(ss)", func() {
		c.in.Struct()
		req.Options = append(req.Options, [2]string{c.in.Text(), c.in.Text()})
	})
	return c.mount(req)
}

func (c *call) mount(req face.MountRequest) error {
	err := c.allowUnit(req.Unit, "bind-mount", "Authentication is required to mount on '$(unit)'.")
	if err != nil {
		return err
	}
	return c.s.m.BindMount(c.ctx, req)
}

// enqueueMarked queues jobs for units with marks.
func enqueueMarked(c *call) error {
	if err := c.allow(manageUnits); err != nil {
		return err
	}
	list, err := c.s.m.EnqueueMarked(c.ctx)
	if err != nil {
		return err
	}
	c.out.Array("o", func() {
		for _, r := range list {
			c.s.track(r.ID, c.m.Sender)
			c.out.Text(jobPath(r.ID))
		}
	})
	return nil
}

// emitRequestStop asks the controller of a scope, and nobody else, to stop it.
func (s *Server) emitRequestStop(ev face.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bus == nil {
		s.log(fmt.Sprintf("%s: its controller %s cannot be asked: no bus", ev.Unit, ev.Peer))
		return
	}
	s.bus.bus.Send(&dbus.Message{
		Type: dbus.Signal, Flags: dbus.NoReply, Serial: 1, Path: name.BusPath(ev.Unit),
		Interface: table.OfType(name.Scope), Member: "RequestStop", Destination: ev.Peer,
	}, nil)
}
