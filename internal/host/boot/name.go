package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
)

// FirstBootFile is there while a first boot is under way. systemd.unit(5),
// ConditionFirstBoot=.
const FirstBootFile = "/run/systemd/first-boot"

// Name gives the machine its name and its ID, and says for others in which container
// it is. It reports whether this is its first boot, by machine-id(5), First Boot
// Semantics; then FirstBootFile is there, too. It logs what fails.
func Name(log func(line string)) (first bool) {
	n := naming{
		root: "/", container: os.Getenv("container"), uuid: os.Getenv("container_uuid"),
		bind: func(from, to string) error {
			err := sys.Mount(from, to, "", sys.MountBind, "")
			if err == nil {
				err = sys.Mount("", to, "", sys.MountBind|sys.MountRemount|sys.MountReadOnly|quiet, "")
			}
			return err
		},
		setHostName: sys.SetHostName, hostName: os.Hostname,
	}
	if words, err := proc.CommandLine(); err == nil {
		n.words = strings.Fields(words)
	}
	first, errs := n.name()
	for _, err := range errs {
		log(err.Error())
	}
	return first
}

// Call gives this process a name for ps(1) and the like: many programs, Ansible among
// them, know the service manager by that of PID 1. proc(5), /proc/PID/comm.
func Call(name string, log func(line string)) {
	if err := os.WriteFile("/proc/self/comm", []byte(name), 0); err != nil {
		log(err.Error())
	}
}

// naming is what Name does, in a root directory.
type naming struct {
	root, container string   // what the container's manager calls it, "" if it says nothing
	uuid            string   // of the container, from its manager
	words           []string // of the kernel's command line
	bind            func(from, to string) error
	setHostName     func(name string) error
	hostName        func() (string, error)
}

func (n *naming) path(p string) string { return filepath.Join(n.root, p) }

func (n *naming) name() (first bool, errs []error) {
	if n.container != "" {
		if err := n.tell("/run/systemd/container", n.container+"\n"); err != nil {
			errs = append(errs, err)
		}
	}
	if err := n.nameHost(); err != nil {
		errs = append(errs, fmt.Errorf("set the host name: %w", err))
	}
	first, err := n.identify()
	if err != nil {
		errs = append(errs, fmt.Errorf("set up the machine ID: %w", err))
	}
	if first {
		if err := n.tell(FirstBootFile, ""); err != nil {
			errs = append(errs, err)
		}
	}
	return first, errs
}

// argument gives the last value of a word of the kernel's command line.
func (n *naming) argument(key string) string {
	v := ""
	for _, w := range n.words {
		if value, ok := strings.CutPrefix(w, key+"="); ok {
			v = value
		}
	}
	return v
}

// tell writes a small file for others.
func (n *naming) tell(path, text string) error {
	return os.WriteFile(n.path(path), []byte(text), 0o644)
}

// nameHost sets the host name, if somebody says which: the kernel's command line,
// /etc/hostname, or, if there is none yet, the maker of the system. hostname(5).
func (n *naming) nameHost() error {
	now, err := n.hostName()
	if err != nil {
		now = ""
	}
	name := n.argument("systemd.hostname")
	if name == "" {
		name = n.staticName()
	}
	if name == "" && (now == "" || now == "(none)") {
		if name = n.release("DEFAULT_HOSTNAME"); name == "" {
			name = "localhost"
		}
	}
	if name == "" || name == now {
		return nil
	}
	if !hostName(name) {
		return fmt.Errorf("%q is no host name", name)
	}
	return n.setHostName(name)
}

// staticName is the first line of /etc/hostname that says something.
func (n *naming) staticName() string {
	text, err := os.ReadFile(n.path("/etc/hostname"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line
		}
	}
	return ""
}

// release gives an assignment of os-release(5), plain or between quotes.
func (n *naming) release(key string) string {
	for _, p := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, err := os.ReadFile(n.path(p))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if v, ok := strings.CutPrefix(line, key+"="); ok {
				return strings.Trim(strings.TrimSpace(v), `"'`)
			}
		}
		return ""
	}
	return ""
}

// hostName reports whether the kernel and the network take it: labels of letters,
// digits and "-", 64 characters at most. hostname(7).
func hostName(s string) bool {
	if len(s) > 64 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			c := label[i]
			if !('a' <= c|0x20 && c|0x20 <= 'z') && !('0' <= c && c <= '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

// identify sees that /etc/machine-id has an ID. At a first boot the file says so, and
// what is read there lies above it, until systemd-machine-id-commit.service makes it
// last; so it does where nothing can be written. machine-id(5).
func (n *naming) identify() (first bool, err error) {
	const path = "/etc/machine-id"
	text, err := os.ReadFile(n.path(path))
	first = errors.Is(err, os.ErrNotExist) || strings.TrimSpace(string(text)) == "uninitialized"
	if id := strings.TrimSuffix(string(text), "\n"); machineID(id) {
		return false, nil
	}
	id := n.newID()
	if id == "" {
		return first, errors.New("there is no source of random numbers")
	}
	if !first {
		if err = os.WriteFile(n.path(path), []byte(id+"\n"), 0o444); err == nil {
			return false, nil
		}
	} else if err = os.WriteFile(n.path(path), []byte("uninitialized\n"), 0o444); err != nil &&
		len(text) == 0 {
		return first, err // there is nothing to put it on
	}
	if err := os.WriteFile(n.path("/run/machine-id"), []byte(id+"\n"), 0o444); err != nil {
		return first, err
	}
	if err := n.bind(n.path("/run/machine-id"), n.path(path)); err != nil {
		// A container that may not mount has an ID nevertheless.
		os.Remove(n.path(path))
		return first, os.WriteFile(n.path(path), []byte(id+"\n"), 0o444)
	}
	return first, nil
}

// newID gives an ID for a machine without: what others have given it, or a new one.
func (n *naming) newID() string {
	ids := []string{n.argument("systemd.machine_id"), n.first("/var/lib/dbus/machine-id")}
	if n.container != "" {
		ids = append(ids, n.uuid)
	}
	if proc.Machine() == "kvm" || proc.Machine() == "qemu" {
		ids = append(ids, n.first("/sys/class/dmi/id/product_uuid"))
	}
	ids = append(ids, n.first("/proc/sys/kernel/random/uuid"))
	for _, id := range ids {
		id = strings.ToLower(strings.ReplaceAll(id, "-", ""))
		if machineID(id) {
			return id
		}
	}
	return ""
}

// first is the first line of a file.
func (n *naming) first(path string) string {
	text, err := os.ReadFile(n.path(path))
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// machineID reports whether it is 32 hexadecimal digits, not all 0.
func machineID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}
