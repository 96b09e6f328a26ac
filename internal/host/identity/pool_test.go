package identity

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func pool(t *testing.T) (*Pool, string) {
	t.Helper()
	files, _ := database(t, passwd, group)
	dir := filepath.Join(t.TempDir(), "dynamic-uid")
	p := NewPool(dir, files)
	files.Further = p.Find
	return p, dir
}

// The numbers and what lies in the directory are what systemd 252 makes of the names.
func TestPool(t *testing.T) {
	p, dir := pool(t)
	uid, gid, err := p.Take("a.service", "p3", "p3", nil)
	if err != nil || uid != 63194 || gid != uid {
		t.Fatalf("%d, %d, %v", uid, gid, err)
	}
	if again, _, err := p.Take("b.service", "p3", "", nil); again != uid || err != nil {
		t.Errorf("%d, %v", again, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "63194")); string(text) != "p3\n" {
		t.Errorf("%q, %v", text, err)
	}
	for link, want := range map[string]string{"direct:p3": "63194", "direct:63194": "p3"} {
		if to, err := os.Readlink(filepath.Join(dir, link)); to != want {
			t.Errorf("%s: %q, %v", link, to, err)
		}
	}
	for _, who := range []string{"p3", "63194"} {
		u, err := p.files.User(who)
		g, err2 := p.files.Group(who)
		if u.UID != uid || u.Name != "p3" || g.GID != uid || g.Name != "p3" {
			t.Errorf("%s: %+v, %v, %+v, %v", who, u, err, g, err2)
		}
	}
	for i, left := range []int{3, 0} {
		p.Drop(string("ab"[i]) + ".service")
		if entries, _ := os.ReadDir(dir); len(entries) != left {
			t.Errorf("%v, want %d", entries, left)
		}
	}
	if _, err := p.files.User("p3"); !errors.Is(err, ErrUnknown) {
		t.Errorf("still there: %v", err)
	}
}

func TestPoolStatic(t *testing.T) {
	p, dir := pool(t)
	for _, c := range []struct {
		user, group string
		uid, gid    int
		err         error
	}{
		{"web", "web", 500, 600, nil},
		{"web", "log", 500, 700, nil},
		{"1", "1", 1, 1, nil},
		{"log", "log", 0, 0, ErrTaken},    // a group only
		{"new", "webber", 0, 0, ErrTaken}, // a user only
		{"webber", "log2", 500, 701, nil},
	} {
		uid, gid, err := p.Take("a.service", c.user, c.group, nil)
		if uid != c.uid || gid != c.gid || !errors.Is(err, c.err) {
			t.Errorf("%s, %s: %d, %d, %v", c.user, c.group, uid, gid, err)
		}
		p.Drop("a.service")
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("%v", entries)
	}
}

// A number that another manager has is left to it, and so is one of somebody in a file.
func TestPoolOccupied(t *testing.T) {
	p, dir := pool(t)
	other := NewPool(dir, p.files)
	first, _, err := other.Take("x.service", "p3", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := p.Take("a.service", "p3", "", nil)
	if err != nil || second == first {
		t.Errorf("%d, %d, %v", first, second, err)
	}
	files, _ := database(t, "p:x:63194:1::/:/bin/sh\n", group)
	third, _, err := NewPool(t.TempDir(), files).Take("a.service", "p3", "", nil)
	if err != nil || third == 63194 {
		t.Errorf("%d, %v", third, err)
	}
}

// Who owns the unit's directories is that user again.
func TestPoolNear(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives directories away")
	}
	p, _ := pool(t)
	near := t.TempDir()
	if err := os.Chown(near, 65000, 65000); err != nil {
		t.Fatal(err)
	}
	if uid, _, err := p.Take("a.service", "p3", "", []string{"/", near}); uid != 65000 {
		t.Errorf("%d, %v", uid, err)
	}
}

func TestPoolRestore(t *testing.T) {
	p, dir := pool(t)
	for i := range 3 {
		unit := "u" + strconv.Itoa(i) + ".service"
		if _, _, err := p.Take(unit, "p"+strconv.Itoa(i), "web", nil); err != nil {
			t.Fatal(err)
		}
	}
	before := p.List()
	saved := p.Suspend()
	next := NewPool(dir, p.files)
	if err := next.Restore(saved); err != nil {
		t.Fatal(err)
	}
	same := func(a, b Dynamic) bool {
		return a.Name == b.Name && a.UID == b.UID && slices.Equal(a.Holders, b.Holders)
	}
	if after := next.List(); len(after) != 4 || !slices.EqualFunc(before, after, same) {
		t.Errorf("%+v, then %+v", before, after)
	}
	stranger := NewPool(dir, p.files)
	if err := stranger.Restore(saved); err == nil || len(stranger.List()) != 1 {
		t.Errorf("taken twice: %v, %+v", err, stranger.List())
	}
	for i := range 3 {
		next.Drop("u" + strconv.Itoa(i) + ".service")
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 || len(next.List()) > 0 {
		t.Errorf("%v, %v", entries, next.List())
	}
}

// A place that cannot be written to is a reason, and no user.
func TestPoolFails(t *testing.T) {
	files, _ := database(t, passwd, group)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := NewPool(filepath.Join(file, "x"), files)
	_, _, err := p.Take("a.service", "p3", "", nil)
	if err == nil || !strings.Contains(err.Error(), "p3") || len(p.List()) > 0 {
		t.Errorf("%v, %v", err, p.List())
	}
}
