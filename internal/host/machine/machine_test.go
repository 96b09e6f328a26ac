package machine

import (
	"os"
	"slices"
	"testing"
)

func TestLocale(t *testing.T) {
	got := Locale("quiet locale.LANG=de_DE.UTF-8 locale.PATH=/x locale.LC_TIME=C locale.LC_ALL=")
	if want := []string{"LANG=de_DE.UTF-8", "LC_TIME=C"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Locale(""); len(got) == 0 {
		t.Error("no language at all")
	}
}

// A machine with nodes has the first of them.
func TestNodes(t *testing.T) {
	if _, err := os.Stat("/sys/devices/system/node/node0"); err != nil {
		t.Skip(err)
	}
	if Nodes() == 0 {
		t.Error("no NUMA nodes")
	}
}
