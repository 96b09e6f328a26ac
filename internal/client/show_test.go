package client

import (
	"os"
	"os/exec"
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

// TestCompletionInShells: each shell, where it is installed, reads what is generated and
// completes the beginning of a verb and of an option.
func TestCompletionInShells(t *testing.T) {
	for shell, script := range map[string]string{
		"bash": `. "$1"
			for w in daemon-rel --no-bl; do
				COMP_WORDS=(systemctl $w) COMP_CWORD=1
				_rouse_systemctl; echo ${COMPREPLY[@]}
			done`,
		// The widgets of a completion write what they are given and fits.
		"zsh": `compadd() { local a on=; for a; do
				[[ -n $on && $a == $words[CURRENT]* ]] && print -- $a; [[ $a == -- ]] && on=1; done }
			both() { local service=systemctl CURRENT=2 words=(systemctl $1); source $file }
			file=$1; both daemon-rel; both --no-bl; true`,
		"fish": `source $argv[1]; complete -C "rouse daemon-rel"; complete -C "rouse --no-bl"`,
	} {
		t.Run(shell, func(t *testing.T) {
			program, err := exec.LookPath(shell)
			if err != nil {
				t.Skip(shell + " is not installed")
			}
			out, errs, status := newWorld(t).run("rouse", "completion", shell)
			if status != 0 {
				t.Fatal(errs)
			}
			file := filepath.Join(t.TempDir(), "_rouse")
			if err := os.WriteFile(file, []byte(out), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{"-c", script, shell, file}
			if shell == "fish" {
				args = []string{"--no-config", "-c", script, file}
			}
			c := exec.Command(program, args...)
			c.Env = append(os.Environ(), "HOME="+t.TempDir())
			got, err := c.CombinedOutput()
			if err != nil || string(got) != "daemon-reload\n--no-block\n" {
				t.Errorf("%v: %q", err, got)
			}
		})
	}
}
