package scenario

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An actor is a process of a service: it does what its arguments say, one after the
// other. It knows only what a manager promises every service.
type actor struct {
	dir    string
	caught chan os.Signal // what the next until= or get= waits for
}

// deeds are the words of @act. WORD=VALUE hands over the value. Those that return
// an error end the process with status 99, and the log says so.
var deeds map[string]func(a *actor, value string) error

// act is a process of a service; it returns its exit status.
func act(dir string, args []string) int {
	deeds = map[string]func(a *actor, value string) error{
		"say": (*actor).say, "env": (*actor).env, "as": (*actor).as, "notify": (*actor).notify,
		"gate": (*actor).gate, "sleep": (*actor).sleep, "until": (*actor).until,
		"on": (*actor).on, "ignore": (*actor).ignore, "kill": (*actor).kill, "fds": (*actor).fds,
		"pidfile": (*actor).pidfile, "touch": (*actor).touch, "reply": (*actor).reply,
		"accept": (*actor).accept, "receive": (*actor).receive, "pids": (*actor).pids,
		"read": (*actor).read, "rm": (*actor).rm, "store": (*actor).store,
		"get": (*actor).get, "terminal": (*actor).terminal,
	}
	a := &actor{dir: dir}
	for i, arg := range args {
		if i == 0 || blocks(args[i-1]) {
			a.lookAhead(args[i:])
		}
		word, value, _ := strings.Cut(arg, "=")
		switch word {
		case "exit":
			n, err := strconv.Atoi(value)
			if err != nil {
				return 98
			}
			return n
		case "fork", "daemon": // the rest, up to "--", is done by a process of its own
			rest := args[i+1:]
			end := slices.Index(rest, "--")
			if end < 0 {
				end = len(rest)
			}
			if err := a.start(rest[:end], word == "daemon"); err != nil {
				_ = a.say(err.Error())
				return 99
			}
			if end < len(rest) {
				return act(dir, rest[end+1:])
			}
			return 0
		case "wait": // until told to end
			word, value = "until", "TERM"
		}
		do := deeds[word]
		if do == nil {
			_ = a.say("no such deed: " + word)
			return 98
		}
		if err := do(a, value); err != nil {
			_ = a.say(arg + ": " + err.Error())
			return 99
		}
	}
	return 0
}

// blocks says that a deed waits for something.
func blocks(arg string) bool {
	word, _, _ := strings.Cut(arg, "=")
	waits := []string{"wait", "until", "get", "gate", "sleep", "accept", "receive"}
	return slices.Contains(waits, word)
}

// lookAhead catches the signals that the next deed which waits is to wait for, now:
// what comes before it may make somebody send them.
func (a *actor) lookAhead(args []string) {
	next := slices.IndexFunc(args, blocks)
	if next < 0 {
		return
	}
	word, names, _ := strings.Cut(args[next], "=")
	if _, after, ok := strings.Cut(names, ":"); ok && word == "get" {
		names = after
	}
	switch word {
	case "wait":
		names = "TERM"
	case "until", "get":
	case "sleep":
		plainSignals() // of the program that sleeps; but one may come before it is there
		return
	default:
		return
	}
	a.caught = make(chan os.Signal, 8)
	signal.Notify(a.caught, catch(names)...)
}

// say adds a line to the log, with $NAMES of the environment replaced.
func (a *actor) say(text string) error {
	f, err := os.OpenFile(filepath.Join(a.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(os.ExpandEnv(text) + "\n")
	return err
}

// env logs variables: "A,B" or "A*" for all that begin so.
func (a *actor) env(names string) error {
	var said []string
	for n := range strings.SplitSeq(names, ",") {
		if prefix, ok := strings.CutSuffix(n, "*"); ok {
			for _, e := range os.Environ() {
				if strings.HasPrefix(e, prefix) {
					said = append(said, e)
				}
			}
		} else if v, ok := os.LookupEnv(n); ok {
			said = append(said, n+"="+v)
		} else {
			said = append(said, n+" unset")
		}
	}
	slices.Sort(said)
	return a.say(strings.ReplaceAll(strings.Join(said, " "), "$", "$$"))
}

// as gives the process a name, by which logs and scripts know its number.
func (a *actor) as(name string) error {
	return os.WriteFile(filepath.Join(a.dir, "pid."+name), fmt.Appendln(nil, os.Getpid()), 0o666)
}

// pids logs variables that hold numbers of processes, by the names of these.
func (a *actor) pids(names string) error {
	for n := range strings.SplitSeq(names, ",") {
		v := os.Getenv(n)
		if v == strconv.Itoa(os.Getpid()) {
			v = "self"
		}
		if err := a.say(n + "=" + processName(a.dir, v)); err != nil {
			return err
		}
	}
	return nil
}

// processName is the name that the process has given itself, "other" if none.
func processName(dir, pid string) string {
	if pid == "" || pid == "0" || pid == "self" {
		return pid
	}
	files, _ := filepath.Glob(filepath.Join(dir, "pid.*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err == nil && strings.TrimSpace(string(text)) == pid {
			return strings.TrimPrefix(filepath.Base(f), "pid.")
		}
	}
	return "other"
}

// notify sends a message; "|" stands for the end of a line, and $PID for the number
// of this process.
func (a *actor) notify(message string) error { return a.send(message, nil) }

// store hands over a descriptor: "NAME" or "NAME|MORE=LINES".
func (a *actor) store(what string) error {
	f, err := os.Open("/dev/null")
	if err != nil {
		return err
	}
	defer f.Close()
	return a.send("FDSTORE=1|FDNAME="+what, syscall.UnixRights(int(f.Fd())))
}

func (a *actor) send(message string, rights []byte) error {
	at := os.Getenv("NOTIFY_SOCKET")
	if at == "" {
		return a.say("NOTIFY_SOCKET unset")
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	message = strings.ReplaceAll(message, "$PID", strconv.Itoa(os.Getpid()))
	message = strings.ReplaceAll(message, "$MONOTONIC", strconv.FormatInt(monotonic(), 10))
	text := []byte(strings.ReplaceAll(message, "|", "\n"))
	return unix.Sendmsg(fd, text, rights, &unix.SockaddrUnix{Name: at}, 0)
}

// gate waits until the script has made the file.
func (a *actor) gate(name string) error {
	return await(time.Hour, func() bool {
		_, err := os.Stat(filepath.Join(a.dir, name))
		return err == nil
	})
}

// sleep does nothing for a time. Another program does: what Go makes of signals is
// not their default effect.
func (a *actor) sleep(span string) error {
	return syscall.Exec("/bin/sleep", []string{"sleep", span}, os.Environ())
}

// catch are the signals by name, those of "TERM,HUP".
func catch(names string) []os.Signal {
	var all []os.Signal
	for n := range strings.SplitSeq(names, ",") {
		all = append(all, signals[n])
	}
	return all
}

var signals = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "ABRT": syscall.SIGABRT,
	"KILL": syscall.SIGKILL, "CONT": syscall.SIGCONT, "PIPE": syscall.SIGPIPE,
	"ALRM": syscall.SIGALRM, "SEGV": syscall.SIGSEGV, "WINCH": syscall.SIGWINCH,
}

// until waits for one of the signals.
func (a *actor) until(string) error {
	<-a.caught
	return nil
}

// get waits for one of the signals and logs it: "WORD:TERM,HUP".
func (a *actor) get(value string) error {
	word, _, _ := strings.Cut(value, ":")
	return a.got(word, <-a.caught)
}

// on logs each of the signals from now on.
func (a *actor) on(value string) error {
	word, names, _ := strings.Cut(value, ":")
	ch := make(chan os.Signal, 8)
	signal.Notify(ch, catch(names)...)
	go func() {
		for s := range ch {
			_ = a.got(word, s)
		}
	}()
	return nil
}

func (a *actor) got(word string, s os.Signal) error {
	for n, known := range signals {
		if s == known {
			return a.say(word + " got " + n)
		}
	}
	return nil
}

func (a *actor) ignore(names string) error {
	signal.Ignore(catch(names)...)
	return nil
}

// kill sends the process itself a signal, with its default effect.
func (a *actor) kill(name string) error {
	return syscall.Exec("/bin/sh", []string{"sh", "-c", "kill -" + name + " $$"}, os.Environ())
}

func (a *actor) pidfile(path string) error {
	return os.WriteFile(path, fmt.Appendln(nil, os.Getpid()), 0o644)
}

func (a *actor) touch(name string) error {
	return os.WriteFile(filepath.Join(a.dir, name), nil, 0o644)
}

func (a *actor) rm(name string) error { return os.Remove(filepath.Join(a.dir, name)) }

// start begins a process that acts. A daemon gets a session of its own.
func (a *actor) start(args []string, session bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := os.StartProcess(self, append([]string{self, "act", a.dir}, args...), &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: session},
	})
	if err != nil {
		return err
	}
	return p.Release()
}

// read logs the content of a file.
func (a *actor) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return a.say("read " + string(bytes.TrimSpace(text)))
}

// await asks again and again until done, every few milliseconds.
func await(limit time.Duration, done func() bool) error {
	return awaitEvery(5*time.Millisecond, limit, done)
}

func awaitEvery(pause, limit time.Duration, done func() bool) error {
	again := time.NewTicker(pause)
	defer again.Stop()
	for end := time.Now().Add(limit); !done(); <-again.C {
		if time.Now().After(end) {
			return fmt.Errorf("not within %v", limit)
		}
	}
	return nil
}
