package install

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
	"rouse/internal/unit/specifier"
)

// Request is what is to be done with unit files. systemctl(1), Unit File Commands.
type Request struct {
	// "enable", "disable", "reenable", "preset", "preset-all", "mask", "unmask", "link",
	// "revert", "set-default", "add-wants" or "add-requires"
	Verb   string
	Units  []string // names; for enable, reenable and link paths, too
	Target string   // of add-wants and add-requires
	// PresetMode is "full", "enable-only" or "disable-only"; "" is "full".
	PresetMode string
	Runtime    bool // until the next boot
	Force      bool // in place of what leads elsewhere
}

// The directories that systemctl enable writes to for the system.
const (
	systemConfig  = "/etc/systemd/system"
	systemRuntime = "/run/systemd/system"
)

// Place says where unit files are, and their links are made.
type Place struct {
	FS      fs.ReadLinkFS // the root directory
	Path    []string      // see load.SearchPath
	User    bool          // the presets are those for users
	Machine *specifier.Machine
	// Persistent and Runtime are the directories that systemctl enable writes to.
	Persistent, Runtime string
}

// At gives the place that a manager with the configuration has. env is asked for what
// load.SearchPath asks for.
func At(c load.Config, env func(string) string) Place {
	p := Place{FS: c.FS, Path: c.Path, User: c.User, Machine: c.Machine}
	p.Persistent, p.Runtime = systemConfig, systemRuntime
	if c.User {
		p.Persistent, p.Runtime = load.UserConfig(env)
	}
	return p
}

// Plan is what is to be done, and what cannot be.
type Plan struct {
	Changes []Change
	// Rules counts the links that the [Install] sections ask for, made or not; 0 says
	// that the units are not meant to be enabled.
	Rules int
	// Failed is why not all could be done; nil if it could. What is in Changes is to be
	// done all the same.
	Failed error
	// Faults are what is wrong in unit files that were read, in systemctl's words.
	Faults []unit.Fault
}

// planner makes one plan.
type planner struct {
	Place
	v       *view
	dirs    []string // the search path, highest priority first
	changes []Change
	faults  []unit.Fault
	file    string // which is being read
	req     Request
	config  string // the directory to write to
}

// Make plans what a request asks for. It changes nothing.
func (place Place) Make(req Request) Plan {
	p := &planner{Place: place, v: newView(place.FS), dirs: place.Path, req: req}
	p.config = place.Persistent
	if req.Runtime {
		p.config = place.Runtime
	}
	do := map[string]func() (int, error){
		"enable": p.enable, "disable": p.disable, "reenable": p.reenable,
		"preset": p.preset, "preset-all": p.presetAll,
		"mask": p.mask, "unmask": p.unmask, "link": p.link, "revert": p.revert,
		"set-default": p.setDefault, "add-wants": p.addDependency, "add-requires": p.addDependency,
	}[req.Verb]
	if do == nil || p.config == "" {
		return Plan{Failed: errInvalid}
	}
	rules, err := do()
	return Plan{Changes: p.changes, Rules: rules, Failed: err, Faults: p.faults}
}

// Links gives the links that disabling a unit file would remove, until the next boot only
// with runtime.
func (place Place) Links(unitFile string, runtime bool) (links []string) {
	plan := place.Make(Request{Verb: "disable", Units: []string{unitFile}, Runtime: runtime})
	for _, c := range plan.Changes {
		if c.Kind == Unlink {
			links = append(links, c.Path)
		}
	}
	return links
}

// note adds a change to the plan.
func (p *planner) note(c Change) { p.changes = append(p.changes, c) }

// stop notes a failure about a path or name, and gives it.
func (p *planner) stop(c Change) error {
	p.note(c)
	return reason{c.Kind, c.Why}
}

// inPath reports whether a path lies in a directory of the search path.
func (p *planner) inPath(at string) bool {
	return slices.ContainsFunc(p.dirs, func(dir string) bool {
		real, _ := p.v.resolve(dir, true)
		return strings.HasPrefix(at, dir+"/") || strings.HasPrefix(at, real+"/")
	})
}

// isConfig reports whether a file is where systemctl enable makes its links.
func (p *planner) isConfig(at string) bool {
	dir := path.Dir(at)
	return dir == p.Persistent || dir == p.Runtime
}

// isGenerated reports whether a generator has made a file.
func isGenerated(at string) bool {
	return strings.HasPrefix(path.Base(path.Dir(at)), "generator") &&
		path.Base(path.Dir(path.Dir(at))) == "systemd"
}

// isTransient reports whether a manager has made a file for a transient unit.
func isTransient(at string) bool {
	return path.Base(path.Dir(at)) == "transient" &&
		path.Base(path.Dir(path.Dir(at))) == "systemd"
}

// find tells why there is no unit file of that name, or of its template; nil if there is.
func (p *planner) find(unitName string) error {
	b := &batch{}
	i, err := b.add(unitName, "", false)
	if err == nil {
		_, err = p.traverse(b, i, false, false)
	}
	return err
}

// symlink plans a symlink at p to target. force replaces one that leads elsewhere.
func (p *planner) symlink(at, target string, force bool) error {
	kind, _, err := p.v.lstat(at)
	switch {
	case err != nil && reasonOf(err) != errMissing:
		r := reasonOf(err)
		return p.stop(Change{Kind: r.kind, Path: at, Why: r.why})
	case err != nil:
	case kind&fs.ModeSymlink == 0:
		return p.stop(Change{Kind: Exists, Path: at})
	default:
		old, _ := p.v.readLink(at) // it is a symlink
		if p.same(path.Dir(at), old, target) {
			return nil
		}
		if !force {
			return p.stop(Change{Kind: Exists, Path: at, Source: old})
		}
		p.note(Change{Kind: Unlink, Path: at, Replaced: true})
	}
	p.note(Change{Kind: Symlink, Path: at, Source: target})
	p.v.link(at, target)
	return nil
}

// same reports whether two targets of symlinks in dir are the same unit file, or those of
// one name in directories of the search path.
func (p *planner) same(dir, a, b string) bool {
	whole := func(target string) string {
		if !path.IsAbs(target) {
			target = path.Join(dir, target)
		}
		return path.Clean(target)
	}
	a, b = whole(a), whole(b)
	if a == b {
		return true
	}
	realA, okA := p.v.resolve(a, true)
	realB, okB := p.v.resolve(b, true)
	if okA && okB && realA == realB {
		return true
	}
	return path.Base(a) == path.Base(b) &&
		slices.Contains(p.dirs, path.Dir(a)) && slices.Contains(p.dirs, path.Dir(b))
}

// validAlias gives the name or path of an alias, with the instance of its unit where it
// is a template; nil, "" is to be left out in silence.
func (p *planner) validAlias(i *info, dst string) (string, error) {
	dir, base := path.Split(dst)
	if dir != "" { // Alias=foo.target.wants/bar.service, as it was done once
		return dst, p.validDirAlias(i, dst, path.Clean(dir), base)
	}
	cross := Change{Kind: CrossAlias, Path: dst, Source: i.name}
	if name.Valid(dst, name.Template) && name.Valid(i.name, name.Instance) {
		with, err := name.WithInstance(dst, name.InstanceOf(i.name))
		if err != nil {
			return "", p.stop(cross)
		}
		dst, cross.Path = with, with
	}
	if dst == i.name {
		return "", errIsLink
	}
	if !isAlias(dst, i.name) {
		return "", p.stop(cross)
	}
	return dst, nil
}

// validDirAlias checks an alias that is a link in a directory of dependencies.
func (p *planner) validDirAlias(i *info, dst, dir, base string) error {
	of, isDir := strings.CutSuffix(dir, ".wants")
	if !isDir {
		of, isDir = strings.CutSuffix(dir, ".requires")
	}
	kind := name.KindOf(of)
	if !isDir || kind == 0 {
		return p.stop(Change{Kind: CrossAlias, Path: dst})
	}
	template, templated := name.TemplateOf(i.name)
	switch {
	case base == i.name && !name.Valid(base, name.Template):
	case templated && name.Valid(i.name, name.Template) && name.Valid(base, name.Instance) &&
		sameTemplate(base, template):
	case kind == name.Template && name.Valid(i.name, name.Instance) && base == template:
	default:
		return p.stop(Change{Kind: CrossAlias, Path: dst, Source: i.name})
	}
	return nil
}

// sameTemplate reports whether a name is that of an instance of the template.
func sameTemplate(n, template string) bool {
	t, ok := name.TemplateOf(n)
	return ok && t == template
}

// isAlias reports whether a unit may have the other name. systemd.unit(5), on aliases.
func isAlias(other, unitName string) bool {
	kind, of := name.KindOf(other), name.KindOf(unitName)
	t := name.TypeOf(unitName)
	switch {
	case kind == 0 || name.TypeOf(other) != t || !t.MayAlias():
		return false
	case kind == name.Instance && of == name.Instance:
		return name.InstanceOf(other) == name.InstanceOf(unitName)
	case kind == name.Instance:
		return of == name.Template
	}
	return kind == of
}

// Fail notes that a change could not be made.
func (plan *Plan) Fail(i int, err error) {
	c := &plan.Changes[i]
	r := reasonOf(err)
	if r.kind == Exists && c.Kind == Unlink { // package fs takes the two for one
		r = reason{Other, "Directory not empty"}
	}
	c.Kind, c.Why = r.kind, r.why
	if r.kind == Missing { // of what lies around it
		c.Kind, c.Why = Other, errnoMissing
	}
	if c.Kind == Exists {
		c.Source = ""
	}
	if plan.Failed == nil {
		plan.Failed = reason{c.Kind, c.Why}
	}
}

// Real gives a path with the symlinks in all parts but the last followed, within the file
// system.
func Real(fsys fs.ReadLinkFS, p string) string { return newView(fsys).real(p) }

// globalPath is the search path of units that all users have.
var globalPath = []string{
	"/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user",
	"/usr/share/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
}

// Global is the place of units that all users have. systemctl(1), --global.
func Global(fsys fs.ReadLinkFS) Place {
	return Place{FS: fsys, Path: globalPath, User: true,
		Persistent: "/etc/systemd/user", Runtime: "/run/systemd/user"}
}
