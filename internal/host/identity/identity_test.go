package identity

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const passwd = `# accounts
root:x:0:0:root:/root:/bin/bash
daemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin
+@nis::::::
short:x:5
web:x:500:600:Web,,,:/srv/web:/bin/false
webber:x:500:601::/srv/webber:
42:x:77:77::/:/bin/sh
bad:x:-1:0::/:/bin/sh
minus:x:4294967295:0::/:/bin/sh
last:x:501:501::/home/last:/bin/sh`

const group = `root:x:0:
web:x:600:
log:x:700:web, last
log2:x:701:web
again:x:600:web
broken:x:abc:web
`

func database(t testing.TB, passwd, group string) (*DB, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "passwd", passwd)
	write(t, dir, "group", group)
	return New(dir), dir
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestUser(t *testing.T) {
	db, _ := database(t, passwd, group)
	for _, c := range []struct {
		who  string
		want User
	}{
		{"root", User{"root", 0, 0, "/root", "/bin/bash"}},
		{"0", User{"root", 0, 0, "/root", "/bin/bash"}},
		{"web", User{"web", 500, 600, "/srv/web", "/bin/false"}},
		{"500", User{"web", 500, 600, "/srv/web", "/bin/false"}},
		{"webber", User{"webber", 500, 601, "/srv/webber", ""}},
		{"42", User{"42", 77, 77, "/", "/bin/sh"}},
		{"last", User{"last", 501, 501, "/home/last", "/bin/sh"}},
		{"nobody", nobody},
		{"65534", nobody},
	} {
		if got, err := db.User(c.who); err != nil || got != c.want {
			t.Errorf("User(%q) = %+v, %v; want %+v", c.who, got, err, c.want)
		}
	}
	for _, who := range []string{
		"", "ghost", "short", "bad", "minus", "1234", "-1", "+0", "4294967295", "65535", "@nis",
	} {
		if got, err := db.User(who); !errors.Is(err, ErrUnknown) {
			t.Errorf("User(%q) = %+v, %v; want ErrUnknown", who, got, err)
		}
	}
}

func TestGroup(t *testing.T) {
	db, _ := database(t, passwd, group)
	for which, want := range map[string]int{
		"root": 0, "0": 0, "web": 600, "600": 600, "log": 700, "nobody": 65534,
	} {
		if got, err := db.Group(which); err != nil || got.GID != want {
			t.Errorf("Group(%q) = %+v, %v; want gid %d", which, got, err, want)
		}
	}
	for _, which := range []string{"", "ghost", "broken", "12"} {
		if got, err := db.Group(which); !errors.Is(err, ErrUnknown) {
			t.Errorf("Group(%q) = %+v, %v; want ErrUnknown", which, got, err)
		}
	}
}

func TestGroups(t *testing.T) {
	db, _ := database(t, passwd, group)
	for who, want := range map[string][]int{
		"web": {600, 700, 701}, "last": {501, 700}, "root": {0},
	} {
		u, err := db.User(who)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := db.Groups(u); err != nil || !slices.Equal(got, want) {
			t.Errorf("Groups(%s) = %v, %v; want %v", who, got, err, want)
		}
	}
}

// A file that changes is read again; one that vanishes has no users any more.
func TestChange(t *testing.T) {
	db, dir := database(t, passwd, group)
	if _, err := db.User("web"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "passwd", strings.ReplaceAll(passwd, "web:", "net:"))
	path := filepath.Join(dir, "etc", "passwd")
	if err := os.Chtimes(path, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.User("web"); !errors.Is(err, ErrUnknown) {
		t.Errorf("web is still there: %v", err)
	}
	if u, err := db.User("net"); err != nil || u.UID != 500 {
		t.Errorf("User(net) = %+v, %v", u, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := db.User("net"); !errors.Is(err, ErrUnknown) {
		t.Errorf("net is still there: %v", err)
	}
	if u, err := db.User("root"); err != nil || u != root {
		t.Errorf("User(root) = %+v, %v", u, err)
	}
}

// A passwd that cannot be read is not "unknown user".
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "etc", "passwd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir).User("root"); err == nil || errors.Is(err, ErrUnknown) {
		t.Errorf("error %v", err)
	}
}

// What this machine says of root must agree with what every Unix says.
func TestThisMachine(t *testing.T) {
	u, err := New("").User("root")
	if err != nil || u.UID != 0 {
		t.Errorf("User(root) = %+v, %v", u, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(passwd)
	f.Add(group)
	f.Add(":::::::\n\n#\r\n+")
	f.Fuzz(func(t *testing.T, text string) {
		for _, u := range parseLines(text, parseUser) {
			if u.Name == "" || u.UID < 0 || strings.ContainsAny(u.Name, ":\n") {
				t.Errorf("%+v", u)
			}
		}
		for _, g := range parseLines(text, parseGroup) {
			if g.Name == "" || g.GID < 0 || slices.Contains(g.Members, "") {
				t.Errorf("%+v", g)
			}
		}
	})
}

func BenchmarkUser(b *testing.B) {
	db := New("")
	for b.Loop() {
		if _, err := db.User("root"); err != nil {
			b.Fatal(err)
		}
	}
}
