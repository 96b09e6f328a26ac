package install

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Kind says what a Change is: done, of interest, or what stands in the way.
type Kind uint8

// The kinds. All from Other on are failures.
const (
	Symlink     Kind = iota // Path will be a symlink to Source
	Unlink                  // Path will be gone
	Masked                  // Path is masked, and left as it is
	GenMasked               // a generator masks Path, and so it stays
	Dangling                // Path leads to nothing
	NoTarget                // Source is added to Path, which does not exist
	NoAuxiliary             // Path, which Also= names, cannot be enabled
	Other                   // for a reason that Why tells
	Exists                  // Path is there already, as a symlink to Source or as a file
	IsMasked                // Path is masked, and so refused
	Generated               // Path is of a generator, or transient
	InPath                  // Path is in a directory of the search path already
	BadSlot                 // Path has a specifier that does not exist
	NoTemplate              // Source is a template, the unit Path that it is to be added to none
	BadName                 // Path is no name of a unit
	IsLink                  // Path is a symlink that is not to be followed
	CrossAlias              // Source cannot be called Path
	Missing                 // Path does not exist
	NoFact                  // Path has specifiers of which the value is not known
	Kinds
)

// errnoMissing is ENOENT in words.
const errnoMissing = "No such file or directory"

// kinds has systemd's words: that of the list which a manager's methods return, the line
// that systemctl prints of a change it makes itself (%[1]s is the verb, %[2]s Path, %[3]s
// Source, %[4]s Why), its errno in words, and the name and text of the error of a method.
var kinds = [Kinds]struct{ word, line, why, bus, text string }{
	Symlink: {"symlink", "Created symlink %[2]s → %[3]s.", "", "", ""},
	Unlink:  {"unlink", `Removed "%[2]s".`, "", "", ""},
	Masked:  {"masked", "Unit %[2]s is masked, ignoring.", "", "", ""},
	GenMasked: {"masked by generator",
		"Unit %[2]s is masked via a generator and cannot be unmasked.", "", "", ""},
	Dangling: {"dangling", "Unit %[2]s is an alias to a unit that is not present, ignoring.",
		"", "", ""},
	NoTarget: {"destination not present",
		"Unit %[3]s is added as a dependency to a non-existent unit %[2]s.", "", "", ""},
	NoAuxiliary: {"auxiliary unit failed",
		"Failed to enable auxiliary unit %[2]s, ignoring.", "", "", ""},
	Other: {"", `Failed to %[1]s unit, file "%[2]s": %[4]s`, "", "", "File %[2]s: %[4]s"},
	Exists: {"", `Failed to %[1]s unit, file "%[2]s" already exists and is a symlink to "%[3]s".`,
		"File exists", "org.freedesktop.systemd1.UnitExists",
		"File %[2]s already exists and is a symlink to %[3]s."},
	IsMasked: {"", "Failed to %[1]s unit, unit %[2]s is masked.",
		"Operation not possible due to RF-kill", "org.freedesktop.systemd1.UnitMasked",
		"Unit file %[2]s is masked."},
	Generated: {"", "Failed to %[1]s unit, unit %[2]s is transient or generated.",
		"Cannot assign requested address", "org.freedesktop.systemd1.UnitGenerated",
		"Unit %[2]s is transient or generated."},
	BadSlot: {"", `Failed to %[1]s unit, invalid specifier in "%[2]s".`,
		"Invalid slot", "org.freedesktop.systemd1.BadUnitSetting", `Invalid specifier in %[2]s`},
	NoTemplate: {"", "Failed to %[1]s %[3]s, destination unit %[2]s is a non-template unit.",
		"Identifier removed", "org.freedesktop.systemd1.UnitExists",
		"Destination unit %[2]s is a non-template unit."},
	BadName: {"", `Failed to %[1]s unit, "%[2]s" is not a valid unit name.`,
		"Structure needs cleaning", "org.freedesktop.systemd1.BadUnitSetting",
		`"%[2]s" is not a valid unit name.`},
	IsLink: {"", "Failed to %[1]s unit, refusing to operate on linked unit file %[2]s.",
		"Too many levels of symbolic links", "org.freedesktop.systemd1.UnitLinked",
		"Refusing to operate on linked unit file %[2]s."},
	CrossAlias: {"", "Failed to %[1]s unit, cannot alias %[3]s as %[2]s.",
		"Invalid cross-device link", "org.freedesktop.systemd1.BadUnitSetting",
		"Cannot alias %[3]s as %[2]s."},
	Missing: {"", "Failed to %[1]s unit, unit %[2]s does not exist.",
		errnoMissing, "org.freedesktop.systemd1.NoSuchUnit",
		"Unit file %[2]s does not exist."},
	NoFact: {"", `Failed to %[1]s unit, cannot resolve specifiers in "%[2]s".`,
		"Protocol driver not attached", "org.freedesktop.systemd1.BadUnitSetting",
		"Cannot resolve specifiers in %[2]s."},
}

// Change is one step of a plan, or what stood in the way of one.
type Change struct {
	Kind         Kind
	Path, Source string
	Why          string // of Other
	Given        bool   // Path is as it was asked for, not below the root directory
	// Below is, of Unlink, the directory below which those that become empty go, too.
	Below string
	// Replaced is set for an Unlink of a symlink that the Symlink after it replaces.
	Replaced bool
	// Tree is set for an Unlink that takes all below Path with it; Listed for one of what
	// goes with it.
	Tree, Listed bool
}

// Failed reports that the change could not be made.
func (c Change) Failed() bool { return c.Kind >= Other }

// Word is what the list that a manager's methods return calls the change; "" for failures,
// which it leaves out.
func (c Change) Word() string { return kinds[c.Kind].word }

// Line is what systemctl prints of the change when it makes it itself; "" is nothing. verb
// is what was asked for, root the directory that stands for the root.
func (c Change) Line(verb, root string) string {
	p, line := inRoot(root, c.Path), kinds[c.Kind].line
	source := c.Source
	switch c.Kind {
	case NoTarget:
		source = inRoot(root, source)
	case Exists:
		if source == "" {
			line = `Failed to %[1]s unit, file "%[2]s" already exists.`
		}
	case CrossAlias:
		if source == "" {
			line = `Failed to %[1]s unit, invalid unit reference "%[2]s".`
		}
	case Symlink, Unlink, Masked, GenMasked, Dangling, NoAuxiliary, Other, IsMasked, Generated,
		BadSlot, NoTemplate, BadName, IsLink, Missing, NoFact, Kinds:
	}
	if c.Given {
		p = c.Path
	}
	return pick(line, verb, p, source, c.Why)
}

// pick fills those of the words in that a format asks for.
func pick(format string, words ...string) string {
	for i, w := range words {
		format = strings.ReplaceAll(format, fmt.Sprintf("%%[%d]s", i+1), w)
	}
	return format
}

// inRoot puts the root before an absolute path; names of units stay as they are.
func inRoot(root, p string) string {
	if root == "" || root == "/" || !path.IsAbs(p) {
		return p
	}
	return path.Join(root, p)
}

// Error is why nothing, or not all, was changed: the name and message of the error of
// systemd's method.
type Error struct{ Name, Text string }

// busErrors are the names of errors that have no name of systemd's own, by errno.
var busErrors = map[string]string{
	errnoMissing:                            "org.freedesktop.DBus.Error.FileNotFound",
	"Invalid argument":                      "org.freedesktop.DBus.Error.InvalidArgs",
	"Permission denied":                     "org.freedesktop.DBus.Error.AccessDenied",
	"File exists":                           "org.freedesktop.DBus.Error.FileExists",
	"Too many levels of symbolic links":     "System.Error.ELOOP",
	"Link has been severed":                 "System.Error.ENOLINK",
	"Operation not possible due to RF-kill": "System.Error.ERFKILL",
	"Cannot assign requested address":       "System.Error.EADDRNOTAVAIL",
	"Is a directory":                        "System.Error.EISDIR",
	"Inappropriate ioctl for device":        "System.Error.ENOTTY",
	"Read-only file system":                 "System.Error.EROFS",
	"Invalid cross-device link":             "System.Error.EXDEV",
	"Invalid slot":                          "System.Error.EBADSLT",
	"Protocol driver not attached":          "System.Error.EUNATCH",
}

// ErrorOf gives what a method says of an error that is no change of its own.
func ErrorOf(err error) *Error {
	text := reasonOf(err).Error()
	n := busErrors[text]
	if n == "" {
		n = "org.freedesktop.DBus.Error.Failed"
	}
	return &Error{Name: n, Text: text}
}

// Refusal is what a method says of the first thing that could not be done; nil if all
// could.
func (plan Plan) Refusal() *Error {
	for _, c := range plan.Changes {
		if c.Failed() {
			return c.error()
		}
	}
	if plan.Failed != nil {
		return ErrorOf(plan.Failed)
	}
	return nil
}

// error gives what a method says of a failure.
func (c Change) error() *Error {
	k := kinds[c.Kind]
	switch {
	case c.Kind == Exists && c.Source == "":
		k.text = "File %[2]s already exists."
	case c.Kind == CrossAlias && c.Source == "":
		k.text = "Invalid unit reference %[2]s."
	case c.Kind == Other:
		k.bus = ErrorOf(reason{Other, c.Why}).Name
	}
	return &Error{Name: k.bus, Text: pick(k.text, "", c.Path, c.Source, c.Why)}
}

// reason is why something cannot be done: a kind of failure, with its text if it is Other.
type reason struct {
	kind Kind
	why  string
}

func (r reason) Error() string {
	if r.kind == Other {
		return r.why
	}
	return kinds[r.kind].why
}

// The reasons that have no kind of their own, in the words of errno.
var (
	errInvalid = reason{Other, "Invalid argument"}
	errNoLink  = reason{Other, "Link has been severed"}
	errIsDir   = reason{Other, "Is a directory"}
	errNotFile = reason{Other, "Inappropriate ioctl for device"}
	errDenied  = reason{Other, "Permission denied"}
	errMissing = reason{kind: Missing}
	errIsLink  = reason{kind: IsLink}
)

// reasonOf gives the reason that an error of a file system is; that of nil is of no failure.
func reasonOf(err error) reason {
	var r reason
	switch {
	case err == nil:
		return r
	case errors.As(err, &r):
		return r
	case errors.Is(err, fs.ErrNotExist):
		return errMissing
	case errors.Is(err, fs.ErrPermission):
		return errDenied
	case errors.Is(err, fs.ErrExist):
		return reason{kind: Exists}
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	text := err.Error()
	return reason{Other, strings.ToUpper(text[:1]) + text[1:]}
}

// ChangeOf gives the change that Word called word.
func ChangeOf(word, at, source string) Change {
	for k := range kinds {
		if kinds[k].word == word && word != "" {
			return Change{Kind: Kind(k), Path: at, Source: source}
		}
	}
	return Change{Kind: Other, Path: at, Source: source}
}
