// Package tooltest runs scripts of programs, on ours and on systemd's.
package tooltest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rouse/internal/client/tool"
	"rouse/internal/unit/value"
)

var (
	record = flag.Bool("record", false, "run systemd's programs and write what they print")
	update = flag.Bool("update", false, "write what ours print")
)

// Scripts runs testdata/*.txt on these programs: commands at the margin, what systemd's
// programs print indented, standard error after "err: ", the exit status last if it is
// not 0. "@file PATH TEXT" and "@link PATH TARGET" make what is in the directory that
// "@root" stands for. After "differs: REASON" is what ours print instead.
func Scripts(t *testing.T, programs []*tool.Program) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, p := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(p), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, programs, string(text))
			if *record || *update {
				if err := os.WriteFile(p, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s: want\n%s\ngot\n%s", p, text, difference(string(text), got))
			}
		})
	}
}

// difference gives the lines around the first one that is another one.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			return fmt.Sprintf("line %d:\n%s", i+1,
				strings.Join(g[max(0, i-3):min(len(g), i+6)], "\n"))
		}
	}
	return "(shorter)"
}

// fromNow is another one each day.
var fromNow = regexp.MustCompile(`From now: [^-\n]+`)

func runScript(t *testing.T, programs []*tool.Program, text string) string {
	t.Setenv("SYSTEMD_LOG_LEVEL", "info")
	t.Setenv("TZ", "UTC")
	t.Setenv("HOME", "/home/x")
	t.Setenv("PATH", "/usr/bin:/bin")
	root := makeRoot(t, text)
	for _, n := range []string{
		"NOTIFY_SOCKET", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMPDIR", "TEMP", "TMP",
	} {
		t.Setenv(n, "")
		os.Unsetenv(n)
	}
	lines := strings.SplitAfter(text, "\n")
	var b strings.Builder
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == "" || line[0] == '\t' {
			continue
		}
		b.WriteString(line)
		if line[0] == '#' || line[0] == '\n' || strings.HasPrefix(line, "@") {
			continue
		}
		var want, other, reason string
		at := &want
		for _, l := range lines[i+1:] {
			if l == "" || l[0] != '\t' {
				break
			}
			if why, ok := strings.CutPrefix(l, "\tdiffers: "); ok {
				at, reason = &other, why
				continue
			}
			*at += l
		}
		words, err := value.Words(strings.ReplaceAll(strings.TrimSpace(line), "@root", root),
			value.Unquote)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got := strings.ReplaceAll(runOne(programs, words, *record), root, "@root")
		got = fromNow.ReplaceAllString(got, "From now: (some time)")
		if reason == "" || *record {
			want = got
		} else {
			other = got
		}
		b.WriteString(want)
		if reason != "" {
			b.WriteString("\tdiffers: " + reason + other)
		}
	}
	return b.String()
}

// makeRoot makes the files of a script: "@file PATH TEXT", "@link PATH TARGET".
func makeRoot(t *testing.T, text string) string {
	root := t.TempDir()
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if f[0] != "@file" && f[0] != "@link" {
			continue
		}
		at := filepath.Join(root, f[1])
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if err == nil && f[0] == "@link" {
			err = os.Symlink(f[2], at)
		} else if err == nil {
			err = os.WriteFile(at, []byte(strings.ReplaceAll(f[2], `\n`, "\n")), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func runOne(programs []*tool.Program, words []string, real bool) string {
	var out, errs bytes.Buffer
	status := 0
	if real {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			status = cmd.ProcessState.ExitCode()
		}
	} else {
		i := slices.IndexFunc(programs, func(p *tool.Program) bool { return p.Name == words[0] })
		if i < 0 {
			return "\tno such program\n"
		}
		status = programs[i].Main(context.Background(), tool.Env{
			Args: words, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
			Getenv: os.Getenv, Environ: os.Environ,
			Root: func(dir string) fs.ReadLinkFS { return os.DirFS(dir).(fs.ReadLinkFS) },
			Now:  time.Now, Local: time.UTC, Version: "1.0",
		})
	}
	var b strings.Builder
	for l := range strings.Lines(out.String()) {
		b.WriteString("\t" + strings.TrimSuffix(l, "\n") + "\n")
	}
	for l := range strings.Lines(errs.String()) {
		b.WriteString("\terr: " + strings.TrimSuffix(l, "\n") + "\n")
	}
	if status != 0 {
		fmt.Fprintf(&b, "\texit %d\n", status)
	}
	return b.String()
}
