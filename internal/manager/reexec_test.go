package manager

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/unit"
	"rouse/internal/unit/load"
)

// canLeave makes a manager that executes itself again: here it is this process that goes
// on with the state, as when a program cannot be executed.
func canLeave(c *Config, _ *load.Config) { c.Leave = func() {} }

// again executes the manager again. The state goes through spoil on its way.
func (f *fixture) again(spoil func(string) string) {
	f.t.Helper()
	if err := f.Reexecute(f.context()); !errors.Is(err, face.ErrSuspended) {
		f.t.Fatalf("reexecute: %v", err)
	}
	f.goOn(spoil)
}

// goOn waits until the manager leaves, and starts the next one.
func (f *fixture) goOn(spoil func(string) string) {
	f.t.Helper()
	select {
	case r := <-f.done:
		if r.error != nil || r.Verb != "reexec" {
			f.t.Fatalf("the manager ended with %q, %v", r.Verb, r.error)
		}
		data, err := json.Marshal(r.State)
		if err != nil {
			f.t.Fatal(err)
		}
		engine := []byte(spoil(string(r.State.Engine)))
		if f.config.State, err = ParseState([]byte(spoil(string(data))), engine); err != nil {
			f.t.Fatal(err)
		}
	case <-time.After(patience):
		f.t.Fatal("the manager does not leave")
	}
	f.run()
}

func whole(state string) string { return state }

// leaving are the units that a manager has when it leaves.
var leaving = map[string]string{
	"steady.service": "[Service]\nExecStart=SELF wait\n",
	"notify.service": "[Service]\nType=notify\nExecStart=SELF notify\n",
	"slow.service":   "[Service]\nType=oneshot\nExecStart=/bin/sleep 0.5\nExecStart=SELF exit 3\n",
	"s.socket":       "[Socket]\nListenStream=DIR/s\nRemoveOnStop=yes\n",
	"s.service":      "[Service]\nExecStart=SELF answer\n",
	"t.socket":       "[Socket]\nListenStream=DIR/t\n",
	"t.service":      "[Service]\nExecStart=SELF answer\n",
}

// answers connects to a socket of the fixture's directory and gives what comes.
func (f *fixture) answers(name string) string {
	f.t.Helper()
	c, err := net.Dial("unix", filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		f.t.Fatal(err)
	}
	return line
}

func (f *fixture) mainPID(name string) int {
	f.t.Helper()
	pid := 0
	if err := f.call(f.context(), func() {
		s, _ := f.e.Unit(name)
		pid = s.MainPID
	}); err != nil {
		f.t.Fatal(err)
	}
	return pid
}

// Everything goes on in another manager: processes, sockets, jobs and who waits for them.
func TestReexec(t *testing.T) {
	f := begin(t, leaving, canLeave)
	for _, n := range []string{"steady.service", "notify.service", "s.socket", "t.socket"} {
		f.want("start", n, "done")
	}
	before := f.answers("s")
	pids := []int{f.mainPID("steady.service"), f.mainPID("notify.service")}
	result := make(chan error, 1)
	var job face.JobReply
	queued := make(chan bool)
	go func() {
		r, err := f.Manager.Enqueue(f.context(), face.JobRequest{
			Unit: "slow.service", Type: "start", Mode: unit.Replace, Wait: true,
			Queued: func() { close(queued) },
		})
		job = r
		result <- err
	}()
	<-queued
	old := f.Manager
	f.again(whole)
	if err := <-result; !errors.Is(err, face.ErrSuspended) || job.ID == 0 {
		t.Fatalf("who waits for a job is given %+v, %v", job, err)
	}
	if old == f.Manager {
		t.Fatal("it is the same manager")
	}
	if word, err := f.Await(f.context(), job.ID); word != "failed" || err != nil {
		t.Errorf("the job's result is %q, %v", word, err)
	}
	if word, err := f.Await(f.context(), job.ID+100); err == nil {
		t.Errorf("the result of a job that never was is %q", word)
	}
	if now := []int{f.mainPID("steady.service"), f.mainPID("notify.service")}; now[0] != pids[0] ||
		now[1] != pids[1] {
		t.Errorf("processes %v, were %v", now, pids)
	}
	if after := f.answers("s"); after != before {
		t.Errorf("another process answers: %s, was %s", after, before)
	}
	f.answers("t") // nobody had asked it before
	f.want("stop", "steady.service", "done")
	f.want("stop", "s.service", "done")
	f.want("stop", "s.socket", "done")
	if _, err := os.Stat(filepath.Join(f.dir, "s")); err == nil {
		t.Error("RemoveOnStop= is forgotten")
	}
}

// Of a state that is not understood, what is running is taken over.
func TestReexecUnreadable(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"newer": func(s string) string {
			return strings.Replace(s, `"Format":1`, `"Format":99`, 1)
		},
		"other kinds": func(s string) string {
			return strings.Replace(s, `"LastReq":`, `"LastReq":"x","Was":`, 1)
		},
		"no engine": func(s string) string {
			return strings.Replace(s, `"RNG":`, `"RNG":1,"Was":`, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := begin(t, leaving, canLeave)
			for _, n := range []string{"steady.service", "notify.service", "s.socket", "t.socket"} {
				f.want("start", n, "done")
			}
			before := f.answers("s")
			f.want("start", "s.service", "done") // it answers before the manager knows of it
			pid := f.mainPID("steady.service")
			f.again(spoil)
			if now := f.mainPID("steady.service"); now != pid {
				t.Errorf("process %d, was %d", now, pid)
			}
			if after := f.answers("s"); after != before {
				t.Errorf("another process answers: %s, was %s", after, before)
			}
			f.answers("t")
			f.want("stop", "steady.service", "done")
			f.want("stop", "notify.service", "done")
			if !strings.Contains(f.log.String(), "cannot go on with the state that was saved") {
				t.Error("nothing is said of it")
			}
		})
	}
}

// An internal error is followed by a re-execution, but not again and again.
func TestRepair(t *testing.T) {
	f := begin(t, leaving, canLeave)
	f.want("start", "steady.service", "done")
	pid := f.mainPID("steady.service")
	f.goes(func() { panic("worker") })
	f.goOn(whole)
	if now := f.mainPID("steady.service"); now != pid {
		t.Errorf("process %d, was %d", now, pid)
	}
	if err := f.call(f.context(), func() { panic("owner") }); err != nil {
		t.Fatal(err)
	}
	f.want("start", "notify.service", "done")
	select {
	case r := <-f.done:
		t.Errorf("it leaves again: %+v", r)
	default:
	}
}

// A process whose end nobody has seen is told to the engine.
func TestMissing(t *testing.T) {
	f := begin(t, map[string]string{
		"a.service": "[Service]\nExecStart=SELF wait\nRestart=on-failure\nRestartSec=0\n",
	}, canLeave)
	f.want("start", "a.service", "done")
	f.again(func(s string) string {
		if f.config.State == nil && strings.Contains(s, `"Format":`) {
			bury(t, s)
		}
		return s
	})
	end := time.Now().Add(patience)
	for f.mainPID("a.service") == 0 && time.Now().Before(end) {
		if err := f.call(f.context(), func() {}); err != nil {
			t.Fatal(err)
		}
	}
	if s := f.log.String(); !strings.Contains(s, "nobody knows how") {
		t.Error("nothing is said of it")
	}
}

// bury ends the main process of a.service and waits for it, as nobody else does.
func bury(t *testing.T, state string) {
	t.Helper()
	s, err := ParseState([]byte(state), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range s.Units {
		if u.Name == "a.service" {
			p, err := os.FindProcess(u.Main)
			if err != nil {
				t.Fatal(err)
			}
			p.Kill()
			p.Wait()
		}
	}
}

// A process whose start was under way is known by its number also where the state cannot
// be read, or nobody would be told of its end.
func TestReexecUnreadableAmidStart(t *testing.T) {
	for many := range 10 {
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			units := map[string]string{}
			for n := range many {
				units[fmt.Sprintf("a%d.service", n)] = "[Service]\nExecStart=SELF wait\n"
			}
			f := begin(t, units, canLeave)
			for n := range units {
				_, err := f.Enqueue(f.context(), face.JobRequest{Unit: n, Type: "start"})
				if err != nil {
					t.Fatal(err)
				}
			}
			f.again(func(s string) string { return strings.Replace(s, `"RNG":`, `"RNG":1,"Was":`, 1) })
			for n := range units {
				if pid := f.mainPID(n); pid == 0 && f.property(n, "ActiveState") == "active" {
					t.Errorf("%s runs without a process", n)
				}
				f.want("stop", n, "done")
			}
		})
	}
}
