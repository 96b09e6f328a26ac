package dirs_test

import (
	"context"
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
)

// somebody is a user that directories can be given to, or nobody in particular.
func somebody() dirs.Owner {
	if os.Getuid() == 0 {
		return dirs.Owner{UID: 61234, GID: 61234}
	}
	return dirs.Owner{UID: -1, GID: -1}
}

func private() *unit.Exec {
	x := &unit.Exec{DynamicUser: true, RuntimeDirectoryPreserve: unit.PreserveRestart}
	x.Directories[unit.RuntimeDirectory] = paths(0o755, "r:rl")
	x.Directories[unit.StateDirectory] = paths(0o700, "a", "a/b", "c/d:a/link", "ab")
	x.Directories[unit.ConfigurationDirectory] = paths(0o755, "conf")
	return x
}

// What a unit with DynamicUser= has is below private/, where nobody else gets, with
// symlinks in its usual place.
func TestPrivate(t *testing.T) {
	b, root := bases(t)
	x := private()
	for range 2 {
		_, err := dirs.Make(x, b, somebody())
		if err == nil {
			err = dirs.MakeLinks(x, b)
		}
		must(t, err)
	}
	for path, want := range map[string]fs.FileMode{
		"run/private": 0o700, "run/private/r": 0o755,
		"var/lib/private": 0o700, "var/lib/private/a": 0o700, "var/lib/private/a/b": 0o700,
		"var/lib/private/c": 0o755, "var/lib/private/c/d": 0o700, "var/lib/c": 0o755,
		"etc/conf": 0o755,
	} {
		info, err := os.Lstat(filepath.Join(root, path))
		if err != nil || info.Mode() != want|fs.ModeDir {
			t.Errorf("%s: %v, %v, want %v", path, info, err, want)
		}
	}
	for path, want := range map[string]string{
		"run/r": "private/r", "run/rl": "r", "var/lib/a": "private/a", "var/lib/ab": "private/ab",
		"var/lib/c/d": "../private/c/d", "var/lib/private/a/link": "../c/d",
	} {
		if to, err := os.Readlink(filepath.Join(root, path)); to != want {
			t.Errorf("%s leads to %q, %v, want %q", path, to, err, want)
		}
	}
	env := dirs.Environment(x, dirs.SystemBases)
	const want = "STATE_DIRECTORY=/var/lib/a:/var/lib/a/b:/var/lib/ab:/var/lib/c/d"
	if !strings.Contains(strings.Join(env, " "), want) {
		t.Errorf("environment %q", env)
	}
	must(t, dirs.Remove(x, b, true))
	if _, err := os.Stat(filepath.Join(root, "run/r")); err != nil {
		t.Error(err)
	}
	must(t, dirs.Remove(x, b, false))
	if _, err := os.Stat(filepath.Join(root, "run/private/r")); err == nil {
		t.Error("the runtime directory is still there")
	}
	for _, kind := range []unit.DirectoryKind{unit.RuntimeDirectory, unit.StateDirectory} {
		must(t, dirs.Clean(t.Context(), x, b, kind))
	}
	for _, path := range []string{"run/r", "run/rl", "var/lib/a", "var/lib/private/a", "var/lib/c/d"} {
		if _, err := os.Lstat(filepath.Join(root, path)); err == nil {
			t.Errorf("%s is left", path)
		}
	}
}

// Where nothing could be hidden the directory is a public one, and goes as well.
func TestRemovePublic(t *testing.T) {
	b, root := bases(t)
	x := &unit.Exec{}
	x.Directories[unit.RuntimeDirectory] = paths(0o755, "r:rl")
	_, err := dirs.Make(x, b, somebody())
	must(t, err)
	x.DynamicUser, x.RuntimeDirectoryPreserve = true, unit.PreserveRestart
	must(t, dirs.Remove(x, b, false))
	for _, path := range []string{"run/r", "run/rl"} {
		if _, err := os.Lstat(filepath.Join(root, path)); err == nil {
			t.Errorf("%s is left", path)
		}
	}
}

// Turning DynamicUser= on and off takes what is there along.
func TestMigrate(t *testing.T) {
	b, root := bases(t)
	x := &unit.Exec{}
	x.Directories[unit.StateDirectory] = paths(0o755, "a", "b/c")
	file := filepath.Join(root, "var/lib/b/c/file")
	for _, dynamic := range []bool{false, true, false, true} {
		x.DynamicUser = dynamic
		notes, err := dirs.Make(x, b, somebody())
		must(t, err)
		if _, err := os.Stat(file); err != nil {
			must(t, os.WriteFile(file, nil, 0o644))
		} else if len(notes) != 2 {
			t.Errorf("notes %q", notes)
		}
		link, err := os.Lstat(filepath.Join(root, "var/lib/a"))
		if err != nil || link.IsDir() == dynamic {
			t.Errorf("DynamicUser=%v: %v, %v", dynamic, link, err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

// A private/ that others may look into is none, nor is a file.
func TestUnsafe(t *testing.T) {
	for _, spoil := range []func(string) error{
		func(path string) error { return os.Mkdir(path, 0o755) },
		func(path string) error { return os.WriteFile(path, nil, 0o600) },
		func(path string) error { return os.Symlink("/tmp", path) },
	} {
		b, root := bases(t)
		must(t, spoil(filepath.Join(root, "var/lib/private")))
		x := &unit.Exec{DynamicUser: true}
		x.Directories[unit.StateDirectory] = paths(0o755, "a")
		if _, err := dirs.Make(x, b, somebody()); err == nil {
			t.Error("was made")
		}
	}
}

// Who gets a directory gets its programs with their special bits, unless the user is
// one that soon is somebody else.
func TestSpecialBits(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	for _, dynamic := range []bool{false, true} {
		b, root := bases(t)
		must(t, os.MkdirAll(filepath.Join(root, "var/lib/a/sub"), 0o755))
		file := filepath.Join(root, "var/lib/a/sub/f")
		must(t, os.WriteFile(file, nil, 0o755))
		must(t, os.Chmod(file, 0o755|fs.ModeSetuid))
		x := &unit.Exec{DynamicUser: dynamic}
		x.Directories[unit.StateDirectory] = paths(0o755, "a")
		_, err := dirs.Make(x, b, somebody())
		must(t, err)
		info, err := os.Stat(filepath.Join(root, "var/lib/a/sub/f"))
		must(t, err)
		uid, _ := sys.Owner(info)
		if uid != somebody().UID || info.Mode()&fs.ModeSetuid != 0 == dynamic {
			t.Errorf("DynamicUser=%v: %d, %v", dynamic, uid, info.Mode())
		}
	}
}

func TestOwned(t *testing.T) {
	got := dirs.Owned(private(), dirs.SystemBases)
	want := []string{
		"/run/private/r", "/var/lib/private/a", "/var/lib/private/a/b", "/var/lib/private/c/d",
		"/var/lib/private/ab",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestMountsFor(t *testing.T) {
	x := private()
	got := dirs.MountsFor(x, dirs.SystemBases)
	same := func(path string) unit.BindPath { return unit.BindPath{Source: path, Where: path} }
	want := dirs.Mounts{
		NoSUID: true, Empty: []string{"/run/private", "/var/lib/private"},
		Binds: []unit.BindPath{
			same("/run/private/r"), same("/var/lib/private/a"), same("/var/lib/private/ab"),
			same("/var/lib/private/c/d"), same("/etc/conf"),
		},
		Links: []dirs.Link{
			{To: "/run/r", Path: "/run/rl"}, {To: "/run/private/r", Path: "/run/r"},
			{To: "/var/lib/private/a", Path: "/var/lib/a"},
			{To: "/var/lib/private/ab", Path: "/var/lib/ab"},
			{To: "/var/lib/c/d", Path: "/var/lib/a/link"},
			{To: "/var/lib/private/c/d", Path: "/var/lib/c/d"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	x.RootDirectory = "/srv/root"
	got = dirs.MountsFor(x, dirs.SystemBases)
	bind := unit.BindPath{Source: "/var/lib/private/a", Where: "/var/lib/a"}
	if len(got.Empty) != 0 || got.Binds[1] != bind || len(got.Links) != 2 {
		t.Errorf("with a root directory: %+v", got)
	}
	if got := dirs.MountsFor(&unit.Exec{}, dirs.SystemBases); !reflect.DeepEqual(got, dirs.Mounts{}) {
		t.Errorf("without directories: %+v", got)
	}
}

// Cleaning ends when its time is over, and follows no symlinks.
func TestClean(t *testing.T) {
	b, root := bases(t)
	x := &unit.Exec{}
	x.Directories[unit.StateDirectory] = paths(0o755, "a:l", "none")
	_, err := dirs.Make(x, b, dirs.Owner{UID: -1, GID: -1})
	must(t, err)
	deep := filepath.Join(root, "var/lib/a/x/y")
	must(t, os.MkdirAll(deep, 0o755))
	outside := filepath.Join(root, "kept")
	must(t, os.WriteFile(outside, nil, 0o644))
	must(t, os.Symlink(root, filepath.Join(deep, "up")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := dirs.Clean(ctx, x, b, unit.StateDirectory); err == nil {
		t.Error("was cleaned")
	}
	if _, err := os.Stat(deep); err != nil {
		t.Error(err)
	}
	must(t, dirs.Clean(t.Context(), x, b, unit.StateDirectory))
	for path, left := range map[string]bool{"var/lib/a": false, "var/lib/l": false, "kept": true} {
		if _, err := os.Lstat(filepath.Join(root, path)); (err == nil) != left {
			t.Errorf("%s: %v", path, err)
		}
	}
}
