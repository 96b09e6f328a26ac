package tool

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
	"rouse/internal/unit/value/linux"
)

var notifyProgram = Program{
	Name: "systemd-notify", Args: "[VARIABLE=VALUE...]",
	About: "Notify the init system about service status updates",
	Flags: []Flag{
		{"", "ready", "", "Inform the init system about service start-up completion"},
		{"", "pid", "?PID", "Set main PID of daemon"},
		{"", "uid", "USER", "Set user to send from"},
		{"", "status", "TEXT", "Set status text"},
		{"", "booted", "", "Check if the system was booted up with systemd"},
		{"", "no-block", "", "Do not wait until operation finished"},
	},
	Run: notify,
}

// patience is how long systemd-notify waits for the manager to have read.
const patience = 5 * time.Second

func notify(r *Run) (int, error) {
	fields, pid, err := r.toNotify()
	if err != nil {
		return 1, err
	}
	if r.Has("booted") {
		if len(fields) > 0 {
			r.Say("Cannot mix --booted with other options.")
		}
		info, err := fs.Stat(r.Root("/"), "run/systemd/system")
		return answer(err == nil && info.IsDir()), nil
	}
	if len(fields) == 0 {
		r.Help()
		return 1, nil
	}
	address := r.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return 1, Complain("No status data could be sent: $NOTIFY_SOCKET was not set")
	}
	if r.Has("uid") {
		if err := r.become(r.Value("uid")); err != nil {
			return 1, err
		}
	}
	if err := r.sendNotice(address, strings.Join(fields, "\n"), pid); err != nil {
		return 1, Complain("Failed to notify init system: %s", r.reason(err))
	}
	return 0, nil
}

// toNotify gives the message, and on whose behalf it is sent: as systemd-notify is mostly
// run by a script of the service, that of the process that has started it.
func (r *Run) toNotify() (fields []string, pid int, err error) {
	if r.Has("ready") {
		fields = append(fields, "READY=1")
	}
	if r.Has("status") {
		fields = append(fields, "STATUS="+r.Value("status"))
	}
	pid = os.Getppid()
	if manager, err := strconv.Atoi(r.Getenv("MANAGERPID")); pid == 1 || err == nil && manager == pid {
		pid = os.Getpid()
	}
	if r.Has("pid") {
		switch s := r.Value("pid"); s {
		case "", "auto", "parent":
		case "self":
			pid = os.Getpid()
		default:
			n, err := strconv.Atoi(s)
			if err != nil || n <= 0 {
				return nil, 0, Complain("Failed to parse PID %s.", s)
			}
			pid = n
		}
		fields = append(fields, "MAINPID="+strconv.Itoa(pid))
	}
	return append(fields, r.Args...), pid, nil
}

func (r *Run) become(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return Complain("Can't resolve user %s: %v", name, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := errors.Join(sys.SetGroups(nil), sys.SetGroup(gid), sys.SetUser(uid)); err != nil {
		return Complain("Failed to change user: %s", r.reason(err))
	}
	return nil
}

// sendNotice sends the message and, without --no-block, waits until it has been read.
func (r *Run) sendNotice(address, text string, pid int) error {
	f, err := sys.DialDatagram(address)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := sys.SendAs(f, []byte(text), pid); err != nil {
		return err
	}
	if r.Has("no-block") {
		return nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	err = sys.Send(f, []byte("BARRIER=1"), write)
	write.Close()
	if err != nil {
		return err
	}
	read.SetReadDeadline(time.Now().Add(patience))
	if _, err := read.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		return sys.ETIMEDOUT
	}
	return nil
}

// reason is what an error of the kernel means, as the C library says it.
func (r *Run) reason(err error) string {
	n := sys.ErrnoOf(err)
	if n == 0 || r.ErrorText == nil {
		return err.Error()
	}
	return r.ErrorText(int(n))
}

var catProgram = Program{
	Name: "systemd-cat", Args: "COMMAND ...",
	About: "Execute process with stdout/stderr connected to the journal",
	Flags: []Flag{
		{"t", "identifier", "STRING", "Set syslog identifier"},
		{"p", "priority", "PRIORITY", "Set priority value (0..7)"},
		{"", "stderr-priority", "PRIORITY", "Set priority value (0..7) used for stderr"},
		{"", "level-prefix", "BOOL", "Control whether level prefix shall be parsed"},
	},
	Stop: true,
	Run:  catToJournal,
}

// journalStream is where journald takes the output of programs.
const journalStream = "/run/systemd/journal/stdout"

func catToJournal(r *Run) (int, error) {
	level, errLevel, prefix := 6, -1, true
	for _, o := range []struct {
		name, what string
		to         *int
	}{
		{"priority", "priority value", &level},
		{"stderr-priority", "stderr priority value", &errLevel},
	} {
		if !r.Has(o.name) {
			continue
		}
		n, ok := linux.Level(r.Value(o.name))
		if !ok {
			return 1, Complain("Failed to parse %s.", o.what)
		}
		*o.to = n
	}
	if r.Has("level-prefix") {
		var err error
		if prefix, err = value.ParseBool(r.Value("level-prefix")); err != nil {
			return 1, Complain("Failed to parse boolean argument to --level-prefix=: %s.",
				r.Value("level-prefix"))
		}
	}
	out, err := r.stream(level, prefix)
	if err != nil {
		return 1, Complain("Failed to create stream fd: %s", r.reason(err))
	}
	errs := out
	if errLevel >= 0 && errLevel != level {
		if errs, err = r.stream(errLevel, prefix); err != nil {
			return 1, Complain("Failed to create stream fd: %s", r.reason(err))
		}
	}
	argv := r.Args
	if len(argv) == 0 {
		argv = []string{"cat"}
	}
	program, err := r.findProgram(argv[0])
	if err == nil {
		kept, dupErr := sys.DupAbove(2, 3) // to complain to
		err = errors.Join(dupErr, sys.DupTo(out, 1), sys.DupTo(errs, 2))
		if err == nil {
			err = sys.Exec(program, argv, r.Environ())
			sys.DupTo(kept, 2)
		}
	}
	return 1, Complain("Failed to execute process: %s", r.reason(err))
}

// stream connects to the journal.
func (r *Run) stream(level int, prefix bool) (int, error) {
	fd, err := sys.ConnectUnix(journalStream)
	if err != nil {
		return -1, err
	}
	parse := "0"
	if prefix {
		parse = "1"
	}
	header := r.Value("identifier") + "\n\n" + strconv.Itoa(level) + "\n" + parse + "\n0\n0\n0\n"
	sys.ShutdownRead(fd)
	if n, err := sys.Write(fd, []byte(header)); err != nil || n < len(header) {
		return -1, errors.Join(err, sys.EAGAIN)
	}
	return fd, nil
}

// findProgram looks for a program in $PATH.
func (r *Run) findProgram(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for dir := range strings.SplitSeq(r.Getenv("PATH"), ":") {
		at := filepath.Join(dir, name)
		if info, err := os.Stat(at); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return at, nil
		}
	}
	return "", sys.ENOENT
}
