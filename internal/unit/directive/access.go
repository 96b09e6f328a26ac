package directive

import (
	"net/netip"
	"sort"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

const byProgram = "by BPF programs of control groups, which a privileged manager may load"

var accessRows = []Row{
	{Name: "BPFProgram", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "A pinned BPF program and where it is attached.",
		in:  does{"attach type:absolute path", "a(ss)", parseBPFProgram, busBPFPrograms}},
	{Name: "BlockIODeviceWeight", Group: accessGroup, Support: LinuxOnly, Note: oldCgroup,
		Doc: "The weight for one device.",
		in: in[[]unit.DeviceWeight]{&oldWeights,
			func(u *unit.Unit) *[]unit.DeviceWeight { return &u.Resources.BlockIODeviceWeight }}},
	{Name: "BlockIOReadBandwidth", Group: accessGroup, Support: LinuxOnly, Note: oldCgroup,
		Doc: "The most bytes read per second from one device.",
		in: blockLimit{func(u *unit.Unit) *[]unit.DeviceLimit {
			return &u.Resources.BlockIOReadBandwidth
		}}},
	{Name: "BlockIOWeight", Group: accessGroup, Support: LinuxOnly, Note: oldCgroup,
		Doc: "The share of block input and output among siblings.",
		in:  in[uint64]{&oldWeight, func(u *unit.Unit) *uint64 { return &u.Resources.BlockIOWeight }}},
	{Name: "BlockIOWriteBandwidth", Group: accessGroup, Support: LinuxOnly, Note: oldCgroup,
		Doc: "The most bytes written per second to one device.",
		in: blockLimit{func(u *unit.Unit) *[]unit.DeviceLimit {
			return &u.Resources.BlockIOWriteBandwidth
		}}},
	{Name: "DeviceAllow", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "A device node that may be used: r read, w write, m make.",
		in:  does{"device [rwm]", "a(ss)", parseDeviceAllow, busDeviceAllow}},
	{Name: "DevicePolicy", Group: accessGroup, Default: "auto", Support: LinuxOnly, Note: byProgram,
		Doc: "Which devices may be used besides those of DeviceAllow=.",
		in: enum[unit.DevicePolicy]{unit.DevicePolicies,
			func(u *unit.Unit) *unit.DevicePolicy { return &u.Resources.DevicePolicy }}},
	{Name: "IODeviceLatencyTargetSec", Group: accessGroup, Bus: "IODeviceLatencyTargetUSec",
		Support: LinuxOnly, Note: byController,
		Doc: "The latency aimed at for one device.",
		in:  does{"device and time span", "a(st)", parseLatency, busLatencies}},
	{Name: "IODeviceWeight", Group: accessGroup, Support: LinuxOnly, Note: byController,
		Doc: "The weight for one device.",
		in: in[[]unit.DeviceWeight]{&weights,
			func(u *unit.Unit) *[]unit.DeviceWeight { return &u.Resources.IODeviceWeight }}},
	{Name: "IOReadBandwidthMax", Group: accessGroup, Support: LinuxOnly, Note: byController,
		Doc: "The most bytes read per second from one device.",
		in: in[[]unit.DeviceLimit]{&limits,
			func(u *unit.Unit) *[]unit.DeviceLimit { return &u.Resources.IOReadBandwidth }}},
	{Name: "IOReadIOPSMax", Group: accessGroup, Support: LinuxOnly, Note: byController,
		Doc: "The most reads per second from one device.",
		in: in[[]unit.DeviceLimit]{&limits,
			func(u *unit.Unit) *[]unit.DeviceLimit { return &u.Resources.IOReadIOPS }}},
	{Name: "IOWeight", Group: accessGroup, Default: "100", Support: LinuxOnly, Note: byController,
		Doc: "The share of block input and output among siblings.",
		in:  in[uint64]{&weight, func(u *unit.Unit) *uint64 { return &u.Resources.IOWeight }}},
	{Name: "IOWriteBandwidthMax", Group: accessGroup, Support: LinuxOnly, Note: byController,
		Doc: "The most bytes written per second to one device.",
		in: in[[]unit.DeviceLimit]{&limits,
			func(u *unit.Unit) *[]unit.DeviceLimit { return &u.Resources.IOWriteBandwidth }}},
	{Name: "IOWriteIOPSMax", Group: accessGroup, Support: LinuxOnly, Note: byController,
		Doc: "The most writes per second to one device.",
		in: in[[]unit.DeviceLimit]{&limits,
			func(u *unit.Unit) *[]unit.DeviceLimit { return &u.Resources.IOWriteIOPS }}},
	{Name: "IPAccounting", Group: accessGroup, Default: "DefaultIPAccounting=",
		Support: LinuxOnly, Note: byProgram,
		Doc: "Count network traffic.",
		in:  in[bool]{&boolean, func(u *unit.Unit) *bool { return &u.Resources.IPAccounting }}},
	{Name: "IPAddressAllow", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "Addresses that may be talked to.",
		in: in[[]netip.Prefix]{&prefixes,
			func(u *unit.Unit) *[]netip.Prefix { return &u.Resources.IPAddressAllow }}},
	{Name: "IPAddressDeny", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "Addresses that may not be talked to, unless allowed.",
		in: in[[]netip.Prefix]{&prefixes,
			func(u *unit.Unit) *[]netip.Prefix { return &u.Resources.IPAddressDeny }}},
	{Name: "IPEgressFilterPath", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "A pinned BPF program that sees what goes out.",
		in: in[[]string]{&onePath,
			func(u *unit.Unit) *[]string { return &u.Resources.IPEgressFilterPath }}},
	{Name: "IPIngressFilterPath", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "A pinned BPF program that sees what comes in.",
		in: in[[]string]{&onePath,
			func(u *unit.Unit) *[]string { return &u.Resources.IPIngressFilterPath }}},
	{Name: "RestrictNetworkInterfaces", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "The only network interfaces that can be used, or with ~ those that cannot.",
		in: in[unit.Restriction]{&interfaces,
			func(u *unit.Unit) *unit.Restriction { return &u.Resources.RestrictNetworkInterfaces }}},
	{Name: "SocketBindAllow", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "Ports that sockets may be bound to, whatever SocketBindDeny= says.",
		in: in[[]unit.SocketBind]{&socketBinds,
			func(u *unit.Unit) *[]unit.SocketBind { return &u.Resources.SocketBindAllow }}},
	{Name: "SocketBindDeny", Group: accessGroup, Support: LinuxOnly, Note: byProgram,
		Doc: "Ports that sockets may not be bound to.",
		in: in[[]unit.SocketBind]{&socketBinds,
			func(u *unit.Unit) *[]unit.SocketBind { return &u.Resources.SocketBindDeny }}},
	{Name: "StartupBlockIOWeight", Group: accessGroup, Support: LinuxOnly, Note: oldCgroup,
		Doc: "BlockIOWeight= while the system boots or shuts down.",
		in: in[uint64]{&oldWeight,
			func(u *unit.Unit) *uint64 { return &u.Resources.StartupBlockIOWeight }}},
	{Name: "StartupIOWeight", Group: accessGroup, Support: LinuxOnly, Note: byController,
		Doc: "IOWeight= while the system boots or shuts down.",
		in:  in[uint64]{&weight, func(u *unit.Unit) *uint64 { return &u.Resources.StartupIOWeight }}},
}

var (
	weight    = kind[uint64]{"number, 1 to 10000", "t", parseIOWeight, plain[uint64]}
	oldWeight = kind[uint64]{"number, 10 to 1000", "t", parseBlockIOWeight, plain[uint64]}
	weights   = kind[[]unit.DeviceWeight]{"device and number, 1 to 10000", "a(st)", parseIOWeights,
		busWeights}
	oldWeights = kind[[]unit.DeviceWeight]{"device and number, 10 to 1000", "a(st)",
		parseBlockIOWeights, busWeights}
	limits   = kind[[]unit.DeviceLimit]{"device and number", "a(st)", parseDeviceLimit, busLimits}
	prefixes = kind[[]netip.Prefix]{"addresses, any, localhost, …", "a(iayu)", parsePrefixes,
		busPrefixes}
	onePath    = kind[[]string]{"absolute path", "as", parseOnePath, list}
	interfaces = kind[unit.Restriction]{"[~]network interfaces", "(bas)", parseInterfaces,
		busRestriction}
	socketBinds = kind[[]unit.SocketBind]{"[ipv4: or ipv6:][tcp: or udp:]ports, any", "a(iiqq)",
		parseSocketBind, busSocketBinds}
)

func parseIOWeight(p *parse, v *uint64) error      { return parseWeight(p.value, 1, 10000, v) }
func parseBlockIOWeight(p *parse, v *uint64) error { return parseWeight(p.value, 10, 1000, v) }

// device takes the path of a device off the value and gives the rest.
func (p *parse) device() (path, rest string, err error) {
	w, rest, ok, err := value.NextWord(p.value, value.Blanks, value.Unquote)
	if err != nil {
		return "", "", err
	}
	if !ok || rest == "" {
		return "", "", why("not a device and a value")
	}
	if w, err = p.expand(w); err == nil {
		if w == "" {
			return "", "", why("not a path")
		}
		w, err = clean(w)
	}
	return w, rest, err
}

func parseIOWeights(p *parse, v *[]unit.DeviceWeight) error {
	return parseDeviceWeight(p, v, 1, 10000)
}

func parseBlockIOWeights(p *parse, v *[]unit.DeviceWeight) error {
	return parseDeviceWeight(p, v, 10, 1000)
}

func parseDeviceWeight(p *parse, v *[]unit.DeviceWeight, least, most uint64) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	path, rest, err := p.device()
	if err != nil {
		return err
	}
	w := unit.DeviceWeight{Path: path}
	if err := parseWeight(rest, least, most, &w.Weight); err != nil {
		return err
	}
	*v = append(*v, w)
	return nil
}

func busWeights(v *[]unit.DeviceWeight) any {
	list := make([]any, len(*v))
	for i, w := range *v {
		list[i] = []any{w.Path, w.Weight}
	}
	return list
}

// parseDeviceLimit: a later limit for a device replaces an earlier one.
func parseDeviceLimit(p *parse, v *[]unit.DeviceLimit) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	path, rest, err := p.device()
	if err != nil {
		return err
	}
	limit := value.SizeInfinity
	if rest != "infinity" {
		if limit, err = value.ParseSize1000(rest); err != nil {
			return err
		}
	}
	if limit == 0 {
		return why("not above 0")
	}
	for i := range *v {
		if (*v)[i].Path == path {
			(*v)[i].Max = uint64(limit)
			return nil
		}
	}
	*v = append(*v, unit.DeviceLimit{Path: path, Max: uint64(limit)})
	return nil
}

// busLimits leaves out what has no limit.
func busLimits(v *[]unit.DeviceLimit) any {
	list := []any{}
	for _, l := range *v {
		if l.Max != uint64(value.SizeInfinity) {
			list = append(list, []any{l.Path, l.Max})
		}
	}
	return list
}

// blockLimit is BlockIOReadBandwidth= or BlockIOWriteBandwidth=. An empty value
// takes away the limits of both.
type blockLimit struct {
	at func(u *unit.Unit) *[]unit.DeviceLimit
}

func (s blockLimit) assign(p *parse) error {
	if p.value == "" {
		p.u.Resources.BlockIOReadBandwidth, p.u.Resources.BlockIOWriteBandwidth = nil, nil
		return nil
	}
	return parseDeviceLimit(p, s.at(p.u))
}

func (s blockLimit) property(u *unit.Unit) any { return busLimits(s.at(u)) }
func (s blockLimit) signature() string         { return limits.sig }
func (s blockLimit) syntax() string            { return limits.name }

func parseLatency(p *parse) error {
	r := p.u.Resources
	if p.value == "" {
		r.IODeviceLatency = nil
		return nil
	}
	path, rest, err := p.device()
	if err != nil {
		return err
	}
	target, err := value.ParseSpan(rest)
	if err == nil {
		r.IODeviceLatency = append(r.IODeviceLatency, unit.DeviceLatency{Path: path, Target: target})
	}
	return err
}

func busLatencies(u *unit.Unit) any {
	list := make([]any, len(u.Resources.IODeviceLatency))
	for i, l := range u.Resources.IODeviceLatency {
		list[i] = []any{l.Path, uint64(l.Target)}
	}
	return list
}

func parseDeviceAllow(p *parse) error {
	r := p.u.Resources
	if p.value == "" {
		r.DeviceAllow = nil
		return nil
	}
	w, rest, ok, err := value.NextWord(p.value, value.Blanks, value.Unquote)
	if err != nil || !ok {
		return why("not a device")
	}
	if w, err = p.expand(w); err != nil {
		return err
	}
	if !strings.HasPrefix(w, "block-") && !strings.HasPrefix(w, "char-") {
		if w, err = cleanAbsolute(w); err != nil {
			return err
		}
		if w != "/dev" && !strings.HasPrefix(w, "/dev/") && !strings.HasPrefix(w,
			"/run/systemd/inaccessible/") {
			return why("not below /dev")
		}
	}
	access := ""
	for _, c := range "rwm" {
		if rest == "" || strings.ContainsRune(rest, c) {
			access += string(c)
		}
	}
	if strings.Trim(rest, "rwm") != "" {
		return why("not some of r, w and m")
	}
	r.DeviceAllow = append(r.DeviceAllow, unit.DeviceAllow{Path: w, Access: access})
	return nil
}

// busDeviceAllow lists the devices, the last one first, as systemd does.
func busDeviceAllow(u *unit.Unit) any {
	list := []any{}
	allowed := u.Resources.DeviceAllow
	for i := len(allowed) - 1; i >= 0; i-- {
		list = append(list, []any{allowed[i].Path, allowed[i].Access})
	}
	return list
}

// namedPrefixes are the words for addresses. systemd.resource-control(5).
var namedPrefixes = [...]struct{ word, v4, v6 string }{
	{"any", "0.0.0.0/0", "::/0"},
	{"localhost", "127.0.0.0/8", "::1/128"},
	{"link-local", "169.254.0.0/16", "fe80::/64"},
	{"multicast", "224.0.0.0/4", "ff00::/8"},
}

// parsePrefixes adds addresses to a list that is sorted.
func parsePrefixes(p *parse, v *[]netip.Prefix) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	return p.eachWord(0, func(w string) {
		for _, n := range namedPrefixes {
			if n.word == w {
				addPrefix(v, netip.MustParsePrefix(n.v4))
				addPrefix(v, netip.MustParsePrefix(n.v6))
				return
			}
		}
		prefix, err := netip.ParsePrefix(w)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(w); err == nil && a.Zone() == "" {
				prefix = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if err != nil || !prefix.IsValid() {
			p.ignore(w, "not an address, with or without the length of a prefix")
			return
		}
		addPrefix(v, prefix.Masked())
	})
}

func addPrefix(v *[]netip.Prefix, prefix netip.Prefix) {
	list := *v
	at := sort.Search(len(list), func(i int) bool { return comparePrefixes(list[i], prefix) >= 0 })
	if at < len(list) && list[at] == prefix {
		return
	}
	list = append(list, netip.Prefix{})
	copy(list[at+1:], list[at:])
	list[at] = prefix
	*v = list
}

// comparePrefixes orders by family, address and length.
func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

func busPrefixes(v *[]netip.Prefix) any {
	list := make([]any, len(*v))
	for i, p := range *v {
		family := int32(linux.FamilyINET6)
		if p.Addr().Is4() {
			family = linux.FamilyINET
		}
		list[i] = []any{family, p.Addr().AsSlice(), uint32(p.Bits())}
	}
	return list
}

// parseOnePath adds the one path that the value is.
func parseOnePath(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	path, err := p.absolute(p.value)
	if err == nil {
		*v = appendNew(*v, path)
	}
	return err
}

// attachTypes are where BPF programs of control groups can be attached.
const attachTypes = " ingress egress sock_create sock_ops device bind4 bind6 connect4 connect6 " +
	"post_bind4 post_bind6 sendmsg4 sendmsg6 sysctl recvmsg4 recvmsg6 getsockopt setsockopt "

func parseBPFProgram(p *parse) error {
	r := p.u.Resources
	if p.value == "" {
		r.BPFPrograms = nil
		return nil
	}
	attach, rest, _ := strings.Cut(p.value, ":")
	if attach == "" || strings.Contains(attach, " ") || !strings.Contains(attachTypes,
		" "+attach+" ") {
		return why("not a place where programs can be attached")
	}
	path, err := p.absolute(rest)
	if err == nil {
		r.BPFPrograms = append(r.BPFPrograms, unit.BPFProgram{Attach: attach, Path: path})
	}
	return err
}

// busBPFPrograms lists the programs, the last one first, as systemd does.
func busBPFPrograms(u *unit.Unit) any {
	list := []any{}
	programs := u.Resources.BPFPrograms
	for i := len(programs) - 1; i >= 0; i-- {
		list = append(list, []any{programs[i].Attach, programs[i].Path})
	}
	return list
}

// parseSocketBind reads "[ipv4:|ipv6:][tcp:|udp:]port", "…port-port" or "…any".
func parseSocketBind(p *parse, v *[]unit.SocketBind) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	var b unit.SocketBind
	rest := p.value
	rest, b.Family = cutNumbered(rest, "ipv4", linux.FamilyINET, "ipv6", linux.FamilyINET6)
	rest, b.Protocol = cutNumbered(rest, "tcp", 6, "udp", 17)
	switch {
	case rest == "any", rest == "" && (b.Family != 0 || b.Protocol != 0):
	default:
		first, last, isRange := strings.Cut(rest, "-")
		low, err := value.ParseUint(first, 16)
		high := low
		if err == nil && isRange {
			high, err = value.ParseUint(last, 16)
		}
		if err != nil || low == 0 || high < low {
			return why("not ports of 1 to 65535, or any")
		}
		b.Port, b.Count = uint16(low), uint16(high-low+1)
	}
	*v = append(*v, b)
	return nil
}

// cutNumbered takes one of two words and the colon behind it off s.
func cutNumbered(s, a string, numberA int, b string, numberB int) (rest string, number int) {
	word, rest, _ := strings.Cut(s, ":")
	switch word {
	case a:
		return rest, numberA
	case b:
		return rest, numberB
	}
	return s, 0
}

// busSocketBinds lists the rules, the last one first, as systemd does.
func busSocketBinds(v *[]unit.SocketBind) any {
	list := []any{}
	for i := len(*v) - 1; i >= 0; i-- {
		b := (*v)[i]
		list = append(list, []any{int32(b.Family), int32(b.Protocol), b.Count, b.Port})
	}
	return list
}

// parseInterfaces: an empty value leaves whether the list is of those allowed.
func parseInterfaces(p *parse, v *unit.Restriction) error {
	if p.value == "" {
		v.Names = nil
		return nil
	}
	rest, invert := strings.CutPrefix(p.value, "~")
	var names []string
	p.eachOf(rest, value.Unquote, func(w string) {
		if !validInterface(w) {
			p.ignore(w, "not the name of a network interface")
			return
		}
		names = append(names, w)
	})
	restrict(v, len(v.Names) == 0, invert, names)
	return nil
}
