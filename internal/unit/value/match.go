package value

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Match matches a whole string against a pattern as fnmatch(3) does without
// flags: * and ? match any character, / as well. fold ignores case.
func Match(pattern, s string, fold bool) bool {
	if fold {
		pattern, s = strings.ToLower(pattern), strings.ToLower(s)
	}
	// At a mismatch the last star takes one character more; going back to earlier
	// stars is never needed.
	starPattern, starText, star := "", "", false
	for {
		if rest, ok := strings.CutPrefix(pattern, "*"); ok {
			pattern, starPattern, starText, star = rest, rest, s, true
			continue
		}
		if s == "" && pattern == "" {
			return true
		}
		if s != "" && pattern != "" {
			c, size := utf8.DecodeRuneInString(s)
			if rest, ok := matchOne(pattern, c); ok {
				pattern, s = rest, s[size:]
				continue
			}
		}
		if !star || starText == "" {
			return false
		}
		_, size := utf8.DecodeRuneInString(starText)
		starText = starText[size:]
		pattern, s = starPattern, starText
	}
}

// matchOne matches one character against the head of a pattern, and gives its rest.
func matchOne(pattern string, c rune) (rest string, ok bool) {
	switch p, size := utf8.DecodeRuneInString(pattern); p {
	case '?':
		return pattern[size:], true
	case '[':
		if in, rest, ok := matchClass(pattern[size:], c); ok {
			return rest, in
		}
		return pattern[size:], c == '['
	case '\\':
		if len(pattern) > 1 {
			p, n := utf8.DecodeRuneInString(pattern[1:])
			return pattern[1+n:], p == c
		}
		return "", c == '\\'
	default:
		return pattern[size:], p == c
	}
}

// matchClass matches against what stands between [ and ]; ok is false if there is
// no end to it.
func matchClass(pattern string, c rune) (in bool, rest string, ok bool) {
	negate := false
	if pattern != "" && (pattern[0] == '!' || pattern[0] == '^') {
		negate, pattern = true, pattern[1:]
	}
	for first := true; pattern != ""; first = false {
		if pattern[0] == ']' && !first {
			return in != negate, pattern[1:], true
		}
		if name, after, found := namedClass(pattern); found {
			in = in || isOfClass(name, c)
			pattern = after
			continue
		}
		lo, after := classRune(pattern)
		hi := lo
		if len(after) >= 2 && after[0] == '-' && after[1] != ']' {
			hi, after = classRune(after[1:])
		}
		in = in || lo <= c && c <= hi
		pattern = after
	}
	return false, "", false
}

func classRune(s string) (r rune, rest string) {
	if s[0] == '\\' && len(s) > 1 {
		s = s[1:]
	}
	r, size := utf8.DecodeRuneInString(s)
	return r, s[size:]
}

// namedClass takes "[:name:]" off the front.
func namedClass(s string) (name, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "[:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(s, ":]")
}

func isOfClass(name string, c rune) bool {
	switch name {
	case "alpha":
		return unicode.IsLetter(c)
	case "digit":
		return c >= '0' && c <= '9'
	case "alnum":
		return unicode.IsLetter(c) || unicode.IsDigit(c)
	case "upper":
		return unicode.IsUpper(c)
	case "lower":
		return unicode.IsLower(c)
	case "space":
		return unicode.IsSpace(c)
	case "punct":
		return unicode.IsPunct(c) || unicode.IsSymbol(c)
	}
	return false
}
