package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/host/dirs"
	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// machine makes a root directory with some directories, a file, and symlinks.
func machine(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{
		"usr/lib", "etc/ssl", "home", "root", "run/user", "var/lib", "var/tmp", "tmp", "dev", "proc",
		"sys", "boot",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc/passwd"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"lib": "usr/lib", "etc/os": "/usr/lib", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// table is a mount table: something is mounted at some places below root.
func table(root string, lines ...string) []proc.Mount {
	text := "1 0 0:1 / / rw,relatime - ext4 a rw\n2 1 0:2 / " + root + " rw,relatime - ext4 b rw\n"
	for i, l := range lines {
		at, options, _ := strings.Cut(l, " ")
		text += fmt.Sprintf("%d 2 0:%d / %s%s %s - tmpfs t rw\n", i+3, i+3, root, at, options)
	}
	return proc.ParseMounts(text)
}

var verbWords = [Verbs]string{
	"mount", "unmount", "mkdir", "touch", "node", "symlink", "set", "clear", "remount", "fail",
}

// flagWords are the flags in the order in which they are shown.
var flagWords = []struct {
	flag Flags
	word string
}{
	{FlagReadOnly, "ro"}, {FlagNoSUID, "nosuid"}, {FlagNoDev, "nodev"}, {FlagNoExec, "noexec"},
	{FlagBind, "bind"}, {FlagRecursive, "deep"},
}

// show writes steps, a line each. Where the root directory is on the host is HOST.
func show(root string, steps []Step) []string {
	var lines []string
	for _, s := range steps {
		line := verbWords[s.Do] + " " + s.Path
		if s.Source != "" {
			line += " from " + strings.Replace(s.Source, root, "HOST", 1)
		}
		if s.Type != "" {
			line += " " + s.Type
		}
		for _, f := range flagWords {
			if s.Flags&f.flag != 0 {
				line += " " + f.word
			}
		}
		if s.Options != "" {
			line += " " + s.Options
		}
		if s.Do == Fail {
			line += " " + sys.Errno(s.Errno).Error()
		}
		lines = append(lines, line)
		for _, l := range show(root, s.Else) {
			lines = append(lines, "else "+l)
		}
	}
	return lines
}

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(x *unit.Exec, c *Config, root string)
		mounts []string
		want   []string
	}{
		{
			name: "read-only, what is mounted below too",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.ReadOnlyPaths = []string{"+/usr", "+/lib", "-+/no"}
			},
			mounts: []string{"/usr/lib rw"},
			want:   []string{"mount /view/usr from /view/usr bind deep", "set /view/usr ro deep"},
		},
		{
			name: "another path below is as it was",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.ReadOnlyPaths, x.ReadWritePaths = []string{"+/"}, []string{"+/var"}
			},
			mounts: []string{"/var/tmp rw", "/var/lib ro", "/home rw"},
			want: []string{
				"mount /view/var from /view/var bind deep", "set /view ro deep",
				"clear /view/var ro", "clear /view/var/tmp ro",
			},
		},
		{
			name: "no control groups, which are nothing to protect",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.ProtectControlGroups, x.MountAPIVFS = true, unit.No
			},
			mounts: []string{"/proc rw", "/dev rw", "/sys rw", "/run rw"},
			want: []string{
				"unmount /view/proc", "mount /view/proc from proc proc nosuid nodev noexec",
				"else mount /view/proc from /proc bind deep", "set /view/proc noexec deep",
				"set /view/sys noexec deep",
			},
		},
		{
			name: "without mount_setattr",
			set: func(x *unit.Exec, c *Config, _ string) {
				c.Deep = false
				x.ReadOnlyPaths, x.ReadWritePaths = []string{"+/"}, []string{"+/var"}
			},
			mounts: []string{"/var/tmp rw", "/home rw,nosuid,noexec", "/boot ro"},
			want: []string{
				"mount /view/var from /view/var bind deep", "remount /view ro",
				"remount /view/home ro nosuid noexec",
			},
		},
		{
			name: "paths without + are the host's",
			set: func(x *unit.Exec, _ *Config, root string) {
				x.ReadOnlyPaths = []string{"/usr", root + "/etc"}
			},
			want: []string{"mount /view/etc from /view/etc bind deep", "set /view/etc ro deep"},
		},
		{
			name: "missing",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.InaccessiblePaths = []string{"+/no/such", "-+/nor/this", "+/loop"}
			},
			want: []string{
				"fail /loop too many levels of symbolic links", "fail /no/such no such file or directory",
			},
		},
		{
			name: "inaccessible",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.InaccessiblePaths = []string{"+/etc/passwd", "+/var", "+/var/lib", "+/home"}
			},
			mounts: []string{"/home rw"},
			want: []string{
				"mount /view/etc/passwd from /blocked/sock bind", "unmount /view/home",
				"mount /view/home from /blocked/sock bind", "mount /view/var from /blocked/sock bind",
				"set /view/etc/passwd ro deep", "set /view/home ro deep", "set /view/var ro deep",
				"set /view/etc/passwd noexec deep", "set /view/home noexec deep",
				"set /view/var noexec deep",
			},
		},
		{
			name: "what is bound is sought on the host, and where in the view",
			set: func(x *unit.Exec, _ *Config, root string) {
				x.BindPaths = []unit.BindPath{
					{Source: root + "/lib", Where: "/new/lib"},
					{Source: root + "/etc/passwd", Where: "/etc/os/file", ReadOnly: true, Flat: true},
					{Source: root + "/no", Where: "/x", Optional: true},
				}
			},
			want: []string{
				"mkdir /view/new", "mkdir /view/new/lib",
				"mount /view/new/lib from HOST/usr/lib bind deep",
				"touch /view/usr/lib/file", "mount /view/usr/lib/file from HOST/etc/passwd bind",
				"set /view/usr/lib/file ro deep",
			},
		},
		{
			name: "below an empty file system nothing is there",
			set: func(x *unit.Exec, _ *Config, root string) {
				x.TemporaryFileSystems = []unit.TemporaryFileSystem{
					{Path: "/var", Options: "ro,mode=0700,noexec,dev"},
				}
				x.ReadOnlyPaths = []string{"+/var/lib"}
				x.BindPaths = []unit.BindPath{{Source: root + "/etc", Where: "/var/a/b"}}
			},
			mounts: []string{"/var rw"},
			want: []string{
				"unmount /view/var",
				"mount /view/var from tmpfs tmpfs noexec mode=0755,size=10%,nr_inodes=400k,mode=0700",
				"mkdir /view/var/a", "mkdir /view/var/a/b",
				"mount /view/var/a/b from HOST/etc bind deep",
				"fail /var/lib no such file or directory", "set /view/var ro",
			},
		},
		{
			name: "the first at a path wins, and takes over what the others take away",
			set: func(x *unit.Exec, c *Config, root string) {
				c.Tmp = root + "/var"
				x.PrivateTmp = true
				x.ReadOnlyPaths, x.NoExecPaths = []string{"+/tmp"}, []string{"+/tmp"}
				x.TemporaryFileSystems = []unit.TemporaryFileSystem{{Path: "/tmp"}}
			},
			want: []string{
				"mount /view/tmp from HOST/var bind deep", "set /view/tmp ro deep",
				"set /view/tmp noexec deep",
			},
		},
		{
			name: "strict",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.ProtectSystem, x.ProtectHome = unit.ProtectSystemStrict, unit.ProtectHomeTmpfs
			},
			mounts: []string{"/dev rw,nosuid", "/proc rw", "/sys rw"},
			want: []string{
				"mount /view/home from tmpfs tmpfs", "mount /view/root from tmpfs tmpfs",
				"mount /view/run/user from tmpfs tmpfs", "set /view ro deep", "clear /view/dev ro",
				"clear /view/home ro", "clear /view/proc ro", "clear /view/root ro",
				"clear /view/run/user ro", "clear /view/sys ro",
			},
		},
		{
			name: "exec",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.NoExecPaths, x.ExecPaths = []string{"+/"}, []string{"+/usr"}
			},
			mounts: []string{"/home rw", "/usr rw,noexec"},
			want:   []string{"set /view noexec deep", "clear /view/usr noexec"},
		},
		{
			name: "no new privileges",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.NoNewPrivileges, x.ReadWritePaths = true, []string{"+/"}
			},
			want: []string{"set /view nosuid deep"},
		},
		{
			name: "a command with a + has its mounts, and nothing is kept from it",
			set: func(x *unit.Exec, c *Config, root string) {
				c.Privileged, c.Tmp = true, "/x"
				x.ProtectSystem, x.PrivateTmp, x.PrivateDevices = unit.ProtectSystemStrict, true, true
				x.ReadOnlyPaths = []string{"+/usr"}
				x.BindPaths = []unit.BindPath{{Source: root + "/etc", Where: "/home"}}
			},
			want: []string{"mount /view/home from HOST/etc bind deep"},
		},
		{
			name: "the unit's own directories",
			set: func(_ *unit.Exec, c *Config, root string) {
				c.Dirs = dirs.Mounts{
					Empty:  []string{"/var/lib/private"},
					Binds:  []unit.BindPath{{Source: root + "/etc", Where: "/var/lib/private/a"}},
					NoSUID: true,
					Links:  []dirs.Link{{To: "/var/lib/private/a", Path: "/var/lib/a"}},
				}
			},
			want: []string{
				"mkdir /view/var/lib/private",
				"mount /view/var/lib/private from tmpfs tmpfs nosuid nodev noexec " +
					"mode=0755,size=4m,nr_inodes=1k",
				"mkdir /view/var/lib/private/a", "mount /view/var/lib/private/a from HOST/etc bind deep",
				"symlink /view/var/lib/a from private/a", "set /view/var/lib/private ro",
				"set /view/var/lib/private/a nosuid deep",
			},
		},
		{
			name: "a place for later mounts",
			set:  func(_ *unit.Exec, c *Config, root string) { c.Incoming = root + "/tmp" },
			want: []string{
				"mkdir /view/run/systemd", "mkdir /view/run/systemd/incoming",
				"mount /view/run/systemd/incoming from HOST/tmp bind",
				"set /view/run/systemd/incoming ro deep",
			},
		},
		{
			name: "nobody else's credentials",
			set:  func(_ *unit.Exec, c *Config, _ string) { c.AllCredentials = "/boot" },
			want: []string{
				"mount /view/boot from /blocked/sock bind", "set /view/boot ro deep",
				"set /view/boot noexec deep",
			},
		},
		{
			name: "/proc",
			set: func(x *unit.Exec, _ *Config, _ string) {
				x.ProtectProc, x.ProcSubset = unit.ProtectProcInvisible, unit.ProcSubsetPID
				x.MountAPIVFS = unit.No
				x.ProtectHostname = true // nothing is there to protect
			},
			mounts: []string{"/proc rw", "/sys rw", "/dev rw", "/run rw"},
			want: []string{
				"unmount /view/proc",
				"mount /view/proc from proc proc nosuid nodev noexec hidepid=invisible,subset=pid",
				"else mount /view/proc from proc proc nosuid nodev noexec",
				"else else mount /view/proc from /proc bind deep",
				"set /view/proc noexec deep", "set /view/sys noexec deep",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := machine(t)
			x := &unit.Exec{}
			conf := &Config{
				Exec: x, Wants: func(string) bool { return true }, Root: root, Base: "/view",
				Blocked: "/blocked", Mounts: table(root, c.mounts...), Deep: true,
			}
			c.set(x, conf, root)
			if got := show(root, conf.Steps()); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// Entries are put in order, and what changes nothing is dropped.
func TestArrange(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"/b:5 /a:5 /a/c:6", "/a:5 /a/c:6 /b:5"},
		{"/a/b:9 /a-b:9 /a:10", "/a:10 /a/b:9 /a-b:9"},
		{"/a:9 /a/b:9 /a/b/c:10 /a/b/c/d:9", "/a:9 /a/b/c:10 /a/b/c/d:9"},
		{"/:9 /proc:16 /proc/x:16 /y:10", "/:9 /proc:16 /y:10"},
		{"/a:0 /a:9 /a/b:9 /ab:9", "/a:0 /ab:9"},
		{"/a:9 /a:2 /a:13", "/a:2"},
		{"/usr:9 /usr:13 /usr:1 /usr/x:9", "/usr:1 /usr/x:9"},
		{"", ""},
	} {
		var list []entry
		for _, f := range strings.Fields(c.in) {
			path, mode, _ := strings.Cut(f, ":")
			e := entry{path: path}
			if _, err := fmt.Sscan(mode, &e.mode); err != nil {
				t.Fatal(err)
			}
			list = append(list, e)
		}
		var got []string
		for _, e := range arrange(list) {
			got = append(got, fmt.Sprintf("%s:%d", e.path, e.mode))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: got %s, want %s", c.in, s, c.want)
		}
	}
}

// What others are mounted over is no part of the tree.
func TestTree(t *testing.T) {
	const text = `1 0 0:1 / / rw - ext4 a rw
2 1 0:2 / /a rw - tmpfs b rw
3 2 0:3 / /a/b ro,noexec - tmpfs c rw
4 1 0:4 / /c/d rw - tmpfs d rw
5 1 0:5 / /c rw,nosuid - tmpfs e rw
6 2 0:6 / /a rw,nodev - tmpfs f rw
7 6 0:7 / /a/e rw - tmpfs g rw
`
	mounts := proc.ParseMounts(text)
	var got []string
	for _, p := range newTree(mounts, "") {
		got = append(got, fmt.Sprintf("%s:%d", p.path, p.had))
	}
	if s := strings.Join(got, " "); s != "/:0 /a:4 /a/e:0 /c:2" {
		t.Errorf("tree %s", s)
	}
	got = nil
	for _, p := range newTree(mounts, "/a") {
		got = append(got, fmt.Sprintf("%s:%d", p.path, p.had))
	}
	if s := strings.Join(got, " "); s != "/:4 /e:0" {
		t.Errorf("tree below /a %s", s)
	}
}

// A private /dev has what is harmless, and no more is found in it.
func TestPrivateDev(t *testing.T) {
	for _, need := range []string{"/dev/null", "/dev/pts", "/dev/shm", "/dev/zero"} {
		if _, err := os.Stat(need); err != nil {
			t.Skip(err)
		}
	}
	root := machine(t)
	x := &unit.Exec{}
	x.PrivateDevices, x.ProtectKernelLogs, x.MountAPIVFS = true, true, unit.No
	x.InaccessiblePaths = []string{"-+/dev/shm", "-+/dev/mem"}
	c := &Config{
		Exec: x, Wants: func(string) bool { return true }, Root: root, Base: "/view",
		Blocked: "/blocked", Mounts: table(root, "/dev rw"), Deep: true,
	}
	lines := show(root, c.Steps())
	for _, want := range []string{
		"unmount /view/dev", "mkdir /view/dev/pts", "mount /view/dev/shm from /dev/shm bind",
		"node /view/dev/null", "else mount /view/dev/null from /dev/null bind",
		"symlink /view/dev/char/1:3 from ../null", "symlink /view/dev/fd from /proc/self/fd",
		"mount /view/dev/shm from /blocked/sock bind", "set /view/dev ro",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
	for _, l := range lines {
		if strings.Contains(l, "kmsg") || strings.Contains(l, "/dev/mem") {
			t.Errorf("%s: it is not there", l)
		}
	}
}

func TestNeeded(t *testing.T) {
	for _, c := range []struct {
		name            string
		exec            unit.Exec
		conf            Config
		needed          string
		essential, left bool // left: the directive is left out
	}{
		{name: "nothing"},
		{name: "read-only", exec: unit.Exec{Sandbox: unit.Sandbox{ReadOnlyPaths: []string{"/"}}},
			needed: "ReadOnlyPaths"},
		{name: "left out", exec: unit.Exec{Sandbox: unit.Sandbox{ReadOnlyPaths: []string{"/"}}},
			left: true},
		{name: "root", exec: unit.Exec{RootDirectory: "/x"}, conf: Config{Root: "/x"},
			needed: "RootDirectory", essential: true},
		{name: "no more than another root", conf: Config{Root: "/x"}, essential: true,
			exec: unit.Exec{RootDirectory: "/x", Images: unit.Images{MountAPIVFS: unit.No}}},
		{name: "bind", needed: "BindPaths", essential: true,
			exec: unit.Exec{Sandbox: unit.Sandbox{BindPaths: make([]unit.BindPath, 1)}}},
		{name: "shared", exec: unit.Exec{Sandbox: unit.Sandbox{MountFlags: propagateShared}}},
		{name: "slave", exec: unit.Exec{Sandbox: unit.Sandbox{MountFlags: uint64(FlagSlave)}},
			needed: "MountFlags"},
		{name: "no directory for PrivateTmp", exec: unit.Exec{Sandbox: unit.Sandbox{PrivateTmp: true}}},
		{name: "another journal", exec: unit.Exec{Logging: unit.Logging{LogNamespace: "x"}},
			needed: "LogNamespace", essential: true},
		{name: "extensions", needed: "ExtensionDirectories", essential: true,
			exec: unit.Exec{Images: unit.Images{ExtensionDirectories: []string{"/x"}}}},
		{name: "PrivateTmp in memory", exec: unit.Exec{Sandbox: unit.Sandbox{PrivateTmp: true}},
			conf: Config{OwnTmp: true}, needed: "PrivateTmp"},
		{name: "directories of a dynamic user", needed: "DynamicUser", essential: true,
			conf: Config{Dirs: dirs.Mounts{Empty: []string{"/x"}}}},
	} {
		c.conf.Exec, c.conf.Wants = &c.exec, func(string) bool { return !c.left }
		if d, _ := c.conf.Needed(); d != c.needed || c.conf.Essential() != c.essential {
			t.Errorf("%s: needed for %q, essential %v", c.name, d, c.conf.Essential())
		}
	}
}

// The nodes that are put over what is inaccessible can be made again.
func TestPlace(t *testing.T) {
	p := At(t.TempDir())
	for range 2 {
		if err := p.Make(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(p.Blocked + "/dir"); err == nil && info.Mode().Perm() != 0 {
		t.Errorf("mode %v", info.Mode())
	}
}
