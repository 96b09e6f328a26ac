package getopt

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"a -v b --out=x c", "[a b c] true x"},
		{"-vo x a", "[a] true x"},
		{"--verb -- --out", "[--out] true "},
		{"--ou y --outer", "option '--ou' is ambiguous; possibilities: '--out' '--outer'"},
		{"--nope", "unrecognized option '--nope'"},
		{"-x", "invalid option -- 'x'"},
		{"-o", "option requires an argument -- 'o'"},
		{"--out", "option '--out' requires an argument"},
		{"+ -v cmd -v --out=x", "[cmd -v --out=x] true "},
		{"+ -o x cmd --nope", "[cmd --nope] false x"},
	} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		f.SetOutput(io.Discard)
		verbose := f.BoolP("verbose", "v", false, "")
		out := f.StringP("out", "o", "", "")
		f.Bool("outer", false, "")
		words := strings.Fields(c.line)
		mixed := words[0] != "+"
		if !mixed {
			words = words[1:]
		}
		args, err := Parse(f, words, mixed)
		got := fmt.Sprint(args, " ", *verbose, " ", *out)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}
