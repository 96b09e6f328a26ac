package watch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"rouse/internal/host/watch"
)

type world struct {
	t    *testing.T
	w    *watch.Watcher
	told chan string
	root string
}

func start(t *testing.T) *world {
	if runtime.GOOS != "linux" {
		t.Skip("inotify(7) is of Linux")
	}
	x := &world{t: t, told: make(chan string, 1000), root: t.TempDir()}
	w, err := watch.New(x.changed, func(line string) { t.Error(line) })
	if err != nil {
		t.Fatal(err)
	}
	x.w = w
	t.Cleanup(func() { w.Close() })
	return x
}

func (x *world) changed(id string, index int, itself bool) {
	if itself {
		x.told <- fmt.Sprint(id, index)
	} else {
		x.told <- fmt.Sprint("near ", id, index)
	}
}

func (x *world) path(rel string) string { return filepath.Join(x.root, rel) }

func (x *world) add(id string, paths ...watch.Path) {
	x.t.Helper()
	for i := range paths {
		paths[i].Path = x.path(paths[i].Path)
	}
	x.do(x.w.Add(id, paths...))
}

func (x *world) do(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *world) write(rel string) {
	x.t.Helper()
	x.do(os.WriteFile(x.path(rel), []byte("1\n"), 0o644))
}

// put has a file appear with all that is in it.
func (x *world) put(rel string) {
	x.t.Helper()
	apart := filepath.Join(x.t.TempDir(), "file")
	x.do(os.WriteFile(apart, []byte("1\n"), 0o644))
	x.do(os.Rename(apart, x.path(rel)))
}

func (x *world) mkdir(rel string) {
	x.t.Helper()
	x.do(os.Mkdir(x.path(rel), 0o755))
}

// until gives what is told until the sentinel is, without repetitions.
func (x *world) until() (got []string) {
	x.t.Helper()
	x.write("sentinel")
	x.add("s", watch.Path{Path: "sentinel"})
	x.do(os.Chmod(x.path("sentinel"), 0o600))
	for {
		select {
		case s := <-x.told:
			if s == "s0" {
				x.w.Remove("s")
				x.do(os.Remove(x.path("sentinel")))
				return got
			}
			if !slices.Contains(got, s) {
				got = append(got, s)
			}
		case <-time.After(time.Minute):
			x.t.Fatalf("the sentinel is not told, but %v", got)
		}
	}
}

func (x *world) expect(want ...string) {
	x.t.Helper()
	if got := x.until(); !slices.Equal(got, want) {
		x.t.Fatalf("told %v, want %v", got, want)
	}
}

func TestAppears(t *testing.T) {
	x := start(t)
	x.add("a", watch.Path{Path: "run/a/pid", Kind: watch.Changed})
	x.expect()
	x.mkdir("run")
	x.expect("near a0")
	x.write("run/other")
	x.expect()
	x.mkdir("run/a")
	x.expect("near a0")
	x.write("run/a/other")
	x.expect()
	x.write("run/a/pid")
	for s := ""; s != "near a0"; {
		s = <-x.told // whether its closing was seen depends upon who was faster
	}
	x.expect2("a0")
	x.write("run/a/pid")
	x.expect("a0")
}

// expect2 is expect, and nothing is right, too.
func (x *world) expect2(may string) {
	x.t.Helper()
	x.add("s", watch.Path{Path: "."})
	x.do(os.Chmod(x.root, 0o700))
	for {
		select {
		case s := <-x.told:
			switch s {
			case "s0":
				x.w.Remove("s")
				return
			case may:
			default:
				x.t.Fatalf("told %s", s)
			}
		case <-time.After(time.Minute):
			x.t.Fatal("the sentinel is not told")
		}
	}
}

// Each kind is told of what it is about, and of nothing else.
func TestKinds(t *testing.T) {
	x := start(t)
	x.write("f")
	x.mkdir("d")
	for i := range 4 {
		id := "f" + fmt.Sprint(i)
		x.add(id, watch.Path{Path: "f", Kind: watch.Kind(i)})
		x.add("d"+fmt.Sprint(i), watch.Path{Path: "d", Kind: watch.Kind(i)})
	}
	f, err := os.OpenFile(x.path("f"), os.O_WRONLY, 0)
	x.do(err)
	_, err = f.WriteString("x")
	x.do(err)
	x.expect("f20")
	x.do(f.Close())
	x.sorted("f10", "f20")
	x.write("d/1")
	x.sorted("d10", "d20", "d30")
	x.do(os.Remove(x.path("d/1")))
	x.sorted("d10", "d20")
	x.do(os.Chmod(x.path("f"), 0o600))
	x.sorted("f00", "f10", "f20", "f30")
	for i := range 4 {
		x.w.Remove("f" + fmt.Sprint(i))
		x.w.Remove("d" + fmt.Sprint(i))
	}
	x.do(os.Chmod(x.path("f"), 0o640))
	x.expect()
}

// sorted is expect for what has no order.
func (x *world) sorted(want ...string) {
	x.t.Helper()
	got := x.until()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		x.t.Fatalf("told %v, want %v", got, want)
	}
}

// await waits for one thing told, where nothing has an order.
func (x *world) await(want string) {
	x.t.Helper()
	select {
	case s := <-x.told:
		if s != want {
			x.t.Fatalf("told %s, want %s", s, want)
		}
	case <-time.After(time.Minute):
		x.t.Fatalf("%s is not told", want)
	}
}

// A file that is replaced, removed and made anew goes on being watched.
func TestReplaced(t *testing.T) {
	x := start(t)
	x.write("f")
	x.add("a", watch.Path{Path: "f", Kind: watch.Changed})
	for range 3 {
		x.write("new")
		x.do(os.Rename(x.path("new"), x.path("f")))
		x.sorted("a0")
		x.drain()
		x.do(os.Remove(x.path("f")))
		x.sorted("a0")
		x.drain()
		x.write("f")
		<-x.told
		x.drain()
	}
}

// drain forgets what is on its way.
func (x *world) drain() {
	x.t.Helper()
	x.add("s", watch.Path{Path: "."})
	x.do(os.Chmod(x.root, 0o700))
	for s := range x.told {
		if s == "s0" {
			break
		}
	}
	x.w.Remove("s")
	for len(x.told) > 0 {
		<-x.told
	}
}

// The directory goes away, by removal and by a move, and comes back.
func TestDirectoryGone(t *testing.T) {
	x := start(t)
	x.mkdir("d")
	x.add("a", watch.Path{Path: "d/f", Kind: watch.Changed})
	x.do(os.Remove(x.path("d")))
	x.expect("near a0")
	x.mkdir("d")
	x.expect("near a0")
	x.mkdir("d/f")
	x.drain()
	x.do(os.Rename(x.path("d"), x.path("e")))
	x.expect("near a0")
	x.do(os.Chmod(x.path("e/f"), 0o700))
	x.expect()
	x.do(os.Rename(x.path("e"), x.path("d")))
	x.expect("near a0")
	x.do(os.Chmod(x.path("d/f"), 0o755))
	x.expect("a0")
}

// Links on the way and at its end may be changed, and what they lead to.
func TestLinks(t *testing.T) {
	x := start(t)
	x.mkdir("one")
	x.mkdir("two")
	x.write("one/f")
	x.write("two/f")
	link := func(to, at string) {
		t.Helper()
		x.do(os.Symlink(to, x.path("tmp")))
		x.do(os.Rename(x.path("tmp"), x.path(at)))
	}
	link("one", "dir")
	link("dir/f", "file")
	x.add("a", watch.Path{Path: "dir/f", Kind: watch.Changed})
	x.add("b", watch.Path{Path: "file", Kind: watch.Changed})
	x.write("one/f")
	x.sorted("a0", "b0")
	x.drain()
	link("two", "dir")
	x.drain()
	x.write("two/f")
	x.sorted("a0")
	x.drain()
	link("two/f", "file")
	x.drain()
	x.write("two/f")
	x.sorted("a0", "b0")
}

func TestGlob(t *testing.T) {
	x := start(t)
	x.add("a", watch.Path{Path: "d/*.conf"})
	x.mkdir("d")
	x.expect("near a0")
	x.write("d/1.conf")
	x.expect("near a0")
}

// Several paths of one id, and the same one twice, are told apart.
func TestSeveral(t *testing.T) {
	x := start(t)
	x.mkdir("d")
	x.add("a", watch.Path{Path: "d", Kind: watch.Entries}, watch.Path{Path: "d/f"})
	x.write("d/f")
	x.sorted("a0", "near a1")
	x.drain()
	x.do(os.Chmod(x.path("d/f"), 0o600)) // of which the directory tells, too
	x.sorted("a0", "a1")
}

func TestRefused(t *testing.T) {
	x := start(t)
	for _, p := range []string{"", "relative"} {
		if err := x.w.Add("a", watch.Path{Path: p}); err == nil {
			t.Errorf("Add(%q)", p)
		}
	}
	x.write("f")
	if err := x.w.Add("a", watch.Path{Path: x.path("f/below")}); err == nil {
		t.Error("below a file")
	}
	x.add("a", watch.Path{Path: "d", Kind: watch.Entries})
	x.do(x.w.Add("root", watch.Path{Path: "/"}))
}

// Without inotify files are looked at.
func TestPoll(t *testing.T) {
	x := &world{t: t, told: make(chan string, 1000), root: t.TempDir()}
	x.w = watch.NewPoll(x.changed, time.Millisecond)
	t.Cleanup(func() { x.w.Close() })
	x.add("a", watch.Path{Path: "d/f", Kind: watch.Changed}, watch.Path{Path: "d/*.x"})
	x.mkdir("d")
	x.put("d/f")
	x.await("near a0")
	x.do(os.Truncate(x.path("d/f"), 9))
	x.await("a0")
	x.put("d/1.x")
	x.await("near a1")
	x.do(os.Remove(x.path("d/f")))
	x.await("a0")
	x.w.Remove("a")
	x.add("b", watch.Path{Path: "d"})
	x.do(os.Chmod(x.path("d"), 0o700))
	x.await("b0")
}

// A directory that may be passed and not be read hides nothing beyond it.
func TestUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	x := start(t)
	x.mkdir("d")
	x.mkdir("d/e")
	x.do(os.Chmod(x.path("d"), 0o311))
	t.Cleanup(func() { os.Chmod(x.path("d"), 0o755) })
	x.add("a", watch.Path{Path: "d/e/f"})
	x.write("d/e/f")
	x.expect("near a0")
}

// That it is closed while it follows a change is nothing to tell of.
func TestCloseAmidChanges(t *testing.T) {
	for range 20 {
		x := start(t)
		x.mkdir("d")
		x.add("a", watch.Path{Path: "d/e/f"})
		x.mkdir("d/e")
		x.do(os.RemoveAll(x.path("d")))
		x.mkdir("d")
		x.do(x.w.Close())
	}
}
