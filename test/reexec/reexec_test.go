// Package reexec has a manager with many services execute itself again and again, and
// reload, while connections come, timers fire, and services start, speak and end; and
// wants nothing to be lost: no process, exit status, message, connection, descriptor,
// job or request. It runs the real roused, without root.
//
// ROUSE_REEXEC=1000 has it done that often; 20 is usual. ROUSE_REEXEC_SERVICES says with
// how many services, 60 as a rule. The time that a re-execution takes is logged.
package reexec

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rouse/internal/face"
	"rouse/internal/face/rpc"
	"rouse/internal/unit"
	"rouse/test/live"
)

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestReexec and TestReload are described at the top.
func TestReexec(t *testing.T) {
	many(t, func(ctx context.Context, c *rpc.Client) error { return c.Reexecute(ctx) })
}

// TestReload does the same with daemon-reload.
func TestReload(t *testing.T) {
	many(t, func(ctx context.Context, c *rpc.Client) error {
		_, err := c.Reload(ctx, false)
		return err
	})
}

func many(t *testing.T, act func(context.Context, *rpc.Client) error) {
	if testing.Short() {
		t.Skip("-short: this takes some seconds")
	}
	w := begin(t)
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i := range 2 {
		load.Go(func() { w.connect(ctx, i) })
	}
	load.Go(func() { w.fail(ctx) })
	var took []time.Duration
	fds := 0
	for i := range number(t, "ROUSE_REEXEC", 20) {
		begun := time.Now()
		limit, cancel := context.WithTimeout(ctx, live.Patience)
		if err := act(limit, w.c); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		cancel()
		took = append(took, time.Since(begun))
		if i == 4 { // all that is opened once is open
			w.settle()
			fds = w.descriptors()
		}
	}
	cancel()
	load.Wait()
	w.settle()
	slices.Sort(took)
	t.Logf("%d times with %d services: median %v, 99th percentile %v; %d connections, %d failures",
		len(took), w.services, took[len(took)/2], took[len(took)*99/100], w.connections.Load(),
		w.failures.Load())
	if now := w.descriptors(); now > fds+2 { // an idle connection or two come and go
		t.Errorf("%d descriptors are open, %d were", now, fds)
	}
	w.check()
}

// world is a manager with its services.
type world struct {
	t                     *testing.T
	dir                   string
	c                     *rpc.Client
	m                     *live.Manager
	services              int
	pids                  map[string]uint32 // main processes of those that are not to change
	connections, failures atomic.Int64
}

func begin(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), services: number(t, "ROUSE_REEXEC_SERVICES", 60)}
	m := live.Start(t, w.dir, "", "all.target", w.units())
	w.c, w.m = m.Client, m
	w.pids = map[string]uint32{}
	for _, n := range w.steady() {
		w.await(n, "active")
		w.pids[n] = w.property(n, "MainPID").(uint32)
		if w.pids[n] == 0 {
			t.Fatalf("%s has no main process", n)
		}
	}
	return w
}

// steady are the services that nothing happens to.
func (w *world) steady() []string {
	var list []string
	for i := range w.services {
		switch {
		case i%20 == 19:
			list = append(list, fmt.Sprintf("watched@%d.service", i))
		case i%5 == 4:
			list = append(list, fmt.Sprintf("forking@%d.service", i))
		default:
			list = append(list, fmt.Sprintf("simple@%d.service", i))
		}
	}
	return append(list, "echo.service", "store.service")
}

func (w *world) units() map[string]string {
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	role := func(name, more string) string {
		return "[Service]\nExecStart=" + self + "\nEnvironment=REEXEC_ROLE=" + name + "\n" + more
	}
	count := "/bin/sh -c 'echo >> " + w.dir + "/"
	return map[string]string{
		"all.target": "[Unit]\nWants=" + strings.Join(w.steady(), " ") + " echo.socket each.socket\n" +
			"Wants=beat.timer again.service\n",
		"simple@.service": "[Service]\nExecStart=/bin/sleep 100000\n",
		"forking@.service": "[Service]\nType=forking\nPIDFile=" + w.dir + "/%i.pid\n" +
			"ExecStart=/bin/sh -c 'sleep 100000 & echo $$! > " + w.dir + "/%i.pid'\n",
		"watched@.service": role("watched", "Type=notify\nWatchdogSec=20\n"),
		"store.service":    role("store", "Type=notify\nFileDescriptorStoreMax=1000\n"),
		"echo.socket":      "[Socket]\nListenStream=" + w.dir + "/echo\n",
		"echo.service":     role("echo", ""),
		"each.socket": "[Socket]\nListenStream=" + w.dir + "/each\nAccept=yes\n" +
			"TriggerLimitIntervalSec=0\nMaxConnections=1000\n",
		"each@.service": "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n",
		"beat.timer":    "[Timer]\nOnActiveSec=50ms\nOnUnitActiveSec=50ms\nAccuracySec=1ms\n",
		"beat.service": "[Unit]\nStartLimitIntervalSec=0\n" +
			"[Service]\nExecStart=" + count + "beats'\n",
		"again.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\n" +
			"RestartSec=10ms\nExecStart=" + count + "agains'\n",
		"fail@.service": "[Unit]\nStartLimitIntervalSec=0\n" +
			"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sleep 0.0%i; exit 1%i'\n",
	}
}

func (w *world) property(name, property string) any {
	w.t.Helper()
	list, err := w.c.Properties(context.WithoutCancel(w.t.Context()), name)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range list {
		if p.Name == property {
			return p.Value
		}
	}
	w.t.Fatalf("%s has no %s", name, property)
	return nil
}

func (w *world) await(name, state string) {
	w.t.Helper()
	live.Until(w.t, name+" is "+state, func() bool { return w.property(name, "ActiveState") == state })
}

// connect makes connections until ctx ends; each must be answered.
func (w *world) connect(ctx context.Context, i int) {
	for n := 0; ctx.Err() == nil; n++ {
		at, want := "echo", "LINE\n"
		if (n+i)%4 == 0 {
			at, want = "each", "line\n"
		}
		if err := ask(filepath.Join(w.dir, at), want); err != nil {
			w.t.Errorf("connection %d to %s: %v", n, at, err)
			return
		}
		w.connections.Add(1)
	}
}

func ask(at, want string) error {
	conn, err := net.DialTimeout("unix", at, live.Patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(live.Patience)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("line\n")); err != nil {
		return err
	}
	got, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && got != want {
		err = fmt.Errorf("got %q, want %q", got, want)
	}
	return err
}

// fail has services fail, and wants to hear of each end what it was.
func (w *world) fail(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		i := n % 7
		name := fmt.Sprintf("fail@%d.service", i)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), live.Patience)
		r, err := w.c.Enqueue(limit, face.JobRequest{
			Unit: name, Type: "start", Mode: unit.Replace, Wait: true,
		})
		cancel()
		if err != nil || r.Result != "failed" {
			w.t.Errorf("start %s: %q, %v", name, r.Result, err)
			return
		}
		want := int32(10 + i)
		if status := w.property(name, "ExecMainStatus"); status != want {
			w.t.Errorf("%s ended with %v, want %v", name, status, want)
			return
		}
		w.failures.Add(1)
	}
}

// settle waits until all connections of this test have ended.
func (w *world) settle() {
	live.Until(w.t, "no connection is open", func() bool {
		return w.property("each.socket", "NConnections") == uint32(0)
	})
}

// descriptors counts what the manager has open but what it stores for store.service.
func (w *world) descriptors() int {
	return w.m.Descriptors(w.t) - int(w.property("store.service", "NFileDescriptorStore").(uint32))
}

// check wants all to be as it was.
func (w *world) check() {
	t := w.t
	for _, n := range w.steady() {
		if state := w.property(n, "ActiveState"); state != "active" {
			t.Errorf("%s is %v", n, state)
		}
		if pid := w.property(n, "MainPID"); pid != w.pids[n] {
			t.Errorf("the main process of %s is %v, was %d", n, pid, w.pids[n])
		}
		if w.property(n, "NRestarts") != uint32(0) {
			t.Errorf("%s was restarted", n)
		}
	}
	live.Until(w.t, "all descriptors are in store", func() bool {
		return w.property("store.service", "NFileDescriptorStore") == uint32(stored)
	})
	if text := w.property("store.service", "StatusText"); text != strconv.Itoa(stored) {
		t.Errorf("the last message was %v", text)
	}
	for _, file := range []string{"beats", "agains"} {
		n := w.lines(file)
		if n < 2 {
			t.Errorf("%d %s", n, file)
		}
		live.Until(w.t, "there are more "+file, func() bool { return w.lines(file) > n+2 })
	}
}

func (w *world) lines(file string) int {
	text, _ := os.ReadFile(filepath.Join(w.dir, file))
	return strings.Count(string(text), "\n")
}
