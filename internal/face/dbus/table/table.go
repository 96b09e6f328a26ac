// Package table is what org.freedesktop.systemd1 consists of: the interfaces of
// systemd 252 with their methods, signals and properties, in its order, and the
// introspection data that tells of them. It is recorded from systemd itself and
// knows nothing of who answers. It answers for org.freedesktop.systemd1(5) and
// org.freedesktop.LogControl1(5).
package table

import (
	_ "embed"
	"strings"
	"sync"

	"rouse/internal/unit/name"
)

// The interfaces by name, and those every object has.
const (
	Prefix     = "org.freedesktop.systemd1."
	Manager    = Prefix + "Manager"
	Unit       = Prefix + "Unit"
	Job        = Prefix + "Job"
	LogControl = "org.freedesktop.LogControl1"

	Peer           = "org.freedesktop.DBus.Peer"
	Introspectable = "org.freedesktop.DBus.Introspectable"
	Properties     = "org.freedesktop.DBus.Properties"
)

// Kind says what a member of an interface is.
type Kind uint8

// The kinds of members.
const (
	Method Kind = iota
	Signal
	Property
	Kinds // the number of kinds
)

var kindWords = [Kinds]string{"method", "signal", "property"}

func (k Kind) String() string { return kindWords[k] }

// Changes says what happens when a property changes, as the annotation
// org.freedesktop.DBus.Property.EmitsChangedSignal has it.
type Changes uint8

// What happens when a property changes.
const (
	Tells       Changes = iota // PropertiesChanged has the new value
	Invalidates                // PropertiesChanged has its name
	Silent                     // nothing: it may change at any time
	Constant                   // it does not change, but when units are loaded again
	changes
)

var changesWords = [changes]string{"true", "invalidates", "false", "const"}

func (c Changes) String() string { return changesWords[c] }

// Arg is an argument of a method or a signal.
type Arg struct{ Name, Type string }

// Member is a method, a signal or a property.
type Member struct {
	Kind Kind
	Name string

	// Of methods and signals. The arguments of a signal are in Out.
	In, Out []Arg
	NoReply bool // of methods: no answer comes

	// Of properties.
	Type     string
	Changes  Changes
	Writable bool

	// Privileged are methods and writable properties that only root and the
	// manager's own user may use; of others the manager itself says who may.
	Privileged bool
	// Hidden members answer, though neither introspection nor GetAll mentions them:
	// names of old. Same is the property of today that has the value; "" is none.
	Hidden bool
	Same   string
}

// Source is the property that has the value.
func (m *Member) Source() string {
	if m.Same != "" {
		return m.Same
	}
	return m.Name
}

// Interface is an interface. Nobody may change it.
type Interface struct {
	Name    string
	Members []Member // in the order of introspection data and of GetAll

	index [Kinds]map[string]*Member
}

// Member finds a member; nil if there is none of that kind and name.
func (i *Interface) Member(k Kind, name string) *Member { return i.index[k][name] }

// Find finds an interface by its whole name; nil if there is no such one.
func Find(name string) *Interface { return all()[name] }

// OfUnit lists the interfaces of units of a type, in the order of GetAll: that of
// the type, then that of all units.
func OfUnit(t name.Type) []*Interface {
	if i := Find(OfType(t)); i != nil {
		return []*Interface{i, Find(Unit)}
	}
	return nil
}

// OfType is the name of the interface that units of a type have to themselves;
// "" of what is no type.
func OfType(t name.Type) string {
	if t == name.Bad || t >= name.Types {
		return ""
	}
	word := t.String()
	return Prefix + strings.ToUpper(word[:1]) + word[1:]
}

// Signature joins the types of arguments.
func Signature(args []Arg) string {
	switch len(args) {
	case 0:
		return ""
	case 1:
		return args[0].Type
	}
	var b strings.Builder
	for _, a := range args {
		b.WriteString(a.Type)
	}
	return b.String()
}

// text holds all interfaces: a line each that names it, and below it a line for
// each member. What several interfaces have in common stands once, between
// "group NAME" and an empty line.
//
//go:embed interfaces.txt
var text string

// all reads the table, when somebody first asks.
var all = sync.OnceValue(func() map[string]*Interface {
	interfaces := make(map[string]*Interface)
	groups := make(map[string][]Member)
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		head, rest, _ := strings.Cut(paragraph, "\n")
		members := make([]Member, 0, strings.Count(rest, "\n")+1)
		for line := range strings.SplitSeq(rest, "\n") {
			if group, ok := strings.CutPrefix(line, "with "); ok {
				members = append(members, groups[group]...)
			} else if line != "" {
				members = append(members, parseMember(line))
			}
		}
		if group, ok := strings.CutPrefix(head, "group "); ok {
			groups[group] = members
			continue
		}
		name := strings.TrimPrefix(head, "interface ")
		i := &Interface{Name: name, Members: members}
		for k := range i.index {
			i.index[k] = make(map[string]*Member)
		}
		for n := range members {
			m := &members[n]
			i.index[m.Kind][m.Name] = m
		}
		interfaces[name] = i
	}
	return interfaces
})

// parseMember reads a line such as
//
//	method GetUnit name:s -> unit:o
//	signal UnitNew id:s unit:o
//	property LogLevel s false writable privileged
func parseMember(line string) Member {
	kind, rest, _ := strings.Cut(line, " ")
	m := Member{Changes: Tells}
	m.Name, rest, _ = strings.Cut(rest, " ")
	for k, w := range kindWords {
		if w == kind {
			m.Kind = Kind(k)
		}
	}
	if m.Kind == Property {
		m.Type, rest, _ = strings.Cut(rest, " ")
	}
	args := &m.In
	if m.Kind == Signal {
		args = &m.Out
	}
	for word := range strings.FieldsSeq(rest) {
		switch word {
		case "->":
			args = &m.Out
		case "writable":
			m.Writable = true
		case "privileged":
			m.Privileged = true
		case "noreply":
			m.NoReply = true
		case "hidden":
			m.Hidden = true
		case "const":
			m.Changes = Constant
		case "false":
			m.Changes = Silent
		case "invalidates":
			m.Changes = Invalidates
		default:
			if n, t, ok := strings.Cut(word, ":"); ok {
				*args = append(*args, Arg{n, t})
			} else {
				m.Same = word
			}
		}
	}
	return m
}
