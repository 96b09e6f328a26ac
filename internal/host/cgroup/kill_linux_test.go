package cgroup_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"rouse/internal/host/cgroup"
	"rouse/internal/unit/value"
)

// TestAfterKill: a process can be started in a group that was killed, and killed again.
func TestAfterKill(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		g := w.group("killed.service")
		for range 2 {
			w.spawn(g, "exec sleep 1000")
			if _, err := g.Signal(value.SIGKILL); err != nil {
				t.Fatal(err)
			}
			w.waitEmpty("killed.service")
			w.clone(g)
		}
		if err := g.Remove(); err != nil {
			t.Fatal(err)
		}
		g = w.group("killed.service") // at once, while the directory may still be there
		w.clone(g)
	})
}

// clone starts a shell script as a spawn does, right in the group where that can be.
func (w *world) clone(g cgroup.Group) {
	w.t.Helper()
	place, err := g.Enter("")
	if err != nil {
		w.t.Fatal(err)
	}
	defer place.Close()
	if place.Dir < 0 {
		return // it moves there by itself, as spawn has it
	}
	w.spawned++
	in := fmt.Sprintf("in-%d", w.spawned)
	w.forking.RLock()
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "echo $$ >$DIR/" + in}, &os.ProcAttr{
		Env: append(os.Environ(), "DIR="+w.dir),
		Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: place.Dir},
	})
	w.forking.RUnlock()
	if err != nil {
		w.t.Fatal(err)
	}
	p.Release()
	w.told(in)
}
