package cgroup

import (
	"errors"
	"os"

	"rouse/internal/host/sys"
)

// openV2 uses the unified hierarchy and has the kernel tell of empty groups by
// changes of their cgroup.events files. Linux 4.5; cgroup.kill 5.14,
// CLONE_INTO_CGROUP 5.7.
func openV2(c Config) (Tracker, error) {
	h, err := openHierarchy(V2, "", c)
	if err != nil {
		return nil, err
	}
	h.events, err = sys.NewInotify()
	if err != nil {
		return nil, err
	}
	root, _ := h.dir(h.root)
	h.available = readControllers(root, "cgroup.controllers")
	h.done = make(chan struct{})
	go h.listen()
	h.restore()
	return h, nil
}

// listen tells of groups that become empty until the tracker is closed.
func (h *hierarchy) listen() {
	defer close(h.done)
	for {
		events, err := h.events.Read()
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				h.config.Log("control group events: " + err.Error())
			}
			return
		}
		for _, e := range events {
			h.changed(e)
		}
	}
}

func (h *hierarchy) changed(e sys.InotifyEvent) {
	if e.Mask&sys.InOverflow != 0 {
		h.mu.Lock()
		all := make([]*group, 0, len(h.groups))
		for _, g := range h.groups {
			all = append(all, g)
		}
		h.mu.Unlock()
		for _, g := range all {
			g.report()
		}
		return
	}
	if h.sliceChanged(e) {
		return
	}
	h.mu.Lock()
	g := h.watches[e.Watch]
	if e.Mask&sys.InIgnored != 0 {
		delete(h.watches, e.Watch)
		if g != nil && e.Watch == g.watch {
			g.watch = -1
		}
		if g != nil && e.Watch == g.killWatch {
			g.killWatch = -1
		}
	}
	killed := g != nil && e.Watch == g.killWatch
	h.mu.Unlock()
	switch {
	case g == nil || e.Mask&sys.InIgnored != 0:
	case killed:
		h.config.Killed(g.unit)
	default:
		g.report()
	}
}
