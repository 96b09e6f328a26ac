package seccomp

import "slices"

// An arch is an architecture whose system calls a process may make. The order is that of
// the columns of numbers.
type arch uint8

const (
	x86 arch = iota
	x86x64
	x32
	arm
	arm64
	riscv64
	arches
)

// archNames are the words of SystemCallArchitectures=.
var archNames = [arches]string{"x86", "x86-64", "x32", "arm", "arm64", "riscv64"}

// audit are the numbers that the kernel tells architectures by. audit.h.
var audit = [arches]uint32{
	x86: 0x40000003, x86x64: 0xc000003e, x32: 0xc000003e, arm: 0x40000028, arm64: 0xc00000b7,
	riscv64: 0xc00000f3,
}

// x32Bit tells the calls of x32 from those of x86-64.
const x32Bit = 0x40000000

// native is the architecture of programs for GOARCH, and kin all those whose programs
// the same machine may run.
func native(goarch string) (own arch, kin []arch, ok bool) {
	switch goarch {
	case "amd64":
		return x86x64, []arch{x86x64, x32, x86}, true
	case "386":
		return x86, []arch{x86x64, x32, x86}, true
	case "arm64":
		return arm64, []arch{arm64, arm}, true
	case "arm":
		return arm, []arch{arm64, arm}, true
	case "riscv64":
		return riscv64, []arch{riscv64}, true
	}
	return 0, nil, false
}

// Knows reports whether there are filters for machines of that GOARCH.
func Knows(goarch string) bool {
	_, _, ok := native(goarch)
	return ok
}

// permits reports whether a process that is native to own may make calls of a. The
// manager's own architecture always remains, and x32 cannot do without x86-64's.
func permits(list []string, own, a arch) bool {
	return len(list) == 0 || a == own || slices.Contains(list, archNames[a]) ||
		a == x86x64 && slices.Contains(list, archNames[x32])
}

// number gives the number of a call on a, as a filter sees it.
func (a arch) number(row int) (nr uint32, ok bool) {
	n := numbers[row].nr[a]
	if n < 0 {
		return 0, false
	}
	if a == x32 {
		n |= x32Bit
	}
	return uint32(n), true
}

// row finds a call in numbers; -1 if no architecture here has it.
func row(name string) int {
	low, high := 0, len(numbers)
	for low < high {
		mid := (low + high) / 2
		if numbers[mid].name < name {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(numbers) || numbers[low].name != name {
		return -1
	}
	return low
}

// Number gives the number of a system call on an architecture with that name of
// SystemCallArchitectures=; ok is false if it has none.
func Number(architecture, call string) (nr uint32, ok bool) {
	at := row(call)
	for a := range arches {
		if archNames[a] == architecture && at >= 0 {
			return a.number(at)
		}
	}
	return 0, false
}
