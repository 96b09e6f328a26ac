// Command control measures how fast a manager answers on its private D-Bus socket, by
// the same calls whoever the manager is. test/bench runs it beside systemd.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
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

// call calls a method whose arguments are strings.
func (n *conn) call(path, iface, member string, args ...string) {
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
			return
		}
	}
}

// measure prints the median of many runs, in µs, and what a run takes of the processor
// in PID 1.
func measure(name string, runs int, f func()) {
	f() // the first one may do what is done once
	var took []time.Duration
	before := used()
	for range runs {
		begin := time.Now()
		f()
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	fmt.Printf("%s %.1f\n%s-cpu %.1f\n", name, float64(took[len(took)/2].Nanoseconds())/1000,
		name, float64(used()-before)/1000/float64(runs))
}

// used is how long PID 1 has had the processor, in ns.
func used() (ns uint64) {
	threads, _ := filepath.Glob("/proc/1/task/*/schedstat")
	for _, t := range threads {
		var n uint64
		if b, err := os.ReadFile(t); err == nil {
			fmt.Sscan(string(b), &n)
			ns += n
		}
	}
	return ns
}

func main() {
	const (
		unit       = manager + "/unit/bench1_2eservice"
		properties = "org.freedesktop.DBus.Properties"
	)
	measure("connect+Get", 500, func() {
		n := connect()
		defer n.c.Close()
		n.call(unit, properties, "Get", "org.freedesktop.systemd1.Unit", "ActiveState")
	})
	n := connect()
	measure("Get", 2000, func() {
		n.call(unit, properties, "Get", "org.freedesktop.systemd1.Unit", "ActiveState")
	})
	measure("GetAll", 500, func() { n.call(unit, properties, "GetAll", "") })
	measure("ListUnits", 50, func() {
		n.call(manager, "org.freedesktop.systemd1.Manager", "ListUnits")
	})
}
