package directive

import (
	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// Shared are the execution contexts and resources of units that say nothing about
// theirs: most units do not, and then those of one type are all alike. They are to
// be read only, as all of a unit is once it is finished. The zero value is empty.
// It is for units of one Defaults, one User and one Home.
type Shared [name.Types]struct {
	exec      *unit.Exec
	resources *unit.Resources
}

// touch notes which part of the unit a setting of the group changes.
func (c *Context) touch(g Group) {
	switch g {
	case execGroup, environmentGroup, outputGroup, scheduleGroup, sandboxGroup, filterGroup,
		imageGroup, credentialGroup:
		c.exec = true
	case resourceGroup, accessGroup:
		c.resources = true
	}
}

// share lets u have what other units of its type have already. What an execution
// context needs of resources is one's own, too.
func (c *Context) share(u *unit.Unit) {
	if c.Shared == nil || c.exec {
		return
	}
	have := &c.Shared[u.Type]
	if have.exec == nil {
		have.exec = u.Exec
	}
	u.Exec = have.exec
	if c.resources {
		return
	}
	if have.resources == nil {
		have.resources = u.Resources
	}
	u.Resources = have.resources
}
