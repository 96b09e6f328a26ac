package unitfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// print gives what was read, one line each, with the faults.
func print(f *File) string {
	var b strings.Builder
	for _, s := range f.Sections {
		fmt.Fprintf(&b, "%d [%s]\n", s.Line, s.Name)
	}
	for _, a := range f.Assignments {
		name := strings.Trim(strconv.QuoteToASCII(a.Name), `"`)
		fmt.Fprintf(&b, "%d %s.%s=%q\n", a.Line, a.Section, name, a.Value)
	}
	for _, x := range f.Faults {
		fmt.Fprintf(&b, "%s\n", x)
	}
	if f.Broken != Whole {
		fmt.Fprintf(&b, "broken: %s\n", f.Broken)
	}
	return b.String()
}

// TestScripts runs testdata/*.txt: pieces of "text" and "want". The text is
// either as it stands or, if it begins with a quote, a Go string per line.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range strings.Split(string(text), "\n=== ")[1:] {
			title, c, _ := strings.Cut(c, "\n")
			in, want, ok := strings.Cut(c, "-- want --\n")
			if !ok {
				t.Fatalf("%s: case %d has no want", file, i+1)
			}
			t.Run(title, func(t *testing.T) {
				if got := print(Parse("x", unquote(t, in))); got != strings.TrimRight(want, "\n")+"\n" {
					t.Errorf("%s: got\n%swant\n%s", file, got, want)
				}
			})
		}
	}
}

func unquote(t *testing.T, in string) string {
	if !strings.HasPrefix(in, `"`) {
		return in
	}
	s, err := strconv.Unquote(strings.TrimSpace(in))
	if err != nil {
		t.Fatalf("unquote %s: %v", in, err)
	}
	return s
}

func TestTooLong(t *testing.T) {
	long := strings.Repeat("x", MaxLine+1)
	half := strings.Repeat("x", MaxLine/2+1)
	for _, c := range []struct {
		text string
		want Break
	}{
		{"[A]\nB=" + long[:MaxLine-10] + "\nC=1", Whole},
		{"[A]\nB=" + long, TooLong},
		{"[A]\n#" + long, TooLong},
		{"[A]\nB=" + half + "\\\n" + half, TooLong},
		{"[A]\nB=" + half + "\\\n#" + half, Whole},
	} {
		f := Parse("x", c.text)
		if f.Broken != c.want {
			t.Errorf("%.8q… is %v, want %v", c.text, f.Broken, c.want)
		}
		if (c.want == TooLong) != (len(f.Faults) == 1) {
			t.Errorf("%.8q…: %d faults", c.text, len(f.Faults))
		}
	}
}

// A file of nothing but ends of lines takes time in proportion to its length.
func TestManyLines(t *testing.T) {
	for _, s := range []string{"\r", "\x00", "\n", "\\\n", "\\\r"} {
		f := Parse("x", strings.Repeat(s, 1<<20))
		if len(f.Assignments) != 0 {
			t.Errorf("%q: assignments", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[Unit]\nDescription=a \\\n# c\n b\n")
	f.Add("\ufeff[Service]\r\nExecStart=/bin/x\x00[Foo")
	f.Add("=\n[]\nA\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := 2 + len(text)
		got := Parse("f", text)
		last := 0
		for _, a := range got.Assignments {
			if a.Line < last || a.Line > lines || a.Name == "" {
				t.Errorf("assignment %+v after line %d", a, last)
			}
			last = a.Line
			if strings.Trim(a.Value, blank) != a.Value || strings.Trim(a.Name, blank) != a.Name {
				t.Errorf("blanks around %+v", a)
			}
			if strings.ContainsAny(a.Name+a.Value, "\x00\n\r") || !valid(a.Name+a.Value) {
				t.Errorf("wrong characters in %+v", a)
			}
		}
		for _, x := range got.Faults {
			if x.File != "f" || x.Line < 1 || x.Line > lines || x.Why == "" || x.Then == "" {
				t.Errorf("fault %+v", x)
			}
		}
	})
}

// sample is a unit file of the usual size.
const sample = `# The usual comment
[Unit]
Description=A daemon of the usual kind
Documentation=man:daemon(8) https://example.org/daemon
After=network-online.target nss-lookup.target
Wants=network-online.target
ConditionPathExists=!/etc/daemon/disabled

[Service]
Type=notify
EnvironmentFile=-/etc/default/daemon
ExecStartPre=/usr/sbin/daemon -t
ExecStart=/usr/sbin/daemon \
    --foreground \
    $OPTIONS
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
PrivateTmp=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(sample)))
	for b.Loop() {
		Parse("/usr/lib/systemd/system/daemon.service", sample)
	}
}
