package cgroup

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
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
	if !g.memory || g.observed {
		return
	}
	if g.kills = 0; !g.fresh { // it may have been another run's
		g.kills, _ = kills(g.dir)
	}
	g.fresh, g.observed = false, true
	if g.h.observeSlice(filepath.Dir(g.dir)) {
		return
	}
	watch, err := g.h.events.Add(g.dir+"/memory.events", sys.InModify)
	if err != nil {
		return // asked again when a child was killed
	}
	g.killWatch = watch
	g.h.watches[watch] = g
}

// killing is a directory of groups in which the kernel may kill.
type killing struct {
	watch int
	kills uint64
}

// observeSlice has the kernel tell of the killings in all groups in a directory by one
// watch: what starts in a slice that has one costs nothing. It fails for the root, which
// counts nothing. The caller holds h.mu.
func (h *hierarchy) observeSlice(dir string) bool {
	if h.slices[dir] != nil {
		return true
	}
	if h.local {
		return false
	}
	watch, err := h.events.Add(dir+"/memory.events", sys.InModify)
	if err != nil {
		return false
	}
	k := &killing{watch: watch}
	k.kills, _ = kills(dir)
	h.slices[dir] = k
	return true
}

// sliceChanged has groups in a directory looked at if the kernel has killed there. It
// reports whether the event was about that.
func (h *hierarchy) sliceChanged(e sys.InotifyEvent) bool {
	h.mu.Lock()
	dir, found := "", (*killing)(nil)
	for at, k := range h.slices {
		if k.watch == e.Watch {
			dir, found = at, k
		}
	}
	if found != nil && e.Mask&sys.InIgnored != 0 {
		delete(h.slices, dir)
	}
	h.mu.Unlock()
	if found == nil || e.Mask&sys.InIgnored != 0 {
		return found != nil
	}
	n, ok := kills(dir)
	var units []string
	h.mu.Lock()
	if ok && n > found.kills {
		found.kills = n
		for unit, g := range h.groups {
			if g.observed && filepath.Dir(g.dir) == dir {
				units = append(units, unit)
			}
		}
	}
	h.mu.Unlock()
	slices.Sort(units)
	for _, unit := range units {
		h.config.Killed(unit)
	}
	return true
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
