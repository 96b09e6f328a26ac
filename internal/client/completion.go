package client

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"rouse/internal/client/tool"
)

// commandWords is what can be completed of a command: its verbs, which of them take units,
// and its options, those with a value ending in "=".
type commandWords struct {
	name           string
	verbs, options []string
	units          []string
}

// allCommands describes systemctl and all programs, from the tables they run by.
func allCommands() []commandWords {
	c := commandWords{name: "systemctl"}
	for _, v := range verbs() {
		if v.name == "" {
			continue
		}
		c.verbs = append(c.verbs, v.name)
		if strings.Contains(v.args, "UNIT") || strings.Contains(v.args, "PATTERN") {
			c.units = append(c.units, v.name)
		}
	}
	(&options{}).flags().VisitAll(func(f *pflag.Flag) {
		o := "--" + f.Name
		if f.NoOptDefVal == "" {
			o += "="
		}
		c.options = append(c.options, o)
	})
	list := []commandWords{c}
	for _, p := range programs() {
		d := commandWords{name: p.Name, options: []string{"--help", "--version"}}
		for _, v := range p.Verbs {
			d.verbs = append(d.verbs, v.Name)
			if strings.Contains(v.Args, "UNIT") {
				d.units = append(d.units, v.Name)
			}
		}
		for _, f := range p.Flags {
			switch {
			case f.Long == "":
			case f.Arg == "" || f.Arg[0] == '?':
				d.options = append(d.options, "--"+f.Long)
			default:
				d.options = append(d.options, "--"+f.Long+"=")
			}
		}
		list = append(list, d)
	}
	for _, d := range list {
		slices.Sort(d.options)
	}
	return list
}

// listUnitsCommand gives the names of units, for completion.
const listUnitsCommand = "systemctl list-units --all --no-legend --plain"

// completion prints what a shell is to read so that it completes our commands.
func completion(a *app, args []string) (int, error) {
	print, ok := map[string]func(b *strings.Builder, list []commandWords){
		"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion,
	}[args[0]]
	if !ok {
		return exitFailure, complain("Unknown shell %s; known: bash, zsh, fish.", args[0])
	}
	b := &strings.Builder{}
	print(b, allCommands())
	fmt.Fprint(a.Stdout, b.String())
	return exitOK, nil
}

func bashCompletion(b *strings.Builder, list []commandWords) {
	fmt.Fprint(b, "# Completion for bash: . <(rouse completion bash)\n")
	for _, c := range list {
		fn := "_rouse_" + strings.ReplaceAll(c.name, "-", "_")
		fmt.Fprintf(b, "%s() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb= w\n", fn)
		fmt.Fprintf(b, "\tlocal verbs='%s'\n\tlocal options='%s'\n",
			strings.Join(c.verbs, " "), strings.Join(c.options, " "))
		fmt.Fprint(b, "\tif [[ $cur == -* ]]; then\n"+
			"\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"+
			"\t\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n\t\treturn\n\tfi\n")
		if len(c.verbs) == 0 {
			fmt.Fprint(b, "\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n}\n")
		} else {
			fmt.Fprint(b, "\tfor w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"+
				"\t\t[[ \" $verbs \" == *\" $w \"* ]] && verb=$w && break\n\tdone\n"+
				"\tif [[ -z $verb ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\"))\n")
			fmt.Fprintf(b, "\telif [[ ' %s ' == *\" $verb \"* ]]; then\n"+
				"\t\tCOMPREPLY=($(compgen -W \"$(%s 2>/dev/null | cut -d' ' -f1)\" -- \"$cur\"))\n"+
				"\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\n",
				strings.Join(c.units, " "), listUnitsCommand)
		}
		names := c.name
		if c.name == "systemctl" {
			names += " rouse"
		}
		fmt.Fprintf(b, "complete -F %s %s\n", fn, names)
	}
}

// zshCompletion: options is a name that zsh has for something else.
func zshCompletion(b *strings.Builder, list []commandWords) {
	names := []string{"rouse"}
	for _, c := range list {
		names = append(names, c.name)
	}
	fmt.Fprintf(b, "#compdef %s\n# Completion for zsh: rouse completion zsh >~/.zfunc/_rouse\n"+
		"local verb= w verbs units flags\ncase $service in\n", strings.Join(names, " "))
	for _, c := range list {
		pattern := c.name
		if c.name == "systemctl" {
			pattern = "rouse|systemctl"
		}
		fmt.Fprintf(b, "(%s)\n\tverbs=(%s)\n\tunits=(%s)\n\tflags=(%s)\n\t;;\n", pattern,
			strings.Join(c.verbs, " "), strings.Join(c.units, " "), strings.Join(c.options, " "))
	}
	fmt.Fprintf(b, "esac\nif [[ $words[CURRENT] == -* ]]; then\n\tcompadd -S '' -- $flags\n"+
		"\treturn\nfi\nfor w in $words[2,CURRENT-1]; do\n"+
		"\t(( $verbs[(Ie)$w] )) && verb=$w && break\ndone\n"+
		"if [[ -z $verb && -n $verbs ]]; then\n\tcompadd -- $verbs\n"+
		"elif (( $units[(Ie)$verb] )); then\n"+
		"\tcompadd -- ${${(f)\"$(%s 2>/dev/null)\"}%%%% *}\nelse\n\t_files\nfi\n", listUnitsCommand)
}

func fishCompletion(b *strings.Builder, list []commandWords) {
	fmt.Fprint(b, "# Completion for fish: rouse completion fish | source\n")
	for _, c := range list {
		names := []string{c.name}
		if c.name == "systemctl" {
			names = append(names, "rouse")
		}
		for _, n := range names {
			for _, o := range c.options {
				long, value := strings.CutSuffix(strings.TrimPrefix(o, "--"), "=")
				fmt.Fprintf(b, "complete -c %s -l %s", n, long)
				if value {
					fmt.Fprint(b, " -r")
				}
				fmt.Fprintln(b)
			}
			if len(c.verbs) > 0 {
				fmt.Fprintf(b, "complete -c %s -f -n '__fish_is_first_token' -a '%s'\n", n,
					strings.Join(c.verbs, " "))
				fmt.Fprintf(b, "complete -c %s -f -n '__fish_seen_subcommand_from %s' -a "+
					"'(%s 2>/dev/null | string split -f1 \" \")'\n", n,
					strings.Join(c.units, " "), listUnitsCommand)
			}
		}
	}
}

// manual prints the manual page of a command, in the language of man(7).
func manual(a *app, args []string) (int, error) {
	want := "systemctl"
	if len(args) > 0 {
		want = args[0]
	}
	b := &strings.Builder{}
	if want == "systemctl" || want == "rouse" {
		a.systemctlManual(b, want)
		fmt.Fprint(a.Stdout, b.String())
		return exitOK, nil
	}
	for _, p := range programs() {
		if p.Name == want || strings.TrimPrefix(p.Name, "systemd-") == want {
			programManual(b, p, a.Version)
			fmt.Fprint(a.Stdout, b.String())
			return exitOK, nil
		}
	}
	return exitFailure, complain("No manual page of %s; of systemctl and the systemd-… that "+
		"\"rouse completion bash\" names there are.", want)
}

// roff writes a text so that it stands for itself.
func roff(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	s = strings.ReplaceAll(s, "-", `\-`)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func manualHead(b *strings.Builder, name, about, version, synopsis string) {
	fmt.Fprintf(b, ".TH %s 1 \"\" \"rouse %s\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n.B %s\n%s\n",
		strings.ToUpper(name), roff(version), roff(name), roff(about), roff(name), roff(synopsis))
}

func entry(b *strings.Builder, term, text string) {
	fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(term), roff(text))
}

func (a *app) systemctlManual(b *strings.Builder, name string) {
	manualHead(b, name, "ask or tell the service manager", a.Version, "[OPTION…] COMMAND …")
	fmt.Fprint(b, ".SH COMMANDS\n")
	for _, v := range verbs() {
		if v.help != "" {
			entry(b, strings.TrimSpace(v.name+" "+v.args), v.help+".")
		}
	}
	fmt.Fprint(b, ".SH OPTIONS\n")
	for _, o := range optionHelp {
		entry(b, strings.TrimSpace(o.option), o.text+".")
	}
}

func programManual(b *strings.Builder, p *tool.Program, version string) {
	manualHead(b, p.Name, p.About, version, strings.TrimSpace("[OPTION…] "+p.Args))
	if len(p.Verbs) > 0 {
		fmt.Fprint(b, ".SH COMMANDS\n")
	}
	for _, v := range p.Verbs {
		if v.Help != "" {
			entry(b, strings.TrimSpace(v.Name+" "+v.Args), v.Help+".")
		}
	}
	fmt.Fprint(b, ".SH OPTIONS\n")
	for _, o := range p.Flags {
		entry(b, strings.TrimSpace(o.Spelled()), o.Help+".")
	}
}
