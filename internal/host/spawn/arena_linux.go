package spawn

import (
	"sync/atomic"
	"unsafe"

	"rouse/internal/host/sys"
)

// An arena holds all that a new process reads and writes before exec: control,
// stack, operations, strings. It is memory outside the Go heap that the child
// shares, so nothing in it moves and no stack of a goroutine is handed to the
// kernel.
type arena struct {
	mem  []byte
	used int
}

// control is the start of each arena. The assembler knows its layout.
type control struct {
	ops    *op
	stack  uintptr // where the child's stack ends; it is never used, but must not be ours
	clone3 uintptr // 1: call clone3 with args; 0: clone with flags
	flags  uintptr
	pid    uintptr // what clone gave: a pid, or an errno negated
	failed uintptr // offset of the op that failed plus 1; 0 is none
	errno  uintptr // why
	all    uint64  // the signal mask while the child shares our memory: everything
	mask   uint64  // the signal mask before
	args   cloneArgs
	tid    int32 // the child's pid, set by the kernel before the child runs
}

// cloneArgs is struct clone_args of clone(2).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
	setTID, setTIDSize, cgroup                                           uint64
}

const (
	stackSize = 4096
	// arenaStart is where strings and operations begin.
	arenaStart = (int(unsafe.Sizeof(control{})) + stackSize + 63) &^ 63
	// arenaSize is enough for the usual process; a larger one gets its own arena.
	arenaSize = 64 << 10
)

func newArena(size int) (*arena, error) {
	size = (size + 4095) &^ 4095
	mem, err := sys.SharedMemory(size)
	if err != nil {
		return nil, err
	}
	return &arena{mem: mem}, nil
}

func (a *arena) free() { _ = sys.Unmap(a.mem) }

func (a *arena) control() *control { return (*control)(unsafe.Pointer(unsafe.SliceData(a.mem))) }

// tid is the child's number as soon as there is one, else 0.
func (a *arena) tid() int { return int(atomic.LoadInt32(&a.control().tid)) }

// reset makes the arena empty.
func (a *arena) reset() {
	a.used = arenaStart
	c := a.control()
	atomic.StoreInt32(&c.tid, 0)
	c.failed, c.errno, c.pid = 0, 0, 0
	c.all = ^uint64(0)
	c.stack = a.address(arenaStart)
	c.args = cloneArgs{}
}

func (a *arena) address(offset int) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(a.mem))) + uintptr(offset)
}

// alloc gives the offset of n bytes, aligned for any word.
func (a *arena) alloc(n int) int {
	at := (a.used + 15) &^ 15
	a.used = at + n
	return at
}

// string places s with a NUL byte after it.
func (a *arena) string(s string) uintptr {
	at := a.used
	a.used += len(s) + 1
	copy(a.mem[at:a.used], s)
	a.mem[a.used-1] = 0
	return a.address(at)
}

// block places bytes, aligned for any word.
func (a *arena) block(s string) uintptr {
	at := a.alloc(len(s))
	copy(a.mem[at:], s)
	return a.address(at)
}

// instructionSize is that of struct sock_filter.
const instructionSize = 8

// instructions is the field len of struct sock_fprog as the word that it is part of.
func instructions(program string) uintptr {
	var word uintptr
	*(*uint16)(unsafe.Pointer(&word)) = uint16(len(program) / instructionSize)
	return word
}

// strings places a list of strings as argv(7) wants it, and gives its entries.
func (a *arena) strings(list []string) (address uintptr, entries []uintptr) {
	at := a.alloc((len(list) + 1) * int(unsafe.Sizeof(address)))
	entries = unsafe.Slice((*uintptr)(unsafe.Pointer(&a.mem[at])), len(list)+1)
	for i, s := range list {
		entries[i] = a.string(s)
	}
	entries[len(list)] = 0
	return a.address(at), entries
}

// pidDigits is room for the longest process number, and a NUL byte.
const pidDigits = 12

// reserve replaces entry i by a copy with room for a number, and gives the
// address where that goes.
func (a *arena) reserve(entries []uintptr, list []string, i int) uintptr {
	at := a.alloc(len(list[i]) + pidDigits)
	copy(a.mem[at:], list[i])
	a.mem[at+len(list[i])] = 0
	entries[i] = a.address(at)
	return entries[i] + uintptr(len(list[i]))
}

// words places machine words in a row.
func (a *arena) words(list ...uintptr) uintptr {
	at := a.alloc(len(list) * int(unsafe.Sizeof(list[0])))
	copy(unsafe.Slice((*uintptr)(unsafe.Pointer(&a.mem[at])), len(list)), list)
	return a.address(at)
}

// pair places struct rlimit64.
func (a *arena) pair(v [2]uint64) uintptr {
	at := a.alloc(16)
	*(*[2]uint64)(unsafe.Pointer(&a.mem[at])) = v
	return a.address(at)
}

// ids places user or group numbers.
func (a *arena) ids(list []int) uintptr {
	at := a.alloc(4*len(list) + 4)
	for i, id := range list {
		*(*uint32)(unsafe.Pointer(&a.mem[at+4*i])) = uint32(id)
	}
	return a.address(at)
}

// place copies operations into the arena.
func (a *arena) place(ops []op) []op {
	at := a.alloc(len(ops) * int(opSize))
	placed := unsafe.Slice((*op)(unsafe.Pointer(&a.mem[at])), len(ops))
	copy(placed, ops)
	return placed
}

// size is how large an arena the plan needs at most.
func (p *plan) size() int {
	const perOp = int(opSize) + 128 // with structures of its own
	n := arenaStart + (sys.Signals+8)*perOp
	for _, list := range [][]string{p.argv, p.env} {
		for _, s := range list {
			n += len(s) + 8 + 64
		}
	}
	for i := range p.steps {
		s := &p.steps[i]
		n += 4*perOp + len(s.text) + 64 + len(s.ids)*(2*perOp+4)
		for _, path := range s.list {
			n += perOp + len(path) + 16
		}
		for _, c := range s.calls {
			n += perOp
			for _, g := range c.args {
				n += len(g.text) + 64
			}
		}
	}
	return n
}
