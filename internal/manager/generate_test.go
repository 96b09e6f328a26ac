package manager

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/host/generator"
	"rouse/internal/host/sys"
)

// generators are those in the test's directory.
func (f *fixture) generators() *generator.Places {
	p := generator.PlacesOf(true, filepath.Join(f.dir, "run"), func(string) string { return "" })
	p.Units = []string{filepath.Join(f.dir, "generators")}
	p.Environment = []string{filepath.Join(f.dir, "environment-generators")}
	return &p
}

// TestGenerators: what they make is there at the start, and after a reload what they
// make then.
func TestGenerators(t *testing.T) {
	f := begin(t, map[string]string{
		"word": "one",
		"generators/10-make": "#!/bin/sh\n" +
			"printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\n' > $1/made.service\n" +
			"echo ExecStart=SELF append DIR/out $WORD >> $1/made.service\n" +
			"mkdir $1/default.target.wants && ln -s ../made.service $1/default.target.wants\n",
		"environment-generators/10-env": "#!/bin/sh\necho WORD=$(cat DIR/word)\necho HOME=/nowhere\n",
	})
	if got := f.property("made.service", "ActiveState"); got != "active" {
		t.Fatalf("made.service is %v", got)
	}
	info, err := f.Info(f.context())
	if err != nil || !slices.Equal(info.Environment, []string{"HOME=/nowhere", "WORD=one"}) {
		t.Errorf("environment %q, %v", info.Environment, err)
	}
	f.write("word", "two")
	if _, err := f.Reload(f.context(), false); err != nil {
		t.Fatal(err)
	}
	f.want("restart", "made.service", "done")
	if text, err := os.ReadFile(f.dir + "/out"); err != nil || !strings.Contains(string(text), "two") {
		t.Errorf("made.service said %q, %v", text, err)
	}
}

// TestGeneratorsHang: a reload goes on answering, what needs the new units waits for
// them, and the manager ends without waiting for the generator.
func TestGeneratorsHang(t *testing.T) {
	f := begin(t, map[string]string{"a.service": "[Service]\nExecStart=SELF wait\n"})
	f.write("generators/10-wait", "#!/bin/sh\necho > DIR/begun\nread word < DIR/fifo\n"+
		"printf '[Service]\\nType=oneshot\\nExecStart=SELF exit 0\\n' > $1/made.service\n")
	mkfifo(t, f.dir+"/fifo")
	reloads := make(chan error, 2)
	reload := func() {
		_, err := f.Reload(f.context(), false)
		reloads <- err
	}
	go reload()
	waitFor(t, func() bool { return exists(f.dir + "/begun") })
	if got := f.property("a.service", "ActiveState"); got != "inactive" {
		t.Errorf("a.service is %v", got)
	}
	jobs := make(chan error, 1)
	go func() {
		_, err := f.Enqueue(f.context(), face.JobRequest{Unit: "made.service", Type: "start", Wait: true})
		jobs <- err
	}()
	go reload()
	for range 2 { // the second reload comes after the first
		if err := os.WriteFile(f.dir+"/fifo", []byte("go\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := <-reloads; err != nil {
			t.Errorf("reload: %v", err)
		}
	}
	if err := <-jobs; err != nil {
		t.Errorf("start made.service: %v", err)
	}
	if err := os.Remove(f.dir + "/begun"); err != nil {
		t.Fatal(err)
	}
	go reload()
	waitFor(t, func() bool { return exists(f.dir + "/begun") })
	if _, err := f.end(); err != nil {
		t.Error(err)
	}
}

// waitFor looks again and again, within the patience of tests.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	limit, tick := time.After(patience), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("waited in vain")
		}
	}
}

func mkfifo(t *testing.T, path string) {
	t.Helper()
	if err := sys.MakeFIFO(path, 0o600); err != nil {
		t.Fatal(err)
	}
}
