package socket

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// opener opens the descriptors of one unit.
type opener struct {
	unit     *unit.Socket
	config   Config
	log      func(string)
	uid, gid int
}

// types are the socket types of those kinds that are sockets with an address.
var types = [unit.ListenKinds]int{
	unit.ListenStream:           sys.Stream,
	unit.ListenDatagram:         sys.DatagramT,
	unit.ListenSequentialPacket: sys.SeqPacket,
}

func (o *opener) open(l unit.Listen) (fd int, err error) {
	switch l.Kind {
	case unit.ListenStream, unit.ListenDatagram, unit.ListenSequentialPacket:
		return o.socket(l)
	case unit.ListenFIFO:
		return o.fifo(l.Address)
	case unit.ListenSpecial:
		return o.special(l.Address)
	case unit.ListenNetlink:
		return o.netlink(l.Address)
	case unit.ListenMessageQueue:
		return sys.OpenQueue(l.Address, uint32(o.unit.SocketMode&0o777),
			o.unit.MessageQueueMaxMessages, o.unit.MessageQueueMessageSize)
	case unit.ListenUSBFunction:
		return o.function(l.Address)
	case unit.ListenKinds:
	}
	return -1, sys.Unsupported("open " + l.Kind.String())
}

func (o *opener) socket(l unit.Listen) (fd int, err error) {
	a, err := ParseAddress(l.Address)
	if err != nil {
		return -1, err
	}
	if strings.HasPrefix(a.Unix, "@") && !sys.HaveAbstract {
		return -1, sys.Unsupported("abstract socket name")
	}
	fd, err = o.bound(a, l.Kind)
	if isAnyIPv6(a) && errors.Is(err, sys.EAFNOSUPPORT) {
		// No IPv6 on this machine; all addresses are those of IPv4 then.
		a.IP = netip.AddrPortFrom(netip.IPv4Unspecified(), a.IP.Port())
		fd, err = o.bound(a, l.Kind)
	}
	return fd, err
}

func isAnyIPv6(a sys.Address) bool { return a.IP.Addr() == netip.IPv6Unspecified() }

// bound gives a socket that listens, or is bound if its kind does not listen.
func (o *opener) bound(a sys.Address, kind unit.ListenKind) (fd int, err error) {
	fd, err = sys.NewSocket(a, types[kind], o.unit.SocketProtocol)
	if err != nil {
		return -1, err
	}
	if err := o.prepare(fd, a, kind); err != nil {
		sys.CloseFD(fd)
		return -1, err
	}
	return fd, nil
}

func (o *opener) prepare(fd int, a sys.Address, kind unit.ListenKind) error {
	if err := o.beforeBind(fd, a); err != nil {
		return err
	}
	if err := o.bind(fd, a); err != nil {
		return err
	}
	if Connections(kind) {
		if err := sys.Listen(fd, int(min(o.unit.Backlog, math.MaxInt32))); err != nil {
			return err
		}
	}
	o.afterBind(fd, a)
	return nil
}

// beforeBind sets what decides about the address. Only what the unit cannot do
// without is an error.
func (o *opener) beforeBind(fd int, a sys.Address) error {
	s := o.unit
	if a.IP.IsValid() && a.IP.Addr().Is6() && s.BindIPv6Only != unit.BindIPv6Default {
		if err := sys.SetOption(fd, sys.OnlyIPv6, one(s.BindIPv6Only == unit.BindIPv6Only_)); err != nil {
			return err
		}
	}
	if a.IP.IsValid() {
		if s.BindToDevice != "" {
			if err := sys.BindToDevice(fd, s.BindToDevice); err != nil {
				return err
			}
		}
		o.try(s.FreeBind, fd, either(a, sys.FreeBind, sys.FreeBindIPv6), 1)
		o.try(s.Transparent, fd, either(a, sys.Transparent, sys.TransparentIPv6), 1)
	}
	o.try(s.ReusePort, fd, sys.ReusePort, 1)
	return sys.SetOption(fd, sys.ReuseAddress, 1)
}

func either(a sys.Address, v4, v6 sys.Option) sys.Option {
	if a.IP.Addr().Is4() {
		return v4
	}
	return v6
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bind binds; for a path with its directories, its mode and its owner. A socket
// that is in the way is removed, whether anybody listens on it or not.
func (o *opener) bind(fd int, a sys.Address) error {
	if !strings.HasPrefix(a.Unix, "/") {
		return sys.Bind(fd, a)
	}
	if err := o.directories(a.Unix); err != nil {
		return err
	}
	mode := uint32(o.unit.SocketMode)
	// Linux takes it as the mode of the new path, so that nobody gets in between;
	// elsewhere this does nothing or fails.
	sys.SetMode(fd, mode)
	err := sys.Bind(fd, a)
	if errors.Is(err, sys.EADDRINUSE) {
		info, statErr := os.Lstat(a.Unix)
		if statErr != nil || info.Mode()&os.ModeSocket == 0 {
			return fmt.Errorf("bind %s: it is there and not a socket: %w", a.Unix, err)
		}
		if err := os.Remove(a.Unix); err != nil {
			return err
		}
		err = sys.Bind(fd, a)
	}
	if err != nil {
		return err
	}
	return o.own(a.Unix, mode)
}

// own gives a path its mode, whatever the umask was, and its owner.
func (o *opener) own(path string, mode uint32) error {
	if o.uid >= 0 || o.gid >= 0 {
		if err := os.Lchown(path, o.uid, o.gid); err != nil {
			return err
		}
	}
	return os.Chmod(path, os.FileMode(mode&0o777))
}

// directories makes the directories above a path. They have DirectoryMode=,
// whatever the umask.
func (o *opener) directories(path string) error {
	var missing []string
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || dir == "/" {
			break
		}
		missing = append(missing, dir)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		mode := os.FileMode(o.unit.DirectoryMode & 0o777)
		if err := os.Mkdir(missing[i], mode); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		if err := os.Chmod(missing[i], mode); err != nil {
			return err
		}
	}
	return nil
}

// try sets an option that the unit can do without.
func (o *opener) try(wanted bool, fd int, option sys.Option, v int) {
	if !wanted {
		return
	}
	if err := sys.SetOption(fd, option, v); err != nil {
		o.log(err.Error() + "; going on without")
	}
}

func (o *opener) warn(err error) {
	if err != nil {
		o.log(err.Error() + "; going on without")
	}
}

func (o *opener) afterBind(fd int, a sys.Address) {
	s := o.unit
	o.try(s.KeepAlive, fd, sys.KeepAlive, 1)
	o.try(s.KeepAliveTime > 0, fd, sys.KeepAliveTime, seconds(s.KeepAliveTime))
	o.try(s.KeepAliveInterval > 0, fd, sys.KeepAliveInterval, seconds(s.KeepAliveInterval))
	o.try(s.KeepAliveProbes > 0, fd, sys.KeepAliveProbes, int(s.KeepAliveProbes))
	o.try(s.DeferAccept > 0, fd, sys.DeferAccept, seconds(s.DeferAccept))
	o.try(s.NoDelay, fd, sys.NoDelay, 1)
	o.try(s.Broadcast, fd, sys.Broadcast, 1)
	o.try(s.PassCredentials, fd, sys.PassCredentials, 1)
	o.try(s.PassSecurity, fd, sys.PassSecurity, 1)
	o.try(s.RefuseFDs && a.Unix != "", fd, sys.PassRights, 0)
	o.smack(fd, "SMACK64IPIN", s.SmackLabelIPIn)
	o.smack(fd, "SMACK64IPOUT", s.SmackLabelIPOut)
	o.try(s.PassPacketInfo && a.IP.IsValid(), fd, either(a, sys.PacketInfo, sys.PacketInfoIPv6), 1)
	o.try(s.Timestamping == unit.TimestampMicro, fd, sys.TimestampMicro, 1)
	o.try(s.Timestamping == unit.TimestampNano, fd, sys.TimestampNano, 1)
	o.try(s.Priority >= 0, fd, sys.Priority, s.Priority)
	o.buffer(fd, s.ReceiveBuffer, sys.ReceiveBuffer, sys.ReceiveBufferForce)
	o.buffer(fd, s.SendBuffer, sys.SendBuffer, sys.SendBufferForce)
	o.try(s.Mark >= 0, fd, sys.Mark, s.Mark)
	o.try(s.IPTOS >= 0, fd, sys.TypeOfService, s.IPTOS)
	if s.IPTTL >= 0 && a.IP.IsValid() {
		o.try(true, fd, either(a, sys.TimeToLive, sys.HopLimit), s.IPTTL)
	}
	if s.TCPCongestion != "" {
		o.warn(sys.SetCongestion(fd, s.TCPCongestion))
	}
}

// seconds rounds up, so that a part of a second is not none.
func seconds(s value.Span) int {
	return int(min((s+value.Second-1)/value.Second, math.MaxInt32))
}

// buffer sets the size of a buffer, beyond the system's limit if that is allowed.
func (o *opener) buffer(fd int, size value.Size, option, force sys.Option) {
	if size == 0 {
		return
	}
	n := int(min(size, math.MaxInt32))
	if sys.SetOption(fd, force, n) != nil {
		o.try(true, fd, option, n)
	}
}

// smack sets a label, if the kernel knows labels at all.
func (o *opener) smack(fd int, attribute, label string) {
	if label != "" && sys.HaveSmack() {
		o.warn(sys.SetSmack(fd, attribute, label))
	}
}

// special opens a device node or a file of the kernel, on which traffic can be
// waited for.
func (o *opener) special(path string) (fd int, err error) {
	fd, err = sys.OpenQuiet(path, o.unit.Writable)
	if err != nil {
		return -1, err
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
	case !info.Mode().IsRegular() && info.Mode()&os.ModeCharDevice == 0:
		err = fmt.Errorf("%s is neither a character device nor a regular file: %w", path, sys.EEXIST)
	case !sys.Watchable(fd):
		err = fmt.Errorf("%s cannot be watched: %w", path, sys.EPERM)
	default:
		return fd, nil
	}
	sys.CloseFD(fd)
	return -1, err
}

// function opens the control file of a USB FunctionFS and tells the kernel what the
// function is. The endpoints are there once that is known.
func (o *opener) function(dir string) (fd int, err error) {
	control := filepath.Join(dir, "ep0")
	fd, err = sys.OpenQuiet(control, true)
	if err != nil {
		return -1, err
	}
	if info, err := os.Lstat(control); err != nil || !info.Mode().IsRegular() {
		sys.CloseFD(fd)
		return -1, fmt.Errorf("%s is not that of a FunctionFS: %w", control, sys.EEXIST)
	}
	for _, file := range [...]string{o.config.Descriptors, o.config.Strings} {
		if file == "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err == nil {
			_, err = sys.Write(fd, text)
		}
		if err != nil {
			sys.CloseFD(fd)
			return -1, fmt.Errorf("write %s to %s: %w", file, control, err)
		}
	}
	return fd, nil
}

// endpoints opens the endpoints of a USB FunctionFS, in the order of their names.
// Those opened before an error are given with it.
func (o *opener) endpoints(dir string) (fds []int, err error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if e.Name() == "ep0" || e.Name()[0] == '.' {
			continue
		}
		fd, err := sys.OpenQuiet(filepath.Join(dir, e.Name()), true)
		if err != nil {
			return fds, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// fifo makes a FIFO or takes the one that is there, if it has the mode, and an owner,
// that it would have been made with.
func (o *opener) fifo(path string) (fd int, err error) {
	if err := o.directories(path); err != nil {
		return -1, err
	}
	mode := uint32(o.unit.SocketMode)
	made := sys.MakeFIFO(path, mode&0o777)
	if made != nil && !errors.Is(made, os.ErrExist) {
		return -1, made
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return -1, err
	case info.Mode()&os.ModeNamedPipe == 0:
		return -1, fmt.Errorf("%s is there and not a FIFO: %w", path, sys.EEXIST)
	case made != nil && (info.Mode().Perm() != os.FileMode(mode&0o777) || !o.owned(info)):
		return -1, fmt.Errorf("%s is there with another mode or owner: %w", path, sys.EEXIST)
	}
	if err := o.own(path, mode); err != nil {
		return -1, err
	}
	fd, err = sys.OpenQuiet(path, true)
	if err != nil {
		return -1, err
	}
	o.smack(fd, "SMACK64", o.unit.SmackLabel)
	if o.unit.PipeSize > 0 {
		o.warn(sys.SetPipeSize(fd, int(min(o.unit.PipeSize, math.MaxInt32))))
	}
	return fd, nil
}

// owned reports whether a file is the manager's or, from an earlier run, that of
// SocketUser= and SocketGroup=. systemd 252 refuses the latter.
func (o *opener) owned(info os.FileInfo) bool {
	uid, gid := sys.Owner(info)
	return (uid == os.Geteuid() || uid == o.uid) && (gid == os.Getegid() || gid == o.gid)
}

// netlink reads "family" or "family group".
func (o *opener) netlink(address string) (fd int, err error) {
	family, group, _ := strings.Cut(address, " ")
	var groups uint64
	if group = strings.TrimSpace(group); group != "" {
		groups, err = strconv.ParseUint(group, 10, 32)
		if err != nil {
			return -1, fmt.Errorf("netlink group %q: not a number", group)
		}
	}
	fd, err = sys.ListenNetlink(family, uint32(groups))
	if err == nil {
		o.afterBind(fd, sys.Address{})
	}
	return fd, err
}

// symlinks makes Symlinks=, which need exactly one path to lead to. One that leads
// elsewhere is replaced only if it leads nowhere.
func (o *opener) symlinks(paths []string) {
	if len(o.unit.Symlinks) == 0 {
		return
	}
	if len(paths) != 1 {
		return // which the loader does not let through
	}
	for _, link := range o.unit.Symlinks {
		if err := o.directories(link); err != nil {
			o.warn(err)
			continue
		}
		err := os.Symlink(paths[0], link)
		if errors.Is(err, os.ErrExist) {
			if to, _ := os.Readlink(link); to == paths[0] {
				continue
			}
			if _, stat := os.Stat(link); errors.Is(stat, os.ErrNotExist) {
				os.Remove(link)
				err = os.Symlink(paths[0], link)
			}
		}
		o.warn(err)
	}
}
