package main

import (
	"fmt"
	"strings"

	"rouse/internal/unit/directive"
)

// counts are numbers of settings by degree of support; the last one counts
// those that rouse does not know.
type counts [directive.Supports + 1]int

func (c counts) total() int {
	sum := 0
	for _, n := range c {
		sum += n
	}
	return sum
}

// comparison puts systemd's settings beside what becomes of them here.
func comparison(items string) string {
	bySection, order := map[string]*counts{}, []string{}
	var all, distinct counts
	seen := map[*directive.Row]bool{}
	var unknown []string
	for line := range strings.Lines(items) {
		section, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if bySection[section] == nil {
			bySection[section] = new(counts)
			order = append(order, section)
		}
		degree := directive.Supports
		row := directive.Lookup(section, name)
		if row != nil {
			degree = row.Support
		} else {
			unknown = append(unknown, "["+section+"] "+name+"=")
		}
		bySection[section][degree]++
		all[degree]++
		if !seen[row] {
			seen[row] = row != nil
			distinct[degree]++
		}
	}
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# What works of systemd's settings\n\n")
	fmt.Fprintf(&b, "systemd 252 knows %d settings in %d sections, %d different ones."+
		" Of these, rouse carries out %d in full, %d in part and %d on Linux;"+
		" it reads, checks and shows %d more, without effect. What each setting means,"+
		" and what is missing, is in the [reference](docs/reference/README.md).\n\n",
		all.total(), len(order), distinct.total(), distinct[directive.Full], distinct[directive.Partial],
		distinct[directive.LinuxOnly], distinct[directive.Parsed]+distinct[directive.Refused])
	table(&b, order, bySection, all, distinct)
	b.WriteString("\nNot known here: ")
	if len(unknown) == 0 {
		b.WriteString("none.\n")
	} else {
		b.WriteString(strings.Join(unknown, ", ") + ".\n")
	}
	later(&b)
	for g := range directive.Groups {
		side(&b, g)
	}
	return b.String()
}

// table counts by section.
func table(b *strings.Builder, order []string, bySection map[string]*counts, all, distinct counts) {
	b.WriteString("| section | systemd 252 | full | partial | Linux only | parsed | refused |" +
		" unknown |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, section := range order {
		line(b, "["+section+"]", *bySection[section])
	}
	line(b, "all", all)
	line(b, "different ones", distinct)
}

func line(b *strings.Builder, title string, c counts) {
	fmt.Fprintf(b, "| %s | %d |", title, c.total())
	for _, n := range c {
		fmt.Fprintf(b, " %d |", n)
	}
	b.WriteString("\n")
}

// later lists what rouse has from later versions of systemd.
func later(b *strings.Builder) {
	b.WriteString("\nFrom later versions: ")
	comma := ""
	for _, r := range directive.Rows() {
		if r.Since > 252 {
			fmt.Fprintf(b, "%s%s= (%d)", comma, r.Name, r.Since)
			comma = ", "
		}
	}
	b.WriteString(".\n")
}

// side lists the settings of a group with what is missing.
func side(b *strings.Builder, g directive.Group) {
	fmt.Fprintf(b, "\n## %s\n\n%s, %s.\n\n| setting | rouse | missing |\n|---|---|---|\n",
		g.Title(), sections(g), g.Man())
	for _, r := range g.Rows() {
		what := r.Support.String()
		if r.Same != "" {
			what = "as " + r.Same + "="
		}
		fmt.Fprintf(b, "| [%s=](docs/reference/%s.md#%s) | %s | %s |\n",
			r.Name, g.File(), strings.ToLower(r.Name), what, r.Note)
	}
}
