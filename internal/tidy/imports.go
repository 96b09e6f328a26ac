package tidy

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A policy is imports.txt, read.
type policy struct {
	rooms []room
	pure  []string // patterns of packages that pure rooms do not import
	std   []limit
	third []limit
	test  []limit
}

// A room is one line of policy: packages, and what they may import.
type room struct {
	pattern string
	pure    bool
	may     []string
}

// A limit says that only some rooms may import the packages of a pattern.
type limit struct {
	pattern string
	may     []string
}

// parsePolicy reads lines of imports.txt; its head describes them.
func parsePolicy(lines []string) (*policy, error) {
	p := &policy{}
	for i, line := range lines {
		line, reason, _ := strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := p.addLine(line, reason); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return p, nil
}

// addLine adds one line that is not empty.
func (p *policy) addLine(line, reason string) error {
	head, list, found := strings.Cut(line, ":")
	words, may := strings.Fields(head), strings.Fields(list)
	if words[0] == "pure" {
		p.pure = append(p.pure, words[1:]...)
		return nil
	}
	if !found || len(words) < 2 {
		return fmt.Errorf("%q is not VERB PACKAGES : LIST", strings.TrimSpace(line))
	}
	if words[0] != "room" && strings.TrimSpace(reason) == "" {
		return fmt.Errorf("%s: no reason after a #", words[1])
	}
	l := limit{words[1], may}
	switch words[0] {
	case "room":
		pure := len(words) > 2 && words[2] == "pure"
		p.rooms = append(p.rooms, room{pattern: words[1], pure: pure, may: may})
	case "std":
		p.std = append(p.std, l)
	case "third":
		p.third = append(p.third, l)
	case "test":
		p.test = append(p.test, l)
	default:
		return fmt.Errorf("%q is none of room, std, third, test, pure", words[0])
	}
	return nil
}

// matches tells whether pkg is what the pattern names.
func matches(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return under(pkg, below)
	}
	return pkg == pattern
}

// anyMatches tells whether one of the patterns names pkg.
func anyMatches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}

// room is the line for the package in dir: the longest pattern that fits.
func (p *policy) room(dir string) (room, bool) {
	var best room
	for _, r := range p.rooms {
		if matches(r.pattern, dir) && len(r.pattern) > len(best.pattern) {
			best = r
		}
	}
	return best, best.pattern != ""
}

// imports checks every import against the policy in internal/tidy/imports.txt.
func imports(t *Tree) []Finding {
	const file = "internal/tidy/imports.txt"
	i := slices.IndexFunc(t.Files, func(f *File) bool { return f.Path == file })
	if i < 0 {
		return []Finding{{file, 1, "import", "is missing: nothing says who may import whom"}}
	}
	p, err := parsePolicy(t.Files[i].Lines)
	if err != nil {
		return []Finding{{file, 1, "import", err.Error()}}
	}
	var all []Finding
	for _, k := range t.Packages {
		r, ok := p.room(k.Dir)
		if !ok {
			all = append(all, Finding{k.Files[0].Path, 1, "import",
				"package " + k.Dir + " has no room in " + file + ": add a line, or move it"})
			continue
		}
		for _, f := range k.Files {
			for _, spec := range f.Go.Imports {
				if why := p.refuse(t, f, r, spec); why != "" {
					all = append(all, t.at(f, spec.Pos(), "import", "%s", why))
				}
			}
		}
	}
	return all
}

// refuse says why the import is not allowed in a file of the room; "" if it is.
func (p *policy) refuse(t *Tree, f *File, r room, spec *ast.ImportSpec) string {
	pkg, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return err.Error()
	}
	dir := path.Dir(f.Path)
	own, inside := strings.CutPrefix(pkg, t.Module+"/")
	first, _, _ := strings.Cut(pkg, "/")
	switch {
	case inside:
		if under(own, dir) || anyMatches(r.may, own) || f.Test && under(own, "internal/tidy") {
			return ""
		}
		return fmt.Sprintf("%s may not import %s: the room may see [%s]; ask through what it sees,"+
			" or change the policy and say why", r.pattern, own, strings.Join(r.may, " "))
	case strings.Contains(first, "."):
		return p.refuseThird(f, dir, pkg)
	case f.Test:
		return ""
	case r.pure && anyMatches(p.pure, pkg):
		return fmt.Sprintf("%s is pure and may not import %s: let it arrive as an event"+
			" or an argument", r.pattern, pkg)
	}
	for _, l := range p.std {
		if matches(l.pattern, pkg) && !anyMatches(l.may, dir) {
			return fmt.Sprintf("only [%s] may import %s", strings.Join(l.may, " "), pkg)
		}
	}
	return ""
}

// refuseThird says why a file in dir may not import pkg of another module.
func (p *policy) refuseThird(f *File, dir, pkg string) string {
	lists := p.third
	if f.Test {
		lists = slices.Concat(p.third, p.test)
	}
	known := false
	for _, l := range lists {
		if matches(l.pattern+"/...", pkg) {
			known = true
			if anyMatches(l.may, dir) {
				return ""
			}
		}
	}
	if known {
		return fmt.Sprintf("%s is not for this room: imports.txt says where it may be used", pkg)
	}
	return fmt.Sprintf("%s has no line in imports.txt: do without, or add one with a reason", pkg)
}
