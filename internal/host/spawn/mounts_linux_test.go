package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/host/dirs"
	"rouse/internal/host/sandbox"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// needMounts skips where no mount namespace can be made.
func needMounts(t testing.TB) {
	t.Helper()
	needRoot(t)
	r := sh("readlink /proc/self/ns/mnt")
	r.Exec.PrivateMounts = true
	mine, err := os.Readlink("/proc/self/ns/mnt")
	got := do(t, &Spawner{}, r)
	if err != nil || got.err != nil || strings.TrimSpace(got.out) == mine {
		t.Skipf("no mount namespaces here: %v, %v", err, got.err)
	}
}

// inView makes a spawner with a place of its own, and a directory to play with.
func inView(t testing.TB, s *Spawner) (dir string) {
	t.Helper()
	s.Place = sandbox.At(t.TempDir())
	if err := s.Place.Make(); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"a/b", "c", "tmp", "vartmp", "in", "cred/mine", "cred/other"} {
		if err := os.MkdirAll(dir+"/"+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+"/a/b/file", []byte("text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What processes see of the file system is what their settings say.
func TestMounts(t *testing.T) {
	needMounts(t)
	for _, c := range []struct {
		name, script string
		set          func(r *Request, dir string)
		want         string
	}{
		{"ReadOnlyPaths", "! touch $D/a/x; ! touch $D/a/b/x && touch $D/c/x && rm $D/c/x && echo ok",
			func(r *Request, dir string) { r.Exec.ReadOnlyPaths = []string{dir + "/a"} }, "ok"},
		{"ReadWritePaths", "! touch $D/a/x; touch $D/a/b/x && rm $D/a/b/x && echo ok",
			func(r *Request, dir string) {
				r.Exec.ReadOnlyPaths, r.Exec.ReadWritePaths = []string{"/"}, []string{dir + "/a/b"}
			}, "ok"},
		{"InaccessiblePaths", "stat -c %a:%n $D/a; cat $D/a/b/file",
			func(r *Request, dir string) { r.Exec.InaccessiblePaths = []string{dir + "/a"} },
			"0:$D/a"},
		{"NoExecPaths", "cp /bin/sh $D/a/sh; $D/a/sh -c 'echo no'; echo $?; rm $D/a/sh",
			func(r *Request, dir string) { r.Exec.NoExecPaths = []string{dir} },
			"126"},
		{"ExecPaths", "cp /bin/sh $D/a/sh; $D/a/sh -c 'echo yes'; rm $D/a/sh",
			func(r *Request, dir string) {
				r.Exec.NoExecPaths, r.Exec.ExecPaths = []string{dir}, []string{dir + "/a"}
			}, "yes"},
		{"BindPaths", "cat $D/new/deep/file; touch $D/new/deep/y; ls $D/a/b",
			func(r *Request, dir string) {
				r.Exec.BindPaths = []unit.BindPath{{Source: dir + "/a/b", Where: dir + "/new/deep"}}
			}, "text file y"},
		{"BindReadOnlyPaths", "cat $D/f; echo x >$D/f || echo no",
			func(r *Request, dir string) {
				r.Exec.BindPaths = []unit.BindPath{
					{Source: dir + "/a/b/file", Where: dir + "/f", ReadOnly: true},
					{Source: dir + "/none", Where: dir + "/none", Optional: true},
				}
			}, "text no"},
		{"TemporaryFileSystem", "ls -A $D; stat -c %a $D/a; ! touch $D/x",
			func(r *Request, dir string) {
				r.Exec.TemporaryFileSystems = []unit.TemporaryFileSystem{{Path: dir, Options: "ro"}}
				r.Exec.BindPaths = []unit.BindPath{{Source: dir + "/a", Where: dir + "/a"}}
			}, "a 755"},
		{"PrivateTmp", "touch /tmp/one /var/tmp/two; ls $D/tmp/one $D/vartmp",
			func(r *Request, dir string) {
				r.Exec.PrivateTmp, r.Tmp, r.VarTmp = true, dir+"/tmp", dir+"/vartmp"
				r.Exec.BindPaths = []unit.BindPath{{Source: dir, Where: dir}}
			}, "$D/tmp/one $D/vartmp: two"},
		{"+", "touch $D/a/x && rm $D/a/x && echo ok", func(r *Request, dir string) {
			r.Exec.ReadOnlyPaths, r.Command.Flags = []string{dir + "/a"}, value.FullPrivilege
		}, "ok"},
		{"RootDirectory", "pwd; echo /*", func(r *Request, dir string) {
			r.Exec.RootDirectory = dir
			r.Exec.BindPaths = bins()
			r.Exec.MountAPIVFS = unit.No
		}, "/ /a /bin /c /cred /in /lib /lib64 /tmp /usr /vartmp"},
		{"MountAPIVFS", "for d in /proc/self /sys /dev/null /run; do test -e $d && echo $d; done",
			func(r *Request, dir string) {
				r.Exec.RootDirectory = dir
				r.Exec.BindPaths = bins()
			}, "/proc/self /sys /dev/null /run"},
		{"directories", "touch $D/c/x $D/link/y; ! touch $D/z; ls $D/c $D/a/private; rm $D/c/x $D/link/y",
			func(r *Request, dir string) {
				r.Exec.ReadOnlyPaths = []string{dir}
				r.Dirs = dirs.Mounts{
					Empty: []string{dir + "/a"},
					Binds: []unit.BindPath{
						{Source: dir + "/c", Where: dir + "/c"},
						{Source: dir + "/in", Where: dir + "/a/private"},
					},
					Links: []dirs.Link{{To: dir + "/a/private", Path: dir + "/link"}},
				}
			}, "$D/a/private: y $D/c: x"},
		{"Incoming", "stat -c %F " + sandbox.IncomingPath, func(r *Request, dir string) {
			r.Exec.PrivateMounts, r.Incoming = true, dir+"/in"
		}, "directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyMeans(t, func(t *testing.T, s *Spawner) {
				dir := inView(t, s)
				r := sh("exec 2>&-; " + c.script)
				c.set(r, dir)
				r.Env = append(r.Env, "D="+dir, "LC_ALL=C")
				got := do(t, s, r)
				want := strings.Fields(strings.ReplaceAll(c.want, "$D", dir))
				out := strings.Fields(got.out)
				if got.err != nil || !slices.Equal(out, want) {
					t.Errorf("%v\ngot  %v\nwant %v", got.err, out, want)
				}
			})
		})
	}
}

// bins are the bind mounts that programs need below another root directory.
func bins() (list []unit.BindPath) {
	for _, dir := range []string{"/bin", "/lib", "/lib64", "/usr"} {
		list = append(list, unit.BindPath{Source: dir, Where: dir, ReadOnly: true, Optional: true})
	}
	return list
}

// A path that is not there fails the start, and the message says which and why.
func TestMountFailures(t *testing.T) {
	needMounts(t)
	for _, c := range []struct {
		name      string
		set       func(x *unit.Exec)
		want      string
		directive string
	}{
		{"missing", func(x *unit.Exec) { x.InaccessiblePaths = []string{"/no/such"} },
			"find /no/such: no such file or directory", "InaccessiblePaths"},
		{"source", func(x *unit.Exec) { x.BindPaths = []unit.BindPath{{Source: "/no", Where: "/tmp"}} },
			"find /no: no such file or directory", "BindPaths"},
		{"root", func(x *unit.Exec) { x.RootDirectory = "/no" },
			"find root directory /no: lstat /no: no such file or directory", "RootDirectory"},
		{"options", func(x *unit.Exec) {
			x.TemporaryFileSystems = []unit.TemporaryFileSystem{{Path: "/tmp", Options: "size=x"}}
		}, "mount /tmp: invalid argument", "TemporaryFileSystem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Spawner{}
			inView(t, s)
			r := sh("echo no")
			c.set(r.Exec)
			got := do(t, s, r)
			var failed *StepError
			if !errors.As(got.err, &failed) || got.status != StatusNamespace ||
				failed.Directive != c.directive || !strings.Contains(got.err.Error(), c.want) {
				t.Errorf("status %d, %v, want %s", got.status, got.err, c.want)
			}
		})
	}
}
