package dirs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rouse/internal/host/dirs"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

func bases(t *testing.T) (b dirs.Bases, root string) {
	root = t.TempDir()
	for kind, base := range dirs.SystemBases {
		b[kind] = filepath.Join(root, base)
		if err := os.MkdirAll(b[kind], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return b, root
}

func paths(mode value.Mode, list ...string) unit.Directories {
	d := unit.Directories{Mode: mode}
	for _, s := range list {
		parts := strings.Split(s, ":")
		d.Paths = append(d.Paths, unit.DirectoryPath{Path: parts[0], Links: parts[1:]})
	}
	return d
}

// The case of the lab: what systemd 252 makes of it is what is wanted here.
func example() *unit.Exec {
	x := &unit.Exec{}
	x.Directories[unit.RuntimeDirectory] = paths(0o1770, "z/inner", "a:link1", "z")
	x.Directories[unit.StateDirectory] = paths(0o750, "old", "new/deep:sl/x")
	x.Directories[unit.ConfigurationDirectory] = paths(0o755, "newconf", "oldconf")
	x.Directories[unit.CacheDirectory] = paths(0o755, "cc")
	x.Directories[unit.LogsDirectory] = paths(0o755, "ll")
	return x
}

func TestMake(t *testing.T) {
	b, root := bases(t)
	x := example()
	must(t, os.MkdirAll(filepath.Join(root, "var/lib/old/sub"), 0o777))
	must(t, os.WriteFile(filepath.Join(root, "var/lib/old/sub/f"), nil, 0o644))
	must(t, os.Symlink("/etc/passwd", filepath.Join(root, "var/lib/old/sub/link")))
	must(t, os.Mkdir(filepath.Join(root, "etc/oldconf"), 0o700))
	o := dirs.Owner{UID: -1, GID: -1}
	if os.Getuid() == 0 {
		o = dirs.Owner{UID: 12345, GID: 54321}
	}
	for range 2 { // the second time nothing changes
		notes, err := dirs.Make(x, b, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "oldconf") {
			t.Errorf("notes: %q", notes)
		}
		if _, err := os.Lstat(filepath.Join(root, "run/link1")); err == nil {
			t.Error("a symlink is there before MakeLinks")
		}
		must(t, dirs.MakeLinks(x, b))
		check(t, root, o)
		must(t, os.Remove(filepath.Join(root, "run/link1")))
	}
	want := []string{
		"RUNTIME_DIRECTORY=/run/a:/run/z:/run/z/inner",
		"STATE_DIRECTORY=/var/lib/new/deep:/var/lib/old",
		"CACHE_DIRECTORY=/var/cache/cc",
		"LOGS_DIRECTORY=/var/log/ll",
		"CONFIGURATION_DIRECTORY=/etc/newconf:/etc/oldconf",
	}
	if got := dirs.Environment(x, dirs.SystemBases); !slices.Equal(got, want) {
		t.Errorf("environment: %q", got)
	}
}

func check(t *testing.T, root string, o dirs.Owner) {
	t.Helper()
	for _, c := range []struct {
		path  string
		mode  fs.FileMode
		given bool
	}{
		{"etc/newconf", fs.ModeDir | 0o755, true},
		{"etc/oldconf", fs.ModeDir | 0o700, false},
		{"run/a", fs.ModeDir | fs.ModeSticky | 0o770, true},
		{"run/z", fs.ModeDir | fs.ModeSticky | 0o770, true},
		{"run/z/inner", fs.ModeDir | fs.ModeSticky | 0o770, true},
		{"var/lib/new", fs.ModeDir | 0o755, false},
		{"var/lib/new/deep", fs.ModeDir | 0o750, true},
		{"var/lib/old", fs.ModeDir | 0o750, true},
		{"var/lib/old/sub/f", 0o644, true},
		{"var/lib/sl", fs.ModeDir | 0o755, false},
		{"var/cache/cc", fs.ModeDir | 0o755, true},
	} {
		info, err := os.Stat(filepath.Join(root, c.path))
		if err != nil || info.Mode() != c.mode {
			t.Errorf("%s: %v, %v, want %v", c.path, info.Mode(), err, c.mode)
			continue
		}
		want := os.Getuid()
		if c.given && o.UID >= 0 {
			want = o.UID
		}
		if uid, _ := sys.Owner(info); uid != want {
			t.Errorf("%s belongs to %d, want %d", c.path, uid, want)
		}
	}
	for link, want := range map[string]string{"run/link1": "a", "var/lib/sl/x": "../new/deep"} {
		if to, err := os.Readlink(filepath.Join(root, link)); to != want {
			t.Errorf("%s leads to %q, %v, want %q", link, to, err, want)
		}
	}
	if info, err := os.Stat("/etc/passwd"); err == nil {
		if uid, _ := sys.Owner(info); uid == o.UID {
			t.Error("a symlink was followed")
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMakeRefused(t *testing.T) {
	b, root := bases(t)
	must(t, os.WriteFile(filepath.Join(root, "run/file"), nil, 0o644))
	must(t, os.Symlink("elsewhere", filepath.Join(root, "run/taken")))
	must(t, os.Mkdir(filepath.Join(root, "run/real"), 0o755))
	must(t, os.Symlink("real", filepath.Join(root, "run/symlink")))
	for _, p := range []string{"../x", "/x", "", "file/x", "file", "ok:../x", "ok:taken",
		"symlink"} {
		x := &unit.Exec{}
		x.Directories[unit.RuntimeDirectory] = paths(0o755, p)
		_, err := dirs.Make(x, b, dirs.Owner{UID: -1, GID: -1})
		if err == nil {
			err = dirs.MakeLinks(x, b)
		}
		if err == nil {
			t.Errorf("RuntimeDirectory=%s was made", p)
		}
		dirs.Remove(x, b, false)
	}
	for _, b := range b {
		if _, err := os.Stat(b); err != nil {
			t.Error(err)
		}
	}
}

func TestRemove(t *testing.T) {
	for _, c := range []struct {
		preserve   unit.Preserve
		restarting bool
		gone       bool
	}{
		{unit.PreserveNo, false, true},
		{unit.PreserveNo, true, true},
		{unit.PreserveRestart, false, true},
		{unit.PreserveRestart, true, false},
		{unit.PreserveYes, false, false},
	} {
		b, root := bases(t)
		x := example()
		x.RuntimeDirectoryPreserve = c.preserve
		_, err := dirs.Make(x, b, dirs.Owner{UID: -1, GID: -1})
		must(t, err)
		must(t, dirs.MakeLinks(x, b))
		must(t, os.WriteFile(filepath.Join(root, "run/z/inner/f"), nil, 0o644))
		must(t, dirs.Remove(x, b, c.restarting))
		for _, p := range []string{"run/a", "run/z", "run/link1"} {
			if _, err := os.Lstat(filepath.Join(root, p)); errors.Is(err, fs.ErrNotExist) != c.gone {
				t.Errorf("%v, restarting %v: %s: %v", c.preserve, c.restarting, p, err)
			}
		}
		if _, err := os.Stat(filepath.Join(root, "var/lib/old")); err != nil {
			t.Error(err)
		}
	}
}

func TestUserBases(t *testing.T) {
	env := map[string]string{"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/home/x"}
	getenv := func(name string) string { return env[name] }
	got, err := dirs.UserBases(getenv)
	want := dirs.Bases{
		"/run/user/7", "/home/x/.config", "/home/x/.cache", "/home/x/.config/log", "/home/x/.config",
	}
	if got != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	env["XDG_CONFIG_HOME"], env["XDG_CACHE_HOME"], env["HOME"] = "/c", "/k", ""
	if got, err = dirs.UserBases(getenv); err != nil || got[unit.LogsDirectory] != "/c/log" {
		t.Errorf("%q, %v", got, err)
	}
	delete(env, "XDG_RUNTIME_DIR")
	if _, err = dirs.UserBases(getenv); err == nil {
		t.Error("without XDG_RUNTIME_DIR")
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.env": "A=1\nB='two words'\n# C=3\n", "b.env": "A=2\nnonsense\n",
		"e[.env": "E=5\n", "bad": "A=\x00\n",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	for _, c := range []struct {
		path string
		want []string
		ok   bool
	}{
		{"a.env", []string{"A=1", "B=two words"}, true},
		{"[ab].env", []string{"A=2", "B=two words"}, true},
		{"e[.env", []string{"E=5"}, true},
		{"none", nil, false},
		{"none*", nil, false},
		{"bad", nil, false},
		{"", nil, false}, // a directory
	} {
		f := unit.EnvironmentFile{Path: dir + "/" + c.path}
		got, err := dirs.Files([]unit.EnvironmentFile{f})
		if (err == nil) != c.ok || !same(got, c.want) {
			t.Errorf("%s: %q, %v", c.path, got, err)
		}
		f.Optional = true
		if _, err := dirs.Files([]unit.EnvironmentFile{f}); err != nil {
			t.Errorf("-%s: %v", c.path, err)
		}
	}
	if _, err := dirs.Files([]unit.EnvironmentFile{{Path: "relative"}}); err == nil {
		t.Error("a relative path")
	}
}

func same(a, b []string) bool {
	return reflect.DeepEqual(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func TestPass(t *testing.T) {
	got := dirs.Pass([]string{"B", "NONE", "A"}, []string{"A=1", "AB=2", "B=x=y", "C=3"})
	if !slices.Equal(got, []string{"B=x=y", "A=1"}) {
		t.Errorf("%q", got)
	}
}
