package mounts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/host/sys"
)

// TestTable: what systemd 252 showed of these lines.
func TestTable(t *testing.T) {
	const text = `22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/l,uuid=on
23 22 0:21 / /proc rw,nosuid shared:2 - proc proc rw
24 22 0:22 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
25 22 0:23 / /dev/hugepages rw,relatime shared:12 - hugetlbfs hugetlbfs rw,pagesize=2M
26 22 0:24 / /run/credentials/a.service ro,nosuid - ramfs ramfs rw,mode=700
27 22 0:25 / /srv/a rw,relatime shared:3 - tmpfs foo rw,size=2048k
28 22 0:26 / /srv/with\040blank rw - tmpfs first rw
29 28 0:27 / /srv/with\040blank rw - tmpfs second rw
30 22 0:28 / /misc rw - autofs systemd-1 rw
31 22 0:29 / /run/host/os rw - tmpfs x rw
`
	const extra = "SRC=foo TARGET=/srv/a ROOT=/ OPTS=_netdev,x-foo=a\\040b\n"
	want := map[string]string{
		"/":                          "overlay overlay rw,relatime,lowerdir=/l,uuid=on",
		"/dev/hugepages":             "hugetlbfs hugetlbfs rw,relatime,pagesize=2M",
		"/run/credentials/a.service": "ramfs ramfs ro,nosuid,mode=700",
		"/srv/a":                     "foo tmpfs rw,relatime,size=2048k,_netdev,x-foo=a b",
		"/srv/with blank":            "second tmpfs rw",
	}
	got := table(text, extra)
	for point, m := range got {
		if line := m.What + " " + m.Type + " " + m.Options; line != want[point] || m.Where != point {
			t.Errorf("%s: %s, want %s", point, line, want[point])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d mounts, want %d: %v", len(got), len(want), got)
	}
}

func TestTableChanges(t *testing.T) {
	var table Table
	a, b := Mount{What: "x", Where: "/a"}, Mount{What: "x", Where: "/b"}
	gone, changed := table.take(map[string]Mount{"/b": b, "/a": a})
	if len(gone) != 0 || len(changed) != 2 || changed[0] != a || changed[1] != b {
		t.Errorf("at first: %v, %v", gone, changed)
	}
	other := Mount{What: "y", Where: "/b"}
	gone, changed = table.take(map[string]Mount{"/b": other})
	if len(gone) != 1 || gone[0] != "/a" || len(changed) != 1 || changed[0] != other {
		t.Errorf("then: %v, %v", gone, changed)
	}
	if m, ok := table.At("/b"); !ok || m != other {
		t.Errorf("at /b: %v", m)
	}
	if _, ok := table.At("/a"); ok {
		t.Error("something is at /a")
	}
}

func TestPrepare(t *testing.T) {
	dir := t.TempDir()
	at := func(p string) string { return filepath.Join(dir, p) }
	mode := func(p string) string {
		info, err := os.Stat(at(p))
		if err != nil {
			return err.Error()
		}
		return info.Mode().String()
	}
	if err := os.WriteFile(at("file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, at("link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, where string
		bind        bool
		err         error
		note        string
		is          map[string]string // the modes of what is there then
	}{
		{"tmpfs", "a/b", false, nil, "", map[string]string{"a": "drwx--x--x", "a/b": "drwx--x--x"}},
		{"tmpfs", "a", false, nil, "not empty", nil},
		{at("file"), "c/f", true, nil, "", map[string]string{"c/f": "-rw-r--r--"}},
		{at("file"), "c/f", true, nil, "", nil},
		{at("new/src"), "d", true, nil, "", map[string]string{
			"new/src": "drwx--x--x", "d": "drwx--x--x",
		}},
		{at("file/x"), "e", true, nil, "make what to mount", nil},
		{"tmpfs", "link/x", false, sys.ELOOP, "", nil},
		{"tmpfs", "link", false, sys.ELOOP, "", nil},
		{"tmpfs", "file", false, sys.ENOTDIR, "", nil},
		{at("file"), "file/x", true, sys.ENOTDIR, "", nil},
	} {
		note, err := Prepare(c.what, at(c.where), c.bind, 0o711)
		if !errors.Is(err, c.err) || !strings.Contains(note, c.note) || c.note == "" && note != "" {
			t.Errorf("%s on %s: %q, %v", c.what, c.where, note, err)
		}
		for p, want := range c.is {
			if got := mode(p); got != want {
				t.Errorf("%s: %s, want %s", p, got, want)
			}
		}
	}
}

// TestRead: something is mounted here. The root need not be: that of a chroot is not.
func TestRead(t *testing.T) {
	list, err := Read()
	if errors.Is(err, sys.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil || len(list) == 0 {
		t.Errorf("%v, %v", list, err)
	}
	for where, m := range list {
		if m.Type == "" || where[0] != '/' {
			t.Errorf("%s: %v", where, m)
		}
	}
}

// TestWatch: a mount and an unmount are told of. It needs to be allowed to mount.
func TestWatch(t *testing.T) {
	events := make(chan struct{}, 100)
	w, err := Watch(func() { events <- struct{}{} })
	if errors.Is(err, sys.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	dir := t.TempDir()
	until := func(there bool) {
		t.Helper()
		limit := time.After(time.Minute)
		for {
			list, err := Read()
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := list[dir]; ok == there {
				return
			}
			select {
			case <-events:
			case <-limit:
				t.Fatal("nobody told")
			}
		}
	}
	if err := sys.Mount("rouse-test", dir, "tmpfs", 0, ""); err != nil {
		t.Skip(err)
	}
	wait(t, events)
	until(true)
	if err := sys.Unmount(dir); err != nil {
		t.Fatal(err)
	}
	wait(t, events)
	until(false)
}

// wait takes one event.
func wait(t *testing.T, events <-chan struct{}) {
	t.Helper()
	select {
	case <-events:
	case <-time.After(time.Minute):
		t.Fatal("nobody told")
	}
}
