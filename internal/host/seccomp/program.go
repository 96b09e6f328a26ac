package seccomp

import (
	"encoding/binary"
	"errors"
	"slices"
)

// An instruction is a node of a program that is a graph without cycles. Two alike are
// one, so that equal ends of branches are shared.
type instruction struct {
	code    uint16
	k       uint32
	yes, no *instruction // next is yes where nothing is compared
}

// The instructions of the kernel's filters that are used here. linux/bpf_common.h.
const (
	codeLoad  = 0x20 // the word at offset k of struct seccomp_data
	codeAnd   = 0x54
	codeEqual = 0x15
	codeLeast = 0x35 // at least k
	codeBits  = 0x45 // any bit of k
	codeJump  = 0x05 // k further
	codeEnd   = 0x06

	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16 // eight bytes each
)

// builder makes graphs.
type builder struct{ nodes map[instruction]*instruction }

func (b *builder) node(i instruction) *instruction {
	if i.yes == i.no && i.no != nil {
		return i.yes // both lead to the same
	}
	n := b.nodes[i]
	if n == nil {
		n = &i
		b.nodes[i] = n
	}
	return n
}

func (b *builder) end(a action) *instruction {
	return b.node(instruction{code: codeEnd, k: uint32(a)})
}

func (b *builder) load(offset uint32, next *instruction) *instruction {
	if next.code == codeEnd {
		return next
	}
	return b.node(instruction{code: codeLoad, k: offset, yes: next})
}

// when goes on with yes if all tests hold, else with no.
func (b *builder) when(tests []test, yes, no *instruction) *instruction {
	for _, t := range slices.Backward(tests) {
		yes = b.test(t, yes, no)
	}
	return yes
}

func (b *builder) test(t test, yes, no *instruction) *instruction {
	var n *instruction
	switch t.kind {
	case hasAny:
		n = b.node(instruction{codeBits, t.mask, yes, no})
	case hasAll:
		n = b.masked(t.mask, b.node(instruction{codeEqual, t.mask, yes, no}))
	case isNoneOf:
		return b.test(test{t.arg, isOneOf, t.mask, t.of}, no, yes)
	case isOneOf, testKinds:
		n = no
		for _, v := range t.of {
			n = b.node(instruction{codeEqual, v, yes, n})
		}
		n = b.masked(t.mask, n)
	}
	word := uint32(offsetArgs + 8*t.arg)
	if isBigEndian {
		word += 4
	}
	return b.load(word, n)
}

var isBigEndian = binary.NativeEndian.Uint16([]byte{1, 0}) != 1

func (b *builder) masked(mask uint32, next *instruction) *instruction {
	if mask == everyBit || next.code == codeEnd {
		return next
	}
	return b.node(instruction{code: codeAnd, k: mask, yes: next})
}

// decide is what all layers together say about a call. The last layer is asked first.
func (b *builder) decide(layers []layer, nr uint32) *instruction {
	type state struct {
		layers int
		so     action
	}
	known := map[state]*instruction{}
	var from func(n int, so action) *instruction
	from = func(n int, so action) *instruction {
		if n == 0 {
			return b.end(so)
		}
		s := state{n, so}
		if i := known[s]; i != nil {
			return i
		}
		l := &layers[n-1]
		r := l.calls[nr]
		if r == nil {
			return from(n-1, worse(so, l.other))
		}
		if r.set {
			return from(n-1, worse(so, r.plain))
		}
		i := from(n-1, worse(so, l.other))
		for _, c := range slices.Backward(r.cases) {
			i = b.when(c.tests, from(n-1, worse(so, c.then)), i)
		}
		known[s] = i
		return i
	}
	return from(len(layers), allow)
}

// A span is a row of calls, from one on to the next span, about which is said the same.
type span struct {
	from uint32
	then *instruction
}

// spans add what is said about the calls of an architecture, which are those from first
// to last.
func (b *builder) spans(list []span, layers []layer, first, last uint32) []span {
	var numbers []uint32
	for i := range layers {
		for nr := range layers[i].calls {
			numbers = append(numbers, nr)
		}
	}
	slices.Sort(numbers)
	// No call has a number that high: this is what is said of those without rules.
	others := b.decide(layers, noCall)
	add := func(from uint32, then *instruction) {
		if n := len(list); n > 0 && list[n-1].from == from {
			list[n-1].then = then
		} else if n == 0 || list[n-1].then != then {
			list = append(list, span{from, then})
		}
	}
	add(first, others)
	for i, nr := range numbers {
		if i > 0 && nr == numbers[i-1] {
			continue
		}
		add(nr, b.decide(layers, nr))
		if nr < last {
			add(nr+1, others)
		}
	}
	return list
}

// noCall is the number of a call that a tracer has taken away.
const noCall = ^uint32(0)

// tree finds the span of a call.
func (b *builder) tree(list []span) *instruction {
	switch n := len(list); {
	case n == 1:
		return list[0].then
	case n == 3 && list[2].from == list[1].from+1 && list[0].then == list[2].then:
		return b.node(instruction{codeEqual, list[1].from, list[1].then, list[0].then})
	default:
		mid := n / 2
		return b.node(instruction{
			codeLeast, list[mid].from, b.tree(list[mid:]), b.tree(list[:mid]),
		})
	}
}

// machine is the whole program for programs of GOARCH.
func (p *Policy) machine(b *builder, own arch, kin []arch) *instruction {
	other := allow
	if len(p.Architectures) > 0 {
		other = killThread
	}
	whole := b.end(other)
	for _, a := range slices.Backward(kin) {
		if a == x32 { // with x86-64
			continue
		}
		tree := b.end(other)
		if permits(p.Architectures, own, a) {
			layers := p.layers(a)
			list := b.spans(nil, layers, 0, x32Bit-1)
			if a == x86x64 {
				traced := list[len(list)-1]
				if permits(p.Architectures, own, x32) {
					list = b.spans(list, p.layers(x32), x32Bit, noCall-1)
				} else {
					list = append(list, span{x32Bit, b.end(other)})
				}
				if last := list[len(list)-1]; last.then != traced.then {
					list = append(list, span{noCall, traced.then})
				}
			}
			tree = b.load(offsetCall, b.tree(list))
		}
		whole = b.node(instruction{codeEqual, audit[a], tree, whole})
	}
	return b.load(offsetArch, whole)
}

// maxInstructions is how long a program may be. linux/bpf_common.h, BPF_MAXINSNS.
const maxInstructions = 4096

// Program is the policy as an array of struct sock_filter for programs of GOARCH; it is
// empty if nothing is forbidden.
func (p *Policy) Program(goarch string) ([]byte, error) {
	own, kin, ok := native(goarch)
	if !ok {
		return nil, errors.New("no numbers of system calls on " + goarch + " are known")
	}
	b := &builder{nodes: map[instruction]*instruction{}}
	start := p.machine(b, own, kin)
	if start == b.end(allow) {
		return nil, nil
	}
	e := emitter{at: map[*instruction]int{}}
	e.emit(start)
	if len(e.code) > maxInstructions {
		return nil, errors.New("longer than the kernel takes")
	}
	var text []byte
	for _, c := range slices.Backward(e.code) {
		text = binary.NativeEndian.AppendUint16(text, c.code)
		text = append(text, c.yes, c.no)
		text = binary.NativeEndian.AppendUint32(text, c.k)
	}
	return text, nil
}

// An emitter lays a graph out, last instruction first: jumps lead forward only.
type emitter struct {
	code []flat
	at   map[*instruction]int
}

type flat struct {
	code    uint16
	yes, no uint8
	k       uint32
}

func (e *emitter) emit(n *instruction) {
	if _, done := e.at[n]; done {
		return
	}
	for _, next := range [...]*instruction{n.yes, n.no} {
		if next != nil {
			e.emit(next)
		}
	}
	f := flat{code: n.code, k: n.k}
	switch {
	case n.code == codeEnd:
	case n.no == nil: // what follows must be the very next
		e.reach(n.yes, 0)
	default:
		// The second may be moved away by an instruction for the first.
		e.reach(n.no, farthest-1)
		e.reach(n.yes, farthest)
		f.yes, f.no = e.distance(n.yes), e.distance(n.no)
	}
	e.at[n] = len(e.code)
	e.code = append(e.code, f)
}

// farthest is how many instructions a comparison can leave out.
const farthest = 255

func (e *emitter) distance(n *instruction) uint8 { return uint8(len(e.code) - 1 - e.at[n]) }

// reach sees to it that n, or a copy of it or a jump to it, is that near.
func (e *emitter) reach(n *instruction, near int) {
	away := len(e.code) - 1 - e.at[n]
	if away <= near {
		return
	}
	f := flat{code: codeJump, k: uint32(away)}
	if n.code == codeEnd {
		f = flat{code: codeEnd, k: n.k}
	}
	e.code = append(e.code, f)
	e.at[n] = len(e.code) - 1
}
