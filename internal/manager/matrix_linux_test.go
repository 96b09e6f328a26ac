package manager

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"rouse/internal/host/cgroup"
	"rouse/internal/unit/load"
	"rouse/internal/unit/value/linux"
)

// The matrix: in every place, what a manager says of a setting is what a process finds
// that has it. A place is a set of capabilities, with or without a user namespace, and a
// kind of control groups. Each is a process that takes away what it is not to have, and
// then is the tests anew (TestMatrixPlace), with a manager in it.
const (
	matrixPlace = "ROUSE_MATRIX_PLACE" // to be made: capabilities/control groups
	matrixReady = "ROUSE_MATRIX_READY" // made
	matrixRoot  = "/mnt"               // where a file system of its own is
)

// capabilitySets are those that are left; nil is all of them.
var capabilitySets = map[string][]string{
	"all": nil,
	"docker": {
		"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
		"NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP",
	},
	"users":  {"SETGID", "SETUID"},
	"none":   {},
	"nobody": {}, // not root either
}

func TestMatrix(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to have something to take away")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	try := func(t *testing.T, place string, flags uintptr) {
		cmd := exec.Command(self, "-test.run=^TestMatrixPlace$", "-test.v")
		cmd.Env = append(os.Environ(), matrixPlace+"="+place)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			all := []syscall.SysProcIDMap{{Size: 65536}}
			cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = all, all
		}
		out, err := cmd.CombinedOutput()
		text := string(out)
		switch {
		case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EINVAL),
			errors.Is(err, syscall.ENOSPC), strings.Contains(text, "no such place"):
			t.Skipf("the place cannot be made: %v %s", err, text)
		case err != nil:
			t.Errorf("%v\n%s", err, text)
		case testing.Verbose():
			t.Log(text)
		}
	}
	for set := range capabilitySets {
		t.Run(set, func(t *testing.T) { try(t, set+"/none", 0) })
		t.Run(set+" in a user namespace", func(t *testing.T) {
			try(t, set+"/none", syscall.CLONE_NEWUSER)
		})
	}
	for _, kind := range []string{"read-only", "v2", "v1"} {
		t.Run("control groups "+kind, func(t *testing.T) { try(t, "all/"+kind, 0) })
	}
}

// makePlace becomes what matrixPlace says, and the tests anew.
func makePlace(place string) error {
	runtime.LockOSThread()
	set, groups, _ := strings.Cut(place, "/")
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("no such place: %w", err)
	}
	if err := unix.Mount("tmpfs", matrixRoot, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("no such place: %w", err)
	}
	if err := errors.Join(copySelf(matrixRoot+"/self"), os.Mkdir(matrixRoot+"/tmp", 0o777),
		os.Chmod(matrixRoot+"/tmp", 0o777|os.ModeSticky)); err != nil {
		return err
	}
	const dir = "/sys/fs/cgroup"
	var err error
	switch groups {
	case "read-only":
		err = unix.Mount("cgroup2", dir, "cgroup2", unix.MS_RDONLY, "")
	case "v2":
		err = unix.Mount("cgroup2", dir, "cgroup2", 0, "")
	case "v1":
		_, err = os.Stat(dir + "/systemd")
	case "none":
		err = unix.Mount("tmpfs", dir, "tmpfs", unix.MS_RDONLY, "")
	}
	if err != nil {
		return fmt.Errorf("no such place: %w", err)
	}
	if err := limitTo(set); err != nil {
		return err
	}
	os.Setenv("TMPDIR", matrixRoot+"/tmp")
	os.Setenv(matrixReady, groups)
	os.Unsetenv(matrixPlace)
	return syscall.Exec(matrixRoot+"/self", os.Args, os.Environ())
}

// limitTo leaves the capabilities of a set, from the next exec on.
func limitTo(set string) error {
	left := capabilitySets[set]
	if left == nil {
		return nil
	}
	for n := uint(0); n <= 40; n++ {
		keep := false
		for _, name := range left {
			c, _ := linux.Capability("CAP_" + name)
			keep = keep || c == n
		}
		if !keep {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(n), 0, 0, 0); err != nil {
				return fmt.Errorf("drop capability %d: %w", n, err)
			}
		}
	}
	if set == "nobody" {
		const nobody = 65534
		_ = syscall.Setgroups(nil) // which a user namespace may forbid
		return errors.Join(syscall.Setresgid(nobody, nobody, nobody),
			syscall.Setresuid(nobody, nobody, nobody))
	}
	return nil
}

func copySelf(to string) error {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Chmod(0o755), f.Close())
}

// matrix are the settings that are tried, each by a unit of its own: what the unit says,
// and how a process sees that it has it.
var matrix = map[string]struct {
	say string
	has func() bool
}{
	"User":                {"User=nobody", func() bool { return os.Getuid() == 65534 }},
	"SupplementaryGroups": {"SupplementaryGroups=daemon", inGroup},
	"NoNewPrivileges": {"NoNewPrivileges=yes", func() bool {
		return status("NoNewPrivs") == "1"
	}},
	"CapabilityBoundingSet": {"CapabilityBoundingSet=CAP_KILL", func() bool {
		return bits("CapBnd")&^(1<<5) == 0
	}},
	"AmbientCapabilities": {"AmbientCapabilities=CAP_NET_RAW", func() bool {
		return bits("CapAmb") == 1<<13
	}},
	"SecureBits": {"SecureBits=no-setuid-fixup", func() bool {
		v, _ := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
		return v&4 != 0
	}},
	"LimitMEMLOCK": {"LimitMEMLOCK=1M", func() bool {
		return limitIs(unix.RLIMIT_MEMLOCK, 1<<20)
	}},
	"CPUSchedulingPolicy": {"CPUSchedulingPolicy=rr", func() bool { return stat(41) == "2" }},
	"OOMScoreAdjust": {"OOMScoreAdjust=-7", func() bool {
		return firstLine("/proc/self/oom_score_adj") == "-7"
	}},

	"ProtectSystem":     {"ProtectSystem=full", func() bool { return readOnly("/usr") }},
	"ProtectHome":       {"ProtectHome=yes", func() bool { return !reachable("/root") }},
	"InaccessiblePaths": {"InaccessiblePaths=/var", func() bool { return !reachable("/var") }},
	"ReadOnlyPaths":     {"ReadOnlyPaths=/var", func() bool { return readOnly("/var") }},
	"TemporaryFileSystem": {"TemporaryFileSystem=/srv", func() bool {
		return mountedOn("/srv")
	}},
	"BindReadOnlyPaths": {"BindReadOnlyPaths=/usr:/srv", func() bool {
		return mountedOn("/srv")
	}},
	"PrivateTmp":     {"PrivateTmp=yes", func() bool { return mountedOn("/tmp") }},
	"PrivateMounts":  {"PrivateMounts=yes", func() bool { return anew("mnt") }},
	"PrivateNetwork": {"PrivateNetwork=yes", func() bool { return anew("net") }},
	"PrivateIPC":     {"PrivateIPC=yes", func() bool { return anew("ipc") }},
	"PrivateUsers":   {"PrivateUsers=yes", func() bool { return anew("user") }},
	"PrivateDevices": {"PrivateDevices=yes", func() bool {
		return deviceOf("/dev") != os.Getenv("DEV")
	}},
	"ProtectHostname": {"ProtectHostname=yes", func() bool { return anew("uts") }},
	"ProtectKernelTunables": {"ProtectKernelTunables=yes", func() bool {
		return readOnly("/proc/sys")
	}},
	"ProtectProc": {"ProtectProc=invisible", func() bool {
		return mounted("/proc", "hidepid=")
	}},
	"ProcSubset": {"ProcSubset=pid", func() bool {
		return mounted("/proc", "subset=pid")
	}},
	"ProtectClock":            {"ProtectClock=yes", filtered},
	"LockPersonality":         {"LockPersonality=yes", filtered},
	"MemoryDenyWriteExecute":  {"MemoryDenyWriteExecute=yes", deniesWriteExecute},
	"RestrictRealtime":        {"RestrictRealtime=yes", filtered},
	"RestrictSUIDSGID":        {"RestrictSUIDSGID=yes", deniesSUID},
	"RestrictNamespaces":      {"RestrictNamespaces=yes", filtered},
	"RestrictAddressFamilies": {"RestrictAddressFamilies=AF_UNIX", deniesPackets},
	"SystemCallFilter": {"SystemCallFilter=~swapoff\nSystemCallErrorNumber=ENOANO", func() bool {
		_, _, e := syscall.Syscall(syscall.SYS_SWAPOFF, 0, 0, 0)
		return e == syscall.ENOANO
	}},

	// An unprivileged manager has mounts and networks within a user namespace.
	"ProtectSystem-users": {"ProtectSystem=full\nPrivateUsers=yes", func() bool {
		return readOnly("/usr")
	}},
	"PrivateNetwork-users": {"PrivateNetwork=yes\nPrivateUsers=yes", func() bool {
		return anew("net")
	}},

	"DevicePolicy": {"DevicePolicy=strict\nDeviceAllow=/dev/null rw", func() bool {
		_, err := os.Open("/dev/zero")
		return errors.Is(err, unix.EPERM)
	}},
	"RestrictFileSystems": {"RestrictFileSystems=~proc", func() bool {
		_, err := os.Open("/proc/version")
		return errors.Is(err, unix.EPERM)
	}},
	"IPAddressDeny": {"IPAddressDeny=any", deniesLoopback},
	"MemoryMax":     {"MemoryMax=512M", func() bool { return groupFile("memory.max") == "536870912" }},
	"TasksMax":      {"TasksMax=77", func() bool { return groupFile("pids.max") == "77" }},
	"CPUWeight":     {"CPUWeight=77", func() bool { return groupFile("cpu.weight") == "77" }},
}

// TestMatrixPlace is the tests within a place.
func TestMatrixPlace(t *testing.T) {
	groups := os.Getenv(matrixReady)
	if groups == "" {
		t.Skip("TestMatrix runs this, in the places that it makes")
	}
	units := map[string]string{}
	// With the race detector, each process would end a second late.
	env := "Environment=GORACE=atexit_sleep_ms=0 DEV=" + deviceOf("/dev")
	for _, ns := range []string{"mnt", "net", "ipc", "uts", "user"} {
		env += " NS_" + ns + "=" + namespaceOf(ns)
	}
	for setting, m := range matrix {
		units[setting+".service"] = "[Unit]\nX-Enforce=best-effort\n[Service]\nType=oneshot\n" +
			env + "\nExecStart=SELF matrix " + setting + "\n" + m.say + "\n"
	}
	kind := cgroup.Auto
	if groups == "none" {
		kind = cgroup.None
	}
	f := begin(t, units, func(c *Config, _ *load.Config) { c.Cgroups = kind })
	counts := map[string]int{}
	for key := range matrix {
		n := key + ".service"
		setting, _, _ := strings.Cut(key, "-")
		done := f.job("start", n) == "done"
		status := f.property(n, "ExecMainStatus")
		level, why := "unknown", ""
		for _, row := range f.property(n, "Enforcement").([]any) {
			if r := row.([]any); r[0] == setting {
				level, why = r[1].(string), r[2].(string)
			}
		}
		counts[level]++
		t.Logf("%s: %s %s; the process says %t, status %v", key, level, why, done, status)
		switch {
		case level == "weaker", level == "applied" && done, level == "not applied" && !done:
		default:
			t.Errorf("%s is %s (%s), and the process says %t, status %v", key, level, why, done, status)
		}
		if !done && status != int32(1) && !isEssential[setting] {
			t.Errorf("%s: with the best effort, status %v", setting, status)
		}
	}
	t.Logf("%d settings: %v", len(matrix), counts)
}

// isEssential are settings that a process does not start without.
var isEssential = map[string]bool{
	"User": true, "SupplementaryGroups": true, "BindPaths": true, "BindReadOnlyPaths": true,
	"TemporaryFileSystem": true,
}

// prepareTests makes the place that the tests are to be in.
func prepareTests() error {
	if place := os.Getenv(matrixPlace); place != "" {
		return makePlace(place)
	}
	return nil
}

// findSetting is the process of a unit of the matrix.
func findSetting(args []string) error {
	if !matrix[args[0]].has() {
		return errors.New(args[0] + " is not there")
	}
	return nil
}

func status(key string) string {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), key+":\t")
	word, _, _ := strings.Cut(rest, "\n")
	return word
}

func bits(key string) uint64 {
	n, err := strconv.ParseUint(status(key), 16, 64)
	if err != nil {
		return 1 << 63
	}
	return n
}

func filtered() bool { return status("Seccomp") == "2" }

func inGroup() bool {
	list, _ := os.Getgroups()
	for _, g := range list {
		if g == 1 {
			return true
		}
	}
	return false
}

func firstLine(path string) string {
	text, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// stat is a field of proc_pid_stat(5), of which the first is 1.
func stat(field int) string {
	_, rest, _ := strings.Cut(firstLine("/proc/self/stat"), ") ")
	return strings.Fields(rest)[field-3]
}

func limitIs(which int, hard uint64) bool {
	var l unix.Rlimit
	return unix.Getrlimit(which, &l) == nil && l.Max == hard
}

func readOnly(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Flags&unix.ST_RDONLY != 0
}

// reachable reports whether a directory is what it was, and not one without any mode.
func reachable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm() != 0
}

// mounted reports whether something is mounted with an option.
func mounted(where, option string) bool {
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 5 && f[4] == where && strings.Contains(line, option) {
			return true
		}
	}
	return false
}

func mountedOn(where string) bool { return mounted(where, "") }

func deviceOf(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	return strconv.FormatUint(st.Dev, 10)
}

func namespaceOf(kind string) string {
	link, _ := os.Readlink("/proc/self/ns/" + kind)
	return link
}

// anew reports whether the namespace is another than the manager's.
func anew(kind string) bool { return namespaceOf(kind) != os.Getenv("NS_"+kind) }

func deniesWriteExecute() bool {
	mem, err := unix.Mmap(-1, 0, 4096, unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		_ = unix.Munmap(mem)
	}
	return errors.Is(err, unix.EPERM)
}

func deniesSUID() bool { return errors.Is(unix.Chmod("/no/such/file", 0o4755), unix.EPERM) }

func deniesPackets() bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err == nil {
		_ = unix.Close(fd)
	}
	return errors.Is(err, unix.EAFNOSUPPORT)
}

func deniesLoopback() bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	err = unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
	return errors.Is(err, unix.EPERM)
}

// groupFile reads a file of the process's control group.
func groupFile(name string) string {
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		if own, ok := strings.CutPrefix(line, "0::"); ok {
			return firstLine(filepath.Join("/sys/fs/cgroup", strings.TrimSpace(own), name))
		}
	}
	return ""
}
