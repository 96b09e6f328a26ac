package dbus

import (
	"rouse/internal/face"
	"rouse/internal/unit/value"
)

func managerStateRows() map[string]row {
	end := func(verb string) row {
		return row{run: func(c *call) error { return c.s.m.End(c.ctx, verb) }}
	}
	return map[string]row{
		"Subscribe":       {run: subscribe},
		"Unsubscribe":     {run: unsubscribe},
		"Reload":          {run: reload, asks: true, slow: true},
		"Reexecute":       {run: reexecute, asks: true},
		"KillUnit":        {run: byName(kill), asks: true},
		"ResetFailed":     {run: resetAllFailed, asks: true},
		"ResetFailedUnit": {run: byName(resetFailed), asks: true},
		"Exit":            end("exit"),
		"Reboot":          end("reboot"),
		"PowerOff":        end("poweroff"),
		"Halt":            end("halt"),
		"KExec":           end("kexec"),
	}
}

func unitRows() map[string]row {
	rows := map[string]row{
		"EnqueueJob":  {run: onUnit(enqueueJob), asks: true},
		"Kill":        {run: onUnit(kill), asks: true},
		"ResetFailed": {run: onUnit(resetFailed), asks: true},
	}
	for word, verb := range verbs {
		rows[word] = row{asks: true, run: onUnit(func(c *call, unit string) error {
			return enqueue(c, unit, verb, c.in.Text())
		})}
	}
	return rows
}

// onUnit has a method of the manager, which names a unit, carried out for the unit that
// the call's object is.
func onUnit(f func(c *call, unit string) error) handler {
	return func(c *call) error {
		unit, err := c.unitName()
		if err != nil {
			return err
		}
		return f(c, unit)
	}
}

// subscribe has signals sent on the bus; on the private socket they always are.
func subscribe(c *call) error {
	l, ok := c.from.(*BusLink)
	if !ok {
		return nil
	}
	was, err := l.subscribe(c.ctx, c.m.Sender, true)
	if err == nil && was {
		err = &face.Error{
			Name:    "org.freedesktop.systemd1.AlreadySubscribed",
			Message: "Client is already subscribed.",
		}
	}
	return err
}

func unsubscribe(c *call) error {
	l, ok := c.from.(*BusLink)
	if !ok {
		return nil
	}
	was, err := l.subscribe(c.ctx, c.m.Sender, false)
	if err == nil && !was {
		err = &face.Error{
			Name: "org.freedesktop.systemd1.NotSubscribed", Message: "Client is not subscribed.",
		}
	}
	return err
}

func reload(c *call) error {
	if err := c.allow(reloadDaemon); err != nil {
		return err
	}
	_, err := c.s.m.Reload(c.ctx, false)
	return err
}

func kill(c *call, unit string) error {
	who, number := c.in.Text(), c.in.Int32()
	if who == "" {
		who = "all"
	}
	if err := c.allowUnit(unit, "kill",
		"Authentication is required to send a UNIX signal to the processes of '$(unit)'."); err != nil {
		return err
	}
	return c.s.m.Kill(c.ctx, unit, who, value.Signal(number))
}

func resetAllFailed(c *call) error {
	if err := c.allow(manageUnits); err != nil {
		return err
	}
	return c.s.m.ResetFailed(c.ctx, nil)
}

func resetFailed(c *call, unit string) error {
	if err := c.allowUnit(unit, "reset-failed",
		"Authentication is required to reset the \"failed\" state of '$(unit)'."); err != nil {
		return err
	}
	return c.s.m.ResetFailed(c.ctx, []string{unit})
}
