package transient

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"rouse/internal/unit/directive"
	"rouse/internal/unit/value"
)

// doubled takes the meaning from what would be specifiers.
func doubled(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// quoted makes a word of what unit files unquote and unescape as C does.
func quoted(s string) string {
	plain := s != ""
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' ||
			strings.IndexByte("_-+./:@%=,~", c) >= 0
	}
	if plain {
		return doubled(s)
	}
	return `"` + doubled(escaped(s, `"`)) + `"`
}

// escaped writes what would end a line, a word or an escape as C does.
func escaped(s, also string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\\' || strings.IndexByte(also, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			b.WriteString(`\x`)
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// wholeText is for settings whose text is taken as it stands, up to the end of the
// line: what cannot be said there is refused.
func wholeText(s string) (string, error) {
	if strings.ContainsAny(s, "\n\r\x00") {
		return "", ErrPropertyType
	}
	if s != strings.Trim(s, value.Blanks) {
		return "", ErrPropertyType
	}
	return unended(doubled(s)), nil
}

// unended keeps a backslash at the end from having the next line added.
func unended(s string) string {
	if strings.HasSuffix(s, `\`) {
		s += " "
	}
	return s
}

// yesNo is how unit files have a boolean.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// micros writes a time span, or infinity.
func micros(n uint64) string {
	if n == uint64(value.Infinity) {
		return "infinity"
	}
	return strconv.FormatUint(n, 10) + "us"
}

// number writes a number of which the greatest means that there is no limit.
func number(n uint64) string {
	if n == math.MaxUint64 {
		return "infinity"
	}
	return strconv.FormatUint(n, 10)
}

// entries lists the elements of an array, whatever their type.
func entries(v any) ([]any, bool) {
	if list, ok := v.([]any); ok {
		return list, true
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice {
		return nil, v == nil
	}
	list := make([]any, r.Len())
	for i := range list {
		list[i] = r.Index(i).Interface()
	}
	return list, true
}

// texts lists the strings of an array of strings.
func texts(v any) ([]string, bool) {
	if list, ok := v.([]string); ok {
		return list, true
	}
	all, ok := entries(v)
	list := make([]string, len(all))
	for i, e := range all {
		if list[i], ok = e.(string); !ok {
			return nil, false
		}
	}
	return list, ok
}

// fields takes a struct apart: its fields, if they are n.
func fields(v any, n int) ([]any, bool) {
	list, ok := v.([]any)
	return list, ok && len(list) == n
}

// mask lists the numbers of the bits that are set, lowest byte first.
func mask(bits []byte) value.CPUSet {
	var set value.CPUSet
	for i, b := range bits {
		for n := range 8 {
			if b>>n&1 != 0 {
				set = append(set, uint(i*8+n))
			}
		}
	}
	return set
}

// render writes the values of a row's assignments.
func render(r *directive.Row, p directive.Property) ([]string, error) {
	if isDependency(r) {
		return words(p)
	}
	switch sig := r.Signature(); sig {
	case "b":
		if b, ok := p.Value.(bool); ok && p.Type == "b" {
			return []string{yesNo(b)}, nil
		}
	case "s":
		return text(r, p)
	case "as":
		if strings.HasPrefix(r.Syntax(), "relative path[:symlink]") {
			return directories(p)
		}
		return words(p)
	case "i":
		if n, ok := p.Value.(int32); ok && p.Type == "i" {
			return []string{strconv.Itoa(int(n))}, nil
		}
	case "q":
		if n, ok := p.Value.(uint16); ok && p.Type == "q" {
			return []string{strconv.Itoa(int(n))}, nil
		}
	case "x":
		if n, ok := p.Value.(int64); ok && p.Type == "x" {
			return []string{strconv.FormatInt(n, 10)}, nil
		}
	case "u":
		if n, ok := p.Value.(uint32); ok && p.Type == "u" {
			if r.Syntax() == "octal mode" {
				return []string{"0" + strconv.FormatUint(uint64(n), 8)}, nil
			}
			return []string{strconv.FormatUint(uint64(n), 10)}, nil
		}
	case "t":
		if n, ok := p.Value.(uint64); ok && p.Type == "t" {
			return []string{big(r, n)}, nil
		}
	case "ay":
		if b, ok := p.Value.([]byte); ok && p.Type == "ay" {
			return resetOr(mask(b).String()), nil
		}
	}
	return nil, ErrPropertyType
}

// canRender reports whether render knows the kind of the row.
func canRender(r *directive.Row) bool {
	switch r.Signature() {
	case "b", "s", "as", "i", "q", "x", "u", "t", "ay":
		return true
	}
	return false
}

// resetOr is a line that resets a list, and one that adds to it unless it is empty.
func resetOr(s string) []string {
	if s == "" {
		return []string{""}
	}
	return []string{"", s}
}

// big writes a number that may stand for a time, a size, or no limit.
func big(r *directive.Row, n uint64) string {
	switch {
	case strings.HasPrefix(r.Syntax(), "time span in nano"):
		return strconv.FormatUint(n, 10) + "ns"
	case strings.HasPrefix(r.Syntax(), "time span"):
		return micros(n)
	case strings.Contains(r.Name, "Weight") || strings.HasSuffix(r.Name, "CPUShares"):
		switch {
		case n == math.MaxUint64:
			return ""
		case n == 0:
			return "idle"
		}
	}
	return number(n)
}

// text writes the value of a setting that is one text.
func text(r *directive.Row, p directive.Property) ([]string, error) {
	s, ok := p.Value.(string)
	if !ok || p.Type != "s" {
		return nil, ErrPropertyType
	}
	if r.Name == "Description" { // of several lines systemd keeps the first
		s, _, _ = strings.Cut(s, "\n")
		s = strings.Trim(s, value.Blanks)
		return []string{unended(doubled(escapeControls(s)))}, nil
	}
	s, err := wholeText(s)
	if err != nil {
		return nil, &ErrPropertyValue{r.Name, p.Value.(string), "it cannot stand in one line"}
	}
	return []string{s}, nil
}

// escapeControls makes blanks of what cannot be printed.
func escapeControls(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

// words writes a list of words, a line each. An empty list resets.
func words(p directive.Property) ([]string, error) {
	list, ok := texts(p.Value)
	if !ok || p.Type != "as" {
		return nil, ErrPropertyType
	}
	if len(list) == 0 {
		return []string{""}, nil
	}
	values := make([]string, len(list))
	for i, w := range list {
		values[i] = quoted(w)
	}
	return values, nil
}

// directories writes a list of words that a colon would divide, a line each.
func directories(p directive.Property) ([]string, error) {
	values, err := words(p)
	list, _ := texts(p.Value)
	for i, w := range list {
		values[i] = directory(w)
	}
	return values, err
}

// directory is directory or directory:symlink, as a word.
func directory(parts ...string) string {
	plain, list := true, make([]string, len(parts))
	for i, s := range parts {
		plain = plain && !strings.Contains(s, ":") && quoted(s) == doubled(s)
		list[i] = doubled(escaped(s, `":`))
	}
	word := strings.Join(list, ":")
	if plain {
		return word
	}
	return `"` + word + `"`
}
