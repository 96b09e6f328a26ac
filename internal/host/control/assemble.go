package control

// assembler makes programs for the kernel's BPF machine: ten registers, r1 holds the
// context at first, r10 the end of the stack, and r0 the verdict. The kernel's
// instruction-set document of BPF.
type assembler struct {
	code     []uint64
	counters []int // instructions that load the group's counters
}

// Operations that are used here, by the names of the kernel's assembler.
const (
	opLoad      = 0x61 // dst = *(u32 *)(src + offset)
	opLoadLong  = 0x79 // dst = *(u64 *)(src + offset)
	opLoadWide  = 0x18 // dst = number, of two instructions
	opStore     = 0x62 // *(u32 *)(dst + offset) = number
	opAddAtomic = 0xdb // *(u64 *)(dst + offset) += src
	opSet       = 0xb7 // dst = number
	opSet32     = 0xb4 // the same, without a sign
	opMove      = 0xbf // dst = src
	opAdd       = 0x07 // dst += number
	opAnd32     = 0x54
	opShift32   = 0x74 // dst >>= number
	opToBig     = 0xdc // dst in the order of the network, of number bits
	opJump      = 0x05
	opIfIs      = 0x15 // dst == number
	opIfNot     = 0x55 // dst != number
	opIfNotSame = 0x5d // dst != src
	opIfIs32    = 0x16 // dst == number, of the lower halves
	opIfNot32   = 0x56 // dst != number, of the lower halves
	opIfMore    = 0x25 // dst > number
	opIfLess    = 0xa5 // dst < number
	opCall      = 0x85
	opExit      = 0x95

	callLookup    = 1   // bpf_map_lookup_elem
	callLoadBytes = 26  // bpf_skb_load_bytes
	callTask      = 158 // bpf_get_current_task_btf

	fromMap = 1 // the source of opLoadWide: number is a descriptor
)

func (a *assembler) op(op, dst, src uint8, offset int16, number int32) int {
	a.code = append(a.code, uint64(op)|uint64(dst)<<8|uint64(src)<<12|
		uint64(uint16(offset))<<16|uint64(uint32(number))<<32)
	return len(a.code) - 1
}

// jump leaves the distance open until land says where it goes.
func (a *assembler) jump(op, dst, src uint8, number int32) int {
	return a.op(op, dst, src, 0, number)
}

// land has jumps go to the next instruction; false if that is too far.
func (a *assembler) land(jumps ...int) bool {
	for _, at := range jumps {
		distance := len(a.code) - at - 1
		if distance > 1<<15-1 {
			return false
		}
		a.code[at] |= uint64(uint16(distance)) << 16
	}
	return true
}

// answer ends the program.
func (a *assembler) answer(verdict int32) {
	a.op(opSet, 0, 0, 0, verdict)
	a.op(opExit, 0, 0, 0, 0)
}

// count adds a number in src to one of the group's counters; r6 keeps the context.
func (a *assembler) count(counter int32, number func()) {
	const at = -24 // on the stack, below what else is there
	a.op(opStore, 10, 0, at, counter)
	a.op(opMove, 2, 10, 0, 0)
	a.op(opAdd, 2, 0, 0, at)
	a.counters = append(a.counters, a.op(opLoadWide, 1, fromMap, 0, 0))
	a.op(0, 0, 0, 0, 0)
	a.op(opCall, 0, 0, 0, callLookup)
	none := a.jump(opIfIs, 0, 0, 0)
	number()
	a.op(opAddAtomic, 0, 1, 0, 0)
	a.land(none)
}
