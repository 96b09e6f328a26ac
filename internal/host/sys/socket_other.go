//go:build unix && !linux

package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// HaveAbstract says that unix sockets may have names that are no paths.
const HaveAbstract = false

const vsockFamily = -1

func vsockaddr(VSock) (unix.Sockaddr, error) { return nil, Unsupported("vsock address") }

func fromOtherSockaddr(unix.Sockaddr) Address { return Address{} }

// optionNumbers are those that FreeBSD, OpenBSD, NetBSD and macOS all have.
var optionNumbers = map[Option]optionNumber{
	ReuseAddress:   {unix.SOL_SOCKET, unix.SO_REUSEADDR},
	ReusePort:      {unix.SOL_SOCKET, unix.SO_REUSEPORT},
	OnlyIPv6:       {unix.IPPROTO_IPV6, unix.IPV6_V6ONLY},
	KeepAlive:      {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	NoDelay:        {unix.IPPROTO_TCP, unix.TCP_NODELAY},
	Broadcast:      {unix.SOL_SOCKET, unix.SO_BROADCAST},
	PacketInfoIPv6: {unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO},
	TimestampMicro: {unix.SOL_SOCKET, unix.SO_TIMESTAMP},
	TypeOfService:  {unix.IPPROTO_IP, unix.IP_TOS},
	TimeToLive:     {unix.IPPROTO_IP, unix.IP_TTL},
	HopLimit:       {unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS},
	ReceiveBuffer:  {unix.SOL_SOCKET, unix.SO_RCVBUF},
	SendBuffer:     {unix.SOL_SOCKET, unix.SO_SNDBUF},
}

// BindToDevice is not to be had here.
func BindToDevice(int, string) error { return Unsupported("set BindToDevice") }

// SetCongestion is not to be had here.
func SetCongestion(int, string) error { return Unsupported("set TCPCongestion") }

// SetPipeSize is not to be had here.
func SetPipeSize(int, int) error { return Unsupported("set PipeSize") }

func interfaceIndex(name string) (uint32, error) {
	return 0, fmt.Errorf("network interface %s by name: %w", name, ErrUnsupported)
}

// ListenNetlink is not to be had here.
func ListenNetlink(string, uint32) (int, error) { return -1, Unsupported("netlink socket") }

// LoopbackUp says that nobody needs it: these systems do it themselves.
func LoopbackUp() error { return nil }
