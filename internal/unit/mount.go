package unit

import (
	"slices"
	"strings"

	"rouse/internal/unit/value"
)

// Mount is the [Mount] section without its Exec, Kill and Resources parts. systemd.mount(5).
type Mount struct {
	What, Where, FSType, Options string
	Timeout                      value.Span // TimeoutSec=, default DefaultTimeoutStartSec=
	DirectoryMode                value.Mode // default 0755
	SloppyOptions                bool
	LazyUnmount                  bool
	ForceUnmount                 bool
	ReadWriteOnly                bool
	// Found is set for what no file describes: it was mounted by somebody else.
	Found bool
}

// systemMounts are the mount points that a system has from its beginning to its end.
// They are systemd 252's, as Debian builds it.
var systemMounts = []string{
	"/proc", "/sys", "/dev", "/dev/shm", "/dev/pts", "/run", "/run/lock", "/sys/kernel/security",
	"/sys/fs/smackfs", "/sys/fs/cgroup", "/sys/fs/pstore", "/sys/firmware/efi/efivars", "/sys/fs/bpf",
}

// IsSystemMount reports that a path is the mount point of something that a system
// cannot do without, and that is no unit's business.
func IsSystemMount(where string) bool {
	return slices.Contains(systemMounts, where) || strings.HasPrefix(where, "/sys/fs/cgroup/")
}

// MountExecKind is what a mount unit runs a program for.
type MountExecKind uint8

// The kinds, in the words of the properties that show the commands.
const (
	ExecMount MountExecKind = iota
	ExecUnmount
	ExecRemount
	MountExecKinds
)

var mountExecWords = [MountExecKinds]string{"ExecMount", "ExecUnmount", "ExecRemount"}

func (k MountExecKind) String() string { return mountExecWords[k] }

// IsBind reports that the mount shows a part of the file tree in another place.
func (m *Mount) IsBind() bool {
	for o := range strings.SplitSeq(m.Options, ",") {
		if o = strings.TrimSpace(o); o == "bind" || o == "rbind" {
			return true
		}
	}
	return m.FSType == "bind" || m.FSType == "rbind"
}

// Commands is the command of that kind, with systemd's arguments in its order; none
// if nobody has said what to mount. mount(8), umount(8).
func (m *Mount) Commands(kind MountExecKind) []value.Command {
	if (m.Found || m.What == "") && kind != ExecUnmount {
		return nil
	}
	c := value.Command{Path: "/bin/mount", Argv: []string{"/bin/mount", m.What, m.Where}}
	switch kind {
	case ExecUnmount:
		c.Path = "/bin/umount"
		c.Argv = []string{c.Path, m.Where, "-c"}
		c.Argv = addIf(c.Argv, m.LazyUnmount, "-l")
		c.Argv = addIf(c.Argv, m.ForceUnmount, "-f")
		return []value.Command{c}
	case ExecRemount:
		options := "remount"
		if m.Options != "" {
			options += "," + m.Options
		}
		c.Argv = append(c.Argv, "-o", options)
	case ExecMount, MountExecKinds:
	}
	c.Argv = addIf(c.Argv, m.SloppyOptions, "-s")
	c.Argv = addIf(c.Argv, m.ReadWriteOnly, "-w")
	c.Argv = addIf(c.Argv, m.FSType != "", "-t", m.FSType)
	if options := m.mountOptions(); kind == ExecMount {
		c.Argv = addIf(c.Argv, options != "", "-o", options)
	}
	return []value.Command{c}
}

// mountOptions are Options= without what is only for those who read /etc/fstab.
func (m *Mount) mountOptions() string {
	list := slices.DeleteFunc(strings.Split(m.Options, ","), func(o string) bool {
		return o == "nofail" || o == "noauto" || o == "auto"
	})
	return strings.Join(list, ",")
}

func addIf(list []string, on bool, words ...string) []string {
	if on {
		list = append(list, words...)
	}
	return list
}
