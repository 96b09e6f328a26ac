package value

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	tests := []struct {
		text, separators string
		flags            WordFlags
		want             []string
		err              error
	}{
		{"a  b\tc\n", Blanks, 0, []string{"a", "b", "c"}, nil},
		{"", Blanks, 0, nil, nil},
		{`"a b" 'c d'e`, Blanks, Unquote, []string{"a b", "c de"}, nil},
		{`"a b" c`, Blanks, 0, []string{`"a`, `b"`, "c"}, nil},
		{`"a b" c`, Blanks, KeepQuotes, []string{`"a b"`, "c"}, nil},
		{`"" ''`, Blanks, Unquote, []string{"", ""}, nil},
		{`a "b`, Blanks, Unquote, []string{"a"}, ErrQuote},
		{`a "b`, Blanks, Unquote | Relax, []string{"a", "b"}, nil},
		{`a\ b \"`, Blanks, Unquote, []string{"a b", `"`}, nil},
		{`a\nb`, Blanks, Unquote, []string{"anb"}, nil},
		{`\n\x41\101\u00e4\U0001f600\s`, Blanks, CUnescape, []string{"\nAAä😀 "}, nil},
		{`a \q`, Blanks, CUnescape, []string{"a"}, ErrEscape},
		{`\q\x4 \400 \000 \u0000 \U0000d800`, Blanks, CUnescape | RelaxEscape,
			[]string{`\q\x4`, `\400`, `\000`, `\u0000`, `\U0000d800`}, nil},
		{`\ud800 \ufffe`, Blanks, CUnescape, []string{"\xed\xa0\x80", "\ufffe"}, nil},
		{`a\`, Blanks, 0, nil, ErrEscape},
		{`a\`, Blanks, Relax, []string{"a"}, nil},
		{`a\`, Blanks, RelaxEscape, []string{`a\`}, nil},
		{`"a\`, Blanks, Unquote | RelaxEscape, nil, ErrEscape},
		{`"a\`, Blanks, Unquote | RelaxEscape | Relax, []string{`a\`}, nil},
		{`a\b\`, Blanks, RetainEscape, []string{`a\b\`}, nil},
		{`a\:b\\:c`, ":", SeparatorEscape, []string{`a:b\`, "c"}, nil},
		{`a\q`, ":", SeparatorEscape, nil, ErrEscape},
		{"a::b:", ":", KeepEmpty, []string{"a", "", "b", ""}, nil},
		{"a::b:", ":", 0, []string{"a", "b"}, nil},
		{"", ":", KeepEmpty, []string{""}, nil},
	}
	for _, tt := range tests {
		got, err := Split(tt.text, tt.separators, tt.flags)
		if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
			t.Errorf("Split(%q, %q, %#x) = %q, %v; want %q, %v",
				tt.text, tt.separators, tt.flags, got, err, tt.want, tt.err)
		}
	}
	word, rest, ok, err := NextWord(`a  "b`, Blanks, Unquote)
	if word != "a" || rest != `"b` || !ok || err != nil {
		t.Errorf("NextWord: %q, %q, %v, %v", word, rest, ok, err)
	}
	if _, rest, ok, err := NextWord(rest, Blanks, Unquote); ok || err == nil || rest != `"b` {
		t.Errorf("NextWord of an open quote: %q, %v, %v", rest, ok, err)
	}
}

func TestUnescape(t *testing.T) {
	if got, err := Unescape(`a b\tc:"`, false); got != "a b\tc:\"" || err != nil {
		t.Errorf("Unescape: %q, %v", got, err)
	}
	if got, err := Unescape("", false); got != "" || err != nil {
		t.Errorf("Unescape of nothing: %q, %v", got, err)
	}
	if _, err := Unescape(`\q`, false); !errors.Is(err, ErrEscape) {
		t.Errorf(`Unescape(\q): %v`, err)
	}
	if got, err := Unescape(`\q`, true); got != `\q` || err != nil {
		t.Errorf(`relaxed Unescape(\q): %q, %v`, got, err)
	}
}

func TestQuote(t *testing.T) {
	tests := []struct{ word, want string }{
		{"a-b/c.d", "a-b/c.d"}, {"", `""`}, {"a b", `"a b"`}, {"ä", "ä"}, {"a;b", `"a;b"`},
		{"a\"b$c`d\\e", "\"a\\\"b\\$c\\`d\\\\e\""}, {"it's", `"it's"`},
	}
	for _, tt := range tests {
		if got := Quote(tt.word); got != tt.want {
			t.Errorf("Quote(%q) = %s, want %s", tt.word, got, tt.want)
		}
	}
	if got := JoinWords([]string{"a", "", "b c"}); got != `a "" "b c"` {
		t.Errorf("JoinWords: %s", got)
	}
}

func TestValidUTF8(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "ä😀": true, "\xff": false, "\xed\xa0\x80": false, "\ufffe": false,
		"\U0001ffff": false, "\ufdd0": false, "\ufdf0": true, "\ufffd": true,
	} {
		if got := ValidUTF8(s); got != want {
			t.Errorf("ValidUTF8(%q) = %v", s, got)
		}
	}
}

func FuzzWords(f *testing.F) {
	for i, s := range []string{"a b", `"a b" 'c'`, `\x41\q`, "a::b", `a\`, `"`, `\u00e4`} {
		f.Add(s, uint8(i*37))
	}
	f.Fuzz(func(t *testing.T, s string, flags uint8) {
		words, err := Split(s, Blanks, WordFlags(flags))
		var again []string
		for rest, ok := s, true; ok; {
			var word string
			var wordErr error
			if word, rest, ok, wordErr = NextWord(rest, Blanks, WordFlags(flags)); wordErr != nil {
				break
			}
			if ok {
				again = append(again, word)
			}
		}
		if WordFlags(flags)&KeepEmpty == 0 && !slices.Equal(again, words) {
			t.Errorf("%q: Split gives %q, NextWord %q", s, words, again)
		}
		if err != nil {
			return
		}
		if back, err := Words(JoinWords(words), Unquote); err != nil || !slices.Equal(back, words) {
			t.Errorf("%q quoted is %q, %v", words, back, err)
		}
		if strings.Contains(s, "\\") || WordFlags(flags)&(Unquote|KeepQuotes|KeepEmpty) != 0 {
			return
		}
		isBlank := func(r rune) bool { return strings.ContainsRune(Blanks, r) }
		if !slices.Equal(words, strings.FieldsFunc(s, isBlank)) {
			t.Errorf("%q: plain words are %q", s, words)
		}
	})
}

func TestIsFDName(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "a b-c.d": true, "~": true, strings.Repeat("x", 255): true,
		strings.Repeat("x", 256): false, "a:b": false, "a\n": false, "\x7f": false, "ä": false,
	} {
		if IsFDName(s) != want {
			t.Errorf("IsFDName(%q) = %v", s, !want)
		}
	}
}
