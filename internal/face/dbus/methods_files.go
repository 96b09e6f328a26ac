package dbus

import "rouse/internal/face"

// The flags of the methods …WithFlags.
const (
	filesRuntime = 1 << iota
	filesForce
	filesPortable // says nothing here: attached units have no other directory
)

func managerFileRows() map[string]row {
	rows := map[string]row{
		"EnableUnitFilesWithFlags":  forFiles(withFlags("enable")),
		"DisableUnitFilesWithFlags": forFiles(withFlags("disable")),
		"PresetUnitFilesWithMode":   forFiles(presetWithMode),
		"PresetAllUnitFiles":        forFiles(presetAll),
		"RevertUnitFiles":           forFiles(revert),
		"AddDependencyUnitFiles":    forFiles(addDependency),
		"SetDefaultTarget":          forFiles(setDefaultTarget),
		"GetDefaultTarget":          {run: getDefaultTarget},
		"GetUnitFileState":          {run: getUnitFileState},
		"GetUnitFileLinks":          {run: getUnitFileLinks},
		"ListUnitFiles":             {run: func(c *call) error { return listUnitFiles(c, nil, nil) }},
		"ListUnitFilesByPatterns":   {run: listUnitFilesByPatterns},
	}
	for member, verb := range map[string]string{
		"EnableUnitFiles": "enable", "ReenableUnitFiles": "reenable", "LinkUnitFiles": "link",
		"PresetUnitFiles": "preset", "MaskUnitFiles": "mask",
	} {
		rows[member] = forFiles(func(c *call) error {
			return changeFiles(c, face.FilesRequest{
				Verb: verb, Units: c.strings(), Runtime: c.in.Bool(), Force: c.in.Bool(),
			})
		})
	}
	for member, verb := range map[string]string{
		"DisableUnitFiles": "disable", "UnmaskUnitFiles": "unmask",
	} {
		rows[member] = forFiles(func(c *call) error {
			return changeFiles(c, face.FilesRequest{
				Verb: verb, Units: c.strings(), Runtime: c.in.Bool(),
			})
		})
	}
	return rows
}

// hasInstallInfo are the verbs whose methods tell whether there was an [Install] section.
var hasInstallInfo = map[string]bool{"enable": true, "reenable": true, "preset": true}

// changeFiles has unit files changed and writes what was.
func changeFiles(c *call, req face.FilesRequest) error {
	reply, err := c.s.m.ChangeFiles(c.ctx, req)
	if err != nil {
		return err
	}
	if hasInstallInfo[req.Verb] {
		c.out.Bool(reply.HasInstallInfo)
	}
	c.out.Array("(sss)", func() {
		for _, ch := range reply.Changes {
			c.out.Struct()
			c.out.Text(ch.Type)
			c.out.Text(plain(ch.Path))
			c.out.Text(plain(ch.Source))
		}
	})
	return nil
}

func withFlags(verb string) handler {
	return func(c *call) error {
		units, flags := c.strings(), c.in.Uint64()
		if flags&^(filesRuntime|filesForce|filesPortable) != 0 {
			return refuse("InvalidArgs", "Invalid argument")
		}
		return changeFiles(c, face.FilesRequest{
			Verb: verb, Units: units,
			Runtime: flags&filesRuntime != 0, Force: flags&filesForce != 0,
		})
	}
}

// forFiles has a method carried out for those who may change unit files.
func forFiles(f handler) row {
	return row{asks: true, run: func(c *call) error {
		if err := c.allow(manageUnitFiles); err != nil {
			return err
		}
		return f(c)
	}}
}

// presetMode reads the name of a mode; "" is "full".
func (c *call) presetMode() (string, error) {
	switch mode := c.in.Text(); mode {
	case "", "full":
		return "full", nil
	case "enable-only", "disable-only":
		return mode, nil
	}
	return "", refuse("InvalidArgs", "Invalid argument")
}

func presetWithMode(c *call) error {
	units := c.strings()
	mode, err := c.presetMode()
	if err != nil {
		return err
	}
	return changeFiles(c, face.FilesRequest{
		Verb: "preset", Units: units, PresetMode: mode,
		Runtime: c.in.Bool(), Force: c.in.Bool(),
	})
}

func presetAll(c *call) error {
	mode, err := c.presetMode()
	if err != nil {
		return err
	}
	return changeFiles(c, face.FilesRequest{
		Verb: "preset-all", PresetMode: mode, Runtime: c.in.Bool(), Force: c.in.Bool(),
	})
}

func revert(c *call) error {
	return changeFiles(c, face.FilesRequest{Verb: "revert", Units: c.strings()})
}

func addDependency(c *call) error {
	req := face.FilesRequest{Units: c.strings(), Target: c.in.Text()}
	switch c.in.Text() {
	case "Wants":
		req.Verb = "add-wants"
	case "Requires":
		req.Verb = "add-requires"
	default:
		return refuse("InvalidArgs", "Invalid argument")
	}
	req.Runtime, req.Force = c.in.Bool(), c.in.Bool()
	return changeFiles(c, req)
}

func setDefaultTarget(c *call) error {
	return changeFiles(c, face.FilesRequest{
		Verb: "set-default", Units: []string{c.in.Text()}, Force: c.in.Bool(),
	})
}

func getDefaultTarget(c *call) error {
	target, err := c.s.m.DefaultTarget(c.ctx)
	c.out.Text(target)
	return err
}

func getUnitFileState(c *call) error {
	state, err := c.s.m.FileState(c.ctx, c.in.Text())
	c.out.Text(state)
	return err
}

func getUnitFileLinks(c *call) error {
	unitFile := c.in.Text()
	links, err := c.s.m.FileLinks(c.ctx, unitFile, c.in.Bool())
	if err != nil {
		return err
	}
	c.out.Array("s", func() {
		for _, l := range links {
			c.out.Text(plain(l))
		}
	})
	return nil
}

// listUnitFiles lists unit files by path and state.
func listUnitFiles(c *call, states, patterns []string) error {
	list, err := c.s.m.UnitFiles(c.ctx, states, patterns)
	if err != nil {
		return err
	}
	c.out.Array("(ss)", func() {
		for _, f := range list {
			c.out.Struct()
			c.out.Text(plain(f.Path))
			c.out.Text(f.State)
		}
	})
	return nil
}

func listUnitFilesByPatterns(c *call) error {
	states := c.strings()
	return listUnitFiles(c, states, c.strings())
}
