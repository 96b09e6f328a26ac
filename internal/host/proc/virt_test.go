package proc

import (
	"testing"
	"testing/fstest"
)

func file0(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestContainer(t *testing.T) {
	for _, c := range []struct {
		files fstest.MapFS
		env   string
		want  string
	}{
		{fstest.MapFS{}, "", ""},
		{fstest.MapFS{}, "lxc", "lxc"},
		{fstest.MapFS{}, "strange", "container-other"},
		{fstest.MapFS{}, "oci", "container-other"},
		{fstest.MapFS{".dockerenv": file0("")}, "", "docker"},
		{fstest.MapFS{".dockerenv": file0("")}, "oci", "docker"},
		{fstest.MapFS{"run/.containerenv": file0("")}, "", "podman"},
		{fstest.MapFS{"run/host/container-manager": file0("systemd-nspawn\n")}, "lxc", "systemd-nspawn"},
		{fstest.MapFS{"run/systemd/container": file0("podman\n")}, "", "podman"},
		{fstest.MapFS{"proc/vz/x": file0("")}, "", "openvz"},
		{fstest.MapFS{"proc/vz/x": file0(""), "proc/bc/x": file0("")}, "", ""},
		{fstest.MapFS{"proc/sys/kernel/osrelease": file0("5.10-microsoft-standard-WSL2")}, "", "wsl"},
	} {
		if got := container(c.files, c.env); got != c.want {
			t.Errorf("container %v %q = %q, want %q", c.files, c.env, got, c.want)
		}
	}
}

func TestMachine(t *testing.T) {
	for _, c := range []struct {
		files fstest.MapFS
		want  string
	}{
		{fstest.MapFS{}, ""},
		{fstest.MapFS{"sys/class/dmi/id/sys_vendor": file0("QEMU\n")}, "qemu"},
		{fstest.MapFS{"sys/class/dmi/id/product_name": file0("VirtualBox\n")}, "oracle"},
		{fstest.MapFS{"sys/class/dmi/id/sys_vendor": file0("LENOVO\n")}, ""},
		{fstest.MapFS{"proc/cpuinfo": file0("model\t: x\nflags\t\t: fpu hypervisor\n")}, "vm-other"},
		{fstest.MapFS{"sys/hypervisor/type": file0("xen\n")}, "xen"},
		{fstest.MapFS{"sys/hypervisor/type": file0("xen\n"),
			"proc/xen/capabilities": file0("control_d\n")}, ""},
		{fstest.MapFS{"proc/device-tree/hypervisor/compatible": file0("linux,kvm\x00")}, "kvm"},
	} {
		if got := machine(c.files); got != c.want {
			t.Errorf("machine %v = %q, want %q", c.files, got, c.want)
		}
	}
}
