package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// What the kernel's schedulers are told arrives, by every means.
func TestAttributes(t *testing.T) {
	for _, c := range []struct {
		name, script, want string
		set                func(x *unit.Exec)
		root               bool
	}{
		{
			name: "batch", script: "cut -d' ' -f41 /proc/self/stat", want: "3",
			set: func(x *unit.Exec) { x.CPUSchedulingSet, x.CPUSchedulingPolicy = true, 3 },
		},
		{
			name: "fifo", script: "cut -d' ' -f40,41 /proc/self/stat", want: "7 1", root: true,
			set: func(x *unit.Exec) {
				x.CPUSchedulingSet, x.CPUSchedulingPolicy, x.CPUSchedulingPriority = true, 1, 7
			},
		},
		{
			// The shell's own child has the standard scheduler again.
			name: "reset on fork", script: "cut -d' ' -f40,41 /proc/self/stat; " +
				"read -r line < /proc/$$/stat; echo $line | cut -d' ' -f40,41",
			want: "0 0\n7 1", root: true,
			set: func(x *unit.Exec) {
				x.CPUSchedulingSet, x.CPUSchedulingPolicy, x.CPUSchedulingPriority = true, 1, 7
				x.CPUSchedulingResetOnFork = true
			},
		},
		{
			name: "affinity", script: "grep Cpus_allowed_list /proc/self/status | cut -f2", want: "0",
			set: func(x *unit.Exec) { x.CPUAffinity = value.CPUSet{0, 4000} },
		},
		{
			name: "slack", script: "read -r n < /proc/$$/timerslack_ns; echo $n", want: "12345",
			set: func(x *unit.Exec) { x.TimerSlack, x.TimerSlackSet = 12345, true },
		},
		{
			name: "core dump filter", script: "cat /proc/self/coredump_filter", want: "0000001f",
			set: func(x *unit.Exec) { x.CoredumpFilter, x.CoredumpFilterSet = 0x1f, true },
		},
		{
			name: "numa", script: "grep ' heap' /proc/$$/numa_maps | cut -d' ' -f2", want: "interleave:0",
			set: func(x *unit.Exec) { x.NUMAPolicy, x.NUMAMask = 3, value.CPUSet{0} },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyMeans(t, func(t *testing.T, s *Spawner) {
				if c.root {
					needCapabilities(t, bit(t, "CAP_SYS_NICE"))
				}
				if c.name == "numa" && (!exists("/proc/self/numa_maps") || !haveNodes()) {
					t.Skip("the kernel knows no NUMA nodes")
				}
				r := sh(c.script)
				c.set(r.Exec)
				got := do(t, s, r)
				if errors.Is(got.err, sys.EPERM) {
					t.Skip(got.err) // a container that forbids it
				}
				if got.err != nil || got.status != 0 {
					t.Fatalf("status %d, error %v, output %q", got.status, got.err, got.out)
				}
				if out := strings.TrimSpace(got.out); out != c.want {
					t.Errorf("output %q, want %q", out, c.want)
				}
			})
		})
	}
}

// The manager's own memory keeps its core dump filter.
func TestCoredumpFilterIsNotShared(t *testing.T) {
	const path = "/proc/self/coredump_filter"
	before, err := os.ReadFile(path)
	if err != nil {
		t.Skip(err)
	}
	r := sh("cat /proc/self/coredump_filter")
	r.Exec.CoredumpFilter, r.Exec.CoredumpFilterSet = 0x7, true
	if got := do(t, &Spawner{}, r); got.out != "00000007\n" {
		t.Errorf("%+v", got)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("%q, before %q, %v", after, before, err)
	}
}

// The I/O priority, which no file shows.
func TestIOPriority(t *testing.T) {
	r := sh("kill -STOP $$; :")
	r.Exec.IOSchedulingSet, r.Exec.IOSchedulingClass, r.Exec.IOSchedulingPriority = true, 2, 6
	p, err := (&Spawner{}).Start(r)
	if err != nil {
		t.Fatal(err)
	}
	got, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, sys.IoprioProcess, uintptr(p.PID), 0)
	proc, err := os.FindProcess(p.PID)
	if err != nil {
		t.Fatal(err)
	}
	_ = proc.Kill()
	wait(t, p)
	if errno != 0 || got != 2<<13|6 {
		t.Errorf("%#x, %v", got, errno)
	}
}

// Personalities are told by the machine that uname names.
func TestPersonality(t *testing.T) {
	for architecture, want := range map[string]int{
		"x86-64": 0, "arm64": 0, "ppc64-le": 0, "ppc-le": 8, "s390": 8,
	} {
		if got := personality(architecture); got != want {
			t.Errorf("%s: %d, want %d", architecture, got, want)
		}
	}
	r := sh("uname -m")
	r.Exec.Personality = "x86"
	got := do(t, &Spawner{}, r)
	if errors.Is(got.err, sys.EPERM) || errors.Is(got.err, sys.EINVAL) {
		t.Skip(got.err)
	}
	if got.err != nil || strings.TrimSpace(got.out) == "x86_64" {
		t.Errorf("%+v", got)
	}
}

// What cannot be set has systemd's status, and the directive's name.
func TestAttributeFailures(t *testing.T) {
	for _, c := range []struct {
		directive string
		status    int
		set       func(x *unit.Exec)
	}{
		{"CPUSchedulingPolicy", 214, func(x *unit.Exec) {
			x.CPUSchedulingSet, x.CPUSchedulingPolicy, x.CPUSchedulingPriority = true, 55, -1
		}},
		{"CPUAffinity", 215, func(x *unit.Exec) { x.CPUAffinity = value.CPUSet{4000} }},
		{"CPUAffinity", 215, func(x *unit.Exec) {
			x.CPUAffinityFromNUMA, x.NUMAMask = true, value.CPUSet{1000}
		}},
		{"IOSchedulingClass", 211, func(x *unit.Exec) {
			x.IOSchedulingSet, x.IOSchedulingClass = true, 7
		}},
		{"NUMAPolicy", 242, func(x *unit.Exec) { x.NUMAPolicy = 2 }},
		{"NUMAPolicy", 242, func(x *unit.Exec) { x.NUMAMask = value.CPUSet{0, 1} }},
	} {
		r := sh("")
		c.set(r.Exec)
		if c.status == 242 && !haveNodes() {
			continue
		}
		var step *StepError
		got := do(t, &Spawner{}, r)
		if got.status != c.status || !errors.As(got.err, &step) || step.Directive != c.directive {
			t.Errorf("%s: %+v", c.directive, got)
		}
	}
}

// The CPUs of nodes are those that the kernel lists.
func TestNodeCPUs(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"node0": "0-1,8\n", "node2": "3\n", "node3": "x\n"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "cpulist"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := nodeCPUs(dir, value.CPUSet{0, 2})
	if err != nil || got.String() != "0-1 3 8" {
		t.Errorf("%v, %v", got, err)
	}
	for _, node := range []uint{1, 3} {
		if got, err := nodeCPUs(dir, value.CPUSet{node}); err == nil {
			t.Errorf("node %d: %v", node, got)
		}
	}
}

// Labels of modules that are not at work do not matter, not even wrong ones.
func TestLabels(t *testing.T) {
	r := sh("echo ran")
	x := r.Exec
	if !exists(selinuxFile) {
		x.SELinuxContext = unit.Label{Label: "no:such:context"}
	}
	if !isYes(apparmorFile) {
		x.AppArmorProfile = unit.Label{Label: "no-such-profile"}
	}
	if !exists(smackFile) {
		x.SmackProcessLabel = unit.Label{Label: "no such label"}
	}
	if got := do(t, &Spawner{}, r); got.out != "ran\n" || got.err != nil {
		t.Errorf("%+v", got)
	}
	file := filepath.Join(t.TempDir(), "yes")
	if err := os.WriteFile(file, []byte("Y\n"), 0o600); err != nil || !isYes(file) || isYes(file+"x") {
		t.Error(err)
	}
}

// A label that cannot be set fails the start unless it is optional.
func TestOptionalLabel(t *testing.T) {
	for _, c := range []struct {
		optional bool
		status   int
	}{{false, StatusSELinux}, {true, 0}} {
		s := &Spawner{}
		s.once.Do(s.prepare)
		p, err := s.newPlanner(sh(""))
		if err != nil {
			t.Fatal(err)
		}
		l := unit.Label{Label: "x", Optional: c.optional}
		p.label("SELinuxContext", StatusSELinux, l, "/no/such/file", "x")
		p.exec()
		pr, failed, err := s.start(p.plan, func(Process) {})
		if err != nil || wait(t, pr) != c.status || (failed != nil) == c.optional {
			t.Errorf("optional %v: %v, %v", c.optional, failed, err)
		}
	}
}
