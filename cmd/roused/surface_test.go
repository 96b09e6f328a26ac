package main

import (
	"context"
	"io"
	"os"
	"reflect"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/sys"
	"rouse/internal/manager"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
)

// kindOf are the Go types of values, by signature; other signatures are slices of any.
var kindOf = map[string]reflect.Type{
	"s": reflect.TypeFor[string](), "o": reflect.TypeFor[string](), "b": reflect.TypeFor[bool](),
	"y": reflect.TypeFor[uint8](), "q": reflect.TypeFor[uint16](), "i": reflect.TypeFor[int32](),
	"u": reflect.TypeFor[uint32](), "x": reflect.TypeFor[int64](), "t": reflect.TypeFor[uint64](),
	"d": reflect.TypeFor[float64](), "as": reflect.TypeFor[[]string](),
	"ay": reflect.TypeFor[[]byte](),
}

// TestSurface: every property that systemd's interfaces have, of every type of units and
// of the manager, has a value of its type.
func TestSurface(t *testing.T) {
	dir := t.TempDir()
	path := []string{dir}
	c := manager.Config{
		Version: "test", User: true, RuntimeDir: dir, Console: io.Discard, Environ: os.Environ(),
		UnitPath: path, Cgroups: cgroup.None, Stamps: dir,
		Loader: load.New(load.Config{FS: sys.NewRoot(), Path: path, User: true}),
	}
	m := manager.New(c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error, 1)
	go func() {
		_, err := m.Run(ctx)
		done <- err
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	for k := range name.Types {
		if k == name.Bad {
			continue
		}
		unit := "a." + k.String()
		for _, i := range table.OfUnit(k) {
			list, err := m.UnitProperties(ctx, unit, properties(i))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, unit, i, list)
		}
	}
	for _, n := range []string{table.Manager, table.LogControl} {
		i := table.Find(n)
		list, err := m.ManagerProperties(ctx, properties(i))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, "the manager", i, list)
	}
}

func properties(i *table.Interface) (names []string) {
	for _, m := range i.Members {
		if m.Kind == table.Property && !m.Hidden {
			names = append(names, m.Name)
		}
	}
	return append(names, "Id")
}

func compare(t *testing.T, object string, i *table.Interface, list []face.Property) {
	t.Helper()
	got := map[string]face.Property{}
	for _, p := range list {
		got[p.Name] = p
	}
	for _, n := range properties(i) {
		want := i.Member(table.Property, n)
		p, ok := got[n]
		switch {
		case want == nil:
		case !ok:
			t.Errorf("%s has no %s", object, n)
		case p.Type != want.Type:
			t.Errorf("%s: %s is of type %s, want %s", object, n, p.Type, want.Type)
		case p.Value == nil:
			t.Errorf("%s: %s has no value", object, n)
		case kindOf[p.Type] != nil && reflect.TypeOf(p.Value) != kindOf[p.Type]:
			t.Errorf("%s: %s of type %s is a %T", object, n, p.Type, p.Value)
		}
	}
}
