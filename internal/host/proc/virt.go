package proc

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
)

// Container names the container manager that this process runs below, with the
// words of systemd-detect-virt(1): "docker", "lxc", …, "container-other"; "" if
// there is none. $container of PID 1 counts most, then the files that managers
// leave.
func Container() string {
	env := ""
	if os.Getpid() == 1 {
		env = os.Getenv("container")
	} else {
		env, _ = Environ(1, "container")
	}
	return container(os.DirFS("/"), env)
}

func container(root fs.FS, env string) string {
	if exists(root, "proc/vz") && !exists(root, "proc/bc") {
		return "openvz"
	}
	if release := read(root, "proc/sys/kernel/osrelease"); strings.Contains(release, "Microsoft") ||
		strings.Contains(release, "WSL") {
		return "wsl"
	}
	byFile := ""
	switch {
	case exists(root, "run/.containerenv"):
		byFile = "podman"
	case exists(root, ".dockerenv"):
		byFile = "docker"
	}
	for _, name := range []string{
		read(root, "run/host/container-manager"), env, read(root, "run/systemd/container"),
	} {
		switch name {
		case "":
			continue
		case "systemd-nspawn", "lxc-libvirt", "lxc", "openvz", "docker", "podman", "rkt", "wsl",
			"proot", "pouch":
			return name
		case "oci": // says what kind, not who
			if byFile == "" {
				return "container-other"
			}
			return byFile
		}
		return "container-other"
	}
	return byFile
}

func exists(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}

// read gives the text of a file without white space around it; "" if there is none.
func read(root fs.FS, name string) string {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(text))
}

// vendors are what virtual machines call themselves in the DMI tables.
var vendors = []struct{ prefix, name string }{
	{"KVM", "kvm"}, {"OpenStack", "kvm"}, {"KubeVirt", "kvm"}, {"Amazon EC2", "amazon"},
	{"QEMU", "qemu"}, {"VMware", "vmware"}, {"VMW", "vmware"}, {"innotek GmbH", "oracle"},
	{"VirtualBox", "oracle"}, {"Oracle Corporation", "oracle"}, {"Xen", "xen"}, {"Bochs", "bochs"},
	{"Parallels", "parallels"}, {"BHYVE", "bhyve"}, {"Hyper-V", "microsoft"},
	{"Apple Virtualization", "apple"}, {"Google Compute Engine", "google"},
}

// Machine names the virtual machine that the kernel runs in, with the words of
// systemd-detect-virt(1); "vm-other" if it is one of no known kind, "" if it is none.
func Machine() string { return machine(os.DirFS("/")) }

func machine(root fs.FS) string {
	if strings.Contains(read(root, "proc/xen/capabilities"), "control_d") {
		return "" // the domain that runs the others
	}
	const dmi = "sys/class/dmi/id/"
	for _, file := range []string{
		"product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version",
	} {
		text := read(root, dmi+file)
		for _, v := range vendors {
			if strings.HasPrefix(text, v.prefix) {
				return v.name
			}
		}
	}
	if kind := read(root, "sys/hypervisor/type"); kind == "xen" {
		return kind
	}
	tree := read(root, "proc/device-tree/hypervisor/compatible")
	switch {
	case strings.HasPrefix(tree, "linux,kvm"):
		return "kvm"
	case strings.Contains(tree, "xen"):
		return "xen"
	case strings.Contains(tree, "vmware"):
		return "vmware"
	}
	info := read(root, "proc/cpuinfo")
	if strings.Contains(info, "User Mode Linux") {
		return "uml"
	}
	if strings.Contains(read(root, "proc/sysinfo"), "KVM/Linux") {
		return "kvm" // on s390
	}
	if CPUFlags(info)["hypervisor"] {
		return "vm-other"
	}
	return ""
}

// CPUFlags gives the flags of the first processor in the text of /proc/cpuinfo.
func CPUFlags(info string) map[string]bool {
	flags := map[string]bool{}
	for line := range strings.Lines(info) {
		key, list, _ := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); key == "flags" || key == "Features" {
			for _, f := range strings.Fields(list) {
				flags[f] = true
			}
			return flags
		}
	}
	return flags
}

// CommandLine gives the words of the kernel's command line; within a container
// those of PID 1, which stand for them there.
func CommandLine() (string, error) {
	if Container() == "" {
		text, err := os.ReadFile("/proc/cmdline")
		return strings.TrimSpace(string(text)), err
	}
	text, err := os.ReadFile("/proc/1/cmdline")
	var words []string
	for word := range bytes.SplitSeq(bytes.TrimRight(text, "\x00"), []byte{0}) {
		if bytes.ContainsAny(word, " \t\n") {
			word = append(append([]byte{'"'}, word...), '"')
		}
		words = append(words, string(word))
	}
	return strings.Join(words, " "), err
}
