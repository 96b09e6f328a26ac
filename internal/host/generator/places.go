// Package generator runs the programs that make units and environment variables
// before units are loaded. It knows where they are, what they are told and how
// long they may take, and nothing of what they make. It answers for
// systemd.generator(7) and systemd.environment-generator(7).
package generator

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Places are the directories of generators and those of what they make.
type Places struct {
	Units       []string // of generators of units, highest priority first
	Environment []string // of generators of environment variables
	// Normal, Early and Late are where units go. They are in the search path of units.
	Normal, Early, Late string
}

// PlacesOf gives the directories of a manager that keeps its files in runtime (/run,
// $XDG_RUNTIME_DIR). env is asked for $SYSTEMD_GENERATOR_PATH and
// $SYSTEMD_ENVIRONMENT_GENERATOR_PATH; a colon at the end means "then the usual ones".
func PlacesOf(user bool, runtime string, env func(string) string) Places {
	kind := "system"
	if user {
		kind = "user"
	}
	dir := filepath.Join(runtime, "systemd")
	variables := env("SYSTEMD_ENVIRONMENT_GENERATOR_PATH")
	return Places{
		Units:       searchPath(env("SYSTEMD_GENERATOR_PATH"), kind+"-generators"),
		Environment: searchPath(variables, kind+"-environment-generators"),
		Normal:      filepath.Join(dir, "generator"),
		Early:       filepath.Join(dir, "generator.early"),
		Late:        filepath.Join(dir, "generator.late"),
	}
}

// searchPath is what a variable says, or the usual places of directories called base.
func searchPath(given, base string) []string {
	var dirs []string
	for dir := range strings.SplitSeq(given, ":") {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, filepath.Clean(dir))
		}
	}
	if given != "" && !strings.HasSuffix(given, ":") {
		return dirs
	}
	for _, above := range [...]string{"/run", "/etc", "/usr/local/lib", "/usr/lib"} {
		dirs = append(dirs, filepath.Join(above, "systemd", base))
	}
	return dirs
}

// find gives the programs in the directories, sorted by name. Of several of a name
// the first counts, unless it is no program; a symlink to /dev/null or an empty file
// hides those that come after it.
func find(dirs []string) []string {
	found := map[string]string{} // "" is hidden
	var names []string
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir) // what cannot be listed is empty
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if _, have := found[e.Name()]; have || isLeftover(e.Name()) {
				continue
			}
			info, err := os.Stat(path)
			switch {
			case err != nil:
			case isMask(path, info):
				found[e.Name()] = ""
			case info.Mode().IsRegular() && info.Mode()&0o111 != 0:
				found[e.Name()] = path
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = found[name]
	}
	return names
}

// isMask reports that a file only hides others.
func isMask(path string, info fs.FileInfo) bool {
	if info.Mode().IsRegular() {
		return info.Size() == 0
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// isLeftover reports that a file is hidden, or a copy that an editor or a package
// manager made.
func isLeftover(name string) bool {
	switch {
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"):
		return true
	case name == "lost+found", name == "aquota.user", name == "aquota.group":
		return true
	}
	_, suffix, _ := lastCut(name, ".")
	switch suffix {
	case "rpmnew", "rpmsave", "rpmorig", "dpkg-old", "dpkg-new", "dpkg-tmp", "dpkg-dist",
		"dpkg-bak", "dpkg-backup", "dpkg-remove", "ucf-new", "ucf-old", "ucf-dist", "swp", "bak",
		"old", "new":
		return true
	}
	return false
}

// lastCut is strings.Cut at the last separator.
func lastCut(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// empty makes the directories anew.
func (p *Places) empty() error {
	var errs []error
	for _, dir := range [...]string{p.Normal, p.Early, p.Late} {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

func (p *Places) make() error {
	var errs []error
	for _, dir := range [...]string{p.Normal, p.Early, p.Late} {
		errs = append(errs, os.MkdirAll(dir, 0o755))
	}
	return errors.Join(errs...)
}

// trim removes the directories that are still empty.
func (p *Places) trim() {
	for _, dir := range [...]string{p.Normal, p.Early, p.Late} {
		os.Remove(dir) // fails if there is something in it, and that is right
	}
}
