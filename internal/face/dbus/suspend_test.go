package dbus

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/dbus/table"
	"rouse/internal/face/gate"
	"rouse/internal/wire/dbus"
)

// leaver is a manager that is about to execute itself again.
type leaver struct {
	*fake
	asked chan string
}

func (l leaver) Reexecute(context.Context) error {
	l.asked <- "reexecute"
	return face.ErrSuspended
}

func (l leaver) Reload(context.Context, bool) (face.ReloadReport, error) {
	l.asked <- "reload"
	return face.ReloadReport{}, face.ErrSuspended
}

// Clients outlive a server, but the one that has asked for its end; a call that was not
// carried out any more is, by the next one.
func TestSuspend(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := leaver{newFake("a.service"), make(chan string, 2)}
	first := NewServer(m, func(line string) { t.Log(line) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- first.Serve(ctx, l) }()
	path := dir + "/" + PrivateSocket
	idle, reloads, asks := connect(t, path), connect(t, path), connect(t, path)
	if m := idle.call("/", table.Peer, "Ping", ""); m.Type != dbus.Return {
		t.Fatal(show(m))
	}
	serial := reloads.send(managerPath, table.Manager, "Reload", "")
	asks.send(managerPath, table.Manager, "Reexecute", "")
	for range 2 {
		select {
		case <-m.asked:
		case <-time.After(patience):
			t.Fatal("the calls do not reach the manager")
		}
	}
	first.Suspend()
	first.emit(managerPath, table.Manager, "UnitFilesChanged", "", nil, nil) // it is told still
	data, err := json.Marshal(first.Saved())
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, _, err := asks.in.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("who has asked is not told by the end of the connection: %v", err)
	}
	late := dial(t, path) // nobody listens just now, and it is not refused
	saved := &Saved{}
	if err := json.Unmarshal(data, saved); err != nil {
		t.Fatal(err)
	}
	again, err := gate.Listener(saved.Listener)
	if err != nil {
		t.Fatal(err)
	}
	next := newFake("a.service")
	second := NewServer(next, func(line string) { t.Log(line) })
	second.Restore(saved)
	done := make(chan error, 1)
	go func() { done <- second.Serve(ctx, again) }()
	defer func() { cancel(); <-done }()
	if m := reloads.next(); m.Member != "UnitFilesChanged" {
		t.Errorf("what happened after the suspension: %s", show(m))
	}
	if m := reloads.next(); m.Type != dbus.Return || m.ReplySerial != serial {
		t.Errorf("the call that was put off: %s", show(m))
	}
	if m := idle.next(); m.Member != "UnitFilesChanged" {
		t.Error(show(m))
	}
	if m := idle.call("/", table.Peer, "Ping", ""); m.Type != dbus.Return {
		t.Error(show(m))
	}
	late.greet()
	if m := late.call("/", table.Peer, "Ping", ""); m.Type != dbus.Return {
		t.Error(show(m))
	}
}
