// Package unitfile reads the text of unit files: sections, assignments,
// comments and continuation lines, each with its position. It knows nothing of
// what settings mean and never fails: what is wrong becomes a fault. It answers
// for systemd.syntax(7).
package unitfile

import "rouse/internal/unit"

// Assignment is one "Name=Value" line. Line is where it begins, 1-based.
type Assignment struct {
	Section, Name, Value string
	Line                 int
}

// Section is one "[Name]" header. A section may begin more than once.
type Section struct {
	Name string
	Line int
}

// File is what a unit file says.
type File struct {
	Sections    []Section
	Assignments []Assignment // in file order
	Faults      []unit.Fault // in file order
	// Broken is set when reading stopped before the end, at the last of Faults.
	// A fragment that is broken leaves its unit in the load state error; of a
	// broken drop-in all that comes before counts.
	Broken bool
}

// Parse reads the text of the file called path, which is only used in faults.
func Parse(path, text string) *File { return &File{} }
