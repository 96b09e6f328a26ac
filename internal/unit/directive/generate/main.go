// Command generate writes the reference manual of settings, docs/reference/, and
// what works of systemd's, feature-comparison.md, from the table of directives.
// It knows the form of these pages and nothing of what settings mean.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rouse/internal/unit/directive"
)

// main writes the pages into the repository that it is started in.
func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := repository()
	if err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(root, itemList))
	if err != nil {
		return err
	}
	pages := pages(string(list))
	if err := removeOthers(root, pages); err != nil {
		return err
	}
	for name, text := range pages {
		if err := write(filepath.Join(root, name), text); err != nil {
			return err
		}
	}
	return nil
}

// itemList is the list of all settings of systemd 252.
const itemList = "internal/unit/directive/testdata/systemd-252-items.txt"

// reference is the folder of the manual.
const reference = "docs/reference"

// repository is the folder of go.mod, here or above.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod here or above")
		}
		dir = up
	}
}

// removeOthers removes pages of the manual that are no longer made.
func removeOthers(root string, pages map[string]string) error {
	old, err := filepath.Glob(filepath.Join(root, reference, "*.md"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if _, made := pages[reference+"/"+filepath.Base(name)]; !made {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes a page unless it is there already as it should be.
func write(name, text string) error {
	if old, err := os.ReadFile(name); err == nil && string(old) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// pages gives the text of every page by its path in the repository; items is
// the list of systemd's settings.
func pages(items string) map[string]string {
	all := map[string]string{
		"feature-comparison.md":  comparison(items),
		reference + "/README.md": index(),
	}
	for g := range directive.Groups {
		all[reference+"/"+g.File()+".md"] = page(g)
	}
	return all
}

const generated = "<!-- Generated from internal/unit/directive: make generate. -->\n\n"

// page is the page of the manual for one group.
func page(g directive.Group) string {
	var b strings.Builder
	b.WriteString(generated)
	fmt.Fprintf(&b, "# %s\n\nIn %s. %s decides where this page is short.\n",
		g.Title(), sections(g), g.Man())
	rows := g.Rows()
	for i := range rows {
		entry(&b, &rows[i])
	}
	return b.String()
}

// sections lists the sections of a group: "[Service] and [Socket]".
func sections(g directive.Group) string {
	var names []string
	for _, s := range g.Sections() {
		names = append(names, "["+s+"]")
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return names[0]
}

// entry writes what there is to say about one setting.
func entry(b *strings.Builder, r *directive.Row) {
	fmt.Fprintf(b, "\n## %s=\n\n%s\n\n", r.Name, r.Doc)
	fact(b, "Value", r.Syntax())
	fact(b, "Default", r.Default)
	if p := r.Property(); p != "" {
		fact(b, "Property", fmt.Sprintf("`%s` (`%s`)", p, r.Signature()))
	}
	if r.Since > 0 {
		fact(b, "Since", fmt.Sprintf("systemd %d", r.Since))
	}
	fact(b, "Support", support(r))
}

func fact(b *strings.Builder, name, text string) {
	if text != "" {
		fmt.Fprintf(b, "- %s: %s\n", name, text)
	}
}

// support is the degree of support with what is missing.
func support(r *directive.Row) string {
	if r.Note == "" {
		return r.Support.String()
	}
	return r.Support.String() + ": " + r.Note
}

// index lists the pages and all settings.
func index() string {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# Reference of settings\n\nWhat each degree of support means:\n\n")
	for s := range directive.Supports {
		fmt.Fprintf(&b, "- %s: %s\n", s, meaning(s))
	}
	b.WriteString("\n## Pages\n\n")
	for g := range directive.Groups {
		fmt.Fprintf(&b, "- [%s](%s.md): %s, %d settings\n",
			g.Title(), g.File(), sections(g), len(g.Rows()))
	}
	b.WriteString("\n## All settings\n\n")
	var lines []string
	for g := range directive.Groups {
		for _, r := range g.Rows() {
			lines = append(lines, fmt.Sprintf("- [%s=](%s.md#%s), %s\n",
				r.Name, g.File(), strings.ToLower(r.Name), sections(g)))
		}
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, ""))
	return b.String()
}

func meaning(s directive.Support) string {
	switch s {
	case directive.Full:
		return "does what the manual says"
	case directive.Partial:
		return "does part of it"
	case directive.LinuxOnly:
		return "does it on Linux, and nothing elsewhere"
	case directive.Parsed:
		return "is read, checked and shown, and has no effect; units that use it are told so"
	case directive.Refused:
		return "is dropped with a warning, as systemd 252 does itself"
	case directive.Supports:
	}
	return ""
}
