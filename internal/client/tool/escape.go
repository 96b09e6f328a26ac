package tool

import (
	"strings"

	"rouse/internal/unit/name"
)

var escapeProgram = Program{
	Name: "systemd-escape", Args: "[NAME...]", About: "Escape strings for usage in systemd unit names",
	Flags: []Flag{
		{"", "suffix", "SUFFIX", "Unit suffix to append to escaped strings"},
		{"", "template", "TEMPLATE", "Insert strings as instance into template"},
		{"", "instance", "", "With --unescape, show just the instance part"},
		{"u", "unescape", "", "Unescape strings"},
		{"m", "mangle", "", "Mangle strings"},
		{"p", "path", "", "When escaping/unescaping assume the string is a path"},
	},
	Run: escape,
}

func escape(r *Run) (int, error) {
	suffix, template := r.Value("suffix"), r.Value("template")
	if r.Has("suffix") {
		if _, ok := name.ParseType(suffix); !ok {
			return 1, Complain("Invalid unit suffix type \"%s\".", suffix)
		}
	}
	if r.Has("template") && !name.Valid(template, name.Template) {
		return 1, Complain("Template name %s is not valid.", template)
	}
	switch {
	case len(r.Args) == 0:
		return 1, Complain("Not enough arguments.")
	case r.Has("template") && r.Has("suffix"):
		return 1, Complain("--suffix= and --template= may not be combined.")
	case (r.Has("suffix") || r.Has("template")) && r.Has("mangle"):
		return 1, Complain("--suffix= and --template= are not compatible with --mangle.")
	case r.Has("unescape") && r.Has("suffix"):
		return 1, Complain("--suffix= is not compatible with --unescape.")
	case r.Has("path") && r.Has("mangle"):
		return 1, Complain("--path may not be combined with --mangle.")
	case r.Has("instance") && !r.Has("unescape"):
		return 1, Complain("--instance must be used in conjunction with --unescape.")
	case r.Has("instance") && r.Has("template"):
		return 1, Complain("--instance may not be combined with --template.")
	}
	for i, arg := range r.Args {
		var out string
		var err error
		switch {
		case r.Has("unescape"):
			out, err = r.unescaped(arg, template)
		case r.Has("mangle"):
			if out, err = name.Mangle(arg, ".service", false); err != nil {
				err = Complain("Failed to mangle name: Invalid argument")
			}
		default:
			out, err = r.escaped(arg, template, suffix)
		}
		if err != nil {
			return 1, err
		}
		if i > 0 {
			r.Print(" ")
		}
		r.Print("%s", out)
	}
	r.Print("\n")
	return 0, nil
}

func (r *Run) unescaped(arg, template string) (out string, err error) {
	if template != "" || r.Has("instance") {
		if !name.Valid(arg, name.Instance) {
			return "", Complain("Unit %s is missing the instance name.", arg)
		}
		of, _ := name.TemplateOf(arg)
		if template != "" && of != template {
			return "", Complain("Unit %s template %s does not match specified template %s.",
				arg, of, template)
		}
		arg = name.InstanceOf(arg)
	}
	if r.Has("path") {
		out, err = name.UnescapePath(arg)
	} else {
		out, err = name.Unescape(arg)
	}
	if err != nil {
		return "", Complain("Failed to unescape string: Invalid argument")
	}
	return out, nil
}

func (r *Run) escaped(arg, template, suffix string) (out string, err error) {
	if r.Has("path") {
		absolute, what := strings.HasPrefix(arg, "/"), "an absolute"
		if absolute {
			what = "a normalized"
		}
		if out, err = name.EscapePath(arg); err != nil {
			return "", Complain("Input '%s' is not %s file system path, failed to escape.", arg, what)
		}
		if !absolute {
			r.Say("Input '%s' is not an absolute file system path, "+
				"escaping is likely not going to be reversible.", arg)
		}
	} else {
		out = name.Escape(arg)
	}
	switch {
	case template != "":
		if out, err = name.WithInstance(template, out); err != nil {
			return "", Complain("Failed to replace instance: Invalid argument")
		}
	case suffix != "":
		out += "." + suffix
	}
	return out, nil
}
