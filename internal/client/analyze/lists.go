package analyze

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/client/tool"
	"rouse/internal/unit/load"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

func exitStatus(a *session) (int, error) {
	type row struct {
		name, class string
		status      uint8
	}
	rows := []row{}
	add := func(n uint8) bool {
		word, class := value.ExitStatus(n)
		if word == "" {
			return false
		}
		rows = append(rows, row{word, class, n})
		return true
	}
	for n := range 256 {
		if len(a.args) == 0 {
			add(uint8(n))
		}
	}
	for _, arg := range a.args {
		n, err := value.ParseExitStatus(arg)
		if err != nil {
			return 1, tool.Complain("Invalid exit status \"%s\".", arg)
		}
		if !add(n) {
			rows = append(rows, row{"-", "-", n})
		}
	}
	width := len("NAME")
	for _, x := range rows {
		width = max(width, len(x.name))
	}
	a.Print("%-*s STATUS CLASS\n", width, "NAME")
	for _, x := range rows {
		a.Print("%-*s %6d %s\n", width, x.name, x.status, x.class)
	}
	return 0, nil
}

func capability(a *session) (int, error) {
	var list []uint
	if len(a.args) == 0 {
		for n := uint(0); isCapability(n); n++ {
			list = append(list, n)
		}
	}
	for _, arg := range a.args {
		n, ok := linux.Capability(arg)
		if !ok || !isCapability(n) {
			return 1, tool.Complain("Capability \"%s\" not known.", arg)
		}
		list = append(list, n)
	}
	width := len("NAME")
	for _, n := range list {
		width = max(width, len(linux.CapabilityName(n)))
	}
	a.Print("%-*s NUMBER\n", width, "NAME")
	for _, n := range list {
		a.Print("%-*s %6d\n", width, strings.ToLower(linux.CapabilityName(n)), n)
	}
	return 0, nil
}

// isCapability tells that a capability of that number has a name.
func isCapability(n uint) bool { return strings.HasPrefix(linux.CapabilityName(n), "CAP_") }

// syscallFilter lists groups of system calls; what each is for, the manual says.
func syscallFilter(a *session) (int, error) {
	return printSets(a, linux.CallGroups(), linux.CallGroup, "Filter set \"%s\" not found.")
}

// fileSystems lists sets of file systems.
func fileSystems(a *session) (int, error) {
	return printSets(a, linux.FileSystemSets(), linux.FileSystemSet,
		"Filesystem set \"%s\" not found.")
}

// printSets prints sets and their members: those named, with or without "@", or all.
func printSets(
	a *session, all []string, find func(string) ([]string, bool), unknown string,
) (int, error) {
	names := a.args
	if len(names) == 0 {
		names = all
	}
	for i, n := range names {
		members, ok := find(n)
		if !ok && !strings.HasPrefix(n, "@") {
			members, ok = find("@" + n)
			n = "@" + n
		}
		if !ok {
			return 1, tool.Complain(unknown, a.args[i])
		}
		if i > 0 {
			a.Print("\n")
		}
		a.Print("%s\n", n)
		for _, m := range members {
			a.Print("    %s\n", m)
		}
	}
	return 0, nil
}

// comparisons are the operators of compare-versions.
var comparisons = map[string]func(int) bool{
	"lt": func(c int) bool { return c < 0 }, "<": func(c int) bool { return c < 0 },
	"le": func(c int) bool { return c <= 0 }, "<=": func(c int) bool { return c <= 0 },
	"eq": func(c int) bool { return c == 0 }, "==": func(c int) bool { return c == 0 },
	"ne": func(c int) bool { return c != 0 }, "!=": func(c int) bool { return c != 0 },
	"ge": func(c int) bool { return c >= 0 }, ">=": func(c int) bool { return c >= 0 },
	"gt": func(c int) bool { return c > 0 }, ">": func(c int) bool { return c > 0 },
}

func versions(a *session) (int, error) {
	if len(a.args) == 3 {
		holds, ok := comparisons[a.args[1]]
		if !ok {
			return 1, tool.Complain("Unknown operator \"%s\".", a.args[1])
		}
		if holds(value.CompareVersions(a.args[0], a.args[2])) {
			return 0, nil
		}
		return 1, nil
	}
	sign, status := "==", 0
	switch c := value.CompareVersions(a.args[0], a.args[1]); {
	case c < 0:
		sign, status = "<", 12
	case c > 0:
		sign, status = ">", 11
	}
	a.Print("%s %s %s\n", a.args[0], sign, a.args[1])
	return status, nil
}

func unitPaths(a *session) (int, error) {
	for _, dir := range load.SearchPath(a.user(), a.Getenv, nil) {
		a.Print("%s\n", dir)
	}
	return 0, nil
}

// unitFiles lists which file, or which other name, each name stands for.
func unitFiles(a *session) (int, error) {
	match := func(s string) bool {
		return len(a.args) == 0 || slices.ContainsFunc(a.args, func(p string) bool {
			return value.Match(p, s, false)
		})
	}
	seen := map[string]bool{}
	var ids []string
	l := a.loader()
	fsys := l.Config().FS
	for _, dir := range l.Config().Path {
		entries, err := fs.ReadDir(fsys, strings.TrimPrefix(dir, "/"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			n := e.Name()
			if seen[n] || e.IsDir() || name.TypeOf(n) == name.Bad {
				continue
			}
			seen[n] = true
			at := path.Join(dir, n)
			if to, err := fsys.ReadLink(strings.TrimPrefix(at, "/")); err == nil &&
				path.Base(to) != n && name.TypeOf(path.Base(to)) != name.Bad {
				at = path.Base(to)
			}
			ids = append(ids, fmt.Sprintf("ids: %s → %s\n", n, at))
		}
	}
	slices.Sort(ids)
	for _, line := range ids {
		if match(strings.Fields(line)[1]) {
			a.Print("%s", line)
		}
	}
	return 0, nil
}
