package sandbox

import (
	"slices"
	"strings"
)

// arrange sorts entries, those above first, and drops those that change nothing.
func arrange(list []entry) []entry {
	slices.SortStableFunc(list, func(a, b entry) int {
		if c := comparePaths(a.path, b.path); c != 0 {
			return c
		}
		return int(a.mode) - int(b.mode)
	})
	return withoutUseless(withoutHidden(withoutRepeated(list)))
}

// comparePaths orders paths so that what is in a directory comes right after it.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(strings.Trim(a, "/"), "/"),
		strings.Split(strings.Trim(b, "/"), "/"))
}

// inside reports whether p is dir or in it.
func inside(dir, p string) bool {
	return dir == "/" || p == dir || strings.HasPrefix(p, dir) && p[len(dir)] == '/'
}

// withoutRepeated leaves the first entry of those at the same path, with what the others
// take away there.
func withoutRepeated(list []entry) []entry {
	kept := list[:0]
	for _, e := range list {
		if n := len(kept); n > 0 && kept[n-1].path == e.path && kept[n-1].done == e.done {
			first := &kept[n-1]
			first.ro = first.ro || e.isReadOnly()
			first.noExec = first.noExec || e.isNoExec()
			first.exec = first.exec || e.isExec()
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

// withoutHidden leaves out what is below something inaccessible.
func withoutHidden(list []entry) []entry {
	kept := list[:0]
	hidden := ""
	for _, e := range list {
		if hidden != "" && inside(hidden, e.path) {
			continue
		}
		if hidden = ""; e.mode == inaccessible {
			hidden = e.path
		}
		kept = append(kept, e)
	}
	return kept
}

// withoutUseless leaves out what the entry above it has done already.
func withoutUseless(list []entry) []entry {
	kept := list[:0]
	for _, e := range list {
		if e.mode != readOnly && e.mode != readWrite && e.mode != readWriteImplicit {
			kept = append(kept, e)
			continue
		}
		useless := false
		for i := len(kept) - 1; i >= 0; i-- {
			if inside(kept[i].path, e.path) {
				useless = kept[i].mode == e.mode
				break
			}
		}
		if !useless {
			kept = append(kept, e)
		}
	}
	return kept
}
