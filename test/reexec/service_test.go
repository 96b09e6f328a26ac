package reexec

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roles are what the test is when a unit file starts it.
var roles = map[string]func() error{"watched": watched, "store": store, "echo": echo}

// TestMain is a service, if the unit file says so, and else the test.
func TestMain(m *testing.M) {
	role := roles[os.Getenv("REEXEC_ROLE")]
	if role == nil {
		os.Exit(m.Run())
	}
	if err := role(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		os.Exit(1)
	}
}

// say sends a message to the manager, with a descriptor if that is not nil.
func say(text string, f *os.File) error {
	var oob []byte
	if f != nil {
		oob = syscall.UnixRights(int(f.Fd()))
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	to := &syscall.SockaddrUnix{Name: os.Getenv("NOTIFY_SOCKET")}
	for {
		err = syscall.Sendmsg(fd, []byte(text), oob, to, 0)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// watched is a service whose watchdog would bite if its messages were lost.
func watched() error {
	if err := say("READY=1", nil); err != nil {
		return err
	}
	for range time.Tick(100 * time.Millisecond) {
		if err := say("WATCHDOG=1", nil); err != nil {
			return err
		}
	}
	return nil
}

// stored is how many messages store sends.
const stored = 150

// store leaves a pipe with the manager in each of its messages, and counts in them: the
// manager has as many descriptors as messages came.
func store() error {
	if err := say("READY=1", nil); err != nil {
		return err
	}
	tick := time.NewTicker(4 * time.Millisecond)
	for i := range stored {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		if err := say(fmt.Sprintf("FDSTORE=1\nFDPOLL=0\nSTATUS=%d", i+1), r); err != nil {
			return err
		}
		r.Close()
		w.Close()
		<-tick.C
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	return nil
}

// echo answers each connection of the socket that it was given, one line each.
func echo() error {
	l, err := net.FileListener(os.NewFile(3, "handed over"))
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			line, err := bufio.NewReader(c).ReadString('\n')
			if err == nil {
				_, _ = c.Write([]byte(strings.ToUpper(line)))
			}
		}()
	}
}
