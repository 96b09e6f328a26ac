package tidy

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"unicode/utf8"
)

// The walls. Aims are lower: CONTRIBUTING.md has them.
const (
	fileLines     = 700
	functionLines = 70
	lineColumns   = 100
	packageFiles  = 25
)

// tested are the rooms whose tests must be at least as long as their code, once the
// engine has grown past engineGrown lines.
var tested = []string{"internal/unit", "internal/graph", "internal/engine"}

const engineGrown = 1000

// sizes finds files, functions, lines and packages beyond the walls.
func sizes(t *Tree) []Finding {
	var all []Finding
	for _, k := range t.Packages {
		files := map[string]bool{}
		for _, f := range k.Files {
			if !f.Test {
				files[subject(f.Path)] = true
			}
			if !f.Generated {
				all = append(all, fileSizes(t, f)...)
			}
		}
		if len(files) > packageFiles {
			all = append(all, Finding{k.Files[0].Path, 1, "size", "package " + k.Dir +
				" has more than 25 files: find the room within it that can be its own"})
		}
	}
	return all
}

// systems are the endings of names that say on which machine a file counts.
var systems = map[string]bool{
	"linux": true, "freebsd": true, "openbsd": true, "netbsd": true, "dragonfly": true,
	"darwin": true, "illumos": true, "solaris": true, "bsd": true, "unix": true, "other": true,
	"amd64": true, "arm64": true, "riscv64": true, "arm": true, "386": true,
}

// subject is the file's name without the systems: a subject with a file for each
// system counts once.
func subject(name string) string {
	words := strings.Split(strings.TrimSuffix(name, path.Ext(name)), "_")
	for len(words) > 1 && systems[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	return strings.Join(words, "_")
}

// fileSizes finds what is too long in one file.
func fileSizes(t *Tree, f *File) []Finding {
	var all []Finding
	if n := len(f.Lines); n > fileLines {
		all = append(all, Finding{f.Path, n, "size", "more than 700 lines: split it by what" +
			" its parts know"})
	}
	for i, line := range f.Lines {
		if columns(line) > lineColumns {
			all = append(all, Finding{f.Path, i + 1, "size",
				"more than 100 columns (a tab is one): break the line"})
		}
	}
	for _, d := range f.Go.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		if n := codeLines(t, fn); n > functionLines {
			all = append(all, t.at(f, fn.Pos(), "size", "%s has %d lines, tables not counted,"+
				" of at most 70: name a part of it", fn.Name.Name, n))
		}
	}
	return all
}

// columns is the width of a line, a tab being one; a line with an address is free.
func columns(line string) int {
	if strings.Contains(line, "://") {
		return 0
	}
	return utf8.RuneCountInString(line)
}

// codeLines is how many lines the function has, without those of tables in it.
func codeLines(t *Tree, fn *ast.FuncDecl) int {
	n := t.line(fn.End()) - t.line(fn.Pos()) + 1
	ast.Inspect(fn.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CompositeLit:
			n -= t.line(node.End()) - t.line(node.Pos())
			return false
		case *ast.BasicLit:
			if node.Kind == token.STRING {
				n -= t.line(node.End()) - t.line(node.Pos())
			}
		}
		return true
	})
	return n
}

// testSizes finds rooms with fewer lines of tests than of code. Scripts in testdata
// are tests.
func testSizes(t *Tree) []Finding {
	code, tests := map[string]int{}, map[string]int{}
	for _, f := range t.Files {
		for _, room := range tested {
			switch {
			case !under(f.Path, room) || f.Generated:
			case f.Test || inTestdata(f.Path) && !strings.Contains(f.Path, "/fuzz/"):
				tests[room] += len(f.Lines)
			case f.Go != nil:
				code[room] += len(f.Lines)
			}
		}
	}
	if code["internal/engine"] <= engineGrown {
		return nil
	}
	var all []Finding
	for _, room := range tested {
		if tests[room] < code[room] {
			all = append(all, t.atRoom(room, "test", "%d lines of tests for %d lines of code:"+
				" write the scripts that are missing", tests[room], code[room]))
		}
	}
	return all
}
