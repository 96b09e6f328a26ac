package directive

import "rouse/internal/unit"

var (
	execRows, outputRows, scheduleRows, environmentRows, imageRows, sandboxRows [0]Row
	filterRows, credentialRows, killRows, resourceRows, accessRows, managerRows [0]Row
	account                                                                     = kind[string]{"user or group", "s", parseExpanded, plain[string]}
)

func Finish(u *unit.Unit, c *Context, d *Defaults) error { return nil }
