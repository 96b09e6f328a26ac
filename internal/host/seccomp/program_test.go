package seccomp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/value/linux"
)

// Where jumps are too short, something else leads there: every call has an error of its
// own, on all architectures.
func TestLong(t *testing.T) {
	x := settings(t, "Nice=0")
	x.SystemCallFilter.Set = true
	for i, n := range numbers {
		x.SystemCallFilter.Calls = append(x.SystemCallFilter.Calls,
			unit.Call{Name: n.name, Errno: 1000 + i})
	}
	x.RestrictSUIDSGID, x.RestrictNamespaces, x.MemoryDenyWriteExecute = true, 0, true
	p, names := For(x, 0, everything)
	if len(names) != 4 {
		t.Fatal(names)
	}
	for goarch, kin := range map[string][]arch{
		"amd64": {x86, x86x64, x32}, "386": {x86, x86x64, x32}, "arm64": {arm, arm64},
		"riscv64": {riscv64},
	} {
		text, err := p.Program(goarch)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d instructions", goarch, len(text)/8)
		for _, a := range kin {
			for i, n := range numbers {
				nr, ok := a.number(i)
				if !ok {
					continue
				}
				if got := run(t, text, call{nr: nr, arch: audit[a]}); got != fail(1000+i) {
					t.Errorf("%s %s: %s, want %d", archNames[a], n.name, got, 1000+i)
				}
			}
		}
	}
}

// A whole filter answers as the layers do one by one.
func TestRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	every := []string{
		"ProtectHostname=yes", "RestrictAddressFamilies=~AF_INET AF_PACKET",
		"RestrictAddressFamilies=AF_UNIX AF_NETLINK", "MemoryDenyWriteExecute=yes",
		"RestrictRealtime=yes", "RestrictSUIDSGID=yes", "RestrictNamespaces=~user net",
		"RestrictNamespaces=yes", "ProtectKernelTunables=yes", "ProtectKernelModules=yes",
		"ProtectKernelLogs=yes", "ProtectClock=yes", "PrivateDevices=yes", "LockPersonality=yes",
		"SystemCallLog=~@system-service", "SystemCallLog=openat clone socketcall chmod",
		"SystemCallFilter=~@mount clone:EXFULL semop:kill mprotect:EBUSY",
		"SystemCallFilter=@system-service", "SystemCallErrorNumber=ENOTTY",
	}
	for range 30 {
		lines := slices.DeleteFunc(slices.Clone(every), func(string) bool { return rng.IntN(2) == 0 })
		if len(lines) == 0 {
			continue
		}
		all := strings.Join(lines, ";")
		whole := program(t, all, "amd64")
		x := settings(t, all)
		p, _ := For(x, 0, everything)
		for _, a := range []arch{x86, x86x64, x32} {
			layers := p.layers(a)
			for text, c := range asked(a) {
				want := allow
				for i := range layers {
					alone := oneLayer(t, layers[len(layers)-1-i:][:1], c)
					want = worse(want, alone)
				}
				if got := run(t, whole, c); got != want {
					t.Fatalf("%s: %s %s: %s, want %s", all, archNames[a], text, got, want)
				}
			}
		}
	}
}

// oneLayer asks a layer without a program.
func oneLayer(t *testing.T, layers []layer, c call) action {
	t.Helper()
	l := layers[0]
	r := l.calls[c.nr]
	switch {
	case r == nil:
		return l.other
	case r.set:
		return r.plain
	}
	for _, b := range r.cases {
		if !slices.ContainsFunc(b.tests, func(x test) bool { return !holds(t, x, c) }) {
			return b.then
		}
	}
	return l.other
}

func holds(t *testing.T, x test, c call) bool {
	t.Helper()
	v := uint32(c.args[x.arg])
	switch x.kind {
	case isOneOf:
		return slices.Contains(x.of, v&x.mask)
	case isNoneOf:
		return !slices.Contains(x.of, v)
	case hasAny:
		return v&x.mask != 0
	case hasAll:
		return v&x.mask == x.mask
	case testKinds:
	}
	t.Fatalf("kind of test %d", x.kind)
	return false
}

// What systemd lets through, and what must not.
func TestStricter(t *testing.T) {
	for _, c := range []struct {
		lines string
		call  call
		want  action
	}{
		{"RestrictSUIDSGID=yes", on(x86x64, "openat", 0, 0, 0x410002, 0o4755), fail(1)}, // O_TMPFILE
		{"RestrictSUIDSGID=yes", on(x86x64, "openat", 0, 0, 0x410002, 0o755), allow},
		{"RestrictSUIDSGID=yes", on(x86x64, "openat", 0, 0, 0x10000, 0o4755), allow}, // O_DIRECTORY
		{"MemoryDenyWriteExecute=yes", on(x86, "ipc", 21, 0, 0x8000), fail(1)},
		{"MemoryDenyWriteExecute=yes", on(x86, "ipc", 1<<16|21, 0, 0x8000), fail(1)},
		{"MemoryDenyWriteExecute=yes", on(x86, "ipc", 21, 0, 0), allow},
		{"SystemCallFilter=~shmat:EPERM", on(x86, "ipc", 1<<16|21), fail(1)},
		// The kernel does not look at the upper half of these.
		{"RestrictAddressFamilies=~AF_PACKET", on(x86x64, "socket", 1<<32|17), fail(97)},
		{"RestrictNamespaces=~user", on(x86x64, "unshare", 1<<32|0x10000000), fail(1)},
		// A tracer has taken the call away.
		{"SystemCallArchitectures=native", call{nr: noCall, arch: audit[x86x64]}, allow},
		{"SystemCallArchitectures=native", call{nr: 1, arch: audit[arm64]}, killThread},
		{"SystemCallFilter=getpid", call{nr: 1, arch: audit[arm64]}, allow},
		{"RestrictNamespaces=time", on(x86x64, "setns", 0, 0x80), allow},
		{"RestrictNamespaces=time", on(x86x64, "setns", 0, 0x10000000), fail(1)},
		{"RestrictNamespaces=~user", on(x86x64, "clone", 0x80), fail(1)},
	} {
		if got := run(t, program(t, c.lines, "amd64"), c.call); got != c.want {
			t.Errorf("%s: %+v: %s, want %s", c.lines, c.call, got, c.want)
		}
	}
}

func on(a arch, name string, args ...uint64) call {
	nr, _ := a.number(row(name))
	c := call{nr: nr, arch: audit[a]}
	copy(c.args[:], args)
	return c
}

func TestNothing(t *testing.T) {
	for _, lines := range []string{
		"Nice=1", "SystemCallFilter=~", "RestrictNamespaces=no", "RestrictNamespaces=~time",
		"RestrictAddressFamilies=", "SystemCallErrorNumber=EPERM",
	} {
		p, names := For(settings(t, lines), 0, everything)
		text, err := p.Program("amd64")
		if len(names) > 0 || len(text) > 0 || err != nil {
			t.Errorf("%s: %v, %d bytes, %v", lines, names, len(text), err)
		}
	}
	if Knows("vax") || !Knows("amd64") {
		t.Error("there are filters for amd64, and none for a VAX")
	}
	p := Policy{NoClock: true}
	if _, err := p.Program("vax"); err == nil {
		t.Error("no error for a machine that is not known")
	}
}

// Only what is wanted is looked at.
func TestFor(t *testing.T) {
	x := settings(t, "RestrictRealtime=yes;SystemCallFilter=~@mount;SystemCallErrorNumber=EPERM")
	p, names := For(x, 0, func(d string) bool { return d == "SystemCallFilter" })
	if fmt.Sprint(names) != "[SystemCallFilter]" || p.NoRealtime || p.Error != unit.CallKill {
		t.Errorf("%v %+v", names, p)
	}
	all, _ := linux.Calls("@mount")
	if len(p.Calls.Calls) != len(all) {
		t.Errorf("%d calls, want %d", len(p.Calls.Calls), len(all))
	}
}

func BenchmarkProgram(b *testing.B) {
	x := settings(b, "SystemCallFilter=@system-service;SystemCallFilter=~@privileged;"+
		"RestrictSUIDSGID=yes;RestrictNamespaces=yes;SystemCallArchitectures=native")
	p, _ := For(x, 0, everything)
	for b.Loop() {
		if _, err := p.Program("amd64"); err != nil {
			b.Fatal(err)
		}
	}
}
