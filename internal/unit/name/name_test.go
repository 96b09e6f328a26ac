package name

import (
	"strings"
	"testing"
)

func TestKinds(t *testing.T) {
	tests := []struct {
		name                     string
		kind                     Kind
		typ                      Type
		prefix, instance, parent string
	}{
		{"foo.service", Plain, Service, "foo", "", ""},
		{"foo@bar.service", Instance, Service, "foo", "bar", "foo@.service"},
		{"foo@.socket", Template, Socket, "foo", "", "foo@.socket"},
		{"foo@a@b.c.timer", Instance, Timer, "foo", "a@b.c", "foo@.timer"},
		{"foo.bar", 0, Bad, "foo", "", ""},
		{"@x.service", 0, Service, "", "x", ""},
		{".service", 0, Bad, "", "", ""},
		{"a b.mount", 0, Mount, "a b", "", ""},
		{"", 0, Bad, "", "", ""},
		{strings.Repeat("a", 247) + ".service", Plain, Service, strings.Repeat("a", 247), "", ""},
		{strings.Repeat("a", 248) + ".service", 0, Service, strings.Repeat("a", 248), "", ""},
	}
	for _, tt := range tests {
		if got := KindOf(tt.name); got != tt.kind {
			t.Errorf("KindOf(%q) = %d, want %d", tt.name, got, tt.kind)
		}
		if got := TypeOf(tt.name); got != tt.typ {
			t.Errorf("TypeOf(%q) = %s, want %s", tt.name, got, tt.typ)
		}
		if p, i := Prefix(tt.name), InstanceOf(tt.name); p != tt.prefix || i != tt.instance {
			t.Errorf("%q: prefix %q, instance %q", tt.name, p, i)
		}
		if got, ok := TemplateOf(tt.name); got != tt.parent || ok != (tt.parent != "") {
			t.Errorf("TemplateOf(%q) = %q, %v, want %q", tt.name, got, ok, tt.parent)
		}
	}
}

func TestTypes(t *testing.T) {
	for typ := Bad + 1; typ < Types; typ++ {
		if got, ok := ParseType(typ.String()); !ok || got != typ {
			t.Errorf("ParseType(%q) = %d, %v", typ.String(), got, ok)
		}
		if TypeOf("x."+typ.String()) != typ {
			t.Errorf("TypeOf(x.%s) is another type", typ)
		}
	}
	if _, ok := ParseType(""); ok {
		t.Error(`ParseType("") finds a type`)
	}
}

// result stands for what a function gives: the string, or "error".
func result(s string, err error) string {
	if err != nil {
		return "error"
	}
	return s
}

func TestMake(t *testing.T) {
	deep := strings.Repeat("/"+strings.Repeat("a", 100), 3)
	tests := []struct{ what, got, want string }{
		{"instance", result(WithInstance("a@.service", "b")), "a@b.service"},
		{"other instance", result(WithInstance("a@x.service", "b")), "a@b.service"},
		{"instance of plain", result(WithInstance("a.service", "b")), "error"},
		{"empty instance", result(WithInstance("a@.service", "")), "error"},
		{"bad instance", result(WithInstance("a@.service", "/")), "error"},
		{"long instance", result(WithInstance("a@.service", strings.Repeat("b", 250))), "error"},
		{"suffix", result(WithSuffix("a@b.service", ".socket")), "a@b.socket"},
		{"bad suffix", result(WithSuffix("a.service", "socket")), "error"},
		{"suffix of bad", result(WithSuffix("a", ".socket")), "error"},
		{"path", result(FromPath("//home/./me/", ".mount")), "home-me.mount"},
		{"root", result(FromPath("/", ".mount")), "-.mount"},
		{"path up", result(FromPath("/a/../b", ".mount")), "error"},
		{"long path", result(FromPath(deep, ".mount")), strings.Repeat("a", 100) + "-" +
			strings.Repeat("a", 100) + "-" + strings.Repeat("a", 30) + "_4967a343121a0cc6.mount"},
		{"to path", result(ToPath("home-me.mount")), "/home/me"},
		{"to path of instance", result(ToPath("a@b.mount")), "/a"},
		{"to path of no name", result(ToPath("home-me")), "error"},
		{"mangle glob", result(Mangle("foo*", ".service", true)), "foo*"},
		{"mangle odd glob", result(Mangle("foo/ö*", ".service", true)), `foo-\xc3\xb6*`},
		{"mangle path", result(Mangle("/dev/sda", ".service", true)), "dev-sda.device"},
		{"mangle dev", result(Mangle("/dev/.", ".service", true)), "dev.mount"},
		{"mangle bad suffix", result(Mangle("a", "service", true)), "error"},
		{"mangle empty", result(Mangle("", ".service", true)), "error"},
		{"bus path", result(FromBusPath("/org/freedesktop/systemd1/unit/a_zz_2e_2")), "a_zz._2"},
		{"bus path of no unit", result(FromBusPath("/org/freedesktop/systemd1/job/1")), "error"},
		{"empty label", BusLabel(""), "_"},
		{"empty label back", FromBusLabel("_"), ""},
		{"sub slice", result(SubSlice("a-b.slice", "c")), "a-b-c.slice"},
		{"sub slice of root", result(SubSlice("-.slice", "c")), "c.slice"},
		{"bad sub slice", result(SubSlice("a.slice", "-c")), "error"},
		{"sub slice of none", result(SubSlice("a.service", "c")), "error"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.what, tt.got, tt.want)
		}
	}
}

func TestSlices(t *testing.T) {
	tests := []struct {
		name, parent string
		valid        bool
	}{
		{"-.slice", "", true},
		{"a.slice", "-.slice", true},
		{"a-b.slice", "a.slice", true},
		{"a-b-c.slice", "a-b.slice", true},
		{"-a.slice", "", false},
		{"a-.slice", "", false},
		{"a--b.slice", "", false},
		{"a.service", "", false},
		{"a@b.slice", "", false},
	}
	for _, tt := range tests {
		if got := ValidSlice(tt.name); got != tt.valid {
			t.Errorf("ValidSlice(%s) = %v", tt.name, got)
		}
		if got, ok := ParentSlice(tt.name); got != tt.parent || ok != (tt.parent != "") {
			t.Errorf("ParentSlice(%s) = %q, %v, want %q", tt.name, got, ok, tt.parent)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", ".", "a-b/c", "/a//b/", `\x2d`, "ü", "-", "a/./b", `\x00`, ".a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		escaped := Escape(s)
		if escaped != "" && !ValidPrefix(escaped) {
			t.Errorf("Escape(%q) = %q, not valid in a name", s, escaped)
		}
		back, err := Unescape(escaped)
		if want, _, _ := strings.Cut(s, "\x00"); err != nil || back != want {
			t.Errorf("Unescape(%q) = %q, %v, want %q", escaped, back, err, want)
		}
		if FromBusLabel(BusLabel(s)) != s {
			t.Errorf("bus label of %q is read as %q", s, FromBusLabel(BusLabel(s)))
		}
		if strings.Contains(s, "\x00") {
			return
		}
		if path, err := UnescapePath(s); err == nil && path != "/" {
			if again, err := EscapePath(path); err != nil || again != Escape(path[1:]) {
				t.Errorf("%q is path %q, which is %q, %v", s, path, again, err)
			}
		}
		if p, err := EscapePath(s); err == nil {
			if path, err := UnescapePath(p); err != nil {
				t.Errorf("path %q is %q, which is %q, %v", s, p, path, err)
			}
		}
	})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a.service", "a@b.mount", "a@.slice", "/x/y", "/dev/x", "x*", "@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := Mangle(s, ".service", false)
		if err == nil && !Valid(name, Any) {
			t.Errorf("Mangle(%q) = %q, not valid", s, name)
		}
		if again, err2 := Mangle(name, ".service", false); err == nil && (err2 != nil || again != name) {
			t.Errorf("Mangle(%q) = %q, %v, want it unchanged", name, again, err2)
		}
		_, _ = Mangle(s, ".service", true)
		if tmpl, ok := TemplateOf(s); ok {
			if Valid(s, Instance) {
				if back, err := WithInstance(tmpl, InstanceOf(s)); err != nil || back != s {
					t.Errorf("template and instance of %q make %q, %v", s, back, err)
				}
			}
		}
		if parent, ok := ParentSlice(s); ok && !ValidSlice(parent) {
			t.Errorf("ParentSlice(%q) = %q, not valid", s, parent)
		}
	})
}
