// Package getopt reads command lines as getopt_long(3) does: options and arguments may be
// mixed, letters may be bundled, and a long option may be cut as long as it is clear. It
// answers for no man page; its messages are those of the C library.
package getopt

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// Parse reads the command line and gives the arguments.
func Parse(f *pflag.FlagSet, args []string, interspersed bool) ([]string, error) {
	f.SetInterspersed(interspersed)
	full := make([]string, 0, len(args))
	for i, a := range args {
		if a == "--" || !interspersed && !strings.HasPrefix(a, "-") && !isValue(f, args, i) {
			full = append(full, args[i:]...)
			break
		}
		a, err := complete(f, a)
		if err != nil {
			return nil, err
		}
		full = append(full, a)
	}
	if err := f.Parse(full); err != nil {
		return nil, plain(err)
	}
	return f.Args(), nil
}

// isValue tells that a word may be the value of the option before it.
func isValue(f *pflag.FlagSet, args []string, i int) bool {
	if i == 0 || !strings.HasPrefix(args[i-1], "-") || strings.Contains(args[i-1], "=") {
		return false
	}
	option, err := complete(f, args[i-1])
	if err != nil {
		return false
	}
	var flag *pflag.Flag
	if word, long := strings.CutPrefix(option, "--"); long {
		flag = f.Lookup(word)
	} else {
		flag = f.ShorthandLookup(option[len(option)-1:])
	}
	return flag != nil && flag.NoOptDefVal == ""
}

// complete gives the whole name of a long option that was cut.
func complete(f *pflag.FlagSet, arg string) (string, error) {
	word, ok := strings.CutPrefix(arg, "--")
	if !ok || word == "" {
		return arg, nil
	}
	word, rest, has := strings.Cut(word, "=")
	if f.Lookup(word) != nil {
		return arg, nil
	}
	var hits []string
	f.VisitAll(func(g *pflag.Flag) {
		if strings.HasPrefix(g.Name, word) {
			hits = append(hits, g.Name)
		}
	})
	switch {
	case len(hits) == 1 && has:
		return "--" + hits[0] + "=" + rest, nil
	case len(hits) == 1:
		return "--" + hits[0], nil
	case len(hits) > 1:
		return "", fmt.Errorf("option '--%s' is ambiguous; possibilities: '--%s'",
			word, strings.Join(hits, "' '--"))
	}
	return arg, nil // the parser says that it does not know it
}

// plain says what getopt says.
func plain(err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return fmt.Errorf("invalid option -- '%s'", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return fmt.Errorf("unrecognized option '--%s'", unknown.GetSpecifiedName())
	case errors.As(err, &missing) && missing.GetSpecifiedShortnames() != "":
		return fmt.Errorf("option requires an argument -- '%s'", missing.GetSpecifiedName())
	case errors.As(err, &missing):
		return fmt.Errorf("option '--%s' requires an argument", missing.GetSpecifiedName())
	}
	return err
}
