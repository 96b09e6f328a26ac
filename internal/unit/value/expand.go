package value

import "strings"

// ExpandArgs replaces variables in the arguments of a command, as is done when it
// starts: $VAR as an argument of its own becomes the words of its value, none if
// it is not set; ${VAR} anywhere becomes the value as it is, "" if it is not set;
// $$ becomes $. What is not closed or is no plain name (${VAR:-x}) is left as it
// is. env looks a variable up. systemd.service(5), COMMAND LINES.
func ExpandArgs(argv []string, env func(name string) (string, bool)) []string {
	args := make([]string, 0, len(argv))
	for _, arg := range argv {
		name, single := strings.CutPrefix(arg, "$")
		if single && !strings.HasPrefix(name, "{") && !strings.HasPrefix(name, "$") {
			value, _ := env(name)
			words, _ := Words(value, Unquote|Relax) // Relax leaves no error
			args = append(args, words...)
			continue
		}
		args = append(args, expandBraces(arg, env))
	}
	return args
}

// expandBraces replaces ${VAR} and $$ in s.
func expandBraces(s string, env func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, isBrace := strings.CutPrefix(after, "{")
		end := strings.IndexAny(name, "}:")
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			s = after[1:]
		case isBrace && end >= 0 && name[end] == '}':
			value, _ := env(name[:end])
			b.WriteString(value)
			s = name[end+1:]
		case isBrace && end >= 0: // ${VAR:…
			b.WriteString("${" + name[:end+1])
			s = name[end+1:]
		case isBrace:
			b.WriteString("$" + after)
			return b.String()
		case after == "":
			b.WriteByte('$')
			return b.String()
		default: // the character after a $ is never the start of something
			b.WriteString("$" + after[:1])
			s = after[1:]
		}
	}
}
