package client

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rouse/internal/client/tool"
)

// TestShowAsSystemd compares show with what systemctl 252 printed for units of
// every type with the same properties.
func TestShowAsSystemd(t *testing.T) {
	paths, err := filepath.Glob("testdata/units/*.show")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, p := range paths {
		unit := strings.TrimSuffix(filepath.Base(p), ".show")
		if unit == "manager" {
			continue
		}
		t.Run(unit, func(t *testing.T) {
			want, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			w.use(unit)
			got, stderr, status := w.run("systemctl", "show", "--all", "--", unit)
			if status != 0 || stderr != "" {
				t.Fatalf("status %d: %s", status, stderr)
			}
			if got != string(want) {
				t.Errorf("- systemctl, + rouse: %s", firstDifference(string(want), got))
			}
		})
	}
}

// TestShowHides checks what show leaves out without --all: the names that
// systemctl 252 left out of the same units.
func TestShowHides(t *testing.T) {
	paths, err := filepath.Glob("testdata/units/*.hidden")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	names := func(text string) []string {
		var out []string
		for line := range strings.Lines(text) {
			n, _, _ := strings.Cut(strings.TrimSpace(line), "=")
			out = append(out, n)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for _, p := range paths {
		unit := strings.TrimSuffix(filepath.Base(p), ".hidden")
		t.Run(unit, func(t *testing.T) {
			hidden, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t)
			w.use(unit)
			all, _, _ := w.run("systemctl", "show", "-a", "--", unit)
			some, _, _ := w.run("systemctl", "show", "--", unit)
			shown := names(some)
			want := names(string(hidden))
			for _, n := range names(all) {
				_, hide := slices.BinarySearch(want, n)
				_, show := slices.BinarySearch(shown, n)
				if hide == show {
					t.Errorf("%s: shown %v, by systemctl %v", n, show, !hide)
				}
			}
		})
	}
}

// TestCompletion: what is generated names each verb, option and program.
func TestCompletion(t *testing.T) {
	w := newWorld(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out, errs, status := w.run("rouse", "completion", shell)
		if status != 0 {
			t.Fatalf("%s: %s", shell, errs)
		}
		words := []string{"no-block"}
		for _, v := range verbs() {
			words = append(words, v.name)
		}
		for _, p := range programs() {
			words = append(words, p.Name)
		}
		for _, word := range words {
			if !strings.Contains(out, word) {
				t.Errorf("%s: no %s", shell, word)
			}
		}
	}
	for _, p := range append(programs(), &tool.Program{Name: "systemctl"}) {
		out, errs, status := w.run("rouse", "manual", p.Name)
		if status != 0 || !strings.HasPrefix(out, ".TH "+strings.ToUpper(p.Name)) {
			t.Errorf("%s: %s%s", p.Name, out, errs)
		}
		for line := range strings.Lines(out) { // a request is one that man(7) has
			request := strings.Fields(line)[0]
			if line[0] == '.' && !slices.Contains([]string{".TH", ".SH", ".TP", ".B"}, request) {
				t.Errorf("%s: %s", p.Name, line)
			}
		}
	}
}
