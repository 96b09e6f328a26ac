package main

import (
	"bufio"
	_ "embed"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// parseMembers makes a line of each member in introspection data: its interface, kind,
// name, arguments or type, and annotations.
func parseMembers(text string) (lines []string, err error) {
	var node struct {
		Interfaces []struct {
			Name    string `xml:"name,attr"`
			Members []struct {
				XMLName xml.Name
				Name    string `xml:"name,attr"`
				Type    string `xml:"type,attr"`
				Access  string `xml:"access,attr"`
				Args    []struct {
					Name      string `xml:"name,attr"`
					Type      string `xml:"type,attr"`
					Direction string `xml:"direction,attr"`
				} `xml:"arg"`
				Notes []struct {
					Name  string `xml:"name,attr"`
					Value string `xml:"value,attr"`
				} `xml:"annotation"`
			} `xml:",any"`
		} `xml:"interface"`
	}
	if err := xml.Unmarshal([]byte(text), &node); err != nil {
		return nil, err
	}
	for _, i := range node.Interfaces {
		for _, m := range i.Members {
			words := []string{m.XMLName.Local, m.Type, m.Access}
			for _, a := range m.Args {
				words = append(words, a.Direction+":"+a.Name+":"+a.Type)
			}
			for _, n := range m.Notes {
				words = append(words, n.Name+"="+n.Value)
			}
			lines = append(lines, i.Name+"."+m.Name+"\t"+strings.Join(words, " "))
		}
	}
	return lines, nil
}

// account is what dump has written: by kind of fact and what it is about, what is said.
type account map[[3]string]string

func readAccount(file string) (account, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a := account{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		if w := strings.SplitN(s.Text(), "\t", 4); len(w) == 4 {
			a[[3]string{w[0], w[1], w[2]}] = w[3]
		}
	}
	return a, s.Err()
}

// allowed are the values that may differ: a line each with a pattern for the unit, one
// for the property, and the reason.
//
//go:embed differs.txt
var allowed string

// mayDiffer gives the reason for which a property may differ; "" if it must not.
func mayDiffer(unit, property string) string {
	for line := range strings.Lines(allowed) {
		w := strings.Fields(line)
		if len(w) < 3 || w[0] == "#" {
			continue
		}
		u, _ := path.Match(w[0], unit)
		p, _ := path.Match(w[1], property)
		if u && p {
			return strings.Join(w[2:], " ")
		}
	}
	return ""
}

// finding is one thing in which two accounts differ.
type finding struct {
	what           string // "missing", "differs" or "surplus"
	object, member string
	systemd, other string
}

// tally counts what was compared: of an interface its members, of a type of objects
// their values.
type tally struct{ all, missing, differ, excused int }

// comparison is what came of it.
type comparison struct {
	findings        []finding
	members, values map[string]*tally
}

func compare(want, got account) *comparison {
	c := &comparison{members: map[string]*tally{}, values: map[string]*tally{}}
	have, known := got.objects(), want.objects()
	for _, k := range want.keys() {
		if !have[k[1]] {
			continue
		}
		t := c.tally(k)
		t.all++
		is, ok := got[k]
		switch reason := mayDiffer(k[1], k[2]); {
		case !ok:
			t.missing++
			c.findings = append(c.findings, finding{"missing", k[1], k[2], want[k], ""})
		case is == want[k]:
		case k[0] == "V" && reason == asCommands && timeless(want[k]) == timeless(is):
		case k[0] == "V" && reason == asMoments && some(want[k]) == some(is):
		case k[0] == "V" && reason == asSet && same(want[k], is, have, known):
		case k[0] == "V" && isExcuse(reason):
			t.excused++
		default:
			t.differ++
			c.findings = append(c.findings, finding{"differs", k[1], k[2], want[k], is})
		}
	}
	for _, k := range got.keys() {
		if _, ok := want[k]; !ok && known[k[1]] {
			c.tally(k).differ++
			c.findings = append(c.findings, finding{"surplus", k[1], k[2], "", got[k]})
		}
	}
	return c
}

// tally finds where a fact is counted.
func (c *comparison) tally(k [3]string) *tally {
	in, key := c.values, path.Ext(k[1])
	if k[0] == "M" {
		in, key = c.members, strings.TrimSuffix(k[2], path.Ext(k[2]))
	} else if key == "" {
		key = k[1]
	}
	if in[key] == nil {
		in[key] = &tally{}
	}
	return in[key]
}

func (a account) objects() map[string]bool {
	objects := map[string]bool{}
	for k := range a {
		objects[k[1]] = true
	}
	return objects
}

func (a account) keys() [][3]string {
	return slices.SortedFunc(maps.Keys(a), func(a, b [3]string) int {
		return strings.Compare(strings.Join(a[:], " "), strings.Join(b[:], " "))
	})
}

// compareFiles prints what differs, and gives an error if anything does.
func compareFiles(first, second string) error {
	c, err := compareAccounts(first, second)
	if err != nil {
		return err
	}
	for _, f := range c.findings {
		fmt.Printf("%s %s %s\n\tsystemd\t%s\n\tother\t%s\n",
			f.what, f.object, f.member, f.systemd, f.other)
	}
	if len(c.findings) > 0 {
		return fmt.Errorf("%d things differ", len(c.findings))
	}
	return nil
}

func compareAccounts(first, second string) (*comparison, error) {
	want, err := readAccount(first)
	if err != nil {
		return nil, err
	}
	got, err := readAccount(second)
	if err != nil {
		return nil, err
	}
	return compare(want, got), nil
}

// tabulate prints the comparison as a page.
func tabulate(first, second string) error {
	c, err := compareAccounts(first, second)
	if err != nil {
		return err
	}
	fmt.Print(pageHead)
	fmt.Print("| interface | members, of all objects | missing | different |\n|---|---|---|---|\n")
	for _, n := range slices.Sorted(maps.Keys(c.members)) {
		t := c.members[n]
		fmt.Printf("| %s | %d | %d | %d |\n", n, t.all, t.missing, t.differ)
	}
	fmt.Print(pageMiddle)
	for _, n := range slices.Sorted(maps.Keys(c.values)) {
		t := c.values[n]
		fmt.Printf("| %s | %d | %d | %d | %d |\n", n, t.all, t.missing, t.differ, t.excused)
	}
	fmt.Print("\n## What may differ\n\n| objects | properties | why |\n|---|---|---|\n")
	for line := range strings.Lines(allowed) {
		if w := strings.Fields(line); len(w) > 2 && w[0] != "#" {
			fmt.Printf("| `%s` | `%s` | %s |\n", w[0], w[1], strings.Join(w[2:], " "))
		}
	}
	for i, f := range c.findings {
		if i == 0 {
			fmt.Print("\n## What differs\n\n| object | member | |\n|---|---|---|\n")
		}
		fmt.Printf("| %s | %s | %s |\n", f.object, f.member, f.what)
	}
	return nil
}

const (
	pageHead = `# What roused shows, compared with systemd 252

Made by test/surfaces: systemd and roused each boot the same Debian with the same units,
and are asked for introspection data and all properties of every object.

## Methods, signals and properties, with their types and flags

`
	pageMiddle = `
## Values of properties

| objects | values | missing | different | may differ |
|---|---|---|---|---|
`
)

// asSet is the reason that says: the order does not count, and units that only one of the
// two managers has in memory do not either.
const asSet = "as a set"

// asMoments is the reason that says: which number it is does not count, but whether it
// is any, none (0) or not known (the greatest of all).
const asMoments = "as moments"

func some(number string) string {
	_, n, _ := strings.Cut(number, "\t")
	if n == "0" || n == "18446744073709551615" {
		return n
	}
	return "some"
}

// asCommands is the reason that says: when a command ran, and with which number, does
// not count, but whether it did, and how it ended.
const asCommands = "as commands"

// ran is when a command began, when it ended, and its process, before its status.
var ran = regexp.MustCompile(`(\d+) (\d+) (\d+) (\d+) (\d+) (\d+ \d+\))`)

func timeless(commands string) string {
	return ran.ReplaceAllStringFunc(commands, func(numbers string) string {
		words := strings.Fields(numbers)
		for i := range 5 {
			if words[i] != "0" {
				words[i] = "n"
			}
		}
		return strings.Join(words, " ")
	})
}

// same compares two lists as sets.
func same(a, b string, have, known map[string]bool) bool {
	reduce := func(list string) string {
		_, list, _ = strings.Cut(list, "\t")
		words := strings.Fields(strings.Trim(list, "[]"))
		words = slices.DeleteFunc(words, func(w string) bool {
			n, err := strconv.Unquote(w)
			return err == nil && isUnit(n) && !(have[n] && known[n])
		})
		slices.Sort(words)
		return strings.Join(words, " ")
	}
	return reduce(a) == reduce(b)
}

// isExcuse reports whether a reason excuses any difference.
func isExcuse(reason string) bool { return reason != "" && !strings.HasPrefix(reason, "as ") }

// isUnit reports whether a text looks like the name of a unit.
func isUnit(n string) bool {
	return strings.Contains(n, ".") && !strings.ContainsAny(n, "/ =")
}
