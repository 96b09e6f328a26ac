package unit

import (
	"strings"
	"testing"
)

// TestMountCommands: the command lines are those that systemd 252 ran for the same units.
func TestMountCommands(t *testing.T) {
	a := &Mount{
		What: "tmpfs", Where: "/srv/a", FSType: "tmpfs", SloppyOptions: true,
		Options: "size=1M,nofail,x-systemd.foo=bar,noauto,mode=0700",
	}
	b := &Mount{
		What: "/srv/src", Where: "/srv/b", Options: "bind", ReadWriteOnly: true, LazyUnmount: true,
		ForceUnmount: true,
	}
	found := &Mount{What: "foo", Where: "/mnt", FSType: "tmpfs", Options: "rw", Found: true}
	plain := &Mount{What: "/dev/x", Where: "/p"}
	for _, c := range []struct {
		m    *Mount
		kind MountExecKind
		want string
	}{
		{a, ExecMount, "/bin/mount tmpfs /srv/a -s -t tmpfs -o size=1M,x-systemd.foo=bar,mode=0700"},
		{a, ExecRemount, "/bin/mount tmpfs /srv/a -o remount,size=1M,nofail,x-systemd.foo=bar,noauto," +
			"mode=0700 -s -t tmpfs"},
		{a, ExecUnmount, "/bin/umount /srv/a -c"},
		{b, ExecMount, "/bin/mount /srv/src /srv/b -w -o bind"},
		{b, ExecUnmount, "/bin/umount /srv/b -c -l -f"},
		{plain, ExecMount, "/bin/mount /dev/x /p"},
		{plain, ExecRemount, "/bin/mount /dev/x /p -o remount"},
		{found, ExecMount, ""},
		{found, ExecRemount, ""},
		{found, ExecUnmount, "/bin/umount /mnt -c"},
	} {
		got := ""
		for _, cmd := range c.m.Commands(c.kind) {
			got = strings.Join(cmd.Argv, " ")
			if cmd.Path != cmd.Argv[0] {
				t.Errorf("path %s, argv %q", cmd.Path, cmd.Argv)
			}
		}
		if got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.kind, c.m.Where, got, c.want)
		}
	}
}

func TestIsSystemMount(t *testing.T) {
	for where, want := range map[string]bool{
		"/": false, "/sys": true, "/sys/fs/cgroup/cpu": true, "/sys/kernel/debug": false,
		"/run/lock": true,
	} {
		if got := IsSystemMount(where); got != want {
			t.Errorf("%s: %v", where, got)
		}
	}
}

func TestIsBind(t *testing.T) {
	for _, c := range []struct {
		m    Mount
		want bool
	}{
		{Mount{Options: "ro,bind"}, true}, {Mount{FSType: "rbind"}, true},
		{Mount{Options: "binder"}, false}, {Mount{FSType: "tmpfs"}, false},
	} {
		if got := c.m.IsBind(); got != c.want {
			t.Errorf("%+v: %v", c.m, got)
		}
	}
}
