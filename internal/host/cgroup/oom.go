package cgroup

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"rouse/internal/host/sys"
)

// countsMemory reports whether the groups below a directory have the memory
// controller, which alone can tell who was killed for want of memory. Linux 4.13.
func countsMemory(dir string) bool {
	text, err := os.ReadFile(dir + "/cgroup.subtree_control")
	if err != nil {
		return false
	}
	for word := range bytes.FieldsSeq(text) {
		if string(word) == "memory" {
			return true
		}
	}
	return false
}

// kills reads how many processes below a directory the kernel has killed for want of
// memory. cgroup-v2, memory.events.
func kills(dir string) (n uint64, ok bool) {
	text, err := os.ReadFile(dir + "/memory.events")
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		if rest, found := bytes.CutPrefix(line, []byte("oom_kill ")); found {
			n, err = strconv.ParseUint(string(bytes.TrimSpace(rest)), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// observeKills has the kernel tell of the killings from now on. The caller holds h.mu.
func (g *group) observeKills() {
	if !g.h.memory || g.killWatch >= 0 {
		return
	}
	g.kills, _ = kills(g.dir) // the directory may have been another run's
	watch, err := g.h.events.Add(g.dir+"/memory.events", sys.InModify)
	if err != nil {
		return // asked again when a child was killed
	}
	g.killWatch = watch
	g.h.watches[watch] = g
}

func (g *group) OOMKilled() bool {
	if !g.h.memory {
		return false
	}
	n, ok := kills(g.dir)
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	if !ok || n <= g.kills {
		return false
	}
	g.kills = n
	return true
}

func (g *group) KillTogether() error {
	if !g.h.memory {
		return nil
	}
	if err := os.WriteFile(g.dir+"/memory.oom.group", []byte("1"), 0); err != nil {
		return fmt.Errorf("kill %s as a whole for want of memory: %w", g.unit, err)
	}
	return nil
}

// forgetWatch drops what the kernel tells by, where that is the given watch or the
// directory is gone. The caller holds h.mu.
func (g *group) forgetWatch(watch *int) {
	if *watch >= 0 && g.h.watches[*watch] == g {
		delete(g.h.watches, *watch)
	}
	*watch = -1
}
