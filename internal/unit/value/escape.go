package value

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// simpleEscapes are the escapes of one letter.
var simpleEscapes = map[byte]byte{
	'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
	'\\': '\\', '"': '"', '\'': '\'', 's': ' ',
}

// unescapeOne reads one escape of C after its backslash: what it stands for, and
// how long it is. 0 says that it is none; a zero byte cannot be written.
func unescapeOne(s string) (text string, length int) {
	if c, ok := simpleEscapes[s[0]]; ok {
		return string([]byte{c}), 1
	}
	switch s[0] {
	case 'x':
		return escapedByte(s, 1, 2, 16)
	case 'u':
		v, ok := escapedNumber(s, 1, 4, 16)
		if !ok {
			return "", 0
		}
		return encodeRune(rune(v)), 5
	case 'U':
		v, ok := escapedNumber(s, 1, 8, 16)
		if !ok || !validRune(rune(v)) {
			return "", 0
		}
		return string(rune(v)), 9
	case '0', '1', '2', '3', '4', '5', '6', '7':
		return escapedByte(s, 0, 3, 8)
	}
	return "", 0
}

// escapedByte reads digits that follow the start of an escape as a byte.
func escapedByte(s string, start, digits, base int) (string, int) {
	v, ok := escapedNumber(s, start, digits, base)
	if !ok || v > 0xff {
		return "", 0
	}
	return string([]byte{byte(v)}), start + digits
}

// encodeRune gives a character of at most 16 bits in UTF-8. Unlike Go, it does the
// same for halves of surrogate pairs, for \u takes them; what comes out is not
// valid, and is found to be so where it matters.
func encodeRune(r rune) string {
	if utf8.ValidRune(r) {
		return string(r)
	}
	return string([]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f})
}

func escapedNumber(s string, start, digits, base int) (uint64, bool) {
	if len(s) < start+digits {
		return 0, false
	}
	v, err := strconv.ParseUint(s[start:start+digits], base, 31)
	return v, err == nil && v > 0
}

// Unescape replaces escapes as in C everywhere in s. With relax, unknown ones are
// left as they are.
func Unescape(s string, relax bool) (string, error) {
	flags := CUnescape
	if relax {
		flags |= RelaxEscape
	}
	w := extractor{rest: s, flags: flags | KeepEmpty}
	_, err := w.next()
	return string(w.word), err
}

// validRune reports whether r is a character as systemd counts them: no half of
// a surrogate pair, and none that Unicode says is no character.
func validRune(r rune) bool {
	return utf8.ValidRune(r) && r&0xfffe != 0xfffe && (r < 0xfdd0 || r > 0xfdef)
}

// ValidUTF8 reports whether s is UTF-8 as systemd wants it: besides the encoding,
// no code point is one that Unicode says is no character.
func ValidUTF8(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !validRune(r) {
			return false
		}
	}
	return true
}

// shellSafe are the characters beside letters and digits that mean nothing to a
// shell.
const shellSafe = "@%_-+=:,./"

// Quote gives a word as a shell reads it: in double quotes if it is empty or has
// characters that mean something. Words with Unquote reads it as well.
func Quote(word string) string {
	if word != "" && strings.IndexFunc(word, isShellSpecial) < 0 {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		if strings.IndexByte("\"\\`$", word[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(word[i])
	}
	b.WriteByte('"')
	return b.String()
}

func isShellSpecial(r rune) bool {
	return r < utf8.RuneSelf && !isDigit(byte(r)) && !isLetter(byte(r)) &&
		!strings.ContainsRune(shellSafe, r)
}

// JoinWords quotes words and joins them by blanks.
func JoinWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}
