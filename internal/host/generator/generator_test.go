package generator

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rouse/internal/host/reap"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
)

func TestMain(m *testing.M) {
	spawn.Executor()
	os.Exit(m.Run())
}

// world is a place with generators, and the means to run them.
type world struct {
	*Runner
	t   *testing.T
	dir string
	mu  sync.Mutex
	log []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir()}
	env := func(name string) string {
		return map[string]string{
			"SYSTEMD_GENERATOR_PATH":             w.dir + "/etc:" + w.dir + "/lib",
			"SYSTEMD_ENVIRONMENT_GENERATOR_PATH": w.dir + "/env",
		}[name]
	}
	spawner := &spawn.Spawner{}
	w.Runner = &Runner{
		Places: PlacesOf(false, w.dir+"/run", env), Start: spawner.Start, Limit: time.Minute,
		Awaited: new(reap.Awaited),
		Log: func(line string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.log = append(w.log, strings.ReplaceAll(line, w.dir, ""))
		},
	}
	r := reap.Start(reap.Config{
		Forking: spawner.Forking(), Deliver: func(x reap.Exit) { w.Reaped(x) },
	})
	t.Cleanup(r.Close)
	return w
}

// write makes a script.
func (w *world) write(path, script string) {
	w.t.Helper()
	path = filepath.Join(w.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if script != "" {
		script = "#!/bin/sh\n" + script
	}
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

// made lists what is in the directories of units, and gives what the files hold.
func (w *world) made() string {
	var b strings.Builder
	for _, dir := range []string{w.Normal, w.Early, w.Late} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		fmt.Fprintf(&b, "%s:\n", filepath.Base(dir))
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				w.t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s\n", e.Name(), strings.TrimSpace(string(text)))
		}
	}
	return b.String()
}

// TestPlaces: what systemd 252 looks at.
func TestPlaces(t *testing.T) {
	none := func(string) string { return "" }
	p := PlacesOf(true, "/run/user/7", none)
	want := []string{
		"/run/systemd/user-generators", "/etc/systemd/user-generators",
		"/usr/local/lib/systemd/user-generators", "/usr/lib/systemd/user-generators",
	}
	if !slices.Equal(p.Units, want) || p.Early != "/run/user/7/systemd/generator.early" {
		t.Errorf("%+v", p)
	}
	p = PlacesOf(false, "/run", func(string) string { return "/a:relative:/b:" })
	if got := strings.Join(p.Units[:3], " "); got != "/a /b /run/systemd/system-generators" {
		t.Errorf("with a path: %s", got)
	}
	if p.Normal != "/run/systemd/generator" || p.Late != "/run/systemd/generator.late" {
		t.Errorf("%+v", p)
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	w.write("run/systemd/generator/old.service", "from the last time")
	w.write("run/systemd/generator.early/old.service", "from the last time")
	w.write("lib/a", `echo "$@ $SYSTEMD_SCOPE $OWN $GIVEN" > $1/a.service; echo late > $3/a.service`)
	w.write("lib/b", "echo not this one > $1/b.service")
	w.write("etc/b", "umask > $1/b.service; pwd >> $1/b.service")
	w.write("lib/hidden", "echo masked > $1/hidden.service")
	w.write("etc/hidden", "")
	w.write("lib/null", "echo masked > $1/null.service")
	if err := os.Symlink(os.DevNull, w.dir+"/etc/null"); err != nil {
		t.Fatal(err)
	}
	w.write("lib/old.dpkg-old", "echo leftover > $1/leftover.service")
	w.write("lib/plain", "echo not executable > $1/plain.service")
	if err := os.Chmod(w.dir+"/lib/plain", 0o644); err != nil {
		t.Fatal(err)
	}
	w.write("lib/failing", "exit 3")
	w.write("lib/killed", "kill -KILL $$")
	env := w.Run(context.Background(), Input{
		Environ: []string{"OWN=1", "GIVEN=0"}, Environment: []string{"GIVEN=1"},
		Variables: []string{"SYSTEMD_SCOPE=system"},
	})
	if !slices.Equal(env, []string{"GIVEN=1"}) {
		t.Errorf("environment: %q", env)
	}
	dir := w.dir + "/run/systemd/generator"
	want := "generator:\na.service " + dir + " " + dir + ".early " + dir + ".late system 1 1\n" +
		"b.service 0022\n/\ngenerator.late:\na.service late\n"
	if got := w.made(); got != want {
		t.Errorf("made:\n%swant:\n%s", got, want)
	}
	slices.Sort(w.log)
	if got := strings.Join(w.log, "\n"); got != "/lib/failing failed with exit status 3.\n"+
		"/lib/killed was ended by SIGKILL." {
		t.Errorf("log:\n%s", got)
	}
}

// TestEnvironment: one after the other, and each sees what those before it made.
func TestEnvironment(t *testing.T) {
	w := newWorld(t)
	w.write("env/10-first", `echo A=1; echo 'B="two words"'; echo no assignment; echo 1BAD=x`)
	w.write("env/20-second", `echo "C=$A$GIVEN"; echo A=2; exit 1`)
	w.write("env/30-third", `(sleep 100 & echo $! > "`+w.dir+`/pid"); echo D=4`)
	w.write("lib/a", `echo "$A $B" > $1/a.service`)
	env := w.Run(context.Background(), Input{Environment: []string{"GIVEN=x"}})
	if got := strings.Join(env, " "); got != "GIVEN=x A=2 B=two words C=1x D=4" {
		t.Errorf("environment: %s", got)
	}
	if got := w.made(); got != "generator:\na.service 2 two words\n" {
		t.Errorf("made: %s", got)
	}
	if got := strings.Join(w.log, "\n"); got != "/env/20-second failed with exit status 1." {
		t.Errorf("log:\n%s", got)
	}
	w.write("env/40-kill", `kill $(cat "`+w.dir+`/pid")`) // the one that kept the pipe
	w.write("env/30-third", "")
	w.Run(context.Background(), Input{})
}

// TestParallel: each waits for what the other makes.
func TestParallel(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"/to-a", "/to-b"} {
		if err := sys.MakeFIFO(w.dir+name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.write("lib/a", "echo x > "+w.dir+"/to-b; read y < "+w.dir+"/to-a")
	w.write("lib/b", "read y < "+w.dir+"/to-b; echo x > "+w.dir+"/to-a")
	w.Run(context.Background(), Input{})
	if len(w.log) > 0 {
		t.Errorf("log: %q", w.log)
	}
}

// TestHanging: one that never ends is told to end, and the others count.
func TestHanging(t *testing.T) {
	w := newWorld(t)
	w.write("lib/a", "echo made > $1/a.service")
	w.write("lib/hanging", "exec sleep 1000")
	began := time.Now()
	// Where all is slow, the other one may not have ended by then, either.
	for w.Limit = 200 * time.Millisecond; w.Limit < time.Minute; w.Limit *= 4 {
		w.log = nil
		if w.Run(context.Background(), Input{}); len(w.log) == 1 {
			break
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
	if got := strings.Join(w.log, "\n"); !strings.HasPrefix(got, "/lib/hanging did not end") {
		t.Errorf("log:\n%s", got)
	}
	if got := w.made(); got != "generator:\na.service made\n" {
		t.Errorf("made: %s", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	w.Limit = time.Hour
	w.Run(ctx, Input{})
}

// TestNone: no generators, no directories.
func TestNone(t *testing.T) {
	w := newWorld(t)
	w.write("run/systemd/generator/old.service", "from the last time")
	w.Run(context.Background(), Input{})
	if entries, _ := os.ReadDir(w.dir + "/run/systemd"); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
}

// TestCannotStart: a script whose interpreter is missing.
func TestCannotStart(t *testing.T) {
	w := newWorld(t)
	w.write("lib/a", "x")
	if err := os.WriteFile(w.dir+"/lib/a", []byte("#!/nowhere\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.Run(context.Background(), Input{})
	if len(w.log) != 1 || !strings.HasPrefix(w.log[0], "/lib/a: ") {
		t.Errorf("log: %q", w.log)
	}
}
