package sandbox

import (
	"slices"

	"rouse/internal/host/proc"
)

// A tree is what is mounted where, as far as it can be reached, sorted by path.
type tree []point

// A point is one mount.
type point struct {
	path string
	fs   string // the type
	// had are the flags it came with, wants those it shall have, and set those that
	// were set together with those of others.
	had, wants, set Flags
}

// kept are the flags of a mount that can be changed one by one.
const kept = FlagReadOnly | FlagNoSUID | FlagNoDev | FlagNoExec

var optionFlags = map[string]Flags{
	"ro": FlagReadOnly, "nosuid": FlagNoSUID, "nodev": FlagNoDev, "noexec": FlagNoExec,
	"noatime": FlagNoAtime, "nodiratime": FlagNoDiratime, "relatime": FlagRelatime,
}

// newTree takes the mount table as it is seen from root.
func newTree(table []proc.Mount, root string) tree {
	var t tree
	hidden := hiddenMounts(table)
	for i, m := range table {
		if hidden[i] {
			continue
		}
		var flags Flags
		for _, o := range m.Options {
			flags |= optionFlags[o]
		}
		t = append(t, point{path: m.Point, fs: m.Type, had: flags, wants: flags})
	}
	t.sort()
	return tree{}.bind(t, pathOr(root), "/", true)
}

func pathOr(root string) string {
	if root == "" {
		return "/"
	}
	return root
}

// hiddenMounts tells which mounts others are mounted over: over them, or over a
// directory on the way to them.
func hiddenMounts(table []proc.Mount) []bool {
	byID := map[int]int{}
	children := map[int][]int{}
	for i, m := range table {
		byID[m.ID] = i
		children[m.Parent] = append(children[m.Parent], i)
	}
	hidden := make([]bool, len(table))
	for i, m := range table {
		if up, ok := byID[m.Parent]; ok && up != i && hidden[up] && table[up].Point != m.Point {
			hidden[i] = true
			continue
		}
		for _, over := range children[m.ID] {
			hidden[i] = hidden[i] || over != i && table[over].Point == m.Point
		}
		for _, beside := range children[m.Parent] {
			b := table[beside]
			if beside != i && b.Point != m.Point && inside(b.Point, m.Point) &&
				(byID[m.Parent] == i || b.Point != table[byID[m.Parent]].Point) {
				hidden[i] = true
			}
		}
	}
	return hidden
}

func (t tree) sort() {
	slices.SortStableFunc(t, func(a, b point) int { return comparePaths(a.path, b.path) })
}

// at is the mount that path is in.
func (t tree) at(path string) *point {
	var best *point
	for i := range t {
		if inside(t[i].path, path) && (best == nil || len(t[i].path) >= len(best.path)) {
			best = &t[i]
		}
	}
	return best
}

// isPoint reports whether something is mounted exactly there.
func (t tree) isPoint(path string) bool {
	p := t.at(path)
	return p != nil && p.path == path
}

// cover takes away what a mount at path hides.
func (t tree) cover(path string) tree {
	return slices.DeleteFunc(t, func(p point) bool { return inside(path, p.path) })
}

// mount adds a new file system.
func (t tree) mount(path, fs string, flags Flags) tree {
	t = append(t.cover(path), point{path: path, fs: fs, had: flags, wants: flags})
	t.sort()
	return t
}

// bind adds what is at source in the tree of, and with deep what is mounted below it.
func (t tree) bind(of tree, source, path string, deep bool) tree {
	top := of.at(source)
	if top == nil {
		return t.mount(path, "", 0)
	}
	added := tree{{path: path, fs: top.fs, had: top.had, wants: top.had}}
	for _, p := range of {
		if deep && p.path != source && inside(source, p.path) {
			rest, _ := within(source, p.path)
			added = append(added, point{
				path: join(path, rest), fs: p.fs, had: p.had, wants: p.had,
			})
		}
	}
	t = append(t.cover(path), added...)
	t.sort()
	return t
}

// join puts a path below a directory.
func join(dir, path string) string {
	switch {
	case dir == "/" || dir == "":
		return path
	case path == "/":
		return dir
	}
	return dir + path
}
