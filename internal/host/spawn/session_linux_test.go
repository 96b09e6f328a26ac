package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

// pretendKeeper is a keeper that calls no PAM: the service's name says what becomes of it.
func pretendKeeper() {
	runtime.LockOSThread()
	k, err := Keep(os.Args)
	if err != nil {
		os.Exit(3)
	}
	switch k.Service {
	case "refuses":
		k.Fail(errors.New("not today"))
		os.Exit(StatusPAM)
	case "dies":
		os.Exit(9)
	}
	_ = sys.SetLimit(mustNumber("NOFILE"), 44, 44)
	pid := k.Start(append(k.Env, "PAM="+k.User, "GONE=pam", "TTY="+k.Terminal))
	if pid == 0 {
		os.Exit(4)
	}
	if wait, err := sys.WaitGone(pid); err == nil {
		wait()
	}
	os.Exit(0)
}

func mustNumber(limit string) int {
	n, _ := sys.LimitNumber(limit)
	return n
}

// kept is a request with a session.
func kept(t *testing.T, service, script string) *Request {
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	r := sh(strings.ReplaceAll(script, "$", "$$")) // as the arguments are expanded
	x := *r.Exec
	x.UnsetEnvironment = []string{"GONE"}
	r.Exec = &x
	r.Env = append(r.Env, "SYSTEMD_EXEC_PID=", "GONE=unit")
	r.Session = &Session{
		Keeper: self, Service: service, User: "somebody", UID: os.Geteuid(), GID: os.Getegid(),
		Terminal: "/dev/tty9",
	}
	return r
}

// doKept does a request with a session; keeper is the status that the keeper ends with.
func doKept(t *testing.T, s *Spawner, r *Request) (got result, keeper int) {
	t.Helper()
	var first Process
	r.Started = func(p Process) {
		if first.PID == 0 {
			first = p
		}
	}
	got = do(t, s, r)
	if got.status == -2 {
		return got, -2
	}
	if first.PID != 0 && r.Fail == nil && got.err == nil {
		keeper = wait(t, first)
	}
	return got, keeper
}

// What a keeper changes, the process has; it is this process's child, leads a session, and has
// its descriptors and nothing of the keeper's.
func TestSession(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	everyMeans(t, func(t *testing.T, s *Spawner) {
		script := `echo $PAM ${GONE-gone} $TTY $0; ulimit -n; ulimit -c
			test $PPID = ` + strconv.Itoa(os.Getpid()) + ` && echo child
			test $SYSTEMD_EXEC_PID = $$ && echo itself
			set -- $(cat /proc/$$/stat); test $6 = $$ && echo leads; cat <&3; echo
			umask; pwd; exec ls /proc/self/fd`
		r := kept(t, "opens", script)
		r.Command.Argv = append(r.Command.Argv, "$PAM")
		r.Files = []int{int(f.Fd())}
		r.Exec.UMask = 0o27
		r.Exec.Limits[value.LimitCORE].Set = true
		r.Exec.Limits[value.LimitCORE].Hard = 7 << 10
		r.Exec.WorkingDirectory = "/tmp"
		announced := 0
		r.Announce = func(p Process) { announced = p.PID }
		if _, err := f.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		got, keeper := doKept(t, s, r)
		if s.means == meansExecutor {
			if got.status != StatusPAM {
				t.Errorf("executor: %+v", got)
			}
			return
		}
		want := "somebody gone /dev/tty9 somebody\n" +
			"44\n0\nchild\nitself\nleads\ntext\n0027\n/tmp\n0\n1\n2\n3\n4\n"
		if got.out != want || got.err != nil || got.status != 0 || keeper != 0 || announced == 0 {
			t.Errorf("%+v, keeper %d, announced %d; want %q", got, keeper, announced, want)
		}
	})
}

// What goes wrong has its directive and status, and leaves nothing behind.
func TestSessionFails(t *testing.T) {
	before := openFiles(t)
	for name, c := range map[string]struct {
		change  func(r *Request)
		service string
		status  int
		says    string
	}{
		"refused": {nil, "refuses", StatusPAM, "session of PAM service refuses: not today"},
		"dies":    {nil, "dies", 9, "keeper of the session: it has ended"},
		"no keeper": {func(r *Request) { r.Session.Keeper = "/not/there" }, "", StatusPAM,
			"exec /not/there"},
		"program": {func(r *Request) { r.Command.Path = "/not/there" }, "opens", StatusExec,
			"exec /not/there"},
		"directory": {func(r *Request) { r.Exec.WorkingDirectory = "/not/there" }, "opens", StatusChdir,
			"chdir /not/there"},
		"before": {func(r *Request) { r.Fail = &StepError{Step: "x", Errno: 1, Status: 9} }, "opens", 9,
			"x: "},
	} {
		r := kept(t, c.service, "exit 0")
		if c.change != nil {
			c.change(r)
		}
		s := &Spawner{}
		var all []Process
		r.Started = func(p Process) { all = append(all, p) }
		got := do(t, s, r)
		if got.err == nil || got.status != c.status || !strings.Contains(got.err.Error(), c.says) {
			t.Errorf("%s: %+v", name, got)
		}
		if len(all) == 2 {
			wait(t, all[0])
		}
		for _, fd := range s.null {
			_ = sys.CloseFD(fd)
		}
	}
	runtime.GC()
	if after := openFiles(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// Nobody but a manager has a use for a keeper.
func TestKeepAlone(t *testing.T) {
	for _, args := range [][]string{nil, {"rouse-pam"}, {"rouse-pam", "x"}, {"rouse-pam", "2"},
		{"rouse-pam", "999"}} {
		if k, err := Keep(args); err == nil {
			t.Errorf("%q: %+v", args, k)
		}
	}
}
