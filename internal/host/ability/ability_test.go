package ability

import (
	"slices"
	"strings"
	"testing"

	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value/linux"
)

// service is a service with settings, one a line, and one without.
func service(t *testing.T, lines string) (u, fresh *unit.Unit) {
	t.Helper()
	u = directive.New("a.service", name.Service, nil)
	for line := range strings.Lines(lines) {
		key, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		a := directive.Assignment{Section: "Service", Name: key, Value: v}
		if faults := directive.Apply(u, a, nil); len(faults) > 0 {
			t.Fatal(faults)
		}
	}
	_ = directive.Finish(u, nil, nil)
	return u, directive.Fresh(u, nil, nil)
}

// A place that is made up: what it refuses, and which capabilities it lacks.
func made(refused []spawn.Trial, errno sys.Errno, lacks ...string) *Place {
	all := ^uint64(0)
	for _, l := range lacks {
		n, _ := linux.Capability(l)
		all &^= 1 << n
	}
	p := New(Config{Groups: func() Groups { return Groups{Kind: "none"} }})
	p.system, p.caps = "linux", &capabilities{true, false, all, all, all}
	p.c.Try = func(t spawn.Trial) error {
		if slices.Contains(refused, t) {
			return errno
		}
		return nil
	}
	return p
}

// rulesOf is what the rules make of settings, whether they are carried out yet or not.
func rulesOf(p *Place, u, fresh *unit.Unit) (r Report) {
	for _, row := range directive.Differ(u, fresh) {
		as := *row
		as.Support = directive.Full
		r = append(r, p.fact(u, &as))
	}
	return r
}

func TestReport(t *testing.T) {
	everything := make([]spawn.Trial, spawn.Trials)
	for i := range everything {
		everything[i] = spawn.Trial(i)
	}
	whole := made(nil, 0)
	whole.c.Groups = func() Groups { return Groups{Kind: "v2", Controllers: []string{"memory"}} }
	refusing := made(nil, 0)
	refusing.c.Groups = func() Groups { return Groups{Kind: "v2"} }
	refusing.c.Load = func(_, _, _ uint32, _ []uint64) (int, error) { return -1, sys.EPERM }
	for _, c := range []struct {
		name, lines string
		place       *Place
		want        string // facts, with / between
		without     string
		refused     string
	}{
		{name: "nothing", place: whole},
		{
			name: "whole", lines: "ProtectSystem=strict\nMemoryMax=1G", place: whole,
			want: "ProtectSystem: applied/MemoryMax: applied",
		},
		{
			name: "a controller", lines: "MemoryMax=1G\nTasksMax=7", place: whole,
			want: "MemoryMax: applied/" +
				"TasksMax: not applied: no controller pids in the control groups here",
			without: "TasksMax",
		},
		{
			name: "no groups", lines: "IPAddressDeny=any", place: made(nil, 0),
			want:    "IPAddressDeny: not applied: control groups cannot be written here",
			without: "IPAddressDeny",
		},
		{
			name: "no programs", lines: "IPAddressDeny=any\nDevicePolicy=closed", place: refusing,
			want: "DevicePolicy: not applied: programs in the kernel: refused by a filter or a security " +
				"module (operation not permitted)/IPAddressDeny: not applied: programs in the kernel: " +
				"refused by a filter or a security module (operation not permitted)",
			without: "DevicePolicy IPAddressDeny",
		},
		{
			name: "no mounts", lines: "ProtectHome=yes\nUser=daemon",
			place: made([]spawn.Trial{spawn.TrialMounts}, sys.EPERM, "CAP_SYS_ADMIN"),
			want: "User: applied/" +
				"ProtectHome: not applied: mount namespaces: no CAP_SYS_ADMIN",
			without: "ProtectHome", refused: "ProtectHome",
		},
		{
			name: "a filter in the way", lines: "PrivateNetwork=yes",
			place: made([]spawn.Trial{spawn.TrialNetwork}, sys.EPERM),
			want: "PrivateNetwork: not applied: network namespaces: refused by a filter or a security " +
				"module (operation not permitted)",
			without: "PrivateNetwork", refused: "PrivateNetwork",
		},
		{
			name: "half of it", lines: "ProtectKernelModules=yes\nCapabilityBoundingSet=",
			place: made([]spawn.Trial{spawn.TrialMounts}, sys.ENOSYS),
			want: "ProtectKernelModules: weaker: /usr/lib/modules is there: mount namespaces: not in " +
				"this kernel, or refused by a filter (function not implemented)/" +
				"CapabilityBoundingSet: applied",
			without: "ProtectKernelModules/namespaces", refused: "ProtectKernelModules",
		},
		{
			name: "never left out", lines: "User=daemon\nSupplementaryGroups=daemon\nDynamicUser=yes",
			place: made(nil, 0, "CAP_SETUID", "CAP_SETGID"),
			want: "DynamicUser: not applied: no CAP_SETUID/Group: not applied: no CAP_SETGID/" +
				"RemoveIPC: applied/SupplementaryGroups: not applied: no CAP_SETGID/" +
				"User: not applied: no CAP_SETGID/PrivateTmp: applied/ProtectHome: applied/" +
				"ProtectSystem: applied/NoNewPrivileges: applied/RestrictSUIDSGID: applied",
		},
		{
			name: "credentials", lines: "SetCredential=a:b\nLoadCredential=c",
			place: made(nil, 0, "CAP_SYS_ADMIN"),
			want: "LoadCredential: weaker: in a plain directory, not in memory of their own: no " +
				"CAP_SYS_ADMIN/SetCredential: weaker: in a plain directory, not in memory of " +
				"their own: no CAP_SYS_ADMIN",
		},
		{
			name:  "capabilities",
			lines: "AmbientCapabilities=CAP_NET_RAW\nCapabilityBoundingSet=CAP_NET_RAW",
			place: made(nil, 0, "CAP_SETPCAP", "CAP_NET_RAW"),
			want: "AmbientCapabilities: not applied: roused itself has no CAP_NET_RAW/" +
				"CapabilityBoundingSet: not applied: no CAP_SETPCAP",
			without: "AmbientCapabilities CapabilityBoundingSet", refused: "AmbientCapabilities",
		},
		{
			name:  "wishes",
			lines: "CPUSchedulingPolicy=fifo\nSELinuxContext=a_t\nIOSchedulingClass=realtime",
			place: made(nil, 0, "CAP_SYS_NICE", "CAP_SYS_ADMIN"),
			want: "SELinuxContext: not applied: SELinux is not at work here/" +
				"CPUSchedulingPolicy: not applied: no CAP_SYS_NICE/" +
				"CPUSchedulingPriority: not applied: no CAP_SYS_NICE/" +
				"IOSchedulingClass: not applied: no CAP_SYS_NICE",
			without: "SELinuxContext CPUSchedulingPolicy CPUSchedulingPriority IOSchedulingClass",
		},
		{
			name: "users' mounts", lines: "PrivateUsers=yes\nProtectHome=yes\nPrivateNetwork=yes",
			place: made([]spawn.Trial{spawn.TrialMounts, spawn.TrialUserNetwork}, sys.EPERM,
				"CAP_SYS_ADMIN"),
			want: "PrivateNetwork: not applied: network namespaces in a user namespace: no CAP_SYS_ADMIN/" +
				"PrivateUsers: applied/ProtectHome: applied",
			without: "PrivateNetwork", refused: "PrivateNetwork",
		},
		{
			name: "another journal", lines: "LogNamespace=x",
			place: made([]spawn.Trial{spawn.TrialMounts}, sys.EPERM, "CAP_SYS_ADMIN"),
			want: "LogNamespace: weaker: what is not standard output goes to another journal: mount " +
				"namespaces: no CAP_SYS_ADMIN",
			without: "LogNamespace/namespaces", refused: "LogNamespace",
		},
		{
			name: "filters", lines: "SystemCallFilter=@basic-io\nRestrictAddressFamilies=none",
			place: made(everything, sys.EINVAL),
			want: "RestrictAddressFamilies: not applied: filters of system calls: not in this kernel, or " +
				"refused by a filter (invalid argument)/SystemCallFilter: not applied: filters of " +
				"system calls: not in this kernel, or refused by a filter (invalid argument)",
			without: "RestrictAddressFamilies SystemCallFilter", refused: "RestrictAddressFamilies",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if sys.HaveOOMScoreAdjust == false {
				t.Skip("the names of capabilities and calls are those of Linux")
			}
			r := rulesOf(c.place, first(service(t, c.lines)), second(service(t, c.lines)))
			var got []string
			for _, f := range r {
				got = append(got, f.String())
			}
			if s := strings.Join(got, "/"); s != c.want {
				t.Errorf("facts\n%s, want\n%s", s, c.want)
			}
			if s := strings.Join(r.Without(), " "); s != c.without {
				t.Errorf("without %s, want %s", s, c.without)
			}
			if f, _ := r.Refused(); f.Directive != c.refused {
				t.Errorf("refused %q, want %q", f.Directive, c.refused)
			}
		})
	}
}

func first[T any](a, _ T) T  { return a }
func second[T any](_, b T) T { return b }

// Statuses are named as systemd names them, and rules are about settings that there are.
func TestRules(t *testing.T) {
	for directiveName, r := range rules() {
		row := directive.Lookup("Service", directiveName)
		if row == nil {
			t.Errorf("%s: there is no such setting", directiveName)
			continue
		}
		if r.status != 0 && spawn.StatusName(r.status) == "" {
			t.Errorf("%s: status %d has no name", directiveName, r.status)
		}
		if row.Use() == directive.ForSandbox && (r.status == 0) != harmless[directiveName] {
			t.Errorf("%s: protection, and processes do without it", directiveName)
		}
		for _, p := range r.parts {
			if len(r.parts) > 1 && (p.name == "" || p.without == "") {
				t.Errorf("%s: a part without a name", directiveName)
			}
		}
	}
	for _, list := range []map[string]bool{essential, harmless, ownEnvironment} {
		for directiveName := range list {
			if directive.Lookup("Service", directiveName) == nil {
				t.Errorf("%s: there is no such setting", directiveName)
			}
		}
	}
	for _, row := range directive.Rows() {
		if row.Use() == directive.ForSandbox && row.Same == "" {
			if _, ok := rules()[row.Name]; !ok && row.Name != "Personality" {
				t.Errorf("%s: no rule, so it would be applied everywhere", row.Name)
			}
		}
	}
}

// What a start finds out counts from then on, and it is tried once more without, once.
func TestFailed(t *testing.T) {
	u, fresh := service(t, "Nice=5\nUser=daemon")
	p := made(nil, 0)
	if p.Failed(u, "User", "x") || p.Failed(u, "WorkingDirectory", "x") || p.Failed(u, "None", "x") {
		t.Error("a process was to run as somebody else")
	}
	if !p.Failed(u, "Nice", "because") || p.Failed(u, "Nice", "again") {
		t.Error("not once")
	}
	r := p.Of(u, fresh)
	if s := strings.Join(r.Without(), " "); s != "Nice" {
		t.Errorf("without %q: %v", s, r)
	}
}

// The place itself is asked without a word of what it should say: it must not contradict
// what a process finds. The facts are logged.
func TestHere(t *testing.T) {
	u, fresh := service(t, "ProtectSystem=strict\nPrivateNetwork=yes\nLimitNOFILE=5\nNice=-5\n"+
		"OOMScoreAdjust=-1000\nMemoryMax=1G\nCPUSchedulingPolicy=fifo\nCapabilityBoundingSet=")
	p := New(Config{})
	for _, f := range rulesOf(p, u, fresh) {
		t.Log(f)
	}
	for _, f := range p.Of(u, fresh) {
		if f.Level != Applied && f.Why == "" {
			t.Errorf("%s: no reason", f)
		}
	}
}

// Elsewhere there is what the system has, and no more.
func TestElsewhere(t *testing.T) {
	p := made(nil, 0)
	p.system, p.euid = "plan9", 1000
	u, fresh := service(t, "User=daemon\nUMask=0077")
	var got []string
	for _, f := range p.Of(u, fresh) {
		got = append(got, f.String())
	}
	want := "UMask: applied/User: not applied: needs root"
	if s := strings.Join(got, "/"); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

// What there are no means for is refused, whatever the mode, if it decides on which files a
// process runs.
func TestVital(t *testing.T) {
	for _, mode := range []string{"strict", "best-effort"} {
		u, fresh := service(t, "RootImage=/image\nRootImageOptions=ro\nX-Enforce="+mode+"\n")
		place := made(nil, 0)
		if f, vital := place.Of(u, fresh).Vital(); !vital || f.Directive != "RootImage" {
			t.Errorf("%s: %+v", mode, f)
		}
		j := &Judge{Place: place, Mode: func() unit.Enforce { return unit.EnforceBestEffort },
			Fresh: func(*unit.Unit) *unit.Unit { return fresh }}
		r := &spawn.Request{}
		j.Of(u).Apply(r)
		if r.Fail == nil || r.Fail.Status != 226 || strings.Contains(r.Fail.Error(), "X-Enforce") {
			t.Errorf("%s: %v", mode, r.Fail)
		}
	}
	u, fresh := service(t, "RootImageOptions=ro\nRestrictFileSystems=ext4\n")
	if f, vital := made(nil, 0).Of(u, fresh).Vital(); vital {
		t.Errorf("%+v", f)
	}
}

// PAMName= is reported where PAM is not called, and keeps no process from running.
func TestNoPAM(t *testing.T) {
	u, fresh := service(t, "PAMName=login\nX-Enforce=strict\n")
	p := made(nil, 0)
	if r := p.Of(u, fresh); strings.Contains(r.String(), "not applied") {
		t.Error(r)
	}
	p.c.NoPAM = "no library"
	r := p.Of(u, fresh)
	_, bad := r.Refused()
	if bad || len(r.Without()) > 0 || !strings.Contains(r.String(), "no library") {
		t.Error(r)
	}
}

// What is partly done elsewhere is whole on Linux.
func TestPartial(t *testing.T) {
	u, fresh := service(t, "RootDirectory=/srv")
	for system, want := range map[string]Level{"linux": Applied, "freebsd": Weaker} {
		p := made(nil, 0)
		p.system = system
		for _, row := range directive.Differ(u, fresh) {
			f := p.fact(u, row)
			if row.Name == "RootDirectory" && f.Level != want {
				t.Errorf("%s: %s", system, f)
			}
		}
	}
}
