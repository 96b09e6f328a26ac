package ability

import (
	"errors"

	"rouse/internal/host/control"
	"rouse/internal/host/sys"
	"rouse/internal/host/sys/bpf"
)

// bpfNeeds are the capabilities that programs within the kernel take, for groups.
var bpfNeeds = [...]string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN"}

// devices says why devices cannot be kept from a unit.
func devices(a asked) string {
	if why := unified(a); why != "" {
		return why
	}
	if why := a.has(bpfNeeds[0]); why != "" {
		return why
	}
	return a.program(bpf.DeviceUse, 0, 0)
}

// program says why the kernel takes no programs of a kind; "" if it does.
func (p *Place) program(kind, place, function uint32) string {
	err, known := p.programs[kind]
	if !known {
		const one, exit = 0x00000001_000000b7, 0x95 // r0 = 1; return r0
		var fd int
		if fd, err = p.c.Load(kind, place, function, []uint64{one, exit}); err == nil {
			sys.CloseFD(fd)
		}
		p.programs[kind] = err
	}
	var errno sys.Errno
	if err == nil || !errors.As(err, &errno) {
		return ""
	}
	return "programs in the kernel: " + p.reason(errno)
}

// packets says why the traffic of a unit cannot be looked at.
func packets(a asked) string {
	if why := unified(a); why != "" {
		return why
	}
	for _, name := range bpfNeeds {
		if why := a.has(name); why != "" {
			return why
		}
	}
	return a.program(bpf.Packet, 0, 0)
}

// opening says why nobody can be asked about the files that a unit opens.
func opening(a asked) string {
	if why := unified(a); why != "" {
		return why
	}
	if why := a.has(bpfNeeds[0]); why != "" {
		return why
	}
	function, err := control.OpeningFunction()
	if err != nil {
		return err.Error()
	}
	return a.program(bpf.Security, bpf.Hook, function)
}

// unified: programs are attached to groups of version 2.
func unified(a asked) string {
	if why := writable(a); why != "" {
		return why
	}
	if a.knownGroups().Kind != "v2" {
		return "control groups are not of version 2"
	}
	return ""
}
