package directive

import (
	"math"
	"strconv"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

const noSchedule = "elsewhere processes keep the manager's"

var scheduleRows = []Row{
	{Name: "CPUAffinity", Group: scheduleGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The CPUs to run on; numa for those of NUMAMask=.",
		in: with{does{"CPU numbers and ranges, numa", "ay", parseAffinity,
			func(u *unit.Unit) any { return busCPUs(&u.Exec.CPUAffinity) }},
			func(u *unit.Unit, list []Property) []Property {
				return append(list, Property{"CPUAffinityFromNUMA", "b", u.Exec.CPUAffinityFromNUMA})
			}}},
	{Name: "CPUSchedulingPolicy", Group: scheduleGroup, Default: "other",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "The CPU scheduler.",
		in: does{"other, batch, idle, fifo, rr", "i", parsePolicy,
			func(u *unit.Unit) any { return int32(u.Exec.CPUSchedulingPolicy) }}},
	{Name: "CPUSchedulingPriority", Group: scheduleGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The priority for fifo and rr.",
		in: does{"number, 0 to 99", "i", parsePriority,
			func(u *unit.Unit) any { return int32(u.Exec.CPUSchedulingPriority) }}},
	{Name: "CPUSchedulingResetOnFork", Group: scheduleGroup, Default: "no",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "Give children the standard scheduler again.",
		in: in[bool]{&boolean,
			func(u *unit.Unit) *bool { return &u.Exec.CPUSchedulingResetOnFork }}},
	{Name: "CoredumpFilter", Group: scheduleGroup, Default: "the kernel's, 0x33",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "Which kinds of memory core dumps hold.",
		in: does{"private-anonymous …, all, default, or a hexadecimal number", "t", parseCoredumpFilter,
			func(u *unit.Unit) any { return u.Exec.CoredumpFilter }}},
	{Name: "IOSchedulingClass", Group: scheduleGroup, Default: "best-effort",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "The class of the I/O scheduler.",
		in: does{"realtime, best-effort, idle", "i", parseIOClass,
			func(u *unit.Unit) any { return int32(u.Exec.IOSchedulingClass) }}},
	{Name: "IOSchedulingPriority", Group: scheduleGroup, Default: "4",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "The priority within the class; 0 comes first.",
		in: does{"number, 0 to 7", "i", parseIOPriority,
			func(u *unit.Unit) any { return int32(u.Exec.IOSchedulingPriority) }}},
	{Name: "LimitAS", Group: scheduleGroup, Doc: "The size of a process's memory.",
		in: rlimit(value.LimitAS)},
	{Name: "LimitCORE", Group: scheduleGroup, Doc: "The size of core dumps.",
		in: rlimit(value.LimitCORE)},
	{Name: "LimitCPU", Group: scheduleGroup, Doc: "CPU time.", in: rlimit(value.LimitCPU)},
	{Name: "LimitDATA", Group: scheduleGroup, Doc: "The size of a process's data.",
		in: rlimit(value.LimitDATA)},
	{Name: "LimitFSIZE", Group: scheduleGroup, Doc: "The size of files.",
		in: rlimit(value.LimitFSIZE)},
	{Name: "LimitLOCKS", Group: scheduleGroup,
		Doc: "The number of file locks; without effect since Linux 2.4.25.",
		in:  rlimit(value.LimitLOCKS)},
	{Name: "LimitMEMLOCK", Group: scheduleGroup, Default: "8M", Doc: "Memory locked into RAM.",
		in: rlimit(value.LimitMEMLOCK)},
	{Name: "LimitMSGQUEUE", Group: scheduleGroup, Doc: "The size of POSIX message queues.",
		in: rlimit(value.LimitMSGQUEUE)},
	{Name: "LimitNICE", Group: scheduleGroup,
		Doc: "The nice level that may be reached: -20 to 19 with a sign, or 0 to 40.",
		in:  rlimit(value.LimitNICE)},
	{Name: "LimitNOFILE", Group: scheduleGroup, Default: "1024:524288",
		Doc: "The number of file descriptors.",
		in:  rlimit(value.LimitNOFILE)},
	{Name: "LimitNPROC", Group: scheduleGroup, Doc: "The number of processes of the user.",
		in: rlimit(value.LimitNPROC)},
	{Name: "LimitRSS", Group: scheduleGroup,
		Doc: "Resident memory; without effect since Linux 2.4.30.",
		in:  rlimit(value.LimitRSS)},
	{Name: "LimitRTPRIO", Group: scheduleGroup, Doc: "The real-time priority that may be reached.",
		in: rlimit(value.LimitRTPRIO)},
	{Name: "LimitRTTIME", Group: scheduleGroup,
		Doc: "CPU time in real-time scheduling without a pause.",
		in:  rlimit(value.LimitRTTIME)},
	{Name: "LimitSIGPENDING", Group: scheduleGroup, Doc: "The number of queued signals.",
		in: rlimit(value.LimitSIGPENDING)},
	{Name: "LimitSTACK", Group: scheduleGroup, Doc: "The size of the stack.",
		in: rlimit(value.LimitSTACK)},
	{Name: "NUMAMask", Group: scheduleGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "The NUMA nodes that NUMAPolicy= is about.",
		in: does{"node numbers and ranges, all", "ay", parseNUMAMask,
			func(u *unit.Unit) any { return busCPUs(&u.Exec.NUMAMask) }}},
	{Name: "NUMAPolicy", Group: scheduleGroup, Support: LinuxOnly, Note: noSchedule,
		Doc: "Which NUMA nodes memory is taken from.",
		in:  does{"default, preferred, bind, interleave, local", "i", parseNUMAPolicy, busNUMAPolicy}},
	{Name: "Nice", Group: scheduleGroup, Default: "0",
		Doc: "The nice level: -20 for those who come first, 19 for those who come last.",
		in: does{"number, -20 to 19", "i", parseNice,
			func(u *unit.Unit) any { return int32(u.Exec.Nice) }}},
	{Name: "OOMScoreAdjust", Group: scheduleGroup, Default: "DefaultOOMScoreAdjust=",
		Doc: "How gladly the kernel kills processes for want of memory: -1000 never, 1000 first.",
		in: does{"number, -1000 to 1000", "i", parseOOMScore,
			func(u *unit.Unit) any { return int32(u.Exec.OOMScoreAdjust) }}},
	{Name: "TimerSlackNSec", Group: scheduleGroup, Default: "the kernel's, 50us",
		Support: LinuxOnly, Note: noSchedule,
		Doc: "By how much timers of processes may be late; a number alone is nanoseconds.",
		in: does{"time span in nanoseconds", "t", parseTimerSlack,
			func(u *unit.Unit) any { return u.Exec.TimerSlack }}},
}

// rlimit is one of the Limit… settings.
type rlimit value.Limit

func (s rlimit) signature() string { return "t" }
func (s rlimit) syntax() string    { return "limit, or soft:hard limit" }

func (s rlimit) assign(p *parse) error {
	soft, hard, err := value.ParseRlimit(value.Limit(s), p.value)
	if err == nil {
		p.u.Exec.Limits[s] = unit.Rlimit{Set: true, Soft: soft, Hard: hard}
	}
	return err
}

func (s rlimit) property(u *unit.Unit) any { return u.Exec.Limits[s].Hard }

func (s rlimit) further(u *unit.Unit, list []Property) []Property {
	name := "Limit" + value.Limit(s).String() + "Soft"
	return append(list, Property{name, "t", u.Exec.Limits[s].Soft})
}

func parseNice(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.Nice, x.NiceSet = 0, false
		return nil
	}
	n, err := value.ParseInt(p.value, 32)
	if err != nil {
		return err
	}
	if n < -20 || n > 19 {
		return why("out of range, -20 to 19")
	}
	x.Nice, x.NiceSet = int(n), true
	return nil
}

func parseOOMScore(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		d := p.defaults()
		x.OOMScoreAdjust, x.OOMScoreSet = d.OOMScoreAdjust, d.OOMScoreSet
		return nil
	}
	n, err := value.ParseInt(p.value, 32)
	if err != nil {
		return err
	}
	if n < -1000 || n > 1000 {
		return why("out of range, -1000 to 1000")
	}
	x.OOMScoreAdjust, x.OOMScoreSet = int(n), true
	return nil
}

// parsePolicy: schedulers without priorities take it away, and those with
// priorities have 1 at least.
func parsePolicy(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.CPUSchedulingSet, x.CPUSchedulingPolicy, x.CPUSchedulingPriority = false, 0, 0
		return nil
	}
	n, ok := linux.Scheduler(p.value)
	if !ok {
		v, err := value.ParseUint(p.value, 31)
		if err != nil {
			return why("not one of other, batch, idle, fifo, rr")
		}
		n = int(v)
	}
	x.CPUSchedulingSet, x.CPUSchedulingPolicy = true, n
	switch n {
	case linux.SchedFIFO, linux.SchedRR:
		x.CPUSchedulingPriority = max(x.CPUSchedulingPriority, 1)
	case 0, 3, 5, 6, 7:
		x.CPUSchedulingPriority = 0
	default: // unknown to the kernel
		x.CPUSchedulingPriority = -1
	}
	return nil
}

func parsePriority(p *parse) error {
	n, err := value.ParseInt(p.value, 32)
	if err != nil {
		return err
	}
	if n < 0 || n > 99 {
		return why("out of range, 0 to 99")
	}
	p.u.Exec.CPUSchedulingPriority, p.u.Exec.CPUSchedulingSet = int(n), true
	return nil
}

func parseIOClass(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.IOSchedulingSet, x.IOSchedulingClass, x.IOSchedulingPriority = false, 2, 4
		return nil
	}
	n, ok := linux.IOClass(p.value)
	if !ok {
		v, err := value.ParseUint(p.value, 31)
		if err != nil {
			return why("not one of realtime, best-effort, idle")
		}
		n = int(v)
	}
	if n > maxIOClass {
		return why("not one of realtime, best-effort, idle")
	}
	x.IOSchedulingSet, x.IOSchedulingClass = true, n
	if n == 0 { // none: as if it were not set
		x.IOSchedulingClass, x.IOSchedulingPriority = 2, 4
	}
	return nil
}

// maxIOClass is the highest number of a class that systemd 252 takes.
const maxIOClass = 8

func parseIOPriority(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.IOSchedulingSet, x.IOSchedulingClass, x.IOSchedulingPriority = false, 2, 4
		return nil
	}
	n, err := value.ParseInt(p.value, 32)
	if err != nil {
		return err
	}
	if n < 0 || n > 7 {
		return why("out of range, 0 to 7")
	}
	x.IOSchedulingSet, x.IOSchedulingPriority = true, int(n)
	return nil
}

func parseAffinity(p *parse) error {
	x := p.u.Exec
	if p.value == "numa" {
		x.CPUAffinity, x.CPUAffinityFromNUMA = nil, true
		return nil
	}
	if err := parseCPUs(p, &x.CPUAffinity); err != nil {
		return err
	}
	x.CPUAffinityFromNUMA = false
	return nil
}

func parseNUMAPolicy(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.NUMAPolicy = -1
		return nil
	}
	n, ok := linux.NUMAPolicy(p.value)
	if !ok {
		return why("not one of default, preferred, bind, interleave, local")
	}
	x.NUMAPolicy = n
	return nil
}

// busNUMAPolicy: a mask alone means preferred.
func busNUMAPolicy(u *unit.Unit) any {
	if u.Exec.NUMAPolicy < 0 && len(u.Exec.NUMAMask) > 0 {
		return int32(1)
	}
	return int32(u.Exec.NUMAPolicy)
}

func parseNUMAMask(p *parse) error {
	x := p.u.Exec
	if p.value == "all" {
		var all value.CPUSet
		for node := range max(p.defaults().NUMANodes, 1) {
			all = append(all, node)
		}
		x.NUMAMask, x.NUMAMaskAll = x.NUMAMask.Merge(all), true
		return nil
	}
	err := parseCPUs(p, &x.NUMAMask)
	if err == nil {
		x.NUMAMaskAll = false
	}
	return err
}

func parseTimerSlack(p *parse) error {
	n, err := value.ParseNanoseconds(p.value)
	if err == nil && n == math.MaxUint64 {
		err = why("not a time span with an end")
	}
	if err == nil {
		p.u.Exec.TimerSlack, p.u.Exec.TimerSlackSet = n, true
	}
	return err
}

// parseCoredumpFilter adds to what there is: names, or one hexadecimal number.
func parseCoredumpFilter(p *parse) error {
	x := p.u.Exec
	if p.value == "" {
		x.CoredumpFilter, x.CoredumpFilterSet = defaultCoredump, false
		return nil
	}
	var bits uint64
	var bad error
	err := eachWord(p.value, 0, func(w string) {
		if w == "all" {
			bits = 1<<32 - 1
		} else if w == "default" {
			bits |= defaultCoredump
		} else if bit, ok := linux.CoredumpBit(w); ok {
			bits |= 1 << bit
		} else if n, err := parseHex(w); err == nil {
			bits |= n
		} else {
			bad = why(w + ": not a kind of memory")
		}
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return err
	}
	if x.CoredumpFilterSet {
		bits |= x.CoredumpFilter
	}
	x.CoredumpFilter, x.CoredumpFilterSet = bits, true
	return nil
}

func parseHex(s string) (uint64, error) {
	s = strings.TrimPrefix(s, "+")
	return strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 64)
}

// defaultCoredump is what the kernel dumps by itself. core(5).
const defaultCoredump = 0x33
