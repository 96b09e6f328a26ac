//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command roused is the service manager: PID 1 of a machine or a container, or
// an ordinary process. It takes the options of systemd(1) that mean something
// here, and those of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face/dbus"
	"rouse/internal/face/gate"
	"rouse/internal/face/rpc"
	"rouse/internal/face/varlink"
	"rouse/internal/host/boot"
	"rouse/internal/host/bus"
	"rouse/internal/host/spawn"
	"rouse/internal/host/sys"
	"rouse/internal/manager"
)

// version is set when a release is built.
var version = "development"

func main() {
	spawn.Executor()
	requests := make(chan boot.Request, 64)
	signals := boot.Listen(boot.IsInit(), func(r boot.Request) { requests <- r }, say)
	debug.SetGCPercent(100)
	// The thread that waits for children counts as busy for a while.
	runtime.GOMAXPROCS(runtime.NumCPU() + 1)

	status := run(requests, signals)
	signals.Close()
	os.Exit(status)
}

func say(line string) { fmt.Fprintln(os.Stderr, "roused:", line) }

// run gives the exit status.
func run(requests chan boot.Request, signals *boot.Signals) int {
	o, err := parseOptions(os.Args, boot.IsInit())
	switch {
	case errors.Is(err, errHelp):
		fmt.Print(usage)
		return 0
	case err != nil:
		say(err.Error())
		return 1
	case o.version:
		fmt.Printf("roused %s, for unit files of systemd 252\n", version)
		return 0
	}
	end, err := work(o, requests, signals)
	if err != nil {
		say(err.Error())
		end = manager.Ending{Verb: "exit", Status: 1}
	}
	if o.init {
		return finish(end)
	}
	return end.Status
}

// work does what the options ask for.
func work(
	o *options, requests chan boot.Request, signals *boot.Signals,
) (manager.Ending, error) {
	given := takeOver(o.deserialize)
	if given != nil {
		o.filtered, o.runtimeDir = given.Filtered, given.RuntimeDir
	}
	if o.init {
		if err := bootMachine(o, given != nil); err != nil {
			return manager.Ending{}, err
		}
	}
	for {
		config, err := setUp(o)
		if err != nil {
			return manager.Ending{}, err
		}
		if o.test {
			return manager.Ending{}, test(config, o)
		}
		end, left, err := serve(config, o, requests, given)
		if left == nil {
			return end, err
		}
		say(left.execute(signals).Error() + "; going on with the program as it was")
		given = left
	}
}

// bootMachine does what PID 1 does before all else; again says that another program has
// done most of it.
func bootMachine(o *options, again bool) error {
	defer boot.Call("systemd", say)
	o.container = boot.Container() != ""
	if again {
		return nil
	}
	if err := boot.Mount(say); err != nil {
		return err
	}
	boot.Loopback(say)
	boot.Name(say)
	if o.container = boot.Container() != ""; !o.container {
		if err := boot.TakeCtrlAltDel(); err != nil {
			say(err.Error())
		}
	}
	return nil
}

// listen opens the control socket, or takes it over.
func listen(o *options, given *handover) (*net.UnixListener, error) {
	if given != nil && given.RPC != nil {
		l, err := gate.Listener(given.RPC.Listener)
		if err == nil {
			return l, nil
		}
		say(err.Error() + "; making a new one")
	}
	return rpc.Listen(o.socket)
}

// serve runs the manager with its faces until it ends, or is to execute itself again
// with what is left.
func serve(
	c manager.Config, o *options, requests chan boot.Request, given *handover,
) (end manager.Ending, left *handover, err error) {
	l, err := listen(o, given)
	if err != nil {
		return end, nil, err
	}
	leaving := &handover{Filtered: o.filtered, RuntimeDir: o.runtimeDir}
	leave := func() {}
	c.Leave = func() { leave() }
	rpcServer := rpc.Server{}
	if given != nil {
		c.State, rpcServer.Saved = given.state, given.RPC
	}
	var server *dbus.Server
	c.OnBus = func(conn *bus.Conn) bus.Receiver { return server.Attach(conn) }
	m := manager.New(c)
	rpcServer.Manager = m
	rpcServer.Log = func(line string) { m.Logf(engine.Notice, "%s", line) }
	server = dbus.NewServer(m, func(line string) { m.Logf(engine.Notice, "%s", line) })
	if given != nil && given.DBus != nil {
		server.Restore(given.DBus)
	}
	names := &varlink.Server{Users: m.DynamicUsers, Version: version}
	if given != nil {
		names.Saved = given.Users
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg, others sync.WaitGroup
	if !o.user { // a user cannot make others up
		wg.Go(func() { serveNames(ctx, m, names, c.RuntimeDir) })
	}
	wg.Go(func() { serveRPC(ctx, m, &rpcServer, l) })
	otherwise, stop := context.WithCancel(ctx)
	others.Go(func() { serveDBus(otherwise, m, server, c.RuntimeDir, given) })
	others.Go(func() { passSignals(otherwise, m, requests, given) })
	leave = func() {
		leaving.RPC = rpcServer.Suspend()
		server.Suspend()
		if !o.user {
			leaving.Users = names.Suspend()
		}
		stop()
		others.Wait()
	}
	end, err = m.Run(ctx)
	cancel()
	stop()
	wg.Wait()
	others.Wait()
	if end.Verb != "reexec" {
		return end, nil, err
	}
	leaving.state, leaving.DBus = end.State, server.Saved()
	for {
		select {
		case r := <-requests:
			leaving.Signals = append(leaving.Signals, r)
		default:
			return end, leaving, nil
		}
	}
}

// passSignals tells the manager what signals ask for, first those that the program before
// has left.
func passSignals(
	ctx context.Context, m *manager.Manager, requests <-chan boot.Request, given *handover,
) {
	if given != nil {
		for _, r := range given.Signals {
			m.Signalled(r)
		}
	}
	for {
		select {
		case r := <-requests:
			m.Signalled(r)
		case <-ctx.Done():
			return
		}
	}
}

func serveRPC(
	ctx context.Context, m *manager.Manager, server *rpc.Server, l *net.UnixListener,
) {
	if err := server.Serve(ctx, l); err != nil && ctx.Err() == nil {
		m.Logf(engine.Err, "control socket: %v", err)
	}
}

func serveDBus(
	ctx context.Context, m *manager.Manager, server *dbus.Server, dir string, given *handover,
) {
	var l *net.UnixListener
	err := errors.ErrUnsupported
	if given != nil && given.DBus != nil {
		l, err = gate.Listener(given.DBus.Listener)
	}
	if err != nil {
		l, err = dbus.Listen(dir)
	}
	if err != nil {
		m.Logf(engine.Warning, "private socket: %v", err)
		l = nil
	}
	if err := server.Serve(ctx, l); err != nil {
		m.Logf(engine.Warning, "private socket: %v", err)
	}
}

// serveNames answers who asks for users that are in no file.
func serveNames(ctx context.Context, m *manager.Manager, s *varlink.Server, dir string) {
	var l *net.UnixListener
	err := errors.ErrUnsupported
	if s.Saved != nil {
		l, err = gate.Listener(s.Saved.Listener)
	}
	if err != nil {
		l, err = gate.Listen(filepath.Join(dir, varlink.Path), 0o666)
	}
	if err != nil {
		m.Logf(engine.Warning, "users made up are not told to others: %v", err)
		l = nil
	}
	if err := s.Serve(ctx, l); err != nil {
		m.Logf(engine.Warning, "users made up are not told to others any more: %v", err)
	}
}

// patience is how long processes that no unit has ended may take after SIGTERM.
const patience = 10 * time.Second

// finish does the last things of PID 1. Of a machine, it returns only if the
// kernel refuses to end it.
func finish(end manager.Ending) int {
	boot.EndProcesses(patience, say)
	boot.Unmount(say)
	if err := boot.End(end.Verb, uint8(end.Status)); err != nil {
		say(err.Error())
		return 1
	}
	return end.Status
}

// test loads the target, says what is wrong and prints the transaction. --test.
func test(c manager.Config, o *options) error {
	report, err := manager.Check(c.Loader, o.target)
	for _, line := range report.Faults {
		fmt.Fprintln(os.Stderr, line)
	}
	if err != nil {
		return err
	}
	for _, j := range report.Jobs {
		fmt.Printf("%s/%s: %s\n", j.Unit, j.Type, j.Because)
	}
	return nil
}

// root is the file system that units are loaded from.
func root() fs.ReadLinkFS { return sys.NewRoot() }
