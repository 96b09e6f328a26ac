package unitfile

import "unicode/utf8"

// valid reports whether s is UTF-8 as systemd takes it: without surrogates and
// without the code points that are no characters (U+FDD0 to U+FDEF and the last
// two of each plane).
func valid(s string) bool {
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			return false
		}
		if r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe {
			return false
		}
		i += n
	}
	return true
}
