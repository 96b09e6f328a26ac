package spawn

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// namespaceOf is what /proc says of a namespace of this process.
func namespaceOf(t *testing.T, kind string) string {
	t.Helper()
	s, err := os.Readlink("/proc/self/ns/" + kind)
	if err != nil {
		t.Skip(err)
	}
	return s
}

// Processes have namespaces of their own, or those that they are given.
func TestNamespaces(t *testing.T) {
	needMounts(t)
	for _, c := range []struct {
		kind string
		set  func(x *unit.Exec)
		path func(x *unit.Exec, path string)
		give func(r *Request) error
		flag value.CommandFlags
		same bool
	}{
		{kind: "net", set: func(x *unit.Exec) { x.PrivateNetwork = true },
			path: func(x *unit.Exec, path string) { x.NetworkNamespacePath = path },
			give: func(r *Request) (err error) {
				r.Network, err = NewNamespace(NetworkNamespace)
				return err
			}},
		{kind: "ipc", set: func(x *unit.Exec) { x.PrivateIPC = true },
			path: func(x *unit.Exec, path string) { x.IPCNamespacePath = path },
			give: func(r *Request) (err error) {
				r.IPC, err = NewNamespace(IPCNamespace)
				return err
			}},
		{kind: "uts", set: func(x *unit.Exec) { x.ProtectHostname = true }},
		{kind: "uts", set: func(x *unit.Exec) { x.ProtectHostname = true },
			flag: value.FullPrivilege, same: true},
		{kind: "user", set: func(x *unit.Exec) { x.PrivateUsers = true }},
		{kind: "user", set: func(x *unit.Exec) { x.PrivateUsers = true },
			flag: value.FullPrivilege, same: true},
	} {
		t.Run(fmt.Sprintf("%s same=%v", c.kind, c.same), func(t *testing.T) {
			everyMeans(t, func(t *testing.T, s *Spawner) {
				if c.kind == "user" && s.means == meansExecutor {
					t.Skip("an executor has threads")
				}
				own := namespaceOf(t, c.kind)
				run := func(r *Request) string {
					inView(t, s)
					got := do(t, s, r)
					if c.kind == "user" && got.status == StatusUser {
						t.Skip(got.err) // as in a chroot
					}
					if got.err != nil || got.status != 0 {
						t.Fatalf("%+v", got)
					}
					return strings.TrimSpace(got.out)
				}
				r := sh("readlink /proc/self/ns/" + c.kind)
				r.Command.Flags = c.flag
				c.set(r.Exec)
				if got := run(r); (got == own) != c.same {
					t.Errorf("%s, and the manager is in %s", got, own)
				}
				if c.give == nil {
					return
				}
				if err := c.give(r); err != nil {
					t.Skip(err)
				}
				given := max(r.Network, r.IPC)
				defer sys.CloseFD(given)
				first, second := run(r), run(r)
				if first != second || first == own {
					t.Errorf("%s and %s, and the manager is in %s", first, second, own)
				}
				r = sh("readlink /proc/self/ns/" + c.kind)
				c.path(r.Exec, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), given))
				if got := run(r); got != first {
					t.Errorf("by its path %s, not %s", got, first)
				}
			})
		})
	}
}

// A new network has a loopback interface that is up, and nothing else.
func TestLoopback(t *testing.T) {
	needMounts(t)
	fd, err := NewNamespace(NetworkNamespace)
	if err != nil {
		t.Skip(err)
	}
	defer sys.CloseFD(fd)
	for _, given := range []int{0, fd} {
		r := sh("cat /proc/net/dev | grep -c :; cat /proc/net/fib_trie | grep -c 127.0.0.1")
		r.Exec.PrivateNetwork, r.Network = true, given
		lines := strings.Fields(do(t, &Spawner{}, r).out)
		if len(lines) != 2 || lines[0] == "0" || lines[1] == "0" {
			t.Errorf("given %d: %v", given, lines)
		}
	}
}

// In a user namespace there are root, the unit's user, and nobody.
func TestPrivateUsers(t *testing.T) {
	needMounts(t)
	everyMeans(t, func(t *testing.T, s *Spawner) {
		if s.means == meansExecutor {
			t.Skip("an executor has threads")
		}
		inView(t, s)
		r := sh("cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u; id -g")
		r.Exec.PrivateUsers, r.Exec.User, r.Exec.ReadOnlyPaths = true, "daemon", []string{"/usr"}
		r.Exec.CapabilityBoundingSet = ^uint64(0)
		before := sys.Dumpable()
		got := do(t, s, r)
		if sys.Dumpable() != before {
			t.Error("the manager is not dumpable any more")
		}
		if got.status == StatusUser {
			t.Skip(got.err) // as in a chroot
		}
		const want = "0 0 1 1 1 1 0 0 1 1 1 1 deny 1 1"
		if out := strings.Join(strings.Fields(got.out), " "); got.err != nil || out != want {
			t.Errorf("%v\ngot  %s\nwant %s", got.err, out, want)
		}
	})
}

// Without privileges, a user namespace is what permits the rest.
func TestUnprivilegedUsers(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs to be without privileges")
	}
	s := &Spawner{}
	inView(t, s)
	r := sh("! touch $D/x && readlink /proc/self/ns/user && id -u")
	r.Exec.PrivateUsers, r.Exec.PrivateNetwork, r.Exec.ReadOnlyPaths = true, true, []string{"/"}
	r.Exec.CapabilityBoundingSet = ^uint64(0)
	r.Env = append(r.Env, "D="+t.TempDir())
	got := do(t, s, r)
	if got.status == StatusUser {
		t.Skip(got.err)
	}
	if got.err != nil || got.status != 0 ||
		!strings.HasSuffix(strings.TrimSpace(got.out), fmt.Sprint(os.Geteuid())) {
		t.Errorf("%+v", got)
	}
}

// A namespace that is not there fails the start.
func TestNamespaceFailures(t *testing.T) {
	for _, c := range []struct {
		set    func(x *unit.Exec)
		status int
		want   string
	}{
		{func(x *unit.Exec) { x.NetworkNamespacePath = "/no" }, StatusNetwork,
			"enter network namespace /no: no such file or directory (225/NETWORK)"},
		{func(x *unit.Exec) { x.IPCNamespacePath = "/no" }, StatusNamespace,
			"enter IPC namespace /no: no such file or directory (226/NAMESPACE)"},
		{func(x *unit.Exec) { x.NetworkNamespacePath = "/" }, StatusNetwork, "(225/NETWORK)"},
	} {
		r := sh("echo no")
		c.set(r.Exec)
		got := do(t, &Spawner{}, r)
		if got.status != c.status || got.err == nil || !strings.Contains(got.err.Error(), c.want) {
			t.Errorf("status %d, %v, want %s", got.status, got.err, c.want)
		}
	}
}

// What is left open, mounted or lying about after starts that fail is nothing.
func TestNothingLeft(t *testing.T) {
	needMounts(t)
	s := &Spawner{}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	count := func() (list [3]int) {
		for i, dir := range []string{"/proc/self/fd", tmp} {
			names, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			list[i] = len(names)
		}
		text, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		list[2] = strings.Count(string(text), tmp) // others on this machine mount, too
		return list
	}
	fail := func(n int) {
		r := sh("echo no")
		x := r.Exec
		x.PrivateUsers, x.PrivateNetwork, x.PrivateIPC, x.ProtectHostname = true, true, true, true
		x.ProtectSystem, x.PrivateDevices = unit.ProtectSystemStrict, true
		x.CapabilityBoundingSet = ^uint64(0)
		switch n % 4 {
		case 0:
			x.InaccessiblePaths = []string{"/no/such"}
		case 1:
			x.TemporaryFileSystems = []unit.TemporaryFileSystem{{Path: "/tmp", Options: "size=x"}}
		case 2:
			x.NetworkNamespacePath = "/"
		case 3:
			r.Command.Path = "/no/such"
		}
		if got := do(t, s, r); got.err == nil || got.status < 200 {
			t.Fatalf("%d: %+v", n, got)
		}
	}
	for n := range 4 {
		fail(n)
	}
	before := count()
	starts := 1000
	if testing.Short() {
		starts = 100
	}
	for n := range starts {
		fail(n)
	}
	if after := count(); after != before {
		t.Errorf("descriptors, files and mounts: %v, and before %v", after, before)
	}
}

// A process that runs sees what is bound for it, and nobody else does.
func TestBindInto(t *testing.T) {
	needMounts(t)
	s := &Spawner{}
	dir := inView(t, s)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	r := sh("echo ready; while ! test -e $D/go; do sleep 0.05; done; cat $D/new/f; ls $D/c; " +
		"! touch $D/c/x && echo no")
	r.Exec.PrivateMounts, r.Env = true, append(r.Env, "D="+dir)
	r.Stdout = int(write.Fd())
	p, err := s.Start(r)
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	if _, err := read.Read(buffer); err != nil {
		t.Fatal(err)
	}
	for _, b := range []Bind{
		{Source: dir + "/a/b/file", Where: dir + "/new/f", Make: true},
		{Source: dir + "/a/b", Where: dir + "/c", ReadOnly: true},
	} {
		if err := b.Into(p.PID); errors.Is(err, sys.ENOSYS) {
			t.Skip(err)
		} else if err != nil {
			t.Errorf("%+v: %v", b, err)
		}
	}
	bad := Bind{Source: dir + "/a", Where: dir + "/not/there"}
	if err := bad.Into(p.PID); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if err := bad.Into(os.Getpid()); !errors.Is(err, ErrSameView) {
		t.Errorf("error %v", err)
	}
	if list, err := os.ReadDir(dir + "/c"); err != nil || len(list) > 0 {
		t.Errorf("seen by others: %v, %v", list, err)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := read.Read(buffer)
	out := string(buffer[:n])
	for err == nil {
		n, err = read.Read(buffer)
		out += string(buffer[:n])
	}
	if status := wait(t, p); status != 0 || strings.Join(strings.Fields(out), " ") != "text file no" {
		t.Errorf("status %d, output %q", status, out)
	}
}
