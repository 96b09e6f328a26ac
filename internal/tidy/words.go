package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strings"
)

// promise is a note of something left undone; number is how it must be followed.
var (
	promise = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	number  = regexp.MustCompile(`^\(#[0-9]+\)`)
)

// private are places and papers of those who write this; whoever reads the
// repository has neither. Spelled so that this file does not contain them.
var private = regexp.MustCompile(`(^|[^\w.-])/(wor[k]|far[m])/|\.librar[y]\b|/contrac[t]/|` +
	`(?i:closing not[e]|issues? (lis[t]|sho[w])|\b(developer|ceo)s?.? sessio[n])`)

// unfinished finds notes of things left undone that have no number.
func unfinished(t *Tree) []Finding {
	var all []Finding
	for _, f := range t.Files {
		if f.Go == nil {
			continue
		}
		for _, group := range f.Go.Comments {
			for _, c := range group.List {
				for _, at := range promise.FindAllStringIndex(c.Text, -1) {
					if !number.MatchString(c.Text[at[1]:]) {
						all = append(all, t.at(f, c.Pos()+token.Pos(at[0]), "word",
							"%s without a number: do it now, or file it and write (#N)",
							c.Text[at[0]:at[1]]))
					}
				}
			}
		}
	}
	return all
}

// privateWords finds mentions of places that only those who write this have.
func privateWords(t *Tree) []Finding {
	var all []Finding
	for _, f := range t.Files {
		for i, line := range f.Lines {
			if at := private.FindStringIndex(line); at != nil {
				all = append(all, Finding{f.Path, i + 1, "word", fmt.Sprintf("column %d: a place"+
					" that a reader of the repository does not have: leave it out", at[0]+1)})
			}
		}
	}
	return all
}

// comments finds packages without exactly one package comment, and exported names
// without a comment.
func comments(t *Tree) []Finding {
	var all []Finding
	for _, k := range t.Packages {
		all = append(all, packageComment(t, k)...)
		for _, f := range k.Files {
			if !f.Test && !f.Generated {
				all = append(all, exportedComments(t, f)...)
			}
		}
	}
	return all
}

// packageComment wants one package comment in the files that are not tests.
func packageComment(t *Tree, k *Package) []Finding {
	var have []*File
	var code []*File
	for _, f := range k.Files {
		if f.Test {
			continue
		}
		code = append(code, f)
		if f.Go.Doc != nil {
			have = append(have, f)
		}
	}
	switch {
	case len(code) == 0 || len(have) == 1:
		return nil
	case len(have) == 0:
		return []Finding{t.at(code[0], code[0].Go.Package, "comment", "package %s has no comment:"+
			" say what it knows, what it must not know, and its man pages", k.Dir)}
	}
	return []Finding{t.at(have[1], have[1].Go.Package, "comment",
		"a second package comment, after the one in %s: keep one", path.Base(have[0].Path))}
}

// plain are methods whose name says it all, since the language or library fixes it.
var plain = map[string]bool{
	"Error": true, "String": true, "Unwrap": true, "Is": true, "Len": true, "Less": true,
	"Swap": true, "MarshalText": true, "UnmarshalText": true, "GoString": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalBinary": true, "UnmarshalBinary": true,
}

// exportedComments finds exported declarations of f that lack a comment. A comment
// on a group of constants or variables is one for each of them.
func exportedComments(t *Tree, f *File) []Finding {
	var all []Finding
	want := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		if !id.IsExported() {
			return
		}
		for _, d := range docs {
			if d.Text() != "" {
				return
			}
		}
		all = append(all, t.at(f, id.Pos(), "comment", "%s has no comment: say what it means,"+
			" its unit and bounds, and the man page that decides", id.Name))
	}
	for _, d := range f.Go.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || receiverExported(d) && !plain[d.Name.Name] {
				want(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					want(s.Name, s.Doc, s.Comment, d.Doc)
				case *ast.ValueSpec:
					for _, id := range s.Names {
						want(id, s.Doc, s.Comment, d.Doc)
					}
				}
			}
		}
	}
	return all
}

// receiverExported tells whether the method belongs to an exported type.
func receiverExported(d *ast.FuncDecl) bool {
	name := ""
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return ast.IsExported(name)
}

// names finds packages whose name says nothing.
func names(t *Tree) []Finding {
	var all []Finding
	for _, k := range t.Packages {
		switch base := path.Base(k.Dir); base {
		case "util", "utils", "common", "helper", "helpers", "misc", "pkg":
			all = append(all, Finding{k.Files[0].Path, 1, "name",
				"package " + base + " says nothing: name what it knows"})
		}
		for _, f := range k.Files {
			if b := path.Base(f.Path); strings.HasPrefix(b, "util") || strings.HasPrefix(b, "helper") {
				all = append(all, Finding{f.Path, 1, "name", "the file's name says nothing"})
			}
		}
	}
	return all
}
