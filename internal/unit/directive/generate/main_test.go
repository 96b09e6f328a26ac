package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/unit/directive"
)

// TestFresh checks that the pages in the repository are those of today's table.
func TestFresh(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Skip(err)
	}
	list, err := os.ReadFile(filepath.Join(root, itemList))
	if err != nil {
		t.Fatal(err)
	}
	made := pages(string(list))
	for name, text := range made {
		have, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v: run make generate", err)
			continue
		}
		if string(have) != text {
			t.Errorf("%s is not what is generated: run make generate", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, reference, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if made[reference+"/"+filepath.Base(f)] == "" {
			t.Errorf("%s is not generated: run make generate", f)
		}
	}
}

// TestWrite writes into an empty folder and removes what is no longer made.
func TestWrite(t *testing.T) {
	root := t.TempDir()
	old := filepath.Join(root, reference, "old.md")
	if err := write(old, "old"); err != nil {
		t.Fatal(err)
	}
	made := pages("Unit After\nUnit Bogus\n")
	if err := removeOthers(root, made); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", old, err)
	}
	for name, text := range made {
		if err := write(filepath.Join(root, name), text); err != nil {
			t.Fatal(err)
		}
	}
}

// TestComparison checks the counts of a short list.
func TestComparison(t *testing.T) {
	text := comparison("# a list\nUnit After\nUnit Bogus\nService RootImage\nSocket RootImage\n")
	for _, want := range []string{
		"systemd 252 knows 4 settings in 3 sections, 3 different ones",
		"| [Unit] | 2 | 1 | 0 | 0 | 0 | 0 | 1 |",
		"| all | 4 | 1 | 0 | 0 | 2 | 0 | 1 |",
		"Not known here: [Unit] Bogus=.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%.900s", want, text)
		}
	}
}

// TestPage checks what a page says about a setting.
func TestPage(t *testing.T) {
	row := directive.Lookup("Service", "RestartSec")
	text := page(row.Group)
	want := "## RestartSec=\n\nHow long to wait before a restart.\n\n- Value: time span\n" +
		"- Default: 100ms\n- Property: `RestartUSec` (`t`)\n- Support: full\n"
	if !strings.Contains(text, want) {
		t.Errorf("no %q", want)
	}
}
