package scenario

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"rouse/internal/unit/directive"
	"rouse/internal/unit/unitfile"
)

// manuals are those whose settings are to be seen in scenarios.
var manuals = []string{"systemd.unit(5)", "systemd.service(5)", "systemd.socket(5)"}

// TestCoverage: each setting of the manuals that is carried out and that systemd 252
// knows is in a scenario, or testdata/uncovered says why not.
func TestCoverage(t *testing.T) {
	played := settingsPlayed(t)
	reasons := map[string]bool{}
	f, err := os.Open("testdata/uncovered")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		name, reason, ok := strings.Cut(in.Text(), ": ")
		if strings.HasPrefix(in.Text(), "#") {
			continue
		}
		if !ok || reason == "" {
			t.Errorf("uncovered: %q: want NAME: REASON", in.Text())
		}
		reasons[name] = true
	}
	for _, row := range directive.Rows() {
		if !slices.Contains(manuals, row.Man()) || row.Same != "" || row.Since > 252 ||
			row.Support == directive.Parsed || row.Support == directive.Refused {
			continue
		}
		switch {
		case !played[row.Name] && !reasons[row.Name]:
			t.Errorf("%s= (%s) is in no scenario: write one, or say in testdata/uncovered why not",
				row.Name, row.Man())
		case played[row.Name] && reasons[row.Name]:
			t.Errorf("%s= is in a scenario: take it out of testdata/uncovered", row.Name)
		}
		delete(reasons, row.Name)
	}
	for name := range reasons {
		t.Errorf("uncovered: %s: no setting that is carried out", name)
	}
}

// settingsPlayed gives the names of all settings in units of scenarios.
func settingsPlayed(t *testing.T) map[string]bool {
	t.Helper()
	played, scenarios := map[string]bool{}, 0
	for _, b := range library(t) {
		scenarios += len(b.scenarios)
		for _, sc := range b.scenarios {
			for _, u := range sc.Units {
				for _, a := range unitfile.Parse(u.Name, u.Text).Assignments {
					played[a.Name] = true
				}
			}
		}
	}
	t.Logf("%d scenarios", scenarios)
	if scenarios < 200 {
		t.Errorf("%d scenarios, want 200 or more", scenarios)
	}
	return played
}
