package dbus

import (
	"fmt"
	"strings"

	"rouse/internal/face"
)

func managerFindRows() map[string]row {
	return map[string]row{
		"GetUnitByPID":            {run: unitByPID},
		"GetUnitByInvocationID":   {run: unitByInvocation},
		"GetUnitByControlGroup":   {run: unitByGroup},
		"GetDynamicUsers":         {run: dynamicUsers},
		"LookupDynamicUserByName": {run: dynamicUserByName},
		"LookupDynamicUserByUID":  {run: dynamicUserByUID},
	}
}

// found writes the path of a unit that was looked for.
func (c *call) found(unit string, err error) error {
	if err != nil {
		return err
	}
	c.out.Text(unitPath(unit))
	return nil
}

// unitByPID finds the unit of a process; 0 is the sender.
func unitByPID(c *call) error {
	pid := int(c.in.Uint32())
	if pid == 0 {
		who, err := c.sender()
		if err != nil {
			return err
		}
		pid = who.pid
	}
	return c.found(c.s.m.UnitByPID(c.ctx, pid))
}

// unitByInvocation finds the unit of an invocation; none is the sender's.
func unitByInvocation(c *call) error {
	id, _ := readValue(c.in, "ay").([]byte)
	switch len(id) {
	case 16:
		return c.found(c.s.m.UnitByInvocation(c.ctx, id))
	case 0:
		unit, err := c.own()
		if who, bad := c.sender(); err != nil && bad == nil {
			return &face.Error{Name: face.NoSuchUnit, Message: fmt.Sprintf(
				"Client %d not member of any unit.", who.pid)}
		}
		return c.found(unit, err)
	}
	return refuse("InvalidArgs", "Invalid invocation ID")
}

func unitByGroup(c *call) error { return c.found(c.s.m.UnitByGroup(c.ctx, c.in.Text())) }

// dynamicUsers lists the users made by DynamicUser=.
func dynamicUsers(c *call) error {
	list, err := c.s.m.DynamicUsers(c.ctx)
	if err != nil {
		return err
	}
	c.out.Array("(us)", func() {
		for _, u := range list {
			c.out.Struct()
			c.out.Uint32(u.UID)
			c.out.Text(u.Name)
		}
	})
	return nil
}

const noSuchDynamicUser = "org.freedesktop.systemd1.NoSuchDynamicUser"

func dynamicUserByName(c *call) error {
	user := c.in.Text()
	if !isUser(user) {
		return refuse("InvalidArgs", "User name invalid: %s", user)
	}
	list, err := c.s.m.DynamicUsers(c.ctx)
	if err != nil {
		return err
	}
	for _, u := range list {
		if u.Name == user {
			c.out.Uint32(u.UID)
			return nil
		}
	}
	return &face.Error{
		Name: noSuchDynamicUser, Message: fmt.Sprintf("Dynamic user %s does not exist.", user),
	}
}

// isUser reports whether s could be the name of a user.
func isUser(s string) bool {
	const first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	return s != "" && len(s) < 32 && strings.IndexByte(first, s[0]) >= 0 &&
		strings.Trim(s, first+"0123456789-") == ""
}

// dynamicUserByUID finds those that are in no file: their numbers are in the range that is
// for them.
func dynamicUserByUID(c *call) error {
	uid := c.in.Uint32()
	list, err := c.s.m.DynamicUsers(c.ctx)
	if err != nil {
		return err
	}
	for _, u := range list {
		if u.UID == uid && uid >= dynamicMin && uid <= dynamicMax {
			c.out.Text(u.Name)
			return nil
		}
	}
	return &face.Error{Name: noSuchDynamicUser, Message: fmt.Sprintf(
		"Dynamic user ID %d does not exist.", uid)}
}

// The numbers of users in no file. systemd.exec(5), DynamicUser=.
const (
	dynamicMin = 61184
	dynamicMax = 65519
)
