package loadtest

import (
	"io/fs"
	"strings"
)

// Script is a test in text: a tree, and commands with the output expected.
//
//	What it shows.
//	-- /etc/systemd/system/web.service --
//	[Service]
//	Nice=99  ### out of range
//	-- /etc/systemd/system/www.service -> web.service --
//	-- script --
//	load www.service
//		web.service loaded
//
// A path that ends in a slash is a directory; "-> PATH" is a symlink, "denied"
// a file that cannot be read, "fifo" and "device" what they say. What follows
// ### in a line is left out of the file; a fault on that line must say it.
type Script struct {
	Head  string // all before the commands, as written
	Tree  *Tree
	Marks []Mark
	Steps []Step
}

// Mark is a fault that is expected.
type Mark struct {
	File string
	Line int
	Text string
}

// Step is one command with the output expected.
type Step struct{ Command, Want string }

const heading = "-- script --\n"

// Parse reads a script.
func Parse(text string) Script {
	s := Script{Tree: New()}
	head, script, ok := strings.Cut(text, "\n"+heading)
	if ok {
		head += "\n" + heading
	}
	s.Head = head
	for i, part := range strings.Split("\n"+strings.TrimSuffix(head, heading), "\n-- ") {
		if i == 0 {
			continue
		}
		title, body, _ := strings.Cut(part, " --")
		body = strings.TrimPrefix(body, "\n")
		if body != "" && !strings.HasSuffix(body, "\n") {
			body += "\n"
		}
		s.add(title, body)
	}
	for line := range strings.Lines(script) {
		switch {
		case strings.HasPrefix(line, "\t") && len(s.Steps) > 0:
			s.Steps[len(s.Steps)-1].Want += line[1:]
		case strings.TrimSpace(line) != "":
			s.Steps = append(s.Steps, Step{Command: strings.TrimSpace(line)})
		}
	}
	return s
}

// add puts one piece of the script into the tree.
func (s *Script) add(title, body string) {
	if p, target, ok := strings.Cut(title, " -> "); ok {
		s.Tree.Link(p, target)
		return
	}
	p, kind, _ := strings.Cut(title, " ")
	switch {
	case kind == "denied":
		s.Tree.Denied(p)
	case kind == "fifo":
		s.Tree.Special(p, fs.ModeNamedPipe)
	case kind == "device":
		s.Tree.Special(p, fs.ModeDevice|fs.ModeCharDevice)
	case strings.HasSuffix(p, "/"):
		s.Tree.Dir(p)
	default:
		s.Tree.File(p, s.unmark(p, body))
	}
}

// unmark takes the marks out of the text of a file.
func (s *Script) unmark(p, body string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(body) {
		n++
		text, mark, ok := strings.Cut(line, "###")
		if ok {
			s.Marks = append(s.Marks, Mark{File: p, Line: n, Text: strings.TrimSpace(mark)})
			line = strings.TrimRight(text, " \t") + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// Print writes the script with the output that was got.
func (s *Script) Print(got []string) string {
	var b strings.Builder
	b.WriteString(s.Head)
	for i, step := range s.Steps {
		b.WriteString(step.Command + "\n")
		for line := range strings.Lines(got[i]) {
			b.WriteString("\t" + line)
		}
	}
	return b.String()
}
