package directive

import (
	"reflect"
	"testing"

	"rouse/internal/unit/name"
)

// TestShown: one property at a time is what all of them are.
func TestShown(t *testing.T) {
	for k := range name.Types {
		if k == name.Bad {
			continue
		}
		u := New("a."+k.String(), k, nil)
		index := ShownBy(k)
		list := Properties(u)
		for _, want := range list {
			got, ok := index.Property(u, want.Name)
			if !ok || !reflect.DeepEqual(got, want) {
				t.Errorf("%v: %s is %v (%v), among all %v", k, want.Name, got, ok, want)
			}
		}
		if len(index) != len(list) {
			t.Errorf("%v: %d properties in the index, %d in all", k, len(index), len(list))
		}
		if p, ok := index.Property(u, "NoSuchThing"); ok {
			t.Errorf("%v: found %v", k, p)
		}
	}
}

func BenchmarkShown(b *testing.B) {
	u := New("a.service", name.Service, nil)
	index := ShownBy(name.Service)
	for b.Loop() {
		index.Property(u, "KillMode")
	}
}
