package directive

import (
	"net/netip"
	"strconv"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

var (
	interfaceName = kind[string]{"network interface", "s", parseInterface, plain[string]}
	integer       = kind[int]{"number", "i", parseInteger, busInt}
	typeOfService = kind[int]{
		"low-delay, throughput, reliability, low-cost or 0 to 255", "i", parseTypeOfService, busInt,
	}
	protocol   = kind[int]{"udplite, sctp", "i", parseProtocol, busInt}
	serviceRef = kind[string]{"service name", "s", parseServiceRef, plain[string]}
	bindIPv6   = kind[unit.BindIPv6Only]{
		"default, both, ipv6-only", "s", parseBindIPv6,
		func(v *unit.BindIPv6Only) any { return v.String() },
	}
)

// listen is one of the Listen…= settings, which all add to one list.
type listen struct{ kind unit.ListenKind }

func (s listen) signature() string { return "a(ss)" }

func (s listen) syntax() string {
	switch s.kind {
	case unit.ListenStream, unit.ListenDatagram, unit.ListenSequentialPacket:
		return "address"
	case unit.ListenFIFO, unit.ListenSpecial, unit.ListenUSBFunction:
		return "absolute path"
	case unit.ListenNetlink:
		return "netlink family and group"
	case unit.ListenMessageQueue:
		return "queue name"
	}
	return ""
}

func (s listen) property(u *unit.Unit) any {
	list := make([]any, len(u.Socket.Listen))
	for i, l := range u.Socket.Listen {
		list[i] = []any{l.Kind.String(), l.Address}
		if strings.HasPrefix(l.Address, "@") {
			list[i] = []any{l.Kind.String(), escape(l.Address)}
		}
	}
	return list
}

// escape escapes what cannot be shown of an abstract name, as in C.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\', c == '"', c == '\'':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			b.WriteByte('\\')
			b.WriteByte('0' + c>>6)
			b.WriteByte('0' + c>>3&7)
			b.WriteByte('0' + c&7)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// assign adds an address. An empty value takes all away, of whatever kind.
func (s listen) assign(p *parse) error {
	if p.value == "" {
		p.u.Socket.Listen = nil
		return nil
	}
	text, err := p.expand(p.value)
	if err != nil {
		return err
	}
	address, err := s.address(p, text)
	if err == nil {
		p.u.Socket.Listen = append(p.u.Socket.Listen, unit.Listen{Kind: s.kind, Address: address})
	}
	return err
}

// address checks and normalises what to listen on.
func (s listen) address(p *parse, text string) (string, error) {
	switch s.kind {
	case unit.ListenStream, unit.ListenDatagram, unit.ListenSequentialPacket:
		return socketAddress(s.kind, p.noVarRun(text))
	case unit.ListenFIFO:
		path, err := cleanAbsolute(text)
		if err != nil {
			return "", err
		}
		return p.noVarRun(path), nil
	case unit.ListenSpecial, unit.ListenUSBFunction, unit.ListenMessageQueue:
		return cleanAbsolute(text)
	case unit.ListenNetlink:
		return netlinkAddress(text)
	}
	return "", why("unknown kind of socket")
}

// maxSocketPath is the length of the longest path of a socket, in bytes.
const maxSocketPath = 107

// socketAddress reads a path, @name, address:port, [address]:port, a port or
// vsock:cid:port, and gives it as the property Listen has it.
func socketAddress(kind unit.ListenKind, s string) (string, error) {
	seqpacket := kind == unit.ListenSequentialPacket
	switch {
	case s[0] == '/':
		if s == "/" || len(s) > maxSocketPath {
			return "", why("not the path of a socket, of 2 to 107 bytes")
		}
		if _, err := clean(s); err != nil {
			return "", fatal{err, unit.LoadFailed}
		}
		return s, nil
	case s[0] == '@':
		if len(s) < 2 || len(s) > maxSocketPath {
			return "", why("not an abstract name of 1 to 106 bytes")
		}
		return s, nil
	case seqpacket:
		return "", why("sequential packets are for paths and @names only")
	case strings.HasPrefix(s, "vsock:"):
		return vsockAddress(s[len("vsock:"):])
	}
	return internetAddress(s)
}

func vsockAddress(s string) (string, error) {
	cid, port, ok := strings.Cut(s, ":")
	if !ok {
		return "", why("not a vsock address, vsock:cid:port")
	}
	n, err := value.ParseUint(port, 32)
	if err != nil {
		return "", why("not a vsock port")
	}
	if cid == "" {
		return "vsock::" + strconv.FormatUint(n, 10), nil
	}
	id, err := value.ParseUint(cid, 32)
	if err != nil {
		return "", why("not a vsock CID")
	}
	if id == 1<<32-1 { // any
		return "vsock::" + strconv.FormatUint(n, 10), nil
	}
	return "vsock:" + strconv.FormatUint(id, 10) + ":" + strconv.FormatUint(n, 10), nil
}

func internetAddress(s string) (string, error) {
	host, port, hasHost := "", s, false
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, port, hasHost = s[:i], s[i+1:], true
	}
	n, err := value.ParseUint(port, 16)
	if err != nil || n == 0 || port[0] == ' ' {
		return "", why("not an address: no port of 1 to 65535")
	}
	digits := strconv.FormatUint(n, 10)
	if !hasHost {
		return "[::]:" + digits, nil
	}
	bracketed := len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']'
	if bracketed {
		host = host[1 : len(host)-1]
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Is4() == bracketed || a.Zone() != "" {
		return "", why("not an address")
	}
	if bracketed {
		return "[" + a.String() + "]:" + digits, nil
	}
	return a.String() + ":" + digits, nil
}

// netlinkFamilies are the protocols of AF_NETLINK by number; those without a
// name of their own are "". netlink(7).
var netlinkFamilies = [...]string{
	0: "route", 2: "", 3: "firewall", 4: "inet-diag", 5: "nflog", 6: "xfrm", 7: "selinux", 8: "iscsi",
	9: "audit", 10: "fib-lookup", 11: "connector", 12: "netfilter", 13: "ip6-fw", 14: "dnrtmsg",
	15: "kobject-uevent", 16: "generic", 18: "scsitransport", 19: "ecryptfs", 20: "rdma",
}

func netlinkAddress(s string) (string, error) {
	words, err := value.Words(s, 0)
	if err != nil || len(words) < 1 || len(words) > 2 {
		return "", why("not a netlink family and group")
	}
	family := -1
	for i, w := range netlinkFamilies {
		if w != "" && w == words[0] {
			family = i
		}
	}
	shown := words[0]
	if family < 0 {
		n, err := value.ParseInt(words[0], 32)
		if err != nil || n < 0 {
			return "", why("not a netlink family")
		}
		shown = strconv.FormatInt(n, 10)
		if n < int64(len(netlinkFamilies)) && netlinkFamilies[n] != "" {
			shown = netlinkFamilies[n]
		}
	}
	group := uint64(0)
	if len(words) == 2 {
		if group, err = value.ParseUint(words[1], 32); err != nil {
			return "", why("not a netlink group")
		}
	}
	return shown + " " + strconv.FormatUint(group, 10), nil
}

func parseInterface(p *parse, v *string) error {
	if p.value == "*" { // as it was once written for any
		*v = ""
		return nil
	}
	if p.value != "" && !validInterface(p.value) {
		return why("not the name of a network interface")
	}
	*v = p.value
	return nil
}

// validInterface reports whether s may name a network interface of Linux.
func validInterface(s string) bool {
	if s == "" || len(s) > 15 || s == "." || s == ".." || s == "all" || s == "default" {
		return false
	}
	digits := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || c == ':' || c == '/' || c == '%' {
			return false
		}
		digits = digits && c >= '0' && c <= '9'
	}
	return !digits
}

func parseInteger(p *parse, v *int) error {
	n, err := value.ParseInt(p.value, 32)
	if err == nil {
		*v = int(n)
	}
	return err
}

func parseTypeOfService(p *parse, v *int) error {
	switch p.value {
	case "":
		*v = -1
	case "low-delay":
		*v = 0x10
	case "throughput":
		*v = 0x08
	case "reliability":
		*v = 0x04
	case "low-cost":
		*v = 0x02
	default:
		n, err := value.ParseUint(p.value, 8)
		if err != nil {
			return err
		}
		*v = int(n)
	}
	return nil
}

func parseProtocol(p *parse, v *int) error {
	switch p.value {
	case "udplite":
		*v = 136
	case "sctp":
		*v = 132
	default:
		return why("not one of udplite, sctp")
	}
	return nil
}

// parseServiceRef: an empty value is refused.
func parseServiceRef(p *parse, v *string) error {
	s, err := p.unitRef(func(t name.Type) bool { return t == name.Service }, "service")
	if err == nil {
		*v = s
	}
	return err
}

// parseBindIPv6 takes booleans too: yes is ipv6-only, no is both.
func parseBindIPv6(p *parse, v *unit.BindIPv6Only) error {
	if b, err := value.ParseBool(p.value); err == nil {
		*v = unit.BindIPv6Both
		if b {
			*v = unit.BindIPv6Only_
		}
		return nil
	}
	return parseEnum(p.value, unit.BindIPv6Onlys, v)
}

func parseAcceptFDs(p *parse) error {
	accept, err := value.ParseBool(p.value)
	if err == nil {
		p.u.Socket.RefuseFDs = !accept
	}
	return err
}

func parseFDName(p *parse) error {
	s, err := p.expand(p.value)
	if err != nil {
		return err
	}
	if !value.IsFDName(s) {
		return why("not a name: visible ASCII characters and blanks without a colon, at most 255")
	}
	p.u.Socket.FileDescriptorName = s
	return nil
}

func busFDName(u *unit.Unit) any {
	if u.Socket.FileDescriptorName == "" {
		return u.Name
	}
	return u.Socket.FileDescriptorName
}

func parseTimestamping(p *parse) error {
	switch p.value {
	case "", "off", "0", "no", "false":
		p.u.Socket.Timestamping = unit.TimestampOff
	case "us", "usec", "µs", "μs":
		p.u.Socket.Timestamping = unit.TimestampMicro
	case "ns", "nsec":
		p.u.Socket.Timestamping = unit.TimestampNano
	default:
		return why("not one of off, us, ns")
	}
	return nil
}

func busTimestamping(u *unit.Unit) any { return u.Socket.Timestamping.String() }
