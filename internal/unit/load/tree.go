package load

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
)

// tree is what the search path holds: every directory is listed once, when the
// tree is made, and nothing but symlinks is looked at more closely.
type tree struct {
	fs       fs.ReadLinkFS
	dirs     []string          // the search path as given
	reals    []string          // the same with symlinks resolved
	times    []time.Time       // when those last changed; zero if they do not exist
	files    map[string]file   // by name; of several the one of highest priority
	sub      map[string][]sub  // directories such as "foo.service.d", by priority
	lists    map[string][]item // what directories of drop-ins hold, by real path
	links    map[string]string // real paths of directories
	builtins map[string]file
	// refused are symlinks that cannot be aliases, by name.
	refused map[string]unit.Fault
	reverse map[string][]string // the aliases of a name; nil until asked for
}

// file is what stands for one name of a unit.
type file struct {
	name    string // base name of path
	dir     int    // index into the search path
	path    string // as found; "" if built in
	alias   string // the name it leads to, if it is an alias
	masked  bool   // a symlink to /dev/null
	linked  bool   // a symlink to a file outside of the search path
	builtin bool
	text    string // of a built-in unit
}

// sub is a directory of drop-ins or dependencies.
type sub struct {
	dir  int // index into the search path
	real string
}

// item is one entry of a directory of drop-ins or dependencies.
type item struct {
	name string
	kind fs.FileMode // type bits
}

// subSuffixes end the names of directories that the loader looks into.
var subSuffixes = [...]string{".d", ".wants", ".requires", ".upholds"}

// newTree lists the search path.
func newTree(fsys fs.ReadLinkFS, dirs []string, user bool) *tree {
	t := &tree{
		fs: fsys, dirs: dirs, files: map[string]file{}, sub: map[string][]sub{},
		lists: map[string][]item{}, links: map[string]string{}, refused: map[string]unit.Fault{},
	}
	for _, dir := range dirs {
		t.reals = append(t.reals, t.realDir(dir))
	}
	for _, dir := range t.reals {
		t.times = append(t.times, t.modTime(dir))
	}
	for i, dir := range t.reals {
		if slices.Contains(t.reals[:i], dir) {
			continue // such as /lib and /usr/lib
		}
		if t.times[i].IsZero() {
			continue // most of the search path does not exist on most machines
		}
		entries, _ := fs.ReadDir(fsys, inFS(dir)) // what cannot be listed is empty
		for _, e := range entries {
			t.add(i, e)
		}
	}
	t.builtins = builtins(user)
	for n, f := range t.builtins {
		if _, have := t.files[n]; !have {
			t.files[n] = f
		}
	}
	return t
}

// modTime tells when a directory last changed.
func (t *tree) modTime(dir string) time.Time {
	info, err := fs.Stat(t.fs, inFS(dir))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// changed reports whether a directory of the search path has changed.
func (t *tree) changed() bool {
	for i, dir := range t.reals {
		if !t.modTime(dir).Equal(t.times[i]) {
			return true
		}
	}
	return false
}

// add notes one entry of directory i of the search path.
func (t *tree) add(i int, e fs.DirEntry) {
	base := e.Name()
	link := e.Type()&fs.ModeSymlink != 0
	if name.KindOf(base) != 0 {
		if _, have := t.files[base]; have || !link && !e.Type().IsRegular() {
			return
		}
		f := file{name: base, dir: i, path: path.Join(t.dirs[i], base)}
		if !link || t.follow(&f) {
			t.files[base] = f
		}
		return
	}
	for _, suffix := range subSuffixes {
		if !strings.HasSuffix(base, suffix) || !link && !e.IsDir() {
			continue
		}
		real := t.reals[i] + "/" + base
		if link {
			real = t.realDir(real)
			if info, err := fs.Stat(t.fs, inFS(real)); err != nil || !info.IsDir() {
				return
			}
		}
		t.sub[base] = append(t.sub[base], sub{dir: i, real: real})
	}
}

// follow finds out what a symlink means: a mask, an alias, or a file outside of
// the search path. It reports whether the link counts.
func (t *tree) follow(f *file) bool {
	target, err := t.fs.ReadLink(inFS(t.reals[f.dir] + "/" + f.name))
	if err != nil {
		return false
	}
	if target == "/dev/null" {
		f.masked = true
		return true
	}
	if !strings.HasPrefix(target, "/") {
		target = t.reals[f.dir] + "/" + target
	}
	// The last part is left as it is: it may be another alias.
	dir, base := path.Split(target)
	target = path.Join(t.realDir(dir), base)
	if !t.inside(target) {
		f.linked = true
		return true
	}
	if why := notAlias(f.name, base); why != "" {
		t.refused[f.name] = unit.Fault{
			File: f.path, Why: "a symlink to " + base + ": " + why, Then: "ignoring the symlink",
		}
		return false
	}
	f.alias = base
	return true
}

// inside reports whether the path lies in a directory of the search path.
func (t *tree) inside(p string) bool {
	for i, dir := range t.dirs {
		if strings.HasPrefix(p, dir+"/") || strings.HasPrefix(p, t.reals[i]+"/") {
			return true
		}
	}
	return false
}

// notAlias says why a unit cannot have another name; "" if it can.
// systemd.unit(5), on aliases.
func notAlias(alias, target string) string {
	of, kind, want := name.TypeOf(alias), name.KindOf(target), name.KindOf(alias)
	switch {
	case kind == 0:
		return "not the name of a unit"
	case name.TypeOf(target) != of:
		return "an alias must be of the same type"
	case !of.MayAlias():
		return "units of type " + of.String() + " have no aliases"
	case want == name.Plain && kind != name.Plain:
		return "only an instance or a template can be an alias of one"
	case want == name.Template && kind != name.Template:
		return "a template can only be an alias of a template"
	case want == name.Instance && kind == name.Plain:
		return "an instance cannot be an alias of what is none"
	case want == name.Instance && kind == name.Instance &&
		name.InstanceOf(alias) != name.InstanceOf(target):
		return "an alias must be for the same instance"
	}
	return ""
}

// maxHops is how many symlinks a chain of aliases may have.
const maxHops = 8

// find gives the file for the unit of that name, template or not.
func (t *tree) find(unitName string) (file, bool) {
	f, ok := t.chase(unitName)
	if !ok {
		template, isInstance := name.TemplateOf(unitName)
		if !isInstance || template == unitName {
			return file{}, false
		}
		if f, ok = t.chase(template); !ok {
			return file{}, false
		}
	}
	if primary := f.unitName(unitName); primary != unitName && primary != f.name {
		// An alias of a template leads to an instance that may have a file of its own.
		if own, ok := t.chase(primary); ok && own.unitName(primary) == primary {
			return own, true
		}
	}
	return f, true
}

// chase follows aliases to the file they lead to. A link to an instance that
// has no file leads to the template.
func (t *tree) chase(n string) (file, bool) {
	for hop := range maxHops {
		f, ok := t.files[n]
		if !ok && hop > 0 {
			template, isInstance := name.TemplateOf(n)
			if !isInstance {
				return file{}, false
			}
			f, ok = t.files[template]
		}
		if !ok || f.alias == "" {
			return f, ok
		}
		n = f.alias
	}
	return file{}, false
}

// unitName is the name that the file gives to the unit asked for.
func (f *file) unitName(asked string) string {
	if name.KindOf(f.name) != name.Template {
		return f.name
	}
	n, err := name.WithInstance(f.name, name.InstanceOf(asked))
	if err != nil {
		return asked
	}
	return n
}

// aliases gives the other names of a unit, sorted; asked is one of them.
func (t *tree) aliases(primary, asked string) []string {
	if t.reverse == nil {
		t.turn()
	}
	var names []string
	names = append(names, t.reverse[primary]...)
	if name.KindOf(primary) == name.Instance {
		template, _ := name.TemplateOf(primary)
		for _, alias := range t.reverse[template] {
			if n, err := name.WithInstance(alias, name.InstanceOf(primary)); err == nil {
				names = append(names, n)
			}
		}
	}
	names = append(names, asked)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool { return n == primary })
}

// turn finds for each name the aliases that lead to it.
func (t *tree) turn() {
	t.reverse = map[string][]string{}
	for n, f := range t.files {
		if f.alias == "" {
			continue
		}
		if end, ok := t.chase(n); ok {
			to := end.name
			if name.KindOf(n) == name.Instance {
				to = end.unitName(n)
			}
			t.reverse[to] = append(t.reverse[to], n)
		}
	}
}

// list gives what a directory of drop-ins or dependencies holds, sorted by name.
func (t *tree) list(dir string) []item {
	items, ok := t.lists[dir]
	if !ok {
		entries, _ := fs.ReadDir(t.fs, inFS(dir)) // what cannot be listed is empty
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") {
				items = append(items, item{name: e.Name(), kind: e.Type()})
			}
		}
		t.lists[dir] = items
	}
	return items
}
