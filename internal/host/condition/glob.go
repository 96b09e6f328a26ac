package condition

import "strings"

// globExists reports whether a path matches, braces {a,b} included.
func globExists(pattern string) bool {
	return len(matches(pattern)) > 0
}

// braces writes out {a,b}, to a depth that no sane pattern has.
func braces(s string, depth int) []string {
	open := strings.IndexByte(s, '{')
	if open < 0 || depth > 8 {
		return []string{s}
	}
	level, start := 0, open+1
	var parts []string
	for i := open; i < len(s); i++ {
		switch {
		case s[i] == '{':
			level++
		case s[i] == ',' && level == 1:
			parts = append(parts, s[start:i])
			start = i + 1
		case s[i] == '}':
			level--
		}
		if level > 0 {
			continue
		}
		var list []string
		for _, part := range append(parts, s[start:i]) {
			list = append(list, braces(s[:open]+part+s[i+1:], depth+1)...)
		}
		return list
	}
	return []string{s}
}
