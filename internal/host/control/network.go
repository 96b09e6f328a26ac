package control

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"

	"rouse/internal/host/cgroup"
	"rouse/internal/host/sys/bpf"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value/linux"
)

// A direction is where packets go.
type direction struct {
	place          uint32
	address4       int32 // where the other end's address is in a packet
	address6       int32
	bytes, packets int32 // counters
	pinned         func(*unit.Resources) []string
	setting        string
}

// Offsets in struct __sk_buff.
const (
	packetLength    = 0
	packetProtocol  = 16
	packetInterface = 40
)

// onStack is where addresses are put.
const onStack = -16

// network adds the programs that packets pass.
func (b *builder) network() {
	for _, d := range [...]direction{
		{bpf.Ingress, 12, 8, 0, 1,
			func(r *unit.Resources) []string { return r.IPIngressFilterPath }, "IPIngressFilterPath"},
		{bpf.Egress, 16, 24, 2, 3,
			func(r *unit.Resources) []string { return r.IPEgressFilterPath }, "IPEgressFilterPath"},
	} {
		b.firewall(d)
		if len(b.r.RestrictNetworkInterfaces.Names) > 0 {
			b.program("RestrictNetworkInterfaces", bpf.Packet, d.place,
				interfaceProgram(b.r.RestrictNetworkInterfaces))
		}
		for _, path := range gather(b, d.pinned) {
			b.c.Programs = append(b.c.Programs, cgroup.Program{
				Name: d.setting, Place: d.place, Pinned: path,
			})
		}
	}
}

func (b *builder) program(setting string, kind, place uint32, code []uint64) {
	b.c.Programs = append(b.c.Programs, cgroup.Program{
		Name: setting, Type: kind, Place: place, Code: code,
	})
}

// attachPlaces are the numbers of the places of BPFProgram=, in the order of the kernel;
// some of those between are not for control groups. bpf(2), attach_type.
var attachPlaces = [...]string{
	0: "ingress", 1: "egress", 2: "sock_create", 3: "sock_ops", 6: "device", 8: "bind4", 9: "bind6",
	10: "connect4", 11: "connect6", 12: "post_bind4", 13: "post_bind6", 14: "sendmsg4",
	15: "sendmsg6", 18: "sysctl", 19: "recvmsg4", 20: "recvmsg6", 21: "getsockopt",
	22: "setsockopt",
}

// pinned adds the programs of BPFProgram=.
func (b *builder) pinned() {
	for _, p := range b.r.BPFPrograms {
		if place := slices.Index(attachPlaces[:], p.Attach); place >= 0 {
			b.c.Programs = append(b.c.Programs, cgroup.Program{
				Name: "BPFProgram", Place: uint32(place), Pinned: p.Path,
			})
		}
	}
}

// gather puts lists of the unit and of the slices that it is in together. The lists of
// slices work on the units in them alone, which can have exceptions from them.
func gather[T any](b *builder, list func(*unit.Resources) []T) []T {
	if b.Unit.Type == name.Slice {
		return nil
	}
	all := slices.Clip(list(b.r))
	for _, s := range b.Slices {
		all = append(all, list(s.Resources)...)
	}
	return all
}

// firewall adds the program of IPAddressAllow=, IPAddressDeny= and IPAccounting=.
func (b *builder) firewall(d direction) {
	allow := gather(b, func(r *unit.Resources) []netip.Prefix { return r.IPAddressAllow })
	deny := gather(b, func(r *unit.Resources) []netip.Prefix { return r.IPAddressDeny })
	if len(deny) == 0 && !b.r.IPAccounting {
		return
	}
	if len(deny) == 0 {
		allow = nil // everything is
	}
	a, err := firewallProgram(d, allow, deny, b.r.IPAccounting)
	if err != nil {
		b.Log("IPAddressAllow= and IPAddressDeny= are left out: %v", err)
		return
	}
	b.c.Programs = append(b.c.Programs, cgroup.Program{
		Name: "IPAddressAllow, IPAddressDeny, IPAccounting", Type: bpf.Packet, Place: d.place,
		Code: a.code, Counters: a.counters,
	})
}

// errMany: the kernel's jumps are of 16 bits.
var errMany = errors.New("too many addresses")

// firewallProgram lets packets of IP pass whose other end is allowed, or not denied,
// and counts them. r6 is the context, r8 the verdict.
func firewallProgram(d direction, allow, deny []netip.Prefix, counts bool) (*assembler, error) {
	a := &assembler{}
	a.op(opMove, 6, 1, 0, 0)
	a.op(opSet, 8, 0, 0, 1)
	var passes, drops []int
	for _, family := range [...]struct {
		protocol [2]byte
		size     int32
		at       int32
	}{{[2]byte{0x08, 0x00}, 4, d.address4}, {[2]byte{0x86, 0xdd}, 16, d.address6}} {
		others := func(p netip.Prefix) bool { return p.Addr().BitLen() != int(family.size)*8 }
		allow := slices.DeleteFunc(slices.Clone(allow), others)
		deny := slices.DeleteFunc(slices.Clone(deny), others)
		if len(deny) == 0 {
			continue
		}
		a.op(opLoad, 7, 6, packetProtocol, 0)
		other := a.jump(opIfNot, 7, 0, int32(binary.NativeEndian.Uint16(family.protocol[:])))
		a.op(opMove, 1, 6, 0, 0)
		a.op(opSet, 2, 0, 0, family.at)
		a.op(opMove, 3, 10, 0, 0)
		a.op(opAdd, 3, 0, 0, onStack)
		a.op(opSet, 4, 0, 0, family.size)
		a.op(opCall, 0, 0, 0, callLoadBytes)
		sure := a.prefixes(allow, &passes) || a.prefixes(deny, &drops)
		if !sure {
			passes = append(passes, a.jump(opJump, 0, 0, 0))
		}
		if !a.land(other) {
			return nil, errMany
		}
	}
	if len(drops) > 0 {
		passes = append(passes, a.jump(opJump, 0, 0, 0))
		if !a.land(drops...) {
			return nil, errMany
		}
		a.answer(0)
	}
	if !a.land(passes...) {
		return nil, errMany
	}
	if counts {
		a.count(d.packets, func() { a.op(opSet, 1, 0, 0, 1) })
		a.count(d.bytes, func() { a.op(opLoad, 1, 6, packetLength, 0) })
	}
	a.answer(1)
	return a, nil
}

// prefixes adds jumps for addresses that begin so. It reports whether that is all of
// them: what would come after could not be reached, which the kernel does not take.
func (a *assembler) prefixes(list []netip.Prefix, jumps *[]int) (all bool) {
	for _, p := range list {
		*jumps = append(*jumps, a.prefix(p))
		if p.Bits() == 0 {
			return true
		}
	}
	return false
}

// prefix goes on behind if the address on the stack does not begin so; what it gives is
// the jump that is made otherwise.
func (a *assembler) prefix(p netip.Prefix) int {
	address := p.Addr().AsSlice()
	mask := net.CIDRMask(p.Bits(), len(address)*8)
	var next []int
	for i := 0; i < len(address); i += 4 {
		m := binary.NativeEndian.Uint32(mask[i:])
		if m == 0 {
			break
		}
		a.op(opLoad, 2, 10, int16(onStack+i), 0)
		if m != 1<<32-1 {
			a.op(opAnd32, 2, 0, 0, int32(m))
		}
		a.op(opSet32, 3, 0, 0, int32(binary.NativeEndian.Uint32(address[i:])))
		next = append(next, a.jump(opIfNotSame, 2, 3, 0))
	}
	match := a.jump(opJump, 0, 0, 0)
	a.land(next...)
	return match
}

// interfaceProgram lets packets pass on some interfaces, or on all but some. Those that
// are not there now are nobody's.
func interfaceProgram(list unit.Restriction) []uint64 {
	var a assembler
	a.op(opLoad, 2, 1, packetInterface, 0)
	var found []int
	for _, n := range list.Names {
		if i, err := net.InterfaceByName(n); err == nil {
			found = append(found, a.jump(opIfIs, 2, 0, int32(i.Index)))
		}
	}
	on := int32(0)
	if list.Allow {
		on = 1
	}
	a.answer(1 - on)
	if len(found) > 0 { // the kernel wants that all can be reached
		a.land(found...)
		a.answer(on)
	}
	return a.code
}

// Offsets in struct bpf_sock_addr.
const (
	addressPort     = 24
	addressProtocol = 36
)

// binds adds the programs that are asked when a socket is bound.
func (b *builder) binds() {
	allow := gather(b, func(r *unit.Resources) []unit.SocketBind { return r.SocketBindAllow })
	deny := gather(b, func(r *unit.Resources) []unit.SocketBind { return r.SocketBindDeny })
	if len(deny) == 0 {
		return
	}
	b.program("SocketBindDeny", bpf.Address, bpf.Bind4,
		bindProgram(linux.FamilyINET, allow, deny))
	b.program("SocketBindDeny", bpf.Address, bpf.Bind6,
		bindProgram(linux.FamilyINET6, allow, deny))
}

// bindProgram allows a port that is allowed, or not denied.
func bindProgram(family int, allow, deny []unit.SocketBind) []uint64 {
	var a assembler
	a.op(opLoad, 2, 1, addressProtocol, 0)
	a.op(opLoad, 3, 1, addressPort, 0)
	a.op(opToBig, 3, 0, 0, 16)
	for verdict, list := range [...][]unit.SocketBind{1: allow, 2: deny} {
		for _, r := range list {
			if r.Family != 0 && r.Family != family {
				continue
			}
			var next []int
			if r.Protocol != 0 {
				next = append(next, a.jump(opIfNot, 2, 0, int32(r.Protocol)))
			}
			if r.Count != 0 {
				next = append(next, a.jump(opIfLess, 3, 0, int32(r.Port)),
					a.jump(opIfMore, 3, 0, int32(r.Port)+int32(r.Count)-1))
			}
			a.answer(int32(2 - verdict))
			if len(next) == 0 {
				return a.code // all are meant, and nothing after it could be reached
			}
			a.land(next...)
		}
	}
	a.answer(1)
	return a.code
}
