package dbus

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rouse/internal/face/dbus/table"
	"rouse/internal/unit/name"
	"rouse/internal/wire/dbus"
)

// stranger is a sender on the bus that is neither root nor the manager's user. polkit
// is what polkit answers; nil is that there is none.
type stranger struct {
	got    chan *dbus.Message
	asked  []*dbus.Message
	polkit *dbus.Message
}

func (s *stranger) answer(m *dbus.Message, files []*os.File) {
	closeFiles(files)
	s.got <- m
}

func (s *stranger) flush() {}

func (s *stranger) credentials(context.Context, string) (creds, error) {
	return creds{uid: uint32(os.Getuid()) + 1, pid: 1 << 22}, nil
}

func (s *stranger) ask(_ context.Context, m *dbus.Message) (*dbus.Message, error) {
	s.asked = append(s.asked, m)
	if s.polkit == nil {
		return failure(1, errorPrefix+"ServiceUnknown", "nobody has the name"), nil
	}
	return s.polkit, nil
}

// call sends a call and gives the answer.
func (s *stranger) call(t *testing.T, server *Server, m *dbus.Message) *dbus.Message {
	t.Helper()
	m.Type, m.Serial, m.Sender = dbus.Call, 1, ":1.7"
	server.received(t.Context(), s, m, nil)
	select {
	case m := <-s.got:
		return m
	case <-time.After(patience):
		t.Fatalf("%s: no answer", m.Member)
	}
	return nil
}

// mayRead are the methods of the manager and of units that everybody may call.
var mayRead = map[string]bool{}

func everybody() map[string]bool {
	if len(mayRead) == 0 {
		for n := range strings.FieldsSeq(`Get GetAll Introspect Ping GetMachineId GetAfter GetBefore
			GetJob GetJobAfter GetJobBefore GetUnit GetUnitByPID GetUnitByInvocationID
			GetUnitByControlGroup LoadUnit ListUnits ListUnitsFiltered ListUnitsByPatterns
			ListUnitsByNames ListJobs GetUnitProcesses GetProcesses Subscribe Unsubscribe
			GetDynamicUsers LookupDynamicUserByName LookupDynamicUserByUID Dump
			DumpByFileDescriptor DumpUnitsMatchingPatterns
			DumpUnitsMatchingPatternsByFileDescriptor ListUnitFiles ListUnitFilesByPatterns
			GetUnitFileState GetUnitFileLinks GetDefaultTarget`) {
			mayRead[n] = true
		}
	}
	return mayRead
}

// TestStrangers calls each method of each interface as somebody who may only read.
// Methods that no file has a row for are listed.
func TestStrangers(t *testing.T) {
	m := newFake("web.service", "a.scope", "a.slice", "a.timer", "a.path", "a.socket", "a.mount",
		"a.swap", "a.automount", "a.target", "a.device")
	m.jobs = append(m.jobs, jobInfo(9, "web.service"))
	m.units["web.service"].JobType = "start"
	server := NewServer(m, func(line string) { t.Log(line) })
	objects := map[string]string{
		table.Manager: managerPath, table.LogControl: logPath, table.Job: jobPath(9),
		table.Unit: name.BusPath("web.service"),
	}
	for ty := name.Service; ty < name.Types; ty++ {
		unit := "a." + ty.String()
		if ty == name.Service {
			unit = "web.service"
		}
		objects[table.OfType(ty)] = name.BusPath(unit)
	}
	var missing []string
	for iface, path := range objects {
		for _, member := range table.Find(iface).Members {
			if member.Kind != table.Method {
				continue
			}
			m.called = nil
			s := &stranger{got: make(chan *dbus.Message, 1)}
			sig := table.Signature(member.In)
			got := s.call(t, server, &dbus.Message{Path: path, Interface: iface,
				Member: member.Name, Signature: sig, Body: sample(sig, path)})
			what := iface + "." + member.Name
			switch {
			case got.ErrorName == errorPrefix+"NotSupported":
				missing = append(missing, what)
			case everybody()[member.Name]:
				if got.ErrorName == errorPrefix+"AccessDenied" {
					t.Errorf("%s: refused, but everybody may read", what)
				}
			case got.ErrorName != errorPrefix+"AccessDenied":
				t.Errorf("%s: %s, want AccessDenied", what, show(got))
			}
			if len(m.called) > 0 {
				t.Errorf("%s: has changed something: %v", what, m.called)
			}
		}
	}
	members, _ := readable([]*table.Interface{
		table.Find(table.Manager), table.Find(table.LogControl),
	})
	for _, p := range members {
		iface, path := table.Manager, managerPath
		if table.Find(iface).Member(table.Property, p.Name) == nil {
			iface, path = table.LogControl, logPath
		}
		want := "PropertyReadOnly"
		if p.Writable {
			want = "AccessDenied"
		}
		var e dbus.Encoder
		e.Text(iface)
		e.Text(p.Name)
		e.Variant(p.Type)
		write(&e, p.Type, nil)
		s := &stranger{got: make(chan *dbus.Message, 1)}
		got := s.call(t, server, &dbus.Message{Path: path, Interface: table.Properties,
			Member: "Set", Signature: "ssv", Body: e.Bytes()})
		if got.ErrorName != errorPrefix+want {
			t.Errorf("set %s: %s, want %s", p.Name, show(got), want)
		}
	}
	slices.Sort(missing)
	t.Logf("methods without a row: %s", strings.Join(missing, " "))
}

// sample is a body of the signature that is not refused for itself.
func sample(sig, path string) []byte {
	var e dbus.Encoder
	texts := []string{"web.service", "start", "replace"}
	if strings.HasPrefix(path, unitPrefix) {
		texts = []string{"replace", "replace", "replace"}
	}
	if strings.HasPrefix(sig, "sss") && !strings.HasPrefix(path, unitPrefix) {
		texts = []string{"web.service", "start", "replace"}
	} else if strings.HasPrefix(sig, "ss") && !strings.HasPrefix(path, unitPrefix) {
		texts = []string{"web.service", "replace"}
	} else if strings.HasPrefix(sig, "ss") {
		texts = []string{"start", "replace"}
	}
	for rest := sig; rest != ""; {
		n := dbus.TypeLen(rest)
		var v any
		switch {
		case rest[0] == 's' && len(texts) > 0:
			v, texts = texts[0], texts[1:]
		case rest[0] == 'u':
			v = uint32(9)
		case rest[0] == 'i':
			v = int32(15)
		}
		write(&e, rest[:n], v)
		rest = rest[n:]
	}
	return e.Bytes()
}

func polkitSays(authorized, challenge bool) *dbus.Message {
	var e dbus.Encoder
	e.Struct()
	e.Bool(authorized)
	e.Bool(challenge)
	e.Array("{ss}", func() {})
	return &dbus.Message{Type: dbus.Return, Signature: "(bba{ss})", Body: e.Bytes()}
}

func TestPolkit(t *testing.T) {
	for _, test := range []struct {
		polkit *dbus.Message
		flags  dbus.Flags
		want   string
	}{
		{nil, 0, "error org.freedesktop.DBus.Error.AccessDenied Permission denied"},
		{polkitSays(false, false), 0,
			"error org.freedesktop.DBus.Error.AccessDenied Permission denied"},
		{polkitSays(false, true), 0, "error org.freedesktop.DBus.Error." +
			"InteractiveAuthorizationRequired Interactive authentication required."},
		{polkitSays(true, false), dbus.AllowInteraction, "return /org/freedesktop/systemd1/job/1"},
		{failure(1, "org.example.Bad", "bad"), 0, "error org.example.Bad bad"},
	} {
		m := newFake("web.service")
		server := NewServer(m, nil)
		s := &stranger{got: make(chan *dbus.Message, 1), polkit: test.polkit}
		got := s.call(t, server, &dbus.Message{Path: managerPath, Interface: table.Manager,
			Member: "StartUnit", Signature: "ss", Body: sample("ss", managerPath),
			Flags: test.flags})
		if show(got) != test.want {
			t.Errorf("got %s, want %s", show(got), test.want)
		}
		if len(s.asked) != 1 {
			t.Fatalf("polkit was asked %d times", len(s.asked))
		}
		const want = "[system-bus-name [[name {s :1.7}]]] | org.freedesktop.systemd1.manage-units" +
			" | [[unit web.service] [verb start] [polkit.message Authentication is required to" +
			" start '$(unit)'.] [polkit.gettext_domain systemd]] | "
		interactive := "0"
		if test.flags != 0 {
			interactive = "1"
		}
		s.asked[0].Type = dbus.Return
		if got := show(s.asked[0]); got != "return "+want+interactive+" |" {
			t.Errorf("polkit was asked\n%s, want\n%s", got, want+interactive)
		}
	}
}

// TestDumpLimit: strangers get some dumps and then none for ten minutes, over a
// re-execution as well.
func TestDumpLimit(t *testing.T) {
	s := NewServer(newFake(), nil)
	for i := range dumpBurst + 5 {
		if got := s.mayDump(1e9); got != (i < dumpBurst) {
			t.Errorf("dump %d: %t", i+1, got)
		}
	}
	next := NewServer(newFake(), nil)
	next.Restore(&Saved{Listener: -1, Dumps: s.leave.saved.Dumps})
	if next.mayDump(2e9 - 1e9 + dumpInterval) {
		t.Error("forgotten over a re-execution")
	}
	if !next.mayDump(1e9 + dumpInterval + 1) {
		t.Error("refused after ten minutes")
	}
}

// TestHolders: whoever has a reference to a unit is told of changes until it leaves.
func TestHolders(t *testing.T) {
	l := &BusLink{
		clients:     map[string]*creds{":1.5": {}},
		subscribers: map[string]bool{}, holders: map[string]bool{},
	}
	l.hold(t.Context(), ":1.5")
	if !l.listens() || len(l.names()) != 1 {
		t.Error("a holder is not told")
	}
	delete(l.clients, ":1.5") // so that the bus need not be told
	var e dbus.Encoder
	for _, s := range []string{":1.5", ":1.5", ""} {
		e.Text(s)
	}
	l.left(&dbus.Message{
		Sender: busName, Member: "NameOwnerChanged", Signature: "sss", Body: e.Bytes(),
	})
	if l.listens() {
		t.Error("one that has left is told")
	}
}
