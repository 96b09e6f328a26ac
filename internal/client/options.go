package client

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"rouse/internal/client/getopt"
	"rouse/internal/unit"
	"rouse/internal/unit/name"
	"rouse/internal/unit/value"
)

// options are the values of all options. Those that say nothing to a verb are
// accepted and ignored there, as systemctl does it.
type options struct {
	types, states, props []string

	all, reverse, after, before, full, failed, recursive bool
	legend, quiet, value, plain, noBlock, wait, force    bool
	help, version, user, system, showTypes, dryRun       bool

	now, runtime, global, noReload, noWarn bool

	output, json, presetMode, jobMode, signal, killWhom, root string
	host, machine, socket, timestamp                          string
	typeWords, stateWords, propWords, valueWords              []string

	what            []string // of clean
	readOnly, mkdir bool     // of bind

	exitCode uint8
	lines    int
	nothing  bool
	nowhere  string
}

// ignoredFlags and ignoredWords are systemctl's options that mean nothing here.
var (
	ignoredFlags = []string{
		"no-pager", "no-ask-password", "no-wall", "with-dependencies",
		"marked", "firmware-setup",
	}
	ignoredWords = []string{
		"check-inhibitors", "message", "boot-loader-menu",
		"boot-loader-entry", "image", "reboot-argument",
	}
)

// flags describes the options to the flag parser. Where systemctl has only a
// letter, the long name is ours.
func (o *options) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	o.boolFlags(f)
	f.StringArrayVarP(&o.typeWords, "type", "t", nil, "")
	f.StringArrayVar(&o.stateWords, "state", nil, "")
	f.StringArrayVarP(&o.propWords, "property", "p", nil, "")
	f.StringArrayVarP(&o.valueWords, "only-property", "P", nil, "")
	f.StringVarP(&o.output, "output", "o", "", "")
	f.StringVar(&o.json, "json", "", "")
	f.StringVar(&o.jobMode, "job-mode", "replace", "")
	for flag, mode := range map[string]unit.JobMode{
		"fail": unit.Fail, "irreversible": unit.ReplaceIrreversibly,
		"ignore-dependencies": unit.IgnoreDependencies,
	} {
		f.BoolFunc(flag, "", func(string) error { o.jobMode = mode.String(); return nil })
	}
	f.StringVarP(&o.signal, "signal", "s", "", "")
	f.StringVar(&o.killWhom, "kill-whom", "all", "")
	f.StringVar(&o.killWhom, "kill-who", "all", "")
	f.StringVar(&o.root, "root", "", "")
	f.StringVar(&o.presetMode, "preset-mode", "full", "")
	f.StringVarP(&o.host, "host", "H", "", "")
	f.StringVarP(&o.machine, "machine", "M", "", "")
	f.StringVar(&o.socket, "socket", "", "")
	f.StringVar(&o.timestamp, "timestamp", "pretty", "")
	f.Uint8Var(&o.exitCode, "exit-code", 0, "")
	f.StringArrayVar(&o.what, "what", nil, "")
	f.IntVarP(&o.lines, "lines", "n", 10, "")
	for _, n := range ignoredWords {
		f.StringVar(&o.nowhere, n, "", "")
	}
	return f
}

// boolFlags describes the options without a value.
func (o *options) boolFlags(f *pflag.FlagSet) {
	f.BoolVarP(&o.all, "all", "a", false, "")
	f.BoolVar(&o.reverse, "reverse", false, "")
	f.BoolVar(&o.after, "after", false, "")
	f.BoolVar(&o.before, "before", false, "")
	f.BoolVarP(&o.full, "full", "l", false, "")
	f.BoolVar(&o.failed, "failed", false, "")
	f.BoolVarP(&o.recursive, "recursive", "r", false, "")
	o.legend = true
	f.BoolFunc("legend", "", func(s string) (err error) {
		o.legend, err = value.ParseBool(s)
		return err
	})
	f.BoolFunc("no-legend", "", func(string) error { o.legend = false; return nil })
	f.BoolVarP(&o.quiet, "quiet", "q", false, "")
	f.BoolVar(&o.value, "value", false, "")
	f.BoolVar(&o.plain, "plain", false, "")
	f.BoolVar(&o.noBlock, "no-block", false, "")
	f.BoolVar(&o.wait, "wait", false, "")
	f.BoolVar(&o.now, "now", false, "")
	f.BoolVar(&o.runtime, "runtime", false, "")
	f.BoolVar(&o.global, "global", false, "")
	f.BoolVar(&o.noReload, "no-reload", false, "")
	f.BoolVar(&o.noWarn, "no-warn", false, "")
	f.BoolVarP(&o.force, "force", "f", false, "")
	f.BoolVarP(&o.help, "help", "h", false, "")
	f.BoolVar(&o.version, "version", false, "")
	f.BoolVar(&o.user, "user", false, "")
	f.BoolVar(&o.system, "system", false, "")
	f.BoolVar(&o.dryRun, "dry-run", false, "")
	f.BoolVar(&o.readOnly, "read-only", false, "")
	f.BoolVar(&o.mkdir, "mkdir", false, "")
	f.BoolVar(&o.showTypes, "show-types", false, "")
	f.BoolVarP(&o.nothing, "ignore-inhibitors", "i", false, "")
	f.BoolVarP(&o.nothing, "show-transaction", "T", false, "")
	for _, n := range ignoredFlags {
		f.BoolVar(&o.nothing, n, false, "")
	}
}

// parse reads the command line, in which options and arguments may be mixed, and
// gives the arguments. A long option may be cut as long as it is clear.
func (o *options) parse(args []string) ([]string, error) {
	return getopt.Parse(o.flags(), args, true)
}

// outputs are the values of --output= that systemctl knows; all but the JSON ones
// are about how log lines look.
var outputs = []string{
	"", "short", "short-full", "short-iso", "short-iso-precise", "short-precise",
	"short-monotonic", "short-unix", "short-delta", "verbose", "export", "json", "json-pretty",
	"json-sse", "json-seq", "cat", "with-unit",
}

// timestamps are the values of --timestamp=.
var timestamps = []string{"pretty", "us", "µs", "utc", "us+utc", "µs+utc", "unix"}

// presetModes are the values of --preset-mode=.
var presetModes = []string{"full", "enable-only", "disable-only"}

// check looks at the values of options and takes lists apart.
func (o *options) check() error {
	switch o.json {
	case "", "off":
		o.json = ""
	case "short", "pretty":
	default:
		return fmt.Errorf("--json=%s: not one of pretty, short, off", o.json)
	}
	if !slices.Contains(outputs, o.output) {
		return complain("Unknown output '%s'.", o.output)
	}
	switch o.output {
	case "json":
		o.json = "short"
	case "json-pretty":
		o.json = "pretty"
	}
	if o.presetMode != "help" && !slices.Contains(presetModes, o.presetMode) {
		return complain("Failed to parse preset mode: %s.", o.presetMode)
	}
	if !slices.Contains(timestamps, o.timestamp) {
		return complain("Invalid value: %s.", o.timestamp)
	}
	o.timestamp = strings.ReplaceAll(o.timestamp, "µ", "u")
	o.props = append(words(o.propWords), words(o.valueWords)...)
	o.value = o.value || len(o.valueWords) > 0
	o.states = words(o.stateWords)
	if o.failed {
		o.states = append(o.states, "failed")
	}
	for _, t := range words(o.typeWords) {
		_, isType := name.ParseType(t)
		switch {
		case isType:
			o.types = append(o.types, t)
		case isLoadState(t): // an old way to say --state=
			o.states = append(o.states, t)
		case t != "help":
			return complain("Unknown unit type or load state '%s'.\n"+
				"Use -t help to see a list of allowed values.", t)
		}
	}
	if o.user && o.system {
		return errors.New("--user and --system exclude each other")
	}
	return nil
}

// words takes lists with commas apart.
func words(lists []string) []string {
	return strings.FieldsFunc(strings.Join(lists, ","), func(r rune) bool { return r == ',' })
}

func isLoadState(word string) bool {
	for s := range unit.LoadStates {
		if s.String() == word {
			return true
		}
	}
	return false
}

// listWords answers "help" as the value of an option.
func (o *options) listWords(w io.Writer) (done bool, err error) {
	switch {
	case slices.Contains(o.typeWords, "help"):
		fmt.Fprintln(w, "Available unit types:")
		fmt.Fprintln(w, strings.ReplaceAll(unitTypes, " ", "\n"))
	case o.presetMode == "help":
		fmt.Fprintln(w, strings.Join(presetModes, "\n"))
	case o.signal == "help" || o.signal == "list":
		for s := value.Signal(1); s < 65; s++ {
			if s.Valid() {
				fmt.Fprintln(w, strings.TrimPrefix(s.String(), "SIG"))
			}
		}
	case o.jobMode == "help":
		for m := range unit.JobModes {
			fmt.Fprintln(w, m)
		}
	case slices.Contains(o.stateWords, "help"):
		listStates(w)
	default:
		return false, nil
	}
	return true, nil
}
