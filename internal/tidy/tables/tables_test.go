package tables

import (
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	const text = "# About it.\n" +
		"#   input      the text\n" +
		"#   data       JSON of it\n" +
		"# input\tdata\tmore\n" +
		"a\\tb\\\\n\t\"\\n\"\t\n" +
		"#x\t{}\n"
	want := [][]string{{"a\tb\\n", `"\n"`, ""}, {"#x", "{}", ""}}
	got, err := Parse(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Parse: %q, %v; want %q", got, err, want)
	}
	if _, err := Parse("# a\tb\n1\t2\t3\n"); err == nil {
		t.Error("Parse accepts a row with more fields than columns")
	}
}
