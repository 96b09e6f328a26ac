// Command testserviceclient talks to the sockets of testservice: every two
// seconds a line on the stream socket and a datagram on the other, and it prints
// what comes back. It knows the two addresses and nothing of who listens there.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// patience bounds one question, its answer included.
const patience = 10 * time.Second

// options is what the flags say.
type options struct {
	stream, datagram string
	every, after     time.Duration
	count            int
}

// main asks until it is told to end, or has asked often enough.
func main() {
	var o options
	flag.StringVar(&o.stream, "stream", "", "unix stream socket at `PATH`")
	flag.StringVar(&o.datagram, "datagram", "", "unix datagram socket at `PATH`")
	flag.DurationVar(&o.every, "every", 2*time.Second, "ask every `D`")
	flag.DurationVar(&o.after, "after", 0, "ask for the first time after `D`")
	flag.IntVar(&o.count, "count", 0, "ask `N` times; 0 is for ever")
	flag.Parse()
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer end()
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "testserviceclient: %v\n", err)
		os.Exit(1)
	}
}

// run asks o.count times. A question without an answer is an error.
func run(ctx context.Context, o options) error {
	if !wait(ctx, o.after) {
		return nil
	}
	for n := 1; o.count == 0 || n <= o.count; n++ {
		if err := ask(ctx, o, fmt.Sprintf("hello %d", n)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if n == o.count || !wait(ctx, o.every) {
			return nil
		}
	}
	return nil
}

// ask sends the question to each socket there is, and prints the answers.
func ask(ctx context.Context, o options, question string) error {
	if o.stream != "" {
		answer, err := askStream(ctx, o.stream, question)
		if err != nil {
			return fmt.Errorf("ask %s: %w", o.stream, err)
		}
		fmt.Printf("asked %q, answered %q\n", question, answer)
	}
	if o.datagram != "" {
		answer, err := askDatagram(ctx, o.datagram, question)
		if err != nil {
			return fmt.Errorf("ask %s: %w", o.datagram, err)
		}
		fmt.Printf("asked %q, answered %q\n", question, answer)
	}
	return nil
}

// askStream sends the question as a line, over a connection of its own.
func askStream(ctx context.Context, path, question string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, question); err != nil {
		return "", err
	}
	in := bufio.NewScanner(conn)
	if !in.Scan() {
		return "", errors.Join(errors.New("closed without an answer"), in.Err())
	}
	return in.Text(), nil
}

// askDatagram sends the question from an address that the answer can come back to.
func askDatagram(ctx context.Context, path, question string) (string, error) {
	own := filepath.Join(filepath.Dir(path), fmt.Sprintf("client-%d", os.Getpid()))
	conn, err := net.DialUnix("unixgram",
		&net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return "", err
	}
	defer os.Remove(own)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte(question)); err != nil {
		return "", err
	}
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	return string(buf[:n]), err
}

// wait reports whether d has passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
