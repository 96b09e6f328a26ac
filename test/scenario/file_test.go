package scenario

import (
	"fmt"
	"strings"
)

// A book is one file of testdata: scenarios of one subject.
type book struct {
	head      []string // prose before the first scenario
	scenarios []*scenario
}

// A scenario is units, and a script that is played on them.
type scenario struct {
	Name  string
	Needs map[string]string // root, cgroups, boot: what it cannot do without, and why
	Units []section
	Steps []*step
	head  []string // lines from "== NAME" to "-- script --", as they are in the file
}

// A section is one file of a scenario.
type section struct {
	Name string // what follows ":" tells versions of the same file apart
	Text string
}

// A step is a command of a script and what was observed.
type step struct {
	Line    string
	before  []string // comments and empty lines
	want    []string // what systemd 252 showed
	reason  string   // why rouse differs; "" if it does not
	instead []string // what rouse shows then
}

const differs = "differs: "

// parse reads a book. What it does not understand is an error with its line.
func parse(text string) (*book, error) {
	b := &book{}
	var sc *scenario
	script, part := false, (*section)(nil)
	var before []string
	for i, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		fail := func(why string) error { return fmt.Errorf("line %d: %q: %s", i+1, l, why) }
		switch name, isPart := strings.CutPrefix(l, "-- "); {
		case strings.HasPrefix(l, "== "):
			sc = &scenario{Name: l[3:], Needs: map[string]string{}, head: append(before, l)}
			b.scenarios = append(b.scenarios, sc)
			script, part, before = false, nil, nil
		case sc == nil:
			b.head = append(b.head, l)
		case script && strings.HasPrefix(l, "\t"):
			if len(sc.Steps) == 0 {
				return nil, fail("no command above it")
			}
			sc.Steps[len(sc.Steps)-1].observed(l[1:])
		case script && (l == "" || l[0] == '#'):
			before = append(before, l)
		case script:
			sc.Steps = append(sc.Steps, &step{Line: l, before: before})
			before = nil
		case isPart && name == "script --":
			script = true
			sc.head = append(sc.head, l)
		case isPart:
			sc.Units = append(sc.Units, section{Name: strings.TrimSuffix(name, " --")})
			part = &sc.Units[len(sc.Units)-1]
			sc.head = append(sc.head, l)
		case part != nil:
			part.Text += l + "\n"
			sc.head = append(sc.head, l)
		default:
			sc.head = append(sc.head, l)
			if what, ok := strings.CutPrefix(l, "needs "); ok {
				what, why, ok := strings.Cut(what, ": ")
				if !ok || !strings.Contains(" root cgroups boot ", " "+what+" ") {
					return nil, fail("needs root, cgroups or boot: and why")
				}
				sc.Needs[what] = why
			} else if l != "" && l[0] != '#' {
				return nil, fail("neither prose, a need nor a file")
			}
		}
	}
	return b, nil
}

// observed adds an indented line below the step.
func (s *step) observed(l string) {
	switch reason, ok := strings.CutPrefix(l, differs); {
	case ok:
		s.reason = reason
	case s.reason != "":
		s.instead = append(s.instead, l)
	default:
		s.want = append(s.want, l)
	}
}

// text puts the book together again.
func (b *book) text() string {
	var out strings.Builder
	write := func(prefix string, lines []string) {
		for _, l := range lines {
			out.WriteString(prefix + l + "\n")
		}
	}
	write("", b.head)
	for _, sc := range b.scenarios {
		write("", sc.head)
		for _, s := range sc.Steps {
			write("", s.before)
			write("", []string{s.Line})
			write("\t", s.want)
			if s.reason != "" {
				write("\t", []string{differs + s.reason})
				write("\t", s.instead)
			}
		}
	}
	return out.String()
}

// expected is what the step is to show, on systemd or on rouse.
func (s *step) expected(oracle bool) []string {
	if s.reason != "" && !oracle {
		return s.instead
	}
	return s.want
}

// record takes what was seen for what is to be seen. What differs on rouse is
// taken only where the file gives a reason for it.
func (s *step) record(got []string, oracle bool) {
	switch {
	case oracle:
		s.want = got
	case s.reason != "":
		s.instead = got
	}
	if strings.Join(s.want, "\n") == strings.Join(s.instead, "\n") {
		s.reason, s.instead = "", nil
	}
}

// inVain says that the step or one before it went wrong, whatever is expected.
func (s *step) inVain(got []string) bool {
	return len(got) > 0 && (strings.HasPrefix(got[0], "not ") || got[0] == "no such command")
}
