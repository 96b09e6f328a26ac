package spawn

import (
	"encoding/binary"
	"os"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

// ownCapabilities are those that a process has which the caller starts. A new user
// namespace gives all there are.
func (p *planner) ownCapabilities() sys.Capabilities {
	c := p.s.kernel.capabilities
	if p.makesUserNamespace() {
		all := uint64(1)<<(c.Last+1) - 1
		c.Effective, c.Permitted, c.Bounding = all, all, all
		c.Inheritable, c.Ambient, c.SecureBits = 0, 0, 0
	}
	return c
}

// makesUserNamespace: PrivateUsers= is carried out before capabilities are looked at.
func (p *planner) makesUserNamespace() bool {
	return p.x.PrivateUsers && p.wants("PrivateUsers") && !p.privileged()
}

// leavesRoot reports whether the user is changed from root to somebody else, which
// takes all capabilities away but those that are kept on purpose.
func (p *planner) leavesRoot() bool {
	return p.r.Command.Flags&(value.FullPrivilege|value.NoSetuid) == 0 && p.who.user != nil &&
		!p.already() && p.who.user.UID != 0 && os.Geteuid() == 0
}

// wantedCapabilities are the bounding set and the ambient set that are asked for. What
// the bounding set lacks cannot be ambient.
func (p *planner) wantedCapabilities(own sys.Capabilities) (bounding, ambient uint64) {
	bounding = own.Bounding
	if p.wants("CapabilityBoundingSet") {
		bounding &= p.x.CapabilityBoundingSet
	} else if p.only != nil && own.Effective&(1<<linux.CapSetPCap) != 0 {
		bounding &^= p.impliedCapabilities()
	}
	if p.wants("AmbientCapabilities") {
		ambient = p.x.AmbientCapabilities & bounding
	}
	return bounding, ambient
}

// impliedCapabilities are those that settings take away by themselves. For a unit they
// are in its bounding set; a program that limits itself may ask for the settings alone.
func (p *planner) impliedCapabilities() (caps uint64) {
	x := p.x
	for _, c := range []struct {
		directive string
		set       bool
		caps      uint64
	}{
		{"PrivateDevices", x.PrivateDevices, 1<<linux.CapMknod | 1<<linux.CapSysRawIO},
		{"ProtectClock", x.ProtectClock, 1<<linux.CapSysTime | 1<<linux.CapWakeAlarm},
		{"ProtectKernelLogs", x.ProtectKernelLogs, 1 << linux.CapSyslog},
		{"ProtectKernelModules", x.ProtectKernelModules, 1 << linux.CapSysModule},
	} {
		if c.set && p.wants(c.directive) {
			caps |= c.caps
		}
	}
	return caps
}

// boundingSet takes capabilities away from the bounding set, and has those of
// AmbientCapabilities= survive the change of user.
func (p *planner) boundingSet() {
	if p.privileged() {
		return
	}
	p.smackLabel()
	own := p.ownCapabilities()
	bounding, ambient := p.wantedCapabilities(own)
	drop := own.Bounding &^ bounding
	s := step{
		kind: stepCalls, text: "drop capabilities", directive: "CapabilityBoundingSet",
		status: StatusCapabilities,
	}
	effective := own.Effective
	if drop != 0 {
		effective |= own.Permitted & (1 << linux.CapSetPCap)
	}
	inherits := own.Inheritable != ambient && (p.only == nil || ambient != 0)
	if effective != own.Effective || inherits {
		s.calls = append(s.calls, capset(effective, own.Permitted, ambient))
	}
	for n := uint(0); n <= own.Last; n++ {
		if drop&(1<<n) != 0 {
			s.calls = append(s.calls, prctl(sys.PrctlDropBounding, int(n)))
		}
	}
	if own.Ambient != 0 && p.only == nil {
		s.calls = append(s.calls, prctl(sys.PrctlAmbient, sys.AmbientClear))
	}
	if len(s.calls) > 0 {
		p.add(s)
	}
	if p.leavesRoot() && (ambient != 0 || p.secureBitsWanted() != 0) {
		p.add(step{
			kind: stepCalls, text: "keep capabilities over the change of user", directive: "User",
			status: StatusUser, calls: []call{prctl(sys.PrctlKeepCaps, 1)},
		})
	}
}

// ambient raises the ambient capabilities, after the change of user.
func (p *planner) ambient() {
	if p.privileged() {
		return
	}
	own := p.ownCapabilities()
	_, ambient := p.wantedCapabilities(own)
	if ambient == 0 {
		return
	}
	s := step{
		kind: stepCalls, text: "raise ambient capabilities", directive: "AmbientCapabilities",
		status: StatusCapabilities,
	}
	for n := uint(0); n <= own.Last; n++ {
		if ambient&(1<<n) != 0 {
			s.calls = append(s.calls, prctl(sys.PrctlAmbient, sys.AmbientRaise, int(n)))
		}
	}
	p.add(s)
}

func (p *planner) secureBitsWanted() int {
	if !p.wants("SecureBits") {
		return 0
	}
	return p.x.SecureBits
}

// secureBits sets SecureBits= and NoNewPrivileges=. Who says nothing of secure bits gets
// none, not the manager's.
func (p *planner) secureBits() {
	if p.privileged() {
		return
	}
	own := p.ownCapabilities()
	if bits := p.secureBitsWanted(); bits != own.SecureBits && p.wants("SecureBits") {
		s := step{
			kind: stepCalls, text: "set secure bits", directive: "SecureBits",
			status: StatusSecureBits,
		}
		const setpcap = uint64(1) << linux.CapSetPCap
		if p.leavesRoot() || own.Effective&setpcap == 0 {
			// The kernel asks for it, and the change of user has made it ineffective.
			_, ambient := p.wantedCapabilities(own)
			raise := capset(own.Permitted&setpcap, own.Permitted, ambient)
			raise.any = true // then the next call says that it is not permitted
			s.calls = append(s.calls, raise)
		}
		s.calls = append(s.calls, prctl(sys.PrctlSecureBits, bits))
		p.add(s)
	}
	if p.noNewPrivileges() {
		p.add(step{
			kind: stepCalls, text: "set no new privileges", directive: "NoNewPrivileges",
			status: StatusNoNewPrivileges, calls: []call{prctl(sys.PrctlNoNewPrivileges, 1)},
		})
	}
}

// noNewPrivileges: who may not load filters of system calls otherwise must give up
// all ways to get more privileges first. systemd.exec(5), NoNewPrivileges=.
func (p *planner) noNewPrivileges() bool {
	if p.x.NoNewPrivileges && p.wants("NoNewPrivileges") {
		return true
	}
	const sysAdmin = uint64(1) << linux.CapSysAdmin
	if !p.leavesRoot() && p.ownCapabilities().Effective&sysAdmin != 0 {
		return false
	}
	return p.filtered()
}

func prctl(args ...int) call {
	c := call{nr: sys.CallPrctl}
	for _, n := range args {
		c.args = append(c.args, num(n))
	}
	return c
}

// capset sets the capabilities of the process. capset(2).
func capset(effective, permitted, inheritable uint64) call {
	native := binary.NativeEndian
	header := native.AppendUint32(nil, sys.CapabilityVersion)
	header = native.AppendUint32(header, 0) // the process itself
	var data []byte
	for _, shift := range []uint{0, 32} {
		for _, set := range []uint64{effective, permitted, inheritable} {
			data = native.AppendUint32(data, uint32(set>>shift))
		}
	}
	return call{nr: sys.CallCapset, args: []arg{blockArg(header), blockArg(data)}}
}
