package dbus

import (
	"sync"

	"context"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/unit/name"
	"rouse/internal/wire/dbus"
)

func propertyRows() map[string]row {
	return map[string]row{
		"Get":    {run: getProperty},
		"GetAll": {run: getAllProperties},
		"Set":    {run: setProperty, asks: true},
	}
}

// property finds a property by the names in a call of Get or Set. The errors are
// sd-bus's.
func (c *call) property(iface, property string) (*table.Member, error) {
	if i := table.Find(iface); i != nil && c.object.has(iface) {
		if m := i.Member(table.Property, property); m != nil {
			return m, nil
		}
	}
	return nil, refuse("UnknownProperty", "Unknown interface %s or property %s.", iface, property)
}

func getProperty(c *call) error {
	iface := c.in.Text()
	p, err := c.property(iface, c.in.Text())
	if err != nil {
		return err
	}
	list, err := c.read([]string{p.Source()})
	if err != nil {
		return err
	}
	c.out.Variant(p.Type)
	write(&c.out, p.Type, valueOf(list, p))
	return nil
}

// valueOf finds the value of a property that was asked for; zero is what the manager
// does not know.
func valueOf(list []face.Property, p *table.Member) any {
	for i := range list {
		if list[i].Name == p.Source() && (list[i].Type == p.Type || p.Type == "") {
			return list[i].Value
		}
	}
	return nil
}

// read gives values of properties of the call's object.
func (c *call) read(names []string) (list []face.Property, err error) {
	switch c.object.kind {
	case managerObject, logObject:
		return c.s.managerProperties(c.ctx, names)
	case unitObject:
		err = c.unit(func(v face.View, unit string) error {
			list = v.Properties(unit, names)
			return nil
		})
		return list, err
	case jobObject:
		err = c.look(func(v face.View) error {
			j, err := c.job(v)
			list = jobProperties(j)
			return err
		})
		return list, err
	case nodeObject:
	}
	return nil, nil
}

// jobProperties are all properties of a job.
func jobProperties(j face.JobInfo) []face.Property {
	return []face.Property{
		{Name: "Id", Type: "u", Value: j.ID},
		{Name: "Unit", Type: "(so)", Value: []any{j.Unit, name.BusPath(j.Unit)}},
		{Name: "JobType", Type: "s", Value: j.Type},
		{Name: "State", Type: "s", Value: j.State},
		{Name: "ActivationDetails", Type: "a(ss)", Value: append([]any{}, j.Details...)},
	}
}

func getAllProperties(c *call) error {
	iface := c.in.Text()
	list := c.object.interfaces()
	if iface != "" {
		known := table.Find(iface)
		if known == nil || iface != table.Peer && !c.object.has(iface) {
			return refuse("UnknownInterface", "Unknown interface '%s'.", iface)
		}
		list = []*table.Interface{known}
	}
	if c.object.kind == unitObject {
		return c.unit(func(v face.View, unit string) error {
			c.out.Array("{sv}", func() {
				for _, i := range list {
					writeAll(&c.out, v, unit, i, isReadable)
				}
			})
			return nil
		})
	}
	members, names := readable(list)
	values, err := c.read(names)
	if err != nil {
		return err
	}
	c.out.Array("{sv}", func() { writeProperties(&c.out, members, values) })
	return nil
}

// listed are the properties that GetAll gives, by the interfaces they are of: there are
// few such lists.
var listed sync.Map

type list struct {
	members []*table.Member
	names   []string
}

// readable are the properties of interfaces that GetAll gives, and their names.
func readable(interfaces []*table.Interface) ([]*table.Member, []string) {
	key := ""
	for _, i := range interfaces {
		key += i.Name + " "
	}
	if known, ok := listed.Load(key); ok {
		return known.(*list).members, known.(*list).names
	}
	all := &list{}
	for _, i := range interfaces {
		for n := range i.Members {
			if m := &i.Members[n]; isReadable(m) {
				all.members = append(all.members, m)
				all.names = append(all.names, m.Name)
			}
		}
	}
	listed.Store(key, all)
	return all.members, all.names
}

func isReadable(m *table.Member) bool { return m.Kind == table.Property && !m.Hidden }

// writeAll writes those properties of a unit of which fits says so, and reports whether
// there is such a unit.
func writeAll(
	e *dbus.Encoder, v face.View, unit string, i *table.Interface, fits func(*table.Member) bool,
) (found bool) {
	var m *table.Member // that which is asked for
	names := func(yield func(string) bool) {
		for n := range i.Members {
			if m = &i.Members[n]; fits(m) && !yield(m.Name) {
				return
			}
		}
	}
	v.Each(unit, names, func(p face.Property, ok bool) {
		found = true
		e.Struct()
		e.Text(m.Name)
		e.Variant(m.Type)
		if !ok || p.Type != m.Type {
			p.Value = nil // a zero, for want of anything else
		}
		write(e, m.Type, p.Value)
	})
	return found
}

// writeProperties writes members with their values. values are in the same order, but
// may lack some.
func writeProperties(e *dbus.Encoder, members []*table.Member, values []face.Property) {
	for _, m := range members {
		var v any
		if len(values) > 0 && values[0].Name == m.Name {
			v, values = values[0].Value, values[1:]
		} else {
			v = valueOf(values, m)
		}
		e.Struct()
		e.Text(m.Name)
		e.Variant(m.Type)
		write(e, m.Type, v)
	}
}

func setProperty(c *call) error {
	iface := c.in.Text()
	p, err := c.property(iface, c.in.Text())
	if err != nil {
		return err
	}
	if !p.Writable {
		return refuse("PropertyReadOnly", "Property '%s' is not writable.", p.Name)
	}
	if got := c.in.Variant(); got != p.Type {
		return refuse("InvalidArgs", "Incorrect parameters for property '%s', expected '%s', got '%s'.",
			p.Name, p.Type, got)
	}
	if p.Privileged && !c.isPrivileged() {
		return refuse("AccessDenied", "Access to %s.%s() not permitted.", iface, p.Name)
	}
	return c.s.m.SetManagerProperty(c.ctx, face.Property{
		Name: p.Source(), Type: p.Type, Value: readValue(c.in, p.Type),
	})
}

// emitChanged tells that an object's properties are others, interface by interface.
func (s *Server) emitChanged(
	path string, list []*table.Interface, values func(names []string) []face.Property,
) {
	for _, i := range list {
		told, names, gone := changing(i)
		if len(told)+len(gone) == 0 {
			continue
		}
		now := values(names)
		if len(now) == 0 && len(names) > 0 {
			continue // it is no more
		}
		s.emit(path, table.Properties, "PropertiesChanged", "sa{sv}as", func(e *dbus.Encoder) {
			e.Text(i.Name)
			e.Array("{sv}", func() { writeProperties(e, told, now) })
			e.Array("s", func() {
				for _, m := range gone {
					e.Text(m.Name)
				}
			})
		}, nil)
	}
}

// changing are the properties of an interface that PropertiesChanged has: those told
// with their values, and those told by name.
func changing(i *table.Interface) (told []*table.Member, names []string, gone []*table.Member) {
	for n := range i.Members {
		m := &i.Members[n]
		if m.Kind != table.Property || m.Hidden {
			continue
		}
		switch m.Changes {
		case table.Tells:
			told, names = append(told, m), append(names, m.Name)
		case table.Invalidates:
			gone = append(gone, m)
		case table.Silent, table.Constant:
		}
	}
	return told, names, gone
}

// managerProperties gives properties of the manager; of one that cannot show them, what
// describes it.
func (s *Server) managerProperties(ctx context.Context, names []string) ([]face.Property, error) {
	list, err := s.m.ManagerProperties(ctx, names)
	if err == nil {
		return list, nil
	}
	i, err := s.m.Info(ctx)
	return []face.Property{
		{Name: "SystemState", Type: "s", Value: i.SystemState},
		{Name: "Version", Type: "s", Value: i.Version},
		{Name: "NFailedUnits", Type: "u", Value: uint32(i.Failed)},
		{Name: "NNames", Type: "u", Value: uint32(i.Units)},
		{Name: "NJobs", Type: "u", Value: uint32(i.Jobs)},
		{Name: "UnitPath", Type: "as", Value: i.UnitPath},
		{Name: "Environment", Type: "as", Value: i.Environment},
		{Name: "ControlGroup", Type: "s", Value: i.CgroupRoot},
	}, err
}
