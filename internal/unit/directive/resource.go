package directive

import (
	"math"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

const (
	byController = "by control groups v2, where the kernel gives the controller"
	oldCgroup    = "of control groups v1; carried out as the setting of the same meaning for v2"
)

var resourceRows = []Row{
	{Name: "AllowedCPUs", Group: resourceGroup, Support: LinuxOnly, Note: byController,
		Doc: "The CPUs that processes may run on.",
		in: in[value.CPUSet]{&cpus,
			func(u *unit.Unit) *value.CPUSet { return &u.Resources.AllowedCPUs }}},
	{Name: "AllowedMemoryNodes", Group: resourceGroup, Support: LinuxOnly, Note: byController,
		Doc: "The NUMA nodes that memory may be taken from.",
		in: in[value.CPUSet]{&cpus,
			func(u *unit.Unit) *value.CPUSet { return &u.Resources.AllowedMemoryNodes }}},
	{Name: "BlockIOAccounting", Group: resourceGroup, Default: "no",
		Support: LinuxOnly, Note: oldCgroup,
		Doc: "Count block input and output.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Resources.BlockIOAccounting }}},
	{Name: "CPUAccounting", Group: resourceGroup, Default: "DefaultCPUAccounting=",
		Support: LinuxOnly, Note: byController,
		Doc: "Count CPU time.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Resources.CPUAccounting }}},
	{Name: "CPUQuota", Group: resourceGroup, Bus: "CPUQuotaPerSecUSec",
		Support: LinuxOnly, Note: byController,
		Doc: "The most CPU time, as a percentage of one CPU.",
		in:  in[value.Span]{&quota, func(u *unit.Unit) *value.Span { return &u.Resources.CPUQuota }}},
	{Name: "CPUQuotaPeriodSec", Group: resourceGroup, Bus: "CPUQuotaPeriodUSec", Default: "100ms",
		Support: LinuxOnly, Note: byController,
		Doc: "The time over which CPUQuota= is measured.",
		in: in[value.Span]{&openSpan,
			func(u *unit.Unit) *value.Span { return &u.Resources.CPUQuotaPeriod }}},
	{Name: "CPUShares", Group: resourceGroup, Support: LinuxOnly, Note: oldCgroup,
		Doc: "The share of CPU time among siblings.",
		in:  in[uint64]{&shares, func(u *unit.Unit) *uint64 { return &u.Resources.CPUShares }}},
	{Name: "CPUWeight", Group: resourceGroup, Default: "100", Support: LinuxOnly, Note: byController,
		Doc: "The share of CPU time among siblings.",
		in:  in[uint64]{&cpuWeight, func(u *unit.Unit) *uint64 { return &u.Resources.CPUWeight }}},
	{Name: "DefaultMemoryLow", Group: resourceGroup, Default: "0",
		Support: LinuxOnly, Note: byController,
		Doc: "MemoryLow= of units below.",
		in: in[value.Size]{&memoryFloor,
			func(u *unit.Unit) *value.Size { return &u.Resources.DefaultMemoryLow }}},
	{Name: "DefaultMemoryMin", Group: resourceGroup, Default: "0",
		Support: LinuxOnly, Note: byController,
		Doc: "MemoryMin= of units below.",
		in: in[value.Size]{&memoryFloor,
			func(u *unit.Unit) *value.Size { return &u.Resources.DefaultMemoryMin }}},
	{Name: "Delegate", Group: resourceGroup, Default: "no", Support: LinuxOnly,
		Note: byController,
		Doc:  "Leave the control group to the unit, with these controllers.",
		in: with{does{"boolean, or controllers", "b", parseDelegate,
			func(u *unit.Unit) any { return u.Resources.Delegate }},
			func(u *unit.Unit, to []Property) []Property {
				return append(to, Property{"DelegateControllers", "as", list(&u.Resources.DelegateControllers)})
			}}},
	{Name: "DisableControllers", Group: resourceGroup, Support: LinuxOnly, Note: byController,
		Doc: "Controllers that units below cannot have.",
		in: in[[]string]{&controllers,
			func(u *unit.Unit) *[]string { return &u.Resources.DisableControllers }}},
	{Name: "IOAccounting", Group: resourceGroup, Default: "DefaultIOAccounting=",
		Support: LinuxOnly, Note: byController,
		Doc: "Count block input and output.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Resources.IOAccounting }}},
	{Name: "ManagedOOMMemoryPressure", Group: resourceGroup, Default: "auto",
		Support: Parsed, Note: noOomd,
		Doc: "Whether systemd-oomd acts on memory pressure.",
		in: does{"auto, kill", "s",
			func(p *parse) error { return parseManagedOOM(p, &p.u.Resources.ManagedOOMMemoryPressure) },
			func(u *unit.Unit) any { return u.Resources.ManagedOOMMemoryPressure.String() }}},
	{Name: "ManagedOOMMemoryPressureLimit", Group: resourceGroup, Default: "oomd's",
		Support: Parsed, Note: noOomd,
		Doc: "The pressure that systemd-oomd acts on, as a percentage of time.",
		in: in[uint32]{&pressure,
			func(u *unit.Unit) *uint32 { return &u.Resources.ManagedOOMMemoryPressureLimit }}},
	{Name: "ManagedOOMPreference", Group: resourceGroup, Default: "none",
		Support: Parsed, Note: noOomd,
		Doc: "Whether systemd-oomd avoids or omits the unit.",
		in: enum[unit.ManagedOOMPreference]{unit.ManagedOOMPreferences,
			func(u *unit.Unit) *unit.ManagedOOMPreference { return &u.Resources.ManagedOOMPreference }}},
	{Name: "ManagedOOMSwap", Group: resourceGroup, Default: "auto", Support: Parsed, Note: noOomd,
		Doc: "Whether systemd-oomd acts on want of swap.",
		in: does{"auto, kill", "s",
			func(p *parse) error { return parseManagedOOM(p, &p.u.Resources.ManagedOOMSwap) },
			func(u *unit.Unit) any { return u.Resources.ManagedOOMSwap.String() }}},
	{Name: "MemoryAccounting", Group: resourceGroup, Default: "DefaultMemoryAccounting=",
		Support: LinuxOnly, Note: byController,
		Doc: "Count memory.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Resources.MemoryAccounting }}},
	{Name: "MemoryHigh", Group: resourceGroup, Default: "infinity",
		Support: LinuxOnly, Note: byController,
		Doc: "The memory above which processes are slowed down.",
		in: in[value.Size]{&memoryLimit,
			func(u *unit.Unit) *value.Size { return &u.Resources.MemoryHigh }}},
	{Name: "MemoryLimit", Group: resourceGroup, Default: "infinity",
		Support: LinuxOnly, Note: oldCgroup,
		Doc: "The most memory.",
		in: in[value.Size]{&memoryLimit,
			func(u *unit.Unit) *value.Size { return &u.Resources.MemoryLimit }}},
	{Name: "MemoryLow", Group: resourceGroup, Default: "0", Support: LinuxOnly, Note: byController,
		Doc: "Memory that is taken away last.",
		in: does{memoryWords, "t",
			func(p *parse) error {
				return parseMemorySet(p, &p.u.Resources.MemoryLow,
					&p.u.Resources.MemoryLowSet)
			},
			func(u *unit.Unit) any { return uint64(u.Resources.MemoryLow) }}},
	{Name: "MemoryMax", Group: resourceGroup, Default: "infinity",
		Support: LinuxOnly, Note: byController,
		Doc: "The most memory.",
		in: in[value.Size]{&memoryLimit,
			func(u *unit.Unit) *value.Size { return &u.Resources.MemoryMax }}},
	{Name: "MemoryMin", Group: resourceGroup, Default: "0", Support: LinuxOnly, Note: byController,
		Doc: "Memory that is never taken away.",
		in: does{memoryWords, "t",
			func(p *parse) error {
				return parseMemorySet(p, &p.u.Resources.MemoryMin,
					&p.u.Resources.MemoryMinSet)
			},
			func(u *unit.Unit) any { return uint64(u.Resources.MemoryMin) }}},
	{Name: "MemorySwapMax", Group: resourceGroup, Default: "infinity",
		Support: LinuxOnly, Note: byController,
		Doc: "The most swap.",
		in: in[value.Size]{&swapLimit,
			func(u *unit.Unit) *value.Size { return &u.Resources.MemorySwapMax }}},
	{Name: "Slice", Group: resourceGroup, Default: "system.slice, user.slice and kin",
		Doc: "The slice that the unit is in.",
		in:  in[string]{&sliceName, func(u *unit.Unit) *string { return &u.Slice }}},
	{Name: "StartupAllowedCPUs", Group: resourceGroup, Support: LinuxOnly, Note: byController,
		Doc: "AllowedCPUs= while the system boots or shuts down.",
		in: in[value.CPUSet]{&cpus,
			func(u *unit.Unit) *value.CPUSet { return &u.Resources.StartupAllowedCPUs }}},
	{Name: "StartupAllowedMemoryNodes", Group: resourceGroup, Support: LinuxOnly, Note: byController,
		Doc: "AllowedMemoryNodes= while the system boots or shuts down.",
		in: in[value.CPUSet]{&cpus,
			func(u *unit.Unit) *value.CPUSet { return &u.Resources.StartupAllowedMemoryNodes }}},
	{Name: "StartupCPUShares", Group: resourceGroup, Support: LinuxOnly, Note: oldCgroup,
		Doc: "CPUShares= while the system boots or shuts down.",
		in:  in[uint64]{&shares, func(u *unit.Unit) *uint64 { return &u.Resources.StartupCPUShares }}},
	{Name: "StartupCPUWeight", Group: resourceGroup, Support: LinuxOnly, Note: byController,
		Doc: "CPUWeight= while the system boots or shuts down.",
		in:  in[uint64]{&cpuWeight, func(u *unit.Unit) *uint64 { return &u.Resources.StartupCPUWeight }}},
	{Name: "TasksAccounting", Group: resourceGroup, Default: "DefaultTasksAccounting=",
		Support: LinuxOnly, Note: byController,
		Doc: "Count tasks.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Resources.TasksAccounting }}},
	{Name: "TasksMax", Group: resourceGroup, Default: "DefaultTasksMax=, infinity for slices",
		Support: LinuxOnly, Note: byController,
		Doc: "The most tasks, as a number or a percentage of what the machine can run.",
		in:  in[uint64]{&tasks, func(u *unit.Unit) *uint64 { return &u.Resources.TasksMax }}},
}

const (
	noOomd      = "nothing is told to systemd-oomd"
	memoryWords = "size in bytes, percentage, infinity"
)

var (
	quota       = kind[value.Span]{"percentage", "t", parseQuota, busSpan}
	shares      = kind[uint64]{"number, 2 to 262144", "t", parseShares, plain[uint64]}
	cpuWeight   = kind[uint64]{"number, 1 to 10000, or idle", "t", parseCPUWeight, plain[uint64]}
	memoryFloor = kind[value.Size]{memoryWords, "t", parseMemoryFloor, busSize}
	memoryLimit = kind[value.Size]{memoryWords, "t", parseMemoryLimit, busSize}
	swapLimit   = kind[value.Size]{memoryWords, "t", parseSwapLimit, busSize}
	tasks       = kind[uint64]{"number, percentage, infinity", "t", parseTasks, plain[uint64]}
	pressure    = kind[uint32]{"percentage", "u", parsePressure, plain[uint32]}
	controllers = kind[[]string]{"controllers", "as", parseControllers, list}
	sliceName   = kind[string]{"slice name", "s", parseSlice, plain[string]}
)

// parseWeight reads a number within bounds; an empty value unsets it.
func parseWeight(s string, least, most uint64, v *uint64) error {
	if s == "" {
		*v = unit.WeightUnset
		return nil
	}
	n, err := value.ParseUint(s, 64)
	if err != nil {
		return err
	}
	if n < least || n > most {
		return why("out of range")
	}
	*v = n
	return nil
}

func parseShares(p *parse, v *uint64) error { return parseWeight(p.value, 2, 262144, v) }

func parseCPUWeight(p *parse, v *uint64) error {
	if p.value == "idle" {
		*v = unit.WeightIdle
		return nil
	}
	return parseWeight(p.value, 1, 10000, v)
}

func parseQuota(p *parse, v *value.Span) error {
	if p.value == "" {
		*v = value.Infinity
		return nil
	}
	n, err := value.ParsePermyriadUnbounded(p.value)
	if err != nil {
		return err
	}
	if n <= 0 {
		return why("not above 0%")
	}
	*v = value.Span(n) * value.Second / 10000
	return nil
}

// pageSize is what percentages of memory are rounded down to.
const pageSize = 4096

// memory reads a size or a percentage of the machine's memory.
func (p *parse) memory() (value.Size, error) {
	if p.value == "infinity" {
		return value.SizeInfinity, nil
	}
	share, err := value.ParsePermyriad(p.value)
	if err != nil {
		size, err := value.ParseSize(p.value)
		if err == nil && size == value.SizeInfinity {
			err = why("out of range")
		}
		return size, err
	}
	total := p.defaults().MemoryTotal
	if total == 0 {
		return 0, why("a percentage of the machine's memory, which is not known")
	}
	return value.Size(scale(uint64(total)/pageSize, uint(share)) * pageSize), nil
}

func parseMemoryFloor(p *parse, v *value.Size) error {
	if p.value == "" {
		*v = 0
		return nil
	}
	size, err := p.memory()
	if err == nil {
		*v = size
	}
	return err
}

func parseMemorySet(p *parse, v *value.Size, set *bool) error {
	err := parseMemoryFloor(p, v)
	if err == nil {
		*set = p.value != ""
	}
	return err
}

func parseMemoryLimit(p *parse, v *value.Size) error {
	size := value.SizeInfinity
	if p.value != "" {
		var err error
		if size, err = p.memory(); err != nil {
			return err
		}
	}
	if size == 0 {
		return why("not above 0")
	}
	*v = size
	return nil
}

// parseSwapLimit: 0 is no swap at all.
func parseSwapLimit(p *parse, v *value.Size) error {
	if p.value == "" {
		*v = value.SizeInfinity
		return nil
	}
	size, err := p.memory()
	if err == nil {
		*v = size
	}
	return err
}

func parseTasks(p *parse, v *uint64) error {
	m, err := parseTasksMax(p.value)
	switch {
	case err != nil:
		return err
	case p.value != "":
		*v = p.defaults().tasks(m)
	case p.u.Type == name.Slice:
		*v = p.defaults().tasks(p.defaults().TasksMax)
	default:
		*v = p.defaults().tasks(p.defaults().TasksMax)
	}
	return nil
}

// parseTasksMax reads a number, a percentage or infinity.
func parseTasksMax(s string) (TasksMax, error) {
	if s == "infinity" || s == "" {
		return TasksMax{Max: math.MaxUint64}, nil
	}
	if share, err := value.ParsePermyriad(s); err == nil {
		if share == 0 {
			return TasksMax{}, nil
		}
		return TasksMax{Share: uint(share)}, nil
	}
	n, err := value.ParseUint(s, 64)
	if err == nil && (n == 0 || n == math.MaxUint64) {
		err = why("out of range")
	}
	return TasksMax{Max: n}, err
}

// allControllers are those of the kernel, in its order; those that are given
// by Delegate=yes come first.
var allControllers = [...]struct {
	name    string
	implied bool // by Delegate=yes
}{
	{"cpu", true}, {"cpuacct", false}, {"cpuset", true}, {"io", true}, {"blkio", false}, {"memory",
		true},
	{"devices", false}, {"pids", true}, {"bpf-firewall", false}, {"bpf-devices", false},
	{"bpf-foreign", false}, {"bpf-socket-bind", false}, {"bpf-restrict-network-interfaces", false},
}

// addController adds a controller to a list in the kernel's order.
func addController(list []string, name string) ([]string, bool) {
	var merged []string
	known := false
	for _, c := range allControllers {
		have := c.name == name
		known = known || have
		for _, l := range list {
			have = have || l == c.name
		}
		if have {
			merged = append(merged, c.name)
		}
	}
	if !known {
		return list, false
	}
	return merged, true
}

func parseControllers(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.controllers(0, v)
}

func (p *parse) controllers(flags value.WordFlags, v *[]string) error {
	return p.eachWord(flags, func(w string) {
		merged, ok := addController(*v, w)
		if !ok {
			p.ignore(w, "not a controller")
			return
		}
		*v = merged
	})
}

// parseDelegate: an empty value delegates, without any controllers.
func parseDelegate(p *parse) error {
	r := p.u.Resources
	if p.u.Type != name.Service && p.u.Type != name.Scope {
		return why("only services and scopes can have control groups of their own making")
	}
	b, err := value.ParseBool(p.value)
	switch {
	case p.value == "":
		r.Delegate, r.DelegateControllers = true, nil
	case err != nil:
		if err := eachWord(p.value, value.Unquote, func(string) {}); err != nil {
			return err
		}
		r.Delegate = true
		return p.controllers(value.Unquote, &r.DelegateControllers)
	default:
		r.Delegate, r.DelegateControllers = b, nil
		for _, c := range allControllers {
			if b && c.implied {
				r.DelegateControllers = append(r.DelegateControllers, c.name)
			}
		}
	}
	return nil
}

// errOomd: oomd looks at whole slices, and at services and scopes in them.
const errOomd = why("systemd-oomd acts on services, slices and scopes only")

func (p *parse) hasOomd() bool {
	t := p.u.Type
	return t == name.Service || t == name.Slice || t == name.Scope
}

func parseManagedOOM(p *parse, v *unit.ManagedOOM) error {
	if !p.hasOomd() {
		return errOomd
	}
	if p.value == "" {
		*v = unit.ManagedOOMAuto
		return nil
	}
	return parseEnum(p.value, unit.ManagedOOMs, v)
}

func parsePressure(p *parse, v *uint32) error {
	if !p.hasOomd() {
		return errOomd
	}
	if p.value == "" {
		*v = 0
		return nil
	}
	n, err := value.ParsePermyriad(p.value)
	if err == nil {
		*v = uint32((uint64(n)*math.MaxUint32 + 5000) / 10000)
	}
	return err
}

// parseSlice: an empty value is refused, and slices get theirs by name.
func parseSlice(p *parse, v *string) error {
	s, err := p.expandName(p.value)
	if err != nil {
		return err
	}
	if name.TypeOf(s) != name.Slice || !name.Valid(s, name.Plain) || strings.Contains(s, "@") {
		return why("not the name of a slice")
	}
	if p.u.Type == name.Slice {
		return why("the name of a slice says which slice it is in")
	}
	*v = s
	return nil
}

var killRows = []Row{
	{Name: "FinalKillSignal", Group: killGroup, Default: "SIGKILL",
		Doc: "The signal for what is left after TimeoutStopSec=.",
		in:  in[value.Signal]{&signal, func(u *unit.Unit) *value.Signal { return &u.Kill.FinalSignal }}},
	{Name: "KillMode", Group: killGroup, Default: "control-group",
		Doc: "Which processes are ended when the unit stops.",
		in: enum[unit.KillMode]{unit.KillModes,
			func(u *unit.Unit) *unit.KillMode { return &u.Kill.Mode }}},
	{Name: "KillSignal", Group: killGroup, Default: "SIGTERM",
		Doc: "The signal that processes are asked to end with.",
		in:  in[value.Signal]{&signal, func(u *unit.Unit) *value.Signal { return &u.Kill.Signal }}},
	{Name: "RestartKillSignal", Group: killGroup, Default: "KillSignal=",
		Doc: "The same, when the unit is stopped to be started again.",
		in: does{"signal", "i",
			func(p *parse) error { return parseSignal(p, &p.u.Kill.RestartSignal) }, busRestartSignal}},
	{Name: "SendSIGHUP", Group: killGroup, Default: "no",
		Doc: "Send SIGHUP right after KillSignal=.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Kill.SendSIGHUP }}},
	{Name: "SendSIGKILL", Group: killGroup, Default: "yes",
		Doc: "Send FinalKillSignal= to what is left after TimeoutStopSec=.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Kill.SendSIGKILL }}},
	{Name: "WatchdogSignal", Group: killGroup, Default: "SIGABRT",
		Doc: "The signal for a service that missed WatchdogSec=.",
		in:  in[value.Signal]{&signal, func(u *unit.Unit) *value.Signal { return &u.Kill.Watchdog }}},
}

func busRestartSignal(u *unit.Unit) any {
	if u.Kill.RestartSignal == 0 {
		return int32(u.Kill.Signal)
	}
	return int32(u.Kill.RestartSignal)
}
