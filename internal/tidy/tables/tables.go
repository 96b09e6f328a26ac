// Package tables reads the tables of facts about systemd that tests check rouse
// against: lines of fields separated by tabs. The folder is named by the
// environment variable ROUSE_TABLES; it is no part of this repository, and tests
// are skipped where it is absent. It knows nothing of what the tables mean.
package tables

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Dir gives the folder of tables: ROUSE_TABLES, or
// ../shared/conformance/tables beside the root of the repository.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("ROUSE_TABLES")
	if dir == "" {
		dir = "../shared/conformance/tables"
	}
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(root(t), dir)
}

// root walks up from the working directory of the test to the folder of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("find the repository: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no go.mod above the test: cannot find the tables")
		}
		dir = up
	}
}

// Read gives the rows of the shared table called name ("timespan.tsv"), as Parse
// does. The test is skipped where the table is absent.
func Read(t testing.TB, name string) [][]string {
	t.Helper()
	path := filepath.Join(Dir(t), name)
	if _, err := os.Stat(path); os.IsNotExist(err) {
		t.Skipf("no table %s; set ROUSE_TABLES to the folder of tables", path)
	}
	return ReadFile(t, path)
}

// ReadFile gives the rows of a table that a package has itself, such as
// "testdata/words.tsv", as Parse does.
func ReadFile(t testing.TB, path string) [][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read table: %v", err)
	}
	rows, err := Parse(string(text))
	if err != nil {
		t.Fatalf("read table %s: %v", path, err)
	}
	return rows
}

// Parse gives the rows of the text of a table, comments left out. Every field is
// unescaped, except those of columns that the head of the table describes as
// JSON. Missing fields at the end of a row are "".
func Parse(text string) ([][]string, error) {
	var (
		head []string // the columns' names
		json = map[string]bool{}
		last string // the column that is described
		rows [][]string
	)
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if comment, ok := strings.CutPrefix(line, "#"); ok && rows == nil {
			last = describe(comment, last, json)
			head = strings.Split(strings.TrimPrefix(comment, " "), "\t")
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) > len(head) {
			return nil, fmt.Errorf("line %d: %d fields, %d columns", n+1, len(fields), len(head))
		}
		for len(fields) < len(head) {
			fields = append(fields, "")
		}
		for i, f := range fields {
			if !json[head[i]] {
				fields[i] = Unescape(f)
			}
		}
		rows = append(rows, fields)
	}
	return rows, nil
}

// describe notes whether a comment line says that a column is JSON, and gives
// the column that the next line may go on about.
func describe(comment, last string, json map[string]bool) string {
	column, about, ok := strings.Cut(strings.TrimPrefix(comment, "   "), " ")
	switch {
	case !strings.HasPrefix(comment, "   "):
		return ""
	case strings.HasPrefix(comment, "     "): // goes on about the last column
		column, about = last, comment
	case !ok:
		return column
	}
	if strings.Contains(about, "JSON") {
		json[column] = true
	}
	return column
}

// Unescape turns \\, \n, \t and \r into what they stand for and leaves all else.
func Unescape(field string) string { return unescaper.Replace(field) }

var unescaper = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r")
