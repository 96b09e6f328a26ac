// Command surface compares what two service managers show on D-Bus: it asks a running
// one for the introspection data and all properties of every object, and says in what
// two such accounts differ. It knows the wire format of D-Bus, and nothing of units.
//
//	surface dump [UNIT...]       of the manager of this machine, those units loaded first
//	surface time UNIT            how long that manager takes for an answer
//	surface compare FILE FILE    what differs between systemd's account and another one
//	surface table FILE FILE      the same, as a page with numbers
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"rouse/internal/wire/dbus"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) > 0 && args[0] == "dump":
		err = dump(args[1:])
	case len(args) == 2 && args[0] == "time":
		err = measure(args[1])
	case len(args) == 3 && args[0] == "compare":
		err = compareFiles(args[1], args[2])
	case len(args) == 3 && args[0] == "table":
		err = tabulate(args[1], args[2])
	default:
		err = errors.New("usage: surface dump [UNIT...] | surface time UNIT |" +
			" surface compare|table SYSTEMD OTHER")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "surface:", err)
		os.Exit(1)
	}
}

// The places on the bus.
const (
	socket     = "/run/systemd/private"
	root       = "/org/freedesktop/systemd1"
	logControl = "/org/freedesktop/LogControl1"
	manager    = "org.freedesktop.systemd1.Manager"
	properties = "org.freedesktop.DBus.Properties"
)

// patience is how long one answer may take.
const patience = 60 * time.Second

// conn is a connection to a manager's private socket.
type conn struct {
	nc     net.Conn
	in     dbus.Reader
	serial uint32
}

func connect() (*conn, error) {
	nc, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	c := &conn{nc: nc, in: dbus.Reader{Max: dbus.MaxMessage}}
	c.in.Source = func(b []byte) (int, []int, error) {
		n, err := nc.Read(b)
		return n, nil, err
	}
	if _, err := nc.Write([]byte("\x00AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")); err != nil {
		return nil, err
	}
	for _, want := range []string{"DATA", "OK "} {
		for !strings.Contains(string(c.in.Ahead()), "\r\n") {
			if err := c.in.Fill(len(c.in.Ahead()) + 1); err != nil {
				return nil, err
			}
		}
		line, _, _ := strings.Cut(string(c.in.Ahead()), "\r\n")
		c.in.Skip(len(line) + 2)
		if !strings.HasPrefix(line, want) {
			return nil, fmt.Errorf("authentication: %q", line)
		}
	}
	return c, nil
}

// call calls a method with texts, or lists of none, and gives the answer.
func (c *conn) call(path, iface, member, sig string, args ...string) (*dbus.Message, error) {
	if err := c.send(path, iface, member, sig, args...); err != nil {
		return nil, err
	}
	for {
		answer, _, err := c.in.Next()
		switch {
		case err != nil:
			return nil, err
		case answer.ReplySerial != c.serial:
		case answer.Type == dbus.Error:
			return nil, fmt.Errorf("%s %s.%s: %s", path, iface, member, answer.Decoder().Text())
		default:
			return answer, nil
		}
	}
}

func (c *conn) send(path, iface, member, sig string, args ...string) error {
	c.serial++
	var e dbus.Encoder
	for _, a := range args {
		e.Text(a)
	}
	m := dbus.Message{
		Type: dbus.Call, Serial: c.serial, Path: path, Interface: iface, Member: member,
		Signature: sig, Body: e.Bytes(),
	}
	b, err := m.Append(nil)
	if err != nil {
		return err
	}
	if err := c.nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = c.nc.Write(b)
	return err
}

// probe is call for who does not read the answer.
func (c *conn) probe(path, iface, member, sig string, args ...string) error {
	if err := c.send(path, iface, member, sig, args...); err != nil {
		return err
	}
	for {
		if err := c.in.Fill(dbus.HeaderSize); err != nil {
			return err
		}
		_, size, err := dbus.Size(c.in.Ahead())
		if err != nil {
			return err
		}
		if err := c.in.Fill(size); err != nil {
			return err
		}
		kind := dbus.Type(c.in.Ahead()[1])
		c.in.Skip(size)
		switch kind {
		case dbus.Return:
			return nil
		case dbus.Error:
			return fmt.Errorf("%s %s.%s: an error", path, iface, member)
		}
	}
}

// dump writes an account of everything to standard output, a line per fact.
func dump(load []string) error {
	c, err := connect()
	if err != nil {
		return err
	}
	for _, unit := range load {
		if _, err := c.call(root, manager, "LoadUnit", "s", unit); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	list, err := c.call(root, manager, "ListUnits", "")
	if err != nil {
		return err
	}
	objects := map[string]string{root: "manager", logControl: "log"}
	d := list.Decoder()
	d.Array("(ssssssouso)", func() {
		d.Struct()
		unit := d.Text()
		for range 5 {
			d.Text()
		}
		objects[d.Path()] = unit
		d.Uint32()
		d.Text()
		d.Path()
	})
	for _, unit := range load { // the manager may have forgotten it again
		if answer, err := c.call(root, manager, "LoadUnit", "s", unit); err == nil {
			objects[answer.Decoder().Path()] = unit
		}
	}
	out := bufio.NewWriter(os.Stdout)
	var paths []string
	for p := range objects {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		if err := c.describe(out, p, objects[p]); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return out.Flush()
}

// describe writes the members of an object, and the values of its properties.
func (c *conn) describe(out *bufio.Writer, path, name string) error {
	answer, err := c.call(path, "org.freedesktop.DBus.Introspectable", "Introspect", "")
	if err != nil {
		return err
	}
	members, err := parseMembers(answer.Decoder().Text())
	if err != nil {
		return err
	}
	for _, m := range members {
		fmt.Fprintf(out, "M\t%s\t%s\n", name, m)
	}
	if answer, err = c.call(path, properties, "GetAll", "s", ""); err != nil {
		return err
	}
	d := answer.Decoder()
	d.Array("{sv}", func() {
		d.Struct()
		property := d.Text()
		sig := d.Variant()
		fmt.Fprintf(out, "V\t%s\t%s\t%s\t%s\n", name, property, sig, render(d, sig))
	})
	return d.Err()
}

// render writes a value of one complete type as text.
func render(d *dbus.Decoder, sig string) string {
	switch sig[0] {
	case 'y':
		return fmt.Sprint(d.Byte())
	case 'b':
		return fmt.Sprint(d.Bool())
	case 'q', 'n':
		return fmt.Sprint(d.Uint16())
	case 'i':
		return fmt.Sprint(d.Int32())
	case 'u', 'h':
		return fmt.Sprint(d.Uint32())
	case 'x':
		return fmt.Sprint(d.Int64())
	case 't':
		return fmt.Sprint(d.Uint64())
	case 'd':
		return fmt.Sprint(d.Double())
	case 's':
		return fmt.Sprintf("%q", d.Text())
	case 'o':
		return d.Path()
	case 'g':
		return d.Signature()
	case 'v':
		return render(d, d.Variant())
	case 'a':
		var list []string
		d.Array(sig[1:], func() { list = append(list, render(d, sig[1:])) })
		return "[" + strings.Join(list, " ") + "]"
	}
	d.Struct()
	var list []string
	for rest := sig[1 : len(sig)-1]; rest != ""; {
		n := dbus.TypeLen(rest)
		list = append(list, render(d, rest[:n]))
		rest = rest[n:]
	}
	return "(" + strings.Join(list, " ") + ")"
}
