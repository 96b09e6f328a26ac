package directive

import (
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Why the settings of whole unit types are Parsed or for Linux only.
const (
	noAutomounts = "automount units do not watch yet"
	noSwaps      = "swap units do not swap yet"
	onLinux      = "elsewhere there is no mount table to follow"
)

var mountRows = []Row{
	{Name: "DirectoryMode", Group: mountGroup, Default: "0755",
		Support: LinuxOnly, Note: onLinux,
		Doc: "The mode of directories made for the mount point.",
		in:  in[value.Mode]{&mode, func(u *unit.Unit) *value.Mode { return &u.Mount.DirectoryMode }}},
	{Name: "ForceUnmount", Group: mountGroup, Default: "no",
		Support: LinuxOnly, Note: onLinux,
		Doc: "Unmount even a file system that cannot be reached.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.ForceUnmount }}},
	{Name: "LazyUnmount", Group: mountGroup, Default: "no",
		Support: LinuxOnly, Note: onLinux,
		Doc: "Unmount even a file system in use; it goes when nobody uses it any more.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.LazyUnmount }}},
	{Name: "Options", Group: mountGroup,
		Support: LinuxOnly, Note: onLinux,
		Doc: "Mount options, separated by commas.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Mount.Options }}},
	{Name: "ReadWriteOnly", Group: mountGroup, Default: "no",
		Support: LinuxOnly, Note: onLinux,
		Doc: "Fail instead of mounting read-only what cannot be mounted for writing.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.ReadWriteOnly }}},
	{Name: "SloppyOptions", Group: mountGroup, Default: "no",
		Support: LinuxOnly, Note: onLinux,
		Doc: "Put up with mount options that the file system does not know.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Mount.SloppyOptions }}},
	{Name: "TimeoutSec", Group: mountGroup, Bus: "TimeoutUSec", Default: "90s",
		Support: LinuxOnly, Note: onLinux,
		Doc: "How long mounting and unmounting may take.",
		in:  in[value.Span]{&timeout, func(u *unit.Unit) *value.Span { return &u.Mount.Timeout }}},
	{Name: "Type", Group: mountGroup,
		Support: LinuxOnly, Note: onLinux,
		Doc: "The type of the file system.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Mount.FSType }}},
	{Name: "What", Group: mountGroup,
		Support: LinuxOnly, Note: onLinux,
		Doc: "The device, file or other thing to mount.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Mount.What }}},
	{Name: "Where", Group: mountGroup,
		Support: LinuxOnly, Note: onLinux,
		Doc: "The mount point; the unit must be named after it.",
		in:  in[string]{&path, func(u *unit.Unit) *string { return &u.Mount.Where }}},
}

var automountRows = []Row{
	{Name: "DirectoryMode", Group: automountGroup, Default: "0755",
		Support: Parsed, Note: noAutomounts,
		Doc: "The mode of directories made for the automount point.",
		in:  in[value.Mode]{&mode, func(u *unit.Unit) *value.Mode { return &u.Automount.DirectoryMode }}},
	{Name: "ExtraOptions", Group: automountGroup, Support: Parsed, Note: noAutomounts,
		Doc: "Options for the automount point, separated by commas.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Automount.ExtraOptions }}},
	{Name: "TimeoutIdleSec", Group: automountGroup, Bus: "TimeoutIdleUSec", Default: "0",
		Support: Parsed, Note: noAutomounts,
		Doc: "After which time without use to unmount; 0 is never.",
		in: in[value.Span]{&timeout,
			func(u *unit.Unit) *value.Span { return &u.Automount.TimeoutIdle }}},
	{Name: "Where", Group: automountGroup, Support: Parsed, Note: noAutomounts,
		Doc: "The automount point; the unit must be named after it.",
		in:  in[string]{&path, func(u *unit.Unit) *string { return &u.Automount.Where }}},
}

var swapRows = []Row{
	{Name: "Options", Group: swapGroup, Support: Parsed, Note: noSwaps,
		Doc: "Swap options, separated by commas.",
		in:  in[string]{&expanded, func(u *unit.Unit) *string { return &u.Swap.Options }}},
	{Name: "Priority", Group: swapGroup, Support: Parsed, Note: noSwaps,
		Doc: "The priority among swap devices, -1 to 32767.",
		in: does{"number, -1 to 32767", "i", parseSwapPriority,
			func(u *unit.Unit) any { return int32(u.Swap.Priority) }}},
	{Name: "TimeoutSec", Group: swapGroup, Bus: "TimeoutUSec", Default: "90s",
		Support: Parsed, Note: noSwaps,
		Doc: "How long activating and deactivating may take.",
		in:  in[value.Span]{&timeout, func(u *unit.Unit) *value.Span { return &u.Swap.Timeout }}},
	{Name: "What", Group: swapGroup, Support: Parsed, Note: noSwaps,
		Doc: "The device or file to swap to; the unit must be named after it.",
		in:  in[string]{&path, func(u *unit.Unit) *string { return &u.Swap.What }}},
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

var timerRows = []Row{
	{Name: "AccuracySec", Group: timerGroup, Bus: "AccuracyUSec", Default: "1min",
		Doc: "How late the timer may fire, so that it can fire together with others.",
		in:  in[value.Span]{&span, func(u *unit.Unit) *value.Span { return &u.Timer.Accuracy }}},
	{Name: "FixedRandomDelay", Group: timerGroup, Default: "no",
		Doc: "Draw the random delay once and for all.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Timer.FixedRandomDelay }}},
	{Name: "OnActiveSec", Group: timerGroup, Bus: "TimersMonotonic",
		Doc: "Fire so long after the timer was started.",
		in:  elapse{unit.OnActive}},
	{Name: "OnBootSec", Group: timerGroup, Bus: "TimersMonotonic",
		Doc: "Fire so long after the machine was booted.",
		in:  elapse{unit.OnBoot}},
	{Name: "OnCalendar", Group: timerGroup, Bus: "TimersCalendar",
		Doc: "Fire at certain times of the calendar.",
		in:  elapse{unit.OnCalendar}},
	{Name: "OnClockChange", Group: timerGroup, Default: "no",
		Support: LinuxOnly, Note: "elsewhere the kernel does not tell",
		Doc: "Fire when the clock is set.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Timer.OnClockChange }}},
	{Name: "OnStartupSec", Group: timerGroup, Bus: "TimersMonotonic",
		Doc: "Fire so long after the manager was started.",
		in:  elapse{unit.OnStartup}},
	{Name: "OnTimezoneChange", Group: timerGroup, Default: "no",
		Doc: "Fire when the time zone changes.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Timer.OnTimezoneChange }}},
	{Name: "OnUnitActiveSec", Group: timerGroup, Bus: "TimersMonotonic",
		Doc: "Fire so long after the unit last became active.",
		in:  elapse{unit.OnUnitActive}},
	{Name: "OnUnitInactiveSec", Group: timerGroup, Bus: "TimersMonotonic",
		Doc: "Fire so long after the unit last became inactive.",
		in:  elapse{unit.OnUnitInactive}},
	{Name: "Persistent", Group: timerGroup, Default: "no",
		Doc: "Fire at once for calendar times that passed while the machine was off.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Timer.Persistent }}},
	{Name: "RandomizedDelaySec", Group: timerGroup, Bus: "RandomizedDelayUSec", Default: "0",
		Doc: "The most that firing is put off by at random.",
		in:  in[value.Span]{&span, func(u *unit.Unit) *value.Span { return &u.Timer.RandomizedDelay }}},
	{Name: "RemainAfterElapse", Group: timerGroup, Default: "yes",
		Doc: "Stay loaded after the timer has fired for the last time.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Timer.RemainAfterElapse }}},
	{Name: "Unit", Group: timerGroup, Default: "the service of the same name",
		Doc: "The unit that is started when the timer fires.",
		in: does{"unit name", "s",
			func(p *parse) error { return parseTriggered(p, &p.u.Timer.Unit) },
			func(u *unit.Unit) any { return triggered(u, u.Timer.Unit) }}},
	{Name: "WakeSystem", Group: timerGroup, Default: "no",
		Support: LinuxOnly, Note: "where the machine cannot be woken, the timer does not start",
		Doc: "Wake the machine from suspension to fire.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Timer.WakeSystem }}},
}

var pathRows = []Row{
	{Name: "DirectoryMode", Group: pathGroup, Default: "0755",
		Doc: "The mode of directories made by MakeDirectory=.",
		in:  in[value.Mode]{&mode, func(u *unit.Unit) *value.Mode { return &u.Path.DirectoryMode }}},
	{Name: "DirectoryNotEmpty", Group: pathGroup, Bus: "Paths",
		Doc: "Start the unit while a directory has entries.",
		in:  watch{unit.DirectoryNotEmpty}},
	{Name: "MakeDirectory", Group: pathGroup, Default: "no",
		Doc: "Make the directories that are watched.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Path.MakeDirectory }}},
	{Name: "PathChanged", Group: pathGroup, Bus: "Paths",
		Doc: "Start the unit when a file is closed after writing.",
		in:  watch{unit.PathChanged}},
	{Name: "PathExists", Group: pathGroup, Bus: "Paths",
		Doc: "Start the unit while a path exists.",
		in:  watch{unit.PathExists}},
	{Name: "PathExistsGlob", Group: pathGroup, Bus: "Paths",
		Doc: "Start the unit while a glob matches any path.",
		in:  watch{unit.PathExistsGlob}},
	{Name: "PathModified", Group: pathGroup, Bus: "Paths",
		Doc: "Start the unit when a file is written to.",
		in:  watch{unit.PathModified}},
	{Name: "TriggerLimitBurst", Group: pathGroup, Default: "200",
		Doc: "How often in TriggerLimitIntervalSec= the unit may be started.",
		in:  in[uint]{&unsigned, func(u *unit.Unit) *uint { return &u.Path.TriggerLimitBurst }}},
	{Name: "TriggerLimitIntervalSec", Group: pathGroup, Bus: "TriggerLimitIntervalUSec", Default: "2s",
		Doc: "The time in which TriggerLimitBurst= starts are allowed; 0 is no limit.",
		in: in[value.Span]{&span,
			func(u *unit.Unit) *value.Span { return &u.Path.TriggerLimitInterval }}},
	{Name: "Unit", Group: pathGroup, Default: "the service of the same name",
		Doc: "The unit that is started.",
		in: does{"unit name", "s",
			func(p *parse) error { return parseTriggered(p, &p.u.Path.Unit) },
			func(u *unit.Unit) any { return triggered(u, u.Path.Unit) }}},
}

// elapse is one of the On… settings of timers, which all add to one list.
type elapse struct{ base unit.TimerBase }

// assign adds a time. An empty value takes all away, of whatever kind.
func (s elapse) assign(p *parse) error {
	t := p.u.Timer
	if p.value == "" {
		t.Specs = nil
		return nil
	}
	text, err := p.expand(p.value)
	if err != nil {
		return err
	}
	spec := unit.TimerSpec{Base: s.base}
	if s.base == unit.OnCalendar {
		spec.Calendar, err = value.ParseCalendar(text)
	} else {
		spec.Span, err = value.ParseSpan(text)
	}
	if err == nil {
		t.Specs = append(t.Specs, spec)
	}
	return err
}

// property lists the times, the last one first, as systemd does. The last
// field, the next time to fire, is the manager's to fill in.
func (s elapse) property(u *unit.Unit) any {
	list := []any{}
	specs := u.Timer.Specs
	for i := len(specs) - 1; i >= 0; i-- {
		spec := &specs[i]
		isCalendar := spec.Base == unit.OnCalendar
		switch {
		case isCalendar != (s.base == unit.OnCalendar):
		case isCalendar:
			list = append(list, []any{spec.Base.String(), spec.Calendar.String(), uint64(0)})
		default:
			list = append(list, []any{spec.Base.String(), uint64(spec.Span), uint64(0)})
		}
	}
	return list
}

func (s elapse) signature() string {
	if s.base == unit.OnCalendar {
		return "a(sst)"
	}
	return "a(stt)"
}

func (s elapse) syntax() string {
	if s.base == unit.OnCalendar {
		return "calendar event"
	}
	return "time span"
}

// watch is one of the settings of paths to watch, which all add to one list.
type watch struct{ kind unit.PathKind }

// assign adds a path. An empty value takes all away, of whatever kind.
func (s watch) assign(p *parse) error {
	if p.value == "" {
		p.u.Path.Specs = nil
		return nil
	}
	path, err := p.absolute(p.value)
	if err == nil {
		p.u.Path.Specs = append(p.u.Path.Specs, unit.PathSpec{Kind: s.kind, Path: path})
	}
	return err
}

// property lists the paths, the last one first, as systemd does.
func (s watch) property(u *unit.Unit) any {
	list := []any{}
	specs := u.Path.Specs
	for i := len(specs) - 1; i >= 0; i-- {
		list = append(list, []any{specs[i].Kind.String(), specs[i].Path})
	}
	return list
}

func (s watch) signature() string { return "a(ss)" }
func (s watch) syntax() string    { return "absolute path" }

// parseTriggered reads the unit that a timer or path starts. The first one
// given counts; an empty value is refused.
func parseTriggered(p *parse, v *string) error {
	if *v != "" {
		return why("there is a unit to start already, " + *v)
	}
	s, err := p.unitName(p.value)
	if err != nil {
		return err
	}
	if s == p.u.Name || name.TypeOf(s) == name.Bad {
		return why("the unit cannot start itself")
	}
	*v = s
	return nil
}

// triggered is the unit that a timer or path starts.
func triggered(u *unit.Unit, given string) string {
	if given != "" {
		return given
	}
	other, err := name.WithSuffix(u.Name, ".service")
	if err != nil {
		return ""
	}
	return other
}
