package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rouse/internal/host/ability"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/control"
	"rouse/internal/unit"
)

// unified is where control groups of version 2 are.
const unified = "/sys/fs/cgroup"

// A group is the control group that this program has gone into to limit itself.
type group struct {
	root, self string           // where groups are mounted, and the text of /proc/self/cgroup
	dir, from  string           // "" is that it has stayed where it was
	err        error            // why there is none
	failed     map[string]error // by file, or name of a program: what could not be written
}

// controls is what a unit's settings come to, and what is left out of that.
func controls(u *unit.Unit) (c *cgroup.Control, left string) {
	c = control.For(&control.Request{
		Unit: u, Available: cgroup.AllControllers, Alone: true,
		Log: func(format string, args ...any) { left = fmt.Sprintf(format, args...) },
	})
	return c, left
}

// enter makes a group with the limits of a unit, if it has any, and goes there. Who is in
// it when the program has ended is nobody, so the next that comes by removes it.
func enter(u *unit.Unit) *group {
	self, _ := os.ReadFile("/proc/self/cgroup")
	g := &group{root: unified, self: string(self), failed: map[string]error{}}
	return g.enter(u)
}

func (g *group) enter(u *unit.Unit) *group {
	c, _ := controls(u)
	if len(c.Settings)+len(c.Programs) == 0 {
		return g
	}
	if len(c.Settings) == 0 {
		c.Needs = 0 // programs take no controller
	}
	if g.err = g.move(c.Needs); g.err != nil {
		return g
	}
	for _, s := range c.Settings {
		text := s.Value
		if s.Key != "" {
			text = s.Key + " " + text
		}
		err := write(filepath.Join(g.dir, s.File), text)
		if err != nil && (!s.Optional || !errors.Is(err, os.ErrNotExist)) {
			g.failed[s.File] = err
		}
	}
	for i := range c.Programs {
		if err := c.Programs[i].AttachTo(g.dir); err != nil {
			g.failed[c.Programs[i].Name] = err
		}
	}
	return g
}

// move goes to a group of its own that has the controllers: beside the present one if
// those there have them, or else below.
func (g *group) move(needs cgroup.Controllers) error {
	_, own, ok := strings.Cut("\n"+g.self, "\n0::")
	if _, err := os.Stat(g.root + "/cgroup.controllers"); err != nil || !ok {
		return errors.New("no control groups of version 2 here")
	}
	own, _, _ = strings.Cut(own, "\n")
	g.from = filepath.Join(g.root, own)
	words := strings.Fields(needs.String())
	if beside := filepath.Dir(g.from); own != "/" && !strings.HasPrefix(own, "/..") &&
		has(beside, words) && g.join(beside) == nil {
		return nil
	}
	if err := g.join(g.from); err != nil {
		return fmt.Errorf("control groups cannot be written here: %w", err)
	}
	if has(g.from, words) {
		return nil
	}
	for _, w := range words {
		if err := write(g.from+"/cgroup.subtree_control", "+"+w); err != nil {
			g.leave()
			return fmt.Errorf("no controller %s in this control group: %w", w, err)
		}
	}
	return nil
}

// has reports whether what is in a group has the controllers.
func has(dir string, controllers []string) bool {
	text, err := os.ReadFile(dir + "/cgroup.subtree_control")
	on := strings.Fields(string(text))
	return err == nil && !slices.ContainsFunc(controllers, func(c string) bool {
		return !slices.Contains(on, c)
	})
}

// join makes a group in another, and goes there.
func (g *group) join(above string) error {
	const prefix, suffix = "restrict-", ".scope"
	if old, err := filepath.Glob(filepath.Join(above, prefix+"*"+suffix)); err == nil {
		for _, dir := range old {
			_ = os.Remove(dir) // which fails as long as somebody is in it
		}
	}
	dir := filepath.Join(above, fmt.Sprintf("%s%d%s", prefix, os.Getpid(), suffix))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := write(dir+"/cgroup.procs", "0"); err != nil {
		_ = os.Remove(dir)
		return err
	}
	g.dir = dir
	return nil
}

// leave goes back to where the program came from.
func (g *group) leave() {
	if g.dir == "" {
		return
	}
	if write(g.from+"/cgroup.procs", "0") == nil {
		_ = os.Remove(g.dir)
	}
	g.dir = ""
}

// fact says what became of a setting, of which the unit has no other.
func (g *group) fact(name string, of *unit.Unit) (ability.Level, string) {
	c, left := controls(of)
	switch {
	case left != "":
		return ability.NotApplied, left
	case len(c.Settings)+len(c.Programs) == 0 && name != "CPUQuotaPeriodSec": // goes with CPUQuota=
		return ability.NotApplied, "this is for a service manager to do"
	case g.err != nil:
		return ability.NotApplied, g.err.Error()
	}
	for _, s := range c.Settings {
		if err := g.failed[s.File]; err != nil {
			return ability.NotApplied, err.Error()
		}
	}
	for _, p := range c.Programs {
		if err := g.failed[p.Name]; err != nil {
			return ability.NotApplied, "programs of control groups: " + err.Error()
		}
	}
	return ability.Applied, ""
}

func write(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
