package value

import (
	"errors"
	"strings"
)

// WordFlags say how words are taken apart.
type WordFlags uint8

// The flags.
const (
	// Unquote takes quotes '…' and "…" away; separators inside them are text.
	Unquote WordFlags = 1 << iota
	// KeepQuotes honours quotes and leaves them in the word.
	KeepQuotes
	// CUnescape replaces escapes as in C: \n, \x41, \101, \u00e4, \s for a blank.
	// Without it, a backslash makes the next character text and goes away.
	CUnescape
	// RelaxEscape leaves unknown escapes, and a backslash at the end, as they are.
	RelaxEscape
	// RetainEscape gives backslashes no meaning.
	RetainEscape
	// SeparatorEscape makes a separator, or a backslash, after a backslash text.
	SeparatorEscape
	// Relax accepts a missing closing quote and drops a backslash at the end.
	Relax
	// KeepEmpty gives an empty word between two separators that follow each other,
	// and at the end after one.
	KeepEmpty
)

// The ways in which words can be wrong.
var (
	ErrQuote  = errors.New("a quote is not closed")
	ErrEscape = errors.New("unknown escape sequence")
)

// Words takes s apart at blanks. The words before an error are given too.
func Words(s string, flags WordFlags) ([]string, error) { return Split(s, Blanks, flags) }

// Split takes s apart at separators. The words before an error are given too.
func Split(s, separators string, flags WordFlags) ([]string, error) {
	var words []string
	for more := true; more; {
		w := extractor{rest: s, separators: separators, flags: flags}
		ok, err := w.next()
		if err != nil {
			return words, err
		}
		if ok {
			words = append(words, string(w.word))
		}
		s, more = w.rest, w.more
	}
	return words, nil
}

// NextWord takes the first word off s; rest is what follows it and the separators
// after it. ok is false if there is no word left. With KeepEmpty, an empty word
// at the very end is only given by Split.
func NextWord(s, separators string, flags WordFlags) (word, rest string, ok bool, err error) {
	if s == "" {
		return "", "", false, nil
	}
	w := extractor{rest: s, separators: separators, flags: flags}
	if ok, err = w.next(); err != nil {
		return "", s, false, err
	}
	return string(w.word), w.rest, ok, nil
}

// nextArgument is NextWord as for the arguments of commands: where an escape
// sequence of a word is unknown, it is left as it is.
func nextArgument(s string) (word, rest string, ok bool, err error) {
	word, rest, ok, err = NextWord(s, Blanks, Unquote|CUnescape)
	if err != nil {
		return NextWord(s, Blanks, Unquote|CUnescape|RelaxEscape)
	}
	return word, rest, ok, nil
}

// extractor takes one word off rest.
type extractor struct {
	rest       string
	separators string
	flags      WordFlags
	word       []byte
	quote      byte // the quote that is open, or 0
	more       bool // a separator ended the word
}

func (w *extractor) has(f WordFlags) bool { return w.flags&f != 0 }

func (w *extractor) isSeparator(c byte) bool { return strings.IndexByte(w.separators, c) >= 0 }

// next takes the word, and the separators around it. ok is false if there is none.
func (w *extractor) next() (ok bool, err error) {
	if !w.has(KeepEmpty) {
		w.rest = strings.TrimLeft(w.rest, w.separators)
		if w.rest == "" {
			return false, nil
		}
	}
	for w.rest != "" {
		c := w.rest[0]
		switch {
		case c == '\\' && !w.has(RetainEscape):
			if err := w.escape(); err != nil {
				return false, err
			}
			continue
		case w.quote != 0 && c == w.quote:
			w.quote = 0
			if w.has(KeepQuotes) {
				w.word = append(w.word, c)
			}
		case w.quote == 0 && (c == '\'' || c == '"') && w.has(Unquote|KeepQuotes):
			w.quote = c
			if w.has(KeepQuotes) {
				w.word = append(w.word, c)
			}
		case w.quote == 0 && w.isSeparator(c):
			w.more = true
			w.rest = w.rest[1:]
			if !w.has(KeepEmpty) {
				w.rest = strings.TrimLeft(w.rest, w.separators)
			}
			return true, nil
		default:
			w.word = append(w.word, c)
		}
		w.rest = w.rest[1:]
	}
	if w.quote != 0 && !w.has(Relax) {
		return false, ErrQuote
	}
	return true, nil
}

// escape takes a backslash and what belongs to it.
func (w *extractor) escape() error {
	after := w.rest[1:]
	if after == "" {
		w.rest = ""
		switch {
		case w.has(RelaxEscape) && (w.quote == 0 || w.has(Relax)):
			w.word = append(w.word, '\\')
			w.quote = 0
			return nil
		case w.has(Relax):
			w.quote = 0
			return nil
		}
		return ErrEscape
	}
	c := after[0]
	if w.has(CUnescape) {
		if text, n := unescapeOne(after); n > 0 {
			w.word = append(w.word, text...)
			w.rest = after[n:]
			return nil
		}
	}
	switch {
	case !w.has(CUnescape | SeparatorEscape):
	case w.has(SeparatorEscape) && (w.isSeparator(c) || c == '\\'):
	case w.has(RelaxEscape):
		w.word = append(w.word, '\\')
	default:
		return ErrEscape
	}
	w.word = append(w.word, c)
	w.rest = after[1:]
	return nil
}
