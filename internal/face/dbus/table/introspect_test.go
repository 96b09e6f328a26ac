package table

import (
	"encoding/xml"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit/name"
)

// TestIntrospect compares with what systemd 252 says of a job.
func TestIntrospect(t *testing.T) {
	recorded, err := os.ReadFile("testdata/job.xml")
	if err != nil {
		t.Fatal(err)
	}
	var got, want node
	if err := xml.Unmarshal(recorded, &want); err != nil {
		t.Fatal(err)
	}
	made := Introspect([]*Interface{Find(Job)}, nil)
	if err := xml.Unmarshal([]byte(made), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", made, recorded)
	}
}

func TestIntrospectChildren(t *testing.T) {
	got := Introspect(nil, []string{"unit", "job"})
	if !strings.HasSuffix(got, " <node name=\"unit\"/>\n <node name=\"job\"/>\n</node>\n") {
		t.Errorf("children: %q", got[max(0, len(got)-60):])
	}
}

// TestPrivileged: everybody is told what needs a privilege.
func TestPrivileged(t *testing.T) {
	data := Introspect([]*Interface{Find(Manager)}, nil)
	if n := strings.Count(data, privilegedNote); n != 14 {
		t.Errorf("%d privileged members, want 14", n)
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		iface string
		kind  Kind
		name  string
		want  string
	}{
		{Manager, Method, "GetUnit", "method GetUnit name:s -> unit:o"},
		{Manager, Method, "Reexecute", "method Reexecute noreply"},
		{Manager, Signal, "UnitNew", "signal UnitNew id:s unit:o"},
		{Manager, Property, "LogLevel", "property LogLevel s false writable privileged"},
		{Unit, Property, "ActiveState", "property ActiveState s"},
		{Prefix + "Service", Property, "ExecStart", "property ExecStart a(sasbttttuii) invalidates"},
		{Prefix + "Scope", Property, "KillMode", "property KillMode s const"},
	} {
		m := Find(c.iface).Member(c.kind, c.name)
		if m == nil || m.line() != c.want {
			t.Errorf("%s.%s: %v, want %q", c.iface, c.name, m, c.want)
		}
	}
	old := Find(Prefix+"Socket").Member(Property, "ReadOnlyDirectories")
	if old == nil || !old.Hidden || old.Same != "ReadOnlyPaths" {
		t.Errorf("ReadOnlyDirectories: %v", old)
	}
	if m := Find(Manager).Member(Property, "GetUnit"); m != nil {
		t.Errorf("a method found as property: %v", m)
	}
	if i := Find("org.example.None"); i != nil {
		t.Errorf("found %v", i)
	}
	if s := Signature(Find(Manager).Member(Method, "KillUnit").In); s != "ssi" {
		t.Errorf("KillUnit takes %q", s)
	}
}

// TestOfUnit: every type of units has an interface of its own, and no two
// interfaces of a unit have a property in common.
func TestOfUnit(t *testing.T) {
	for k := range name.Types {
		list := OfUnit(k)
		if k == name.Bad {
			if list != nil {
				t.Errorf("no type has %v", list)
			}
			continue
		}
		if len(list) != 2 || list[0].Name != OfType(k) || list[1].Name != Unit {
			t.Errorf("%v: %v", k, list)
			continue
		}
		both := slices.Concat(list[0].Members, list[1].Members)
		seen := make(map[string]bool)
		for _, m := range both {
			if m.Kind == Property && !m.Hidden && seen[m.Name] {
				t.Errorf("%v: %s twice", k, m.Name)
			}
			seen[m.Name] = m.Kind == Property && !m.Hidden
		}
	}
}

func BenchmarkIntrospect(b *testing.B) {
	for b.Loop() {
		Introspect(OfUnit(name.Service), nil)
	}
}
