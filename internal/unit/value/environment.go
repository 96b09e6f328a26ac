package value

import (
	"fmt"
	"strings"
)

// maxArgs is the kernel's usual limit for all arguments and variables together
// (ARG_MAX); one assignment cannot be longer.
const maxArgs = 2 << 20

// ValidEnvName reports whether s may be the name of an environment variable:
// letters of ASCII, digits and _, no digit first.
func ValidEnvName(s string) bool {
	if s == "" || isDigit(s[0]) || len(s) > maxArgs-2 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !isLetter(c) && c != '_' {
			return false
		}
	}
	return true
}

// ValidEnvAssign reports whether s is a valid "NAME=value". Values are UTF-8;
// control characters are allowed.
func ValidEnvAssign(s string) bool {
	name, value, ok := strings.Cut(s, "=")
	return ok && ValidEnvName(name) && ValidUTF8(value) && len(value) <= maxArgs-3 &&
		!strings.Contains(value, "\x00") && len(s) <= maxArgs-1
}

// ParseEnvironment reads one value of Environment=: assignments in the order they
// stand, and what was wrong with those left out. expand replaces specifiers in
// each; nil leaves them alone. An empty line, which stands for the reset of the
// list, gives none. systemd.exec(5).
func ParseEnvironment(line string, expand func(string) (string, error)) (
	assign []string, faults []error) {
	words, err := Words(line, Unquote|CUnescape)
	for _, word := range words {
		if expand != nil {
			resolved, err := expand(word)
			if err != nil {
				faults = append(faults, fmt.Errorf("assignment %q: %w", word, err))
				continue
			}
			word = resolved
		}
		if !ValidEnvAssign(word) {
			faults = append(faults, fmt.Errorf("not a valid assignment: %q", word))
			continue
		}
		assign = append(assign, word)
	}
	if err != nil {
		faults = append(faults, err)
	}
	return assign, faults
}

// MergeEnv merges assignments; a later one takes the place of an earlier one of
// the same name.
func MergeEnv(lists ...[]string) []string {
	var merged []string
	at := map[string]int{}
	for _, list := range lists {
		for _, a := range list {
			name, _, _ := strings.Cut(a, "=")
			if i, ok := at[name]; ok {
				merged[i] = a
				continue
			}
			at[name] = len(merged)
			merged = append(merged, a)
		}
	}
	return merged
}

// LookupEnv finds the value of a variable in assignments; the last one counts.
func LookupEnv(env []string, name string) (string, bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if n, value, ok := strings.Cut(env[i], "="); ok && n == name {
			return value, true
		}
	}
	return "", false
}
