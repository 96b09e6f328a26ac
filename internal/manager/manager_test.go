package manager

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face"
	"rouse/internal/graph"
	"rouse/internal/host/cgroup"
	"rouse/internal/host/dirs"
	"rouse/internal/host/spawn"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
	"rouse/internal/unit/value"
)

// TestMain is one of the services, if the arguments say so, and else the tests.
func TestMain(m *testing.M) {
	spawn.Executor()
	if len(os.Args) < 3 || os.Args[1] != "as-service" {
		if err := prepareTests(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if err := services[os.Args[2]](os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// services are what the processes of the test units do.
var services = map[string]func(args []string) error{
	"wait":   func([]string) error { <-signals(syscall.SIGTERM); return nil },
	"exit":   func(args []string) error { os.Exit(int(args[0][0] - '0')); return nil },
	"append": appendLine,
	"notify": func([]string) error {
		end := signals(syscall.SIGTERM)
		if err := notifyManager("READY=1\nSTATUS=at work"); err != nil {
			return err
		}
		<-end
		return nil
	},
	"echo": func([]string) error { // inetd style: the connection is standard input and output
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	},
	"answer": func([]string) error { return answer(3) },
	"answer-input": func([]string) error {
		if n := os.Getenv("LISTEN_FDS"); n != "" {
			return fmt.Errorf("%s descriptors besides standard input", n)
		}
		return answer(0)
	},
	"matrix": func(args []string) error { return findSetting(args) },
	"store":  storeService,
	"given":  writeGiven,
	"limit": func(args []string) error {
		var l syscall.Rlimit
		err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
		return errors.Join(err, appendLine([]string{args[0], fmt.Sprint(l.Max == 77)}))
	},
}

func signals(sig ...os.Signal) <-chan os.Signal {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, sig...)
	return ch
}

func notifyManager(text string) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(text))
	return err
}

func appendLine(args []string) error {
	f, err := os.OpenFile(args[0], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, args[1])
	return errors.Join(err, f.Close())
}

// answer serves the connections of a descriptor: each gets the process's number.
func answer(fd uintptr) error {
	l, err := net.FileListener(os.NewFile(fd, "listener"))
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintln(c, os.Getpid())
		c.Close()
	}
}

// fixture is a manager of a user that runs as part of the test, without control
// groups, on units of a temporary directory.
type fixture struct {
	*Manager
	t   *testing.T
	dir string
	log *console
	end func() (Ending, error)

	config  Config
	loading load.Config
	done    chan ended
}

// ended is what Run gives.
type ended struct {
	Ending
	error
}

// console keeps the manager's log and tells when startup has finished.
type console struct {
	mu   sync.Mutex
	text strings.Builder
	up   chan struct{}
}

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !strings.Contains(c.text.String(), "Startup finished") &&
		strings.Contains(string(b), "Startup finished") {
		close(c.up)
	}
	return c.text.Write(b)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

const patience = time.Minute

// run starts a manager.
func (f *fixture) run() {
	f.config.Loader = load.New(f.loading)
	m := New(f.config)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan ended, 1)
	f.Manager, f.done = m, done
	go func() {
		end, err := m.Run(ctx)
		done <- ended{end, err}
	}()
	f.end = sync.OnceValues(func() (Ending, error) {
		cancel()
		select {
		case r := <-done:
			return r.Ending, r.error
		case <-time.After(patience):
			return Ending{}, errors.New("the manager does not end")
		}
	})
}

// begin starts a manager; units are files by name, in which SELF is the command of
// a test service and DIR the temporary directory. Options change what it is made
// with. It ends with the test.
func begin(
	t *testing.T, units map[string]string, options ...func(*Config, *load.Config),
) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir(), log: &console{up: make(chan struct{})}}
	f.write("default.target", "[Unit]\nAllowIsolate=yes\nWants=first.service\n")
	f.write("first.service", "[Service]\nType=oneshot\nExecStart=SELF exit 0\n")
	for n, text := range units {
		f.write(n, text)
	}
	ground := graph.Ground{User: true}
	path := []string{f.dir, filepath.Join(f.dir, "run/systemd/generator")}
	config := Config{
		Version: "test", User: true, RuntimeDir: filepath.Join(f.dir, "run"), Home: f.dir,
		Environ: os.Environ(), Environment: []string{"HOME=" + f.dir}, Console: f.log,
		Level: engine.Info, UnitPath: path, Output: unit.StdioInherit, OutputError: unit.StdioInherit,
		Cgroups: cgroup.None, Bases: dirs.Bases{}, Generators: f.generators(),
		Stamps: filepath.Join(f.dir, "stamps"),
	}
	loading := load.Config{
		FS: os.DirFS("/").(fs.ReadLinkFS), Path: path, User: true, Home: f.dir,
		RuntimeDir: filepath.Join(f.dir, "run"), Complete: ground.Complete,
	}
	for _, option := range options {
		option(&config, &loading)
	}
	f.config, f.loading = config, loading
	f.run()
	t.Cleanup(func() {
		if _, err := f.end(); err != nil {
			t.Errorf("end: %v", err)
		}
		if t.Failed() {
			t.Logf("the manager's log:\n%s", f.log)
		}
	})
	select {
	case <-f.log.up:
	case <-time.After(patience):
		t.Fatalf("startup has not finished:\n%s", f.log)
	}
	return f
}

func (f *fixture) write(n, text string) {
	f.t.Helper()
	self, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	text = strings.NewReplacer("SELF", self+" as-service", "DIR", f.dir).Replace(text)
	if err := os.MkdirAll(filepath.Dir(filepath.Join(f.dir, n)), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, n), []byte(text), 0o700); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	f.t.Cleanup(cancel)
	return ctx
}

// job has a job done and gives its result.
func (f *fixture) job(kind, n string) string {
	f.t.Helper()
	r, err := f.Enqueue(f.context(), face.JobRequest{Unit: n, Type: kind, Wait: true})
	if err != nil {
		f.t.Fatalf("%s %s: %v", kind, n, err)
	}
	return r.Result
}

func (f *fixture) want(kind, n, result string) {
	f.t.Helper()
	if got := f.job(kind, n); got != result {
		f.t.Fatalf("%s %s: %s, want %s", kind, n, got, result)
	}
}

func (f *fixture) property(n, name string) any {
	f.t.Helper()
	list, err := f.Properties(f.context(), n)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, p := range list {
		if p.Name == name {
			return p.Value
		}
	}
	f.t.Fatalf("%s has no property %s", n, name)
	return nil
}

// until waits for an event that fits.
func (f *fixture) until(events <-chan face.Event, fits func(face.Event) bool) face.Event {
	f.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case ev, ok := <-events:
			if !ok {
				f.t.Fatal("the events have ended")
			}
			if fits(ev) {
				return ev
			}
		case <-limit:
			f.t.Fatal("the event does not come")
		}
	}
}

func is(n, sub string) func(face.Event) bool {
	return func(ev face.Event) bool {
		return ev.Kind == "unit-changed" && ev.Unit == n && ev.Sub == sub
	}
}

func TestServiceLives(t *testing.T) {
	f := begin(t, map[string]string{"a.service": "[Service]\nExecStart=SELF wait\n"})
	f.want("start", "a.service", "done")
	first := f.property("a.service", "MainPID").(uint32)
	if got := f.property("a.service", "SubState"); got != "running" || first == 0 {
		t.Errorf("a.service is %v with process %d", got, first)
	}
	f.want("restart", "a.service", "done")
	second := f.property("a.service", "MainPID").(uint32)
	if second == 0 || second == first {
		t.Errorf("process %d after the restart, %d before", second, first)
	}
	list, err := f.Processes(f.context(), "a.service")
	if err != nil || len(list) != 1 || list[0].PID != int(second) {
		t.Errorf("processes %v, %v", list, err)
	}
	f.want("stop", "a.service", "done")
	if err := syscall.Kill(int(second), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", second, err)
	}
}

func TestServiceFails(t *testing.T) {
	f := begin(t, map[string]string{
		"a.service": "[Service]\nType=oneshot\nExecStart=SELF exit 3\n",
		"b.service": "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=SELF wait\n",
		"x.service": "[Service]\nType=exec\nExecStart=DIR/absent\n",
	})
	f.want("start", "b.service", "dependency")
	if got := f.property("a.service", "ExecMainStatus"); got != int32(3) {
		t.Errorf("a.service: status %v", got)
	}
	f.want("start", "x.service", "failed")
	if got := f.property("x.service", "ExecMainStatus"); got != int32(spawn.StatusExec) {
		t.Errorf("x.service: status %v, want 203", got)
	}
	chain, err := f.Why(f.context(), "a.service")
	if err != nil || len(chain) < 2 || !strings.Contains(fmt.Sprint(chain), "status=3") {
		t.Errorf("why: %v, %v", chain, err)
	}
	info, err := f.Info(f.context())
	if err != nil || info.SystemState != "degraded" || info.Failed != 2 {
		t.Errorf("%+v, %v", info, err)
	}
	if err := f.ResetFailed(f.context(), []string{"*.service"}); err != nil {
		t.Fatal(err)
	}
	if info, _ = f.Info(f.context()); info.SystemState != "running" {
		t.Errorf("after reset-failed the state is %s", info.SystemState)
	}
}

func TestNotify(t *testing.T) {
	f := begin(t, map[string]string{"n.service": "[Service]\nType=notify\nExecStart=SELF notify\n"})
	f.want("start", "n.service", "done")
	if got := f.property("n.service", "StatusText"); got != "at work" {
		t.Errorf("status %q", got)
	}
}

// Commands run one after the other, with what the manager tells them.
func TestCommands(t *testing.T) {
	f := begin(t, map[string]string{"o.service": `[Service]
Type=oneshot
RemainAfterExit=yes
Environment=WORD=second
ExecStartPre=SELF append DIR/out first
ExecStart=SELF append DIR/out ${WORD}
ExecReload=SELF append DIR/out reload
ExecStop=SELF append DIR/out ${SERVICE_RESULT}-${MANAGERPID}
ExecStopPost=SELF append DIR/out last
`})
	f.want("start", "o.service", "done")
	f.want("reload", "o.service", "done")
	f.want("stop", "o.service", "done")
	text, err := os.ReadFile(filepath.Join(f.dir, "out"))
	want := fmt.Sprintf("first\nsecond\nreload\nsuccess-%d\nlast\n", os.Getpid())
	if err != nil || string(text) != want {
		t.Errorf("%q, %v, want %q", text, err, want)
	}
}

// Limits and users are for ExecStart= alone, if PermissionsStartOnly= says so.
func TestPermissionsStartOnly(t *testing.T) {
	f := begin(t, map[string]string{"o.service": `[Service]
Type=oneshot
PermissionsStartOnly=yes
LimitNOFILE=77
ExecStartPre=SELF limit DIR/out
ExecStart=SELF limit DIR/out
ExecStopPost=SELF limit DIR/out
`})
	f.want("start", "o.service", "done")
	if got, want := f.lines("out"), []string{"false", "true", "false"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func (f *fixture) dial(path string) net.Conn {
	f.t.Helper()
	c, err := net.Dial("unix", filepath.Join(f.dir, path))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		f.t.Fatal(err)
	}
	return c
}

func TestSocketService(t *testing.T) {
	f := begin(t, map[string]string{
		"s.socket":  "[Socket]\nListenStream=DIR/s\n",
		"s.service": "[Service]\nExecStart=SELF answer\n",
	})
	f.want("start", "s.socket", "done")
	ask := func() string {
		line, err := bufio.NewReader(f.dial("s")).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(line)
	}
	first := ask()
	f.want("start", "s.service", "done") // it may answer before its manager knows of it
	if got := fmt.Sprint(f.property("s.service", "MainPID")); got != first {
		t.Errorf("process %s answered, the service is %s", first, got)
	}
	f.want("stop", "s.service", "done")
	if second := ask(); second == first {
		t.Error("the stopped service answers")
	}
	f.want("stop", "s.service", "done")
	f.want("stop", "s.socket", "done")
	if _, err := net.Dial("unix", filepath.Join(f.dir, "s")); err == nil {
		t.Error("the stopped socket takes connections")
	}
}

func TestAccept(t *testing.T) {
	f := begin(t, map[string]string{
		"e.socket":   "[Socket]\nListenStream=DIR/e\nAccept=yes\n",
		"e@.service": "[Service]\nExecStart=SELF echo\nStandardInput=socket\n",
	})
	f.want("start", "e.socket", "done")
	for i := range 3 {
		c := f.dial("e")
		line := fmt.Sprintf("line %d\n", i)
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatal(err)
		}
		if got, err := bufio.NewReader(c).ReadString('\n'); got != line {
			t.Errorf("%q came back as %q, %v", line, got, err)
		}
	}
	if got := f.property("e.socket", "NAccepted"); got != uint32(3) {
		t.Errorf("%v connections accepted", got)
	}
}

// Standard input can be the one socket of a unit, and then no other descriptor is
// passed. With two there is no telling which.
func TestInputSocket(t *testing.T) {
	f := begin(t, map[string]string{
		"w.socket":    "[Socket]\nListenStream=DIR/w\n",
		"w.service":   "[Service]\nExecStart=SELF answer-input\nStandardInput=socket\n",
		"two.socket":  "[Socket]\nListenStream=DIR/1\nListenStream=DIR/2\n",
		"two.service": "[Service]\nExecStart=SELF answer-input\nStandardInput=socket\n",
	})
	f.want("start", "w.socket", "done")
	line, err := bufio.NewReader(f.dial("w")).ReadString('\n')
	if err != nil || line == "" {
		t.Errorf("%q, %v", line, err)
	}
	f.want("start", "two.socket", "done")
	f.want("start", "two.service", "failed")
	if got := f.property("two.service", "Result"); got != "resources" {
		t.Errorf("with two sockets the result is %v", got)
	}
}

func TestKillAndEvents(t *testing.T) {
	f := begin(t, map[string]string{
		"k.service": "[Service]\nExecStart=SELF wait\nRestart=on-failure\nRestartSec=0\n",
	})
	ctx, cancel := context.WithCancel(f.context())
	events, err := f.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f.want("start", "k.service", "done")
	f.until(events, func(ev face.Event) bool {
		return ev.Kind == "job-removed" && ev.Unit == "k.service" && ev.Result == "done"
	})
	if err := f.Kill(f.context(), "k.service", "main", value.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.until(events, is("k.service", "auto-restart"))
	f.until(events, is("k.service", "running"))
	if got := f.property("k.service", "NRestarts"); got != uint32(1) {
		t.Errorf("%v restarts", got)
	}
	cancel()
	for range events { // it is closed
	}
}

// What is started anew without delay waits for no timer.
func TestRestartAtOnce(t *testing.T) {
	f := begin(t, map[string]string{
		"k.service": "[Service]\nExecStart=SELF wait\nRestart=always\nRestartSec=0\n",
	})
	events, err := f.Subscribe(f.context())
	if err != nil {
		t.Fatal(err)
	}
	f.want("start", "k.service", "done")
	f.until(events, is("k.service", "running"))
	unset := func() { f.queue.at = 1 } // as if one fired earlier: no timer is set
	if err := f.call(f.context(), unset); err != nil {
		t.Fatal(err)
	}
	if err := f.Kill(f.context(), "k.service", "main", value.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.until(events, is("k.service", "auto-restart"))
	f.until(events, is("k.service", "running"))
}

func TestPlan(t *testing.T) {
	f := begin(t, map[string]string{
		"a.service": "[Unit]\nRequires=b.service\nAfter=b.service\n[Service]\nExecStart=SELF wait\n",
		"b.service": "[Service]\nExecStart=SELF wait\n",
	})
	list, err := f.Plan(f.context(), face.JobRequest{Unit: "a.service", Type: "start"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range list {
		if strings.HasSuffix(j.Unit, ".service") {
			got = append(got, j.Unit+" "+j.Type+" "+j.Because)
		}
	}
	want := []string{
		"b.service start a.service Requires=b.service (" + f.dir + "/a.service:2)",
		"a.service start requested",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if units, _ := f.Units(f.context(), []string{"?.service"}, false); len(units) > 0 &&
		units[0].Active != "inactive" {
		t.Errorf("the plan was carried out: %v", units)
	}
}

func TestReloadFiles(t *testing.T) {
	f := begin(t, map[string]string{
		"a.service": "[Service]\nExecStart=SELF wait\n",
		"b.service": "[Service]\nExecStart=SELF wait\n",
	})
	f.want("start", "a.service", "done")
	f.want("start", "b.service", "done")
	pid := f.property("a.service", "MainPID")
	f.write("a.service", "[Service]\nExecStart=SELF wait\nNonsense=1\nDescription=x\n"+
		"[Unit]\nDescription=new\n")
	for _, dry := range []bool{true, false} {
		r, err := f.Reload(f.context(), dry)
		if err != nil || !slices.Equal(r.Changed, []string{"a.service"}) || len(r.Faults) != 2 {
			t.Errorf("dry %v: %+v, %v", dry, r, err)
		}
		want := map[bool]string{true: "a.service", false: "new"}[dry]
		if got := f.property("a.service", "Description"); got != want {
			t.Errorf("dry %v: description %q, want %q", dry, got, want)
		}
	}
	if got := f.property("a.service", "MainPID"); got != pid {
		t.Errorf("process %v before the reload, %v after", pid, got)
	}
}

// A unit file that has come since is seen by a job that pulls its unit in, without a reload.
func TestMissingUnitsAppear(t *testing.T) {
	f := begin(t, map[string]string{
		"top.target": "[Unit]\nWants=late.service\n",
		"a.service":  "[Service]\nExecStart=SELF wait\n[Unit]\nWants=top.target\n",
	})
	f.want("start", "a.service", "done")
	f.write("late.service", "[Service]\nExecStart=SELF wait\n")
	f.want("restart", "top.target", "done")
	if state := f.property("late.service", "ActiveState"); state != "active" {
		t.Errorf("late.service is %v", state)
	}
}

func TestRequestsRefused(t *testing.T) {
	f := begin(t, map[string]string{"a.service": "[Service]\nExecStart=SELF wait\n"})
	ctx := f.context()
	enqueue := func(n, kind string) error {
		_, err := f.Enqueue(ctx, face.JobRequest{Unit: n, Type: kind, Wait: true})
		return err
	}
	f.want("start", "a.service", "done")
	cases := map[string]error{
		"NoSuchUnit":           enqueue("absent.service", "start"),
		"InvalidArgs":          enqueue("no name", "start"),
		"JobTypeNotApplicable": enqueue("a.service", "reload"),
		"NoSuchJob":            f.Cancel(ctx, 4711),
		"NoSuchProcess":        f.Kill(ctx, "a.service", "control", value.SIGTERM),
		"UnitBusy":             f.Remove(ctx, "a.service"),
	}
	for want, err := range cases {
		var e *face.Error
		if !errors.As(err, &e) || !strings.HasSuffix(e.Name, "."+want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A panic in a worker or in the engine is told, and the manager goes on.
func TestPanics(t *testing.T) {
	f := begin(t, map[string]string{"a.service": "[Service]\nExecStart=SELF wait\n"})
	worker := make(chan struct{})
	f.goes(func() { defer close(worker); panic("worker") })
	<-worker
	if err := f.call(f.context(), func() { panic("owner") }); err != nil {
		t.Fatal(err)
	}
	f.want("start", "a.service", "done")
	if _, err := f.end(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"in a worker: worker", "in the manager: owner"} {
		if !strings.Contains(f.log.String(), "internal error "+want+" (carrying on)") {
			t.Errorf("nothing is said of the panic %s", want)
		}
	}
}

// The end of the context stops all services, in order.
func TestEnd(t *testing.T) {
	f := begin(t, map[string]string{
		"a.service": "[Unit]\nAfter=b.service\n[Service]\nExecStart=SELF wait\n" +
			"ExecStopPost=SELF append DIR/out a\n",
		"b.service": "[Service]\nExecStart=SELF wait\nExecStopPost=SELF append DIR/out b\n",
	})
	f.want("start", "b.service", "done")
	f.want("start", "a.service", "done")
	end, err := f.end()
	if err != nil || end.Verb != "exit" || end.Status != 0 {
		t.Errorf("%+v, %v", end, err)
	}
	text, err := os.ReadFile(filepath.Join(f.dir, "out"))
	if err != nil || string(text) != "a\nb\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := f.Info(f.context()); !errors.Is(err, errEnded) {
		t.Errorf("a request to a manager that has ended: %v", err)
	}
}
