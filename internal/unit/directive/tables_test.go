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
	text, err := os.ReadFile("testdata/oracle.txt")
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
