package condition

import (
	"path/filepath"
	"slices"
	"strings"

	"rouse/internal/unit"
)

// Look tells whether there is what a path unit waits for: the path, or, as the kind
// asks, a match of a glob, which is given back, or an entry in a directory.
// systemd.path(5).
func Look(s unit.PathSpec) (there bool, found string) {
	switch s.Kind {
	case unit.PathExistsGlob:
		list := matches(s.Path)
		if len(list) == 0 {
			return false, ""
		}
		return true, slices.Min(list)
	case unit.DirectoryNotEmpty:
		there, _ = directoryNotEmpty(s.Path, nil)
		return there, ""
	case unit.PathExists, unit.PathChanged, unit.PathModified, unit.PathKinds:
	}
	return exists(s.Path), ""
}

// matches gives the paths that match, braces {a,b} included.
func matches(pattern string) (list []string) {
	for _, p := range braces(pattern, 0) {
		// Go writes [^…] for [!…]. What is no pattern in Go is a name to glob(3).
		paths, err := filepath.Glob(strings.ReplaceAll(p, "[!", "[^"))
		if err != nil && exists(p) {
			paths = []string{p}
		}
		list = append(list, paths...)
	}
	return list
}
