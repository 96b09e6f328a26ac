package dbus

import (
	"context"
	"fmt"
	"os"
	"sync"

	"rouse/internal/wire/dbus"
)

// Bus is the manager's connection to the message bus. None of its methods waits.
type Bus interface {
	// Send sends a message, and gives it its serial. It takes the descriptors over.
	Send(m *dbus.Message, files []*os.File)
	// Call sends a call and has answer called with what comes back; never, if the
	// connection ends before.
	Call(m *dbus.Message, answer func(*dbus.Message))
}

const (
	busName = "org.freedesktop.DBus"
	busPath = "/org/freedesktop/DBus"
	// maxWaiting is how many messages of the bus may wait to be looked at.
	maxWaiting = 1024
)

// A BusLink answers those who call on the bus, as long as the connection lasts.
type BusLink struct {
	s      *Server
	bus    Bus
	ctx    context.Context
	cancel context.CancelFunc
	queue  chan received

	mu          sync.Mutex
	clients     map[string]*creds // who is known, and watched
	subscribers map[string]bool
	holders     map[string]bool // who has a reference to a unit: they are told as well
}

type received struct {
	m     *dbus.Message
	files []*os.File
}

// Attach has the server answer on the bus; the former connection is no more.
func (s *Server) Attach(b Bus) *BusLink {
	l := &BusLink{
		s: s, bus: b, queue: make(chan received, maxWaiting),
		clients: map[string]*creds{}, subscribers: map[string]bool{},
		holders: map[string]bool{},
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	s.bus = l
	s.mu.Unlock()
	l.restore()
	go l.work()
	return l
}

// Received takes a call of somebody on the bus, or a signal of the bus about a client.
// While very much waits, it waits, too.
func (l *BusLink) Received(m *dbus.Message, files []*os.File) {
	if m.Type == dbus.Signal {
		closeFiles(files)
		l.left(m)
		return
	}
	select {
	case l.queue <- received{m, files}:
	case <-l.ctx.Done():
		closeFiles(files)
	}
}

// Closed tells that the connection has ended.
func (l *BusLink) Closed() {
	l.cancel()
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.s.bus == l {
		l.s.bus = nil
		clear(l.s.jobs)
	}
}

func (l *BusLink) work() {
	for {
		select {
		case r := <-l.queue:
			l.s.received(l.ctx, l, r.m, r.files)
		case <-l.ctx.Done():
			return
		}
	}
}

// answer implements link.
func (l *BusLink) answer(m *dbus.Message, files []*os.File) {
	m.FDs = uint32(len(files))
	l.bus.Send(m, files)
}

// flush implements link: the bus has no queue of ours.
func (l *BusLink) flush() {}

// ask implements link.
func (l *BusLink) ask(ctx context.Context, m *dbus.Message) (*dbus.Message, error) {
	got := make(chan *dbus.Message, 1)
	l.bus.Call(m, func(m *dbus.Message) { got <- m })
	select {
	case m := <-got:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ctx.Done():
		return nil, l.ctx.Err()
	}
}

func call1(member, arg string) *dbus.Message {
	var e dbus.Encoder
	e.Text(arg)
	return &dbus.Message{
		Type: dbus.Call, Destination: busName, Path: busPath, Interface: busName, Member: member,
		Signature: "s", Body: e.Bytes(),
	}
}

// credentials implements link. What the bus has said is remembered until the client
// leaves.
func (l *BusLink) credentials(ctx context.Context, sender string) (creds, error) {
	l.mu.Lock()
	known := l.clients[sender]
	l.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	l.watch(sender)
	m, err := l.ask(ctx, call1("GetConnectionCredentials", sender))
	if err != nil {
		return creds{uid: nobody}, err
	}
	if m.Type != dbus.Return || m.Signature != "a{sv}" {
		return creds{uid: nobody}, fmt.Errorf("credentials of %s: %s", sender, m.ErrorName)
	}
	who := creds{uid: nobody}
	d := m.Decoder()
	d.Array("{sv}", func() {
		d.Struct()
		key := d.Text()
		sig := d.Variant()
		switch {
		case key == "UnixUserID" && sig == "u":
			who.uid = d.Uint32()
		case key == "ProcessID" && sig == "u":
			who.pid = int(d.Uint32())
		default:
			d.Skip(sig)
		}
	})
	if d.Err() != nil {
		return creds{uid: nobody}, d.Err()
	}
	l.mu.Lock()
	l.clients[sender] = &who
	l.mu.Unlock()
	return who, nil
}

// watch has the bus tell when a client leaves.
func (l *BusLink) watch(sender string) {
	l.bus.Call(call1("AddMatch", leaving(sender)), func(*dbus.Message) {})
}

func leaving(sender string) string {
	return "type='signal',sender='" + busName + "',path='" + busPath + "',interface='" +
		busName + "',member='NameOwnerChanged',arg0='" + sender + "'"
}

// left forgets a client that has left.
func (l *BusLink) left(m *dbus.Message) {
	if m.Sender != busName || m.Member != "NameOwnerChanged" || m.Signature != "sss" {
		return
	}
	d := m.Decoder()
	client, _, owner := d.Text(), d.Text(), d.Text()
	if owner != "" {
		return
	}
	l.mu.Lock()
	_, known := l.clients[client]
	delete(l.clients, client)
	delete(l.subscribers, client)
	delete(l.holders, client)
	l.mu.Unlock()
	if known {
		l.bus.Call(call1("RemoveMatch", leaving(client)), func(*dbus.Message) {})
	}
}

// listens reports whether anybody has subscribed, or holds a unit.
func (l *BusLink) listens() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.subscribers)+len(l.holders) > 0
}

// hold notes that a client has a reference to a unit: whoever has one waits for what
// becomes of it, as systemd-run does, and need not subscribe.
func (l *BusLink) hold(ctx context.Context, sender string) {
	if _, err := l.credentials(ctx, sender); err != nil { // watches it as well
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, here := l.clients[sender]; here {
		l.holders[sender] = true
	}
}

// subscribe implements link.
func (l *BusLink) subscribe(ctx context.Context, sender string, on bool) (was bool, err error) {
	if on {
		if _, err := l.credentials(ctx, sender); err != nil { // watches it as well
			return false, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	was = l.subscribers[sender]
	delete(l.subscribers, sender)
	if _, here := l.clients[sender]; on && here {
		l.subscribers[sender] = true
	}
	return was, nil
}
