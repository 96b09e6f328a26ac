package directive

import (
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

func configure(m *Manager, lines ...[2]string) []unit.Fault {
	var faults []unit.Fault
	for i, l := range lines {
		a := Assignment{Section: "Manager", Name: l[0], Value: l[1], File: "/etc/system.conf",
			Line: i + 1}
		faults = append(faults, ParseManagerConf(m, a, nil)...)
	}
	return faults
}

// TestManager checks that units start from what system.conf says.
func TestManager(t *testing.T) {
	m := NewManager(false)
	faults := configure(m,
		[2]string{"DefaultTimeoutStartSec", "10"}, [2]string{"DefaultTimeoutStopSec", "0"},
		[2]string{"DefaultTimeoutAbortSec", "7"}, [2]string{"DefaultRestartSec", "1min"},
		[2]string{"DefaultStartLimitInterval", "5"}, [2]string{"DefaultStartLimitBurst", "9"},
		[2]string{"DefaultLimitNOFILE", "5:6"}, [2]string{"DefaultTasksMax", "50%"},
		[2]string{"DefaultCPUAccounting", "no"}, [2]string{"DefaultStandardOutput", "kmsg"},
		[2]string{"DefaultStandardError", "null"}, [2]string{"DefaultOOMPolicy", "kill"},
		[2]string{"DefaultOOMScoreAdjust", "100"}, [2]string{"DefaultEnvironment", "A=1 B=2"},
		[2]string{"DefaultTimerAccuracySec", "1s"}, [2]string{"DefaultSmackProcessLabel", "x"},
		[2]string{"LogLevel", "7"}, [2]string{"LogTarget", "console"}, [2]string{"ShowStatus", "1"},
		[2]string{"CtrlAltDelBurstAction", "none"}, [2]string{"CrashChVT", "yes"},
		[2]string{"CPUAffinity", "1"},
		[2]string{"RuntimeWatchdogSec", "off"}, [2]string{"ShutdownWatchdogSec", "5min"},
		[2]string{"StatusUnitFormat", "name"}, [2]string{"NUMAPolicy", "bind"},
		[2]string{"TimerSlackNSec", "5"},
		[2]string{"X-Mine", "1"},
	)
	if len(faults) != 0 {
		t.Errorf("faults %v", faults)
	}
	d := &m.Defaults
	d.TasksTotal = 1000
	u := New("a.service", name.Service, d)
	s, x, r := u.Service, u.Exec, u.Resources
	if s.TimeoutStart != 10*value.Second || s.TimeoutStop != value.Infinity ||
		s.TimeoutAbort != 7*value.Second ||
		s.RestartDelay != value.Minute || u.StartLimitInterval != 5*value.Second ||
		u.StartLimitBurst != 9 {
		t.Errorf("times %+v", s)
	}
	if r.TasksMax != 500 || r.CPUAccounting || x.OOMScoreAdjust != 100 ||
		x.SmackProcessLabel.Label != "x" {
		t.Errorf("resources %+v", r)
	}
	apply(u, &Context{Defaults: d}, "Service", []string{"ExecStart=/bin/true"})
	if err := Finish(u, nil, d); err != nil {
		t.Fatal(err)
	}
	if l := x.Limits[value.LimitNOFILE]; l.Soft != 5 || l.Hard != 6 || !l.Set {
		t.Errorf("limit %+v", l)
	}
	if x.Stdout != unit.StdioKmsg || x.Stderr != unit.StdioNull || s.OOMPolicy != unit.OOMKill {
		t.Errorf("outputs %s and %s, OOM policy %s", x.Stdout, x.Stderr, s.OOMPolicy)
	}
	if timer := New("a.timer", name.Timer, d); timer.Timer.Accuracy != value.Second {
		t.Errorf("accuracy %s", timer.Timer.Accuracy)
	}
	if !slices.Equal(d.Environment, []string{"A=1", "B=2"}) || m.LogLevel != "debug" ||
		m.LogTarget != "console" ||
		m.ShowStatus != "yes" || m.CtrlAltDel != unit.ActionNone || m.RebootWatchdog != 5*value.Minute ||
		m.CrashChangeVT != 0 || m.StatusFormat != "name" || m.NUMAPolicy != 2 || m.TimerSlack != 5 {
		t.Errorf("manager %+v", m)
	}
}

// TestManagerFaults checks what is refused.
func TestManagerFaults(t *testing.T) {
	m := NewManager(true)
	for _, l := range [][2]string{
		{"Bogus", "1"}, {"LogLevel", "loud"}, {"LogTarget", "moon"}, {"ShowStatus", "perhaps"},
		{"DefaultLimitNOFILE", "x"}, {"DefaultTasksMax", "0"}, {"DefaultOOMScoreAdjust", "2000"},
		{"JoinControllers", "cpu,cpuacct"}, {"CrashChangeVT", "64"}, {"StatusUnitFormat", "long"},
		{"NUMAPolicy", "x"}, {"DefaultStandardOutput", "file:/x"}, {"RuntimeWatchdogSec", "x"},
	} {
		if faults := configure(m, l); len(faults) != 1 || faults[0].Line != 1 ||
			faults[0].Then != "ignoring the line" {
			t.Errorf("%s=%s: faults %v", l[0], l[1], faults)
		}
	}
	if faults := ParseManagerConf(m, Assignment{Section: "Unit", Name: "After"},
		nil); len(faults) != 1 {
		t.Errorf("another section: faults %v", faults)
	}
	if m.Defaults.Stdout != unit.StdioInherit || m.Defaults.Limits[value.LimitNOFILE].Set {
		t.Error("the manager of a user has defaults of its own")
	}
}

// What a unit sets, and what that implies, differs from a unit that sets nothing.
func TestDiffer(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"", ""},
		{"ExecStart=/bin/true Restart=always", ""},
		{"ProtectSystem=strict User=web Nice=5", "User ProtectSystem Nice"},
		{"ProtectClock=yes", "ProtectClock CapabilityBoundingSet"},
		{"PrivateDevices=yes", "PrivateDevices CapabilityBoundingSet DevicePolicy"},
		{"MemoryMax=1G TasksMax=7", "MemoryMax TasksMax"},
		{"LimitNOFILE=7 Environment=A=1 KillMode=process", "KillMode Environment LimitNOFILE"},
		{"InaccessibleDirectories=/srv", "InaccessiblePaths"},
		{"LoadCredential=a:/b", "LoadCredential"},
		{"RestrictNamespaces=yes SystemCallFilter=@basic-io", "RestrictNamespaces SystemCallFilter"},
		{"IPAddressDeny=any DeviceAllow=/dev/null", "DeviceAllow IPAddressDeny"},
	} {
		u := New("a.service", name.Service, nil)
		apply(u, &Context{}, "Service", strings.Fields(c.lines))
		_ = Finish(u, nil, nil)
		var got []string
		for _, r := range Differ(u, Fresh(u, nil, nil)) {
			if r.Use() == ForOthers {
				t.Errorf("%s is no setting of processes", r.Name)
			}
			got = append(got, r.Name)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.lines, s, c.want)
		}
	}
}

// X-Enforce= may stand in any section, and is the only setting with X- that means something.
func TestEnforce(t *testing.T) {
	for _, c := range []struct {
		section, value string
		want           unit.Enforce
		faults         int
	}{
		{"Unit", "strict", unit.EnforceStrict, 0},
		{"Service", "best-effort", unit.EnforceBestEffort, 0},
		{"Service", "", unit.EnforceUnset, 0},
		{"X-Mine", "strict", unit.EnforceBestEffort, 0},
		{"Service", "perhaps", unit.EnforceBestEffort, 1},
	} {
		u := New("a.service", name.Service, nil)
		u.Enforce = unit.EnforceBestEffort
		faults := Apply(u, Assignment{Section: c.section, Name: "X-Enforce", Value: c.value}, nil)
		if len(faults) != c.faults || u.Enforce != c.want {
			t.Errorf("[%s] %s: %s, faults %v", c.section, c.value, u.Enforce, faults)
		}
	}
	m := NewManager(false)
	for _, c := range []struct {
		value  string
		faults int
	}{{"strict", 0}, {"x", 1}} {
		f := configure(m, [2]string{"Enforce", c.value})
		if len(f) != c.faults || m.Enforce != unit.EnforceStrict {
			t.Errorf("Enforce=%s: %s, faults %v", c.value, m.Enforce, f)
		}
	}
}

// Units of a user's manager have its keyring, others one of their own.
func TestOwnKeyring(t *testing.T) {
	d := NewDefaults()
	if k := New("a.service", name.Service, d).Exec.Keyring; k != unit.KeyringPrivate {
		t.Errorf("service: %v", k)
	}
	if k := New("a.socket", name.Socket, d).Exec.Keyring; k != unit.KeyringShared {
		t.Errorf("socket: %v", k)
	}
	d.OwnKeyring = true
	if k := New("a.service", name.Service, d).Exec.Keyring; k != unit.KeyringInherit {
		t.Errorf("service of a user: %v", k)
	}
}
