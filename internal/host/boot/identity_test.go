package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMachineID(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	for _, test := range []struct {
		name, file, other, given, want string // "-" is no file; want "" is a fresh one
		first                          bool
	}{
		{"there", id + "\n", "-", "", id, false},
		{"empty", "", "-", "", "", false},
		{"of D-Bus", "", id + "\n", "", id, false},
		{"given", "", "-", "01234567-89AB-cdef-0123-456789abcdef", id, false},
		{"given is none", "", "-", "nonsense", "", false},
		{"none", "-", "-", "", "", true},
		{"uninitialized", "uninitialized\n", "-", "", "", true},
		{"zeros", strings.Repeat("0", 32), "-", "", "", false},
	} {
		dir := t.TempDir()
		path := func(name, text string) string {
			p := filepath.Join(dir, name)
			if text != "-" {
				if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			return p
		}
		m := machineID{
			file: path("machine-id", test.file), other: path("dbus", test.other), given: test.given,
			transient: path("run", "-"), first: filepath.Join(dir, "run/first-boot"),
		}
		if test.first {
			m.transient = path("transient", "-")
		}
		if err := m.settle(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		b, _ := os.ReadFile(m.file)
		got := strings.TrimSpace(string(b))
		if !isID(got) || test.want != "" && got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if _, err := os.Stat(m.first); (err == nil) != test.first {
			t.Errorf("%s: first boot: %v, want %v", test.name, err == nil, test.first)
		}
	}
}

func TestHostname(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hostname")
	for text, want := range map[string]string{
		"lab\n": "lab", "# c\n\n a.b-c \n": "a.b-c", "": "", "a b\n": "", strings.Repeat("x", 65): "",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := hostname(path); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := hostname(path + "x"); got != "" {
		t.Errorf("no file: %q", got)
	}
}
