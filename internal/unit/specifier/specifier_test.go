package specifier

import (
	"errors"
	"strings"
	"testing"

	"rouse/internal/tidy/tables"
	"rouse/internal/unit/name"
)

func is(s string) func() (string, error) { return func() (string, error) { return s, nil } }

// lab is a machine of which everything is known.
func lab() *Machine {
	return &Machine{
		HostName: is("lab.example.org"), PrettyHostName: is("The Lab"), MachineID: is("433f"),
		BootID: is("01d7"), KernelRelease: is("6.1.0"), Architecture: is("x86-64"),
		OSRelease: func(field string) (string, error) { return "<" + field + ">", nil },
		User: func() (Account, error) {
			return Account{Name: "root", Group: "root", Home: "/root", Shell: "/bin/bash"}, nil
		},
	}
}

// TestTable compares with what systemd 252 expands.
func TestTable(t *testing.T) {
	for _, r := range tables.Read(t, "specifiers.tsv") {
		u := &Unit{Name: r[0], Fragment: "/run/systemd/system/" + r[0]}
		if template, ok := name.TemplateOf(r[0]); ok {
			u.Fragment = "/run/systemd/system/" + template
		}
		got, err := Expand(r[1], u, lab())
		if (err == nil) != (r[2] == "1") || got != r[3] {
			t.Errorf("%s: %s gives %q, %v; want ok=%s %q", r[0], r[1], got, err, r[2], r[3])
		}
	}
}

func TestExpand(t *testing.T) {
	for _, c := range []struct{ unit, format, want string }{ // want "!": refused
		{"a.service", "%a %b %m %v %H %l %q", "x86-64 01d7 433f 6.1.0 lab.example.org lab The Lab"},
		{"a.service", "%A %B %M %o %w %W",
			"<IMAGE_VERSION> <BUILD_ID> <IMAGE_ID> <ID> <VERSION_ID> <VARIANT_ID>"},
		{"a-b@c-d.service", "%n %N %p %P %i %I %j %J %f",
			"a-b@c-d.service a-b@c-d a-b a/b c-d c/d b b /c/d"},
		{"a--b.service", "%P %j", "a//b b"},
		{"a--b.service", "%f", "!"}, // no normalised path
		{"a@-b.service", "%f", "!"},
		{"a@-b.service", "%I", "/b"},
		{"a@.service", "%f", "/a"},
		{"a@..service", "%f", "!"},
		{`a@\x41\xzz.service`, "%I", "!"},
		{`a@\x00b.service`, "x%Iy", "xy"},
		{"a-.service", "[%j]", "[]"}, // systemd 252 aborts
		{"a.service", "%c %r %R", "/u.slice/u-a.slice/a.service  /u.slice/u-a.slice"},
		{"a.service", "%k", "!"},
		{"a.service", "%0", "!"},
		{"a.service", "%%n %", "%n %"},
		{"a.service", "50% of %n%", "50% of a.service%"},
	} {
		got, err := Expand(c.format, &Unit{Name: c.unit, Slice: "u-a.slice"}, lab())
		if err != nil {
			got = "!"
		}
		if got != c.want {
			t.Errorf("%s: %s gives %q, %v; want %q", c.unit, c.format, got, err, c.want)
		}
	}
}

// Names of units accept what systemd 252 accepts there.
func TestExpandName(t *testing.T) {
	const accepted = "ijnNpabgGHlmoABMquUvwW"
	for c := byte(0); c < 128; c++ {
		if !alphanumeric(c) {
			continue
		}
		_, err := ExpandName("x%"+string(rune(c))+".service", &Unit{Name: "a@b.service"}, lab())
		if (err == nil) != strings.ContainsRune(accepted, rune(c)) {
			t.Errorf("%%%c: %v", c, err)
		}
	}
}

// What is not known of the machine refuses the assignment and is not asked for
// unless it is used.
func TestUnknown(t *testing.T) {
	u := &Unit{Name: "a.service"}
	for _, c := range "aAbBgGhHlmMoqsuUvwWyY" {
		if got, err := Expand("%"+string(c), u, nil); err == nil {
			t.Errorf("%%%c gives %q", c, got)
		}
	}
	broken := errors.New("broken")
	m := &Machine{
		MachineID:      func() (string, error) { return "", broken },
		PrettyHostName: is(""), HostName: is("h"),
	}
	if _, err := Expand("%m", u, m); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if got, err := Expand("%n %t %q", u, m); got != "a.service /run h" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUserDirectories(t *testing.T) {
	m := &Machine{
		Runtime: "/run/user/1", State: "/h/.config", Cache: "/h/.cache", Logs: "/h/.config/log",
		Configuration: "/h/.config", Tmp: "/t", VarTmp: "/vt", CgroupRoot: "/user.slice/x",
	}
	got, err := Expand("%t %S %C %L %E %T %V %d %r %c", &Unit{Name: "a.service"}, m)
	want := "/run/user/1 /h/.config /h/.cache /h/.config/log /h/.config /t /vt " +
		"/run/user/1/credentials/a.service /user.slice/x /user.slice/x/a.service"
	if got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("%n%%%i", "a-b@c.service", "x.slice")
	f.Add("%c%", "@.service", "-")
	f.Add("%j%f%P", "", "a--b.slice")
	f.Fuzz(func(t *testing.T, format, unit, slice string) {
		u := &Unit{Name: unit, Slice: slice}
		got, err := Expand(format, u, lab())
		if err == nil && !strings.Contains(format, "%") && got != format {
			t.Errorf("%q became %q", format, got)
		}
		if inName, nameErr := ExpandName(format, u, lab()); nameErr == nil &&
			(err != nil || got != inName) {
			t.Errorf("%q: %q in names, else %q, %v", format, inName, got, err)
		}
	})
}
