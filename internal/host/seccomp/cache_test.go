package seccomp

import (
	"reflect"
	"runtime"
	"testing"

	"rouse/internal/unit"
)

// Policies that differ in anything have programs of their own, and equal ones share one.
func TestCache(t *testing.T) {
	if !Knows(runtime.GOARCH) {
		t.Skip("no filters for " + runtime.GOARCH)
	}
	var c Cache
	x := settings(t, "SystemCallFilter=@system-service;RestrictRealtime=yes")
	p, _ := For(x, 0, everything)
	first, err := c.Program(&p)
	if err != nil || len(first) == 0 {
		t.Fatal(err)
	}
	x = settings(t, "RestrictRealtime=yes;SystemCallFilter=@system-service")
	again, _ := For(x, 0, everything)
	second, err := c.Program(&again)
	if err != nil || &first[0] != &second[0] {
		t.Errorf("a second program, %v", err)
	}
	for i := range 2 * cached {
		p.Error = i + 1
		if _, err := c.Program(&p); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.programs) > cached {
		t.Errorf("%d programs are kept", len(c.programs))
	}
}

// Every field is part of the key.
func TestKey(t *testing.T) {
	keys := map[string]string{string(new(Policy).key(nil)): "nothing"}
	for i := range reflect.TypeFor[Policy]().NumField() {
		var p Policy
		f := reflect.ValueOf(&p).Elem().Field(i)
		name := reflect.TypeFor[Policy]().Field(i).Name
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int:
			f.SetInt(7)
		case reflect.Uint32, reflect.Uint64:
			f.SetUint(7)
		default:
			switch v := f.Addr().Interface().(type) {
			case *unit.CallFilter:
				*v = unit.CallFilter{Set: true, Calls: []unit.Call{{Name: "open"}}}
			case *[]string:
				*v = []string{"x86"}
			case *unit.Restriction:
				*v = unit.Restriction{Names: []string{"AF_UNIX"}}
			default:
				t.Fatalf("a field %s of a kind that is new here", name)
			}
		}
		key := string(p.key(nil))
		if keys[key] != "" {
			t.Errorf("%s has the key of %s", name, keys[key])
		}
		keys[key] = name
	}
}

func BenchmarkCache(b *testing.B) {
	if !Knows(runtime.GOARCH) {
		b.Skip("no filters for " + runtime.GOARCH)
	}
	var c Cache
	x := settings(b, "SystemCallFilter=@system-service;RestrictRealtime=yes")
	for b.Loop() {
		p, _ := For(x, 0, everything)
		if _, err := c.Program(&p); err != nil {
			b.Fatal(err)
		}
	}
}
