// Package preset knows the policy of which units are to be enabled when nobody has
// decided: the .preset files. It reads them from an fs.FS and knows nothing of how a
// unit is enabled. It answers for systemd.preset(5).
package preset

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// Rule is one line of a preset file.
type Rule struct {
	Enable bool
	// Pattern is that of names of units, with *, ? and [].
	Pattern string
	// Instances are those of a template that the line is for; empty: the pattern is
	// matched against the whole name.
	Instances []string
}

// Rules are the lines of all preset files; the first that matches counts.
type Rules []Rule

// dirs are the directories above those of preset files, highest priority first.
var dirs = [...]string{"etc", "run", "usr/local/lib", "usr/lib", "lib"}

// Read reads the preset files of the system, or those for users. Of files of one name
// only that of the first directory counts, and a file that is not there is no fault.
func Read(root fs.FS, user bool) (Rules, []unit.Fault) {
	kind := "system-preset"
	if user {
		kind = "user-preset"
	}
	files := map[string]string{}
	var names []string
	for _, dir := range dirs {
		at := path.Join(dir, "systemd", kind)
		entries, _ := fs.ReadDir(root, at) // what cannot be listed is empty
		for _, e := range entries {
			if _, have := files[e.Name()]; !have && strings.HasSuffix(e.Name(), ".preset") {
				files[e.Name()] = path.Join(at, e.Name())
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	var rules Rules
	var faults []unit.Fault
	for _, n := range names {
		text, err := fs.ReadFile(root, files[n])
		if err != nil {
			faults = append(faults, unit.Fault{
				File: "/" + files[n], Why: err.Error(), Then: "going on without it",
			})
			continue
		}
		more, wrong := Parse("/"+files[n], string(text))
		rules, faults = append(rules, more...), append(faults, wrong...)
	}
	return rules, faults
}

// Parse reads the text of a preset file. What is no rule is left out and told.
func Parse(file, text string) (rules Rules, faults []unit.Fault) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.Trim(line, value.Blanks)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		rule, why := parseLine(line)
		if why != "" {
			faults = append(faults, unit.Fault{
				File: file, Line: number, Value: line, Why: why, Then: "ignoring the line",
			})
			continue
		}
		rules = append(rules, rule)
	}
	return rules, faults
}

// parseLine reads one line. All that stands after "disable" is a pattern, blanks
// included; what stands after the pattern of "enable" are instances of a template.
func parseLine(line string) (r Rule, why string) {
	at := strings.IndexAny(line, value.Blanks)
	if at < 0 {
		return r, "no name of a unit"
	}
	word, rest := line[:at], strings.Trim(line[at:], value.Blanks)
	switch word {
	case "disable":
		return Rule{Pattern: rest}, ""
	case "enable":
		words := strings.FieldsFunc(rest, func(c rune) bool {
			return strings.ContainsRune(value.Blanks, c)
		})
		if len(words) > 1 && !name.Valid(words[0], name.Template) {
			return r, words[0] + " is no template, and so has no instances"
		}
		return Rule{Enable: true, Pattern: words[0], Instances: words[1:]}, ""
	}
	return r, "neither enable nor disable"
}

// Query tells whether a unit is to be enabled; without a rule for it, it is. Of a
// template it gives the instances that are to be enabled instead, if a rule names them.
func (rules Rules) Query(unitName string) (enable bool, instances []string) {
	template, templated := name.TemplateOf(unitName)
	for _, r := range rules {
		switch {
		case len(r.Instances) == 0:
			if matches(r.Pattern, unitName) {
				return r.Enable, nil
			}
		case !templated || !matches(r.Pattern, template):
		case unitName == template:
			for _, i := range r.Instances {
				if n, err := name.WithInstance(template, i); err == nil {
					instances = append(instances, n)
				}
			}
			return r.Enable, instances
		case slices.Contains(r.Instances, name.InstanceOf(unitName)):
			return r.Enable, nil
		}
	}
	return true, nil
}

// Word is what Query says, in systemd's word.
func (rules Rules) Word(unitName string) string {
	if enable, _ := rules.Query(unitName); enable {
		return "enabled"
	}
	return "disabled"
}

// matches matches as fnmatch(3) does with FNM_NOESCAPE: names have backslashes in them.
func matches(pattern, s string) bool {
	return value.Match(strings.ReplaceAll(pattern, `\`, `\\`), s, false)
}
