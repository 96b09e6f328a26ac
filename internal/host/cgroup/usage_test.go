package cgroup

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"memory.current": "8192\n",
		"pids.current":   "3\n",

		"cpuset.cpus.effective": "0-1,8\n",
		"cpuset.mems.effective": "0\n",
		"cpu.stat":              "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\n",
		"io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n" +
			"8:16 rbytes=1 wbytes=2 rios=3 wios=4\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u := Usage(dir)
	if u.Memory() != 8192 || u.Tasks() != 3 || u.CPU() != 1500000 || u.ID() == 0 {
		t.Errorf("memory %d, tasks %d, CPU %d, ID %d", u.Memory(), u.Tasks(), u.CPU(), u.ID())
	}
	if rb, r, wb, w := u.IO(); rb != 11 || r != 4 || wb != 22 || w != 6 {
		t.Errorf("read %d in %d, written %d in %d", rb, r, wb, w)
	}
	if !slices.Equal(u.CPUs(), []uint{0, 1, 8}) || !slices.Equal(u.MemoryNodes(), []uint{0}) {
		t.Errorf("CPUs %v, nodes %v", u.CPUs(), u.MemoryNodes())
	}
	for _, u := range []Usage{"", Usage(t.TempDir())} {
		rb, r, wb, w := u.IO()
		for _, n := range []uint64{u.Memory(), u.Tasks(), u.CPU(), rb, r, wb, w} {
			if n != Unknown {
				t.Errorf("%q counts %d", u, n)
			}
		}
	}
	if Usage("").ID() != 0 || Usage(dir+"/none").ID() != 0 {
		t.Error("no group has an ID")
	}
}
