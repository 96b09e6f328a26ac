//go:build unix

package sys

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Address is where a socket is bound: to the one of these that is set.
type Address struct {
	Unix  string         // a path, or "@name" in the abstract namespace (Linux)
	IP    netip.AddrPort // with a zone for link-local addresses
	VSock *VSock
}

// VSock is an address between a virtual machine and its host. vsock(7).
type VSock struct{ CID, Port uint32 }

// IsZero reports whether nothing is set, as for peers without an address.
func (a Address) IsZero() bool { return a.Unix == "" && !a.IP.IsValid() && a.VSock == nil }

// The types of sockets.
const (
	Stream    = unix.SOCK_STREAM
	DatagramT = unix.SOCK_DGRAM
	SeqPacket = unix.SOCK_SEQPACKET
)

func (a Address) family() int {
	switch {
	case a.VSock != nil:
		return vsockFamily
	case !a.IP.IsValid():
		return unix.AF_UNIX
	case a.IP.Addr().Is4():
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func (a Address) sockaddr() (unix.Sockaddr, error) {
	switch a.family() {
	case unix.AF_UNIX:
		return &unix.SockaddrUnix{Name: a.Unix}, nil
	case unix.AF_INET:
		return &unix.SockaddrInet4{Port: int(a.IP.Port()), Addr: a.IP.Addr().As4()}, nil
	case unix.AF_INET6:
		zone, err := zoneIndex(a.IP.Addr().Zone())
		if err != nil {
			return nil, err
		}
		return &unix.SockaddrInet6{
			Port: int(a.IP.Port()), Addr: a.IP.Addr().As16(), ZoneId: zone,
		}, nil
	}
	return vsockaddr(*a.VSock)
}

func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	return interfaceIndex(zone)
}

// fromSockaddr is what the kernel says about an end of a connection. IPv4 within
// IPv6 is IPv4.
func fromSockaddr(sa unix.Sockaddr) Address {
	switch sa := sa.(type) {
	case *unix.SockaddrUnix:
		return Address{Unix: sa.Name}
	case *unix.SockaddrInet4:
		return Address{IP: netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))}
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 && ip.Is6() {
			ip = ip.WithZone(strconv.Itoa(int(sa.ZoneId)))
		}
		return Address{IP: netip.AddrPortFrom(ip, uint16(sa.Port))}
	}
	return fromOtherSockaddr(sa)
}

// NewSocket makes a socket for the kind of address: close-on-exec, not blocking.
func NewSocket(a Address, typ, protocol int) (fd int, err error) {
	return newSocket(a.family(), typ, protocol)
}

func newSocket(family, typ, protocol int) (fd int, err error) {
	fd, err = unix.Socket(family, typ, protocol)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}

// Bind gives a socket its address. bind(2).
func Bind(fd int, a Address) error {
	sa, err := a.sockaddr()
	if err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

// Listen lets a socket take connections. listen(2).
func Listen(fd, backlog int) error { return os.NewSyscallError("listen", unix.Listen(fd, backlog)) }

// Connect connects a socket. Where that would have to wait it gives EAGAIN or
// EINPROGRESS. connect(2).
func Connect(fd int, a Address) error {
	sa, err := a.sockaddr()
	if err != nil {
		return err
	}
	return os.NewSyscallError("connect", unix.Connect(fd, sa))
}

// ShutdownRead ends the reading side of a connection.
func ShutdownRead(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) }

// Accept takes a connection: close-on-exec, not blocking. EAGAIN if there is none.
func Accept(fd int) (conn int, err error) {
	for {
		conn, _, err = unix.Accept(fd)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return -1, os.NewSyscallError("accept", err)
	}
	unix.CloseOnExec(conn)
	if err := unix.SetNonblock(conn, true); err != nil {
		unix.Close(conn)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return conn, nil
}

// Local and Remote are the addresses of the ends of a connection.
func Local(fd int) (Address, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return Address{}, os.NewSyscallError("getsockname", err)
	}
	return fromSockaddr(sa), nil
}

// Remote is the address of the other end of a connection.
func Remote(fd int) (Address, error) {
	sa, err := unix.Getpeername(fd)
	if err != nil {
		return Address{}, os.NewSyscallError("getpeername", err)
	}
	return fromSockaddr(sa), nil
}

// RemoteProcess tells who is at the other end of a unix connection.
func RemoteProcess(fd int) (Peer, error) { return peerOf(fd) }

// IsSocket reports whether the descriptor is a socket, and whether it listens for
// connections.
func IsSocket(fd int) (socket, listening bool) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		_, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		return err == nil, false
	}
	return true, n != 0
}

// SetMode sets the mode of what a descriptor is open on. On Linux, that of a unix
// socket not bound yet bounds the mode of the path that bind makes.
func SetMode(fd int, mode uint32) error { return unix.Fchmod(fd, mode) }

// MakeFIFO makes a FIFO. mkfifo(3).
func MakeFIFO(path string, mode uint32) error {
	if err := unix.Mkfifo(path, mode); err != nil {
		return &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	return nil
}

// OpenQuiet opens a file for reading, or for both if write is set, without
// waiting for anybody, following symlinks or taking a terminal.
func OpenQuiet(path string, write bool) (fd int, err error) {
	flags := unix.O_RDONLY
	if write {
		flags = unix.O_RDWR
	}
	flags |= unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_NOFOLLOW
	fd, err = unix.Open(path, flags, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// Readable waits until one of the descriptors can be read, has ended or failed,
// and gives those. poll(2).
func Readable(fds []int) (ready []int, err error) {
	list := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		list[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	return poll(list)
}

// HungUp waits until the first descriptor can be read, or one of the others has
// failed or lost its other end, and gives those. poll(2).
func HungUp(fds []int) (ready []int, err error) {
	list := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		list[i] = unix.PollFd{Fd: int32(fd)} // POLLHUP and POLLERR need no asking
	}
	list[0].Events = unix.POLLIN
	return poll(list)
}

func poll(list []unix.PollFd) (ready []int, err error) {
	for {
		_, err := unix.Poll(list, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("poll", err)
		}
		for _, p := range list {
			if p.Revents != 0 {
				ready = append(ready, int(p.Fd))
			}
		}
		return ready, nil
	}
}

// Option is an option of a socket.
type Option uint8

// The options, named after the directives of systemd.socket(5) that set them.
const (
	ReuseAddress Option = iota
	ReusePort
	OnlyIPv6
	FreeBind
	FreeBindIPv6
	Transparent
	TransparentIPv6
	KeepAlive
	KeepAliveTime     // seconds
	KeepAliveInterval // seconds
	KeepAliveProbes
	NoDelay
	DeferAccept // seconds
	Broadcast
	PassCredentials
	PassSecurity
	PacketInfo
	PacketInfoIPv6
	TimestampMicro
	TimestampNano
	Priority
	Mark
	TypeOfService
	TimeToLive
	HopLimit
	ReceiveBuffer
	ReceiveBufferForce
	SendBuffer
	SendBufferForce
	PassRights
	Options
)

var optionWords = [Options]string{
	ReuseAddress: "SO_REUSEADDR", ReusePort: "ReusePort", OnlyIPv6: "BindIPv6Only",
	FreeBind: "FreeBind", FreeBindIPv6: "FreeBind", Transparent: "Transparent",
	TransparentIPv6: "Transparent", KeepAlive: "KeepAlive", KeepAliveTime: "KeepAliveTimeSec",
	KeepAliveInterval: "KeepAliveIntervalSec", KeepAliveProbes: "KeepAliveProbes",
	NoDelay: "NoDelay", DeferAccept: "DeferAcceptSec", Broadcast: "Broadcast",
	PassCredentials: "PassCredentials", PassSecurity: "PassSecurity",
	PacketInfo: "PassPacketInfo", PacketInfoIPv6: "PassPacketInfo",
	TimestampMicro: "Timestamping", TimestampNano: "Timestamping", Priority: "Priority",
	Mark: "Mark", TypeOfService: "IPTOS", TimeToLive: "IPTTL", HopLimit: "IPTTL",
	ReceiveBuffer: "ReceiveBuffer", ReceiveBufferForce: "ReceiveBuffer",
	SendBuffer: "SendBuffer", SendBufferForce: "SendBuffer", PassRights: "AcceptFileDescriptors",
}

func (o Option) String() string { return optionWords[o] }

// optionNumber is what setsockopt takes for an option.
type optionNumber struct{ level, name int }

// SetOption sets an option. setsockopt(2).
func SetOption(fd int, o Option, v int) error {
	n, ok := optionNumbers[o]
	if !ok {
		return Unsupported("set " + o.String())
	}
	if err := unix.SetsockoptInt(fd, n.level, n.name, v); err != nil {
		return fmt.Errorf("set %v to %d: %w", o, v, err)
	}
	return nil
}

// GetOption gives an option. getsockopt(2).
func GetOption(fd int, o Option) (int, error) {
	n, ok := optionNumbers[o]
	if !ok {
		return 0, Unsupported("get " + o.String())
	}
	return unix.GetsockoptInt(fd, n.level, n.name)
}
