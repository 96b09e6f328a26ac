package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rouse/internal/host/sys"
)

// CanFreeze: version 2 has cgroup.freeze, since Linux 5.2, in all groups but the root.
func (h *hierarchy) CanFreeze() bool {
	dir, ok := h.dir(h.root + "/" + initScope)
	if h.kind != V2 || !ok {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "cgroup.freeze"))
	return err == nil
}

// freezePatience is how long the kernel may take to freeze a group. Processes in the
// midst of a system call that does not end are frozen when it does.
const freezePatience = 20 * time.Second

func (g *group) Freeze(on bool) error {
	if g.h.kind != V2 {
		return fmt.Errorf("freeze %s: %w", g.unit, sys.ErrUnsupported)
	}
	events, err := sys.NewInotify()
	if err != nil {
		return err
	}
	defer events.Close()
	file := filepath.Join(g.dir, "cgroup.events")
	if _, err := events.Add(file, sys.InModify); err != nil {
		return fmt.Errorf("freeze %s: %w", g.unit, err)
	}
	word := "0"
	if on {
		word = "1"
	}
	err = os.WriteFile(filepath.Join(g.dir, "cgroup.freeze"), []byte(word), 0)
	if err != nil {
		return fmt.Errorf("freeze %s: %w", g.unit, err)
	}
	timer := time.AfterFunc(freezePatience, func() { events.Close() })
	defer timer.Stop()
	for {
		text, err := os.ReadFile(file)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, sys.ENODEV):
			return nil // its processes are gone, and it with them
		case err != nil:
			return err
		case bytes.Contains(text, []byte("frozen "+word)):
			return nil
		}
		if _, err := events.Read(); err != nil {
			return fmt.Errorf("freeze %s: it takes too long", g.unit)
		}
	}
}

func (g *group) Give(uid, gid int) error {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	fd, err := g.open()
	if err != nil {
		return err
	}
	sys.CloseFD(fd)
	g.populated = true // it is not known to be empty any more
	for _, f := range []string{"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} {
		err := os.Chown(filepath.Join(g.dir, f), uid, gid)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("give the control group of %s away: %w", g.unit, err)
		}
	}
	return nil
}

// CanFreeze: a stopped process is another thing.
func (n *none) CanFreeze() bool { return false }

// OwnerOf knows of no groups.
func (n *none) OwnerOf(string) (string, bool) { return "", false }

// Freeze is not to be had without control groups.
func (g *loose) Freeze(bool) error {
	return fmt.Errorf("freeze %s: %w", g.unit, sys.ErrUnsupported)
}

// Give has nothing to give.
func (g *loose) Give(int, int) error { return nil }
