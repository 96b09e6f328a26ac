package boot

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestName: what a machine is called, and its ID, are those of systemd in the same
// root directory.
func TestName(t *testing.T) {
	const (
		good  = "556f48e837bc4424a710fa2e2c9d3e3c"
		uuid  = "3e4e8a7c-0f8a-4b8e-9d7b-1b2b3c4d5e6f"
		other = "0123456789abcdef0123456789abcdef"
		ids   = "3e4e8a7c0f8a4b8e9d7b1b2b3c4d5e6f"
	)
	random := map[string]string{"proc/sys/kernel/random/uuid": uuid + "\n"}
	for _, c := range []struct {
		what  string
		files map[string]string // besides random
		n     naming
		id    string // what /etc/machine-id reads then
		below string // what lies below it, if anything
		first bool
		host  string // what the host is named; "" is nothing
	}{
		{what: "all is there", files: map[string]string{"etc/machine-id": good + "\n",
			"etc/hostname": "web1\n"}, id: good, host: "web1"},
		{what: "no ID", id: ids, below: "uninitialized", first: true},
		{what: "uninitialized", files: map[string]string{"etc/machine-id": "uninitialized\n"},
			id: ids, below: "uninitialized", first: true},
		{what: "empty", files: map[string]string{"etc/machine-id": ""}, id: ids},
		{what: "broken", files: map[string]string{"etc/machine-id": good + "\ne3d\n"}, id: ids},
		{what: "zero", files: map[string]string{"etc/machine-id": strings.Repeat("0", 32)}, id: ids},
		{what: "of D-Bus", files: map[string]string{"etc/machine-id": "",
			"var/lib/dbus/machine-id": other + "\n"}, id: other},
		{what: "of the kernel's command line", files: map[string]string{"etc/machine-id": ""},
			n:  naming{words: []string{"quiet", "systemd.machine_id=" + other, "systemd.hostname=k"}},
			id: other, host: "k"},
		{what: "of the container", files: map[string]string{"etc/machine-id": ""},
			n: naming{container: "lxc", uuid: other[:8] + "-" + other[8:]}, id: other},
		{what: "comments", files: map[string]string{"etc/machine-id": good,
			"etc/hostname": "# c\n\n  sp-name  \n"}, id: good, host: "sp-name"},
		{what: "no host name", files: map[string]string{"etc/machine-id": good,
			"etc/hostname": "a b\n"}, id: good},
		{what: "the maker's", files: map[string]string{"etc/machine-id": good,
			"usr/lib/os-release": "ID=x\nDEFAULT_HOSTNAME=\"fedora\"\n"}, id: good, host: "fedora"},
	} {
		n, root, host := c.n, t.TempDir(), ""
		for _, files := range []map[string]string{random, c.files,
			{"run/systemd/x": "", "etc/x": ""}} {
			for name, text := range files {
				put(t, filepath.Join(root, name), text)
			}
		}
		below := ""
		n.root, n.hostName = root, func() (string, error) {
			if strings.HasPrefix(c.what, "the maker") {
				return "(none)", nil
			}
			return "before", nil
		}
		n.setHostName = func(name string) error { host = name; return nil }
		n.bind = func(from, to string) error {
			below = text(t, to)
			put(t, to, text(t, from))
			return nil
		}
		first, errs := n.name()
		if (len(errs) > 0) != (c.what == "no host name") {
			t.Errorf("%s: %v", c.what, errs)
		}
		if got := text(t, filepath.Join(root, "etc/machine-id")); strings.TrimSpace(got) != c.id {
			t.Errorf("%s: ID %q, want %q", c.what, got, c.id)
		}
		if first != c.first || strings.TrimSpace(below) != c.below || host != c.host {
			t.Errorf("%s: first %v, below %q, host %q", c.what, first, below, host)
		}
		if _, err := os.Stat(filepath.Join(root, FirstBootFile)); (err == nil) != c.first {
			t.Errorf("%s: the mark of a first boot: %v", c.what, err)
		}
		told, err := os.ReadFile(filepath.Join(root, "run/systemd/container"))
		if string(told) != strings.TrimLeft(c.n.container+"\n", "\n") {
			t.Errorf("%s: container %q, %v", c.what, told, err)
		}
	}
}

// TestNameNothing: where nothing may be mounted the ID is written nevertheless, and
// where nothing may be done at all there are errors.
func TestNameNothing(t *testing.T) {
	root := t.TempDir()
	refuse := errors.New("refused")
	n := naming{
		root: root, words: []string{"systemd.hostname=x"},
		bind:        func(string, string) error { return refuse },
		setHostName: func(string) error { return refuse },
		hostName:    func() (string, error) { return "", refuse },
	}
	if _, errs := n.name(); len(errs) < 2 {
		t.Errorf("nothing is there: %v", errs)
	}
	put(t, filepath.Join(root, "proc/sys/kernel/random/uuid"), "3e4e8a7c-0f8a-4b8e-9d7b-1b2b3c4d5e6f")
	put(t, filepath.Join(root, "run/systemd/x"), "")
	put(t, filepath.Join(root, "etc/x"), "")
	if _, errs := n.name(); len(errs) != 1 {
		t.Errorf("may not mount: %v", errs)
	}
	if id := strings.TrimSpace(text(t, filepath.Join(root, "etc/machine-id"))); !machineID(id) {
		t.Errorf("may not mount, and the ID is %q", id)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
