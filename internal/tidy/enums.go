package tidy

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// An enum is a named type of this module and the constants it has.
type enum struct {
	dir, name string
	values    []string
}

// enums are all enumerations of the module, by folder and name of each constant.
type enums map[[2]string]*enum

// settled are the rooms where a switch over an enumeration has no default, since a
// new value must not slip past it; in complete ones it names every value as well.
var (
	settled  = []string{"internal/unit", "internal/graph", "internal/engine"}
	complete = []string{"internal/engine"}
)

// switches finds switches over enumerations that have a default or miss a value.
func switches(t *Tree) []Finding {
	known := findEnums(t)
	var all []Finding
	for _, k := range t.Packages {
		if !underAny(k.Dir, settled...) {
			continue
		}
		for _, f := range k.Files {
			if f.Test {
				continue
			}
			ast.Inspect(f.Go, func(n ast.Node) bool {
				if s, ok := n.(*ast.SwitchStmt); ok && s.Tag != nil {
					all = append(all, known.check(t, f, s)...)
				}
				return true
			})
		}
	}
	return all
}

// findEnums finds types that have two constants or more. In a group, a constant
// without type and value has those of the one above.
func findEnums(t *Tree) enums {
	found, byType := enums{}, map[[2]string]*enum{}
	for _, k := range t.Packages {
		for _, f := range k.Files {
			for _, d := range f.Go.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST && !f.Test {
					found.addGroup(byType, k.Dir, g)
				}
			}
		}
	}
	for at, e := range found {
		if len(e.values) < 2 {
			delete(found, at)
		}
	}
	return found
}

// addGroup adds the constants of one declaration in the package at dir.
func (found enums) addGroup(byType map[[2]string]*enum, dir string, g *ast.GenDecl) {
	typ := ""
	for _, s := range g.Specs {
		v := s.(*ast.ValueSpec)
		if v.Type != nil {
			id, ok := v.Type.(*ast.Ident)
			typ = ""
			if ok && !basic[id.Name] {
				typ = id.Name
			}
		} else if len(v.Values) > 0 {
			typ = ""
		}
		if typ == "" {
			continue
		}
		e := byType[[2]string{dir, typ}]
		if e == nil {
			e = &enum{dir: dir, name: typ}
			byType[[2]string{dir, typ}] = e
		}
		for _, id := range v.Names {
			if id.Name != "_" {
				e.values = append(e.values, id.Name)
				found[[2]string{dir, id.Name}] = e
			}
		}
	}
}

// basic are types whose constants make no enumeration.
var basic = map[string]bool{
	"int": true, "int8": true, "int16": true, "int32": true, "int64": true, "uint": true,
	"uint8": true, "uint16": true, "uint32": true, "uint64": true, "uintptr": true,
	"string": true, "byte": true, "rune": true, "bool": true, "float64": true,
}

// check looks at one switch of f. One whose cases are not all values of one
// enumeration is none of its business.
func (found enums) check(t *Tree, f *File, s *ast.SwitchStmt) []Finding {
	var e *enum
	var def token.Pos
	seen := map[string]bool{}
	for _, c := range s.Body.List {
		clause := c.(*ast.CaseClause)
		if clause.List == nil {
			def = clause.Pos()
		}
		for _, x := range clause.List {
			got, name := found.constant(t, f, x)
			if got == nil || e != nil && got != e {
				return nil
			}
			e, seen[name] = got, true
		}
	}
	if e == nil {
		return nil
	}
	dir := path.Dir(f.Path)
	var all []Finding
	if def.IsValid() {
		all = append(all, t.at(f, def, "switch", "a switch over %s.%s has a default: name every"+
			" value, so that a new one is decided", path.Base(e.dir), e.name))
	}
	if missing := e.missing(seen); len(missing) > 0 && underAny(dir, complete...) && !def.IsValid() {
		all = append(all, t.at(f, s.Pos(), "switch", "a switch over %s.%s does not name %s",
			path.Base(e.dir), e.name, strings.Join(missing, ", ")))
	}
	return all
}

// missing are the values of e that are not in seen. The last constant may be named
// as the plural of the type: it is how many there are, and no value.
func (e *enum) missing(seen map[string]bool) []string {
	last := len(e.values) - 1
	var none []string
	for i, v := range e.values {
		if !seen[v] && (i < last || !isPlural(v, e.name)) {
			none = append(none, v)
		}
	}
	return none
}

// isPlural tells whether many is the plural of one, whatever the first letter's case.
func isPlural(many, one string) bool {
	stem := strings.TrimSuffix(one, "y")
	return strings.EqualFold(many, one+"s") || strings.EqualFold(many, one+"es") ||
		strings.EqualFold(many, stem+"ies")
}

// constant is the enumeration whose value x names in f, and the value's name.
func (found enums) constant(t *Tree, f *File, x ast.Expr) (*enum, string) {
	switch x := x.(type) {
	case *ast.Ident:
		return found[[2]string{path.Dir(f.Path), x.Name}], x.Name
	case *ast.SelectorExpr:
		id, ok := x.X.(*ast.Ident)
		if !ok {
			return nil, ""
		}
		return found[[2]string{t.importDir(f, id.Name), x.Sel.Name}], x.Sel.Name
	}
	return nil, ""
}

// importDir is the folder of the package that f knows under name; "" for others'.
func (t *Tree) importDir(f *File, name string) string {
	for _, spec := range f.Go.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		dir, ours := strings.CutPrefix(p, t.Module+"/")
		if err != nil || !ours {
			continue
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(dir) == name {
			return dir
		}
	}
	return ""
}
