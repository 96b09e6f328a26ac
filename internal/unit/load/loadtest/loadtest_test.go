package loadtest

import (
	"io/fs"
	"testing"
)

// Symlinks are followed within a path; what cannot be read says so.
func TestTree(t *testing.T) {
	tree := New()
	tree.File("/usr/lib/a/x.service", "[Unit]\n")
	tree.Link("/lib", "usr/lib")
	tree.Link("/usr/lib/a/y.service", "/lib/a/x.service")
	for p, want := range map[string]string{
		"usr/lib/a/x.service": "[Unit]\n", "lib/a/x.service": "[Unit]\n", "lib/a/y.service": "[Unit]\n",
	} {
		if text, err := fs.ReadFile(tree, p); string(text) != want || err != nil {
			t.Errorf("%s: %q, %v", p, text, err)
		}
	}
	if target, err := tree.ReadLink("lib/a/y.service"); target != "/lib/a/x.service" || err != nil {
		t.Errorf("leads to %q, %v", target, err)
	}
	tree.Link("/loop", "loop")
	tree.Denied("/secret")
	for _, p := range []string{"loop", "secret", "none", "usr/lib", "../x"} {
		if _, err := fs.ReadFile(tree, p); err == nil {
			t.Errorf("%s can be read", p)
		}
	}
	tree.Remove("/usr/lib/a/x.service")
	if _, err := fs.Stat(tree, "lib/a/x.service"); err == nil {
		t.Error("still there after being removed")
	}
}

func TestScript(t *testing.T) {
	const text = "Head.\n-- /a/b.service --\n[Service]\nNice=99  ### out of range\n" +
		"-- /a/c.service -> b.service --\n-- /d/ --\n-- script --\nload b.service\n\tone\n\ttwo\nfiles\n"
	s := Parse(text)
	if got, err := fs.ReadFile(s.Tree, "a/b.service"); string(got) != "[Service]\nNice=99\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if len(s.Marks) != 1 || s.Marks[0] != (Mark{"/a/b.service", 2, "out of range"}) {
		t.Errorf("marks %v", s.Marks)
	}
	if len(s.Steps) != 2 || s.Steps[0] != (Step{"load b.service", "one\ntwo\n"}) {
		t.Errorf("steps %v", s.Steps)
	}
	if got := s.Print([]string{"one\ntwo\n", ""}); got != text {
		t.Errorf("printed %q", got)
	}
}
