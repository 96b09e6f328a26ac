package manager

import (
	"os"
	"strings"
	"testing"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/load"
	"rouse/internal/unit/value"
)

// TestPath: a path unit starts its service for a file that comes, which is told why,
// and again for one that is written to.
func TestPath(t *testing.T) {
	f := begin(t, map[string]string{
		"a.path": "[Path]\nPathExists=DIR/in/deep/a\nUnit=a.service\n",
		"b.path": "[Path]\nPathChanged=DIR/made/b\nDirectoryNotEmpty=DIR/made/spool\n" +
			"MakeDirectory=yes\nDirectoryMode=0700\n",
		"a.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\n" +
			"ExecStart=SELF append DIR/out ${TRIGGER_UNIT}:${TRIGGER_PATH}\n",
		"b.service": "[Service]\nExecStart=SELF wait\n",
	})
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	f.want("start", "a.path", "done")
	if got := f.property("a.path", "SubState"); got != "waiting" {
		t.Errorf("a.path is %v", got)
	}
	if err := os.MkdirAll(f.dir+"/in/deep", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.dir+"/in/deep/a", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.until(events, is("a.service", "exited"))
	text, err := os.ReadFile(f.dir + "/out")
	if err != nil || !strings.Contains(string(text), "a.path:"+f.dir+"/in/deep/a") {
		t.Errorf("a.service said %q, %v", text, err)
	}
	if got := f.property("a.path", "SubState"); got != "running" {
		t.Errorf("then a.path is %v", got)
	}
	if err := os.Remove(f.dir + "/in/deep/a"); err != nil {
		t.Fatal(err)
	}
	f.want("stop", "a.service", "done")
	f.until(events, is("a.path", "waiting"))
	f.want("stop", "a.path", "done")

	f.want("start", "b.path", "done")
	if info, err := os.Stat(f.dir + "/made/spool"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info, err)
	}
	if err := os.WriteFile(f.dir+"/made/spool/1", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.until(events, is("b.service", "running"))
	f.want("stop", "b.path", "done")
	f.want("stop", "b.service", "done")
}

// TestReconfigure: a reload reads the manager's own configuration again, and the units by it.
func TestReconfigure(t *testing.T) {
	conf := directive.NewManager(true)
	f := begin(t, map[string]string{
		"a.service": "[Service]\nExecStart=SELF wait\n",
	}, func(c *Config, l *load.Config) {
		c.Conf, l.Defaults = conf, &conf.Defaults
		c.Reread = func() (*directive.Manager, []unit.Fault) {
			again := directive.NewManager(true)
			again.Defaults.TimeoutStop = 7 * value.Second
			return again, []unit.Fault{{File: "/etc/systemd/user.conf", Why: "a fault"}}
		}
	})
	if got := f.property("a.service", "TimeoutStopUSec"); got != uint64(90*value.Second) {
		t.Errorf("at first %v", got)
	}
	r, err := f.Reload(f.context(), false)
	if err != nil || len(r.Faults) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if got := f.property("a.service", "TimeoutStopUSec"); got != uint64(7*value.Second) {
		t.Errorf("then %v", got)
	}
}
