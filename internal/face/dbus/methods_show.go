package dbus

import (
	"rouse/internal/face"
	"rouse/internal/host/sys"
)

func managerShowRows() map[string]row {
	return map[string]row{
		"SetEnvironment": {asks: true, run: func(c *call) error {
			return changeEnvironment(c, nil, c.strings())
		}},
		"UnsetEnvironment": {asks: true, run: func(c *call) error {
			return changeEnvironment(c, c.strings(), nil)
		}},
		"UnsetAndSetEnvironment": {asks: true, run: func(c *call) error {
			unset := c.strings()
			return changeEnvironment(c, unset, c.strings())
		}},
		"SetShowStatus": {run: privileged(func(c *call) error {
			return c.s.m.SetShowStatus(c.ctx, c.in.Text())
		})},
		"SetExitCode": {run: privileged(func(c *call) error {
			return c.s.m.SetExitCode(c.ctx, c.in.Byte())
		})},
		"CreateSnapshot": {run: noSnapshots},
		"RemoveSnapshot": {run: noSnapshots},
		"Dump":           {slow: true, run: func(c *call) error { return dump(c, nil) }},
		"DumpUnitsMatchingPatterns": {slow: true, run: func(c *call) error {
			return dump(c, c.strings())
		}},
		"DumpByFileDescriptor": {slow: true, run: func(c *call) error {
			return dumpToFile(c, nil)
		}},
		"DumpUnitsMatchingPatternsByFileDescriptor": {slow: true, run: func(c *call) error {
			return dumpToFile(c, c.strings())
		}},
	}
}

// noSnapshots is for methods of old.
func noSnapshots(*call) error {
	return refuse("NotSupported", "Support for snapshots has been removed.")
}

// privileged refuses what systemd leaves to the policy of the message bus to refuse.
func privileged(f handler) handler {
	return func(c *call) error {
		if !c.isPrivileged() {
			return &face.Error{Name: face.AccessDenied, Message: "Permission denied"}
		}
		return f(c)
	}
}

func changeEnvironment(c *call, unset, set []string) error {
	if err := c.allow(setEnvironment); err != nil {
		return err
	}
	return c.s.m.SetEnvironment(c.ctx, unset, set)
}

// A stranger may have the state dumped so often in that time, for it is work.
const (
	dumpBurst    = 10
	dumpInterval = 600_000_000 // microseconds
)

// dumpLimit counts the dumps of strangers. It goes over a re-execution.
type dumpLimit struct {
	Began uint64 // by the monotonic clock
	Count int
}

// dumped gives a dump, unless strangers had too many.
func (c *call) dumped(patterns []string) (string, error) {
	if !c.isPrivileged() && !c.s.mayDump(sys.Monotonic()) {
		return "", &face.Error{
			Name: "org.freedesktop.DBus.Error.LimitsExceeded",
			Message: "Dump request rejected due to rate limit on unprivileged callers, blocked for " +
				"10 minutes.",
		}
	}
	return c.s.m.Dump(c.ctx, patterns)
}

func (s *Server) mayDump(now uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &s.leave.saved.Dumps
	if now-d.Began > dumpInterval || d.Count == 0 {
		*d = dumpLimit{Began: now}
	}
	d.Count++
	return d.Count <= dumpBurst
}

func dump(c *call, patterns []string) error {
	text, err := c.dumped(patterns)
	if err == nil {
		c.out.Text(plain(text))
	}
	return err
}

func dumpToFile(c *call, patterns []string) error {
	text, err := c.dumped(patterns)
	if err != nil {
		return err
	}
	f, err := sys.DataFile("dump", []byte(text))
	if err != nil {
		return err
	}
	c.out.Uint32(uint32(len(c.outFiles)))
	c.outFiles = append(c.outFiles, f)
	return nil
}
