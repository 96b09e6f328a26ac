package directive

import (
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Why the settings of whole unit types are Parsed.
const (
	noMounts     = "mount units do not mount yet"
	noAutomounts = "automount units do not watch yet"
	noSwaps      = "swap units do not swap yet"
	noTimers     = "timer units do not fire yet"
	noPaths      = "path units do not watch yet"
)

var mountRows = [...]Row{
	{Name: "DirectoryMode", Group: mountGroup, Default: "0755", Support: Parsed, Note: noMounts,
		Doc: "The mode of directories made for the mount point.",
		in:  in[value.Mode]{&mode, func(u *unit.Unit) *value.Mode { return &u.Mount.DirectoryMode }}},
	{Name: "ForceUnmount", Group: mountGroup, Default: "no", Support: Parsed, Note: noMounts,
		Doc: "Unmount even a file system that cannot be reached.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.ForceUnmount }}},
	{Name: "LazyUnmount", Group: mountGroup, Default: "no", Support: Parsed, Note: noMounts,
		Doc: "Unmount even a file system in use; it goes when nobody uses it any more.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.LazyUnmount }}},
	{Name: "Options", Group: mountGroup, Support: Parsed, Note: noMounts,
		Doc: "Mount options, separated by commas.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Mount.Options }}},
	{Name: "ReadWriteOnly", Group: mountGroup, Default: "no", Support: Parsed, Note: noMounts,
		Doc: "Fail instead of mounting read-only what cannot be mounted for writing.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.ReadWriteOnly }}},
	{Name: "SloppyOptions", Group: mountGroup, Default: "no", Support: Parsed, Note: noMounts,
		Doc: "Put up with mount options that the file system does not know.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.SloppyOptions }}},
	{Name: "TimeoutSec", Group: mountGroup, Bus: "TimeoutUSec", Default: "90s", Support: Parsed, Note: noMounts,
		Doc: "How long mounting and unmounting may take.",
		in:  in[value.Span]{&timeout, func(u *unit.Unit) *value.Span { return &u.Mount.Timeout }}},
	{Name: "Type", Group: mountGroup, Support: Parsed, Note: noMounts,
		Doc: "The type of the file system.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Mount.FSType }}},
	{Name: "What", Group: mountGroup, Support: Parsed, Note: noMounts,
		Doc: "The device, file or other thing to mount.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Mount.What }}},
	{Name: "Where", Group: mountGroup, Support: Parsed, Note: noMounts,
		Doc: "The mount point; the unit must be named after it.",
		in:  in[string]{&givenPath, func(u *unit.Unit) *string { return &u.Mount.Where }}},
}

var automountRows = [...]Row{
	{Name: "DirectoryMode", Group: automountGroup, Default: "0755", Support: Parsed, Note: noAutomounts,
		Doc: "The mode of directories made for the automount point.",
		in:  in[value.Mode]{&mode, func(u *unit.Unit) *value.Mode { return &u.Automount.DirectoryMode }}},
	{Name: "ExtraOptions", Group: automountGroup, Support: Parsed, Note: noAutomounts,
		Doc: "Options for the automount point, separated by commas.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Automount.ExtraOptions }}},
	{Name: "TimeoutIdleSec", Group: automountGroup, Bus: "TimeoutIdleUSec", Default: "0",
		Support: Parsed, Note: noAutomounts,
		Doc: "After which time without use to unmount; 0 is never.",
		in:  in[value.Span]{&timeout, func(u *unit.Unit) *value.Span { return &u.Automount.TimeoutIdle }}},
	{Name: "Where", Group: automountGroup, Support: Parsed, Note: noAutomounts,
		Doc: "The automount point; the unit must be named after it.",
		in:  in[string]{&givenPath, func(u *unit.Unit) *string { return &u.Automount.Where }}},
}

var swapRows = [...]Row{
	{Name: "Options", Group: swapGroup, Support: Parsed, Note: noSwaps,
		Doc: "Swap options, separated by commas.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Swap.Options }}},
	{Name: "Priority", Group: swapGroup, Support: Parsed, Note: noSwaps,
		Doc: "The priority among swap devices, -1 to 32767.",
		in: does{"number, -1 to 32767", "i", parseSwapPriority,
			func(u *unit.Unit) any { return int32(u.Swap.Priority) }}},
	{Name: "TimeoutSec", Group: swapGroup, Bus: "TimeoutUSec", Default: "90s", Support: Parsed, Note: noSwaps,
		Doc: "How long activating and deactivating may take.",
		in:  in[value.Span]{&timeout, func(u *unit.Unit) *value.Span { return &u.Swap.Timeout }}},
	{Name: "What", Group: swapGroup, Support: Parsed, Note: noSwaps,
		Doc: "The device or file to swap to; the unit must be named after it.",
		in:  in[string]{&givenPath, func(u *unit.Unit) *string { return &u.Swap.What }}},
}

// givenPath is a path that an empty value does not take away.
var givenPath = kind[string]{"absolute path", "s", parseGivenPath, plain[string]}

func parseGivenPath(p *parse, v *string) error {
	s, err := p.absolute(p.value)
	if err == nil {
		*v = s
	}
	return err
}

func parseSwapPriority(p *parse) error {
	s := p.u.Swap
	if p.value == "" {
		s.Priority, s.PrioritySet = -1, false
		return nil
	}
	n, err := value.ParseInt(p.value, 32)
	if err != nil {
		return err
	}
	if n < -1 || n > 32767 {
		return why("out of range, -1 to 32767")
	}
	s.Priority, s.PrioritySet = int(n), true
	return nil
}
