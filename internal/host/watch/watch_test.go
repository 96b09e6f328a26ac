package watch_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/host/watch"
)

type world struct {
	t    *testing.T
	w    *watch.Watcher
	ids  chan string
	root string
}

func start(t *testing.T) *world {
	x := &world{t: t, ids: make(chan string, 100), root: t.TempDir()}
	w, err := watch.New(func(id string) { x.ids <- id }, func(line string) { t.Error(line) })
	if errors.Is(err, sys.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	x.w = w
	t.Cleanup(func() { w.Close() })
	return x
}

func (x *world) path(rel string) string { return filepath.Join(x.root, rel) }

func (x *world) add(id, rel string, want bool) {
	x.t.Helper()
	exists, err := x.w.Add(id, x.path(rel))
	if err != nil || exists != want {
		x.t.Fatalf("Add(%s) = %v, %v, want %v", rel, exists, err, want)
	}
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

// told waits for a call for id, and takes those that came along with it.
func (x *world) told(id string) {
	x.t.Helper()
	select {
	case got := <-x.ids:
		if got != id {
			x.t.Fatalf("%s has changed, want %s", got, id)
		}
	case <-time.After(10 * time.Second):
		x.t.Fatalf("no change of %s", id)
	}
}

// quiet has another path change and sees that it alone is told. Creating it and
// closing it may be told apart or as one.
func (x *world) quiet() {
	x.t.Helper()
	x.add("sentinel", "sentinel", false)
	x.do(os.Mkdir(x.path("sentinel"), 0o755))
	x.told("sentinel")
	x.do(os.Remove(x.path("sentinel")))
	x.w.Remove("sentinel")
}

func TestAppears(t *testing.T) {
	x := start(t)
	x.add("a", "run/a/pid", false)
	x.quiet()
	x.do(os.MkdirAll(x.path("run/a"), 0o755))
	x.write("run/other")
	x.write("run/a/other")
	x.quiet()
	x.do(os.Mkdir(x.path("run/a/pid"), 0o755))
	x.told("a")
}

func TestChanges(t *testing.T) {
	x := start(t)
	x.write("pid")
	x.add("a", "pid", true)
	x.add("b", "pid", true)
	x.w.Remove("b")
	f, err := os.OpenFile(x.path("pid"), os.O_WRONLY, 0)
	x.do(err)
	x.do(f.Close())
	x.told("a")
	x.write("new")
	x.do(os.Rename(x.path("new"), x.path("pid")))
	x.told("a")
	x.do(os.Chmod(x.path("pid"), 0o600))
	x.told("a")
	x.add("a", "elsewhere", false)
	x.do(os.Chmod(x.path("pid"), 0o644))
	x.quiet()
}

// The directory goes away, by removal and by a move, and comes back.
func TestDirectoryGone(t *testing.T) {
	x := start(t)
	x.do(os.Mkdir(x.path("d"), 0o755))
	x.add("a", "d/pid", false)
	x.do(os.Remove(x.path("d")))
	x.do(os.Mkdir(x.path("d"), 0o755))
	x.quiet()
	x.do(os.Mkdir(x.path("d/pid"), 0o755))
	x.told("a")
	x.do(os.Rename(x.path("d"), x.path("e")))
	x.quiet()
	x.do(os.Chmod(x.path("e/pid"), 0o700))
	x.quiet()
	x.do(os.Rename(x.path("e"), x.path("d")))
	x.told("a")
}

func TestRefused(t *testing.T) {
	x := start(t)
	for _, p := range []string{"", "relative", "/", "/.."} {
		if _, err := x.w.Add("a", p); err == nil {
			t.Errorf("Add(%q)", p)
		}
	}
}
