package manager

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/face"
	"rouse/internal/graph"
	"rouse/internal/host/mounts"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
)

// withMounts gives the manager the mount table, and a unit to each mount in dir.
func withMounts(all bool) func(*Config, *load.Config) {
	return func(c *Config, l *load.Config) {
		table := &mounts.Table{}
		c.Mounts, c.AllMounts = table, all
		if !all {
			return
		}
		l.Mounted = func(unitName string) (unit.Mount, bool) {
			where, err := name.ToPath(unitName)
			m, ok := table.At(where)
			return unit.Mount{
				What: m.What, Where: where, FSType: m.Type, Options: m.Options,
			}, ok && err == nil
		}
		ground := graph.Ground{User: true, Mounted: func(where string) bool {
			_, ok := table.At(where)
			return ok
		}}
		l.Complete = ground.Complete
	}
}

// mountDir is a directory for mounts, and the name of its unit. Tests that mount are
// skipped where that is not allowed.
func mountDir(t *testing.T) (dir, unitName string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.Mount("rouse-test", dir, "tmpfs", 0, ""); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { sys.Unmount(dir) })
	if err := sys.Unmount(dir); err != nil {
		t.Fatal(err)
	}
	unitName, err = name.FromPath(dir, ".mount")
	if err != nil {
		t.Fatal(err)
	}
	return dir, unitName
}

// TestForeignMounts: what others mount has a unit as long as it is there; what needs
// its path comes after it, and it can be unmounted.
func TestForeignMounts(t *testing.T) {
	dir, unitName := mountDir(t)
	f := begin(t, map[string]string{
		"needs.service": "[Unit]\nRequiresMountsFor=" + dir + "/deep\n[Service]\nExecStart=SELF wait\n",
	}, withMounts(true))
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	if got := f.property("-.mount", "ActiveState"); got != "active" {
		t.Errorf("-.mount is %v", got)
	}
	f.want("start", "needs.service", "done")
	for _, what := range []string{"below", "above"} {
		if err := sys.Mount(what, dir, "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	f.until(events, is(unitName, "mounted"))
	waitFor(t, func() bool { return f.property(unitName, "What") == "above" })
	for property, want := range map[string]any{
		"Where": dir, "Type": "tmpfs", "SourcePath": "/proc/self/mountinfo", "ActiveState": "active",
		"FragmentPath": "",
	} {
		if got := f.property(unitName, property); got != want {
			t.Errorf("%s=%v, want %v", property, got, want)
		}
	}
	if after, ok := f.property("needs.service", "After").([]string); !ok ||
		!strings.Contains(strings.Join(after, " "), unitName) {
		t.Errorf("needs.service is after %v", after)
	}
	f.want("stop", unitName, "done") // both of them
	waitFor(t, func() bool { return f.property(unitName, "ActiveState") == "inactive" })
	if err := sys.Mount("once more", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	f.until(events, is(unitName, "mounted"))
	if _, err := f.Reload(f.context(), false); err != nil {
		t.Fatal(err)
	}
	if got := f.property(unitName, "LoadState"); got != "loaded" {
		t.Errorf("after a reload it is %v", got)
	}
	if err := sys.Unmount(dir); err != nil {
		t.Fatal(err)
	}
	f.until(events, is(unitName, "dead"))
}

// TestMountUnit: a unit file mounts, is remounted and unmounts, and its directory is made.
func TestMountUnit(t *testing.T) {
	above, _ := mountDir(t)
	dir := above + "/a"
	unitName, err := name.FromPath(dir, ".mount")
	if err != nil {
		t.Fatal(err)
	}
	f := begin(t, map[string]string{
		unitName: "[Mount]\nWhat=rouse-test\nWhere=" + dir + "\nType=tmpfs\nOptions=size=64k\n" +
			"DirectoryMode=0700\n",
		"needs.service": "[Unit]\nRequiresMountsFor=" + dir + "/deep\n[Service]\nExecStart=SELF wait\n",
	}, withMounts(false))
	t.Cleanup(func() { sys.Unmount(dir) })
	f.want("start", "needs.service", "done")
	if got := f.property(unitName, "SubState"); got != "mounted" {
		t.Fatalf("%s is %v", unitName, got)
	}
	f.want("reload", unitName, "done")
	f.want("stop", unitName, "done")
	if got := f.property("needs.service", "ActiveState"); got != "inactive" {
		t.Errorf("needs.service is %v", got)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(above, dir); err != nil {
		t.Fatal(err)
	}
	f.want("start", "needs.service", "dependency")
	if got := f.property(unitName, "Result"); got != "resources" {
		t.Errorf("on a symlink: %v", got)
	}
}

// TestOthersMounts: a manager that is only a process leaves alone what it did not mount.
func TestOthersMounts(t *testing.T) {
	dir, unitName := mountDir(t)
	f := begin(t, map[string]string{
		unitName: "[Mount]\nWhat=rouse-test\nWhere=" + dir + "\nType=tmpfs\n",
	}, withMounts(false))
	if err := sys.Mount("other", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(f.context(), []string{unitName}); err != nil {
		t.Fatal(err)
	}
	f.want("start", "first.service", "done")
	if got := f.property(unitName, "ActiveState"); got != "inactive" {
		t.Errorf("it is %v", got)
	}
	f.want("start", unitName, "done")
	f.want("stop", unitName, "done") // both, as systemd does
	r, err := f.Enqueue(f.context(), face.JobRequest{Unit: "x.mount", Type: "start"})
	if err == nil {
		t.Errorf("x.mount: %v", r)
	}
}
