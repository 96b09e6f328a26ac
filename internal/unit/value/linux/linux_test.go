package linux

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCapability(t *testing.T) {
	for name, want := range map[string]uint{
		"CAP_CHOWN": 0, "cap_kill": 5, "CAP_SYS_ADMIN": 21, "CAP_CHECKPOINT_RESTORE": 40, "7": 7,
		"63": 63,
	} {
		if n, ok := Capability(name); !ok || n != want {
			t.Errorf("%s: have %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"", "CAP_", "CHOWN", "CAP_FLY", "64", "-1", "+1"} {
		if n, ok := Capability(name); ok {
			t.Errorf("%q is capability %d", name, n)
		}
	}
	for n := uint(0); n <= maxCapability; n++ {
		if back, ok := Capability(CapabilityName(n)); !ok || back != n {
			t.Errorf("%d is called %s, which is %d", n, CapabilityName(n), back)
		}
	}
	for name, want := range map[string]uint{
		"CAP_SYS_MODULE": CapSysModule, "CAP_SYS_RAWIO": CapSysRawIO, "CAP_SYS_TIME": CapSysTime,
		"CAP_MKNOD": CapMknod, "CAP_SYSLOG": CapSyslog, "CAP_WAKE_ALARM": CapWakeAlarm,
	} {
		if n, ok := Capability(name); !ok || n != want {
			t.Errorf("%s: have %d, want %d", name, n, want)
		}
	}
}

func TestFamily(t *testing.T) {
	for name, want := range map[string]int{
		"AF_UNIX": 1, "AF_LOCAL": 1, "AF_FILE": 1, "af_inet": 2, "AF_INET6": 10, "AF_ROUTE": 16,
		"AF_MCTP": 45,
	} {
		if n, ok := Family(name); !ok || n != want {
			t.Errorf("%s: have %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"", "AF_", "UNIX", "AF_UNSPEC", "AF_MAX", "2"} {
		if n, ok := Family(name); ok {
			t.Errorf("%q is family %d", name, n)
		}
	}
	for n := range families {
		name := FamilyName(n)
		if back, ok := Family(name); name != "" && (!ok || back != n) {
			t.Errorf("%d is called %s, which is %d", n, name, back)
		}
	}
	if FamilyName(-1) != "" || FamilyName(1000) != "" {
		t.Error("families that are none have names")
	}
}

func TestErrno(t *testing.T) {
	for name, want := range map[string]int{"EPERM": 1, "eperm": 1, "EAGAIN": 11, "EWOULDBLOCK": 11,
		"ENOTSUP": 95} {
		if n, ok := Errno(name); !ok || n != want {
			t.Errorf("%s: have %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"", "E", "EBOGUS", "1"} {
		if n, ok := Errno(name); ok {
			t.Errorf("%q is error %d", name, n)
		}
	}
	for n, name := range errnoNames {
		if back, ok := Errno(name); name != "" && (!ok || back != n || ErrnoName(n) != name) {
			t.Errorf("%d is called %s, which is %d", n, name, back)
		}
	}
	if ErrnoName(-1) != "" || ErrnoName(4095) != "" {
		t.Error("errors that are none have names")
	}
}

func TestCalls(t *testing.T) {
	for i := range callGroups {
		g := callGroups[i].name
		calls, ok := Calls(g)
		if !ok || len(calls) == 0 || !strings.HasPrefix(g, "@") {
			t.Errorf("%s: %d calls", g, len(calls))
		}
		for _, c := range calls {
			if as, ok := CallName(c); !ok || as != c {
				t.Errorf("%s has %s, which is no call", g, c)
			}
		}
	}
	if _, ok := Calls("@bogus"); ok {
		t.Error("@bogus is a group")
	}
	for _, c := range []string{
		"", "@default", "bogus", "ount", "moun", "mount umount", "open ", "osf_fstat",
	} {
		if _, ok := CallName(c); ok {
			t.Errorf("%q is a call", c)
		}
	}
	privileged, _ := Calls("@privileged")
	for _, c := range []string{"chown", "reboot", "settimeofday", "swapon"} {
		if !slices.Contains(privileged, c) {
			t.Errorf("@privileged lacks %s, of a group inside it", c)
		}
	}
}

// The groups are systemd's, in its order, and so is what they consist of.
func TestCallGroups(t *testing.T) {
	text, err := os.ReadFile("testdata/syscall-filter.txt")
	if err != nil {
		t.Fatal(err)
	}
	var ours strings.Builder
	for _, g := range CallGroups() {
		members, ok := CallGroup(g)
		if !ok {
			t.Errorf("no group %s", g)
		}
		ours.WriteString(g + "\n")
		for _, m := range members {
			ours.WriteString("    " + m + "\n")
		}
	}
	_, theirs, _ := strings.Cut(string(text), "remarks.\n")
	if ours.String() != theirs {
		t.Errorf("the groups are:\n%s", ours.String())
	}
	if as, ok := CallName("sys_debug_setcontext"); !ok || as != "switch_endian" {
		t.Errorf("sys_debug_setcontext is %q", as)
	}
}

func TestWords(t *testing.T) {
	if n, ok := Namespace("net"); !ok || n != 0x40000000 {
		t.Errorf("net: %x", n)
	}
	if _, ok := Namespace("x"); ok {
		t.Error("x is a kind of namespace")
	}
	all := uint64(0)
	for _, n := range namespaces {
		if n.name != "time" {
			all |= n.flag
		}
	}
	if all != Namespaces {
		t.Errorf("all namespaces are %x, not %x", all, Namespaces)
	}
	for _, c := range []struct {
		find func(string) (int, bool)
		name string
		n    int
		ok   bool
	}{
		{Scheduler, "rr", SchedRR, true}, {Scheduler, "fifo", SchedFIFO, true}, {Scheduler, "other", 0,
			true},
		{Scheduler, "batch", 3, true}, {Scheduler, "idle", 5, true}, {Scheduler, "deadline", 0, false},
		{IOClass, "none", 0, true}, {IOClass, "realtime", 1, true}, {IOClass, "best-effort", 2, true},
		{IOClass, "idle", 3, true}, {IOClass, "x", 0, false}, {NUMAPolicy, "bind", 2, true},
		{NUMAPolicy, "", 0, false}, {SecureBit, "keep-caps", 16, true}, {SecureBit, "x", 0, false},
		{Facility, "local7", 23, true}, {Facility, "127", 127, true}, {Facility, "128", 0, false},
		{Facility, "", 0, false}, {Level, "debug", 7, true}, {Level, "0", 0, true}, {Level, "8", 0,
			false},
		{Level, "warn", 0, false},
	} {
		if n, ok := c.find(c.name); n != c.n || ok != c.ok {
			t.Errorf("%q: have %d, %v, want %d, %v", c.name, n, ok, c.n, c.ok)
		}
	}
	if n, ok := CoredumpBit("shared-dax"); !ok || n != 8 {
		t.Errorf("shared-dax: %d", n)
	}
	if _, ok := CoredumpBit("x"); ok {
		t.Error("x is a kind of memory")
	}
	for name, want := range map[string]bool{"native": true, "x86-64": true, "amd64": false,
		"": false, "x86 ": false} {
		if IsCallArchitecture(name) != want {
			t.Errorf("architecture %q: %v", name, !want)
		}
	}
	for name, want := range map[string]uint64{"shared": 1 << 20, "slave": 1 << 19,
		"private": 1 << 18} {
		if n, ok := Propagation(name); !ok || n != want {
			t.Errorf("%s: %x", name, n)
		}
	}
	if _, ok := Propagation("x"); ok {
		t.Error("x is a way to propagate")
	}
	if LevelName(3) != "err" || LevelName(-1) != "" || LevelName(8) != "" {
		t.Error("levels are called something else")
	}
}

// Each member of a set has a number, and the kernel's headers agree on the best known.
func TestFileSystems(t *testing.T) {
	for _, set := range FileSystemSets() {
		members, ok := FileSystemSet(set)
		if !ok || len(members) == 0 || !slices.IsSorted(members) {
			t.Error(set, members, ok)
		}
		for _, m := range members {
			if len(FileSystem(m)) == 0 {
				t.Errorf("%s: %s has no number", set, m)
			}
		}
	}
	if _, ok := FileSystemSet("@none"); ok || FileSystem("none") != nil {
		t.Error("what is not there is found")
	}
	for name, want := range map[string]uint32{
		"ext4": 0xef53, "proc": 0x9fa0, "devtmpfs": 0x01021994, "cgroup2": 0x63677270,
	} {
		if got := FileSystem(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %x", name, got)
		}
	}
}
