package value

import (
	"cmp"
	"strings"
)

// CompareVersions orders two version strings as the UAPI version format
// specification does: less than 0 if a is older, 0 if neither is newer. Strings
// that differ only in characters without meaning are equal.
func CompareVersions(a, b string) int {
	for {
		a, b = trimVersion(a), trimVersion(b)
		// A ~ is older than even the end: 1~rc1 comes before 1.
		if done, order := cutMark(&a, &b, '~'); done {
			return order
		}
		if a == "" || b == "" {
			return cmp.Compare(len(a), len(b))
		}
		// Each of these marks is older than anything else in its place.
		for _, mark := range []byte("-^.") {
			if done, order := cutMark(&a, &b, mark); done {
				return order
			}
		}
		if order := compareSegment(&a, &b); order != 0 {
			return order
		}
	}
}

// trimVersion drops characters without meaning from the start.
func trimVersion(s string) string {
	i := 0
	for i < len(s) && !isDigit(s[i]) && !isLetter(s[i]) && !strings.ContainsRune("~-^.", rune(s[i])) {
		i++
	}
	return s[i:]
}

// cutMark takes the mark off both strings; done is set if only one has it, and
// order then says that this one is older.
func cutMark(a, b *string, mark byte) (done bool, order int) {
	inA := *a != "" && (*a)[0] == mark
	inB := *b != "" && (*b)[0] == mark
	switch {
	case inA && inB:
		*a, *b = (*a)[1:], (*b)[1:]
	case inA:
		return true, -1
	case inB:
		return true, 1
	}
	return false, 0
}

// compareSegment compares the numbers that both strings start with, or else the
// letters, and takes them off.
func compareSegment(a, b *string) int {
	i, j := countDigits(*a), countDigits(*b)
	if i > 0 || j > 0 {
		if i == 0 || j == 0 { // a number is newer than letters
			return cmp.Compare(i, j)
		}
		m, n := strings.TrimLeft((*a)[:i], "0"), strings.TrimLeft((*b)[:j], "0")
		*a, *b = (*a)[i:], (*b)[j:]
		return cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n))
	}
	i, j = countLetters(*a), countLetters(*b)
	x, y := (*a)[:i], (*b)[:j]
	*a, *b = (*a)[i:], (*b)[j:]
	return cmp.Compare(x, y) // a longer one is newer if the shorter is its start
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func countLetters(s string) int {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	return n
}
