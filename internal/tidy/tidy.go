// Package tidy checks the rules of the house on the source itself: who imports
// whom, how long things may be, what must have a comment, what must not occur. Each
// rule is a function from the tree to findings, and a finding says where and what
// to do. The rules are described in CONTRIBUTING.md; the imports' are in imports.txt.
// It reads source text only, of every operating system at once, and must not know
// what the code does.
package tidy

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Finding is one breach of a rule.
type Finding struct {
	Path string
	Line int
	Rule string
	Text string // what is wrong, and what to do
}

// String is path:line: rule: text, which editors can follow.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.Path, f.Line, f.Rule, f.Text)
}

// A File is one text file of the repository.
type File struct {
	Path      string
	Lines     []string
	Go        *ast.File // nil for other text
	Test      bool      // name ends in _test.go
	Generated bool
}

// A Package is what the Go files of one folder make up, tests included.
type Package struct {
	Dir   string
	Files []*File
}

// A Tree is the whole repository.
type Tree struct {
	Module   string
	Fset     *token.FileSet
	Files    []*File    // by path
	Packages []*Package // by folder
}

// skipped are folders that hold nothing of ours, or nothing for these rules.
var skipped = map[string]bool{".git": true, "bin": true, "test/corpus": true, "vendor": true}

// texts are the endings, besides .go, of files that rules about words read.
var texts = []string{".md", ".txt", ".tsv", ".sh", ".s", ".yml", ".service", ".socket", ".target"}

// generated is the line that marks a file as made by a program.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// Read reads the tree at the root of fsys, in which module is the module's path.
func Read(fsys fs.FS, module string) (*Tree, error) {
	t := &Tree{Module: module, Fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped[p] {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !isText(p) {
			return nil
		}
		return t.add(fsys, p)
	})
	slices.SortFunc(t.Packages, func(a, b *Package) int { return cmp.Compare(a.Dir, b.Dir) })
	return t, err
}

// isText tells whether the rules read the file p. Without an ending it is a script.
func isText(p string) bool {
	end := path.Ext(p)
	return end == ".go" || end == "" || slices.Contains(texts, end)
}

// add reads the file p and puts it into its package.
func (t *Tree) add(fsys fs.FS, p string) error {
	src, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	f := &File{Path: p, Lines: strings.Split(strings.TrimSuffix(string(src), "\n"), "\n")}
	t.Files = append(t.Files, f)
	if path.Ext(p) != ".go" || inTestdata(p) {
		return nil
	}
	f.Test = strings.HasSuffix(p, "_test.go")
	f.Generated = generated.Match(src)
	f.Go, err = parser.ParseFile(t.Fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir := path.Dir(p)
	i := slices.IndexFunc(t.Packages, func(k *Package) bool { return k.Dir == dir })
	if i < 0 {
		i = len(t.Packages)
		t.Packages = append(t.Packages, &Package{Dir: dir})
	}
	t.Packages[i].Files = append(t.Packages[i].Files, f)
	return nil
}

// inTestdata tells whether p lies below a folder testdata.
func inTestdata(p string) bool {
	return slices.Contains(strings.Split(path.Dir(p), "/"), "testdata")
}

// line is the line of pos in its file.
func (t *Tree) line(pos token.Pos) int { return t.Fset.Position(pos).Line }

// at makes a finding at pos in f.
func (t *Tree) at(f *File, pos token.Pos, rule, format string, args ...any) Finding {
	return Finding{f.Path, t.line(pos), rule, fmt.Sprintf(format, args...)}
}

// atRoom makes a finding about the folder dir as a whole, at its first Go file.
func (t *Tree) atRoom(dir, rule, format string, args ...any) Finding {
	where := dir
	for _, k := range t.Packages {
		if under(k.Dir, dir) {
			where = k.Files[0].Path
			break
		}
	}
	return Finding{where, 1, rule, dir + ": " + fmt.Sprintf(format, args...)}
}

// A Rule finds its breaches in the tree.
type Rule struct {
	Name  string
	Check func(*Tree) []Finding
}

// Rules are all of them, in the order of CONTRIBUTING.md.
var Rules = []Rule{
	{"imports", imports},
	{"sizes", sizes},
	{"tests", testSizes},
	{"comments", comments},
	{"names", names},
	{"unfinished", unfinished},
	{"private", privateWords},
	{"calls", calls},
	{"switches", switches},
}

// under tells whether dir is room or below it.
func under(dir, room string) bool {
	return dir == room || strings.HasPrefix(dir, room+"/")
}

// underAny tells whether dir is one of rooms or below one.
func underAny(dir string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return under(dir, r) })
}

// sorted puts findings in the order of the files.
func sorted(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return all
}
