package client

import (
	"strings"
	"unicode/utf8"
)

// look is how output looks: with colours or without, with signs of Unicode or of
// ASCII.
type look struct {
	colour bool
	ascii  bool
	width  int // of the terminal; 0 is unlimited
}

// newLook decides by the terminal and the environment: colours go to terminals
// only, unless $SYSTEMD_COLORS says otherwise; $NO_COLOR switches them off.
func newLook(env Env) look {
	l := look{colour: env.Terminal}
	if env.Getenv("NO_COLOR") != "" || env.Getenv("TERM") == "dumb" {
		l.colour = false
	}
	switch c := env.Getenv("SYSTEMD_COLORS"); c {
	case "":
	case "0", "no", "false", "off":
		l.colour = false
	default:
		l.colour = true
	}
	if env.Terminal {
		l.width = env.Width
	}
	switch u := env.Getenv("SYSTEMD_UTF8"); u {
	case "":
		charset := env.Getenv("LC_ALL")
		for _, name := range []string{"LC_CTYPE", "LANG"} {
			if charset == "" {
				charset = env.Getenv(name)
			}
		}
		l.ascii = charset == "C" || charset == "POSIX"
	case "0", "no", "false", "off":
		l.ascii = true
	}
	return l
}

// paint is a colour of the terminal.
type paint string

// The colours.
const (
	plain  paint = ""
	bold   paint = "\x1b[0;1;39m"
	red    paint = "\x1b[0;1;31m"
	green  paint = "\x1b[0;1;32m"
	yellow paint = "\x1b[0;1;38;5;185m"
	grey   paint = "\x1b[0;38;5;245m"
	blue   paint = "\x1b[0;34m"
	under  paint = "\x1b[0;4m"
)

func (l look) paint(p paint, text string) string {
	if !l.colour || p == plain {
		return text
	}
	return string(p) + text + "\x1b[0m"
}

// The lines of trees.
type treeLines struct{ branch, last, through, blank string }

var (
	unicodeTree = treeLines{branch: "├─", last: "└─", through: "│ ", blank: "  "}
	asciiTree   = treeLines{branch: "|-", last: "`-", through: "| ", blank: "  "}
)

func (l look) tree() treeLines {
	if l.ascii {
		return asciiTree
	}
	return unicodeTree
}

// dots are the signs for active states, for both kinds of terminals.
var dots = map[string]struct {
	sign, ascii string
	paint       paint
}{
	"active":       {"●", "*", green},
	"reloading":    {"↻", "*", green},
	"inactive":     {"○", "*", plain},
	"failed":       {"×", "*", red},
	"activating":   {"●", "*", plain},
	"deactivating": {"●", "*", plain},
	"maintenance":  {"○", "*", plain},
}

// dot gives the sign for an active state.
func (l look) dot(active string) string {
	d, ok := dots[active]
	if !ok {
		return " "
	}
	if l.ascii {
		return l.paint(d.paint, d.ascii)
	}
	return l.paint(d.paint, d.sign)
}

// cell is one field of a table; the paint does not count for its width.
type cell struct {
	text  string
	paint paint
}

// table is what lists are printed as: columns as wide as their widest cell, one
// blank between them, nothing after the last one.
type table struct {
	head []string
	rows [][]cell
	// keep is the column that may be cut where lines would be wider than the
	// terminal; the last column is cut as well.
	keep int
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// write prints the table into b, with its head if legend is set.
func (t *table) write(b *strings.Builder, l look, legend, full bool) {
	rows := t.rows
	if legend {
		head := make([]cell, len(t.head))
		for i, h := range t.head {
			head[i] = cell{text: h, paint: under}
		}
		rows = append([][]cell{head}, rows...)
	}
	widths := make([]int, len(t.head))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	if l.width > 0 && !full {
		t.squeeze(widths, l.width)
	}
	for _, r := range rows {
		for i, c := range r {
			text := c.text
			if l.width > 0 && !full {
				text = ellipsize(text, widths[i])
			}
			pad := widths[i] - utf8.RuneCountInString(text)
			b.WriteString(l.paint(c.paint, text))
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", pad+1))
			}
		}
		b.WriteByte('\n')
	}
}

// squeeze makes columns narrower until a line fits: first the last one, then the
// one that may be cut.
func (t *table) squeeze(widths []int, width int) {
	total := len(widths) - 1
	for _, w := range widths {
		total += w
	}
	for _, col := range []int{len(widths) - 1, t.keep} {
		if over := total - width; over > 0 {
			cut := min(over, max(0, widths[col]-10))
			widths[col] -= cut
			total -= cut
		}
	}
}

// ellipsize cuts a text in its middle to a width.
func ellipsize(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if n <= width || width < 3 {
		return text
	}
	r := []rune(text)
	left := (width - 1) / 2
	return string(r[:left]) + "…" + string(r[n-(width-1-left):])
}
