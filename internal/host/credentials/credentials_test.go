package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

func write1(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// store gives one whose sources are in a folder of the test.
func store(t *testing.T) (*Store, string) {
	dir := t.TempDir()
	return &Store{
		Base:     filepath.Join(dir, "credentials"),
		Received: []string{filepath.Join(dir, "received")},
		Stores:   []string{filepath.Join(dir, "store1"), filepath.Join(dir, "store2")},
	}, dir
}

func load(list ...string) (x unit.Exec) {
	for _, s := range list {
		id, path, ok := strings.Cut(s, ":")
		if !ok {
			path = id
		}
		x.LoadCredentials = append(x.LoadCredentials, unit.LoadCredential{ID: id, Path: path})
	}
	return x
}

func TestCollect(t *testing.T) {
	s, dir := store(t)
	file := write1(t, filepath.Join(dir, "file"), "file")
	write1(t, filepath.Join(dir, "tree/one"), "1")
	write1(t, filepath.Join(dir, "tree/sub/two"), "2")
	write1(t, filepath.Join(dir, "tree/sub/.hidden"), "3")
	write1(t, filepath.Join(dir, "tree/.hidden/four"), "4")
	write1(t, filepath.Join(dir, "received/both"), "received")
	write1(t, filepath.Join(dir, "store1/both"), "store1")
	write1(t, filepath.Join(dir, "store2/last"), "store2")
	if err := os.Symlink("tree", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		load []string
		set  map[string]string
		want map[string]string
	}{
		{[]string{"a:" + file}, nil, map[string]string{"a": "file"}},
		{[]string{"a:" + file}, map[string]string{"a": "set", "b": "set"},
			map[string]string{"a": "file", "b": "set"}},
		{[]string{"both", "last", "none"}, nil, map[string]string{"both": "received", "last": "store2"}},
		{[]string{"new:last", "none"}, map[string]string{"none": ""},
			map[string]string{"new": "store2", "none": ""}},
		{[]string{"a:" + dir + "/none"}, map[string]string{"a": "set"}, map[string]string{"a": "set"}},
		{[]string{"d:" + dir + "/tree"}, nil, map[string]string{"d_one": "1", "d_sub_two": "2"}},
		{[]string{"d:" + dir + "/link"}, nil, map[string]string{"d_one": "1", "d_sub_two": "2"}},
		{[]string{"d_one:" + file, "d:" + dir + "/tree"}, nil,
			map[string]string{"d_one": "file", "d_sub_two": "2"}},
	} {
		x := load(c.load...)
		for id, text := range c.set {
			x.SetCredentials = append(x.SetCredentials, unit.SetCredential{ID: id, Data: []byte(text)})
		}
		list, err := s.collect("a.service", &x)
		got := map[string]string{}
		for _, o := range list {
			got[o.id] = string(o.data)
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v and %v: %v, %v, want %v", c.load, c.set, got, err, c.want)
		}
	}
}

// Names and beginnings of names are found in what the manager was given and in the stores;
// the first of a name counts, and what the unit loads itself counts more.
func TestImport(t *testing.T) {
	s, dir := store(t)
	for path, text := range map[string]string{
		"received/net.a": "received", "store1/net.a": "store1", "store1/net.b": "b1",
		"store2/net.b": "b2", "store2/net.c": "c", "store2/.net": "x", "store2/sub/f": "f",
		"store2/other": "o", "store2/net.x:y": "no name", "sealed/other": "sealed",
		"store1.encrypted/key": "sealed",
	} {
		write1(t, filepath.Join(dir, path), text)
	}
	s.Sealed = []string{filepath.Join(dir, "sealed")}
	mine := write1(t, filepath.Join(dir, "mine"), "mine")
	for _, c := range []struct {
		globs []string
		load  []string
		want  string
	}{
		{[]string{"net.*"}, nil, "net.a=received net.b=b1 net.c=c"},
		{[]string{"net.b"}, nil, "net.b=b1"},
		{[]string{"net.*"}, []string{"net.c:" + mine, "x:" + mine},
			"net.a=received net.b=b1 net.c=mine x=mine"},
		{[]string{"none", "no*", "sub"}, nil, ""},
		{[]string{"net.a", "o*"}, nil, "net.a=received other=o"},
	} {
		x := load(c.load...)
		x.ImportCredentials = c.globs
		x.SetCredentials = []unit.SetCredential{{ID: "net.a", Data: []byte("set")}}
		if !strings.Contains(c.want, "net.a=") {
			x.SetCredentials = nil
		}
		list, err := s.collect("a.service", &x)
		var got []string
		for _, o := range list {
			got = append(got, o.id+"="+string(o.data))
		}
		slices.Sort(got)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%q, %q: %q, %v, want %s", c.globs, c.load, got, err, c.want)
		}
	}
	for _, glob := range []string{"key", "k*", "*"} {
		x := unit.Exec{}
		x.ImportCredentials = []string{glob}
		_, err := s.collect("a.service", &x)
		if !errors.Is(err, ErrEncrypted) || !strings.HasPrefix(err.Error(), "ImportCredential="+glob) {
			t.Errorf("%s: %v", glob, err)
		}
	}
	// What asks for an encrypted one finds it, and what does not, does not.
	sealed := unit.LoadCredential{ID: "key", Path: "key", Encrypted: true}
	x := unit.Exec{}
	x.LoadCredentials = []unit.LoadCredential{sealed}
	if _, err := s.collect("a.service", &x); !errors.Is(err, ErrEncrypted) {
		t.Error(err)
	}
	x = load("key")
	if list, err := s.collect("a.service", &x); err != nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestRefused(t *testing.T) {
	s, dir := store(t)
	big := write1(t, filepath.Join(dir, "big"), strings.Repeat("x", sizeMax))
	write1(t, filepath.Join(dir, "bad/a:b"), "")
	file := write1(t, filepath.Join(dir, "store1/file"), "")
	encrypted := unit.LoadCredential{ID: "e", Path: file, Encrypted: true}
	set := unit.SetCredential{ID: "e", Encrypted: true}
	for _, c := range []struct {
		name string
		x    unit.Exec
	}{
		{"LoadCredential=m:", load("m:" + dir + "/missing")},
		{"LoadCredential=b:", load("b:" + big)},
		{"LoadCredential=d:", load("d:" + dir + "/bad")},
		{"LoadCredentialEncrypted=e:", unit.Exec{Credentials: unit.Credentials{
			LoadCredentials: []unit.LoadCredential{encrypted}}}},
		{"SetCredentialEncrypted=e:", unit.Exec{Credentials: unit.Credentials{
			SetCredentials: []unit.SetCredential{set}}}},
	} {
		err := s.Make("a.service", &c.x, -1)
		if of := (*Error)(nil); !errors.As(err, &of) || !strings.HasPrefix(err.Error(), c.name) {
			t.Errorf("%s %v", c.name, err)
		}
	}
	if _, err := os.Stat(s.Base); err == nil {
		t.Error("something is left of what failed")
	}
	x := load("file")
	if err := (&Store{Stores: s.Stores}).Make("a.service", &x, -1); err == nil {
		t.Error("credentials without a place")
	}
}

// A socket learns who asks for what.
func TestSocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the address of the asker is an abstract one, which only Linux has")
	}
	s, dir := store(t)
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		asked <- conn.RemoteAddr().String()
		fmt.Fprint(conn, "secret")
		conn.Close()
	}()
	x := load("key:" + l.Addr().String())
	list, err := s.collect("a.service", &x)
	if err != nil || len(list) != 1 || string(list[0].data) != "secret" {
		t.Fatalf("%v, %v", list, err)
	}
	if from := <-asked; !strings.HasSuffix(from, "/unit/a.service/key") {
		t.Errorf("asked by %q", from)
	}
}

// Each command has its credentials, which nobody changes, and nothing is left.
func TestMake(t *testing.T) {
	s, dir := store(t)
	if err := os.Mkdir(s.Base, 0o700); err != nil {
		t.Fatal(err)
	}
	uid := -1
	if os.Geteuid() == 0 {
		uid = 61234
	}
	t.Cleanup(func() { s.Remove("a.service") })
	for _, text := range []string{"first", "second"} {
		x := load("a:" + write1(t, filepath.Join(dir, "a"), text))
		if err := s.Make("a.service", &x, uid); err != nil {
			t.Fatal(err)
		}
		look(t, s.Dir("a.service"), text, uid)
	}
	for range 2 {
		if err := s.Remove("a.service"); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(s.Base); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func look(t *testing.T, dir, text string, uid int) {
	t.Helper()
	for path, mode := range map[string]fs.FileMode{dir: 0o500 | fs.ModeDir, dir + "/a": 0o400} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		owner, _ := sys.Owner(info)
		switch got := info.Mode(); {
		case got == mode && (uid < 0 || owner == uid):
		case got == mode|(mode&0o500)>>3 && owner == 0: // a list says that the user may, too
		default:
			t.Errorf("%s: %v, of %d", path, got, owner)
		}
	}
	if data, err := os.ReadFile(dir + "/a"); err != nil || string(data) != text {
		t.Errorf("%q, %v, want %q", data, err, text)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if sys.IsMount(dir) {
		if err := os.Chmod(dir+"/a", 0o600); err == nil {
			t.Error("what is handed over can be changed")
		}
	}
}

// Where nothing can be mounted a directory does, and before Linux 5.2 a file system that is
// there from the beginning.
func TestInPlace(t *testing.T) {
	for name, put := range map[string]func(string, []credential, int) error{
		"plain": plain, "in place": inPlace,
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := store(t)
			final := s.Dir("a.service")
			uid := -1
			if os.Geteuid() == 0 {
				uid = 61234
			}
			if err := os.MkdirAll(final, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"first", "second"} {
				if err := put(final, []credential{{id: "a", data: []byte(text)}}, uid); err != nil {
					t.Fatal(err)
				}
				look(t, final, text, uid)
				if name != "plain" {
					_ = sys.DetachMount(final)
				}
			}
			if err := s.Remove("a.service"); err != nil {
				t.Error(err)
			}
		})
	}
}
