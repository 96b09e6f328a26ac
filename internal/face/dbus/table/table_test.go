package table

import (
	"encoding/xml"
	"flag"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit/name"
)

var update = flag.Bool("update", false, "record the table from systemd 252")

// systemd is the program that the table is recorded from.
const systemd = "/lib/systemd/systemd"

// The shapes of introspection data.
type (
	node struct {
		Interfaces []struct {
			Name    string    `xml:"name,attr"`
			Members []element `xml:",any"`
		} `xml:"interface"`
	}
	element struct {
		XMLName xml.Name
		Name    string `xml:"name,attr"`
		Type    string `xml:"type,attr"`
		Access  string `xml:"access,attr"`
		Args    []struct {
			Name      string `xml:"name,attr"`
			Type      string `xml:"type,attr"`
			Direction string `xml:"direction,attr"`
		} `xml:"arg"`
		Notes []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"annotation"`
	}
)

func (e element) member() Member {
	m := Member{Name: e.Name, Type: e.Type, Writable: e.Access == "readwrite"}
	m.Kind = Kind(slices.Index(kindWords[:], e.XMLName.Local))
	for _, a := range e.Args {
		if a.Direction == "in" {
			m.In = append(m.In, Arg{a.Name, a.Type})
		} else {
			m.Out = append(m.Out, Arg{a.Name, a.Type})
		}
	}
	for _, n := range e.Notes {
		switch n.Name {
		case changesNote:
			m.Changes = Changes(slices.Index(changesWords[:], n.Value))
		case privilegedNote:
			m.Privileged = true
		case noReplyNote:
			m.NoReply = true
		}
	}
	return m
}

// line writes a member as interfaces.txt has it.
func (m Member) line() string {
	words := []string{m.Kind.String(), m.Name}
	add := func(on bool, w string) {
		if on {
			words = append(words, w)
		}
	}
	args := func(list []Arg) {
		for _, a := range list {
			words = append(words, a.Name+":"+a.Type)
		}
	}
	add(m.Kind == Property, m.Type)
	args(m.In)
	add(m.Kind == Method && len(m.Out) > 0, "->")
	args(m.Out)
	add(m.Kind == Property && m.Changes != Tells, m.Changes.String())
	add(m.Writable, "writable")
	add(m.NoReply, "noreply")
	add(m.Privileged, "privileged")
	add(m.Hidden, "hidden")
	add(m.Same != "", m.Same)
	return strings.Join(words, " ")
}

// The names of all interfaces, standard ones first.
func names() []string {
	list := []string{Peer, Introspectable, Properties, LogControl, Manager, Job, Unit}
	for t := range name.Types {
		if t != name.Bad {
			list = append(list, OfType(t))
		}
	}
	return list
}

// introspect asks systemd for the members of an interface.
func introspect(t *testing.T, iface string) []Member {
	arg := iface
	if strings.HasPrefix(iface, "org.freedesktop.DBus.") {
		arg = LogControl
	}
	out, err := exec.Command(systemd, "--bus-introspect="+arg).Output()
	if err != nil {
		t.Fatalf("%s --bus-introspect=%s: %v", systemd, arg, err)
	}
	var n node
	if err := xml.Unmarshal(out, &n); err != nil {
		t.Fatal(err)
	}
	var list []Member
	for _, i := range n.Interfaces {
		for _, e := range i.Members {
			if i.Name == iface {
				list = append(list, e.member())
			}
		}
	}
	return list
}

func hasSystemd252(t *testing.T) {
	out, err := exec.Command(systemd, "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "systemd 252 ") {
		t.Skipf("no systemd 252 at %s", systemd)
	}
}

// TestSystemd compares the table with systemd itself.
func TestSystemd(t *testing.T) {
	hasSystemd252(t)
	if *update {
		record(t)
	}
	for _, n := range names() {
		i := Find(n)
		if i == nil {
			t.Errorf("%s: not in the table", n)
			continue
		}
		var got, want []string
		for _, m := range i.Members {
			if !m.Hidden {
				got = append(got, m.line())
			}
		}
		for _, m := range introspect(t, n) {
			want = append(want, m.line())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s differs: run the test with -update", n)
		}
	}
}
