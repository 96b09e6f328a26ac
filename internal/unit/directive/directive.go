// Package directive is the table of all settings that unit files can hold: one
// Row per setting, from which the parser, the properties, the reference manual
// and the account of what works are made. It knows the text of settings and
// what they mean for a unit.Unit; it reads no files and knows nothing of what
// is done with a unit. It answers for systemd.directives(7).
package directive

import "rouse/internal/unit"

// Support says how far rouse carries a setting out.
type Support uint8

// The degrees of support. All but Full need a Note in the row.
const (
	Full      Support = iota // does what the manual says
	Partial                  // does part of it
	LinuxOnly                // does it on Linux, nothing elsewhere
	Parsed                   // is read and shown, and has no effect
	Refused                  // is read, warned about and dropped, as systemd 252 does itself
	Supports
)

var supportWords = [Supports]string{"full", "partial", "linux-only", "parsed", "refused"}

func (s Support) String() string { return supportWords[s] }

// Row is one setting, in all the sections that share it.
type Row struct {
	Name     string
	Sections []string // "Unit", "Service", …
	Bus      string   // property name; "" if it has none of its own
	Default  string   // as one would write it; "" if it is off, empty or unset
	Since    int      // systemd version that brought it; 0 if not recorded
	Man      string   // "systemd.service(5)"
	Support  Support
	Note     string // what is missing, for all but Full
	Doc      string // one line
}

// Assignment is one "Name=Value" of a unit file. Line is 1-based.
type Assignment struct {
	Section, Name, Value, File string
	Line                       int
}

// Context is what the meaning of an assignment depends on besides its text.
type Context struct {
	// Expand expands the specifiers of systemd.unit(5). Nil leaves text as it is.
	Expand func(format string) (string, error)
	// User is set for the manager of a user; Home and RuntimeDir are its own then.
	User             bool
	Home, RuntimeDir string
	// Defaults are what empty assignments fall back to, and the facts of the
	// machine that percentages refer to. Nil stands for NewDefaults().
	Defaults *Defaults
}

// Apply carries out one assignment on u and returns what is wrong with it.
// Settings and sections whose names begin with "X-" are ignored.
func Apply(u *unit.Unit, a Assignment, c *Context) []unit.Fault { return nil }

// Finish completes u when all its files have been applied: it chooses what was
// left open and checks that the settings fit together. On error the unit's
// load state is bad-setting.
func Finish(u *unit.Unit, c *Context, d *Defaults) error { return nil }

// Lookup finds the row of a setting, or nil.
func Lookup(section, name string) *Row { return nil }

// Rows lists all rows, sorted by section list and name.
func Rows() []Row { return nil }
