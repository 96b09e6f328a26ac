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
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"rouse/internal/engine"
	"rouse/internal/face/dbus"
	"rouse/internal/face/rpc"
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

	status := run(requests)
	signals.Close()
	os.Exit(status)
}

func say(line string) { fmt.Fprintln(os.Stderr, "roused:", line) }

// run gives the exit status.
func run(requests <-chan boot.Request) int {
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
	end, err := work(o, requests)
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
func work(o *options, requests <-chan boot.Request) (manager.Ending, error) {
	if o.init {
		if err := boot.Mount(say); err != nil {
			return manager.Ending{}, err
		}
		boot.Loopback(say)
		if o.container = boot.Container() != ""; !o.container {
			if err := boot.TakeCtrlAltDel(); err != nil {
				say(err.Error())
			}
		}
	}
	config, err := setUp(o)
	if err != nil {
		return manager.Ending{}, err
	}
	if o.test {
		return manager.Ending{}, test(config, o)
	}
	return serve(config, o, requests)
}

// serve runs the manager with its faces until it ends.
func serve(c manager.Config, o *options, requests <-chan boot.Request) (manager.Ending, error) {
	l, err := rpc.Listen(o.socket)
	if err != nil {
		return manager.Ending{}, err
	}
	var server *dbus.Server
	c.OnBus = func(conn *bus.Conn) bus.Receiver { return server.Attach(conn) }
	m := manager.New(c)
	server = dbus.NewServer(m, func(line string) { m.Logf(engine.Notice, "%s", line) })
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { serveRPC(ctx, m, l) })
	wg.Go(func() { serveDBus(ctx, m, server, c.RuntimeDir) })
	wg.Go(func() {
		for {
			select {
			case r := <-requests:
				m.Signalled(r)
			case <-ctx.Done():
				return
			}
		}
	})
	end, err := m.Run(ctx)
	cancel()
	wg.Wait()
	return end, err
}

func serveRPC(ctx context.Context, m *manager.Manager, l net.Listener) {
	server := rpc.Server{Manager: m, Log: func(line string) { m.Logf(engine.Notice, "%s", line) }}
	if err := server.Serve(ctx, l); err != nil && ctx.Err() == nil {
		m.Logf(engine.Err, "control socket: %v", err)
	}
}

func serveDBus(ctx context.Context, m *manager.Manager, server *dbus.Server, dir string) {
	l, err := dbus.Listen(dir)
	if err == nil {
		err = server.Serve(ctx, l)
	}
	if err != nil {
		m.Logf(engine.Warning, "private socket: %v", err)
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
