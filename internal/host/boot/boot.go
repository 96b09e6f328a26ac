// Package boot does what only PID 1 has to: the first mounts, lo, the machine's name and
// ID, the console, the signals that mean requests, and the end of the machine. It knows
// the machine as a whole and no units. It answers for systemd(1), SIGNALS, hostname(5),
// machine-id(5), and for the last steps of systemd-shutdown(8).
package boot

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
)

// IsInit reports whether this process is PID 1: of a machine, or of a container
// or other pid namespace. Nothing here is for others, but Listen.
func IsInit() bool { return os.Getpid() == 1 }

// Container names the container manager around us; "" if there is none. It is
// for deciding what to leave to it.
func Container() string { return proc.Container() }

// mount is one of the file systems that programs expect.
type mount struct {
	point, kind, source string
	flags               uintptr
	data                string
	needed              bool   // the machine is of no use without
	host                bool   // not within a container
	unless              string // there is nothing to do if this exists already
}

const quiet = sys.MountNoSuid | sys.MountNoExec | sys.MountNoDev

// mounts are in the order they are made. The group of terminals is 5 on all
// distributions of note.
var mounts = []mount{
	{point: "/proc", kind: "proc", source: "proc", flags: quiet, needed: true},
	{point: "/sys", kind: "sysfs", source: "sysfs", flags: quiet, needed: true},
	{point: "/dev", kind: "devtmpfs", source: "devtmpfs", needed: true, host: true,
		flags: sys.MountNoSuid | sys.MountStrictAtime, data: "mode=0755", unless: "/dev/null"},
	{point: "/dev/pts", kind: "devpts", source: "devpts",
		flags: sys.MountNoSuid | sys.MountNoExec, data: "mode=0620,gid=5", unless: "/dev/pts/ptmx"},
	{point: "/dev/shm", kind: "tmpfs", source: "tmpfs", data: "mode=1777",
		flags: sys.MountNoSuid | sys.MountNoDev | sys.MountStrictAtime},
	{point: "/run", kind: "tmpfs", source: "tmpfs", data: "mode=0755", needed: true,
		flags: sys.MountNoSuid | sys.MountNoDev | sys.MountStrictAtime},
	{point: "/sys/fs/cgroup", kind: "cgroup2", source: "cgroup2", flags: quiet,
		data: "nsdelegate,memory_recursiveprot"},
}

// Loopback brings up the network interface lo; most services count on it. It logs what
// fails, as in a container that may not.
func Loopback(log func(line string)) {
	if err := sys.LoopbackUp(); err != nil {
		log(err.Error())
	}
}

// Mount mounts what is missing of the file systems that programs expect, and
// makes the directories by which they tell that a service manager is there. It
// logs what fails, and gives an error only for what the machine is of no use
// without; in a container it never does, for there others have decided.
func Mount(log func(line string)) error {
	container := Container() != ""
	var errs []error
	for _, m := range mounts {
		err := m.make(container)
		if err == nil {
			continue
		}
		log(err.Error())
		if m.needed && !container {
			errs = append(errs, err)
		}
	}
	for _, dir := range []string{"/run/systemd", "/run/systemd/system"} {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			log(err.Error())
		}
	}
	return errors.Join(errs...)
}

// make mounts m unless something is mounted there.
func (m mount) make(container bool) error {
	if container && m.host {
		return nil
	}
	// Before /proc is there this lists nothing, and /proc is what comes first.
	have, _ := proc.Mounts()
	if slices.ContainsFunc(have, func(h proc.Mount) bool { return h.Point == m.point }) {
		return nil
	}
	if m.unless != "" {
		if _, err := os.Lstat(m.unless); err == nil {
			return nil
		}
	}
	if err := os.MkdirAll(m.point, 0o755); err != nil {
		return err
	}
	err := sys.Mount(m.source, m.point, m.kind, m.flags, m.data)
	if errors.Is(err, sys.EINVAL) && m.kind == "cgroup2" {
		// Its options came with Linux 4.13 and 5.7.
		err = sys.Mount(m.source, m.point, m.kind, m.flags, "")
	}
	if errors.Is(err, sys.EBUSY) {
		return nil // mounted, and not to be seen in /proc
	}
	return err
}

// Stdio sees that descriptors 0, 1 and 2 are open, so that nothing else gets
// these numbers.
func Stdio() error {
	for {
		fd, err := sys.OpenStream("/dev/null", true, true, false)
		if err != nil {
			return fmt.Errorf("standard streams: %w", err)
		}
		if fd > 2 {
			return sys.CloseFD(fd)
		}
	}
}
