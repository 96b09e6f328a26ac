package tidy

import (
	"go/ast"
	"path"
	"strconv"
)

// spawners are the rooms that may start goroutines.
var spawners = []string{
	"internal/host", "internal/manager", "internal/face", "internal/journal",
	"internal/client", "cmd", "demo",
}

// clocks are the parts of package time that a pure room does without.
var clocks = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"Tick": true, "NewTimer": true, "NewTicker": true,
}

// pureRooms get their time as an argument.
var pureRooms = []string{"internal/unit", "internal/graph", "internal/engine"}

// calls finds what must not be called, started or declared where it is.
func calls(t *Tree) []Finding {
	var all []Finding
	for _, k := range t.Packages {
		for _, f := range k.Files {
			all = append(all, callsIn(t, f)...)
		}
	}
	return all
}

// callsIn is calls for one file.
func callsIn(t *Tree, f *File) []Finding {
	var all []Finding
	dir := path.Dir(f.Path)
	time := importName(f.Go, "time")
	pure := underAny(dir, pureRooms...) && !f.Test
	ast.Inspect(f.Go, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				all = append(all, t.at(f, n.Pos(), "init",
					"init runs at every exec, unasked: call it from where it is needed"))
			}
		case *ast.GoStmt:
			if !f.Test && !underAny(dir, spawners...) {
				all = append(all, t.at(f, n.Pos(), "go",
					"%s starts no goroutines: only [host manager face journal client cmd] do", dir))
			}
		case *ast.SelectorExpr:
			id, ok := n.X.(*ast.Ident)
			switch {
			case !ok || time == "" || id.Name != time:
			case f.Test && n.Sel.Name == "Sleep":
				all = append(all, t.at(f, n.Pos(), "sleep",
					"time.Sleep in a test: wait for what happens, or use testing/synctest"))
			case pure && clocks[n.Sel.Name]:
				all = append(all, t.at(f, n.Pos(), "clock",
					"time.%s in a pure room: take now as an argument", n.Sel.Name))
			}
		}
		return true
	})
	return all
}

// importName is the name under which f knows the package; "" if it does not.
func importName(f *ast.File, pkg string) string {
	for _, spec := range f.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err != nil || p != pkg {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}
