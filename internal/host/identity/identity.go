// Package identity finds users and groups by name or number. It knows
// passwd(5) and group(5), and nothing of who may do what. Users that only a
// directory service knows (LDAP, userdb, macOS accounts) are not found: that
// takes the C library. It answers for the lookups behind User=, Group= and
// SupplementaryGroups= of systemd.exec(5).
package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// ErrUnknown is what a lookup gives that found nobody.
var ErrUnknown = errors.New("unknown")

// User is one line of passwd(5).
type User struct {
	Name  string
	UID   int
	GID   int // of the primary group
	Home  string
	Shell string
}

// Group is one line of group(5).
type Group struct {
	Name    string
	GID     int
	Members []string
}

// DB reads the user and group files below a root directory. It keeps what it
// has read until a file changes. Its methods may be called from any goroutine.
type DB struct {
	// Further finds users, and groups of the same name and number, that are in no file.
	// It is set before the first lookup; nil finds none.
	Further func(who string) (User, bool)

	mu     sync.Mutex
	users  table[User]
	groups table[Group]
}

// New makes a database of root's etc/passwd and etc/group; "" is "/". Nothing
// is read before the first lookup.
func New(root string) *DB {
	etc := filepath.Join("/", root, "etc")
	return &DB{
		users:  table[User]{path: filepath.Join(etc, "passwd"), parse: parseUser},
		groups: table[Group]{path: filepath.Join(etc, "group"), parse: parseGroup},
	}
}

// root and nobody exist even where no file says so.
var (
	root   = User{Name: "root", Home: "/root", Shell: "/bin/sh"}
	nobody = User{Name: "nobody", UID: 65534, GID: 65534, Home: "/", Shell: "/usr/sbin/nologin"}
)

// User finds a user by name or by number. A number must be somebody's, as for
// systemd. The error matches ErrUnknown if there is no such user; others tell
// that the file cannot be read.
func (d *DB) User(who string) (User, error) {
	u, err := d.listed(who)
	if err != nil && d.Further != nil {
		if u, ok := d.Further(who); ok {
			return u, nil
		}
	}
	return u, err
}

// listed finds a user that a file knows.
func (d *DB) listed(who string) (User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.users.rows()
	if err != nil {
		return User{}, fmt.Errorf("look up user %s: %w", who, err)
	}
	id, numeric := number(who)
	is := func(u User) bool { return u.Name == who || numeric && u.UID == id }
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], nil
	}
	for _, u := range []User{root, nobody} {
		if is(u) {
			return u, nil
		}
	}
	return User{}, fmt.Errorf("look up user %s: %w", who, ErrUnknown)
}

// Group finds a group by name or by number. A number must be some group's.
func (d *DB) Group(which string) (Group, error) {
	g, err := d.listedGroup(which)
	if err != nil && d.Further != nil {
		if u, ok := d.Further(which); ok {
			return Group{Name: u.Name, GID: u.GID}, nil
		}
	}
	return g, err
}

// listedGroup finds a group that a file knows.
func (d *DB) listedGroup(which string) (Group, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.groups.rows()
	if err != nil {
		return Group{}, fmt.Errorf("look up group %s: %w", which, err)
	}
	id, numeric := number(which)
	is := func(g Group) bool { return g.Name == which || numeric && g.GID == id }
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], nil
	}
	for _, u := range []User{root, nobody} {
		if g := (Group{Name: u.Name, GID: u.GID}); is(g) {
			return g, nil
		}
	}
	return Group{}, fmt.Errorf("look up group %s: %w", which, ErrUnknown)
}

// Groups lists the groups that a user has at log-in: the primary one first,
// then each group that names the user, in file order. getgrouplist(3).
func (d *DB) Groups(u User) ([]int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.groups.rows()
	if err != nil {
		return nil, fmt.Errorf("look up groups of %s: %w", u.Name, err)
	}
	gids := []int{u.GID}
	for _, g := range list {
		if slices.Contains(g.Members, u.Name) && !slices.Contains(gids, g.GID) {
			gids = append(gids, g.GID)
		}
	}
	return gids, nil
}

// number reads a decimal id. The two that mean "no change" to chown(2) are none.
func number(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0xffffffff || n == 0xffff || s[0] == '+' {
		return 0, false
	}
	return int(n), true
}

// A table holds the lines of one file, and knows whether they are still true.
type table[T any] struct {
	path  string
	parse func(line string) (T, bool)
	read  fs.FileInfo // of the file that list was read from; nil: not read, or there is none
	list  []T
}

// rows gives the parsed lines; a file that does not exist has none.
func (t *table[T]) rows() ([]T, error) {
	now, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		t.read, t.list = nil, nil
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if t.read != nil && os.SameFile(now, t.read) && now.Size() == t.read.Size() &&
		now.ModTime().Equal(t.read.ModTime()) {
		return t.list, nil
	}
	text, err := os.ReadFile(t.path)
	if err != nil {
		return nil, err
	}
	t.read, t.list = now, parseLines(string(text), t.parse)
	return t.list, nil
}
