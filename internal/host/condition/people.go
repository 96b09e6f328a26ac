package condition

import (
	"os"
	"slices"
	"strings"

	"rouse/internal/host/identity"
	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// systemUIDMax is the largest uid of a system user. systemd(1) builds it in.
const systemUIDMax = 999

func isSystemUser(uid int) bool { return uid <= systemUIDMax }

func (m *Env) users() *identity.DB {
	if m.Users != nil {
		return m.Users
	}
	return identity.New("")
}

// parseID reads a uid or gid: decimal, without zeros before it.
func parseID(s string) (int, bool) {
	n, err := value.ParseUint(s, 32)
	if err != nil || n >= 1<<32-1 || n == 1<<16-1 || len(s) > 1 && s[0] == '0' || s[0] < '0' ||
		s[0] > '9' {
		return 0, false
	}
	return int(n), true
}

// user compares with the user the manager runs as, real or effective.
func user(param string, m *Env) (bool, error) {
	mine := []int{os.Getuid(), os.Geteuid()}
	if param == "@system" {
		return slices.ContainsFunc(mine, isSystemUser), nil
	}
	if uid, ok := parseID(param); ok {
		return slices.Contains(mine, uid), nil
	}
	u, err := m.users().User(param)
	if err != nil || u.Name != param {
		return false, nil // nobody by that name: not the manager's user
	}
	return slices.Contains(mine, u.UID), nil
}

func group(param string, m *Env) (bool, error) {
	mine := []int{os.Getgid(), os.Getegid()}
	if more, err := os.Getgroups(); err == nil {
		mine = append(mine, more...)
	}
	if gid, ok := parseID(param); ok {
		return slices.Contains(mine, gid), nil
	}
	g, err := m.users().Group(param)
	if err != nil || g.Name != param {
		return false, nil
	}
	return slices.Contains(mine, g.GID), nil
}

// host compares with the machine ID if the parameter is an ID, else matches the
// host name.
func host(param string, _ *Env) (bool, error) {
	if id := strings.ToLower(strings.ReplaceAll(param, "-", "")); len(id) == 32 && isHex(id) {
		text, err := os.ReadFile("/etc/machine-id")
		return strings.TrimSpace(string(text)) == id, err
	}
	name, err := os.Hostname()
	return value.Match(param, name, true), err
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}

// environment tests NAME, or NAME=value.
func environment(param string, m *Env) (bool, error) {
	if strings.Contains(param, "=") {
		return slices.Contains(m.Environment, param), nil
	}
	return slices.ContainsFunc(m.Environment, func(assign string) bool {
		return strings.HasPrefix(assign, param+"=")
	}), nil
}

// controllers are those that systemd knows, and whether version 1 has them for it
// and version 2 has them. Those about BPF are neither: they take programs in the
// kernel.
var controllers = map[string]struct{ v1, v2 bool }{
	"cpu": {true, true}, "cpuacct": {true, true}, "cpuset": {false, true}, "io": {false, true},
	"blkio": {true, false}, "memory": {true, true}, "devices": {true, false}, "pids": {true, true},
	"bpf-firewall": {}, "bpf-devices": {}, "bpf-foreign": {}, "bpf-socket-bind": {},
	"bpf-restrict-network-interfaces": {},
}

// controller tests "v1", "v2" or a list of controllers, of which the unknown ones
// do not count.
func controller(param string, m *Env) (bool, error) {
	unified, have, err := availableControllers(m)
	if err != nil {
		return false, err
	}
	switch param {
	case "v1":
		return !unified, nil
	case "v2":
		return unified, nil
	}
	for _, name := range strings.Fields(param) {
		c, known := controllers[name]
		if !known {
			continue
		}
		if unified && (!c.v2 || !have[name]) || !unified && (!c.v1 || !have[name]) {
			return false, nil
		}
	}
	return true, nil
}

// availableControllers tells whether the machine has version 2 alone, and which
// controllers there are.
func availableControllers(m *Env) (unified bool, have map[string]bool, err error) {
	mounts, err := proc.Mounts()
	if err != nil {
		return false, nil, err
	}
	have = map[string]bool{}
	dir := m.CgroupDir
	for _, at := range mounts {
		if at.Type == "cgroup2" && at.Point == "/sys/fs/cgroup" {
			unified = true
			if dir == "" {
				dir = at.Point
			}
		}
	}
	for _, at := range mounts {
		// Of version 1 only those count that the manager may write.
		if at.Type == "cgroup" && !unified && sys.CanWrite(at.Point) {
			for _, option := range at.SuperOptions {
				have[option] = true
			}
		}
	}
	if !unified {
		return false, have, nil
	}
	text, err := os.ReadFile(dir + "/cgroup.controllers")
	have["cpuacct"] = true // the kernel counts without a controller
	for _, name := range strings.Fields(string(text)) {
		have[name] = true
	}
	return true, have, err
}
