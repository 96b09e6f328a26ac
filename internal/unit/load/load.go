// Package load finds unit files and makes units of them: search path, aliases,
// templates, masks, drop-ins, .wants/ directories, built-in units. It sees the
// disk only through an fs.ReadLinkFS and knows no state. It answers for the
// UNIT FILE LOAD PATH section of systemd.unit(5) and for systemd.special(7).
package load

import (
	"io/fs"

	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/specifier"
)

// Config says where units are found and what they start from.
type Config struct {
	FS         fs.ReadLinkFS // the root directory; os.DirFS("/") in production
	Path       []string      // absolute directories, highest priority first; see SearchPath
	User       bool          // for the manager of a user
	Home       string        // of the user, for a user manager
	RuntimeDir string        // of the user, for a user manager
	Machine    *specifier.Machine
	Defaults   *directive.Defaults // nil: systemd's
}

// Loader loads units. It remembers directory listings and shared files until
// Refresh. It is not safe for concurrent use.
type Loader struct{ c Config }

// New makes a Loader. Nothing is read until the first unit is asked for.
func New(c Config) *Loader { return &Loader{c: c} }

// Refresh forgets all that was read (daemon-reload).
func (l *Loader) Refresh() {}

// Load makes the unit called name. It never returns nil: the load state says
// what happened. Asked for by an alias, it returns the unit under its primary
// name. All edges are there: written, from directories, implicit and default.
func (l *Loader) Load(name string) *unit.Unit { return &unit.Unit{Name: name} }

// Closure loads the named units and all they refer to, breadth first, in a
// stable order, leaving out those that have reports true for. have may be nil.
func (l *Loader) Closure(names []string, have func(name string) bool) []*unit.Unit { return nil }

// File is one unit file, as list-unit-files shows it.
type File struct {
	Name   string // "foo.service"
	Path   string // absolute, as found; "" for a built-in unit
	Alias  string // the unit this name is an alias of, "" if it is none
	Masked bool
	Linked bool // a symlink to a file outside of the search path
}

// Files lists all unit files found, by name; of files of one name only the one
// that counts. Built-in units are listed where no file overrides them.
func (l *Loader) Files() []File { return nil }

// SearchPath gives the directories of unit files, highest priority first, of
// the system manager or of a user's. env is asked for $SYSTEMD_UNIT_PATH,
// $HOME and the XDG variables; extra directories come first.
func SearchPath(user bool, env func(string) string, extra []string) []string { return nil }
