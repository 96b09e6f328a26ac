package bus

import (
	"fmt"

	"rouse/internal/wire/dbus"
)

const (
	peer           = "org.freedesktop.DBus.Peer"
	introspectable = "org.freedesktop.DBus.Introspectable"
	errorPrefix    = "org.freedesktop.DBus.Error."
	managerPath    = "/org/freedesktop/systemd1"
)

// children names the one object below each of those we show.
var children = map[string]string{
	"/":                "org",
	"/org":             "freedesktop",
	"/org/freedesktop": "systemd1",
	managerPath:        "",
}

// introspection of an object, less the name of its child.
const introspection = `<!DOCTYPE node PUBLIC
 "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
 <interface name="org.freedesktop.DBus.Peer">
  <method name="Ping"/>
 </interface>
 <interface name="org.freedesktop.DBus.Introspectable">
  <method name="Introspect"><arg name="xml" type="s" direction="out"/></method>
 </interface>
%s</node>
`

// reply answers a call. Whatever it is, its sender does not wait.
func (c *Conn) reply(m *dbus.Message, cut bool) {
	if m.Flags&dbus.NoReply != 0 || m.Sender == "" {
		return
	}
	out := answer(m, cut)
	out.Destination, out.ReplySerial, out.Flags = m.Sender, m.Serial, dbus.NoReply
	c.mu.Lock()
	out.Serial = c.nextSerial()
	c.mu.Unlock()
	b, err := out.Append(nil)
	if err != nil {
		c.config.Log(fmt.Sprintf("bus: answer %s: %v; leaving it out", m.Sender, err))
		return
	}
	select {
	case c.replies <- b:
	case <-c.closing:
	}
}

// answer says what a call has as its answer. cut is that its body is not there.
func answer(m *dbus.Message, cut bool) *dbus.Message {
	child, known := children[m.Path]
	switch {
	case cut:
		return refuse("LimitsExceeded", fmt.Sprintf("no message of over %d bytes is read", largest))
	case m.Member == "Ping" && (m.Interface == peer || m.Interface == "") && m.Signature == "":
		return &dbus.Message{Type: dbus.Return}
	case !known:
		return refuse("UnknownObject", fmt.Sprintf("no object %.256s", m.Path))
	case m.Member == "Introspect" && (m.Interface == introspectable || m.Interface == ""):
		if m.Signature != "" {
			return refuse("InvalidArgs", "Introspect takes no arguments")
		}
		node := ""
		if child != "" {
			node = fmt.Sprintf(" <node name=%q/>\n", child)
		}
		return &dbus.Message{
			Type:      dbus.Return,
			Signature: "s",
			Body:      text(fmt.Sprintf(introspection, node)),
		}
	}
	return refuse("UnknownMethod",
		fmt.Sprintf("no method %s of interface %q at %s", m.Member, m.Interface, m.Path))
}

func refuse(name, message string) *dbus.Message {
	return &dbus.Message{
		Type:      dbus.Error,
		ErrorName: errorPrefix + name,
		Signature: "s",
		Body:      text(message),
	}
}
