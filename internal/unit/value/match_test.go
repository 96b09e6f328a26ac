package value

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"a*", "abc/d", true},
		{"*c", "abc", true}, {"*b", "abc", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"[a-c]x", "bx", true}, {"[!a-c]x", "bx", false}, {"[^a-c]x", "dx", true},
		{"[]a]", "]", true}, {"[a-]", "-", true}, {"[", "[", true}, {"[a", "[a", true},
		{`\*`, "*", true}, {`\*`, "a", false}, {"[[:digit:]]*", "5x", true},
		{"[[:alpha:]_]", "_", true}, {"*a*b*c*", "xxaxxbxxcxx", true}, {"*a*b*c", "xxaxxbxxcxx", false},
		{"?", "ä", true}, {`a\`, `a\`, true},
	} {
		if got := Match(c.pattern, c.s, false); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
	if !Match("A*", "abc", true) || Match("A*", "abc", false) {
		t.Error("case")
	}
}
