package preset

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"rouse/internal/unit"
)

// text is a preset file; what comes of it is what systemctl preset of systemd 252 did.
const text = `# comment
   ; another
disable a.service b.service
  disable   b.service  
enablec.service
disable	c.service
enable t@.service one two
disable t@.service
disable v@.service
enable v@x.service
enable d.service foo
disable d.service
disable "e.service"
enable "f.service"
disable f.service
ignore g.service
disable g.service
disable h*.service
disable [!a]*@three.service
disable dev-\x2d.mount
enable
`

func TestQuery(t *testing.T) {
	rules, faults := Parse("/x.preset", text)
	for unitName, want := range map[string]string{
		"a.service": "true []", "b.service": "false []", "c.service": "false []", "d.service": "false []",
		"e.service": "true []", "f.service": "false []", "g.service": "false []", "h.service": "false []",
		"t@one.service": "true []", "t@three.service": "false []", "v@x.service": "true []",
		"v@y.service": "true []", "w@x.service": "true []", "v@.service": "false []",
		"t@.service": "true [t@one.service t@two.service]", `dev-\x2d.mount`: "false []",
	} {
		enable, instances := rules.Query(unitName)
		if got := fmt.Sprint(enable, instances); got != want {
			t.Errorf("%s: %s, want %s", unitName, got, want)
		}
	}
	lines := ""
	for _, f := range faults {
		lines += fmt.Sprintf("%d %s\n", f.Line, f.Why)
	}
	want := "5 no name of a unit\n11 d.service is no template, and so has no instances\n" +
		"16 neither enable nor disable\n21 no name of a unit\n"
	if lines != want {
		t.Errorf("faults:\n%swant:\n%s", lines, want)
	}
}

func TestRead(t *testing.T) {
	root := fstest.MapFS{
		"usr/lib/systemd/system-preset/50-a.preset":       {Data: []byte("enable x\ndisable *\n")},
		"usr/lib/systemd/system-preset/60-b.preset":       {Data: []byte("enable b.service\n")},
		"usr/lib/systemd/system-preset/notes.txt":         {Data: []byte("disable a.service\n")},
		"usr/local/lib/systemd/system-preset/70-c.preset": {Data: []byte("x\n")},
		"etc/systemd/system-preset/50-a.preset":           {Data: []byte("disable a.service\n")},
		"run/systemd/system-preset/10-d.preset":           {Data: []byte("enable c.service\n")},
		"lib/systemd/system-preset/40-dir.preset/x":       {},
		"usr/lib/systemd/user-preset/90.preset":           {Data: []byte("disable *\n")},
	}
	rules, faults := Read(root, false)
	var got []string
	for _, n := range []string{"a.service", "b.service", "c.service", "x.service"} {
		got = append(got, rules.Word(n))
	}
	if s := strings.Join(got, " "); s != "disabled enabled enabled enabled" || len(rules) != 3 {
		t.Errorf("%s, %v", s, rules)
	}
	if len(faults) != 2 || faults[1].File != "/usr/local/lib/systemd/system-preset/70-c.preset" {
		t.Errorf("faults: %v", faults)
	}
	if rules, _ := Read(root, true); rules.Word("a.service") != "disabled" {
		t.Errorf("for users: %v", rules)
	}
	if rules, faults := Read(fstest.MapFS{}, false); len(rules) != 0 || faults != nil {
		t.Errorf("of nothing: %v, %v", rules, faults)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text, "a.service")
	f.Add("enable [", "t@one.service")
	f.Fuzz(func(t *testing.T, text, unitName string) {
		rules, faults := Parse("/x.preset", text)
		if n := strings.Count(text, "\n") + 1; len(rules)+len(faults) > n {
			t.Errorf("%d rules and %d faults of %d lines", len(rules), len(faults), n)
		}
		var none unit.Fault
		for _, fault := range faults {
			if fault == none {
				t.Error("a fault without words")
			}
		}
		rules.Query(unitName)
	})
}
