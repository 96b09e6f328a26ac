package client

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/rpc"
	"rouse/internal/face/rpc/fake"
	"rouse/internal/unit/specifier"
	"rouse/internal/unit/value"
)

var update = flag.Bool("update", false, "write what the scripts print as what is expected")

// world is what a script sets up: a manager on a socket, files, and a time.
type world struct {
	t      *testing.T
	m      *fake.Manager
	socket string
	files  fstest.MapFS
	real   uint64
	mono   uint64
	env    map[string]string
	ran    []string // other programs
	tty    int      // width of the terminal; 0: none
}

// newWorld starts a server of its own for one test.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "rouse") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{t: t, m: fake.New(), socket: filepath.Join(dir, "control"), files: fstest.MapFS{},
		real: 1795385400000000, mono: 2500000000,
		env: map[string]string{"SYSTEMD_UTF8": "1"}}
	w.m.About = face.Info{Version: "1.0", Mode: "system", SystemState: "running", Units: 7,
		Cgroups: "v2", CgroupRoot: "/", UnitPath: []string{"/etc/systemd/system"},
		Environment: []string{"LANG=C.UTF-8", "A=b c", "Q=it's"},
		Since:       value.Instant{Real: 1795384447000000, Mono: 1582603427}}
	l, err := rpc.Listen(w.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&rpc.Server{Manager: w.m}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return w
}

// use adds units from testdata/units.
func (w *world) use(names ...string) {
	w.t.Helper()
	for _, n := range names {
		f, err := os.Open(filepath.Join("testdata", "units", n+".props"))
		if err != nil {
			w.t.Fatal(err)
		}
		u, err := fake.Read(f)
		f.Close()
		if err != nil {
			w.t.Fatalf("%s: %v", n, err)
		}
		w.m.Add(u)
	}
}

// run runs the command and gives what it prints and its exit status.
func (w *world) run(args ...string) (stdout, stderr string, status int) {
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	status = Run(ctx, Env{
		Args: args, Stdout: &out, Stderr: &errs,
		Getenv: func(n string) string { return w.env[n] },
		Dial: func(ctx context.Context, user bool, socket string) (face.Manager, error) {
			if socket == "" {
				socket = w.socket
			}
			return rpc.Dial(ctx, socket)
		},
		Environ: func() []string {
			list := []string{"1=bad"}
			for _, k := range slices.Sorted(maps.Keys(w.env)) {
				list = append(list, k+"="+w.env[k])
			}
			return list
		},
		Root:  func(string) fs.ReadLinkFS { return w.files },
		Facts: func(string) *specifier.Machine { return &specifier.Machine{} },
		Exec:  w.exec,
		LogControl: func(_ bool, name, property, to string) (string, error) {
			if to == "nowhere" {
				return "", errors.New("Invalid log target 'nowhere'")
			}
			return map[string]string{"LogLevel": "info", "LogTarget": "auto"}[property], nil
		},
		Now:       func() time.Time { return time.UnixMicro(int64(w.real)) },
		Monotonic: func() uint64 { return w.mono },
		Local:     time.UTC,
		ErrorText: func(n int) string {
			return map[int]string{2: "No such file or directory"}[n]
		},
		Terminal: w.tty > 0, Width: w.tty,
		Version: "1.0",
	})
	return out.String(), errs.String(), status
}

// exec stands for another program: it is only told.
func (w *world) exec(argv []string) (int, error) {
	w.ran = append(w.ran, strings.Join(argv, " "))
	return 0, nil
}

// command carries out one line of a script that is not a run of the command.
func (w *world) command(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "units":
		w.use(strings.Fields(rest)...)
	case "now":
		_, err := fmt.Sscan(rest, &w.real, &w.mono)
		return err
	case "tty":
		_, err := fmt.Sscan(rest, &w.tty)
		return err
	case "env":
		k, v, _ := strings.Cut(rest, "=")
		w.env[k] = v
	case "state":
		w.m.About.SystemState = rest
	case "unit": // unit NAME LOAD ACTIVE SUB [JOB TYPE]
		var u fake.Unit
		u.Name = "?"
		n, err := fmt.Sscan(rest, &u.Name, &u.Load, &u.Active, &u.Sub, &u.JobID, &u.JobType)
		if n < 4 {
			return err
		}
		u.Description = "The " + u.Name
		w.m.Add(&u)
	case "property": // property UNIT NAME SIGNATURE JSON
		f := strings.SplitN(rest, " ", 4)
		p, err := rpc.DecodeProperty(f[1], f[2], []byte(f[3]))
		if err != nil {
			return err
		}
		w.m.SetProperty(f[0], p)
	case "own": // own NAME SIGNATURE JSON: a property of the manager
		f := strings.SplitN(rest, " ", 3)
		p, err := rpc.DecodeProperty(f[0], f[1], []byte(f[2]))
		if err != nil {
			return err
		}
		w.m.Own = append(w.m.Own, p)
	case "job":
		var j face.JobInfo
		if _, err := fmt.Sscan(rest, &j.ID, &j.Unit, &j.Type, &j.State); err != nil {
			return err
		}
		w.m.Queue = append(w.m.Queue, j)
	case "result": // result TYPE UNIT RESULT
		f := strings.Fields(rest)
		w.m.Results[f[0]+" "+f[1]] = f[2]
	case "ends": // ends UNIT ACTIVE
		f := strings.Fields(rest)
		w.m.Ends[f[0]] = f[1]
	case "error": // error TYPE UNIT NAME MESSAGE
		f := strings.SplitN(rest, " ", 4)
		w.m.Errors[f[0]+" "+f[1]] = &face.Error{Name: f[2], Message: f[3]}
	case "change": // change TYPE PATH [SOURCE]: what a change of unit files does
		f := append(strings.Fields(rest), "")
		w.m.Files.Changes = append(w.m.Files.Changes,
			face.FileChange{Type: f[0], Path: f[1], Source: f[2]})
	case "install-info":
		w.m.Files.HasInstallInfo = rest == "yes"
	case "plan", "cause":
		return w.explain(word, rest)
	case "link":
		f := strings.Fields(rest)
		w.file(f[0], 0o777|fs.ModeSymlink).Data = []byte(f[1])
	default:
		return fmt.Errorf("unknown command %q", word)
	}
	return nil
}

// file makes a file, and the directories above it with a time like real ones.
func (w *world) file(name string, mode fs.FileMode) *fstest.MapFile {
	f := &fstest.MapFile{Mode: mode}
	w.files[inFS(name)] = f
	for dir := filepath.Dir(inFS(name)); dir != "."; dir = filepath.Dir(dir) {
		w.files[dir] = &fstest.MapFile{Mode: 0o755 | fs.ModeDir, ModTime: time.Unix(1, 0)}
	}
	return f
}

// explain adds to what the manager plans or has recorded.
func (w *world) explain(word, rest string) error {
	f, err := value.Words(rest, value.Unquote)
	if err != nil {
		return err
	}
	if word == "plan" { // plan TYPE UNIT "BECAUSE" "EFFECT" [AFTER…]
		w.m.Planned = append(w.m.Planned, face.PlannedJob{Type: f[0], Unit: f[1], Because: f[2],
			Effect: f[3], After: f[4:]})
		return nil
	}
	c := face.Cause{Unit: f[1], What: f[2], Why: f[3]} // cause REAL UNIT "WHAT" "WHY"
	w.m.Causes = append(w.m.Causes, c)
	_, err = fmt.Sscan(f[0], &w.m.Causes[len(w.m.Causes)-1].At.Real)
	return err
}

// TestScripts runs testdata/*.txt: commands at the margin, what they print
// indented by a tab, lines of standard error after "err: ", the exit status last
// if it is not 0. Files stand first, each after a line "-- PATH --"; the script
// follows after "-- script --".
func TestScripts(t *testing.T) {
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
			got := runScript(t, string(text))
			if *update {
				if err := os.WriteFile(p, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s: differs (go test -update accepts it):\n%s", p,
					firstDifference(string(text), got))
			}
		})
	}
}

// runScript carries a script out and gives it as it would have to be.
func runScript(t *testing.T, text string) string {
	w := newWorld(t)
	var b strings.Builder
	file, inScript := "", !strings.Contains(text, "-- script --\n")
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		marker := strings.HasPrefix(bare, "-- ") && strings.HasSuffix(bare, " --")
		switch {
		case bare == "-- script --":
			inScript = true
		case !inScript && marker:
			file = inFS(strings.TrimSuffix(strings.TrimPrefix(bare, "-- "), " --"))
			w.file(file, 0o644)
		case !inScript && file != "":
			w.files[file].Data = append(w.files[file].Data, line...)
		case inScript && strings.HasPrefix(line, "\t"):
			continue // what was expected
		}
		b.WriteString(line)
		if !inScript || marker || bare == "" || bare[0] == '#' {
			continue
		}
		args, err := value.Words(bare, value.Unquote)
		if err != nil || len(args) == 0 {
			t.Fatalf("%q: %v", bare, err)
		}
		switch args[0] {
		case "rouse", "systemctl":
			b.WriteString(indented(w.run(args...)))
		case "calls":
			for _, c := range w.m.Calls() {
				b.WriteString("\t" + c + "\n")
			}
		default:
			if err := w.command(bare); err != nil {
				t.Fatalf("%q: %v", bare, err)
			}
		}
	}
	return b.String()
}

// indented gives the outcome of a run as scripts have it.
func indented(stdout, stderr string, status int) string {
	var b strings.Builder
	for line := range strings.Lines(stdout) {
		if line == "\n" {
			b.WriteString("\t\n")
		} else {
			b.WriteString("\t" + line)
		}
	}
	for line := range strings.Lines(stderr) {
		b.WriteString("\terr: " + line)
	}
	if status != 0 {
		fmt.Fprintf(&b, "\texit %d\n", status)
	}
	return b.String()
}

// firstDifference shows where two texts begin to differ.
func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var x, y string
		if i < len(w) {
			x = w[i]
		}
		if i < len(g) {
			y = g[i]
		}
		if x != y {
			return fmt.Sprintf("line %d:\n- %s\n+ %s", i+1, x, y)
		}
	}
	return ""
}

// TestVerbs checks what the table of verbs and that of jobs say of each other, and
// that every verb is shown in the help or is an older name.
func TestVerbs(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range verbs() {
		if seen[v.name] {
			t.Errorf("%s: twice", v.name)
		}
		seen[v.name] = true
		if v.max >= 0 && v.min > v.max {
			t.Errorf("%s: from %d to %d arguments", v.name, v.min, v.max)
		}
	}
	for word, j := range jobVerbs {
		v := verbNamed(word)
		if v == nil {
			t.Errorf("%s: a job but no verb", word)
			continue
		}
		if (j.unit != "") != (v.max == 0) {
			t.Errorf("%s: the unit is %q and it takes %d arguments", word, j.unit, v.max)
		}
	}
}

// BenchmarkShow is what show costs beside the manager and the start of the process.
func BenchmarkShow(b *testing.B) {
	f, err := os.Open("testdata/units/zoo.service.props")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	u, err := fake.Read(f)
	if err != nil {
		b.Fatal(err)
	}
	a := &app{Env: Env{Local: time.UTC}}
	for b.Loop() {
		var out strings.Builder
		a.showProperties(&out, u.Properties, "service")
	}
}
