package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"rouse/internal/host/sys"
)

// Controllers is a set of the kernel's controllers.
type Controllers uint8

// The controllers that settings of units are for. cgroup-v2, "Controllers".
const (
	CPU Controllers = 1 << iota
	CPUSet
	IO
	Memory
	PIDs
	AllControllers = CPU | CPUSet | IO | Memory | PIDs
)

var controllerNames = [...]string{"cpu", "cpuset", "io", "memory", "pids"}

// ControllersOf reads their names; those that are none of these are left out.
func ControllersOf(names []string) (set Controllers) {
	for i, name := range controllerNames {
		if slices.Contains(names, name) {
			set |= 1 << i
		}
	}
	return set
}

// words lists the names with something before each.
func (c Controllers) words(before string) string {
	var list []string
	for i, name := range controllerNames {
		if c&(1<<i) != 0 {
			list = append(list, before+name)
		}
	}
	return strings.Join(list, " ")
}

func (c Controllers) String() string { return c.words("") }

// A Control is what the controllers are to do with the processes of a unit.
type Control struct {
	// Needs are those that are to be there for the group, and for all beside it.
	Needs Controllers
	// Without are those that groups below cannot have. DisableControllers=.
	Without Controllers
	// Settings are in the order in which they are to be written.
	Settings []Setting
	// Programs are run by the kernel besides those of groups above.
	Programs []Program
}

// A Setting is what a file of a group is told.
type Setting struct {
	Controller Controllers
	File       string
	Key        string `json:",omitempty"` // the device, where a file is for many
	Value      string
	Reset      string // what takes it back
	// Optional: the file may be missing, with some kernels and devices.
	Optional bool `json:",omitempty"`
}

// applied is what a group's directory was told, and is to be told otherwise one day.
type applied struct {
	settings []Setting
	programs []attached
	counters int // the descriptor of the counters of programs; 0 is none
}

func (a *applied) none() bool { return len(a.settings)+len(a.programs) == 0 }

// passes are the controllers of groups in a directory.
type passes struct {
	on    Controllers // they have these
	tried Controllers // and these were asked for, in vain or not
	not   Controllers // DisableControllers=
}

// Available: those that the manager's own group was given.
func (h *hierarchy) Available() Controllers { return h.available }

// readControllers reads a file that lists controllers.
func readControllers(dir, file string) Controllers {
	var buf [256]byte
	n, err := sys.ReadSmall(dir+"/"+file, buf[:])
	if err != nil {
		return 0
	}
	var names []string
	for word := range bytes.FieldsSeq(buf[:n]) {
		names = append(names, string(word))
	}
	return ControllersOf(names)
}

// pass has the kernel give controllers to what is in a directory, and tells which
// ones that has. It is asked for each of them once. The caller holds h.passing.
func (h *hierarchy) pass(dir string, need Controllers) Controllers {
	p, known := h.passed[dir]
	if known && need&^p.tried == 0 {
		return p.on
	}
	if !known {
		p = &passes{on: readControllers(dir, "cgroup.subtree_control")}
		h.passed[dir] = p
	}
	p.tried |= need
	want := need &^ p.on &^ p.not
	if root, _ := h.dir(h.root); dir == root {
		want &= h.available
	} else if want != 0 {
		want &= h.pass(filepath.Dir(dir), want)
	}
	if want == 0 {
		return p.on
	}
	file := dir + "/cgroup.subtree_control"
	err := sys.WriteSmall(file, want.words("+"))
	if errors.Is(err, sys.EBUSY) { // the manager may still be there itself
		h.moved.Wait()
		err = sys.WriteSmall(file, want.words("+"))
	}
	if err != nil {
		h.config.Log(fmt.Sprintf("controllers %s: %v", want, err))
		return p.on
	}
	p.on |= want
	return p.on
}

// forbid takes controllers away from what is in a directory, the deepest first. The
// caller holds h.passing.
func (h *hierarchy) forbid(dir string, without Controllers) error {
	h.pass(dir, 0)
	p := h.passed[dir]
	p.tried &^= p.not &^ without
	p.not = without
	var dirs []string
	for at := range h.passed {
		if at == dir || strings.HasPrefix(at, dir+"/") {
			dirs = append(dirs, at)
		}
	}
	slices.Sort(dirs)
	var errs []error
	for _, at := range slices.Backward(dirs) {
		p := h.passed[at]
		if p.tried &^= without; p.on&without == 0 {
			continue
		}
		err := sys.WriteSmall(at+"/cgroup.subtree_control", (p.on & without).words("-"))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			p.on &^= without
			continue
		}
		errs = append(errs, fmt.Errorf("DisableControllers=: %w", err))
	}
	return errors.Join(errs...)
}

// forgetPasses: a directory is new. The caller holds h.mu, and not h.passing.
func (h *hierarchy) forgetPasses(dir string) {
	delete(h.slices, dir) // the watch went with the directory before
	h.passing.Lock()
	defer h.passing.Unlock()
	for at := range h.passed {
		if at == dir || strings.HasPrefix(at, dir+"/") {
			delete(h.passed, at)
		}
	}
}

// forgetPassesTo: directories on the way to this one are new.
func (h *hierarchy) forgetPassesTo(dir string) {
	root, _ := h.dir(h.root)
	for dir = filepath.Dir(dir); len(dir) > len(root); dir = filepath.Dir(dir) {
		h.forgetPasses(dir)
	}
}

// isUntold reports that there is nothing to take back.
func (g *group) isUntold() bool {
	g.h.mu.Lock()
	defer g.h.mu.Unlock()
	return g.applied.none()
}

func (g *group) Control(c *Control) error {
	if g.h.kind != V2 || g.h.available == 0 && len(c.Programs) == 0 && g.isUntold() {
		return nil
	}
	g.control.Lock()
	defer g.control.Unlock()
	g.h.mu.Lock()
	err := g.make()
	g.h.mu.Unlock()
	if err != nil {
		return err
	}
	root, _ := g.h.dir(g.h.root)
	var errs []error
	var has Controllers
	g.h.passing.Lock()
	if g.dir != root { // whoever has made that one decides about it
		has = g.h.pass(filepath.Dir(g.dir), c.Needs)
	}
	if p := g.h.passed[g.dir]; c.Without != 0 || p != nil && p.not != 0 {
		errs = append(errs, g.h.forbid(g.dir, c.Without))
	}
	g.h.passing.Unlock()
	g.h.mu.Lock()
	g.memory = has&Memory != 0
	g.h.mu.Unlock()
	errs = append(errs, g.write(c.Settings, has)...)
	errs = append(errs, g.attach(c.Programs)...)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("control group of %s: %w", g.unit, err)
	}
	return nil
}

// write brings the files of a group in line with settings: those that are not among
// them any more are taken back.
func (g *group) write(settings []Setting, has Controllers) (errs []error) {
	g.h.mu.Lock()
	old := g.applied.settings
	g.h.mu.Unlock()
	var now []Setting
	at := func(list []Setting, s *Setting) int {
		return slices.IndexFunc(list, func(o Setting) bool { return o.File == s.File && o.Key == s.Key })
	}
	tell := func(s *Setting, text string) bool {
		err := sys.WriteSmall(g.dir+"/"+s.File, text)
		if err != nil && !(s.Optional && errors.Is(err, fs.ErrNotExist)) {
			errs = append(errs, err)
		}
		return err == nil
	}
	for i := range old {
		s := &old[i]
		if at(settings, s) < 0 {
			tell(s, s.Reset)
		}
	}
	for i := range settings {
		s := &settings[i]
		if s.Controller&has == 0 {
			continue
		}
		switch was := at(old, s); {
		case was >= 0 && old[was] == *s, tell(s, s.Value):
			now = append(now, *s)
		case was >= 0: // it is as it was
			now = append(now, old[was])
		}
	}
	g.h.mu.Lock()
	g.applied.settings = now
	g.h.mu.Unlock()
	return errs
}
