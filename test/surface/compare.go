package main

import (
	"bufio"
	_ "embed"
	"encoding/xml"
	"fmt"
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

func compareFiles(first, second string) error {
	want, err := readAccount(first)
	if err != nil {
		return err
	}
	got, err := readAccount(second)
	if err != nil {
		return err
	}
	units := map[string]bool{}
	for k := range got {
		units[k[1]] = true
	}
	var keys [][3]string
	for k := range want {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [3]string) int {
		return strings.Compare(strings.Join(a[:], " "), strings.Join(b[:], " "))
	})
	known := map[string]bool{}
	for k := range want {
		known[k[1]] = true
	}
	members, values, missing, differ, excused := 0, 0, 0, 0, 0
	for _, k := range keys {
		if !units[k[1]] {
			continue
		}
		if k[0] == "M" {
			members++
		} else {
			values++
		}
		is, ok := got[k]
		switch {
		case !ok:
			missing++
			fmt.Printf("missing\t%s\t%s\t%s\n", k[1], k[2], want[k])
		case is == want[k]:
		case k[0] == "V" && mayDiffer(k[1], k[2]) == asCommands && timeless(want[k]) == timeless(is):
		case k[0] == "V" && mayDiffer(k[1], k[2]) == asSet && same(want[k], is, units, known):
		case k[0] == "V" && isExcuse(mayDiffer(k[1], k[2])):
			excused++
		default:
			differ++
			fmt.Printf("differs\t%s\t%s\n\tsystemd\t%s\n\tother\t%s\n", k[1], k[2], want[k], is)
		}
	}
	for _, k := range surplus(want, got) {
		missing++
		fmt.Printf("surplus\t%s\t%s\n", k[1], k[2])
	}
	fmt.Printf("%d members, %d values; %d missing or surplus, %d differ, %d may differ\n",
		members, values, missing, differ, excused)
	if missing+differ > 0 {
		return fmt.Errorf("the surfaces differ")
	}
	return nil
}

// asSet is the reason that says: the order does not count, and units that only one of the
// two managers has in memory do not either.
const asSet = "as a set"

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

// surplus lists the members that the second account has and the first has not, of
// objects in both.
func surplus(want, got account) (list [][3]string) {
	objects := map[string]bool{}
	for k := range want {
		objects[k[1]] = true
	}
	for k := range got {
		if _, ok := want[k]; !ok && objects[k[1]] {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b [3]string) int {
		return strings.Compare(strings.Join(a[:], " "), strings.Join(b[:], " "))
	})
	return list
}
