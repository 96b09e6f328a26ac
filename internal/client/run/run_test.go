package run

import (
	"slices"
	"testing"

	"rouse/internal/client/tool"
	"rouse/internal/client/tool/tooltest"
)

// TestScripts runs what needs no manager; the rest is tried against real ones.
func TestScripts(t *testing.T) { tooltest.Scripts(t, []*tool.Program{&Program}) }

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "": `""`, "a b": `"a b"`, `a"b`: `"a\"b"`, "$x": `"\$x"`, "/usr/bin/x": "/usr/bin/x",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestEnvironmentNames(t *testing.T) {
	for in, want := range map[string]bool{
		"A": true, "_a1": true, "1a": false, "": false, "a-b": false,
	} {
		if isVariable(in) != want {
			t.Errorf("%q: %v", in, !want)
		}
	}
	if n := draw(".scope"); len(n) != len("run-r.scope")+32 || n == draw(".scope") {
		t.Errorf("drawn: %s", n)
	}
	if _, _, _, err := account("", ""); err != nil {
		t.Error(err)
	}
	uid, gid, groups, err := account("root", "")
	if uid != 0 || gid != 0 || err != nil || len(groups) > 0 && !slices.Contains(groups, 0) {
		t.Error(uid, gid, groups, err)
	}
}
