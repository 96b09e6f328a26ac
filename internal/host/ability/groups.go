package ability

// bpfNeeds are the capabilities that programs within the kernel take, for groups.
var bpfNeeds = [...]string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN"}

// devices says why devices cannot be kept from a unit.
func devices(a asked) string {
	if why := unified(a); why != "" {
		return why
	}
	return a.has(bpfNeeds[0])
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
	return ""
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
