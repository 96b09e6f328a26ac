package client

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/install"
	"rouse/internal/unit/load"
)

// files are the unit files on disk, read without a manager.
type files struct {
	*install.Files
	fs   fs.ReadLinkFS
	dirs []string
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
	f := &files{fs: a.Root(root), dirs: load.SearchPath(a.opts.user, a.Getenv, extra)}
	f.Files = install.New(load.Config{FS: f.fs, Path: f.dirs, User: a.opts.user,
		Machine: a.Facts(root), Home: a.Getenv("HOME"), RuntimeDir: a.Getenv("XDG_RUNTIME_DIR")})
	return f, nil
}

// inFS gives a path as package fs wants it.
func inFS(p string) string {
	if p = strings.TrimPrefix(path.Clean(p), "/"); p == "" {
		return "."
	}
	return p
}

// preset gives what the preset files say of a unit file; "" if that is of no interest.
func (f *files) preset(unitFile, state string) string {
	if !install.HasPreset(state) {
		return ""
	}
	return f.Presets().Word(unitFile)
}

// isEnabled prints the state of each unit file; the status is 0 if one of them is enabled
// or need not be.
func isEnabled(a *app, args []string) (int, error) {
	var units []string
	for _, arg := range args {
		u := arg
		if !strings.Contains(arg, "/") {
			var err error
			if u, err = a.mangleName(arg, ".service"); err != nil {
				return exitFailure, err
			}
		}
		units = append(units, u)
	}
	units, err := a.sysv("is-enabled", units)
	if err != nil {
		return exitFailure, told(err)
	}
	f, err := a.files()
	if err != nil {
		return exitFailure, err
	}
	good := []string{"enabled", "enabled-runtime", "static", "alias", "indirect", "generated"}
	result := exitFailure
	if a.sysvEnabled {
		result = exitOK
	}
	for _, u := range units {
		if strings.Contains(u, "/") {
			return exitFailure, complain(
				"Failed to get unit file state for %s: Invalid argument", u)
		}
		state, faults, err := f.Lookup(u)
		for _, fault := range faults {
			a.warn("%s", a.inRoot(fault))
		}
		if err != nil {
			return exitFailure, complain("Failed to get unit file state for %s: %v", u, err)
		}
		a.say("%s\n", state)
		if slices.Contains(good, state) {
			result = exitOK
		}
		if a.opts.full && !a.opts.quiet {
			place, err := a.place()
			if err != nil {
				return exitFailure, err
			}
			for _, l := range place.Links(u, a.opts.runtime) {
				fmt.Fprintf(a.Stdout, "  %s\n", l)
			}
		}
	}
	return result, nil
}

func getDefault(a *app, _ []string) (int, error) {
	place, err := a.place()
	if err != nil {
		return exitFailure, err
	}
	target, err := place.DefaultTarget()
	if err != nil {
		return exitFailure, complain("Failed to get default target: %v", err)
	}
	fmt.Fprintln(a.Stdout, target)
	return exitOK, nil
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
	def := f.Loader().Load(u)
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
