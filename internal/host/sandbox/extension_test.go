package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit"
)

// put writes files, by path, below a directory.
func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Those given last are uppermost; each hierarchy has those that have it; what others say
// of paths in them is about what is seen.
func TestExtensions(t *testing.T) {
	dir := t.TempDir()
	const release = "usr/lib/extension-release.d/extension-release."
	put(t, dir, map[string]string{
		"root/usr/lib/os-release": "ID=x\nVERSION_ID=1\n", "root/opt/own": "",
		"one/" + release + "one": "ID=x\nVERSION_ID=1\n", "one/usr/share/one": "", "one/opt/new/f": "",
		"t,w:o/" + release + "t,w:o": "ID=_any\n", "t,w:o/usr/share/two": "",
		"old/" + release + "old": "ID=x\nVERSION_ID=0\n", "bare/usr/f": "",
		"odd/" + release + "odd": "ID='\n",
	})
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root+"/etc", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/usr/lib/os-release", root+"/etc/os-release"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		list []string
		want string
	}{
		{[]string{"one", "t,w:o"}, "mount /view/opt lowerdir=DIR/one/opt:/view/opt;" +
			`mount /view/usr lowerdir=DIR/t\,w\:o/usr:DIR/one/usr:/view/usr`},
		{[]string{"t,w:o", "one"}, "mount /view/opt lowerdir=DIR/one/opt:/view/opt;" +
			`mount /view/usr lowerdir=DIR/one/usr:DIR/t\,w\:o/usr:/view/usr`},
		{[]string{"-none", "-bare", "t,w:o"}, `mount /view/usr lowerdir=DIR/t\,w\:o/usr:/view/usr`},
		{[]string{"-none"}, ""},
		{[]string{"none"}, "fail DIR/none/" + release + "none"},
		{[]string{"bare"}, "fail DIR/bare/" + release + "bare"},
		{[]string{"-old"}, "fail DIR/old/" + release + "old"},
		{[]string{"odd"}, "fail DIR/odd/" + release + "odd"},
	} {
		x := &unit.Exec{}
		for _, name := range c.list {
			name, optional := strings.CutPrefix(name, "-")
			name = dir + "/" + name
			if optional {
				name = "-" + name
			}
			x.ExtensionDirectories = append(x.ExtensionDirectories, name)
		}
		conf := &Config{
			Exec: x, Wants: func(string) bool { return true }, Root: root, Base: "/view", Deep: true,
			Mounts: table(root),
		}
		x.MountAPIVFS = unit.No
		var got []string
		for _, s := range conf.Steps() {
			if s.Do == Mount || s.Do == Fail {
				line := strings.TrimSpace(verbWords[s.Do] + " " + s.Path + " " + s.Options)
				got = append(got, strings.ReplaceAll(line, dir, "DIR"))
			}
		}
		if strings.Join(got, ";") != c.want {
			t.Errorf("%q: %q, want %q", c.list, got, c.want)
		}
	}
	conf := &Config{
		Exec: &unit.Exec{}, Wants: func(string) bool { return true }, Root: root, Base: "/view",
		Deep: true, Mounts: table(root),
	}
	x := conf.Exec
	x.MountAPIVFS, x.ExtensionDirectories = unit.No, []string{dir + "/one"}
	x.ReadOnlyPaths = []string{"+/opt/new", "+/opt/own", "+/usr/share/one"}
	if fails := slices.ContainsFunc(conf.Steps(), func(s Step) bool { return s.Do == Fail }); fails {
		t.Errorf("%+v", conf.Steps())
	}
	x.ReadOnlyPaths = []string{"+/opt/none"}
	if fails := slices.ContainsFunc(conf.Steps(), func(s Step) bool { return s.Do == Fail }); !fails {
		t.Errorf("%+v", conf.Steps())
	}
}

// os-release(5), extension-release.
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		own, root string
		want      bool
	}{
		{"ID=a VERSION_ID=1", "ID=a VERSION_ID=1", true},
		{"ID=a VERSION_ID=1", "ID=b VERSION_ID=1", false},
		{"ID=a VERSION_ID=2", "ID=a VERSION_ID=1", false},
		{"ID=a", "ID=a VERSION_ID=1", false},
		{"ID=a", "ID=a", true},
		{"ID=a VERSION_ID=1", "ID=a", true},
		{"VERSION_ID=1", "ID=a VERSION_ID=1", false},
		{"ID=_any", "ID=a VERSION_ID=1", true},
		{"ID=a SYSEXT_LEVEL=3", "ID=a VERSION_ID=1 SYSEXT_LEVEL=3", true},
		{"ID=a SYSEXT_LEVEL=2 VERSION_ID=1", "ID=a VERSION_ID=1 SYSEXT_LEVEL=3", false},
		{"ID=a VERSION_ID=1", "ID=a VERSION_ID=1 SYSEXT_LEVEL=3", true},
		{"ID=a ARCHITECTURE=x86", "ID=a", false},
		{"ID=_any ARCHITECTURE=x86", "ID=a", false},
		{"ID=a ARCHITECTURE=_any", "ID=a", true},
		{"ID=a ARCHITECTURE=x86-64", "ID=a", true},
	} {
		parse := func(text string) map[string]string {
			all := map[string]string{}
			for word := range strings.FieldsSeq(text) {
				name, v, _ := strings.Cut(word, "=")
				all[name] = v
			}
			return all
		}
		if got := matches(parse(c.own), parse(c.root), "x86-64"); got != c.want {
			t.Errorf("%s for %s: %v", c.own, c.root, got)
		}
	}
}
