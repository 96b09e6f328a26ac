// Package unitfile reads the text of unit files: sections, assignments,
// comments and continuation lines, each with its position. It knows nothing of
// what settings mean and never fails: what is wrong becomes a fault. It answers
// for systemd.syntax(7).
package unitfile

import (
	"strings"

	"rouse/internal/unit"
)

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
	// Broken says why reading stopped before the end, as the last of Faults tells
	// in full; Whole if it did not. A fragment that is broken leaves its unit in
	// the load state error; of a broken drop-in all that comes before counts.
	Broken Break
}

// Break is why reading stopped before the end of a file.
type Break uint8

// The reasons.
const (
	Whole     Break = iota // it did not stop
	NotUTF8                // a line is no valid UTF-8
	BadHeader              // a section header is malformed
	TooLong                // a line is longer than MaxLine
	Breaks
)

// The words are those of the property LoadError.
var breakWords = [Breaks]string{"", "Invalid argument", "Bad message", "No buffer space available"}

// String gives the reason in the words of errno that systemd shows.
func (b Break) String() string { return breakWords[b] }

// MaxLine is the length of the longest line, in bytes, continuation lines taken
// together.
const MaxLine = 1 << 20

// blank are the characters that are taken off both ends of lines, names and values.
const blank = " \t\n\r"

// bom is the byte order mark; the first one in a file that stands at the
// beginning of a line is left out.
const bom = "\ufeff"

const ignored = "ignoring the line"

// Parse reads the text of the file called path, which is only used in faults.
func Parse(path, text string) *File {
	p := parser{path: path, text: text, file: &File{}, plain: !strings.ContainsAny(text, "\r\x00")}
	p.parse()
	return p.file
}

type parser struct {
	path  string
	text  string // what is not yet read
	file  *File
	plain bool // lines end with newlines only

	line    int    // number of the line last read
	section string // of the assignments that follow
	inside  bool   // a header has been seen
	bom     bool   // the byte order mark has been seen
}

// parse reads logical lines until the end of the text or until a line breaks the file.
func (p *parser) parse() {
	var (
		joined strings.Builder // the line so far, if it goes on
		begun  int             // the line on which it began
		going  bool
	)
	p.file.Assignments = make([]Assignment, 0, min(64, strings.Count(p.text, "\n")))
	for len(p.text) > 0 {
		l := p.next()
		if len(l) > MaxLine {
			p.stop(p.line, TooLong, "the line is longer than 1 MiB")
			return
		}
		if s := strings.TrimLeft(l, blank); s != "" && (s[0] == '#' || s[0] == ';') {
			continue // also between the lines of one that is continued
		}
		if !p.bom && strings.HasPrefix(l, bom) {
			l, p.bom = l[len(bom):], true
		}
		if going && joined.Len()+len(l) > MaxLine {
			p.stop(begun, TooLong, "the continued line is longer than 1 MiB")
			return
		}
		if continued(l) {
			if !going {
				joined.Reset()
				begun, going = p.line, true
			}
			joined.WriteString(l[:len(l)-1])
			joined.WriteByte(' ')
			continue
		}
		first := p.line
		if going {
			joined.WriteString(l)
			l, first, going = joined.String(), begun, false
			joined = strings.Builder{}
		}
		if !p.logical(l, first) {
			return
		}
	}
	if going {
		p.logical(joined.String(), begun)
	}
}

// continued reports whether the line ends in a backslash that is not itself escaped.
func continued(l string) bool {
	n := len(l)
	for n > 0 && l[n-1] == '\\' {
		n--
	}
	return (len(l)-n)%2 == 1
}

// next takes the next line off the text. A line ends with a NUL, or with a
// newline and a carriage return in either order, or one of them.
func (p *parser) next() string {
	p.line++
	text := p.text
	if p.plain {
		l, rest, _ := strings.Cut(text, "\n")
		p.text = rest
		return l
	}
	i := strings.IndexAny(text, "\n\r\x00")
	if i < 0 {
		i = len(text)
	}
	end := i
	for i < len(text) && strings.IndexByte("\n\r\x00", text[i]) >= 0 {
		if strings.IndexByte(text[end:i], text[i]) >= 0 {
			break // the same mark again ends another line
		}
		i++
		if text[i-1] == 0 {
			break
		}
	}
	p.text = text[i:]
	return text[:end]
}

// logical reads one line, continuations joined. It reports whether reading goes on.
func (p *parser) logical(l string, line int) bool {
	l = strings.Trim(l, blank)
	if l == "" {
		return true
	}
	if !valid(l) {
		p.stop(line, NotUTF8, "the line is not valid UTF-8")
		return false
	}
	if l[0] == '[' {
		return p.header(l, line)
	}
	if !p.inside {
		p.fault(line, "an assignment before the first section", ignored)
		return true
	}
	name, value, ok := strings.Cut(l, "=")
	switch {
	case !ok:
		p.fault(line, "no = in the line", ignored)
	case name == "":
		p.fault(line, "no name before the =", ignored)
	default:
		p.file.Assignments = append(p.file.Assignments, Assignment{
			Section: p.section, Line: line,
			Name: strings.TrimRight(name, blank), Value: strings.TrimLeft(value, blank),
		})
	}
	return true
}

// header reads a section header.
func (p *parser) header(l string, line int) bool {
	if len(l) < 2 || l[len(l)-1] != ']' {
		p.stop(line, BadHeader, "the section header "+quote(l)+" does not end with ]")
		return false
	}
	name := l[1 : len(l)-1]
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < ' ' || c == 0x7f || c == '"' || c == '\'' || c == '\\' {
			p.stop(line, BadHeader, "wrong characters in the section header "+quote(l))
			return false
		}
	}
	p.section, p.inside = name, true
	p.file.Sections = append(p.file.Sections, Section{Name: name, Line: line})
	return true
}

// stop notes why nothing more is read.
func (p *parser) stop(line int, why Break, text string) {
	p.file.Broken = why
	p.fault(line, text, "ignoring the rest of the file")
}

func (p *parser) fault(line int, why, then string) {
	p.file.Faults = append(p.file.Faults, unit.Fault{File: p.path, Line: line, Why: why, Then: then})
}

// quote gives a line for a message, cut short.
func quote(l string) string {
	const most = 60
	if len(l) > most {
		l = strings.ToValidUTF8(l[:most], "") + "…"
	}
	return "'" + l + "'"
}
