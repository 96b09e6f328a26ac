package value

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// commandText gives commands in one line: path, quoted arguments, flags.
func commandText(commands []Command) string {
	var texts []string
	for _, c := range commands {
		texts = append(texts, fmt.Sprintf("%s %q %v", c.Path, c.Argv, c.Flags.FlagNames()))
	}
	return strings.Join(texts, "; ")
}

func TestParseCommands(t *testing.T) {
	tests := []struct{ line, want, fault string }{
		{"/bin/a b", `/bin/a ["/bin/a" "b"] []`, ""},
		{"", "", ""},
		{"echo a", `echo ["echo" "a"] []`, ""},
		{"/a;b", `/a;b ["/a;b"] []`, ""},
		{"/a ; /b ;", `/a ["/a"] []; /b ["/b"] []`, ""},
		{`/a \; ";" ; ; /b`, `/a ["/a" ";" ";"] []; /b ["/b"] []`, ""},
		{"-/a ; /b", `/a ["/a"] [ignore-failure]; /b ["/b"] []`, ""},
		{"@-:!!/a x", `/a ["x"] [ignore-failure ambient no-env-expand]`, ""},
		{"!/a", `/a ["/a"] [no-setuid]`, ""},
		{`@/a ""`, `/a [""] []`, ""},
		{"//a/./b", `/a/b ["//a/./b"] []`, ""},
		{`/a \q`, `/a ["/a" "\\q"] []`, ""},
		{"@/a", "", "fatal: @ without an argument for the name of the process"},
		{"-@/a", "", "ignored: @ without an argument for the name of the process"},
		{"/a ; /b/", `/a ["/a"] []`, "fatal: the path of the command is that of a directory"},
		{"-", "", "ignored: empty path of the command"},
		{"+!/a", "", "fatal: the command is neither an absolute path nor a bare name"},
		{`"/a`, "", "ignored: a quote is not closed"},
		{`/a "b`, "", "fatal: a quote is not closed"},
		{`-/a "b`, "", "ignored: a quote is not closed"},
		{"..", "", "fatal: the command is a directory"},
		{`"/a\tb"`, "", "fatal: special characters in the path of the command"},
		{"%x", "", "fatal: command path: bad specifier"},
		{"/a %x", "", `fatal: argument "%x": bad specifier`},
		{"/%% %%", `/% ["/%" "%"] []`, ""},
		{"/" + strings.Repeat("a", 256), "", "fatal: a component of the path of the command is too long"},
		{"/" + strings.Repeat("a/", 2048) + "a", "", "fatal: the path of the command is too long"},
	}
	expand := func(s string) (string, error) {
		if strings.Contains(s, "%x") {
			return "", errors.New("bad specifier")
		}
		return strings.ReplaceAll(s, "%%", "%"), nil
	}
	for _, tt := range tests {
		commands, err := ParseCommands(tt.line, expand)
		fault := ""
		var why *CommandError
		if errors.As(err, &why) {
			fault = "ignored: " + why.Error()
			if why.Fatal {
				fault = "fatal: " + why.Error()
			}
		}
		if got := commandText(commands); got != tt.want || fault != tt.fault {
			t.Errorf("%q:\n got %s, %q\nwant %s, %q", tt.line, got, fault, tt.want, tt.fault)
		}
	}
}

func TestFlagNames(t *testing.T) {
	for flags := range CommandFlags(AmbientMagic << 1) {
		if got, err := ParseFlagNames(flags.FlagNames()); err != nil || got != flags {
			t.Errorf("ParseFlagNames(%v) = %d, %v; want %d", flags.FlagNames(), got, err, flags)
		}
	}
	if _, err := ParseFlagNames([]string{"ignore"}); err == nil {
		t.Error("ParseFlagNames takes a flag that is none")
	}
}

func TestExpandArgs(t *testing.T) {
	env := []string{"ONE=one", `TWO='two two' too\ `, "EMPTY=", "ONE=1"}
	tests := []struct {
		args string
		want []string
	}{
		{"$ONE", []string{"1"}},
		{"a$ONE", []string{"a$ONE"}},
		{"$ONE-b", nil},
		{"${ONE}b", []string{"1b"}},
		{"$TWO", []string{"two two", "too "}},
		{"${TWO}", []string{`'two two' too\ `}},
		{"$EMPTY|${EMPTY}|$NONE|${NONE}", []string{"", ""}},
		{"$|$$|$$ONE|$$$ONE", []string{"$", "$ONE", "$$ONE"}},
		{"a$", []string{"a$"}},
		{"${ONE", []string{"${ONE"}},
		{"${ONE:-x}${ONE}", []string{"${ONE:-x}1"}},
		{"${}", []string{""}},
		{"$${ONE}", []string{"${ONE}"}},
		{"$(x) `y`", nil},
	}
	for _, tt := range tests {
		got := ExpandArgs(strings.Split(tt.args, "|"), func(name string) (string, bool) {
			return LookupEnv(env, name)
		})
		if !slices.Equal(got, tt.want) {
			t.Errorf("ExpandArgs(%s) = %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestParseEnvironment(t *testing.T) {
	assign, faults := ParseEnvironment(`A=1 "B=2 3" 4=x C C=%x D=%%`, func(s string) (string, error) {
		if strings.Contains(s, "%x") {
			return "", errors.New("bad specifier")
		}
		return strings.ReplaceAll(s, "%%", "%"), nil
	})
	if want := []string{"A=1", "B=2 3", "D=%"}; !slices.Equal(assign, want) || len(faults) != 3 {
		t.Errorf("ParseEnvironment: %q, %v; want %q and 3 faults", assign, faults, want)
	}
	assign, faults = ParseEnvironment(`A=1 "B=2`, nil)
	if !slices.Equal(assign, []string{"A=1"}) || len(faults) != 1 {
		t.Errorf("ParseEnvironment of an open quote: %q, %v", assign, faults)
	}
	assign, faults = ParseEnvironment(`"A=\ufffe" B=2`, nil)
	if !slices.Equal(assign, []string{"B=2"}) || len(faults) != 1 {
		t.Errorf("ParseEnvironment of what is no character: %q, %v", assign, faults)
	}
	merged := MergeEnv([]string{"A=1", "B=2"}, []string{"A=3", "C=4"}, nil)
	if want := []string{"A=3", "B=2", "C=4"}; !slices.Equal(merged, want) {
		t.Errorf("MergeEnv: %q, want %q", merged, want)
	}
	if v, ok := LookupEnv(merged, "A"); v != "3" || !ok {
		t.Errorf("LookupEnv(A): %q, %v", v, ok)
	}
	if _, ok := LookupEnv(merged, "D"); ok {
		t.Error("LookupEnv finds what is not there")
	}
}

func TestValidEnv(t *testing.T) {
	for s, want := range map[string]bool{
		"A=1": true, "_a9=": true, "A=\x01\n": true, "A=ä": true, "A": false, "=1": false,
		"9=1": false, "A-B=1": false, "ä=1": false, "A=\xff": false, "A=\x00": false, "": false,
	} {
		if got := ValidEnvAssign(s); got != want {
			t.Errorf("ValidEnvAssign(%q) = %v", s, got)
		}
	}
	if ValidEnvName("") || ValidEnvName("A=") || !ValidEnvName("PATH") {
		t.Error("ValidEnvName is wrong about plain cases")
	}
}

func TestParseEnvFile(t *testing.T) {
	tests := []struct {
		text string
		want []string // nil: refused
	}{
		{"A=1\nB='2'\nA=3\n", []string{"A=3", "B=2"}},
		{"# c\\\nA=1\nB=2\n", []string{"B=2"}},
		{"A=a\\\n  b  \n", []string{"A=a  b"}},
		{"A=\"x\\\ny\\z\\$\"'q'\n", []string{`A=xy\z$q`}},
		{"A=1\r\nB=2", []string{"A=1", "B=2"}},
		{"A=\xff\n", nil},
		{"A=\x00\n", nil},
	}
	for _, tt := range tests {
		got, err := ParseEnvFile([]byte(tt.text))
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("ParseEnvFile(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestSimplifyPath(t *testing.T) {
	for path, want := range map[string]string{
		"": "", "/": "/", "//": "/", "/a//b/./c/": "/a/b/c", "a/": "a", "./a": "a", "./": ".",
		"/..": "/..", "/.": "/",
	} {
		if got := SimplifyPath(path); got != want {
			t.Errorf("SimplifyPath(%q) = %q, want %q", path, got, want)
		}
	}
}

func FuzzCommands(f *testing.F) {
	for _, s := range []string{
		"/bin/a b", "-@!!/a x ; /b", `/a \; "b c" $X ${Y}$$`, "+:/a\tb", `/a "b`, "a/b", "%x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		commands, err := ParseCommands(s, nil)
		for _, c := range commands {
			if c.Path == "" || len(c.Argv) == 0 || c.Path[0] != '/' && strings.Contains(c.Path, "/") {
				t.Errorf("%q: %+v", s, c)
			}
			p := c.Flags & privileges
			if p&(p-1) != 0 {
				t.Errorf("%q: more than one of %v", s, c.Flags.FlagNames())
			}
			ExpandArgs(c.Argv, func(name string) (string, bool) { return name, name != "" })
		}
		var why *CommandError
		if err != nil && !errors.As(err, &why) {
			t.Errorf("%q: %v is no *CommandError", s, err)
		}
	})
}

func FuzzEnvironment(f *testing.F) {
	for _, s := range []string{
		"A=1 B=2", "A='1\nB=2", "#c\\\nA=1", `A="\$\x"`, "A = b \\\n c", "A=\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		assign, _ := ParseEnvironment(s, nil)
		file, _ := ParseEnvFile([]byte(s))
		for _, a := range slices.Concat(assign, file) {
			if !ValidEnvAssign(a) {
				t.Errorf("%q gives %q, not valid", s, a)
			}
		}
		merged := MergeEnv(assign, file)
		for _, a := range merged {
			name, value, _ := strings.Cut(a, "=")
			if v, ok := LookupEnv(merged, name); !ok || v != value {
				t.Errorf("%q: %s is there twice", s, name)
			}
		}
		var quoted []string
		for _, a := range merged {
			name, value, _ := strings.Cut(a, "=")
			quoted = append(quoted, name+"='"+strings.ReplaceAll(value, "'", "")+"'")
		}
		text := strings.Join(quoted, "\n")
		if back, err := ParseEnvFile([]byte(text)); err != nil || len(back) != len(merged) {
			t.Errorf("%q is read as %q, %v", text, back, err)
		}
	})
}

func BenchmarkParseCommands(b *testing.B) {
	for b.Loop() {
		_, _ = ParseCommands(`-/usr/bin/web --listen "0.0.0.0:80" --name=%n $OPTIONS`, nil)
	}
}
