package client

import (
	"fmt"
	"io"
	"strings"

	"rouse/internal/unit"
)

// optionHelp is what the help says of the options that do something.
var optionHelp = []struct{ option, text string }{
	{"    --system, --user", "Which manager to speak to (default: system)"},
	{"    --socket=PATH", "Where that manager listens (also: $ROUSE_SOCKET)"},
	{"-t, --type=TYPE,…", "List units of these types"},
	{"    --state=STATE,…", "List units with these load, active or sub states"},
	{"    --failed", "The same as --state=failed"},
	{"-p, --property=NAME,…", "Show these properties only"},
	{"-P NAME", "The same as --value --property=NAME"},
	{"    --value", "Show values without names"},
	{"-a, --all", "Show all, also what is inactive or empty"},
	{"-l, --full", "Cut nothing to the width of the terminal"},
	{"    --reverse", "list-dependencies: who needs the unit"},
	{"    --after, --before", "list-dependencies: in order of start"},
	{"    --job-mode=MODE", "How a new job deals with those that are queued"},
	{"    --dry-run", "Show what would be done, and do nothing"},
	{"    --no-block", "Do not wait until the job has finished"},
	{"    --wait", "Wait until the units have stopped again, or the system is up"},
	{"-s, --signal=SIGNAL", "kill: which signal to send"},
	{"    --kill-whom=WHOM", "kill: main, control or all"},
	{"-o, --output=, --json=", "json or json-pretty; short or pretty"},
	{"    --timestamp=FORMAT", "pretty, us, utc, us+utc or unix"},
	{"    --root=DIR", "cat, verify, is-enabled: read unit files below DIR"},
	{"    --no-legend, --plain", "Lists without head and foot; without signs"},
	{"-q, --quiet", "Print less"},
	{"-h, --help, --version", "Show this help; show the version"},
}

func (a *app) help() error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s [OPTIONS…] COMMAND …\n\nAsk or tell the service manager.\n\n", a.name())
	fmt.Fprint(b, "Commands:\n")
	for _, v := range verbs() {
		if v.help != "" {
			fmt.Fprintf(b, "  %-36s %s\n", strings.TrimSpace(v.name+" "+v.args), v.help)
		}
	}
	fmt.Fprint(b, "\nOptions:\n")
	for _, o := range optionHelp {
		fmt.Fprintf(b, "  %-28s %s\n", o.option, o.text)
	}
	_, err := io.WriteString(a.Stdout, b.String())
	return err
}

// help is the verb: systemctl's shows manual pages, ours names them.
func help(a *app, args []string) (int, error) {
	if len(args) == 0 {
		return exitOK, a.help()
	}
	units, err := a.resolve(args)
	if err != nil {
		return exitFailure, err
	}
	for _, u := range units {
		p, err := a.properties(u)
		if err != nil {
			return exitFailure, err
		}
		for _, d := range p.strings("Documentation") {
			fmt.Fprintln(a.Stdout, d)
		}
	}
	return exitOK, nil
}

// subStates are the sub states of each type of unit that rouse knows.
var subStates = []struct{ unit, states string }{
	{"automount", "dead waiting running failed"},
	{"device", "dead tentative plugged"},
	{"mount", "dead mounting mounting-done mounted remounting unmounting remounting-sigterm " +
		"remounting-sigkill unmounting-sigterm unmounting-sigkill failed cleaning"},
	{"path", "dead waiting running failed"},
	{"scope", "dead start-chown running abandoned stop-sigterm stop-sigkill failed"},
	{"service", "dead condition start-pre start start-post running exited reload stop " +
		"stop-watchdog stop-sigterm stop-sigkill stop-post final-watchdog final-sigterm " +
		"final-sigkill failed auto-restart cleaning"},
	{"slice", "dead active"},
	{"socket", "dead start-pre start-chown start-post listening running stop-pre " +
		"stop-pre-sigterm stop-pre-sigkill stop-post final-sigterm final-sigkill failed cleaning"},
	{"swap", "dead activating activating-done active deactivating deactivating-sigterm " +
		"deactivating-sigkill failed cleaning"},
	{"target", "dead active"},
	{"timer", "dead waiting running elapsed failed"},
}

// unitTypes are the types of units in the order of the help.
const unitTypes = "service mount swap socket target device automount timer path slice scope"

// activeStates and fileStates are the words for them, in the order of the help.
const (
	activeStates = "active reloading inactive failed activating deactivating maintenance"
	fileStates   = "enabled enabled-runtime linked linked-runtime alias masked masked-runtime " +
		"static disabled indirect generated transient bad"
)

func listStates(w io.Writer) {
	list := func(what, states string) {
		fmt.Fprintf(w, "Available %s:\n%s\n", what, strings.ReplaceAll(states, " ", "\n"))
	}
	var load []string
	for s := range unit.LoadStates {
		load = append(load, s.String())
	}
	list("unit load states", strings.Join(load, " "))
	fmt.Fprintln(w)
	list("unit active states", activeStates)
	fmt.Fprintln(w)
	list("unit file states", fileStates)
	for _, s := range subStates {
		fmt.Fprintln(w)
		list(s.unit+" unit substates", s.states)
	}
}
