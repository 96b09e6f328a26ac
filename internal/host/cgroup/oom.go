package cgroup

import (
	"bytes"
	"os"
	"strconv"

	"rouse/internal/host/sys"
)

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

// observeKills has the kernel tell of the killings from now on: the memory controller
// alone can tell of them, since Linux 4.13. The caller holds h.mu.
func (g *group) observeKills() {
	if !g.memory || g.killWatch >= 0 {
		return
	}
	if g.kills = 0; !g.fresh { // it may have been another run's
		g.kills, _ = kills(g.dir)
	}
	g.fresh = false
	watch, err := g.h.events.Add(g.dir+"/memory.events", sys.InModify)
	if err != nil {
		return // asked again when a child was killed
	}
	g.killWatch = watch
	g.h.watches[watch] = g
}

func (g *group) OOMKilled() bool {
	g.h.mu.Lock()
	counts := g.memory
	g.h.mu.Unlock()
	if !counts {
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

// forgetWatch drops what the kernel tells by, where that is the given watch or the
// directory is gone. The caller holds h.mu.
func (g *group) forgetWatch(watch *int) {
	if *watch >= 0 && g.h.watches[*watch] == g {
		delete(g.h.watches, *watch)
	}
	*watch = -1
}
