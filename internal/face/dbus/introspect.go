package dbus

import (
	"os"
	"slices"
	"strings"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/unit/name"
)

func peerRows() map[string]row {
	return map[string]row{
		"Ping":         {run: func(*call) error { return nil }},
		"GetMachineId": {run: machineID},
	}
}

func machineID(c *call) error {
	for _, path := range [...]string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if b, err := os.ReadFile(path); err == nil {
			if id := strings.TrimSpace(string(b)); len(id) == 32 {
				c.out.Text(id)
				return nil
			}
		}
	}
	return &face.Error{Name: face.Failed, Message: "This machine has no ID."}
}

func introspectRows() map[string]row {
	return map[string]row{"Introspect": {run: introspect}}
}

func introspect(c *call) error {
	children, err := c.children()
	if err != nil {
		return err
	}
	c.out.Text(table.Introspect(c.object.interfaces(), children))
	return nil
}

// children are the names of the objects below the call's.
func (c *call) children() (list []string, err error) {
	switch c.object.path {
	case "/":
		return []string{"org"}, nil
	case "/org":
		return []string{"freedesktop"}, nil
	case "/org/freedesktop":
		return []string{"LogControl1", "systemd1"}, nil
	case managerPath:
		list, err = c.children1()
		return append(list, "unit", "job"), err
	}
	return c.children1()
}

func (c *call) children1() (list []string, err error) {
	below := c.object.path
	err = c.look(func(v face.View) error {
		if below == managerPath || below+"/" == unitPrefix {
			v.Units(func(u *face.UnitInfo) { list = append(list, name.BusLabel(u.Name)) })
		}
		if below == managerPath || below+"/" == jobPrefix {
			for _, j := range v.Jobs() {
				list = append(list, strings.TrimPrefix(jobPath(j.ID), jobPrefix))
			}
		}
		return nil
	})
	slices.Sort(list)
	if below == managerPath {
		return nil, err
	}
	return list, err
}
