// Package machine gathers facts about the machine: names, identities, release,
// limits. It knows where a system keeps them, and not what they are used for. It
// answers for the sources named in the SPECIFIERS section of systemd.unit(5).
package machine

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"rouse/internal/host/identity"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/specifier"
	"rouse/internal/unit/value"
)

// Facts gives what specifiers tell of this machine. Nothing is read before it is
// asked for. users finds the account that the manager runs as.
func Facts(users *identity.DB) *specifier.Machine {
	return &specifier.Machine{
		HostName:       os.Hostname,
		PrettyHostName: prettyHostName,
		MachineID:      func() (string, error) { return id("/etc/machine-id") },
		BootID:         func() (string, error) { return id("/proc/sys/kernel/random/boot_id") },
		KernelRelease:  release,
		Architecture:   func() (string, error) { return Architecture(), nil },
		OSRelease:      osRelease,
		User:           func() (specifier.Account, error) { return account(users) },
	}
}

// prettyHostName is the one of hostnamectl(1); few machines have it.
func prettyHostName() (string, error) {
	name, err := field("/etc/machine-info", "PRETTY_HOSTNAME")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return name, err
}

func release() (string, error) {
	names, err := sys.Uname()
	return names.Release, err
}

// id reads a 128 bit number, with or without dashes.
func id(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.ReplaceAll(strings.TrimSpace(string(text)), "-", "")
	if len(s) != 32 {
		return "", fmt.Errorf("%s: no machine or boot ID", path)
	}
	return s, nil
}

// architectures are systemd's words for Go's. systemd.unit(5), ConditionArchitecture=.
var architectures = [...][2]string{
	{"386", "x86"}, {"amd64", "x86-64"}, {"arm", "arm"}, {"arm64", "arm64"},
	{"loong64", "loongarch64"}, {"mips64le", "mips64-le"}, {"ppc64", "ppc64"}, {"ppc64le", "ppc64-le"},
	{"riscv64", "riscv64"}, {"s390x", "s390x"},
}

// Architecture is that of this program, in systemd's words.
func Architecture() string {
	for _, a := range architectures {
		if a[0] == runtime.GOARCH {
			return a[1]
		}
	}
	return runtime.GOARCH
}

func osRelease(key string) (string, error) {
	v, err := field("/etc/os-release", key)
	if errors.Is(err, os.ErrNotExist) {
		return field("/usr/lib/os-release", key)
	}
	return v, err
}

// field reads one assignment of a file like os-release(5); "" if it is not set.
func field(path, key string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	env, err := value.ParseEnvFile(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], key+"="); ok {
			return v, nil
		}
	}
	return "", nil
}

func account(users *identity.DB) (specifier.Account, error) {
	u, err := users.User(strconv.Itoa(os.Getuid()))
	if err != nil {
		return specifier.Account{
			UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), Home: os.Getenv("HOME"),
		}, nil
	}
	a := specifier.Account{
		Name: u.Name, UID: uint32(u.UID), GID: uint32(u.GID), Home: u.Home, Shell: u.Shell,
	}
	if g, err := users.Group(strconv.Itoa(u.GID)); err == nil {
		a.Group = g.Name
	}
	return a, nil
}

// Limits are the resource limits of the manager, which units have if they set none.
func Limits() (limits [value.Limits]unit.Rlimit) {
	for l := range limits {
		number, ok := sys.LimitNumber(value.Limit(l).String())
		if !ok {
			continue
		}
		if soft, hard, err := sys.Limit(number); err == nil {
			limits[l] = unit.Rlimit{Soft: soft, Hard: hard}
		}
	}
	return limits
}

// Memory is the size of the machine's memory in bytes; 0 if it is not known.
func Memory() value.Size {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "MemTotal:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(v, "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return value.Size(kib) * 1024
		}
	}
	return 0
}

// Tasks is how many tasks the machine can run at most; 0 if it is not known.
func Tasks() uint64 {
	most := uint64(0)
	for _, path := range [...]string{"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && (most == 0 || n < most) {
			most = n
		}
	}
	return most
}

// nodesDir is where the kernel lists NUMA nodes.
const nodesDir = "/sys/devices/system/node"

// Nodes is the number of NUMA nodes, one more than that of the last; 0 if it is not known.
func Nodes() (nodes uint) {
	list, _ := os.ReadDir(nodesDir)
	for _, e := range list {
		if text, ok := strings.CutPrefix(e.Name(), "node"); ok {
			if n, err := strconv.ParseUint(text, 10, 16); err == nil {
				nodes = max(nodes, uint(n)+1)
			}
		}
	}
	return nodes
}

// localeFiles are where the language of the system is written; the second is Debian's.
var localeFiles = [...]string{"/etc/locale.conf", "/etc/default/locale"}

// Locale is the language of the system as assignments of environment variables: from the
// kernel's command line ("locale.LANG=…"), else from locale.conf(5), else it is none.
func Locale(commandLine string) []string {
	var env []string
	for word := range strings.FieldsSeq(commandLine) {
		if a, ok := strings.CutPrefix(word, "locale."); ok && isLocale(a) {
			env = append(env, a)
		}
	}
	for _, file := range localeFiles {
		if len(env) > 0 {
			break
		}
		if text, err := os.ReadFile(file); err == nil {
			all, _ := value.ParseEnvFile(text) // what can be read counts
			env = slices.DeleteFunc(all, func(a string) bool { return !isLocale(a) })
		}
	}
	if len(env) == 0 {
		env = []string{"LANG=C.UTF-8"}
	}
	return value.MergeEnv(env)
}

// isLocale reports whether an assignment is one of locale.conf(5).
func isLocale(a string) bool {
	name, text, _ := strings.Cut(a, "=")
	return text != "" && (name == "LANG" || name == "LANGUAGE" || strings.HasPrefix(name, "LC_"))
}
