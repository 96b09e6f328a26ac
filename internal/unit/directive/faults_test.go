package directive

import (
	"os"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// TestFaults checks the script of faults.
func TestFaults(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	var u *unit.Unit
	c := &Context{}
	section, number := "", 0
	for line := range strings.Lines(string(text)) {
		number++
		line, want, marked := strings.Cut(strings.TrimSpace(line), "###")
		line, want = strings.TrimSpace(line), strings.TrimSpace(want)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "-- "):
			u = New(line[3:], name.TypeOf(line[3:]), nil)
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		default:
			key, value, _ := strings.Cut(line, "=")
			faults := Apply(u, Assignment{section, key, value, "/etc/" + u.Name, number}, c)
			if !marked && len(faults) == 0 {
				continue
			}
			if len(faults) == 0 {
				t.Errorf("line %d: %s: no fault, want %q", number, line, want)
				continue
			}
			f := faults[0]
			if have := f.Why + "; " + f.Then; want != "" && have != want || want == "" &&
				marked == (f.Why == "") {
				t.Errorf("line %d: %s\nhave %s\nwant %s", number, line, have, want)
			}
			if f.File != "/etc/"+u.Name || f.Line != number || f.Name != key || f.Value != value {
				t.Errorf("line %d: fault is about %+v", number, f)
			}
			if f.Fatal != (u.Broken != unit.Stub) {
				t.Errorf("line %d: fatal %v, unit %s", number, f.Fatal, u.Broken)
			}
		}
	}
}

// TestNotHonoured checks that settings without effect are noted, once and sorted.
func TestNotHonoured(t *testing.T) {
	u := New("a.service", name.Service, nil)
	c := &Context{}
	apply(u, c, "Service", []string{
		"RootImage=/x", "ManagedOOMSwap=kill", "RootImage=/y", "User=x", "RootVerity=/x",
		"PrivateIPC=perhaps",
	})
	want := []string{
		"Service.ManagedOOMSwap", "Service.RootImage", "Service.RootVerity",
	}
	if !slices.Equal(u.NotHonoured, want) {
		t.Errorf("have %q, want %q", u.NotHonoured, want)
	}
}

// TestEdges checks what lines of dependencies become.
func TestEdges(t *testing.T) {
	u := New("a@i.service", name.Service, nil)
	c := &Context{Expand: func(s string) (string, error) {
		return strings.ReplaceAll(s, "%i", "i"),
			nil
	}}
	apply(u, c, "Unit", []string{
		"Requires=b.service c@.service", "BindTo=d.mount", "Requires=", "After=e@%i.target",
		"PropagateReloadFrom=f.service",
	})
	apply(u, c, "Service", []string{"Sockets=g.socket"})
	want := []unit.Edge{
		{Kind: unit.Requires, Name: "b.service", File: "/u", Line: 1},
		{Kind: unit.Requires, Name: "c@i.service", File: "/u", Line: 1},
		{Kind: unit.BindsTo, Name: "d.mount", File: "/u", Line: 2},
		{Kind: unit.After, Name: "e@i.target", File: "/u", Line: 4},
		{Kind: unit.ReloadPropagatedFrom, Name: "f.service", File: "/u", Line: 5},
		{Kind: unit.Wants, Name: "g.socket", File: "/u", Line: 1},
		{Kind: unit.TriggeredBy, Name: "g.socket", File: "/u", Line: 1},
	}
	if !slices.Equal(u.Edges, want) {
		t.Errorf("have %+v\nwant %+v", u.Edges, want)
	}
	if len(u.Faults) != 0 {
		t.Errorf("faults %v", u.Faults)
	}
}

// TestInstall checks the section that is not about running.
func TestInstall(t *testing.T) {
	u := New("a@.service", name.Service, nil)
	apply(u, &Context{}, "Install", []string{
		"WantedBy=x.target y.target", "WantedBy=z.target", "RequiredBy=x.target", "RequiredBy=",
		"Alias=b@.service",
		"Also=c.socket", "DefaultInstance=one", "UpheldBy=u.target",
	})
	i := u.Install
	if !slices.Equal(i.WantedBy, []string{"x.target", "y.target", "z.target"}) ||
		len(i.RequiredBy) != 0 ||
		!slices.Equal(i.Alias, []string{"b@.service"}) || !slices.Equal(i.Also, []string{"c.socket"}) ||
		i.DefaultInstance != "one" || !slices.Equal(i.UpheldBy, []string{"u.target"}) ||
		len(u.Faults) != 0 {
		t.Errorf("have %+v, faults %v", i, u.Faults)
	}
}

// TestUser checks what is different for units of a user.
func TestUser(t *testing.T) {
	u := New("a.service", name.Service, nil)
	c := &Context{User: true, Home: "/home/me", RuntimeDir: "/run/user/1000"}
	apply(u, c, "Service", []string{"ExecStart=/bin/true", "PIDFile=a.pid", "FailureAction=reboot"})
	if err := Finish(u, c, nil); err != nil {
		t.Fatal(err)
	}
	if u.Exec.WorkingDirectory != "/home/me" || !u.Exec.WorkingDirectoryMissingOK {
		t.Errorf("working directory %q", u.Exec.WorkingDirectory)
	}
	if u.Service.PIDFile != "/run/user/1000/a.pid" {
		t.Errorf("PID file %q", u.Service.PIDFile)
	}
	if len(u.Faults) != 1 || u.FailureAction != unit.ActionNone {
		t.Errorf("action %s, faults %v", u.FailureAction, u.Faults)
	}
}

// TestFinish checks which units must not be used.
func TestFinish(t *testing.T) {
	for _, c := range []struct{ unit, lines, err string }{
		{"a.service", "ExecStart=/bin/true", ""},
		{"a.service", "", "nothing to do"},
		{"a.service", "ExecStop=/bin/true\nType=simple", "only Type=oneshot can do without"},
		{"a.service", "ExecStop=/bin/true", "needs RemainAfterExit=yes"},
		{"a.service", "ExecStart=/bin/a\nExecStart=/bin/b", "only Type=oneshot can have"},
		{"a.service", "Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b", ""},
		{"a.service", "Type=oneshot\nExecStart=/bin/a\nRestart=always", "again and again"},
		{"a.service", "Type=oneshot\nExecStart=/bin/a\nRestartForceExitStatus=1", "again and again"},
		{"a.service", "Type=oneshot\nExecStart=/bin/a\nExitType=cgroup", "means nothing"},
		{"a.service", "Type=dbus\nExecStart=/bin/a", "without BusName="},
		{"a.service", "BusName=a.b\nExecStart=/bin/a", ""},
		{"a.service", "Type=notify-reload\nExecStart=/bin/a\nReloadSignal=USR1", ""},
		{"a.service", "PAMName=x\nKillMode=none\nExecStart=/bin/a", "PAMName="},
		{"a.service", "User=a/b\nExecStart=/bin/a", "too important"},
		{"a.socket", "", "nothing to listen on"},
		{"a.socket", "Accept=yes\nListenDatagram=/a", "connections only"},
		{"a.socket", "Accept=yes\nListenStream=/a\nMaxConnections=0", "nobody"},
		{"a.socket", "Accept=yes\nListenStream=/a\nService=b.service", "does not go with Service="},
		{"a.timer", "", "no time"},
		{"a.timer", "OnClockChange=yes", ""},
		{"a.path", "", "no path"},
		{"a-b.mount", "What=x", ""},
		{"a-b.mount", "Where=/a/b", "no What="},
		{"a-b.mount", "What=x\nWhere=/c", "does not go with the name"},
		{"a.automount", "", ""},
		{"-.automount", "", "root directory"},
		{"a.automount", "Where=/b", "does not go with the name"},
		{"a.swap", "", ""},
		{"a.swap", "What=/b", "does not go with the name"},
		{"a.scope", "", ""},
		{"a.slice", "", ""},
		{"a.target", "", ""},
		{"a.device", "", ""},
	} {
		typ := name.TypeOf(c.unit)
		u := New(c.unit, typ, nil)
		apply(u, &Context{}, sectionOf[typ], strings.Split(c.lines, "\n"))
		err := Finish(u, nil, nil)
		switch {
		case c.err == "" && err != nil:
			t.Errorf("%s %q: %v", c.unit, c.lines, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s %q: have %v, want %s", c.unit, c.lines, err, c.err)
		}
	}
}

// TestDynamicName checks the names of users that units make up.
func TestDynamicName(t *testing.T) {
	for unitName, want := range map[string]string{
		"web.service": "web", "web-1.service": "web-1", "web@x.service": "web", "1web.service": "_du",
		"über.service": "_du", "a.b.service": "_du",
	} {
		got := dynamicName(unitName)
		if want == "_du" && (!strings.HasPrefix(got, "_du") || len(got) != 19) || want != "_du" &&
			got != want {
			t.Errorf("%s: have %s, want %s", unitName, got, want)
		}
	}
}

// The property of RestrictFileSystems= does not show what it comes to.
func TestFileSystems(t *testing.T) {
	for lines, want := range map[string]unit.Restriction{
		"RestrictFileSystems=ext4 @temporary": {
			Allow: true, Names: []string{"ext4", "ramfs", "tmpfs"},
		},
		"RestrictFileSystems=~@temporary proc\nRestrictFileSystems=ramfs": {
			Names: []string{"proc", "tmpfs"},
		},
		"RestrictFileSystems=@temporary ext5 @none\nRestrictFileSystems=~ramfs": {
			Allow: true, Names: []string{"tmpfs"},
		},
		"RestrictFileSystems=ext4\nRestrictFileSystems=": {},
	} {
		u, err := build(t, "service", "Service", lines)
		if err != nil {
			t.Fatal(err)
		}
		have := u.Exec.RestrictFileSystems
		if have.Allow != want.Allow || !slices.Equal(have.Names, want.Names) {
			t.Errorf("%s: %+v, want %+v", lines, have, want)
		}
		differs := slices.ContainsFunc(Differ(u, New("a.service", name.Service, nil)),
			func(r *Row) bool { return r.Name == "RestrictFileSystems" })
		if differs != want.Any() {
			t.Errorf("%s: differs: %v", lines, differs)
		}
	}
}
