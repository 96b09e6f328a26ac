package load

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/tidy/tables"
	"rouse/internal/unit"
	"rouse/internal/unit/load/loadtest"
	"rouse/internal/unit/name"
)

// TestSyntaxTable compares with what systemd 252 makes of whole files.
func TestSyntaxTable(t *testing.T) {
	for i, r := range tables.Read(t, "syntax.tsv") {
		tree := loadtest.New()
		tree.File("/run/systemd/system/x.service", r[0])
		u := New(Config{FS: tree, Path: []string{"/run/systemd/system"}}).Load("x.service")
		descr, env, argv := u.Description, []string{}, [][]string{}
		if descr == u.Name {
			descr = ""
		}
		if u.Exec != nil {
			env = append(env, u.Exec.Environment...)
		}
		if u.Service != nil {
			for _, c := range u.Service.Commands[unit.ExecStart] {
				argv = append(argv, c.Argv)
			}
		}
		got := fmt.Sprintf("%s %q %s %s", u.Load, descr, encode(t, env), encode(t, argv))
		want := fmt.Sprintf("%s %q %s %s", r[1], r[2], r[3], r[4])
		if got != want {
			t.Errorf("row %d, %q: got %s, want %s; %v", i+1, r[0], got, want, u.Faults)
		}
	}
}

func encode(t *testing.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A closure leaves out what is known, by its primary name as well.
func TestClosureHave(t *testing.T) {
	tree := loadtest.New()
	tree.File("/u/a.service", "[Unit]\nWants=b-alias.service c.service a-alias.service\n")
	tree.Link("/u/a-alias.service", "a.service")
	tree.File("/u/b.service", "[Unit]\nWants=d.service\n")
	tree.Link("/u/b-alias.service", "b.service")
	l := New(Config{FS: tree, Path: []string{"/u"}})
	var got []string
	have := func(n string) bool { return n == "b.service" }
	for _, u := range l.Closure([]string{"a-alias.service"}, have) {
		got = append(got, u.Name)
	}
	if s := strings.Join(got, " "); s != "a.service c.service" {
		t.Errorf("got %s", s)
	}
}

// What the completing function adds is followed, and it is told which units have files.
func TestComplete(t *testing.T) {
	tree := loadtest.New()
	tree.File("/u/a.service", "[Service]\nExecStart=/bin/true\n")
	tree.File("/u/b.mount", "[Mount]\nWhat=tmpfs\nWhere=/b\n")
	tree.File("/u/c.mount", "")
	tree.Link("/u/d.mount", "/dev/null")
	asked := map[string]bool{}
	l := New(Config{
		FS: tree, Path: []string{"/u"},
		Complete: func(u *unit.Unit, hasFile func(string) bool) {
			for _, n := range []string{"b.mount", "c.mount", "d.mount", "e.mount", "sockets.target"} {
				asked[n] = hasFile(n)
			}
			if u.Name == "a.service" {
				u.Edges = append(u.Edges, unit.Edge{Kind: unit.After, Name: "z.slice"})
			}
		},
	})
	if n := len(l.Closure([]string{"a.service"}, nil)); n != 2 {
		t.Errorf("%d units", n)
	}
	for n, has := range asked {
		if has != (n == "b.mount") {
			t.Errorf("%s has a file: %v", n, has)
		}
	}
}

// Every built-in unit loads without a fault.
func TestBuiltins(t *testing.T) {
	for _, user := range []bool{false, true} {
		l := New(Config{FS: loadtest.New(), User: user})
		for _, f := range l.Files() {
			n := f.Name
			if name.KindOf(n) == name.Template {
				n, _ = name.WithInstance(n, "i")
			}
			u := l.Load(n)
			if u.Load != unit.Loaded || len(u.Faults) > 0 || u.Fragment != "" || u.Description == u.Name {
				t.Errorf("%s: %s %s %v", f.Name, u.Load, u.LoadError, u.Faults)
			}
			if f.Alias == "" && u.Name != n || f.Alias != "" && u.Name != f.Alias {
				t.Errorf("%s is %s", f.Name, u.Name)
			}
		}
	}
}

// What changes on disk is seen after Recheck, and not before.
func TestRecheck(t *testing.T) {
	const unitText, dropIn = "[Service]\nExecStart=/bin/true\n", "[Unit]\nDescription=other\n"
	tree := loadtest.New()
	tree.File("/u/a.service", unitText)
	tree.Dir("/u/a.service.d")
	l := New(Config{FS: tree, Path: []string{"/u", "/v"}})
	l.Recheck()
	expect := func(n string, state unit.LoadState, description string) {
		t.Helper()
		if u := l.Load(n); u.Load != state || u.Description != description {
			t.Errorf("%s is %s, %s", n, u.Load, u.Description)
		}
	}
	expect("a.service", unit.Loaded, "a.service")
	tree.File("/v/b.service", unitText)
	tree.File("/u/a.service.d/x.conf", dropIn)
	expect("a.service", unit.Loaded, "a.service")
	expect("b.service", unit.NotFound, "b.service")
	l.Recheck()
	expect("a.service", unit.Loaded, "other")
	expect("b.service", unit.Loaded, "b.service")
	tree.Remove("/u/a.service.d/x.conf")
	l.Recheck()
	expect("a.service", unit.Loaded, "a.service")
}

// A unit is stale when its file, a drop-in or its source is newer than it was, or
// drop-ins came or went; Stale sees that without being told to look again.
func TestStale(t *testing.T) {
	const text = "[Unit]\nSourcePath=/etc/source\n[Service]\nExecStart=/bin/true\n"
	change := map[string]func(tree *loadtest.Tree){
		"nothing":      func(*loadtest.Tree) {},
		"another unit": func(tree *loadtest.Tree) { tree.File("/u/b.service", text) },
		"fragment":     func(tree *loadtest.Tree) { tree.File("/u/a.service", text) },
		"gone":         func(tree *loadtest.Tree) { tree.Remove("/u/a.service") },
		"source":       func(tree *loadtest.Tree) { tree.File("/etc/source", "") },
		"drop-in":      func(tree *loadtest.Tree) { tree.File("/u/a.service.d/x.conf", "") },
		"new drop-in":  func(tree *loadtest.Tree) { tree.File("/u/service.d/y.conf", "") },
		"less":         func(tree *loadtest.Tree) { tree.Remove("/u/a.service.d/x.conf") },
	}
	for what, f := range change {
		tree := loadtest.New()
		tree.File("/etc/source", "")
		tree.File("/u/a.service", text)
		tree.File("/u/a.service.d/x.conf", "[Unit]\nDescription=x\n")
		l := New(Config{FS: tree, Path: []string{"/u"}})
		u := l.Load("a.service")
		f(tree)
		if got, want := l.Stale(u), what != "nothing" && what != "another unit"; got != want {
			t.Errorf("%s: stale: got %v, want %v", what, got, want)
		}
	}
}

// The calls for a unit that is a file and nothing else are to read that file.
func TestFewCalls(t *testing.T) {
	tree := loadtest.New()
	for i := range 100 {
		tree.File(fmt.Sprintf("/usr/lib/systemd/system/s%d.service", i), service)
	}
	fs := &counting{Tree: tree}
	l := New(Config{FS: fs, Path: SearchPath(false, func(string) string { return "" }, nil)})
	l.Load("s0.service")
	scan := fs.calls
	for i := range 100 {
		l.Load(fmt.Sprintf("s%d.service", i))
	}
	if n := fs.calls - scan; n != 100 {
		t.Errorf("%d calls for 100 units, %d to begin with", n, scan)
	}
	if scan > 80 {
		t.Errorf("%d calls to list the search path", scan)
	}
}

// counting counts the calls that reach a tree.
type counting struct {
	*loadtest.Tree
	calls int
}

func (c *counting) Open(p string) (fs.File, error) {
	c.calls++
	return c.Tree.Open(p)
}

func (c *counting) ReadDir(p string) ([]fs.DirEntry, error) {
	c.calls++
	return c.Tree.ReadDir(p)
}

func (c *counting) ReadLink(p string) (string, error) {
	c.calls++
	return c.Tree.ReadLink(p)
}

func (c *counting) Stat(p string) (fs.FileInfo, error) {
	c.calls++
	return c.Tree.Stat(p)
}

// FuzzLoad loads units from trees made of the input: lines of "path text".
func FuzzLoad(f *testing.F) {
	f.Add("a.service [Unit]\nb.service>a.service\na.service.d/x.conf [Service]\nc@.service>b@.service")
	f.Add("a.target.wants/b@.service>/dev/null\na-b@.target.requires/c.socket>../c.socket\na.slice>/")
	f.Add("x.service>y.service\ny.service>x.service\nx.service.d>x.service.d\n-.mount>..")
	f.Fuzz(func(t *testing.T, text string) {
		tree := loadtest.New()
		var names []string
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if p, target, ok := strings.Cut(line, ">"); ok {
				tree.Link("/u/"+p, target)
				names = append(names, p)
			} else {
				p, body, _ := strings.Cut(line, " ")
				tree.File("/u/"+p, strings.ReplaceAll(body, "|", "\n"))
				names = append(names, p)
			}
		}
		l := New(Config{FS: tree, Path: []string{"/u"}})
		for _, u := range l.Closure(append(names, "a-b@c.service", "x.service", "a.target"), nil) {
			if u == nil || u.Load == unit.Stub || (u.Load == unit.Loaded) != (u.LoadError == "") {
				t.Fatalf("%+v", u)
			}
		}
		l.Files()
	})
}

const service = `[Unit]
Description=A daemon of the usual kind
Documentation=man:daemon(8)
After=network-online.target nss-lookup.target
Wants=network-online.target
[Service]
Type=notify
ExecStart=/usr/sbin/daemon --foreground $OPTIONS
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
PrivateTmp=yes
[Install]
WantedBy=multi-user.target
`

const many = 5000

func loadMany(b *testing.B, tree fs.ReadLinkFS) {
	b.ReportAllocs()
	for b.Loop() {
		l := New(Config{FS: tree, Path: SearchPath(false, func(string) string { return "" }, nil)})
		if n := len(l.Closure([]string{"all.target"}, nil)); n < many {
			b.Fatalf("%d units", n)
		}
	}
}

// BenchmarkMemory loads 5,000 services from memory.
func BenchmarkMemory(b *testing.B) {
	tree := loadtest.New()
	each(func(p, text string) { tree.File(p, text) }, tree.Link)
	loadMany(b, tree)
}

// BenchmarkDisk loads 5,000 services from a directory.
func BenchmarkDisk(b *testing.B) {
	dir := b.TempDir()
	put := func(p string, write func(string) error) {
		p = filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := write(p); err != nil {
			b.Fatal(err)
		}
	}
	each(func(p, text string) {
		put(p, func(p string) error { return os.WriteFile(p, []byte(text), 0o644) })
	}, func(p, target string) {
		put(p, func(p string) error { return os.Symlink(target, p) })
	})
	tree, ok := os.DirFS(dir).(fs.ReadLinkFS)
	if !ok {
		b.Skip("os.DirFS reads no symlinks")
	}
	loadMany(b, tree)
}

func each(file, link func(p, text string)) {
	const dir = "/usr/lib/systemd/system/"
	file(dir+"all.target", "[Unit]\nDescription=All\n")
	for i := range many {
		n := fmt.Sprintf("service-%d.service", i)
		file(dir+n, service)
		link(dir+"all.target.wants/"+n, "../"+n)
	}
}
