package sys

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// HaveAbstract says that unix sockets may have names that are no paths.
const HaveAbstract = true

const vsockFamily = unix.AF_VSOCK

func vsockaddr(v VSock) (unix.Sockaddr, error) {
	return &unix.SockaddrVM{CID: v.CID, Port: v.Port}, nil
}

func fromOtherSockaddr(sa unix.Sockaddr) Address {
	if v, ok := sa.(*unix.SockaddrVM); ok {
		return Address{VSock: &VSock{v.CID, v.Port}}
	}
	return Address{}
}

// optionNumbers: FreeBind is Linux 2.4, IPV6_FREEBIND 4.15, ReusePort 3.9, the
// rest are older.
var optionNumbers = map[Option]optionNumber{
	ReuseAddress:       {unix.SOL_SOCKET, unix.SO_REUSEADDR},
	ReusePort:          {unix.SOL_SOCKET, unix.SO_REUSEPORT},
	OnlyIPv6:           {unix.IPPROTO_IPV6, unix.IPV6_V6ONLY},
	FreeBind:           {unix.IPPROTO_IP, unix.IP_FREEBIND},
	FreeBindIPv6:       {unix.IPPROTO_IPV6, unix.IPV6_FREEBIND},
	Transparent:        {unix.IPPROTO_IP, unix.IP_TRANSPARENT},
	TransparentIPv6:    {unix.IPPROTO_IPV6, unix.IPV6_TRANSPARENT},
	KeepAlive:          {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	KeepAliveTime:      {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE},
	KeepAliveInterval:  {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
	KeepAliveProbes:    {unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
	NoDelay:            {unix.IPPROTO_TCP, unix.TCP_NODELAY},
	DeferAccept:        {unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT},
	Broadcast:          {unix.SOL_SOCKET, unix.SO_BROADCAST},
	PassCredentials:    {unix.SOL_SOCKET, unix.SO_PASSCRED},
	PassSecurity:       {unix.SOL_SOCKET, unix.SO_PASSSEC},
	PacketInfo:         {unix.IPPROTO_IP, unix.IP_PKTINFO},
	PacketInfoIPv6:     {unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO},
	TimestampMicro:     {unix.SOL_SOCKET, unix.SO_TIMESTAMP},
	TimestampNano:      {unix.SOL_SOCKET, unix.SO_TIMESTAMPNS},
	Priority:           {unix.SOL_SOCKET, unix.SO_PRIORITY},
	Mark:               {unix.SOL_SOCKET, unix.SO_MARK},
	TypeOfService:      {unix.IPPROTO_IP, unix.IP_TOS},
	TimeToLive:         {unix.IPPROTO_IP, unix.IP_TTL},
	HopLimit:           {unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS},
	ReceiveBuffer:      {unix.SOL_SOCKET, unix.SO_RCVBUF},
	ReceiveBufferForce: {unix.SOL_SOCKET, unix.SO_RCVBUFFORCE},
	SendBuffer:         {unix.SOL_SOCKET, unix.SO_SNDBUF},
	SendBufferForce:    {unix.SOL_SOCKET, unix.SO_SNDBUFFORCE},
	PassRights:         {unix.SOL_SOCKET, 83}, // SO_PASSRIGHTS, Linux 6.16
}

// BindToDevice keeps a socket to one network interface. Linux 2.0.30.
func BindToDevice(fd int, device string) error {
	if err := unix.BindToDevice(fd, device); err != nil {
		return fmt.Errorf("set BindToDevice to %s: %w", device, err)
	}
	return nil
}

// SetCongestion chooses the algorithm against congestion. Linux 2.6.13.
func SetCongestion(fd int, algorithm string) error {
	err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, algorithm)
	if err != nil {
		return fmt.Errorf("set TCPCongestion to %s: %w", algorithm, err)
	}
	return nil
}

// SetPipeSize sets the size of a pipe's buffer in bytes. Linux 2.6.35.
func SetPipeSize(fd, size int) error {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, size); err != nil {
		return fmt.Errorf("set PipeSize to %d: %w", size, err)
	}
	return nil
}

func interfaceIndex(name string) (uint32, error) {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("network interface %q: %w", name, err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, r); err != nil {
		return 0, fmt.Errorf("network interface %s: %w", name, err)
	}
	return r.Uint32(), nil
}

// netlinkFamilies are the words of ListenNetlink=. netlink(7).
var netlinkFamilies = map[string]int{
	"route": 0, "firewall": 3, "inet-diag": 4, "nflog": 5, "xfrm": 6, "selinux": 7,
	"iscsi": 8, "audit": 9, "fib-lookup": 10, "connector": 11, "netfilter": 12, "ip6-fw": 13,
	"dnrtmsg": 14, "kobject-uevent": 15, "generic": 16, "scsitransport": 18,
	"ecryptfs": 19, "rdma": 20,
}

// ListenNetlink makes a netlink socket of a family, by its word or number, that
// belongs to the multicast groups of a mask.
func ListenNetlink(family string, groups uint32) (fd int, err error) {
	n, ok := netlinkFamilies[family]
	if !ok {
		if n, err = strconv.Atoi(family); err != nil {
			return -1, fmt.Errorf("netlink family %q: %w", family, errors.ErrUnsupported)
		}
	}
	fd, err = newSocket(unix.AF_NETLINK, unix.SOCK_RAW, n)
	if err != nil {
		return -1, fmt.Errorf("netlink family %s: %w", family, err)
	}
	err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind netlink %s: %w", strings.TrimSpace(family), err)
	}
	return fd, nil
}

// LoopbackUp brings up the network interface by which a machine reaches itself; the
// kernel then gives it its addresses. netdevice(7).
func LoopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo); err != nil {
		return os.NewSyscallError("flags of lo", err)
	}
	if lo.Uint16()&unix.IFF_UP != 0 {
		return nil
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return os.NewSyscallError("bring lo up", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo))
}
