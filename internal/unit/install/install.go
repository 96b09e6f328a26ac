// Package install knows whether unit files are enabled: by which links, and in which
// state that puts them. It sees the disk through an fs.ReadLinkFS, changes nothing and
// knows no running unit. It answers for what systemctl(1) says of is-enabled and
// list-unit-files, and for the section [INSTALL] of systemd.unit(5).
package install

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
	"rouse/internal/unit/preset"
)

// Files are the unit files of a search path. What was read is remembered; it is not
// safe for concurrent use.
type Files struct {
	fs      fs.ReadLinkFS
	dirs    []string
	user    bool
	view    *view
	states  map[string]string // what State has said
	loader  *load.Loader
	links   []Link // nil until asked for
	presets preset.Rules
	read    bool // the presets have been
}

// Link is a symlink that may enable a unit.
type Link struct {
	Dir    string // of the search path
	Within string // "multi-user.target.wants", "" in the directory itself
	Name   string
	Target string // base name of what it points to
}

// Path is where the link is.
func (l Link) Path() string { return path.Join(l.Dir, l.Within, l.Name) }

// New gives the files that a loader with the configuration would read.
func New(c load.Config) *Files {
	c.Complete, c.Mounted = nil, nil
	return &Files{
		fs: c.FS, view: newView(c.FS), states: map[string]string{}, dirs: c.Path, user: c.User,
		loader: load.New(c),
	}
}

// Loader is the loader that reads the files.
func (f *Files) Loader() *load.Loader { return f.loader }

// isRuntime reports whether what is in a directory lasts until the next boot only.
func isRuntime(dir string) bool { return strings.HasPrefix(dir, "/run/") }

func runtimeSuffix(dir string) string {
	if isRuntime(dir) {
		return "-runtime"
	}
	return ""
}

// IsConfig reports whether a directory is where systemctl enable makes its links.
func (f *Files) IsConfig(dir string) bool {
	base := "system"
	if f.user {
		base = "user"
	}
	return path.Base(dir) == base && !strings.HasPrefix(dir, "/usr/") &&
		!strings.HasPrefix(dir, "/lib/") && !strings.Contains(dir, "/share/")
}

// Links gives the symlinks of all directories, in the order of the search path.
func (f *Files) Links() []Link {
	if f.links == nil {
		f.links = []Link{}
		for _, dir := range f.dirs {
			f.linksIn(dir, "")
		}
	}
	return f.links
}

func (f *Files) linksIn(dir, within string) {
	at := path.Join(dir, within)
	entries, err := fs.ReadDir(f.fs, inFS(at))
	if err != nil {
		return
	}
	for _, e := range entries {
		switch ext := path.Ext(e.Name()); {
		case e.Type()&fs.ModeSymlink != 0:
			if target, err := f.fs.ReadLink(inFS(path.Join(at, e.Name()))); err == nil {
				f.links = append(f.links, Link{dir, within, e.Name(), path.Base(target)})
			}
		case within == "" && e.IsDir() && (ext == ".wants" || ext == ".requires"):
			f.linksIn(dir, e.Name())
		}
	}
}

// find gives the file of a unit: its own, or that of its template.
func (f *Files) find(unitName string) (load.File, bool) {
	file, ok := f.loader.File(unitName)
	if template, is := name.TemplateOf(unitName); !ok && is {
		file, ok = f.loader.File(template)
	}
	return file, ok && file.Path != ""
}

// HasNative reports whether a unit, or its template, has a file that no generator has made.
func (f *Files) HasNative(unitName string) (bool, error) {
	dirs := slices.DeleteFunc(slices.Clone(f.dirs), func(dir string) bool {
		return isGenerated(path.Join(dir, unitName))
	})
	p := f.planner()
	p.dirs = dirs
	err := p.find(unitName)
	switch reasonOf(err) {
	case reason{}, errIsLink:
		return true, nil
	case errMissing:
		return false, nil
	}
	return false, err
}

// Lookup is State for a name or path that was asked for: an error says why there is none.
func (f *Files) Lookup(unitName string) (string, []unit.Fault, error) {
	p := f.planner()
	if _, err := p.discover(&batch{}, unitName, true); err != nil {
		return "", p.faults, err
	}
	state := f.State(path.Base(unitName))
	if state == "" {
		return "", p.faults, errMissing
	}
	return state, p.faults, nil
}

// planner looks at the files as they are.
func (f *Files) planner() *planner {
	p := &planner{v: f.view, dirs: f.dirs, Place: Place{Machine: f.loader.Config().Machine}}
	if !f.user {
		p.Persistent, p.Runtime = systemConfig, systemRuntime
	}
	return p
}

// State gives the word of is-enabled for a unit; "" if it has no file.
func (f *Files) State(unitName string) string {
	word, known := f.states[unitName]
	if !known {
		word = f.state(unitName)
		f.states[unitName] = word
	}
	return word
}

func (f *Files) state(unitName string) string {
	p := f.planner()
	i, err := p.discover(&batch{}, unitName, true)
	if err == nil && i.mode == masked {
		return "masked" + runtimeSuffix(path.Dir(i.path))
	}
	file, ok := f.find(unitName)
	if !ok {
		return ""
	}
	dir := path.Dir(file.Path)
	switch {
	case file.Masked:
		return "masked" + runtimeSuffix(dir)
	case file.Alias != "" && file.Name == unitName:
		target, isInstance := instanceOf(file.Alias, unitName)
		switch _, leads := f.loader.File(file.Alias); {
		case !leads, file.Alias == unitName: // to nowhere, or to one that it hides
			return ""
		case !isInstance:
			return "alias"
		case target != unitName:
			return f.State(target)
		}
	case file.Linked && f.linksTo(file) != unitName && file.Name == unitName:
		return "alias"
	case strings.Contains(path.Base(dir), "generator"):
		return "generated"
	case path.Base(dir) == "transient":
		return "transient"
	}
	if err != nil {
		return ""
	}
	in := &i.Install
	switch state := f.enabled(unitName, dir, in, true); {
	case state != "":
		return state
	case f.enabled(unitName, dir, in, false) != "":
		return "indirect" // by a name that systemctl enable would not give it
	case i.hasRules():
		return "disabled"
	case len(in.Also) > 0:
		return "indirect"
	}
	return "static"
}

// instanceOf is the instance of a template that an alias which is one stands for.
func instanceOf(template, alias string) (string, bool) {
	if !name.Valid(template, name.Template) || !name.Valid(alias, name.Instance) {
		return "", false
	}
	n, err := name.WithInstance(template, name.InstanceOf(alias))
	return n, err == nil
}

// enabled looks for links that enable a unit whose file is in dir; "" if there are
// none. With known, only those count that have a name from its [Install] section.
func (f *Files) enabled(unitName, dir string, in *unit.Install, known bool) string {
	at, below := "", false // the file is in this directory of the search path, or above it
	runtime, elsewhere, linked := false, false, ""
	for _, l := range f.Links() {
		if l.Dir != at {
			below = below || at == dir
			at = l.Dir
		}
		same, leads := l.Name == unitName && !below, l.Target == unitName
		if l.Within != "" {
			leads = templateOf(l.Name) == unitName
		}
		switch {
		case same && leads && l.Within == "":
			if linked == "" && f.IsConfig(l.Dir) {
				linked = "linked"
				if isRuntime(l.Dir) {
					linked = "linked-runtime"
				}
			}
		case !same && !leads, known && !knows(in, unitName, l.Name):
		case isRuntime(l.Dir):
			runtime = true
		case f.IsConfig(l.Dir):
			return "enabled"
		default:
			elsewhere = true
		}
	}
	switch {
	case runtime:
		return "enabled-runtime"
	case elsewhere && name.Valid(unitName, name.Instance):
		return "static"
	}
	return linked
}

// linksTo is the name of the file outside of the search path that one links to.
func (f *Files) linksTo(file load.File) string {
	target, err := f.fs.ReadLink(inFS(file.Path))
	if err != nil {
		return file.Name
	}
	return path.Base(target)
}

func templateOf(unitName string) string {
	t, _ := name.TemplateOf(unitName)
	return t
}

// knows reports that systemctl enable would make a link of that name for the unit.
func knows(in *unit.Install, unitName, link string) bool {
	if link == unitName || slices.Contains(in.Alias, link) {
		return true
	}
	if in.DefaultInstance == "" || !name.Valid(unitName, name.Template) {
		return false
	}
	n, err := name.WithInstance(unitName, in.DefaultInstance)
	return err == nil && n == link
}

// HasPreset reports whether the preset of a unit in a state is of interest.
func HasPreset(state string) bool {
	return !slices.Contains([]string{"", "alias", "static", "generated", "transient"}, state)
}

// Presets gives the preset rules.
func (f *Files) Presets() preset.Rules {
	if !f.read {
		f.read = true
		f.presets, _ = preset.Read(f.fs, f.user) // what is no rule is as if it were not there
	}
	return f.presets
}

// inFS gives a path as package fs wants it.
func inFS(p string) string {
	if p = strings.TrimPrefix(path.Clean(p), "/"); p == "" {
		return "."
	}
	return p
}
