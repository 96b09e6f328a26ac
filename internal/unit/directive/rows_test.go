package directive

import (
	"os"
	"os/exec"
	"sort"
	"strings"
	"testing"

	"rouse/internal/unit/name"
)

// TestRows checks that each group of rows is sorted and each row complete.
func TestRows(t *testing.T) {
	for g := range Groups {
		rows := g.Rows()
		if len(rows) == 0 || g.Title() == "" || g.File() == "" || g.Man() == "" ||
			len(g.Sections()) == 0 {
			t.Errorf("group %d %q is not complete", g, g.Title())
		}
		if !sort.SliceIsSorted(rows, func(i, j int) bool { return rows[i].Name < rows[j].Name }) {
			t.Errorf("group %s is not sorted", g.Title())
		}
		for i := range rows {
			checkRow(t, g, &rows[i])
		}
	}
}

func checkRow(t *testing.T, g Group, r *Row) {
	t.Helper()
	if r.Group != g {
		t.Errorf("%s: in the table of %s, says %s", r.Name, g.Title(), r.Group.Title())
	}
	if r.Doc == "" || !strings.HasSuffix(r.Doc, ".") {
		t.Errorf("%s: no sentence of documentation: %q", r.Name, r.Doc)
	}
	if (r.Support == Full) != (r.Note == "") {
		t.Errorf("%s: support %s with note %q", r.Name, r.Support, r.Note)
	}
	if (r.in == nil) != (r.Same != "") {
		t.Errorf("%s: neither or both of a way to read it and another name", r.Name)
	}
	if r.Same != "" {
		if same := sameAs(r); same == nil || same.Support != r.Support {
			t.Errorf("%s: the same as %s, which is not there or not as well supported", r.Name, r.Same)
		}
	}
	if r.in != nil && r.Syntax() == "" {
		t.Errorf("%s: no syntax", r.Name)
	}
	for _, section := range r.Sections() {
		if have := Lookup(section, r.Name); have == nil || have.Group != g {
			t.Errorf("%s: not found in [%s]", r.Name, section)
		}
	}
}

// items reads a list of "section name" lines.
func items(text string) map[string]bool {
	list := map[string]bool{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list[line] = true
		}
	}
	return list
}

// TestComplete checks that every setting of systemd 252 has a row, and that the
// only others are later ones.
func TestComplete(t *testing.T) {
	text, err := os.ReadFile("testdata/systemd-252-items.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := items(string(text))
	if len(want) != 1191 {
		t.Errorf("%d settings in the list, not 1191", len(want))
	}
	for item := range want {
		section, name, _ := strings.Cut(item, " ")
		if Lookup(section, name) == nil {
			t.Errorf("no row for [%s] %s=", section, name)
		}
	}
	for _, r := range Rows() {
		for _, section := range r.Sections() {
			if known := want[section+" "+r.Name]; known != (r.Since <= 252) {
				t.Errorf("[%s] %s=: known to systemd 252 %v, since %d", section, r.Name, known, r.Since)
			}
		}
	}
}

// TestDump checks the committed list against systemd itself, where it is 252.
func TestDump(t *testing.T) {
	const systemd = "/usr/lib/systemd/systemd"
	version, err := exec.Command(systemd, "--version").Output()
	if err != nil || !strings.HasPrefix(string(version), "systemd 252 ") {
		t.Skip("systemd 252 is not installed")
	}
	dump, err := exec.Command(systemd, "--dump-configuration-items").Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	section := ""
	for line := range strings.Lines(string(dump)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
		} else if name, _, ok := strings.Cut(line, "="); ok {
			lines = append(lines, section+" "+name)
		}
	}
	text, err := os.ReadFile("testdata/systemd-252-items.txt")
	if err != nil {
		t.Fatal(err)
	}
	have := items(string(text))
	for _, l := range lines {
		if !have[l] {
			t.Errorf("the list lacks %s", l)
		}
		delete(have, l)
	}
	for l := range have {
		t.Errorf("the list has %s, which systemd has not", l)
	}
}

// TestSystemConf checks that all settings that system.conf shows have a row.
func TestSystemConf(t *testing.T) {
	text, err := os.ReadFile("/etc/systemd/system.conf")
	if err != nil {
		t.Skip("no system.conf here")
	}
	for line := range strings.Lines(string(text)) {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), "=")
		if ok && !strings.Contains(name, " ") && Lookup("Manager", name) == nil {
			t.Errorf("no row for [Manager] %s=", name)
		}
	}
}

// TestBare checks all properties of units without settings.
func TestBare(t *testing.T) {
	text, err := os.ReadFile("testdata/bare.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string][2]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			continue
		}
		if want[f[0]] == nil {
			want[f[0]] = map[string][2]string{}
		}
		want[f[0]][f[1]] = [2]string{f[2], f[3]}
	}
	for kind, props := range want {
		u, err := build(t, kind, "", "")
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		got := properties(u)
		for n, w := range props {
			p, ok := got[n]
			if have := plainJSON(p.Value); !ok || p.Type != w[0] || !sameJSON(have, w[1]) {
				t.Errorf("%s %s: have %s %s, want %s %s", kind, n, p.Type, have, w[0], w[1])
			}
		}
		for n := range got {
			if _, ok := props[n]; !ok && n != "Slice" && n != "RequiresMountsFor" {
				t.Errorf("%s %s: systemd has no such property", kind, n)
			}
		}
	}
}

// TestParts checks that New makes the parts that rows of a type's sections need.
func TestParts(t *testing.T) {
	for typ := name.Service; typ < name.Types; typ++ {
		u := New("x."+typ.String(), typ, nil)
		if list := Properties(u); len(list) < 20 {
			t.Errorf("%s: %d properties", typ, len(list))
		}
	}
}
