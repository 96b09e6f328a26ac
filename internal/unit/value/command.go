package value

import (
	"errors"
	"fmt"
	"strings"
)

// Command is one command of an Exec…= line. systemd.service(5), COMMAND LINES.
type Command struct {
	Path  string   // absolute, or a bare name to be sought in the search path
	Argv  []string // Argv[0] included; $VAR not yet expanded
	Flags CommandFlags
}

// CommandFlags are the prefixes of a command.
type CommandFlags uint8

// The prefixes: - (a failure is recorded and otherwise has no effect), : (no
// $VAR expansion), + (full privileges), ! (elevated), !! (ambient, elevated
// where ambient capabilities are not supported).
const (
	IgnoreFailure CommandFlags = 1 << iota
	NoExpand
	FullPrivilege
	NoSetuid
	AmbientMagic
)

// privileges are the flags of which a command has at most one.
const privileges = FullPrivilege | NoSetuid | AmbientMagic

// flagNames are the words of the bus properties ExecStartEx and kin, in their
// order.
var flagNames = []struct {
	flag CommandFlags
	word string
}{
	{IgnoreFailure, "ignore-failure"},
	{FullPrivilege, "privileged"},
	{NoSetuid, "no-setuid"},
	{AmbientMagic, "ambient"},
	{NoExpand, "no-env-expand"},
}

// FlagNames gives the flags as the bus property ExecStartEx lists them:
// "ignore-failure", "privileged", "no-setuid", "ambient", "no-env-expand".
func (f CommandFlags) FlagNames() []string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.word)
		}
	}
	return names
}

// ParseFlagNames undoes FlagNames.
func ParseFlagNames(names []string) (CommandFlags, error) {
	var flags CommandFlags
next:
	for _, word := range names {
		for _, n := range flagNames {
			if n.word == word {
				flags |= n.flag
				continue next
			}
		}
		return 0, fmt.Errorf("no command flag %q", word)
	}
	return flags, nil
}

// A CommandError says why a command of an Exec…= line was left out, with the rest
// of its line.
type CommandError struct {
	Why string
	// Fatal is set where systemd refuses the whole unit (LoadState=bad-setting);
	// else only the command is ignored: it has the prefix -, or not even its first
	// word could be read.
	Fatal bool
}

func (e *CommandError) Error() string { return e.Why }

// ParseCommands reads one value of an Exec…= directive: one command, or several
// with lone ; between them. expand replaces the specifiers of a path or an
// argument; nil leaves them alone. The error is a *CommandError; the commands
// before it are given too. An empty line gives no command: it stands for the
// reset of the list.
func ParseCommands(line string, expand func(string) (string, error)) ([]Command, error) {
	if expand == nil {
		expand = func(s string) (string, error) { return s, nil }
	}
	var commands []Command
	for rest := line; ; {
		c, after, err := parseCommand(rest, expand)
		if err != nil {
			return commands, err
		}
		if c != nil {
			commands = append(commands, *c)
		}
		if after == nil {
			return commands, nil
		}
		rest = *after
	}
}

// parseCommand reads the command that line starts with; nil for none. after is
// what follows the ; that ends it, nil if none does.
func parseCommand(line string, expand func(string) (string, error)) (
	c *Command, after *string, _ error) {
	first, rest, ok, err := nextArgument(line)
	switch {
	case err != nil:
		return nil, nil, &CommandError{Why: err.Error()}
	case !ok:
		return nil, nil, nil
	case first == ";":
		return nil, &rest, nil
	}
	c = &Command{}
	path, ownName := c.cutPrefixes(first)
	refuse := func(err error) (*Command, *string, error) {
		return nil, nil, &CommandError{err.Error(), c.Flags&IgnoreFailure == 0}
	}
	path, err = expand(path)
	if err != nil {
		return refuse(fmt.Errorf("command path: %w", err))
	}
	if err := checkCommandPath(path); err != nil {
		return refuse(err)
	}
	c.Path = SimplifyPath(path)
	if !ownName {
		c.Argv = append(c.Argv, path)
	}
	args, after, err := parseArgs(rest, expand)
	if err != nil {
		return refuse(err)
	}
	c.Argv = append(c.Argv, args...)
	if len(c.Argv) == 0 {
		return refuse(errors.New("@ without an argument for the name of the process"))
	}
	return c, after, nil
}

// cutPrefixes takes the prefixes off the first word. Each counts once; what is
// left over is the path. ownName is set by @.
func (c *Command) cutPrefixes(word string) (path string, ownName bool) {
	for i := range len(word) {
		switch p := word[i]; {
		case p == '-' && c.Flags&IgnoreFailure == 0:
			c.Flags |= IgnoreFailure
		case p == '@' && !ownName:
			ownName = true
		case p == ':' && c.Flags&NoExpand == 0:
			c.Flags |= NoExpand
		case p == '+' && c.Flags&privileges == 0:
			c.Flags |= FullPrivilege
		case p == '!' && c.Flags&privileges == 0:
			c.Flags |= NoSetuid
		case p == '!' && c.Flags&privileges == NoSetuid:
			c.Flags ^= NoSetuid | AmbientMagic
		default:
			return word[i:], ownName
		}
	}
	return "", ownName
}

// parseArgs reads arguments up to the end or a lone ; (after is then not nil).
func parseArgs(line string, expand func(string) (string, error)) (
	args []string, after *string, _ error) {
	for line != "" {
		// Only a bare ; or \; is meant; quoted ones are arguments.
		if rest, ok := cutLone(line, ";"); ok {
			return args, &rest, nil
		}
		if rest, ok := cutLone(line, `\;`); ok {
			args, line = append(args, ";"), rest
			continue
		}
		word, rest, ok, err := nextArgument(line)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			break
		}
		arg, err := expand(word)
		if err != nil {
			return nil, nil, fmt.Errorf("argument %q: %w", word, err)
		}
		args, line = append(args, arg), rest
	}
	return args, nil, nil
}

// cutLone takes word and the blanks after it off the line, if it stands alone.
func cutLone(line, word string) (rest string, ok bool) {
	after, ok := strings.CutPrefix(line, word)
	rest = strings.TrimLeft(after, Blanks)
	return rest, ok && (after == "" || rest != after)
}

// The limits of the kernel for paths and their components.
const (
	maxPath      = 4096 - 1
	maxComponent = 255
)

// checkCommandPath refuses what can be no path of a program.
func checkCommandPath(path string) error {
	switch {
	case path == "":
		return errors.New("empty path of the command")
	case strings.ContainsFunc(path, isUnsafe):
		return errors.New("special characters in the path of the command")
	case strings.HasSuffix(path, "/"):
		return errors.New("the path of the command is that of a directory")
	case path[0] != '/' && strings.Contains(path, "/"):
		return errors.New("the command is neither an absolute path nor a bare name")
	case path == "." || path == "..":
		return errors.New("the command is a directory")
	case len(path) > maxPath:
		return errors.New("the path of the command is too long")
	}
	for part := range strings.SplitSeq(path, "/") {
		if len(part) > maxComponent {
			return errors.New("a component of the path of the command is too long")
		}
	}
	return nil
}

func isUnsafe(r rune) bool {
	return r < ' ' || r == '"' || r == '\'' || r == '\\' || r == 0x7f
}

// SimplifyPath drops double slashes, components "." and slashes at the end. ".."
// is left alone, for what it means depends on symbolic links.
func SimplifyPath(path string) string {
	if path == "" {
		return ""
	}
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	simple := strings.Join(parts, "/")
	switch {
	case path[0] == '/':
		return "/" + simple
	case simple == "":
		return "."
	}
	return simple
}
