package unitfiles

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"rouse/internal/face"
	"rouse/internal/unit/load"
)

const wanted = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=m.target\n"

// room has a root directory with some unit files.
func room(t *testing.T) (*Room, *int) {
	t.Helper()
	root, told := t.TempDir(), 0
	for p, text := range map[string]string{
		"usr/lib/systemd/system/a.service":      wanted,
		"usr/lib/systemd/system/static.service": "[Service]\nExecStart=/bin/true\n",
		"usr/lib/systemd/system/m.target":       "[Unit]\n",
		"usr/lib/systemd/system/default.target": "[Unit]\n",
	} {
		at := filepath.Join(root, p)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755),
			os.WriteFile(at, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	none := func(string) string { return "" }
	return &Room{
		Root: root,
		Config: load.Config{FS: os.DirFS(root).(fs.ReadLinkFS),
			Path: load.SearchPath(false, none, nil)},
		Changed: func(context.Context) error { told++; return nil },
	}, &told
}

// What the methods of a manager answer, and whom they tell.
func TestRoom(t *testing.T) {
	r, told := room(t)
	ctx := context.Background()
	reply, err := r.ChangeFiles(ctx, face.FilesRequest{Verb: "enable", Units: []string{"a.service"}})
	want := face.FilesReply{HasInstallInfo: true, Changes: []face.FileChange{{
		Type: "symlink", Path: "/etc/systemd/system/m.target.wants/a.service",
		Source: "/usr/lib/systemd/system/a.service"}}}
	if err != nil || !reflect.DeepEqual(reply, want) || *told != 1 {
		t.Errorf("enable: %+v, %v, told %d times", reply, err, *told)
	}
	if reply, err = r.ChangeFiles(ctx, face.FilesRequest{
		Verb: "enable", Units: []string{"a.service"},
	}); err != nil || len(reply.Changes) != 0 || !reply.HasInstallInfo || *told != 1 {
		t.Errorf("again: %+v, %v, told %d times", reply, err, *told)
	}
	if state, err := r.FileState(ctx, "a.service"); state != "enabled" || err != nil {
		t.Errorf("state %q, %v", state, err)
	}
	links, err := r.FileLinks(ctx, "a.service", false)
	if err != nil || !reflect.DeepEqual(links, []string{want.Changes[0].Path}) {
		t.Errorf("links %q, %v", links, err)
	}
	if target, err := r.DefaultTarget(ctx); target != "default.target" || err != nil {
		t.Errorf("default target %q, %v", target, err)
	}
	list, err := r.UnitFiles(ctx, []string{"static", "enabled"}, []string{"*.service"})
	files := []face.UnitFile{{Path: "/usr/lib/systemd/system/a.service", State: "enabled"},
		{Path: "/usr/lib/systemd/system/static.service", State: "static"}}
	if err != nil || !reflect.DeepEqual(list, files) {
		t.Errorf("list %v, %v", list, err)
	}
}

// The names and messages of errors are systemd's.
func TestErrors(t *testing.T) {
	r, told := room(t)
	ctx := context.Background()
	for _, c := range []struct {
		verb, unit, name, text string
	}{
		{"enable", "nope.service", face.NoSuchUnit, "Unit file nope.service does not exist."},
		{"disable", "nope.service", face.NoSuchUnit, "Unit file nope.service does not exist."},
		{"mask", "a/b", face.InvalidArgs, "Invalid argument"},
		{"set-default", "a.service", face.InvalidArgs, "Invalid argument"},
		{"nonsense", "a.service", face.InvalidArgs, "Invalid argument"},
	} {
		_, err := r.ChangeFiles(ctx, face.FilesRequest{Verb: c.verb, Units: []string{c.unit}})
		var bad *face.Error
		if !errors.As(err, &bad) || bad.Name != c.name || bad.Message != c.text {
			t.Errorf("%s %s: %#v", c.verb, c.unit, err)
		}
	}
	var bad *face.Error
	_, err := r.FileState(ctx, "nope.service")
	if !errors.As(err, &bad) || bad.Name != "org.freedesktop.DBus.Error.FileNotFound" {
		t.Errorf("state: %#v", err)
	}
	if *told != 0 {
		t.Errorf("told %d times of no change", *told)
	}
}

// At the first boot units are enabled as the presets say, and none is disabled.
func TestPopulate(t *testing.T) {
	r, _ := room(t)
	preset := filepath.Join(r.Root, "usr/lib/systemd/system-preset/90.preset")
	if err := errors.Join(os.MkdirAll(filepath.Dir(preset), 0o755),
		os.WriteFile(preset, []byte("disable b.service\n"), 0o644),
		os.WriteFile(filepath.Join(r.Root, "usr/lib/systemd/system/b.service"),
			[]byte(wanted), 0o644)); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := r.Populate(); err != nil {
		t.Fatal(err)
	}
	for unit, want := range map[string]string{"a.service": "enabled", "b.service": "disabled"} {
		if state, err := r.FileState(ctx, unit); state != want || err != nil {
			t.Errorf("%s is %q, %v, want %q", unit, state, err, want)
		}
	}
}
