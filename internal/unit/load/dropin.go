package load

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/unitfile"
)

// subDirs gives the directories of one suffix that count for the unit, highest
// priority first: for each of its names the directories of the name itself, of
// its template, and of its prefixes that end in a dash, in the order of the
// search path; last those of its type. systemd.unit(5), on drop-ins.
func (j *job) subDirs(suffix string) []string {
	var dirs []string
	add := func(names []string) {
		var hits []sub
		for _, n := range names {
			hits = append(hits, j.tree.sub[n+suffix]...)
		}
		slices.SortStableFunc(hits, func(a, b sub) int { return cmp.Compare(a.dir, b.dir) })
		for _, h := range hits {
			if !slices.Contains(dirs, h.real) {
				dirs = append(dirs, h.real)
			}
		}
	}
	if len(j.tree.sub) > 0 {
		add(related(j.u.Name, nil))
		for _, alias := range j.u.Names {
			add(related(alias, nil))
		}
		add([]string{j.u.Type.String()})
	}
	return dirs
}

// related appends the names under which a unit finds drop-ins: a-b@c.service
// itself, a-b@.service, a-.service, a-@c.service, a-@.service.
func related(n string, to []string) []string {
	if slices.Contains(to, n) {
		return to
	}
	to = append(to, n)
	kind := name.KindOf(n)
	if kind == name.Instance {
		if template, ok := name.TemplateOf(n); ok {
			to = related(template, to)
		}
	}
	prefix := name.Prefix(n)
	at := strings.LastIndexByte(strings.TrimSuffix(prefix, "-"), '-')
	if at <= 0 {
		return to
	}
	short := prefix[:at+1]
	if kind == name.Instance {
		short += "@" + name.InstanceOf(n)
	}
	return related(short+"."+name.TypeOf(n).String(), to)
}

// found is one file in a directory of drop-ins or dependencies.
type found struct {
	item
	dir string
}

func (f found) path() string { return f.dir + "/" + f.name }

// collect gives the files whose names end in suffix, sorted by name; of files
// of one name the one in the first directory.
func (j *job) collect(dirs []string, suffix string) []found {
	var all []found
	have := map[string]bool{}
	for _, dir := range dirs {
		for _, it := range j.tree.list(dir) {
			if strings.HasSuffix(it.name, suffix) && !have[it.name] {
				have[it.name] = true
				all = append(all, found{it, dir})
			}
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.name, b.name) })
	return all
}

// dropIns applies the drop-ins of the unit. What breaks a drop-in ends its
// reading and nothing more.
func (j *job) dropIns() {
	dirs := j.subDirs(".d")
	if len(dirs) == 0 {
		return
	}
	own := j.u.Name + ".d"
	for _, f := range j.collect(dirs, ".conf") {
		j.u.DropIns = append(j.u.DropIns, f.path())
		text, err := j.dropIn(f, path.Base(f.dir) != own)
		if err != nil {
			j.u.Faults = append(j.u.Faults, unit.Fault{
				File: f.path(), Why: "reading it: " + cause(err), Then: "ignoring it",
			})
			continue
		}
		if text != nil {
			j.u.DropInTime = max(j.u.DropInTime, j.modified)
			j.apply(text, f.path())
			j.u.Broken = unit.Stub
		}
	}
}

// dropIn reads one drop-in; nil if it is empty or masked.
func (j *job) dropIn(f found, shared bool) (*unitfile.File, error) {
	switch {
	case f.kind.IsRegular():
		return j.file(f.path(), f.path(), true, shared)
	case f.kind&fs.ModeSymlink == 0:
		return nil, errNoFile
	}
	real := j.tree.real(f.path())
	if real == "/dev/null" {
		return nil, nil
	}
	return j.file(f.path(), real, false, shared)
}

// edgesFromDirectories adds the dependencies that .wants/ and kin give.
func (j *job) edgesFromDirectories() {
	for _, d := range [...]struct {
		suffix string
		kind   unit.Dep
	}{
		{".wants", unit.Wants}, {".requires", unit.Requires}, {".upholds", unit.Upholds},
	} {
		dirs := j.subDirs(d.suffix)
		if len(dirs) == 0 {
			continue
		}
		for _, f := range j.collect(dirs, "") {
			j.edge(d.kind, f)
		}
	}
}

// edge adds the dependency that one entry of a .wants/ directory gives. It is
// the name of the symlink that counts; where it leads to is only looked at to
// find mistakes and masks.
func (j *job) edge(kind unit.Dep, f found) {
	ignore := func(why string) {
		j.u.Faults = append(j.u.Faults, unit.Fault{File: f.path(), Why: why, Then: "ignoring it"})
	}
	if f.kind&fs.ModeSymlink == 0 {
		info, err := fs.Stat(j.c.FS, inFS(f.path()))
		if !f.kind.IsRegular() || err != nil || info.Size() > 0 {
			ignore("not a symlink")
		}
		return // an empty file masks links in directories of lower priority
	}
	target, err := j.c.FS.ReadLink(inFS(f.path()))
	if err != nil {
		ignore("reading it: " + cause(err))
		return
	}
	if target == "/dev/null" {
		return
	}
	other := f.name
	kindOfName := name.KindOf(other)
	if kindOfName == 0 {
		ignore("not the name of a unit")
		return
	}
	if kindOfName == name.Template {
		instance := name.InstanceOf(j.u.Name)
		if instance == "" {
			instance = name.Prefix(j.u.Name)
		}
		if other, err = name.WithInstance(other, instance); err != nil {
			ignore("no instance for the template")
			return
		}
	}
	if base := path.Base(target); !sameUnit(f.name, base) {
		j.u.Faults = append(j.u.Faults, unit.Fault{
			File: f.path(), Why: "a symlink to a unit of another name, " + base,
			Then: "taking the name of the symlink",
		})
	}
	if other != j.u.Name && !slices.Contains(j.u.Names, other) {
		j.u.Edges = append(j.u.Edges, unit.Edge{Kind: kind, Name: other, File: f.path()})
	}
}

// sameUnit reports whether a symlink may lead to the target: it has its name,
// or is an instance of it.
func sameUnit(link, target string) bool {
	template, ok := name.TemplateOf(link)
	return link == target || ok && template == target
}
