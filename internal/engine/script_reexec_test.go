package engine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// reexecCommands are about one program going on where another has left.
var reexecCommands = map[string]scriptCommand{"reexec": reexecCommand, "adopt": adoptCommand}

// reexecCommand goes on with a restored engine, as another program does: the files are
// read anew, and the host is told what to do again. With two words, the first is the
// other in the state that it reads. With one word, that is a file with the state as an
// earlier version has written it; where there is no such file, this one's is kept there.
func reexecCommand(w *scriptWorld, args []string) []string {
	saved, err := w.e.Save()
	if err != nil {
		w.t.Fatal(err)
	}
	if len(args) == 2 {
		saved = []byte(strings.ReplaceAll(string(saved), args[0], args[1]))
	}
	if len(args) == 1 {
		saved = kept(w, filepath.Join("testdata", args[0]), saved)
	}
	var names []string
	for _, u := range w.e.Units() {
		names = append(names, u.Name)
	}
	w.loader = newScriptLoader(w.files)
	e, err := Restore(saved, w.loader.Closure(names, nil), w.e.cfg)
	if err != nil {
		return []string{"? " + err.Error()}
	}
	w.e = e
	var out []string
	for _, fx := range e.Resume() {
		if s := w.effect(fx); s != "" {
			out = append(out, s)
		}
	}
	return append(out, w.step(Tick{})...)
}

func kept(w *scriptWorld, file string, saved []byte) []byte {
	old, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = saved, os.WriteFile(file, saved, 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return old
}

// adoptCommand: adopt UNIT [main=PID] [populated] [open]
func adoptCommand(w *scriptWorld, args []string) []string {
	ev := Adopted{Unit: args[0], Invocation: "0123456789abcdef0123456789abcdef"}
	for _, a := range args[1:] {
		pid, isMain := strings.CutPrefix(a, "main=")
		switch {
		case isMain:
			ev.Main, _ = strconv.Atoi(pid)
			ev.Populated = true
		case a == "populated":
			ev.Populated = true
		case a == "open":
			ev.Open = true
		default:
			w.t.Fatalf("adopt: %q", a)
		}
	}
	return append(w.load(args[0]), w.step(ev)...)
}
