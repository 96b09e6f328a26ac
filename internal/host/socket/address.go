package socket

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
)

// maxUnixPath is the longest path or name of a unix socket: sun_path less its NUL.
const maxUnixPath = 107

// ParseAddress reads an address as ListenStream= has it: "/path", "@name",
// "port", "1.2.3.4:port", "[ip]:port", "[ip%interface]:port", "vsock:cid:port".
// A port alone is on all addresses, of IPv6 and IPv4. systemd.socket(5).
func ParseAddress(s string) (a sys.Address, err error) {
	switch {
	case s == "":
		return a, errors.New("address: empty")
	case s[0] == '/' || s[0] == '@':
		return parseUnix(s)
	case strings.HasPrefix(s, "vsock:"):
		return parseVSock(s)
	}
	a.IP, err = parseIP(s)
	return a, err
}

func parseUnix(s string) (a sys.Address, err error) {
	switch {
	case s == "@" || s == "/":
		return a, fmt.Errorf("address %s: no name", s)
	case len(s) > maxUnixPath:
		return a, fmt.Errorf("address %s: longer than %d bytes", s, maxUnixPath)
	case strings.ContainsRune(s, 0):
		return a, fmt.Errorf("address %q: NUL byte", s)
	}
	return sys.Address{Unix: s}, nil
}

func parseVSock(s string) (a sys.Address, err error) {
	cid, port, ok := strings.Cut(strings.TrimPrefix(s, "vsock:"), ":")
	if !ok {
		return a, fmt.Errorf("address %s: want vsock:CID:PORT", s)
	}
	v := sys.VSock{CID: math.MaxUint32} // VMADDR_CID_ANY
	if cid != "" {
		n, err := strconv.ParseUint(cid, 10, 32)
		if err != nil {
			return a, fmt.Errorf("address %s: bad CID", s)
		}
		v.CID = uint32(n)
	}
	n, err := strconv.ParseUint(port, 10, 32)
	if err != nil {
		return a, fmt.Errorf("address %s: bad port", s)
	}
	v.Port = uint32(n)
	return sys.Address{VSock: &v}, nil
}

func parseIP(s string) (ip netip.AddrPort, err error) {
	host, port := "::", s
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i+1:]
		inner, bracket := strings.CutPrefix(host, "[")
		inner, bracket2 := strings.CutSuffix(inner, "]")
		if bracket != bracket2 || bracket != strings.Contains(inner, ":") {
			return ip, fmt.Errorf("address %s: want IP:PORT or [IP]:PORT", s)
		}
		host = inner
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return ip, fmt.Errorf("address %s: bad port", s)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ip, fmt.Errorf("address %s: not an IP address", s)
	}
	return netip.AddrPortFrom(addr, uint16(n)), nil
}

// Format gives an address as ParseAddress reads it, and as the property Listen
// has it.
func Format(a sys.Address) string {
	switch {
	case a.VSock != nil && a.VSock.CID == math.MaxUint32:
		return fmt.Sprintf("vsock::%d", a.VSock.Port)
	case a.VSock != nil:
		return fmt.Sprintf("vsock:%d:%d", a.VSock.CID, a.VSock.Port)
	case a.IP.IsValid():
		return a.IP.String()
	}
	return a.Unix
}
