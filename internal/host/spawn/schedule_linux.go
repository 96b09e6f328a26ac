package spawn

import (
	"encoding/binary"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// scheduling adds what the kernel's schedulers are told, personality, core dump filter
// and the like.
func (p *planner) scheduling() {
	x := p.x
	if x.CoredumpFilterSet && p.wants("CoredumpFilter") {
		p.coredumpFilter()
	}
	if x.CPUSchedulingSet && p.wantsAny(
		"CPUSchedulingPolicy", "CPUSchedulingPriority", "CPUSchedulingResetOnFork",
	) {
		policy := x.CPUSchedulingPolicy
		if x.CPUSchedulingResetOnFork {
			policy |= sys.SchedResetOnFork
		}
		priority := binary.NativeEndian.AppendUint32(nil, uint32(x.CPUSchedulingPriority))
		p.attribute("set CPU scheduler", "CPUSchedulingPolicy", StatusScheduler,
			call{nr: sys.CallSchedSetscheduler, args: []arg{num(0), num(policy), blockArg(priority)}})
	}
	p.affinity()
	p.memoryPolicy()
	if x.IOSchedulingSet && p.wantsAny("IOSchedulingClass", "IOSchedulingPriority") {
		priority := x.IOSchedulingClass<<sys.IoprioClassShift | x.IOSchedulingPriority
		p.attribute("set I/O priority", "IOSchedulingClass", StatusIOPriority,
			call{nr: sys.CallIoprioSet, args: []arg{num(sys.IoprioProcess), num(0), num(priority)}})
	}
	p.timerSlack()
	if x.Personality != "" && p.wants("Personality") {
		p.attribute("set personality "+x.Personality, "Personality", StatusPersonality,
			call{nr: sys.CallPersonality, args: []arg{num(personality(x.Personality))}})
	}
}

// timerSlack says how late timers may be.
func (p *planner) timerSlack() {
	if !p.x.TimerSlackSet || !p.wants("TimerSlackNSec") {
		return
	}
	p.attribute("set timer slack", "TimerSlackNSec", StatusTimerSlack,
		call{nr: sys.CallPrctl, args: []arg{num(sys.PrctlTimerSlack), {n: int64(p.x.TimerSlack)}}})
}

// wantsAny is for attributes that several directives make up: without one of them, there
// is no sense in the others.
func (p *planner) wantsAny(directives ...string) bool {
	return slices.ContainsFunc(directives, p.wants) &&
		!slices.ContainsFunc(directives, p.leftOut)
}

// attribute adds a step of one call.
func (p *planner) attribute(text, directive string, status int, calls ...call) {
	p.add(step{kind: stepCalls, text: text, directive: directive, status: status, calls: calls})
}

// coredumpFilter belongs to the memory of a process, not to the process. exec keeps it.
func (p *planner) coredumpFilter() {
	p.ownMemory = true
	text := "0x" + strconv.FormatUint(p.x.CoredumpFilter, 16)
	p.attribute("set core dump filter "+text, "CoredumpFilter", StatusLimits,
		writeFile("/proc/self/coredump_filter", text, sys.EACCES, sys.EPERM)...)
}

// writeFile gives the calls that write text to a file. The errors are no failure.
func writeFile(path, text string, fine ...sys.Errno) []call {
	return []call{
		{
			nr:   sys.CallOpenat,
			args: []arg{num(sys.AtFDCWD), textArg(path), num(sys.OpenWrite)}, fine: fine, skip: 2,
		},
		{
			nr:   sys.CallWrite,
			args: []arg{resultOf(0), textArg(text), num(len(text))}, fine: fine,
		},
		{nr: sys.CallClose, args: []arg{resultOf(0)}},
	}
}

// affinity chooses the CPUs to run on.
func (p *planner) affinity() {
	set := p.x.CPUAffinity
	if set == nil && !p.x.CPUAffinityFromNUMA || !p.wants("CPUAffinity") {
		return
	}
	if p.x.CPUAffinityFromNUMA {
		var err error
		if set, err = nodeCPUs(nodesPath, p.x.NUMAMask); err != nil {
			p.fail(&StepError{
				Step: "find the CPUs of NUMA nodes", Directive: "CPUAffinity", Err: err,
				Status: StatusCPUAffinity,
			})
			return
		}
	}
	mask := wordMask(set)
	p.attribute("set CPU affinity "+set.String(), "CPUAffinity", StatusCPUAffinity,
		call{nr: sys.CallSchedSetaffinity, args: []arg{num(0), num(len(mask)), blockArg(mask)}})
}

const nodesPath = "/sys/devices/system/node"

// nodeCPUs are the CPUs of NUMA nodes.
func nodeCPUs(dir string, nodes value.CPUSet) (value.CPUSet, error) {
	var all value.CPUSet
	for _, node := range nodes {
		text, err := os.ReadFile(dir + "/node" + strconv.FormatUint(uint64(node), 10) + "/cpulist")
		if err != nil {
			return nil, err
		}
		cpus, err := value.ParseCPUSet(strings.TrimSpace(string(text)))
		if err != nil {
			return nil, err
		}
		all = all.Merge(cpus)
	}
	return all, nil
}

// The memory policies that systemd looks at itself. set_mempolicy(2).
const (
	policyDefault   = 0
	policyPreferred = 1
	policyLocal     = 4
)

// memoryPolicy chooses the NUMA nodes that memory is taken from. A mask alone means
// preferred. Where the kernel knows no nodes, there is nothing to choose.
func (p *planner) memoryPolicy() {
	policy, nodes := p.x.NUMAPolicy, p.x.NUMAMask
	if policy < 0 && len(nodes) > 0 {
		policy = policyPreferred
	}
	if policy < 0 || !p.wantsAny("NUMAPolicy", "NUMAMask") || !haveNodes() {
		return
	}
	free := slices.Contains([]int{policyDefault, policyPreferred, policyLocal}, policy)
	if len(nodes) == 0 && !free || len(nodes) > 1 && policy == policyPreferred {
		p.fail(&StepError{
			Step: "set NUMA policy", Directive: "NUMAPolicy", Errno: int(sys.EINVAL),
			Status: StatusNUMAPolicy,
		})
		return
	}
	var args []arg
	if len(nodes) == 0 || policy == policyDefault || policy == policyLocal {
		args = []arg{num(policy), num(0), num(0)}
	} else {
		mask := wordMask(nodes)
		args = []arg{num(policy), blockArg(mask), num(8*len(mask) + 1)}
	}
	p.attribute("set NUMA policy", "NUMAPolicy", StatusNUMAPolicy,
		call{nr: sys.CallSetMempolicy, args: args, fine: []sys.Errno{sys.ENOSYS}})
}

func haveNodes() bool {
	_, err := os.Stat(nodesPath)
	return err == nil
}

// wordMask gives a set as the machine words of a bit mask.
func wordMask(set value.CPUSet) []byte {
	mask := set.Mask()
	native := make([]byte, 0, len(mask))
	for at := 0; at < len(mask); at += 8 {
		word := binary.LittleEndian.Uint64(mask[at:])
		if strconv.IntSize == 64 {
			native = binary.NativeEndian.AppendUint64(native, word)
			continue
		}
		native = binary.NativeEndian.AppendUint32(native, uint32(word))
		native = binary.NativeEndian.AppendUint32(native, uint32(word>>32))
	}
	return native
}

// narrow are the architectures that a 64-bit machine can pretend to be.
var narrow = []string{"x86", "arm", "ppc", "ppc-le", "s390"}

// personality is the number of an architecture for personality(2): the machine's own,
// or its 32-bit kin.
func personality(architecture string) int {
	own := runtime.GOARCH == "386" && architecture == "x86" ||
		runtime.GOARCH == "arm" && architecture == "arm"
	if slices.Contains(narrow, architecture) && !own {
		return sys.Personality32
	}
	return 0
}
