package table

import "strings"

const (
	header = `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"` + "\n" +
		`"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">` + "\n"

	noReplyNote    = "org.freedesktop.DBus.Method.NoReply"
	changesNote    = "org.freedesktop.DBus.Property.EmitsChangedSignal"
	privilegedNote = "org.freedesktop.systemd1.Privileged"
)

// Introspect is the introspection data of an object: the interfaces that every
// object has, those given, and the names of the objects below it.
func Introspect(interfaces []*Interface, children []string) string {
	var b strings.Builder
	b.Grow(64 << 10)
	b.WriteString(header + "<node>\n")
	for _, n := range [...]string{Peer, Introspectable, Properties} {
		Find(n).write(&b)
	}
	for _, i := range interfaces {
		i.write(&b)
	}
	for _, c := range children {
		b.WriteString(` <node name="` + c + `"/>` + "\n")
	}
	b.WriteString("</node>\n")
	return b.String()
}

func (i *Interface) write(b *strings.Builder) {
	b.WriteString(` <interface name="` + i.Name + "\">\n")
	for n := range i.Members {
		if m := &i.Members[n]; !m.Hidden {
			m.write(b)
		}
	}
	b.WriteString(" </interface>\n")
}

func (m *Member) write(b *strings.Builder) {
	kind := m.Kind.String()
	b.WriteString("  <" + kind + ` name="` + m.Name + `"`)
	switch m.Kind {
	case Property:
		access := "read"
		if m.Writable {
			access = "readwrite"
		}
		b.WriteString(` type="` + m.Type + `" access="` + access + `"`)
	case Method, Signal, Kinds:
	}
	b.WriteString(">\n")
	for _, a := range m.In {
		a.write(b, ` direction="in"`)
	}
	direction := ` direction="out"`
	if m.Kind == Signal {
		direction = ""
	}
	for _, a := range m.Out {
		a.write(b, direction)
	}
	if m.NoReply {
		note(b, noReplyNote, "true")
	}
	if m.Kind == Property && m.Changes != Tells {
		note(b, changesNote, m.Changes.String())
	}
	if m.Privileged {
		note(b, privilegedNote, "true")
	}
	b.WriteString("  </" + kind + ">\n")
}

func (a Arg) write(b *strings.Builder, direction string) {
	b.WriteString(`   <arg type="` + a.Type + `" name="` + a.Name + `"` + direction + "/>\n")
}

func note(b *strings.Builder, name, value string) {
	b.WriteString(`   <annotation name="` + name + `" value="` + value + `"/>` + "\n")
}
