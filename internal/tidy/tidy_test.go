package tidy

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write what the rules find into testdata")

// root is the repository as seen from here.
const root = "../.."

// TestHouse runs every rule on the repository.
func TestHouse(t *testing.T) {
	tree, err := Read(os.DirFS(root), "rouse")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range Rules {
		t.Run(rule.Name, func(t *testing.T) {
			for _, f := range sorted(rule.Check(tree)) {
				t.Error(f)
			}
		})
	}
}

// TestRules runs each rule on the small trees in testdata, which break it. The last
// file of each, "want", is what the rule finds.
func TestRules(t *testing.T) {
	for _, rule := range Rules {
		t.Run(rule.Name, func(t *testing.T) {
			name := filepath.Join("testdata", rule.Name+".txt")
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			head, fsys := unpack(strings.ReplaceAll(string(src), "SLASH", "/"))
			want := string(fsys["want"].Data)
			delete(fsys, "want")
			tree, err := Read(fsys, "rouse")
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, f := range sorted(rule.Check(tree)) {
				got.WriteString(f.String() + "\n")
			}
			if got.String() == want {
				return
			}
			if !*update {
				t.Fatalf("%s: found\n%s\nwant\n%s", name, got.String(), want)
			}
			body, _, _ := strings.Cut(string(src)[len(head):], "-- want --\n")
			err = os.WriteFile(name, []byte(head+body+"-- want --\n"+got.String()), 0o644)
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// unpack reads a text of files, each after a line "-- path --", and what precedes
// them. A line "LINE xN" stands for N lines, so that long files can be short here.
func unpack(src string) (head string, files fstest.MapFS) {
	files = fstest.MapFS{"want": {}}
	var at *fstest.MapFile
	for line := range strings.Lines(src) {
		name, ok := strings.CutPrefix(strings.TrimSuffix(line, " --\n"), "-- ")
		switch {
		case ok && strings.HasSuffix(line, " --\n"):
			at = &fstest.MapFile{}
			files[name] = at
		case at == nil:
			head += line
		default:
			at.Data = append(at.Data, repeated(line)...)
		}
	}
	return head, files
}

// repeated is the line, or as many as its ending "xN" says.
func repeated(line string) string {
	text, count, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " x")
	n := 0
	for _, c := range count {
		if c < '0' || c > '9' {
			return line
		}
		n = n*10 + int(c-'0')
	}
	if !ok || n == 0 {
		return line
	}
	return strings.Repeat(text+"\n", n)
}
