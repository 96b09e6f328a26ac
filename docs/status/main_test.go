package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/unit/directive"
)

func TestRewrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("no place\n")
	if err := rewrite(file); err == nil {
		t.Error("no error for a file without a place")
	}
	write("before\n" + begin + "old\n" + end + "after\n")
	if err := rewrite(file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n" + begin + table(directive.Rows()) + end + "after\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestTable: every row is counted once, in the last line.
func TestTable(t *testing.T) {
	rows := directive.Rows()
	lines := strings.Split(strings.TrimSpace(table(rows)), "\n")
	full := 0
	for i := range rows {
		if rows[i].Support == directive.Full {
			full++
		}
	}
	var all, carried int
	last := strings.Fields(strings.ReplaceAll(lines[len(lines)-1], "|", " "))
	for i, to := range []*int{&all, &carried} {
		for _, c := range last[i+1] {
			*to = *to*10 + int(c-'0')
		}
	}
	if all != len(rows) || carried != full {
		t.Errorf("got %d settings, %d carried out; want %d, %d", all, carried, len(rows), full)
	}
}
