// Package load finds unit files and makes units of them: search path, aliases,
// templates, masks, drop-ins, .wants/ directories, built-in units. It sees the
// disk only through an fs.ReadLinkFS and knows no state. It answers for the
// UNIT FILE LOAD PATH section of systemd.unit(5) and for systemd.special(7).
package load

import (
	"io/fs"
	"slices"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
	"rouse/internal/unit/specifier"
)

// Config says where units are found and what they start from.
type Config struct {
	FS         fs.ReadLinkFS // the root directory; os.DirFS("/") in production
	Path       []string      // absolute directories, highest priority first; see SearchPath
	User       bool          // for the manager of a user
	Home       string        // of the user, for a user manager
	RuntimeDir string        // of the user, for a user manager
	Machine    *specifier.Machine
	Defaults   *directive.Defaults // nil: systemd's
	// Mounted gives what is mounted, and where, for mount units that no file describes.
	// Nil knows of nothing.
	Mounted func(unitName string) (unit.Mount, bool)
	// Complete adds what a unit has without saying so; graph.Ground.Complete does.
	// Nil adds nothing. hasFile tells whether there is a unit file of that name
	// which is not masked.
	Complete func(u *unit.Unit, hasFile func(name string) bool)
}

// Loader loads units. It remembers directory listings and shared files until
// Refresh. It is not safe for concurrent use.
type Loader struct {
	c    Config
	tree *tree              // nil until something is asked for
	read map[string]reading // files that several units share, by their real path

	shared directive.Shared // what units have alike
}

// New makes a Loader. Nothing is read until the first unit is asked for.
func New(c Config) *Loader {
	if c.Defaults == nil {
		c.Defaults = directive.NewDefaults()
	}
	l := &Loader{c: c}
	l.Refresh()
	return l
}

// Config gives what the loader was made with.
func (l *Loader) Config() Config { return l.c }

// Refresh forgets all that was read (daemon-reload).
func (l *Loader) Refresh() {
	l.tree = nil
	l.read = map[string]reading{}
	l.shared = directive.Shared{}
}

// Recheck makes the loader see what has changed on disk since it last looked:
// files that are new, gone or led elsewhere in the search path, and drop-ins. It
// costs a call for each directory of the search path, so it is for once per
// request, not for once per unit. Units that are loaded already are not told.
func (l *Loader) Recheck() {
	if l.tree == nil {
		return
	}
	if l.tree.changed() {
		l.tree = nil
	} else {
		l.tree.lists = map[string][]item{}
	}
	l.read = map[string]reading{}
}

// Load makes the unit called name. It never returns nil: the load state says
// what happened, and LoadError says it in systemd's words. Asked for by an
// alias, it returns the unit under its primary name. All edges are there:
// written, from directories, implicit and default.
func (l *Loader) Load(unitName string) *unit.Unit {
	j := job{Loader: l}
	j.load(unitName)
	return j.u
}

// Closure loads the named units and all they refer to, breadth first, in a
// stable order, leaving out those that have reports true for. have may be nil.
func (l *Loader) Closure(names []string, have func(name string) bool) []*unit.Unit {
	var (
		units []*unit.Unit
		seen  = map[string]bool{}
		queue = slices.Clone(names)
	)
	for at := 0; at < len(queue); at++ {
		n := queue[at]
		if seen[n] || have != nil && have(n) {
			continue
		}
		seen[n] = true
		u := l.Load(n)
		if u.Name != n && (seen[u.Name] || have != nil && have(u.Name)) {
			continue
		}
		seen[u.Name] = true
		for _, alias := range u.Names {
			seen[alias] = true
		}
		units = append(units, u)
		for _, e := range u.Edges {
			if !seen[e.Name] {
				queue = append(queue, e.Name)
			}
		}
	}
	return units
}

// scan gives the unit files there are, listing the search path if need be.
func (l *Loader) scan() *tree {
	if l.tree == nil {
		l.tree = newTree(l.c.FS, l.c.Path, l.c.User)
	}
	return l.tree
}

// hasFile reports whether there is a unit file that is neither built in nor masked.
func (l *Loader) hasFile(unitName string) bool {
	t := l.scan()
	f, ok := t.find(unitName)
	if !ok || f.builtin || f.masked {
		return false
	}
	info, err := fs.Stat(l.c.FS, inFS(t.realFile(&f)))
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// perpetual are the units that are always active. -.mount is so by being there.
func (l *Loader) perpetual(unitName string) bool {
	switch unitName {
	case "-.slice", "-.mount", "init.scope":
		return true
	case "system.slice":
		return !l.c.User
	}
	return false
}

// needsFile reports whether units of the type exist only by a file.
func needsFile(t name.Type) bool { return t != name.Slice && t != name.Device }
