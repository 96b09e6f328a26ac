package exposure

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"rouse/internal/host/seccomp"
	"rouse/internal/unit"
	"rouse/internal/unit/directive"
	"rouse/internal/unit/name"
)

// onAMD64 knows the calls of the machine that systemd's findings are from.
func onAMD64(call string) bool {
	_, ok := seccomp.Number("x86-64", call)
	return ok
}

// service makes a service of lines, which may change the section.
func service(t *testing.T, lines []string) *unit.Unit {
	t.Helper()
	u := directive.New("a.service", name.Service, nil)
	section := "Service"
	for _, l := range append([]string{"ExecStart=/bin/true"}, lines...) {
		if s, ok := strings.CutPrefix(l, "["); ok {
			section = strings.TrimSuffix(s, "]")
			continue
		}
		n, v, _ := strings.Cut(l, "=")
		a := directive.Assignment{Section: section, Name: n, Value: v}
		directive.Apply(u, a, nil)
	}
	if err := directive.Finish(u, nil, nil); err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return u
}

// What each setting is worth is what systemd-analyze finds.
func TestSystemd(t *testing.T) {
	text, err := os.ReadFile("testdata/systemd.txt")
	if err != nil {
		t.Fatal(err)
	}
	base := map[string]string{}
	for i, block := range strings.Split(string(text), "\n==\n")[1:] {
		settings, found, _ := strings.Cut("\n"+block, "\n-- ")
		rows := strings.Split(strings.TrimSpace(found), "\n")
		want := maps.Clone(base)
		for _, row := range rows[1:] {
			field, exposure, _ := strings.Cut(row, " ")
			want[field] = exposure
		}
		if i == 0 {
			base = want
		}
		lines := strings.FieldsFunc(settings, func(r rune) bool { return r == '\n' })
		j := Judge(service(t, lines), nil, onAMD64)
		word, face := j.Word()
		if got := j.Exposure() + " " + word + " " + face; got != rows[0] {
			t.Errorf("%q: %s, want %s", lines, got, rows[0])
		}
		compare(t, lines, j, want)
	}
}

func compare(t *testing.T, lines []string, j *Judgement, want map[string]string) {
	t.Helper()
	for _, f := range j.Findings {
		got := f.Exposure()
		switch {
		case !f.Counts:
			got = "-"
		case f.Good:
			got = "+"
		}
		if got != want[f.Field] {
			t.Errorf("%q: %s %s, want %s", lines, f.Field, got, want[f.Field])
		}
		if f.What == "" {
			t.Errorf("%q: %s says nothing", lines, f.Field)
		}
	}
	if len(j.Findings) != len(want) {
		t.Errorf("%d checks, want %d", len(j.Findings), len(want))
	}
}

// A policy changes what checks are worth, and may leave all but one out.
func TestPolicy(t *testing.T) {
	u := service(t, []string{"ProtectHome=read-only"})
	p := Policy{}
	for _, c := range checks(onAMD64) {
		p[c.field] = Weight{0, 1}
	}
	if j := Judge(u, p, onAMD64); j.Exposure() != "0.0" {
		t.Errorf("nothing counts, and yet %s", j.Exposure())
	}
	p["ProtectHome"] = Weight{7, 10}
	if j := Judge(u, p, onAMD64); j.Exposure() != "5.8" { // 3.5 of 7, rounded up on the way
		t.Errorf("half of all, and %s", j.Exposure())
	}
}

// Findings name settings that there are.
func TestDirectives(t *testing.T) {
	for _, f := range Judge(service(t, nil), nil, onAMD64).Findings {
		names := f.Directives()
		if len(names) == 0 {
			t.Errorf("%s is about no setting", f.Name)
		}
		for _, n := range names {
			known := slices.ContainsFunc(directive.Rows(), func(r directive.Row) bool {
				return r.Name == n
			})
			if !known {
				t.Errorf("%s: %s is no setting", f.Name, n)
			}
		}
	}
}
