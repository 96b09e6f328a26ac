package dbus

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
)

// shower is a fake that shows something, and notes what is to be changed.
type shower struct {
	*fake
	mu   sync.Mutex
	said []string
}

func (s *shower) ManagerProperties(_ context.Context, names []string) ([]face.Property, error) {
	var list []face.Property
	for _, n := range names {
		if n == "RebootWatchdogUSec" {
			list = append(list, face.Property{Name: n, Type: "t", Value: uint64(7)})
		}
	}
	return list, nil
}

func (s *shower) note(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, fmt.Sprintf(format, args...))
	return nil
}

func (s *shower) SetManagerProperty(_ context.Context, p face.Property) error {
	return s.note("%s=%v", p.Name, p.Value)
}

func (s *shower) SetEnvironment(_ context.Context, unset, set []string) error {
	return s.note("-%q +%q", unset, set)
}

func (s *shower) SetShowStatus(_ context.Context, mode string) error {
	return s.note("status %s", mode)
}

func (s *shower) SetExitCode(_ context.Context, code uint8) error { return s.note("exit %d", code) }

func (s *shower) Dump(_ context.Context, patterns []string) (string, error) {
	return fmt.Sprintf("dump %q", patterns), nil
}

func TestShow(t *testing.T) {
	s := &shower{fake: newFake("web.service")}
	c := connect(t, serve(t, s))
	call := func(member, sig string, args ...any) {
		t.Helper()
		c.call(managerPath, table.Manager, member, sig, args...)
	}
	call("SetEnvironment", "as", []string{"A=1"})
	call("UnsetEnvironment", "as", []string{"B"})
	call("UnsetAndSetEnvironment", "asas", []string{"C"}, []string{"D=2"})
	call("SetShowStatus", "s", "no")
	call("SetExitCode", "y", uint8(3))
	want := []string{`-[] +["A=1"]`, `-["B"] +[]`, `-["C"] +["D=2"]`, "status no", "exit 3"}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fmt.Sprint(s.said) != fmt.Sprint(want) {
		t.Errorf("said %q, want %q", s.said, want)
	}
	text := c.call(managerPath, table.Manager, "Dump", "").Decoder().Text()
	if text != "dump []" {
		t.Errorf("dump: %q", text)
	}
	// A property by its name of old, and a method of old.
	m := c.call(managerPath, table.Properties, "Get", "ss", table.Manager, "ShutdownWatchdogUSec")
	d := m.Decoder()
	if d.Variant() != "t" || d.Uint64() != 7 {
		t.Error("ShutdownWatchdogUSec is not RebootWatchdogUSec")
	}
	m = c.call(managerPath, table.Manager, "RemoveSnapshot", "s", "x")
	if m.ErrorName != "org.freedesktop.DBus.Error.NotSupported" {
		t.Errorf("RemoveSnapshot: %q", m.ErrorName)
	}
}

// TestDumpToFile: what is long goes through a descriptor.
func TestDumpToFile(t *testing.T) {
	s := &shower{fake: newFake()}
	c := connect(t, serve(t, s))
	c.send(managerPath, table.Manager, "DumpUnitsMatchingPatternsByFileDescriptor", "as",
		[]string{"a*"})
	m, fds, err := c.in.Next()
	if err != nil || m.FDs != 1 || len(fds) != 1 {
		t.Fatalf("%v, %d descriptors, %v", m, len(fds), err)
	}
	f := os.NewFile(uintptr(fds[0]), "dump")
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil || string(text) != `dump ["a*"]` {
		t.Errorf("%q, %v", text, err)
	}
}
