package condition

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rouse/internal/unit"
)

// parse takes "Name=[|][!]param" apart.
func parse(line string) unit.Condition {
	name, param, _ := strings.Cut(line, "=")
	c := unit.Condition{Name: name}
	param, c.Trigger = strings.CutPrefix(param, "|")
	c.Param, c.Negate = strings.CutPrefix(param, "!")
	// A negation before an operator of its own, as in CPUs=!=2, is none.
	if c.Negate && strings.HasPrefix(c.Param, "=") {
		c.Param, c.Negate = param, false
	}
	return c
}

// The outcomes are those of systemd itself, on this machine.
func TestOracle(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	text, err := os.ReadFile("testdata/oracle.txt")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ROUSE_TEST", "a b")
	probe := exec.Command(analyze, "condition", "ConditionPathExists=/")
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("systemd-analyze: %v: %s", err, out)
	}
	expand := oracleWorld(t)
	env := &Env{Environment: os.Environ()}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		line = os.Expand(line, expand)
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(analyze, "condition", "Condition"+line).CombinedOutput()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Skip(err)
			}
			if strings.HasSuffix(line, "=") {
				return // an empty parameter resets the list there
			}
			got, gotErr := Test(parse(line), env)
			if got != (err == nil) {
				t.Errorf("%v, %v, want %v: %s", got, gotErr, err == nil, out)
			}
			if undetermined := strings.Contains(string(out), "determine"); undetermined != (gotErr != nil) {
				t.Errorf("error %v, want one: %v", gotErr, undetermined)
			}
		})
	}
}

// oracleWorld makes the directory of the script and gives its variables.
func oracleWorld(t *testing.T) func(string) string {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"empty", "hidden", "backup"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"hidden/.x", "backup/x~", "zero"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	id, _ := os.ReadFile("/etc/machine-id")
	return func(name string) string {
		switch name {
		case "T":
			return dir
		case "HOST":
			return host
		case "ID":
			return strings.TrimSpace(string(id))
		case "UPPERID":
			return strings.ToUpper(strings.TrimSpace(string(id)))
		case "WORD":
			text, _ := os.ReadFile("/proc/cmdline")
			if f := strings.Fields(string(text)); len(f) > 0 {
				return f[0]
			}
		}
		return ""
	}
}

// Every condition of the oracle's script is known, and all known ones are in it.
func TestScriptIsComplete(t *testing.T) {
	text, err := os.ReadFile("testdata/oracle.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name := range tests {
		if !strings.Contains(string(text), "\n"+name+"=") {
			t.Errorf("no case of %s", name)
		}
	}
	if _, err := Test(unit.Condition{Name: "Nonsense"}, nil); err == nil {
		t.Error("an unknown condition was tested")
	}
}

func TestAll(t *testing.T) {
	const yes, no, bad = "PathExists=/", "PathExists=/nonexist", "Memory=junk"
	for _, c := range []struct {
		lines  string
		ok     bool
		tested int
	}{
		{"", true, 0},
		{yes, true, 1},
		{yes + "\n" + no + "\n" + yes, false, 2},
		{bad, false, 1},
		{"PathExists=|/\nPathExists=|/nonexist", true, 2},
		{"PathExists=|/nonexist\nPathExists=|/nonexist", false, 2},
		{"PathExists=|/nonexist\n" + yes, false, 2},
		{"PathExists=|!/nonexist\n" + yes, true, 2},
		{"PathExists=|/\n" + no, false, 2},
	} {
		var list []unit.Condition
		for line := range strings.SplitSeq(c.lines, "\n") {
			if line != "" {
				list = append(list, parse(line))
			}
		}
		ok, results := All(list, nil)
		if ok != c.ok || len(results) != c.tested {
			t.Errorf("%q: %v, %d tested", c.lines, ok, len(results))
		}
	}
}

func TestReadPressure(t *testing.T) {
	const text = "some avg10=1.50 avg60=2.00 avg300=3.25 total=1\n" +
		"full avg10=0.50 avg60=0.10 avg300=0.00 total=2\n"
	for _, c := range []struct {
		text, kind, average string
		want                float64
		ok                  bool
	}{
		{text, "full", "avg10=", 0.5, true},
		{text, "some", "avg300=", 3.25, true},
		{"some avg10=1.50 avg60=2.00 avg300=3.25 total=1\n", "full", "avg60=", 2, true},
		{"", "full", "avg60=", 0, false},
		{"full avg60=x\n", "full", "avg60=", 0, false},
	} {
		got, err := readPressure(c.text, c.kind, c.average)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("readPressure(%q, %s, %s) = %v, %v", c.text, c.kind, c.average, got, err)
		}
	}
}

func FuzzTest(f *testing.F) {
	f.Add("KernelVersion", ">= 5 <7")
	f.Add("OSRelease", `ID="debian"`)
	f.Add("PathExistsGlob", "/{a,b{c,d}}[!x]*")
	f.Add("Firmware", "smbios-field(a >= 5)")
	f.Add("MemoryPressure", "a-b.slice:10%/1min")
	f.Add("Host", "[[:alpha:]]*")
	f.Add("Capability", "99")
	f.Fuzz(func(t *testing.T, name, param string) {
		got, err := Test(unit.Condition{Name: name, Param: param}, nil)
		if err != nil && got {
			t.Error("met, and with an error")
		}
	})
}
