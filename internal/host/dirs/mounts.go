package dirs

import (
	"path/filepath"

	"rouse/internal/unit"
)

// Mounts are what a mount namespace needs for its processes to see the unit's
// directories in it, and to see them writable.
type Mounts struct {
	// Empty are directories that an empty file system hides, one that everybody may
	// look into: of what was there only Binds are seen.
	Empty []string
	Binds []unit.BindPath // of directories of the machine; Where is below the root directory
	// NoSUID: nobody becomes somebody else by what is in Binds.
	NoSUID bool
	Links  []Link
}

// A Link is a symlink at Path that leads to To, which is absolute and is to be made
// relative.
type Link struct{ To, Path string }

// MountsFor gives the mounts for the directories that Make makes.
func MountsFor(x *unit.Exec, b Bases) Mounts {
	m := Mounts{NoSUID: x.DynamicUser}
	for i, d := range x.Directories {
		kind, base := unit.DirectoryKind(i), b[i]
		if len(d.Paths) == 0 || base == "" {
			continue
		}
		private := Private(x, kind)
		if private && !rooted(x) {
			m.Empty = append(m.Empty, filepath.Join(base, privateRoot))
		}
		for p := range outermost(d.Paths) {
			where := filepath.Join(base, p.Path)
			for _, l := range p.Links {
				m.Links = append(m.Links, Link{To: where, Path: filepath.Join(base, l)})
			}
			if !p.outer {
				continue
			}
			bind := unit.BindPath{Source: where, Where: where}
			if private {
				bind.Source = filepath.Join(base, privateRoot, p.Path)
			}
			if private && !rooted(x) {
				bind.Where = bind.Source
				m.Links = append(m.Links, Link{To: bind.Source, Path: where})
			}
			m.Binds = append(m.Binds, bind)
		}
	}
	return m
}
