package dbus

import (
	"fmt"
	"slices"

	"rouse/internal/face"
	"rouse/internal/unit/name"
)

func managerListRows() map[string]row {
	return map[string]row{
		"GetUnit":             {run: getUnit},
		"LoadUnit":            {run: loadUnit},
		"ListUnits":           {run: func(c *call) error { return listUnits(c, nil, nil) }},
		"ListUnitsFiltered":   {run: func(c *call) error { return listUnits(c, c.strings(), nil) }},
		"ListUnitsByPatterns": {run: listByPatterns},
		"ListUnitsByNames":    {run: listByNames},
		"GetUnitProcesses":    {run: byName(processes)},
	}
}

// processRows are the methods of the types of units that have processes.
func processRows() map[string]row {
	return map[string]row{"GetProcesses": {run: onUnit(processes)}}
}

func unitPath(unit string) string { return name.BusPath(unit) }

func notLoaded(unit string) error {
	return &face.Error{Name: face.NoSuchUnit, Message: fmt.Sprintf("Unit %s not loaded.", unit)}
}

func getUnit(c *call) error {
	unit, err := c.named()
	if err != nil {
		return err
	}
	return c.look(func(v face.View) error {
		u, ok := v.Unit(unit)
		if !ok {
			return notLoaded(unit)
		}
		c.out.Text(unitPath(u.Name))
		return nil
	})
}

// named reads the name of a unit; an empty one is the sender's own.
func (c *call) named() (string, error) {
	if unit := c.in.Text(); unit != "" {
		return unit, nil
	}
	return c.own()
}

func loadUnit(c *call) error {
	unit, err := c.named()
	if err != nil {
		return err
	}
	return c.lookReady(func(v face.View) error {
		primary, err := v.Load(unit)
		if err != nil {
			return err
		}
		c.out.Text(unitPath(primary))
		return nil
	})
}

// listUnits lists the loaded units in one of the states, of load, active or sub state,
// that have a name which one of the patterns fits.
func listUnits(c *call, states, patterns []string) error {
	return c.look(func(v face.View) error {
		c.out.Array("(ssssssouso)", func() {
			v.Units(func(u *face.UnitInfo) {
				if hasState(u, states) && (len(patterns) == 0 || v.Matches(u.Name, patterns)) {
					c.writeUnit(u)
				}
			})
		})
		return nil
	})
}

func hasState(u *face.UnitInfo, states []string) bool {
	return len(states) == 0 || slices.Contains(states, u.Load) ||
		slices.Contains(states, u.Active) || slices.Contains(states, u.Sub)
}

func (c *call) writeUnit(u *face.UnitInfo) {
	e := &c.out
	e.Struct()
	e.Text(u.Name)
	e.Text(plain(u.Description))
	e.Text(u.Load)
	e.Text(u.Active)
	e.Text(u.Sub)
	e.Text(u.Following)
	e.TextBy(func(b []byte) []byte { return name.AppendBusPath(b, u.Name) })
	e.Uint32(u.JobID)
	e.Text(u.JobType)
	if u.JobID == 0 {
		e.Text("/")
	} else {
		e.Text(jobPath(u.JobID))
	}
}

func listByPatterns(c *call) error {
	states := c.strings()
	return listUnits(c, states, c.strings())
}

// listByNames lists units that are named, loading them.
func listByNames(c *call) error {
	names := c.strings()
	return c.lookReady(func(v face.View) error {
		c.out.Array("(ssssssouso)", func() {
			for _, n := range names {
				if !name.Valid(n, name.Plain|name.Instance) {
					continue
				}
				_ = v.Loaded(n, func(primary string) {
					if u, ok := v.Unit(primary); ok {
						c.writeUnit(&u)
					}
				})
			}
		})
		return nil
	})
}

// processes lists the processes of a unit with their control groups.
func processes(c *call, unit string) error {
	root := ""
	err := c.look(func(v face.View) error {
		u, ok := v.Unit(unit)
		if !ok {
			return notLoaded(unit)
		}
		for _, p := range v.Properties(u.Name, []string{"ControlGroup"}) {
			root, _ = p.Value.(string)
		}
		return nil
	})
	if err != nil {
		return err
	}
	list, err := c.s.m.Processes(c.ctx, unit)
	if err != nil {
		return err
	}
	c.out.Array("(sus)", func() {
		for _, p := range list {
			group := root
			if p.Cgroup != "" {
				group += "/" + p.Cgroup
			}
			c.out.Struct()
			c.out.Text(plain(group))
			c.out.Uint32(uint32(p.PID))
			c.out.Text(plain(p.Command))
		}
	})
	return nil
}
