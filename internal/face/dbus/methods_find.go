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

// dynamicUsers lists the users made by DynamicUser=, of which there are none yet.
func dynamicUsers(c *call) error {
	c.out.Array("(us)", func() {})
	return nil
}

const noSuchDynamicUser = "org.freedesktop.systemd1.NoSuchDynamicUser"

func dynamicUserByName(c *call) error {
	user := c.in.Text()
	if !isUser(user) {
		return refuse("InvalidArgs", "User name invalid: %s", user)
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

func dynamicUserByUID(c *call) error {
	return &face.Error{Name: noSuchDynamicUser, Message: fmt.Sprintf(
		"Dynamic user ID %d does not exist.", c.in.Uint32())}
}
