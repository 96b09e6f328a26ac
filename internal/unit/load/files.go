package load

import (
	"cmp"
	"slices"
)

// File is one unit file, as list-unit-files shows it.
type File struct {
	Name   string // "foo.service"
	Path   string // absolute, as found; "" for a built-in unit
	Alias  string // the unit this name is an alias of, "" if it is none
	Masked bool   // by a symlink to /dev/null
	Linked bool   // a symlink to a file outside of the search path
}

// Files lists all unit files found, by name; of files of one name only the one
// that counts. Built-in units are listed where no file overrides them.
func (l *Loader) Files() []File {
	t := l.scan()
	all := make([]File, 0, len(t.files))
	for n := range t.files {
		file, _ := l.File(n)
		all = append(all, file)
	}
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// File gives the unit file of exactly that name.
func (l *Loader) File(unitName string) (File, bool) {
	t := l.scan()
	f, ok := t.files[unitName]
	if !ok {
		return File{}, false
	}
	shown := File{Name: unitName, Path: f.path, Alias: f.alias, Masked: f.masked, Linked: f.linked}
	if f.alias != "" {
		if end, ok := t.chase(unitName); ok {
			shown.Alias = end.name
		}
	}
	return shown, true
}
