package analyze

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/client/tool"
	"rouse/internal/host/condition"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
)

// verify loads unit files, and those that they name, and tells what is wrong in them.
// Unless it is asked to, it does not fail for what units go on with. systemd-analyze(1).
func verify(a *session) (int, error) {
	mode := ""
	if a.Has("recursive-errors") {
		mode = a.Value("recursive-errors")
		if !slices.Contains([]string{"yes", "one", "no", "help"}, mode) {
			return 1, tool.Complain("Unknown mode passed to --recursive-errors='%s'.", mode)
		}
	}
	dirs, names, err := a.named(a.args)
	if err != nil {
		return 1, err
	}
	l := a.loader(dirs...)
	status := 0
	for _, u := range l.Closure(names, func(string) bool { return false }) {
		own := slices.Contains(names, u.Name)
		if !own && mode == "no" {
			continue
		}
		bad := a.report(u, own)
		if bad && own || mode != "" && (bad || len(u.Faults) > 0) &&
			(own || mode == "yes" || mode == "one" && a.near(l.Load, names, u.Name)) {
			status = 1
		}
	}
	return status, nil
}

// near tells whether one of the units names another itself.
func (a *session) near(load func(string) *unit.Unit, names []string, other string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return slices.ContainsFunc(load(n).Edges, func(e unit.Edge) bool { return e.Name == other })
	})
}

// report tells what is wrong with a unit, and whether it is no good for it.
func (a *session) report(u *unit.Unit, own bool) (bad bool) {
	for _, f := range u.Faults {
		a.Say("%s", f)
	}
	switch u.Load {
	case unit.Loaded, unit.Masked, unit.Stub, unit.Merged:
	case unit.NotFound:
		if own {
			a.Say("Unit %s not found.", u.Name)
			bad = true
		}
	case unit.BadSetting, unit.LoadFailed:
		text := u.LoadError
		if text == "" {
			text = u.Load.String()
		}
		a.Say("%s: %s", u.Name, text)
		bad = true
	}
	return bad || a.commands(u, own)
}

// commands looks whether the programs of a service are there.
func (a *session) commands(u *unit.Unit, own bool) (bad bool) {
	if u.Service == nil || u.Load != unit.Loaded || !own {
		return false
	}
	root := a.Value("root")
	if root == "" {
		root = "/"
	}
	for _, list := range u.Service.Commands {
		for _, c := range list {
			if !path.IsAbs(c.Path) {
				continue
			}
			info, err := fs.Stat(a.Root(root), strings.TrimPrefix(c.Path, "/"))
			if err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
				continue
			}
			why := "No such file or directory"
			if err == nil {
				why = "Permission denied"
			}
			a.Say("%s: Command %s is not executable: %s", u.Name, c.Path, why)
			bad = true
		}
	}
	return bad
}

// conditions tests lines as they are in unit files.
func conditions(a *session) (int, error) {
	u := directive.New("test.service", name.Service, nil)
	for _, arg := range a.args {
		key, text, ok := strings.Cut(arg, "=")
		key, text = strings.TrimSpace(key), strings.TrimSpace(text)
		known := strings.HasPrefix(key, "Condition") || strings.HasPrefix(key, "Assert")
		if !ok || !known || directive.Lookup("Unit", key) == nil {
			return 1, tool.Complain("Cannot parse \"%s\".", arg)
		}
		assignment := directive.Assignment{
			Section: "Unit", Name: key, Value: text, File: "(stdin)", Line: 1,
		}
		for _, f := range directive.Apply(u, assignment, &directive.Context{}) {
			a.Say("%s", f)
			return 1, tool.ErrTold
		}
	}
	env := condition.Env{}
	status := 0
	for _, t := range []struct {
		list     []unit.Condition
		one, all string
	}{{u.Asserts, "Assert", "Asserts"}, {u.Conditions, "Condition", "Conditions"}} {
		if len(t.list) == 0 {
			continue
		}
		list := slices.Clone(t.list)
		slices.Reverse(list)
		ok, results := condition.All(list, &env)
		for _, r := range results {
			word := "failed"
			if r.Met {
				word = "succeeded"
			}
			a.Say("test.service: %s%s=%s %s.", t.one, r.Condition.Name, written(r.Condition), word)
		}
		word := "failed"
		if ok {
			word = "succeeded"
		} else {
			status = 1
		}
		a.Say("%s %s.", t.all, word)
	}
	return status, nil
}

// written is the value of a condition as one writes it.
func written(c unit.Condition) string {
	s := c.Param
	if c.Negate {
		s = "!" + s
	}
	if c.Trigger {
		s = "|" + s
	}
	return s
}

// catConfig prints a file of configuration with its drop-ins.
func catConfig(a *session) (int, error) {
	root := a.Value("root")
	if root == "" {
		root = "/"
	}
	fsys := a.Root(root)
	places := []string{"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"}
	for i, arg := range a.args {
		if i > 0 {
			a.Print("\n\n")
		}
		for _, p := range append(slices.Clone(places), "/usr/local/share", "/usr/share") {
			arg = strings.TrimPrefix(arg, p+"/")
		}
		found := ""
		for _, p := range places {
			at := path.Join(p, arg)
			if info, err := fs.Stat(fsys, strings.TrimPrefix(at, "/")); err == nil && !info.IsDir() {
				found = at
				break
			}
		}
		var files []string
		if found != "" {
			files = append(files, found)
		} else if strings.HasSuffix(arg, ".conf") {
			a.Print("# Main configuration file %s not found\n", arg)
		}
		dir := arg + ".d"
		if !strings.HasSuffix(arg, ".conf") {
			dir = arg
		}
		files = append(files, dropIns(fsys, places, dir)...)
		for k, file := range files {
			if k > 0 {
				a.Print("\n")
			}
			text, err := fs.ReadFile(fsys, strings.TrimPrefix(file, "/"))
			if err != nil {
				return 1, tool.Complain("Failed to open \"%s\": %v", file, err)
			}
			a.Print("# %s\n%s", path.Join(root, file), text)
		}
	}
	return 0, nil
}

// dropIns gives the files of a directory in all places, each name once, by name.
func dropIns(fsys fs.FS, places []string, dir string) []string {
	at := map[string]string{}
	for _, p := range slices.Backward(places) {
		entries, err := fs.ReadDir(fsys, strings.TrimPrefix(path.Join(p, dir), "/"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".conf") && !e.IsDir() {
				at[e.Name()] = path.Join(p, dir, e.Name())
			}
		}
	}
	var names []string
	for n := range at {
		names = append(names, n)
	}
	slices.Sort(names)
	var list []string
	for _, n := range names {
		list = append(list, at[n])
	}
	return list
}
