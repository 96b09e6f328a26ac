package directive

import (
	"errors"
	"strings"

	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// The kinds of values that many settings share.
var (
	// boolean is yes or no; of mustBool what is neither makes the unit unusable.
	boolean  = kind[bool]{"boolean", "b", parseBool, plain[bool]}
	mustBool = kind[bool]{"boolean", "b", parseMustBool, plain[bool]}
	// text is taken as it stands; expanded text has its specifiers replaced.
	text     = kind[string]{"text", "s", parseText, plain[string]}
	expanded = kind[string]{"text", "s", parseExpanded, plain[string]}
	// path is absolute; of mustPath one that is not makes the unit unusable.
	path     = kind[string]{"absolute path", "s", parsePath, plain[string]}
	mustPath = kind[string]{"absolute path", "s", parseMustPath, plain[string]}
	paths    = kind[[]string]{"absolute paths", "as", parsePaths, list}
	unsigned = kind[uint]{"number", "u", parseUnsigned, busUint}
	long     = kind[int64]{"number", "x", parseLong, plain[int64]}
	mode     = kind[value.Mode]{"octal mode", "u", parseMode, busMode}
	signal   = kind[value.Signal]{"signal", "i", parseSignal, busSignal}
	span     = kind[value.Span]{"time span", "t", parseSpan, busSpan}
	// timeout is a span of which 0 means infinity.
	timeout = kind[value.Span]{"time span", "t", parseTimeout, busSpan}
	// openSpan is a span that an empty value resets to infinity.
	openSpan = kind[value.Span]{"time span", "t", parseOpenSpan, busSpan}
	size     = kind[value.Size]{"size in bytes", "t", parseSize, busSize}
	cpus     = kind[value.CPUSet]{"CPU numbers and ranges", "ay", parseCPUs, busCPUs}
	exitSet  = kind[value.ExitSet]{
		"exit statuses and signals", "(aiai)", parseExitSet, busExitSet,
	}
	commands = kind[[]value.Command]{
		"command line", "a(sasbttttuii)", parseCommands, busCommands,
	}
)

func plain[T any](v *T) any { return *v }

// list gives a list of strings that is never nil.
func list(v *[]string) any {
	if *v == nil {
		return []string{}
	}
	return *v
}

func busUint(v *uint) any           { return uint32(*v) }
func busMode(v *value.Mode) any     { return uint32(*v) }
func busSignal(v *value.Signal) any { return int32(*v) }
func busSpan(v *value.Span) any     { return uint64(*v) }
func busSize(v *value.Size) any     { return uint64(*v) }

func parseBool(p *parse, v *bool) error {
	b, err := value.ParseBool(p.value)
	if err == nil {
		*v = b
	}
	return err
}

func parseMustBool(p *parse, v *bool) error {
	if err := parseBool(p, v); err != nil {
		return fatal{err, unit.BadSetting}
	}
	return nil
}

func parseText(p *parse, v *string) error {
	*v = p.value
	return nil
}

func parseExpanded(p *parse, v *string) error {
	s, err := p.expand(p.value)
	if err == nil {
		*v = s
	}
	return err
}

func parsePath(p *parse, v *string) error {
	if p.value == "" {
		*v = ""
		return nil
	}
	s, err := p.absolute(p.value)
	if err == nil {
		*v = s
	}
	return err
}

func parseMustPath(p *parse, v *string) error {
	if err := parsePath(p, v); err != nil {
		return fatal{err, unit.BadSetting}
	}
	return nil
}

// absolute expands specifiers in s and checks and simplifies the path it is.
func (p *parse) absolute(s string) (string, error) {
	s, err := p.expand(s)
	if err != nil {
		return "", err
	}
	return cleanAbsolute(s)
}

// maxPath is the length of the longest path, in bytes.
const maxPath = 4095

// cleanAbsolute checks that s is an absolute path without ".." and takes out
// what does not count: double slashes, "." and a slash at the end.
func cleanAbsolute(s string) (string, error) {
	if s == "" || s[0] != '/' {
		return "", why("not an absolute path")
	}
	return clean(s)
}

// cleanRelative is cleanAbsolute for paths relative to some directory.
func cleanRelative(s string) (string, error) {
	if s == "" || s[0] == '/' {
		return "", why("not a relative path")
	}
	return clean(s)
}

func clean(s string) (string, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return "", why("not a path")
	}
	if isClean(s) {
		return s, nil
	}
	var b strings.Builder
	if s[0] == '/' {
		b.WriteByte('/')
	}
	for part := range strings.SplitSeq(s, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			return "", why(`not a normalized path: contains ".."`)
		}
		if len(part) > 255 {
			return "", why("not a path: a part is longer than 255 bytes")
		}
		if n := b.Len(); n > 1 || n == 1 && s[0] != '/' {
			b.WriteByte('/')
		}
		b.WriteString(part)
	}
	if b.Len() == 0 {
		return "", why("not a path")
	}
	if b.Len() > maxPath {
		return "", why("not a path: too long")
	}
	return b.String(), nil
}

// isClean reports whether s surely needs no cleaning.
func isClean(s string) bool {
	if len(s) > 255 || len(s) > 1 && s[len(s)-1] == '/' || s[0] == '.' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i-1] == '/' && (s[i] == '/' || s[i] == '.') {
			return false
		}
	}
	return true
}

// parsePaths adds paths, up to the first one that is none.
func parsePaths(p *parse, v *[]string) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	bad := false
	return p.eachWord(value.Unquote, func(w string) {
		if bad {
			return
		}
		s, err := p.absolute(w)
		if err != nil {
			p.fault(w+": "+err.Error(), "ignoring this word and those after it")
			bad = true
			return
		}
		*v = append(*v, s)
	})
}

// eachWord calls f for each word of the value. Where the quoting goes wrong it
// leaves out the rest, with a fault; the error is always nil.
func (p *parse) eachWord(flags value.WordFlags, f func(w string)) error {
	p.eachOf(p.value, flags, f)
	return nil
}

// eachOf is eachWord for a part of the value.
func (p *parse) eachOf(s string, flags value.WordFlags, f func(w string)) {
	if err := eachWord(s, flags, f); err != nil {
		p.fault(err.Error(), "ignoring the rest of the line")
	}
}

// eachWord calls f for each word of s. The error is about quoting; words before
// the place where it goes wrong have been used then.
func eachWord(s string, flags value.WordFlags, f func(w string)) error {
	for {
		w, rest, ok, err := value.NextWord(s, value.Blanks, flags)
		if err != nil || !ok {
			return err
		}
		f(w)
		s = rest
	}
}

func parseUnsigned(p *parse, v *uint) error {
	n, err := value.ParseUint(p.value, 32)
	if err == nil {
		*v = uint(n)
	}
	return err
}

func parseLong(p *parse, v *int64) error {
	n, err := value.ParseInt(p.value, 64)
	if err == nil {
		*v = n
	}
	return err
}

func parseMode(p *parse, v *value.Mode) error {
	m, err := value.ParseMode(p.value)
	if err == nil {
		*v = m
	}
	return err
}

func parseSignal(p *parse, v *value.Signal) error {
	s, err := value.ParseSignal(p.value)
	if err == nil {
		*v = s
	}
	return err
}

func parseSpan(p *parse, v *value.Span) error {
	s, err := value.ParseSpan(p.value)
	if err == nil {
		*v = s
	}
	return err
}

func parseTimeout(p *parse, v *value.Span) error {
	s, err := value.ParseSpan(p.value)
	if err != nil {
		return err
	}
	if s == 0 {
		s = value.Infinity
	}
	*v = s
	return nil
}

func parseOpenSpan(p *parse, v *value.Span) error {
	if p.value == "" {
		*v = value.Infinity
		return nil
	}
	return parseSpan(p, v)
}

func parseSize(p *parse, v *value.Size) error {
	s, err := value.ParseSize(p.value)
	if err == nil && s == value.SizeInfinity {
		err = why("not a size")
	}
	if err == nil {
		*v = s
	}
	return err
}

func parseCPUs(p *parse, v *value.CPUSet) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	set, err := value.ParseCPUSet(p.value)
	if err != nil {
		return err
	}
	if n := len(set); n > 0 && set[n-1] >= maxCPUs {
		return why("out of range, 0 to 8191")
	}
	*v = v.Merge(set)
	return nil
}

// maxCPUs is the number of CPUs that Linux can be built for.
const maxCPUs = 8192

func busCPUs(v *value.CPUSet) any { return v.Mask() }

func parseExitSet(p *parse, v *value.ExitSet) error {
	if p.value == "" {
		*v = value.ExitSet{}
		return nil
	}
	return p.eachWord(0, func(w string) {
		if err := v.Add(w); err != nil {
			p.ignore(w, err.Error())
		}
	})
}

func busExitSet(v *value.ExitSet) any {
	statuses := make([]int32, len(v.Statuses))
	for i, s := range v.Statuses {
		statuses[i] = int32(s)
	}
	signals := make([]int32, len(v.Signals))
	for i, s := range v.Signals {
		signals[i] = int32(s)
	}
	return []any{statuses, signals}
}

func parseCommands(p *parse, v *[]value.Command) error {
	if p.value == "" {
		*v = nil
		return nil
	}
	list, err := value.ParseCommands(p.value, p.Expand)
	*v = append(*v, list...)
	if err == nil {
		return nil
	}
	var bad *value.CommandError
	if errors.As(err, &bad) && bad.Fatal {
		return fatal{err, unit.BadSetting}
	}
	return err
}

// busCommands gives commands as the older properties have it: of the flags only
// "ignore failure". What follows is the manager's to fill in.
func busCommands(v *[]value.Command) any {
	list := make([]any, len(*v))
	for i, c := range *v {
		ignore := c.Flags&value.IgnoreFailure != 0
		list[i] = []any{
			c.Path, c.Argv, ignore, uint64(0), uint64(0), uint64(0), uint64(0), uint32(0), int32(0),
			int32(0),
		}
	}
	return list
}

// busCommandsEx gives commands with all their flags.
func busCommandsEx(v []value.Command) any {
	list := make([]any, len(v))
	for i, c := range v {
		flags := c.Flags.FlagNames()
		if flags == nil {
			flags = []string{}
		}
		list[i] = []any{
			c.Path, c.Argv, flags, uint64(0), uint64(0), uint64(0), uint64(0), uint32(0), int32(0), int32(0),
		}
	}
	return list
}
