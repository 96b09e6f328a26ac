// Package directive is the table of all settings that unit files can hold: one
// Row per setting, from which the parser, the properties, the reference manual
// and the account of what works are made. It knows the text of settings and
// what they mean for a unit.Unit; it reads no files and knows nothing of what
// is done with a unit. It answers for systemd.directives(7).
package directive

//go:generate go run ./generate

// Support says how far rouse carries a setting out.
type Support uint8

// The degrees of support. All but Full need a Note in the row.
const (
	Full      Support = iota // does what the manual says
	Partial                  // does part of it
	LinuxOnly                // does it on Linux, nothing elsewhere
	Parsed                   // is read and shown, and has no effect
	Refused                  // is read and dropped with a fault, as systemd 252 does itself
	Supports
)

var supportWords = [Supports]string{"full", "partial", "linux-only", "parsed", "refused"}

func (s Support) String() string { return supportWords[s] }

// Row is one setting, in all the sections that share it.
type Row struct {
	Name    string
	Group   Group  // says which sections it may stand in
	Bus     string // the property that shows it, where that is not Name; "-" is none
	Default string // as one would write it; "" is off, empty or not set
	Since   int    // systemd version that brought it, for those later than 252
	Support Support
	Note    string // what is missing, for all but Full
	Same    string // the setting that this is another name of
	Doc     string // one line

	in setting // nil for rows that are the Same as another
}

// Sections lists the sections that the setting may stand in.
func (r *Row) Sections() []string { return groups[r.Group].sections }

// Man is the manual page that the setting is described in.
func (r *Row) Man() string { return groups[r.Group].man }

// Property is the name of the property that shows the setting, "" if there is none.
func (r *Row) Property() string {
	switch {
	case r.Bus == "-" || r.in == nil || r.in.signature() == "":
		return ""
	case r.Bus != "":
		return r.Bus
	}
	return r.Name
}

// Signature is the D-Bus signature of Property.
func (r *Row) Signature() string {
	if r.in == nil {
		return ""
	}
	return r.in.signature()
}

// Syntax says what values look like: "time span".
func (r *Row) Syntax() string {
	if r.in == nil {
		return "as " + r.Same + "="
	}
	return r.in.syntax()
}
