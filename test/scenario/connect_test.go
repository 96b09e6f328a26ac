package scenario

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A conn is a connection of a script to a socket of a service.
type conn struct {
	net.Conn
	own string // the file of our own address
}

func (c *conn) close() {
	c.Conn.Close()
	if c.own != "" {
		os.Remove(c.own)
	}
}

// connect opens a connection: NAME NETWORK:ADDRESS, with package net's networks.
// An address of a file is below the folder of the scenario.
func (d *driver) connect(args []string) []string {
	network, address, _ := strings.Cut(args[1], ":")
	own := ""
	var dialer net.Dialer
	if strings.HasPrefix(network, "unix") && !strings.HasPrefix(address, "@") {
		address = filepath.Join(d.Dir, address)
	}
	if network == "unixgram" {
		own = filepath.Join(d.Dir, "own."+args[0])
		dialer.LocalAddr = &net.UnixAddr{Name: own, Net: network}
	}
	dialer.Timeout = patience
	c, err := dialer.Dial(network, address)
	if err != nil {
		return failed(err)
	}
	d.conns[args[0]] = &conn{c, own}
	return nil
}

// failed gives the kernel's reason.
func failed(err error) []string {
	var no syscall.Errno
	if errors.As(err, &no) {
		return []string{no.Error()}
	}
	return []string{err.Error()}
}

func (d *driver) send(args []string) []string {
	c := d.conns[args[0]]
	if c == nil {
		return []string{"not connected"}
	}
	if _, err := c.Write([]byte(strings.Join(args[1:], " ") + "\n")); err != nil {
		return failed(err)
	}
	return nil
}

// receive shows all that comes until the end of the connection; of a datagram
// socket one message.
func (d *driver) receive(args []string) []string {
	c := d.conns[args[0]]
	if c == nil {
		return []string{"not connected"}
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return failed(err)
	}
	if c.own != "" {
		buf := make([]byte, 4096)
		n, err := c.Read(buf)
		if err != nil {
			return failed(err)
		}
		return shown(string(buf[:n]), nil)
	}
	all, err := io.ReadAll(c)
	lines := shown(string(all), nil)
	if err != nil {
		return append(lines, failed(err)...)
	}
	return append(lines, "closed")
}

func (d *driver) close(args []string) []string {
	if c := d.conns[args[0]]; c != nil {
		c.close()
		delete(d.conns, args[0])
	}
	return nil
}
