// Command control measures how fast a manager answers on its private D-Bus socket, by
// the same calls whoever the manager is. test/bench runs it beside systemd.
package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"rouse/internal/wire/dbus"
)

const (
	socket  = "/run/systemd/private"
	manager = "/org/freedesktop/systemd1"
	patient = 60 * time.Second
)

// conn is a connection to the manager.
type conn struct {
	c      net.Conn
	in     dbus.Reader
	serial uint32
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		os.Exit(1)
	}
}

// connect says who it is as systemd's own clients do: all at once.
func connect() *conn {
	c, err := net.Dial("unix", socket)
	check(err)
	check(c.SetDeadline(time.Now().Add(patient)))
	_, err = c.Write([]byte("\x00AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"))
	check(err)
	n := &conn{c: c}
	n.in = dbus.Reader{Max: dbus.MaxMessage, Source: func(b []byte) (int, []int, error) {
		got, err := c.Read(b)
		return got, nil, err
	}}
	for range 3 {
		for !strings.Contains(string(n.in.Ahead()), "\r\n") {
			check(n.in.Fill(len(n.in.Ahead()) + 1))
		}
		n.in.Skip(strings.Index(string(n.in.Ahead()), "\r\n") + 2)
	}
	return n
}

// call calls a method whose arguments are strings, and gives the size of the answer.
func (n *conn) call(path, iface, member string, args ...string) int {
	var e dbus.Encoder
	for _, a := range args {
		e.Text(a)
	}
	n.serial++
	m := dbus.Message{
		Type: dbus.Call, Serial: n.serial, Path: path, Interface: iface, Member: member,
		Signature: strings.Repeat("s", len(args)), Body: e.Bytes(),
	}
	b, err := m.Append(nil)
	check(err)
	_, err = n.c.Write(b)
	check(err)
	for {
		m, _, err := n.in.Next()
		check(err)
		if m.Type == dbus.Error {
			check(fmt.Errorf("%s: %s %s", member, m.ErrorName, m.Decoder().Text()))
		}
		if m.Type == dbus.Return {
			return len(m.Body)
		}
	}
}

// measure prints the median of many runs, in µs.
func measure(name string, runs int, f func() int) {
	var took []time.Duration
	size := 0
	for range runs {
		begin := time.Now()
		size = f()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	fmt.Printf("%s %.1f %d\n", name, float64(took[len(took)/2].Nanoseconds())/1000, size)
}

func main() {
	const (
		unit       = manager + "/unit/bench1_2eservice"
		properties = "org.freedesktop.DBus.Properties"
	)
	measure("connect+Get", 500, func() int {
		n := connect()
		defer n.c.Close()
		return n.call(unit, properties, "Get", "org.freedesktop.systemd1.Unit", "ActiveState")
	})
	n := connect()
	measure("Get", 2000, func() int {
		return n.call(unit, properties, "Get", "org.freedesktop.systemd1.Unit", "ActiveState")
	})
	measure("GetAll", 500, func() int { return n.call(unit, properties, "GetAll", "") })
	measure("ListUnits", 50, func() int {
		return n.call(manager, "org.freedesktop.systemd1.Manager", "ListUnits")
	})
}
