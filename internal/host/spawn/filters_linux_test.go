package spawn

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"rouse/internal/host/seccomp"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

func needFilters(t *testing.T) {
	t.Helper()
	if !sys.HaveSeccomp() || !seccomp.Knows(runtime.GOARCH) {
		t.Skip("no filters of system calls here")
	}
}

// attempts are calls that fail anyway, but not with what filters say.
var attempts = []struct {
	name string
	call func() unix.Errno
}{
	{"chroot", func() unix.Errno { return errno(unix.Chroot("/no/such/directory")) }},
	{"inet", func() unix.Errno {
		_, err := unix.Socket(unix.AF_INET, 99, 0)
		return errno(err)
	}},
	{"wx", func() unix.Errno {
		const both = unix.PROT_WRITE | unix.PROT_EXEC
		_, err := unix.Mmap(-1, 0, 4096, both, unix.MAP_PRIVATE|unix.MAP_ANON)
		return errno(err)
	}},
	{"fifo", func() unix.Errno {
		var none int32 // no priority is below those of this policy
		_, _, e := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, 0, 1, uintptr(unsafe.Pointer(&none)))
		return e
	}},
	{"suid", func() unix.Errno { return errno(unix.Fchmodat(unix.AT_FDCWD, "/no/file", 0o4755, 0)) }},
	{"setns", func() unix.Errno { return errno(unix.Setns(-1, unix.CLONE_NEWNET)) }},
	{"module", func() unix.Errno { return errno(unix.DeleteModule("no such module", 0)) }},
	{"clock", func() unix.Errno {
		_, _, e := unix.RawSyscall(unix.SYS_CLOCK_SETTIME, 99, 0, 0)
		return e
	}},
	{"hostname", func() unix.Errno {
		_, _, e := unix.RawSyscall(unix.SYS_SETHOSTNAME, 0, ^uintptr(0), 0)
		return e
	}},
	{"personality", func() unix.Errno {
		_, _, e := unix.RawSyscall(unix.SYS_PERSONALITY, 0x400000, 0, 0)
		return e
	}},
}

func errno(err error) unix.Errno { return unix.Errno(sys.ErrnoOf(err)) }

// TestAttempts is what runs behind a filter: it prints what each attempt came to.
func TestAttempts(t *testing.T) {
	if os.Getenv("ROUSE_ATTEMPTS") == "" {
		t.Skip("it is a service of TestFilters")
	}
	for _, a := range attempts {
		fmt.Printf("%s=%d\n", a.name, int(a.call()))
	}
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "NoNewPrivs:") || strings.HasPrefix(line, "Seccomp:") {
			fmt.Print(strings.Replace(line, ":\t", "=", 1))
		}
	}
}

// attempting is a request for TestAttempts, with settings parted by semicolons.
func attempting(t *testing.T, lines string) *Request {
	t.Helper()
	r := sh("")
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.Command = value.Command{Path: path, Argv: []string{path, "-test.run=^TestAttempts$"}}
	r.Env = []string{"ROUSE_ATTEMPTS=yes"}
	r.Exec = settings(t, lines)
	return r
}

func settings(t *testing.T, lines string) *unit.Exec {
	t.Helper()
	u := directive.New("test.service", name.Service, nil)
	for line := range strings.SplitSeq(lines, ";") {
		key, text, _ := strings.Cut(line, "=")
		a := directive.Assignment{Section: "Service", Name: key, Value: text, File: "test"}
		if faults := directive.Apply(u, a, nil); len(faults) > 0 {
			t.Fatal(faults)
		}
	}
	return u.Exec
}

func results(out string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(out) {
		key, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		m[key] = v
	}
	return m
}

// What is forbidden fails with the error that systemd has for it, and nothing else does.
func TestFilters(t *testing.T) {
	needFilters(t)
	open := results(do(t, &Spawner{}, attempting(t, "Nice=0")).out)
	if open["Seccomp"] != "0" {
		t.Skipf("there is a filter already, or no test: %v", open)
	}
	for _, c := range []struct {
		lines, attempt string
		want           unix.Errno
	}{
		{"SystemCallFilter=~chroot:EXFULL", "chroot", unix.EXFULL},
		{"SystemCallFilter=~@mount;SystemCallErrorNumber=EXFULL", "chroot", unix.EXFULL},
		{"SystemCallFilter=@system-service;SystemCallErrorNumber=EXFULL", "chroot", unix.EXFULL},
		{"RestrictAddressFamilies=AF_UNIX", "inet", unix.EAFNOSUPPORT},
		{"RestrictAddressFamilies=~AF_INET AF_INET6", "inet", unix.EAFNOSUPPORT},
		{"MemoryDenyWriteExecute=yes", "wx", unix.EPERM},
		{"RestrictRealtime=yes", "fifo", unix.EPERM},
		{"RestrictSUIDSGID=yes", "suid", unix.EPERM},
		{"RestrictNamespaces=yes", "setns", unix.EPERM},
		{"RestrictNamespaces=~net", "setns", unix.EPERM},
		{"ProtectKernelModules=yes", "module", unix.EPERM},
		{"ProtectClock=yes", "clock", unix.EPERM},
		{"ProtectHostname=yes", "hostname", unix.EPERM},
		{"LockPersonality=yes", "personality", unix.EPERM},
	} {
		t.Run(c.lines, func(t *testing.T) {
			if c.attempt == "inet" && runtime.GOARCH == "386" {
				t.Skip("families cannot be told apart on 32-bit x86")
			}
			r := attempting(t, c.lines)
			r.Exec.ProtectHostname = c.attempt == "hostname"
			got := do(t, &Spawner{}, r)
			behind := results(got.out)
			if got.err != nil || behind["Seccomp"] != "2" {
				t.Fatalf("%+v", got)
			}
			for _, a := range attempts {
				want := open[a.name]
				if a.name == c.attempt {
					want = fmt.Sprint(int(c.want))
					if open[a.name] == want {
						t.Logf("without the filter it is the same")
					}
				} else if a.name == "module" || strings.Contains(c.lines, "@system") {
					continue
				}
				if behind[a.name] != want {
					t.Errorf("%s: %s, want %s", a.name, behind[a.name], want)
				}
			}
		})
	}
}

// Who may not add a filter without, gives up new privileges; a command with "+" has none.
func TestFiltersPrivileges(t *testing.T) {
	needFilters(t)
	nnp := "0"
	if os.Geteuid() != 0 {
		nnp = "1"
	}
	check := func(r *Request, want map[string]string) {
		t.Helper()
		got := do(t, &Spawner{}, r)
		have := results(got.out)
		for key, v := range want {
			if got.err != nil || have[key] != v {
				t.Errorf("%s=%s, want %s: %+v", key, have[key], v, got)
			}
		}
	}
	open := results(do(t, &Spawner{}, attempting(t, "Nice=0")).out)
	if open["Seccomp"] != "0" || open["NoNewPrivs"] != "0" {
		t.Skipf("there is a filter already, or no test: %v", open)
	}
	check(attempting(t, "RestrictRealtime=yes"), map[string]string{"NoNewPrivs": nnp, "Seccomp": "2"})
	check(attempting(t, "NoNewPrivileges=yes"), map[string]string{"NoNewPrivs": "1", "Seccomp": "0"})
	left := attempting(t, "RestrictRealtime=yes;RestrictSUIDSGID=yes")
	left.Without = []string{"RestrictRealtime/filters", "RestrictSUIDSGID"}
	check(left, map[string]string{"NoNewPrivs": "0", "Seccomp": "0"})
	plus := attempting(t, "RestrictRealtime=yes;NoNewPrivileges=yes")
	plus.Command.Flags |= value.FullPrivilege
	check(plus, map[string]string{"NoNewPrivs": "0", "Seccomp": "0"})
	needRoot(t)
	user := sh("grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | sed 's/:\t/=/'")
	user.Exec = settings(t, "User=daemon;SystemCallFilter=~@swap")
	check(user, map[string]string{"NoNewPrivs": "1", "Seccomp": "2"})
}

// A filter that forbids what leads to the program ends in the process's own failure, and
// the manager is as it was.
func TestFiltersOnExec(t *testing.T) {
	needFilters(t)
	for _, c := range []struct {
		lines  string
		status int
	}{
		{"SystemCallFilter=~execve:EXFULL", StatusExec},
		{"SystemCallFilter=~execve", -1},
		{"SystemCallFilter=~execve:EXFULL exit_group:kill", -1},
		{"SystemCallFilter=~execve exit_group;SystemCallErrorNumber=EXFULL", -1},
	} {
		t.Run(c.lines, func(t *testing.T) {
			for _, m := range []means{meansUnset, meansClone, meansFork} {
				if m == meansClone && !haveVfork {
					continue
				}
				r := sh("true")
				r.Exec = settings(t, c.lines)
				r.Exec.Limits[value.LimitCORE] = unit.Rlimit{Set: true}
				if got := do(t, &Spawner{means: m}, r); got.status != c.status {
					t.Errorf("means %d: status %d, want %d: %+v", m, got.status, c.status, got)
				}
			}
		})
	}
}

// tiny makes a program for Linux on x86 that only exits with 42, of 32 or 64 bits.
func tiny(t *testing.T, bits int) string {
	t.Helper()
	le := binary.LittleEndian
	code := []byte{0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80} // mov eax, ebx; int 0x80
	const base = 0x400000
	elf := append([]byte("\x7fELF"), byte(bits/32), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	half := func(list ...uint16) {
		for _, v := range list {
			elf = le.AppendUint16(elf, v)
		}
	}
	word := func(list ...uint64) {
		for _, v := range list {
			if bits == 64 {
				elf = le.AppendUint64(elf, v)
			} else {
				elf = le.AppendUint32(elf, uint32(v))
			}
		}
	}
	const executable = 2
	if bits == 64 {
		code = []byte{0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05} // mov eax, edi; syscall
		half(executable, 62)
		elf = le.AppendUint32(elf, 1)
		word(base+120, 64, 0)
		elf = le.AppendUint32(elf, 0)
		half(64, 56, 1, 0, 0, 0)
		elf = le.AppendUint32(le.AppendUint32(elf, 1), 5)
		word(0, base, base, uint64(120+len(code)), uint64(120+len(code)), 4096)
	} else {
		half(executable, 3)
		elf = le.AppendUint32(elf, 1)
		word(base+84, 52, 0)
		elf = le.AppendUint32(elf, 0)
		half(52, 32, 1, 0, 0, 0)
		elf = le.AppendUint32(elf, 1)
		word(0, base, base, uint64(84+len(code)), uint64(84+len(code)), 5, 4096)
	}
	path := filepath.Join(t.TempDir(), "tiny")
	if err := os.WriteFile(path, append(elf, code...), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Programs of an architecture that is left out are killed at their first call. What the
// start itself needs is no concern of the filter, not even the way to exec.
func TestFiltersOnTiny(t *testing.T) {
	needFilters(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the programs are for amd64")
	}
	for _, c := range []struct {
		lines  string
		bits   int
		status int
	}{
		{"Nice=0", 64, 42},
		{"SystemCallFilter=~getpid rt_sigprocmask close_range prctl seccomp", 64, 42},
		{"SystemCallFilter=execve exit", 64, 42},
		{"SystemCallFilter=~exit", 64, -1},
		{"Nice=0", 32, 42},
		{"SystemCallFilter=~exit", 32, -1},
		{"SystemCallArchitectures=native", 32, -1},
		{"SystemCallArchitectures=native x86", 32, 42},
		{"SystemCallArchitectures=x86", 64, 42},
	} {
		t.Run(fmt.Sprint(c.bits, " ", c.lines), func(t *testing.T) {
			everyMeans(t, func(t *testing.T, s *Spawner) {
				r := sh("")
				path := tiny(t, c.bits)
				r.Command = value.Command{Path: path, Argv: []string{path}}
				r.Env = []string{"SYSTEMD_EXEC_PID="}
				r.Exec = settings(t, "Nice=0")
				plain := do(t, s, r)
				if plain.status != 42 {
					t.Skipf("such programs do not run here: %+v", plain)
				}
				r.Exec = settings(t, c.lines)
				if got := do(t, s, r); got.status != c.status {
					t.Errorf("status %d, want %d: %+v", got.status, c.status, got)
				}
			})
		})
	}
}

// What settings take away by themselves, a program that limits itself loses with them,
// and with no others.
func TestImpliedCapabilities(t *testing.T) {
	for _, c := range []struct {
		only string
		want uint64
	}{
		{"ProtectClock", 1<<25 | 1<<35},
		{"PrivateDevices", 1<<27 | 1<<17},
		{"ProtectKernelLogs", 1 << 34},
		{"ProtectKernelModules", 1 << 16},
		{"Nice", 0},
	} {
		r := sh("true")
		r.Exec = settings(t, "ProtectClock=yes;PrivateDevices=yes;ProtectKernelLogs=yes;"+
			"ProtectKernelModules=yes;Nice=1")
		p, err := (&Spawner{}).newPlanner(r)
		if err != nil {
			t.Fatal(err)
		}
		p.only = []string{c.only}
		if got := p.impliedCapabilities(); got != c.want {
			t.Errorf("%s: %x, want %x", c.only, got, c.want)
		}
		own := sys.Capabilities{Effective: 1 << 8, Bounding: ^uint64(0)}
		if got, _ := p.wantedCapabilities(own); got != ^c.want {
			t.Errorf("%s: the bounding set is %x", c.only, got)
		}
		own.Effective = 0 // nobody may change the bounding set then
		if got, _ := p.wantedCapabilities(own); got != ^uint64(0) {
			t.Errorf("%s: the bounding set is %x without CAP_SETPCAP", c.only, got)
		}
	}
}
