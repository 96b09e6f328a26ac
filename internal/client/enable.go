package client

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rouse/internal/face"
	"rouse/internal/host/links"
	"rouse/internal/unit"
	"rouse/internal/unit/install"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
)

// fileVerbs tells of the verbs that change unit files: how systemctl calls them where the
// manager carries them out, and where it does so itself; and what --now does then.
var fileVerbs = map[string]struct {
	manager, own, now string
	rules             bool // units without [Install] are told
}{
	"enable":       {"Failed to enable unit: %v", "enable", "start", true},
	"disable":      {"Failed to disable unit: %v", "disable", "stop", false},
	"reenable":     {"Failed to reenable unit: %v", "reenable", "", true},
	"preset":       {"Failed to preset unit: %v", "preset", "", false},
	"preset-all":   {"Failed to preset all units: %v", "preset", "", false},
	"mask":         {"Failed to mask unit: %v", "mask", "stop", false},
	"unmask":       {"Failed to unmask unit: %v", "unmask", "", false},
	"link":         {"Failed to link unit: %v", "link", "", false},
	"revert":       {"Failed to revert unit: %v", "revert", "", false},
	"set-default":  {"Failed to set default target: %v", "set default", "", false},
	"add-wants":    {"Failed to add dependency: %v", "add dependency on", "", false},
	"add-requires": {"Failed to add dependency: %v", "add dependency on", "", false},
}

// noInstallInfo is what systemctl says of units that are not meant to be enabled. Scripts
// look for it.
const noInstallInfo = `The unit files have no installation config (WantedBy=, RequiredBy=, Also=,
Alias= settings in the [Install] section, and DefaultInstance= for template
units). This means they are not meant to be enabled using systemctl.
 
Possible reasons for having this kind of units are:
• A unit may be statically enabled by being symlinked from another unit's
  .wants/ or .requires/ directory.
• A unit's purpose may be to act as a helper for some other unit which has
  a requirement dependency on it.
• A unit may be started when needed via activation (socket, path, timer,
  D-Bus, udev, scripted systemctl call, ...).
• In case of template units, the unit is meant to be enabled with some
  instance name specified.`

// errTold is a failure that the user has been told of.
var errTold = errors.New("told")

// told leaves out what the user has been told of.
func told(err error) error {
	if err == errTold {
		return nil
	}
	return err
}

// changeFiles enables, disables, masks … unit files: through the manager, if there is
// one that these files are for.
func changeFiles(a *app, args []string) (int, error) {
	req, err := a.filesRequest(args)
	if err != nil {
		return exitFailure, err
	}
	if req.Units, err = a.sysv(req.Verb, req.Units); err != nil {
		return exitFailure, told(err)
	}
	if len(req.Units) == 0 && len(args) > 0 { // there were nothing but init scripts
		return a.reloadAfter()
	}
	req.Units = a.normal(req.Verb, req.Units)
	rules, err := a.carryOut(req)
	if err != nil {
		return exitFailure, told(err)
	}
	about := fileVerbs[req.Verb]
	if req.Verb == "set-default" {
		a.noteDefault(req.Units[0])
	}
	if about.rules && !rules && !a.opts.quiet && !a.opts.noWarn {
		a.warn("%s", noInstallInfo)
	}
	if a.opts.now && about.now != "" {
		return a.now(about.now, req.Units)
	}
	return exitOK, nil
}

// noteDefault says so if the default is not what was asked for.
func (a *app) noteDefault(asked string) {
	place, err := a.place()
	if err != nil {
		return
	}
	if target, err := place.DefaultTarget(); err == nil && target != asked {
		a.note("Note: \"%s\" is the default unit (possibly a runtime override).", target)
	}
}

// filesRequest makes a request of the command line.
func (a *app) filesRequest(args []string) (req face.FilesRequest, err error) {
	o := &a.opts
	req = face.FilesRequest{Verb: a.verb.name, Runtime: o.runtime, Force: o.force,
		PresetMode: o.presetMode}
	suffix := ".service"
	switch req.Verb {
	case "add-wants", "add-requires":
		if req.Target, err = a.mangleName(args[0], ".target"); err != nil {
			return req, err
		}
		args = args[1:]
	case "set-default":
		req.Force, suffix = true, ".target"
	}
	for _, arg := range args {
		n := arg
		switch {
		case req.Verb != "set-default" && strings.Contains(arg, "/"):
			n, err = filepath.Abs(arg)
		default:
			n, err = a.mangleName(arg, suffix)
		}
		if err != nil {
			return req, err
		}
		req.Units = append(req.Units, n)
	}
	return req, nil
}

// normal makes names of paths where a verb takes names only.
func (a *app) normal(verb string, units []string) []string {
	if verb != "disable" {
		return units
	}
	var names []string
	warned := false
	for _, u := range units {
		if strings.Contains(u, "/") && !warned {
			a.warn("Warning: Can't execute disable on the unit file path. " +
				"Proceeding with the unit name.")
			warned = true
		}
		names = append(names, path.Base(u))
	}
	return names
}

// carryOut makes the changes, and prints them.
func (a *app) carryOut(req face.FilesRequest) (rules bool, err error) {
	if a.opts.root == "" && !a.opts.global && a.Getenv("SYSTEMD_OFFLINE") != "1" {
		if m, err := a.manager(); err == nil {
			return a.throughManager(m, req)
		}
	}
	place, err := a.place()
	if err != nil {
		return false, err
	}
	plan := place.Make(install.Request{
		Verb: req.Verb, Units: req.Units, Target: req.Target, PresetMode: req.PresetMode,
		Runtime: req.Runtime, Force: req.Force,
	})
	root := a.opts.root
	if root == "" {
		root = "/"
	}
	links.Apply(root, &plan)
	for _, f := range plan.Faults {
		a.warn("%s", a.inRoot(f))
	}
	told := a.tell(plan.Changes, fileVerbs[req.Verb].own)
	switch {
	case plan.Failed != nil && !told:
		return false, complain("Failed to %s: %v.", fileVerbs[req.Verb].own, plan.Failed)
	case plan.Failed != nil:
		return false, errTold
	}
	return plan.Rules > 0, nil
}

// tell prints changes, and reports whether failures were among them.
func (a *app) tell(changes []install.Change, verb string) (told bool) {
	for _, c := range changes {
		if line := c.Line(verb, a.opts.root); line != "" && (c.Failed() || !a.opts.quiet) {
			a.warn("%s", line)
		}
		told = told || c.Failed()
	}
	return told
}

// inRoot says a fault of a unit file as systemctl does.
func (a *app) inRoot(f unit.Fault) string {
	return fmt.Sprintf("%s:%d: %s", path.Join("/", a.opts.root, f.File), f.Line, f.Why)
}

// throughManager has the manager make the changes, and read its files again.
func (a *app) throughManager(m face.Manager, req face.FilesRequest) (rules bool, err error) {
	if req.Verb == "mask" || req.Verb == "unmask" {
		for _, u := range req.Units {
			p, err := a.properties(u, "LoadState")
			if err == nil && p.string("LoadState") == "not-found" {
				a.warn("Unit %s does not exist, proceeding anyway.", u)
			}
		}
	}
	reply, err := m.ChangeFiles(a.ctx, req)
	if err != nil {
		return false, complain(fileVerbs[req.Verb].manager, err)
	}
	var changes []install.Change
	for _, c := range reply.Changes {
		changes = append(changes, install.ChangeOf(c.Type, c.Path, c.Source))
	}
	a.tell(changes, "")
	if a.opts.noReload {
		return reply.HasInstallInfo, nil
	}
	if _, err := m.Reload(a.ctx, false); err != nil {
		return false, complain("Failed to reload daemon: %v", err)
	}
	return reply.HasInstallInfo, nil
}

// reloadAfter has the manager read its files again, if there is one that shall.
func (a *app) reloadAfter() (int, error) {
	if a.opts.noReload || a.opts.root != "" || a.opts.global {
		return exitOK, nil
	}
	m, err := a.manager()
	if err != nil {
		return exitOK, nil
	}
	if _, err := m.Reload(a.ctx, false); err != nil {
		return exitFailure, complain("Failed to reload daemon: %v", err)
	}
	return exitOK, nil
}

// now starts or stops the units that were enabled or disabled.
func (a *app) now(verb string, units []string) (int, error) {
	var names []string
	for _, u := range units {
		names = append(names, path.Base(u))
	}
	a.verb = verbNamed(verb)
	return a.verb.run(a, names)
}

// place is where the command itself makes links: below --root, or for all users.
func (a *app) place() (p install.Place, err error) {
	root := a.opts.root
	if root == "" {
		root = "/"
	}
	fsys := a.Root(root)
	if _, err := fs.Stat(fsys, "."); err != nil {
		return p, complain("Failed to initialize unit search paths for root directory %s: "+
			"No such file or directory", root)
	}
	if a.opts.global {
		return install.Global(fsys), nil
	}
	c := load.Config{FS: fsys, User: a.opts.user, Machine: a.Facts(root),
		Path: load.SearchPath(a.opts.user, a.Getenv, nil)}
	if a.opts.user && a.opts.root != "" { // there is no telling whose home it would be
		return install.Place{FS: fsys}, nil
	}
	return install.At(c, a.Getenv), nil
}

// mangleName makes the name of one unit of what was typed; a pattern is none.
func (a *app) mangleName(arg, suffix string) (string, error) {
	n, err := name.Mangle(arg, suffix, false)
	if err != nil {
		return "", complain("Failed to mangle name: %v", err)
	}
	shown := n
	if !strings.HasSuffix(arg, suffix) {
		shown = strings.TrimSuffix(n, suffix)
	}
	if n != arg && shown != arg && !strings.HasPrefix(arg, "/") && !a.opts.quiet {
		if name.IsGlob(arg) {
			a.warn("Glob pattern passed to %s, but globs are not supported for this.", a.verb.name)
		}
		a.warn(`Invalid unit name "%s" escaped as "%s" (maybe you should use systemd-escape?).`,
			arg, shown)
	}
	return n, nil
}

// sysvInstall is the program that enables init scripts; Debian's calls update-rc.d.
const sysvInstall = "/lib/systemd/systemd-sysv-install"

// sysv enables or disables the init scripts among units, and gives those units that have
// a unit file.
func (a *app) sysv(verb string, units []string) (rest []string, err error) {
	if a.opts.user || a.opts.global || a.Getenv("SYSTEMCTL_SKIP_SYSV") == "1" ||
		verb != "enable" && verb != "disable" && verb != "is-enabled" {
		return units, nil
	}
	f, err := a.files()
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		script, isService := strings.CutSuffix(u, ".service")
		if !isService || strings.Contains(u, "/") {
			rest = append(rest, u)
			continue
		}
		native, err := f.HasNative(u)
		if err != nil {
			return nil, complain("Failed to look up unit file state: %v", err)
		}
		if native && verb == "is-enabled" || !a.hasScript(script) {
			rest = append(rest, u)
			continue
		}
		if native {
			rest = append(rest, u)
			a.note("Synchronizing state of %s with SysV service script with %s.", u, sysvInstall)
		} else {
			a.note("%s is not a native service, redirecting to systemd-sysv-install.", u)
		}
		args := []string{verb, script}
		if a.opts.root != "" {
			args = append([]string{"--root=" + a.opts.root}, args...)
		}
		a.note("Executing: %s", strings.Join(append([]string{sysvInstall}, args...), " "))
		status, err := a.Exec(append([]string{sysvInstall}, args...))
		switch {
		case err != nil:
			return nil, complain("Failed to execute %s: %v", sysvInstall, err)
		case verb == "is-enabled":
			a.sysvState(status == 0)
		case status != 0:
			return nil, errTold
		}
	}
	return rest, nil
}

// sysvState answers is-enabled for an init script.
func (a *app) sysvState(enabled bool) {
	word := "disabled"
	if enabled {
		word, a.sysvEnabled = "enabled", true
	}
	a.say("%s\n", word)
}

func (a *app) hasScript(script string) bool {
	root := a.opts.root
	if root == "" {
		root = "/"
	}
	_, err := fs.Stat(a.Root(root), path.Join("etc/init.d", script))
	return err == nil
}

// note prints a line on standard error, unless --quiet.
func (a *app) note(format string, args ...any) {
	if !a.opts.quiet {
		a.warn(format, args...)
	}
}

// The marks around what is edited of a drop-in. Editors and scripts look for them.
const (
	editMark = "### Anything between here and the comment below will become the new contents " +
		"of the file"
	belowMark = "### Lines below this comment will be discarded"
)

// editing is one file that is edited: a copy of it, which takes its place at the end.
type editing struct {
	target, copy string
	marked       bool // it is what stands between the marks that counts
}

// edit has the user edit a drop-in of units, or with --full the unit files themselves.
func edit(a *app, args []string) (int, error) {
	if !a.Terminal {
		return exitFailure, complain("Cannot edit units if not on a tty.")
	}
	units, err := a.resolve(args)
	if err != nil {
		return exitFailure, err
	}
	if len(units) == 0 {
		return exitFailure, complain("No units matched the specified patterns.")
	}
	var list []editing
	defer func() {
		for _, e := range list {
			os.Remove(e.copy)
		}
	}()
	for _, u := range units {
		e, err := a.prepareEdit(u)
		if err != nil {
			return exitFailure, err
		}
		list = append(list, e)
	}
	if err := a.runEditor(list); err != nil {
		return exitFailure, err
	}
	for _, e := range list {
		if err := a.finishEdit(e); err != nil {
			return exitFailure, err
		}
	}
	return a.reloadAfter()
}

// prepareEdit makes the copy of what is to be edited for a unit.
func (a *app) prepareEdit(u string) (e editing, err error) {
	paths, masked, err := a.pathsOf(u)
	switch {
	case err != nil:
		return e, err
	case masked:
		return e, complain("Cannot edit %s: unit is masked.", u)
	case len(paths) == 0 && !a.opts.force:
		option := ""
		if a.opts.user {
			option = " --user"
		}
		return e, complain("No files found for %s.\n"+
			"Run 'systemctl edit%s --force --full %s' to create a new unit.", u, option, u)
	}
	place, err := a.place()
	if err != nil {
		return e, err
	}
	dir := place.Persistent
	if a.opts.runtime {
		dir = place.Runtime
	}
	if dir == "" {
		return e, complain("Failed to edit %s: there is no directory for it", u)
	}
	shown := path.Join(dir, u)
	if !a.opts.full {
		shown = path.Join(dir, u+".d", "override.conf")
	}
	e.target = filepath.Join("/", a.opts.root, shown)
	at, base := filepath.Split(e.target)
	e.copy = filepath.Join(at, ".#"+base+strings.ToLower(rand.Text()))
	if err := os.MkdirAll(at, 0o755); err != nil {
		return e, complain("Failed to create directories for \"%s\": %v", e.target, err)
	}
	text, marked := a.editText(shown, paths)
	e.marked = marked
	if text == "" {
		return e, nil // the editor makes it
	}
	return e, os.WriteFile(e.copy, []byte(text), 0o644)
}

// editText is what the editor shows first: of a unit file its text, of a drop-in with
// what the unit is made of besides.
func (a *app) editText(shown string, paths []string) (text string, marked bool) {
	if len(paths) == 0 {
		return "", false
	}
	if a.opts.full {
		return a.fileText(paths[0]), false
	}
	var b strings.Builder
	b.WriteString("### Editing " + path.Join("/", a.opts.root, shown) + "\n" + editMark + "\n\n")
	b.WriteString(a.fileText(shown) + "\n\n" + belowMark + "\n")
	for _, p := range paths {
		if p == shown {
			continue
		}
		b.WriteString("\n### " + p + "\n")
		for line := range strings.Lines(a.fileText(p)) {
			b.WriteString("# " + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String(), true
}

// fileText reads a file below the root directory; "" if it cannot be read.
func (a *app) fileText(p string) string {
	root := a.opts.root
	if root == "" {
		root = "/"
	}
	text, _ := fs.ReadFile(a.Root(root), inFS(p)) // what cannot be read is not shown
	return string(text)
}

// runEditor has the files edited by the user's editor, or by one that is there.
func (a *app) runEditor(list []editing) error {
	var tries [][]string
	for _, key := range []string{"SYSTEMD_EDITOR", "EDITOR", "VISUAL"} {
		if words := strings.Fields(a.Getenv(key)); len(words) > 0 && tries == nil {
			tries = [][]string{words}
		}
	}
	if tries == nil {
		tries = [][]string{{"editor"}, {"nano"}, {"vim"}, {"vi"}}
	}
	for _, argv := range tries {
		for _, e := range list {
			argv = append(argv, e.copy)
		}
		status, err := a.Exec(argv)
		switch {
		case err == nil && status == 0:
			return nil
		case err == nil:
			return complain("%s failed with exit status %d.", argv[0], status)
		}
	}
	return complain("Cannot edit units, no editor available. " +
		"Please set either $SYSTEMD_EDITOR, $EDITOR or $VISUAL.")
}

// finishEdit puts a copy in the place of what it was made for, unless it is empty.
func (a *app) finishEdit(e editing) error {
	text, err := os.ReadFile(e.copy)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return complain("Failed to read temporary file \"%s\": %v", e.copy, err)
	}
	kept := string(text)
	if e.marked {
		if _, after, ok := strings.Cut(kept, editMark); ok {
			kept = after
		}
		kept, _, _ = strings.Cut(kept, belowMark)
	}
	if kept = strings.TrimSpace(kept); kept == "" {
		a.warn("Editing \"%s\" canceled: temporary file is empty.", e.target)
		return nil
	}
	if err := os.WriteFile(e.copy, []byte(kept+"\n"), 0o644); err != nil {
		return complain("Failed to modify temporary file \"%s\": %v", e.copy, err)
	}
	if err := os.Rename(e.copy, e.target); err != nil {
		return complain("Failed to rename \"%s\" to \"%s\": %v", e.copy, e.target, err)
	}
	return nil
}
