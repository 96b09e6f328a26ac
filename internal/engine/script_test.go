package engine

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rouse/internal/graph"
	"rouse/internal/graph/transaction"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/value"
)

var update = flag.Bool("update", false, "rewrite the expected output of scripts")

// TestScript runs testdata/*.txt: units, then commands at the margin with the
// expected output indented. go test -run Script/NAME -update rewrites the output.
func TestScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text), false)
			if got == string(text) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s differs:\n%s", file, diff(string(text), got))
		})
	}
}

// TestScriptSaved runs the scripts with a save and a restore after every event,
// which must change nothing.
func TestScriptSaved(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := runScript(t, string(text), true); got != string(text) {
				t.Errorf("%s differs:\n%s", file, diff(string(text), got))
			}
		})
	}
}

// runScript carries out a script and returns it with the output it really has.
// With shy, the engine is saved and restored after every event.
func runScript(t *testing.T, text string, shy bool) string {
	files := fstest.MapFS{"etc/systemd/system": {Mode: fs.ModeDir | 0o755, ModTime: time.Unix(1, 0)}}
	var out strings.Builder
	lines := strings.Split(text, "\n")
	i, file := 0, ""
	for ; i < len(lines); i++ {
		l := lines[i]
		out.WriteString(l + "\n")
		if n, ok := strings.CutPrefix(l, "-- "); ok {
			file = strings.TrimSuffix(n, " --")
			if file == "script" {
				i++
				break
			}
			path := "etc/systemd/system/" + file
			if strings.HasPrefix(file, "/") {
				path = file[1:]
			}
			file = path
			files[file] = &fstest.MapFile{Mode: 0o644}
		} else if file != "" {
			files[file].Data = append(files[file].Data, l+"\n"...)
		}
	}
	w := newScriptWorld(t, files)
	w.shy = shy
	for ; i < len(lines); i++ {
		l := lines[i]
		switch {
		case strings.HasPrefix(l, "\t"):
		case l == "" || l[0] == '#':
			if l != "" || i < len(lines)-1 {
				out.WriteString(l + "\n")
			}
		default:
			out.WriteString(l + "\n")
			for _, o := range w.command(strings.Fields(l)) {
				out.WriteString("\t" + o + "\n")
			}
		}
	}
	return out.String()
}

func diff(want, got string) string {
	var b strings.Builder
	x, y := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := 0; i < max(len(x), len(y)); i++ {
		switch {
		case i >= len(x):
			fmt.Fprintf(&b, "+%s\n", y[i])
		case i >= len(y):
			fmt.Fprintf(&b, "-%s\n", x[i])
		case x[i] != y[i]:
			fmt.Fprintf(&b, "-%s\n+%s\n", x[i], y[i])
		}
	}
	return b.String()
}

// scriptWorld is a host that does only what the script says.
type scriptWorld struct {
	t      *testing.T
	e      *Engine
	loader *load.Loader
	files  fstest.MapFS
	writes int64
	now    value.Instant
	waits  map[string][]Spawn // by unit, spawns without outcome
	finds  map[string]Op
	tests  map[string]TestConditions
	listen map[string]Op
	mounts map[string]Op
	paths  map[string]Op
	stamps map[string]Op
	holds  map[string]Op // of attach, clean-up and freeze
	last   map[string]Op // latest spawn carried out
	show   map[string]bool
	req    uint64
	shy    bool
}

func newScriptWorld(t *testing.T, files fstest.MapFS) *scriptWorld {
	return &scriptWorld{
		t: t, e: New(Config{Seed: 1, Strict: true, Started: 1e6, CanWake: true}),
		now:    value.Instant{Mono: 1e6, Real: 1e15},
		loader: newScriptLoader(files), files: files, writes: 1,
		waits: map[string][]Spawn{}, finds: map[string]Op{}, tests: map[string]TestConditions{},
		listen: map[string]Op{}, mounts: map[string]Op{}, paths: map[string]Op{},
		stamps: map[string]Op{}, holds: map[string]Op{}, last: map[string]Op{}, show: map[string]bool{},
	}
}

func newScriptLoader(files fstest.MapFS) *load.Loader {
	return load.New(load.Config{
		FS: files, Path: []string{"/etc/systemd/system"}, Complete: complete,
	})
}

// complete adds the implicit dependencies, and leaves out the default ones.
func complete(u *unit.Unit, hasFile func(string) bool) {
	u.DefaultDependencies = false
	graph.Ground{}.Complete(u, hasFile)
}

func (w *scriptWorld) load(names ...string) []string {
	units := w.loader.Closure(names, func(n string) bool { return w.e.unit(n) != nil })
	return w.step(Loaded{Units: units})
}

// scriptCommand gives what it prints.
type scriptCommand func(w *scriptWorld, args []string) []string

// scriptCommands are what scripts can say; there are others in otherCommands.
var scriptCommands = map[string]scriptCommand{
	"load":    func(w *scriptWorld, args []string) []string { return w.load(args...) },
	"show":    showEffects,
	"advance": advanceTime,
	"spawned": spawnedCommand, "spawn-fails": spawnFailsCommand,
	"exit": exitCommand, "dump": dumpCommand,
	"kill": killCommand, "pin": pinCommand, "unpin": pinCommand,
	"write": writeCommand, "remove": removeCommand, "reload-files": reloadFilesCommand,
	"property": propertyCommand,
	"empty": func(w *scriptWorld, a []string) []string {
		return w.step(Emptied{Unit: a[0], After: w.last[a[0]]})
	},
	"main":    mainCommand,
	"notify":  notifyCommand,
	"hung-up": hungUpCommand,
	"trigger": triggerCommand,
	"oom":     func(w *scriptWorld, a []string) []string { return w.step(OOMKilled{Unit: a[0]}) },
	"tested":  testedCommand,
	"listens": listensCommand,
	"owned": func(w *scriptWorld, a []string) []string {
		pid, _ := strconv.Atoi(a[2])
		return w.step(NameOwned{Unit: a[0], Name: a[1], PID: pid})
	},
	"incoming": func(w *scriptWorld, a []string) []string { return w.step(Incoming{Unit: a[0]}) },
	"connect": func(w *scriptWorld, a []string) []string {
		n, _ := strconv.Atoi(a[1])
		source := "127.0.0.1"
		if len(a) > 3 {
			source = a[3]
		}
		return w.step(Connected{Unit: a[0], Conn: Handle(n), Instance: a[2], Source: source})
	},
	"cancel": func(w *scriptWorld, a []string) []string {
		n, _ := strconv.Atoi(a[0])
		return w.step(JobCancelled{ID: uint32(n)})
	},
	"reset-failed": func(w *scriptWorld, a []string) []string {
		return w.step(ResetFailed{Unit: a[0]})
	},
	"shutdown": func(w *scriptWorld, a []string) []string {
		return w.step(ShutdownRequested{Target: a[0]})
	},
	"why":    whyCommand,
	"states": statesCommand,
	"save":   saveCommand,
}

// wrong is what a command says that makes no sense here.
type wrong string

func (w *scriptWorld) command(f []string) (out []string) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case wrong:
			out = []string{"? " + string(p)}
		default:
			panic(p)
		}
	}()
	for _, commands := range []map[string]scriptCommand{
		scriptCommands, otherCommands, holdCommands, reexecCommands,
	} {
		if run := commands[f[0]]; run != nil {
			return run(w, f[1:])
		}
	}
	t, ok := transaction.ParseJobType(f[0])
	if !ok || len(f) < 2 {
		w.t.Fatalf("unknown command %q", f)
	}
	var mode unit.JobMode
	if len(f) > 2 {
		if mode, ok = unit.ParseJobMode(f[2]); !ok {
			w.t.Fatalf("no job mode %q", f[2])
		}
	}
	if w.e.unit(f[1]) == nil {
		out = w.load(f[1])
	}
	w.req++
	ev := JobRequested{Req: w.req, Unit: f[1], Type: t, Mode: mode, Why: "script"}
	return append(out, w.step(ev)...)
}

func (w *scriptWorld) step(ev Event) []string {
	var out []string
	for _, fx := range w.e.Step(w.now, ev) {
		if s := w.effect(fx); s != "" {
			out = append(out, s)
		}
	}
	if w.shy {
		saveCommand(w, nil)
	}
	return out
}

// effect takes note of an effect and puts it in words; "" for what is not shown.
func (w *scriptWorld) effect(fx Effect) string {
	switch fx := fx.(type) {
	case Spawn:
		return w.spawn(fx)
	case Kill:
		return killWords(fx)
	case FindMain:
		w.finds[fx.Unit] = fx.Op
		return fmt.Sprintf("> find main of %s %s wait=%v", fx.Unit, fx.PIDFile, fx.Wait)
	case WatchName:
		return fmt.Sprintf("> watch name %s off=%v", fx.Name, fx.Off)
	case TestConditions:
		w.tests[fx.Unit.Name] = fx
		return "> test conditions of " + fx.Unit.Name
	case Listen:
		w.listen[fx.Unit.Name] = fx.Op
		return "> listen " + fx.Unit.Name
	case Attach, RequestStop, CleanUp, Freeze, Answered:
		return w.holdEffect(fx)
	case PrepareMount, ReadStamp, WriteStamp, SetAlarm, CheckPaths, UnwatchPaths:
		return w.otherEffect(fx)
	case Watch:
		return "> watch " + fx.Unit
	case Unwatch:
		return "> unwatch " + fx.Unit
	case CloseSockets:
		return fmt.Sprintf("> close sockets of %s flush=%v", fx.Unit.Name, fx.Flush)
	case CloseConn:
		return fmt.Sprintf("> close connection %d", fx.Conn)
	case KeepFD:
		return fmt.Sprintf("> keep descriptor %d of %s poll=%v", fx.FD, fx.Unit, fx.Poll)
	case CloseFDs:
		return fmt.Sprintf("> close descriptors %v", fx.FDs)
	case Clean:
		if fx.Restart {
			return "> clean " + fx.Unit.Name + " (restarts)"
		}
		return "> clean " + fx.Unit.Name
	case Load:
		lines := append([]string{"> load " + strings.Join(fx.Names, " ")}, w.load(fx.Names...)...)
		return strings.Join(lines, "\n\t")
	case Changed:
		return fx.Unit + " is " + fx.Active + "/" + fx.Sub
	case UnitGone:
		return fx.Unit + " gone"
	case JobNew:
		return fmt.Sprintf("job %d %s/%s", fx.ID, fx.Unit, fx.Type)
	case JobDone:
		return fmt.Sprintf("job %d %s/%s %s", fx.ID, fx.Unit, fx.Type, fx.Result)
	case Replied:
		if fx.Err != nil {
			return "error " + fx.Err.Name + ": " + fx.Err.Message
		}
		return ""
	case Log:
		if fx.Level > Warning && !w.show["log"] {
			return ""
		}
		return "log " + strings.TrimSpace(fx.Unit+" "+fx.Text)
	case Act:
		s := fmt.Sprintf("> %s status=%d for %s", fx.Action, fx.Status, fx.Unit)
		if fx.Argument != "" {
			s += " argument=" + fx.Argument
		}
		return s
	case Idle:
		return "idle"
	}
	return fmt.Sprintf("? %s", reflect.TypeOf(fx))
}

// spawn takes note of a spawn; its outcome is up to the script.
func (w *scriptWorld) spawn(fx Spawn) string {
	w.waits[fx.Unit.Name] = append(w.waits[fx.Unit.Name], fx)
	s := "> spawn " + fx.Unit.Name + " " + fx.Kind + "=" + strings.Join(fx.Command.Argv, " ")
	for _, e := range fx.Env {
		if strings.HasPrefix(e, "MONITOR_INVOCATION_ID=") {
			e = "MONITOR_INVOCATION_ID=…" // a random number
		}
		s += " " + e
	}
	if len(fx.Sockets) > 0 {
		s += " sockets=" + strings.Join(fx.Sockets, ",")
	}
	if fx.Conn != 0 {
		s += fmt.Sprintf(" conn=%d", fx.Conn)
	}
	for _, f := range fx.Stored {
		s += fmt.Sprintf(" stored=%d:%s", f.FD, f.Name)
	}
	return s
}

func killWords(fx Kill) string {
	s := fmt.Sprintf("> kill %s main=%d control=%d %s", fx.Unit, fx.Main, fx.Control, fx.Signal)
	if fx.Group {
		s += " group"
	}
	if fx.Hangup {
		s += " hangup"
	}
	return s
}

func showEffects(w *scriptWorld, args []string) []string { w.show[args[0]] = true; return nil }

func advanceTime(w *scriptWorld, args []string) []string {
	by, err := value.ParseSpan(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	end := w.now.Mono + uint64(by)
	for {
		at, ok := w.e.NextWake()
		if !ok || at > end {
			break
		}
		if at > w.now.Mono {
			w.now.Real += at - w.now.Mono
			w.now.Mono = at
		}
		out = append(out, w.step(Tick{})...)
	}
	w.now.Real += end - w.now.Mono
	w.now.Mono = end
	return out
}

// next takes the oldest spawn of the unit that has no outcome.
func (w *scriptWorld) next(unit string) Spawn {
	list := w.waits[unit]
	if len(list) == 0 {
		panic(wrong("no spawn of " + unit + " under way"))
	}
	w.waits[unit] = list[1:]
	w.last[unit] = list[0].Op
	return list[0]
}

// spawnedCommand: spawned UNIT PID [PROBLEM…]
func spawnedCommand(w *scriptWorld, a []string) []string {
	pid, _ := strconv.Atoi(a[1])
	return w.step(Spawned{Op: w.next(a[0]).Op, PID: pid, Problem: strings.Join(a[2:], " ")})
}

func spawnFailsCommand(w *scriptWorld, a []string) []string {
	return w.step(SpawnFailed{Op: w.next(a[0]).Op, Why: strings.Join(a[1:], " ")})
}

// dumpCommand: dump PID SIGNAL [last]
func dumpCommand(w *scriptWorld, a []string) []string {
	pid, _ := strconv.Atoi(a[0])
	n, _ := strconv.Atoi(a[1])
	return w.step(Reaped{PID: pid, Code: ByDump, Status: n, Last: len(a) > 2})
}

// killCommand: kill UNIT main|control|all SIGNAL
func killCommand(w *scriptWorld, a []string) []string {
	sig, err := value.ParseSignal(a[2])
	if err != nil {
		w.t.Fatal(err)
	}
	return w.step(KillRequested{Unit: a[0], Who: a[1], Signal: sig})
}

// pinCommand: pin UNIT, unpin UNIT
func pinCommand(w *scriptWorld, a []string) []string {
	on := w.e.unit(a[0]) == nil || !w.e.unit(a[0]).pinned
	var out []string
	if w.e.unit(a[0]) == nil {
		out = w.load(a[0])
	}
	return append(out, w.step(Pinned{Unit: a[0], On: on})...)
}

// writeCommand: write FILE LINE… replaces a unit file; ; begins the next line.
func writeCommand(w *scriptWorld, a []string) []string {
	text := strings.ReplaceAll(strings.Join(a[1:], " "), " ; ", "\n") + "\n"
	w.writes++
	w.files["etc/systemd/system/"+a[0]] = &fstest.MapFile{
		Data: []byte(text), Mode: 0o644, ModTime: time.Unix(w.writes, 0),
	}
	return nil
}

// removeCommand: remove FILE
func removeCommand(w *scriptWorld, a []string) []string {
	delete(w.files, "etc/systemd/system/"+a[0])
	return nil
}

// reloadFilesCommand reads the files of all units again, as daemon-reload does.
func reloadFilesCommand(w *scriptWorld, _ []string) []string {
	w.loader = newScriptLoader(w.files)
	var names []string
	for _, n := range w.e.g.Nodes() {
		names = append(names, n.Name)
	}
	units := w.loader.Closure(names, func(string) bool { return false })
	return w.step(Loaded{Units: units, Reload: true})
}

// propertyCommand: property UNIT NAME…
func propertyCommand(w *scriptWorld, a []string) []string {
	var out []string
	for _, p := range w.e.Properties(a[0]) {
		if slices.Contains(a[1:], p.Name) {
			out = append(out, fmt.Sprintf("%s=%v", p.Name, p.Value))
		}
	}
	return out
}

// exitCommand: exit PID STATUS [last]; a negative status is a signal.
func exitCommand(w *scriptWorld, a []string) []string {
	pid, _ := strconv.Atoi(a[0])
	n := 0
	if len(a) > 1 {
		n, _ = strconv.Atoi(a[1])
	}
	code := ByExit
	if n < 0 {
		code, n = BySignal, -n
	}
	return w.step(Reaped{PID: pid, Code: code, Status: n, Last: len(a) > 2 && a[2] == "last"})
}

func mainCommand(w *scriptWorld, a []string) []string {
	pid, _ := strconv.Atoi(a[1])
	return w.step(MainFound{Op: w.finds[a[0]], PID: pid, Why: strings.Join(a[2:], " ")})
}

// notifyCommand: notify UNIT PID FIELD… [foreign|root|unfit] [fds N…]; a foreign
// MAINPID= is not of the unit, root may name it all the same, an unfit one is no process.
func notifyCommand(w *scriptWorld, a []string) []string {
	pid, _ := strconv.Atoi(a[1])
	ev := Notified{Unit: a[0], PID: pid, Ours: true}
	if i := slices.Index(a, "fds"); i > 0 {
		for _, n := range a[i+1:] {
			fd, _ := strconv.Atoi(n)
			ev.FDs = append(ev.FDs, Handle(fd))
		}
		a = a[:i]
	}
	switch a[len(a)-1] {
	case "foreign":
		ev.Ours, a = false, a[:len(a)-1]
	case "root":
		ev.Ours, ev.Trusted, a = false, true, a[:len(a)-1]
	case "unfit":
		ev.Unfit, a = "does not exist", a[:len(a)-1]
	}
	ev.Fields = a[2:]
	return w.step(ev)
}

// triggerCommand: trigger UNIT BY [path PATH | time REAL MONOTONIC], as units that
// activate others do it.
func triggerCommand(w *scriptWorld, a []string) []string {
	what := Trigger{Unit: a[1]}
	switch {
	case len(a) > 3 && a[2] == "path":
		what.Path = a[3]
	case len(a) > 4 && a[2] == "time":
		what.Time.Real, _ = strconv.ParseUint(a[3], 10, 64)
		what.Time.Mono, _ = strconv.ParseUint(a[4], 10, 64)
	}
	w.e.activate(w.e.unit(a[0]), &Cause{What: "triggered by " + a[1]}, what)
	return w.step(Tick{})
}

// hungUpCommand: hung-up UNIT N
func hungUpCommand(w *scriptWorld, a []string) []string {
	fd, _ := strconv.Atoi(a[1])
	return w.step(HungUp{Unit: a[0], FD: Handle(fd)})
}

// testedCommand: tested UNIT yes|no… (conditions, then asserts)
func testedCommand(w *scriptWorld, a []string) []string {
	fx, ok := w.tests[a[0]]
	if !ok {
		panic(wrong("no test of " + a[0] + " under way"))
	}
	ev := ConditionsTested{Op: fx.Op}
	for i, word := range a[1:] {
		if i < len(fx.Unit.Conditions) {
			ev.Conditions = append(ev.Conditions, word == "yes")
		} else {
			ev.Asserts = append(ev.Asserts, word == "yes")
		}
	}
	return w.step(ev)
}

func listensCommand(w *scriptWorld, a []string) []string {
	return w.step(Listening{Op: w.listen[a[0]], Why: strings.Join(a[1:], " ")})
}

func whyCommand(w *scriptWorld, a []string) []string {
	var out []string
	for _, c := range w.e.Why(a[0]) {
		out = append(out, strings.TrimSuffix(c.Unit+": "+c.What+": "+c.Why, ": "))
	}
	return out
}

func statesCommand(w *scriptWorld, _ []string) []string {
	var out []string
	for _, n := range w.e.g.Nodes() {
		u := w.e.at(n)
		s := n.Name + " " + u.active().String() + "/" + u.subWord()
		if u.job != nil {
			s += " job " + u.job.t.String()
		}
		out = append(out, s)
	}
	return out
}

// saveCommand saves the state and goes on with a restored engine.
func saveCommand(w *scriptWorld, _ []string) []string {
	saved, err := w.e.Save()
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := Restore(saved, w.e.Definitions(), w.e.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	again, err := e.Save()
	if err != nil || !bytes.Equal(saved, again) {
		w.t.Fatalf("a restored engine saves another state (%v)", err)
	}
	w.e = e
	return nil
}
