package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWholeSystem: an ordinary process does not boot the machine that it runs on, unless
// it is told what to start.
func TestWholeSystem(t *testing.T) {
	own := t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "default.target"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		init   bool
		target string // "" is refused
	}{
		{nil, true, "default.target"},
		{[]string{"systemd.unit=rescue.target"}, true, "rescue.target"},
		{[]string{"--system"}, false, ""},
		{[]string{"--system", "--test"}, false, "default.target"},
		{[]string{"--system", "--unit=a.service"}, false, "a.service"},
		{[]string{"--system", "--unit-path", t.TempDir()}, false, ""},
		{[]string{"--system", "--unit-path", own}, false, "default.target"},
		{[]string{"--user"}, false, "default.target"},
	} {
		args := append([]string{os.Args[0], "--socket=" + t.TempDir() + "/s"}, c.args...)
		o, err := parseOptions(args, c.init)
		switch {
		case c.target == "" && err == nil:
			t.Errorf("%v: taken", c.args)
		case c.target != "" && err != nil:
			t.Errorf("%v: %v", c.args, err)
		case err == nil && o.target != c.target:
			t.Errorf("%v: %s, want %s", c.args, o.target, c.target)
		}
	}
}
