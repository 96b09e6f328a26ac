package directive

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"rouse/internal/tidy/tables"
)

// TestSettings checks every row of the shared table of settings.
func TestSettings(t *testing.T) {
	for _, row := range tables.Read(t, "settings.tsv") {
		kind, section, lines := row[0], row[1], row[2]
		var props map[string]struct{ Data json.RawMessage }
		if err := json.Unmarshal([]byte(row[3]), &props); err != nil {
			t.Fatalf("%s %s: %v", kind, lines, err)
		}
		want := map[string]json.RawMessage{}
		for n, p := range props {
			want[n] = p.Data
		}
		for _, wrong := range compare(t, kind, section, lines, want) {
			t.Errorf("%s [%s] %q: %s", kind, section, lines, wrong)
		}
	}
}

// TestOracle checks the answers that systemd 252 gave to many more lines.
func TestOracle(t *testing.T) {
	for _, file := range [...]string{"testdata/oracle.txt", "testdata/oracle-random.txt"} {
		checkAnswers(t, file)
	}
}

func checkAnswers(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t")
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			t.Fatalf("not four fields: %q", line)
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(f[3]), &want); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, wrong := range compare(t, f[0], f[1], unescape.Replace(f[2]), want) {
			t.Errorf("%s [%s] %q: %s", f[0], f[1], f[2], wrong)
		}
	}
}

// TestEnvironmentTable checks Environment= lines and the property they give.
func TestEnvironmentTable(t *testing.T) {
	for _, row := range tables.Read(t, "environment.tsv") {
		if notHereLines(row[0]) {
			continue
		}
		lines := "Environment=" + strings.ReplaceAll(row[0], "\n", "\nEnvironment=")
		u, err := build(t, "service", "Service", lines)
		if err != nil {
			t.Errorf("%q: %v", row[0], err)
		}
		if have := plainJSON(properties(u)["Environment"].Value); !sameJSON(have, row[1]) {
			t.Errorf("%q: have %s, want %s", row[0], have, row[1])
		}
	}
}

// TestExecWords checks ExecStart= lines and the property with all flags.
func TestExecWords(t *testing.T) {
	for _, row := range tables.Read(t, "exec-words.tsv") {
		if notHereLines(row[0]) {
			continue
		}
		lines := "Type=oneshot\nExecStart=\nExecStart=" + strings.ReplaceAll(row[0], "\n", "\nExecStart=")
		u, err := build(t, "service", "Service", lines)
		if (err == nil) != (row[1] == "loaded") {
			t.Errorf("%q: have %v, want %s", row[0], err, row[1])
		}
		have := [][]any{}
		for _, c := range properties(u)["ExecStartEx"].Value.([]any) {
			have = append(have, c.([]any)[:3])
		}
		if text := plainJSON(have); !sameJSON(text, row[2]) {
			t.Errorf("%q: have %s, want %s", row[0], text, row[2])
		}
	}
}

// notHereLines tells lines of a table that need the unit's name, which it does not
// tell, or the joining of lines, which is done before.
func notHereLines(lines string) bool {
	return strings.Contains(lines, "%") || strings.Contains(lines+"\n", "\\\n")
}
