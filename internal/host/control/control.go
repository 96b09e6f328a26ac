// Package control turns what a unit says about resources into what the files of its
// control group are told. It knows the kernel's files and block devices, and nothing
// of where groups are. It answers for systemd.resource-control(5) and for the
// kernel's cgroup-v2 document.
package control

import (
	"math"
	"strconv"
	"strings"

	"rouse/internal/host/cgroup"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// A Request says for which unit, and when.
type Request struct {
	Unit *unit.Unit
	// Available are the controllers there are: of others nothing is said.
	Available cgroup.Controllers
	// Slices are those that the unit is in, the nearest first.
	Slices []*unit.Unit
	// Startup: the machine boots or shuts down, and StartupCPUWeight= and kin count.
	Startup bool
	// Alone: no manager starts the unit's processes, but one limits itself.
	Alone bool
	// Block finds the whole disk behind a path, as "8:0"; nil is Disk.
	Block func(path string) (string, error)
	// Log is told what is left out; nil is nobody.
	Log func(format string, args ...any)
}

// For gives what the group of the unit is told. What the kernel does by itself is not
// said, so a unit without settings costs nothing.
func For(q *Request) *cgroup.Control {
	c := &cgroup.Control{}
	r := q.Unit.Resources
	if r == nil {
		return c
	}
	b := builder{Request: q, r: r, c: c}
	if b.Block == nil {
		b.Block = Disk
	}
	if b.Log == nil {
		b.Log = func(string, ...any) {}
	}
	if len(r.DisableControllers) > 0 {
		c.Without = cgroup.ControllersOf(r.DisableControllers)
	}
	if r.Delegate {
		c.Needs |= cgroup.ControllersOf(r.DelegateControllers)
	}
	if b.Available != 0 {
		b.cpu()
		b.sets()
		b.io()
		b.memory()
		b.tasks()
	}
	b.devices()
	b.network()
	b.binds()
	b.fileSystems()
	b.pinned()
	return c
}

// builder gathers the settings of one unit.
type builder struct {
	*Request
	r *unit.Resources
	c *cgroup.Control
}

func (b *builder) set(of cgroup.Controllers, file, value, reset string) {
	b.add(cgroup.Setting{Controller: of, File: file, Value: value, Reset: reset})
}

func (b *builder) add(s cgroup.Setting) {
	b.c.Needs |= s.Controller
	b.c.Settings = append(b.c.Settings, s)
}

// starting gives what counts while the machine boots, if that is set.
func (b *builder) starting(usual, startup uint64) uint64 {
	if b.Startup && startup != unit.WeightUnset {
		return startup
	}
	return usual
}

func (b *builder) cpu() {
	weight := b.starting(b.r.CPUWeight, b.r.StartupCPUWeight)
	if b.r.CPUWeight == unit.WeightUnset && b.r.StartupCPUWeight == unit.WeightUnset {
		weight = sharesToWeight(b.starting(b.r.CPUShares, b.r.StartupCPUShares))
	}
	switch weight {
	case unit.WeightUnset:
	case unit.WeightIdle:
		b.set(cgroup.CPU, "cpu.idle", "1", "0")
	default:
		b.set(cgroup.CPU, "cpu.weight", number(weight), "100")
	}
	if b.r.CPUQuota != value.Infinity {
		b.set(cgroup.CPU, "cpu.max", quota(b.r.CPUQuota, b.r.CPUQuotaPeriod), "max 100000")
	}
}

// sharesToWeight translates CPUShares=, of which 1024 are usual.
func sharesToWeight(shares uint64) uint64 {
	if shares == unit.WeightUnset {
		return shares
	}
	return min(max(shares*100/1024, 1), 10000)
}

// The least time that the kernel measures, and the longest period it takes.
const (
	quotaStep = value.Millisecond
	quotaMost = value.Second
)

// quota gives time per period in microseconds. A period so short that its quota could
// not be measured is made longer.
func quota(perSecond, period value.Span) string {
	if period == value.Infinity {
		period = 100 * value.Millisecond
	}
	if perSecond > 0 {
		period = max(period, quotaStep*value.Second/perSecond)
	}
	period = min(max(period, quotaStep), quotaMost)
	whole, rest := perSecond/value.Second, perSecond%value.Second
	share := max(whole*period+rest*period/value.Second, quotaStep)
	return number(uint64(share/value.Microsecond)) + " " + number(uint64(period/value.Microsecond))
}

func (b *builder) sets() {
	pick := func(usual, startup value.CPUSet) value.CPUSet {
		if b.Startup && len(startup) > 0 {
			return startup
		}
		return usual
	}
	if s := pick(b.r.AllowedCPUs, b.r.StartupAllowedCPUs); len(s) > 0 {
		b.set(cgroup.CPUSet, "cpuset.cpus", cpuList(s), "\n")
	}
	if s := pick(b.r.AllowedMemoryNodes, b.r.StartupAllowedMemoryNodes); len(s) > 0 {
		b.set(cgroup.CPUSet, "cpuset.mems", cpuList(s), "\n")
	}
}

// cpuList writes a set as the kernel reads it: "0-3,5".
func cpuList(s value.CPUSet) string { return strings.ReplaceAll(s.String(), " ", ",") }

func (b *builder) memory() {
	r := b.r
	if r.MemoryAccounting {
		b.c.Needs |= cgroup.Memory
	}
	limit := func(file string, size value.Size) {
		if size != value.SizeInfinity {
			b.set(cgroup.Memory, file, number(uint64(size)), "max")
		}
	}
	floor := func(file string, size value.Size, set bool, above func(*unit.Resources) value.Size) {
		for _, s := range b.Slices {
			if set {
				break
			}
			size = above(s.Resources)
			set = size > 0
		}
		if size > 0 {
			text := "max"
			if size != value.SizeInfinity {
				text = number(uint64(size))
			}
			b.set(cgroup.Memory, file, text, "0")
		}
	}
	floor("memory.min", r.MemoryMin, r.MemoryMinSet,
		func(r *unit.Resources) value.Size { return r.DefaultMemoryMin })
	floor("memory.low", r.MemoryLow, r.MemoryLowSet,
		func(r *unit.Resources) value.Size { return r.DefaultMemoryLow })
	limit("memory.high", r.MemoryHigh)
	most := r.MemoryMax
	if most == value.SizeInfinity && r.MemoryHigh == most && r.MemorySwapMax == most &&
		r.MemoryMin == 0 && r.MemoryLow == 0 {
		most = r.MemoryLimit // of version 1, where nothing else is said
	}
	limit("memory.max", most)
	limit("memory.swap.max", r.MemorySwapMax)
	if killsTogether(b.Unit) {
		b.set(cgroup.Memory, "memory.oom.group", "1", "0")
	}
}

// killsTogether: OOMPolicy=kill has the kernel kill all of a unit.
func killsTogether(u *unit.Unit) bool {
	return u.Service != nil && u.Service.OOMPolicy == unit.OOMKill ||
		u.Scope != nil && u.Scope.OOMPolicy == unit.OOMKill
}

func (b *builder) tasks() {
	if b.r.TasksAccounting {
		b.c.Needs |= cgroup.PIDs
	}
	// What the root slice may have is the machine's own limit.
	if b.r.TasksMax != math.MaxUint64 && b.Unit.Name != rootSlice {
		b.set(cgroup.PIDs, "pids.max", number(b.r.TasksMax), "max")
	}
}

const rootSlice = "-.slice"

// Above gives the slice that a unit is in; "" for the root.
func Above(u *unit.Unit) string {
	switch {
	case u.Type == name.Slice:
		parent, _ := name.ParentSlice(u.Name)
		return parent
	case u.Resources == nil:
		return ""
	case u.Slice == "":
		return rootSlice
	}
	return u.Slice
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }
