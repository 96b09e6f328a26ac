package socket

import (
	"errors"
	"fmt"
	"net/netip"

	"rouse/internal/host/sys"
)

// A Conn is an accepted connection. Its descriptor is close-on-exec and does not
// block.
type Conn struct {
	FD int
	// Instance describes the ends for an instance name, without the counter before
	// it: "127.0.0.1:80-127.0.0.1:5000", "[PID]-[UID]" for unix sockets.
	Instance string
	// RemoteAddr and RemotePort are for the environment; "" if not of IP or vsock.
	RemoteAddr, RemotePort string
	// Source tells peers apart for MaxConnectionsPerSource=; "" for unix sockets.
	Source string
}

// Close closes the connection.
func (c *Conn) Close() { sys.CloseFD(c.FD) }

// Accept takes one connection, without waiting; the error matches sys.EAGAIN if
// there is none (any more).
func Accept(fd int) (*Conn, error) {
	// A service that has had it may have set it to block, and it is one for both.
	if err := sys.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	conn, err := sys.Accept(fd)
	if err != nil {
		return nil, err
	}
	c := &Conn{FD: conn, Instance: "unknown"}
	local, err := sys.Local(conn)
	if err != nil {
		c.Close()
		return nil, err
	}
	remote, err := sys.Remote(conn)
	if err != nil {
		c.Close()
		return nil, err // it has gone already
	}
	c.describe(local, remote)
	return c, nil
}

func (c *Conn) describe(local, remote sys.Address) {
	switch {
	case remote.IP.IsValid():
		ip := remote.IP.Addr()
		c.Instance = plain(local.IP) + "-" + plain(remote.IP)
		c.RemoteAddr = ip.String()
		c.RemotePort = fmt.Sprint(remote.IP.Port())
		c.Source = ip.String()
	case remote.VSock != nil && local.VSock != nil:
		c.Instance = fmt.Sprintf("%d:%d-%d:%d", local.VSock.CID, local.VSock.Port,
			remote.VSock.CID, remote.VSock.Port)
		c.RemoteAddr = fmt.Sprintf("vsock:%d", remote.VSock.CID)
		c.RemotePort = fmt.Sprint(remote.VSock.Port)
		c.Source = c.RemoteAddr
	default:
		if p, err := sys.RemoteProcess(c.FD); err == nil {
			c.Instance = fmt.Sprintf("%d-%d", p.PID, p.UID)
		}
	}
}

// plain gives address and port without the brackets of IPv6 and without a zone,
// as systemd names instances.
func plain(a netip.AddrPort) string {
	return a.Addr().WithZone("").String() + ":" + fmt.Sprint(a.Port())
}

// flushBound is how many connections or reads are dropped at most, so that
// someone who keeps on sending does not keep us.
const flushBound = 10000

// Flush drops what is pending: connections, datagrams, bytes. FlushPending=.
func Flush(fd int) error {
	if err := sys.SetNonblock(fd, true); err != nil { // as in Accept
		return fmt.Errorf("flush: %w", err)
	}
	_, listening := sys.IsSocket(fd)
	buf := make([]byte, 4096)
	for range flushBound {
		var err error
		n := 1
		if listening {
			var conn int
			if conn, err = sys.Accept(fd); err == nil {
				sys.CloseFD(conn)
			}
		} else {
			n, err = sys.Read(fd, buf)
		}
		if errors.Is(err, sys.EAGAIN) || n == 0 && err == nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("flush: %w", err)
		}
	}
	return nil
}
