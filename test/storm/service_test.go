package storm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// serve is the service: it answers each connection on descriptor 3 with the line
// that came and its process ID, one after the other, until SIGTERM.
//
// Who is killed after it has accepted a connection loses that one, whatever the
// manager does. So the file gate is locked, shared, from before each accept until
// after the answer; the test locks it alone while it kills, and what it finds
// unanswered then was lost by the manager.
func serve(gate string) error {
	lock, err := os.OpenFile(gate, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := syscall.SetNonblock(3, true); err != nil {
		return fmt.Errorf("descriptor 3: %w", err)
	}
	listener := os.NewFile(3, "handed over")
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer end()
	context.AfterFunc(ctx, func() { listener.Close() })
	if err := ready(); err != nil {
		return err
	}
	for {
		err := raw.Read(func(fd uintptr) bool { return next(lock, int(fd)) })
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ready tells the manager so, over a connection of its own.
func ready() error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte("READY=1"))
	return err
}

// next answers a connection of the listener fd, if there is one.
func next(lock *os.File, fd int) bool {
	if err := flock(lock, syscall.LOCK_SH); err != nil {
		return true
	}
	defer flock(lock, syscall.LOCK_UN)
	conn, _, err := syscall.Accept(fd)
	if err != nil {
		return !errors.Is(err, syscall.EAGAIN)
	}
	f := os.NewFile(uintptr(conn), "connection")
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err == nil {
		fmt.Fprintf(f, "%d %s", os.Getpid(), line)
	}
	return true
}

// flock locks or unlocks the file, however often a signal interrupts.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
