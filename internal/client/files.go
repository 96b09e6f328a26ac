package client

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
)

// files are the unit files on disk, read without a manager.
type files struct {
	fs     fs.ReadLinkFS
	dirs   []string
	user   bool
	loader *load.Loader
	links  []link // all symlinks in the directories, once asked for
	rules  []presetRule
	read   bool
}

// link is a symlink that may enable a unit.
type link struct {
	dir    string // of the search path
	within string // "multi-user.target.wants", "" in the directory itself
	name   string
	target string // base name of what it points to
}

// files opens the directories of unit files below --root.
func (a *app) files() (*files, error) { return a.filesIn("") }

// filesIn is files, with a directory that comes before all others.
func (a *app) filesIn(first string) (*files, error) {
	root := a.opts.root
	if root == "" {
		root = "/"
	}
	var extra []string
	if first != "" {
		extra = []string{first}
	}
	f := &files{fs: a.Root(root), user: a.opts.user,
		dirs: load.SearchPath(a.opts.user, a.Getenv, extra)}
	f.loader = load.New(load.Config{FS: f.fs, Path: f.dirs, User: a.opts.user,
		Home: a.Getenv("HOME"), RuntimeDir: a.Getenv("XDG_RUNTIME_DIR")})
	return f, nil
}

// inFS gives a path as package fs wants it.
func inFS(p string) string {
	if p = strings.TrimPrefix(path.Clean(p), "/"); p == "" {
		return "."
	}
	return p
}

// isRuntime reports whether what is in a directory lasts until the next boot only.
func isRuntime(dir string) bool { return strings.HasPrefix(dir, "/run/") }

// isConfig reports whether a directory is where systemctl enable makes its links.
func (f *files) isConfig(dir string) bool {
	base := "system"
	if f.user {
		base = "user"
	}
	return path.Base(dir) == base && !strings.HasPrefix(dir, "/usr/") &&
		!strings.HasPrefix(dir, "/lib/") && !strings.Contains(dir, "/share/")
}

// allLinks reads the symlinks of all directories, once.
func (f *files) allLinks() []link {
	if f.read {
		return f.links
	}
	f.read = true
	for _, dir := range f.dirs {
		f.linksIn(dir, "")
	}
	return f.links
}

func (f *files) linksIn(dir, within string) {
	at := path.Join(dir, within)
	entries, err := fs.ReadDir(f.fs, inFS(at))
	if err != nil {
		return
	}
	for _, e := range entries {
		switch ext := path.Ext(e.Name()); {
		case e.Type()&fs.ModeSymlink != 0:
			if target, err := f.fs.ReadLink(inFS(path.Join(at, e.Name()))); err == nil {
				f.links = append(f.links, link{dir, within, e.Name(), path.Base(target)})
			}
		case within == "" && e.IsDir() && (ext == ".wants" || ext == ".requires" || ext == ".upholds"):
			f.linksIn(dir, e.Name())
		}
	}
}

// find gives the file of a unit: its own, or that of its template.
func (f *files) find(unitName string) (load.File, bool) {
	all := f.loader.Files()
	for _, n := range []string{unitName, templateOf(unitName)} {
		i := slices.IndexFunc(all, func(file load.File) bool { return file.Name == n })
		if i >= 0 && all[i].Path != "" {
			return all[i], true
		}
	}
	return load.File{}, false
}

func templateOf(unitName string) string {
	t, _ := name.TemplateOf(unitName)
	return t
}

// state gives the word of is-enabled for a unit; "" if it has no file.
// systemctl(1), is-enabled.
func (f *files) state(unitName string) string {
	file, ok := f.find(unitName)
	if !ok {
		return ""
	}
	dir := path.Dir(file.Path)
	suffix := ""
	if isRuntime(dir) {
		suffix = "-runtime"
	}
	switch {
	case file.Masked:
		return "masked" + suffix
	case file.Alias != "" && file.Alias != unitName && file.Name == unitName:
		return "alias"
	case strings.Contains(path.Base(dir), "generator"):
		return "generated"
	case path.Base(dir) == "transient":
		return "transient"
	}
	install := f.loader.Load(loadable(file.Name, unitName)).Install
	switch enabled := f.enabled(unitName, install); {
	case enabled != "":
		return enabled
	case file.Linked:
		return "linked" + suffix
	case len(install.WantedBy)+len(install.RequiredBy)+len(install.UpheldBy)+len(install.Alias) > 0:
		return "disabled"
	case len(install.Also) > 0:
		return "indirect"
	}
	return "static"
}

// loadable gives a name by which a file can be loaded: a template needs an
// instance.
func loadable(file, unitName string) string {
	if !name.Valid(file, name.Template) {
		return file
	}
	if name.Valid(unitName, name.Instance) {
		return unitName
	}
	n, err := name.WithInstance(file, "i")
	if err != nil {
		return file
	}
	return n
}

// enabled looks for links that enable a unit.
func (f *files) enabled(unitName string, install unit.Install) string {
	names := []string{unitName}
	if name.Valid(unitName, name.Template) && install.DefaultInstance != "" {
		if n, err := name.WithInstance(unitName, install.DefaultInstance); err == nil {
			names = append(names, n)
		}
	}
	found, static := "", false
	for _, l := range f.allLinks() {
		hit := slices.Contains(names, l.name)
		if l.within == "" {
			hit = l.name != unitName && l.target == unitName // an alias
		}
		switch {
		case !hit && (l.within == "" || !slices.Contains(names, l.target)):
		case f.isConfig(l.dir) && !isRuntime(l.dir):
			return "enabled"
		case f.isConfig(l.dir):
			found = "enabled-runtime"
		case name.Valid(unitName, name.Instance):
			static = true
		}
	}
	if found == "" && static {
		return "static"
	}
	return found
}

// presetRule is one line of a preset file.
type presetRule struct {
	enable bool
	glob   string
}

// hasPreset reports whether the preset of a unit in a state is of interest.
func hasPreset(state string) bool {
	return !slices.Contains([]string{"", "alias", "static", "generated", "transient"}, state)
}

// preset gives what the preset files say of a unit; "" if that is of no interest.
// systemd.preset(5).
func (f *files) preset(unitName, state string) string {
	if !hasPreset(state) {
		return ""
	}
	if f.rules == nil {
		f.rules = f.presetRules()
	}
	for _, r := range f.rules {
		ok, _ := path.Match(r.glob, unitName)
		template, _ := path.Match(r.glob, templateOf(unitName))
		if (ok || template) && !r.enable {
			return "disabled"
		}
		if ok || template {
			break
		}
	}
	return "enabled"
}

// presetRules reads all preset files in the order of their names; of files of one
// name only that of the first directory counts.
func (f *files) presetRules() []presetRule {
	kind := "system-preset"
	if f.user {
		kind = "user-preset"
	}
	where := map[string]string{}
	for _, dir := range []string{"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"} {
		at := path.Join(dir, "systemd", kind)
		entries, _ := fs.ReadDir(f.fs, inFS(at))
		for _, e := range entries {
			if _, seen := where[e.Name()]; !seen && path.Ext(e.Name()) == ".preset" {
				where[e.Name()] = path.Join(at, e.Name())
			}
		}
	}
	names := make([]string, 0, len(where))
	for n := range where {
		names = append(names, n)
	}
	slices.Sort(names)
	rules := []presetRule{}
	for _, n := range names {
		text, _ := fs.ReadFile(f.fs, inFS(where[n]))
		for line := range strings.Lines(string(text)) {
			w := strings.Fields(line)
			if len(w) >= 2 && (w[0] == "enable" || w[0] == "disable") {
				rules = append(rules, presetRule{w[0] == "enable", w[1]})
			}
		}
	}
	return rules
}

func isEnabled(a *app, args []string) (int, error) {
	units, err := a.mangleAll(args, ".service")
	if err != nil {
		return exitFailure, err
	}
	f, err := a.files()
	if err != nil {
		return exitFailure, err
	}
	good := []string{"enabled", "enabled-runtime", "static", "alias", "indirect", "generated"}
	result := exitFailure
	for _, u := range units {
		state := f.state(u)
		if state == "" {
			return exitFailure, complain(
				"Failed to get unit file state for %s: No such file or directory", u)
		}
		a.say("%s\n", state)
		if slices.Contains(good, state) {
			result = exitOK
		}
		if a.opts.full && !a.opts.quiet {
			for _, l := range f.allLinks() {
				if l.name == u && f.isConfig(l.dir) {
					fmt.Fprintf(a.Stdout, "  %s\n", path.Join(l.dir, l.within, l.name))
				}
			}
		}
	}
	return result, nil
}

func getDefault(a *app, _ []string) (int, error) {
	f, err := a.files()
	if err != nil {
		return exitFailure, err
	}
	for _, dir := range f.dirs {
		at := inFS(path.Join(dir, "default.target"))
		if target, err := f.fs.ReadLink(at); err == nil {
			fmt.Fprintln(a.Stdout, path.Base(target))
			return exitOK, nil
		}
		if _, err := fs.Stat(f.fs, at); err == nil {
			fmt.Fprintln(a.Stdout, "default.target")
			return exitOK, nil
		}
	}
	return exitFailure, complain("Failed to get default target: No such file or directory")
}

// cat prints the files that units are made of: those the manager has read, or
// with --root, or without a manager, those that it would read.
func cat(a *app, args []string) (int, error) {
	units, err := a.resolve(args)
	if err != nil {
		return exitFailure, err
	}
	status, first := exitOK, true
	for _, u := range units {
		paths, masked, err := a.pathsOf(u)
		if err != nil {
			return exitFailure, err
		}
		if masked {
			fmt.Fprintf(a.Stdout, "# Unit %s is masked.\n", u)
			continue
		}
		if len(paths) == 0 {
			a.warn("No files found for %s.", u)
			status = exitFailure
		}
		for _, p := range paths {
			if !first {
				fmt.Fprintln(a.Stdout)
			}
			first = false
			if err := a.catFile(p); err != nil {
				return exitFailure, complain("Failed to cat %s: %v", p, err)
			}
		}
	}
	return status, nil
}

// pathsOf gives the files of a unit.
func (a *app) pathsOf(u string) (paths []string, masked bool, err error) {
	if a.opts.root == "" {
		if p, err := a.properties(u, "FragmentPath", "DropInPaths", "LoadState",
			"NeedDaemonReload"); err == nil {
			if p.bool("NeedDaemonReload") && !a.opts.quiet {
				a.warn("# Warning: %s changed on disk, the version the manager has loaded is outdated.\n"+
					"# Run '%s daemon-reload' to reload units.", u, a.name())
			}
			return a.onDisk(p.string("FragmentPath"), p.strings("DropInPaths")),
				p.string("LoadState") == "masked", nil
		}
	}
	f, err := a.files()
	if err != nil {
		return nil, false, err
	}
	def := f.loader.Load(u)
	return a.onDisk(def.Fragment, def.DropIns), def.Load == unit.Masked, nil
}

// onDisk puts the paths of a unit together; what only looks like a file is left
// out.
func (a *app) onDisk(fragment string, dropIns []string) []string {
	var paths []string
	if fragment != "" && fragment != "/proc/self/mountinfo" {
		paths = append(paths, fragment)
	}
	return append(paths, dropIns...)
}

func (a *app) catFile(p string) error {
	root := a.opts.root
	if root == "" {
		root = "/"
	}
	text, err := fs.ReadFile(a.Root(root), inFS(p))
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Stdout, a.look.paint(blue, "# "+p))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	_, err = a.Stdout.Write(text)
	return err
}

// shellAssignment gives an assignment as a shell reads it.
func shellAssignment(assignment string) string {
	n, v, _ := strings.Cut(assignment, "=")
	if !strings.ContainsAny(v, "\"\\`$ \t\n\r*?['()<>|&;!#~") {
		return assignment
	}
	v = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`).Replace(v)
	return n + "=$'" + v + "'"
}
