package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"rouse/internal/host/sys"
)

// Remove forgets the unit and its group. The directory of a group that is known to
// be empty goes a little later: nothing need wait for that, and a unit that starts
// again at once finds it there.
func (g *group) Remove() error {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	if g.live > 0 {
		return fmt.Errorf("remove control group of %s: %w", g.unit, sys.EBUSY)
	}
	if g.populated {
		if err := removeGroup(g.dir); err != nil {
			if errors.Is(err, sys.EBUSY) { // of processes that nobody had told of
				g.observe()
			}
			return fmt.Errorf("remove control group of %s: %w", g.unit, err)
		}
	} else if g.made {
		g.h.sweeper.remove(g.h, g.dir, g.applied)
		g.applied = applied{} // the sweeper's now
	}
	g.lost()
	if g.h.groups[g.unit] == g {
		delete(g.h.groups, g.unit)
		delete(g.h.units, g.path)
	}
	return nil
}

// removeGroup removes a directory, and the groups that are in it if there are any.
// One that is not there is none the less removed.
func removeGroup(dir string) error {
	err := sys.RemoveDirectory(dir)
	if errors.Is(err, sys.EBUSY) || errors.Is(err, sys.ENOTEMPTY) {
		err = removeTree(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeTree removes a group and those in it, the deepest first.
func removeTree(dir string) error {
	var dirs []string
	filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, at)
		}
		return nil
	})
	for _, dir := range slices.Backward(dirs) {
		if err := sys.RemoveDirectory(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweepDelay is how long removals are collected: a thread need be woken only once for
// many, and while services start one after the other it does not get in their way.
const sweepDelay = 5 * time.Millisecond

// A sweeper removes directories of empty groups on a goroutine of its own, which is
// there while there is something to do. All is guarded by the mutex of the hierarchy.
type sweeper struct {
	dirs map[string]applied // to be removed, with what they were told
	now  string             // being removed
	runs bool
	done sync.Cond // now or runs has changed
}

// remove has a directory removed.
func (s *sweeper) remove(h *hierarchy, dir string, told applied) {
	if s.dirs == nil {
		s.dirs = map[string]applied{}
		s.done.L = &h.mu
	}
	if was, ok := s.dirs[dir]; ok {
		was.forget()
	}
	s.dirs[dir] = told
	if !s.runs {
		s.runs = true
		time.AfterFunc(sweepDelay, func() { s.run(h) })
	}
}

// spare reports whether the directory was to be removed, and then it stays. It
// waits for a removal under way.
func (s *sweeper) spare(dir string) (told applied, ok bool) {
	for s.now == dir {
		s.done.Wait()
	}
	if told, ok = s.dirs[dir]; ok {
		delete(s.dirs, dir)
	}
	return told, ok
}

func (s *sweeper) run(h *hierarchy) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(s.dirs) > 0 {
		for s.now = range s.dirs {
			break
		}
		told := s.dirs[s.now]
		told.forget()
		delete(s.dirs, s.now)
		h.mu.Unlock()
		err := removeGroup(s.now)
		h.mu.Lock()
		if err != nil {
			h.config.Log("remove control group: " + err.Error())
		}
		s.now = ""
		s.done.Broadcast()
	}
	s.runs = false
	s.done.Broadcast()
}

// abandon gives up what is still to be removed, and tells what it is.
func (s *sweeper) abandon() []string {
	dirs := slices.Sorted(maps.Keys(s.dirs))
	clear(s.dirs)
	for s.now != "" {
		s.done.Wait()
	}
	return dirs
}

// wait returns when all is removed.
func (s *sweeper) wait(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	for s.runs {
		s.done.Wait()
	}
}
