package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// firstFD is the number of the first descriptor handed over. sd_listen_fds(3).
const firstFD = 3

// socket is one descriptor that the manager handed over: one of its three parts is set.
type socket struct {
	name   string
	stream net.Listener   // stream or sequential-packet
	packet net.PacketConn // datagram
	fifo   *os.File       // anything else, read line by line
}

// sockets are all of them, in the order of their numbers.
type sockets []socket

// String tells kinds and names: "2 sockets: stream web, datagram log".
func (s sockets) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sockets:", len(s))
	for i, k := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %s %s", k.kind(), k.name)
	}
	return b.String()
}

// kind names what the descriptor is.
func (s socket) kind() string {
	switch {
	case s.stream != nil:
		return "stream"
	case s.packet != nil:
		return "datagram"
	}
	return "fifo"
}

// inherit checks LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES as process pid must
// find them, and wants the names to be these in any order, if given. It takes over
// the descriptors.
func inherit(env func(string) string, pid int, names string) (sockets, error) {
	count, err := checkListen(env, pid, names)
	if err != nil {
		return nil, err
	}
	given := strings.Split(env("LISTEN_FDNAMES"), ":")
	all := make(sockets, 0, count)
	for i := range count {
		s, err := open(firstFD+i, given[i])
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// checkListen gives the number of descriptors handed over, or says which of the
// variables is wrong.
func checkListen(env func(string) string, pid int, names string) (int, error) {
	if got := env("LISTEN_PID"); got != strconv.Itoa(pid) {
		return 0, fmt.Errorf("LISTEN_PID is %q, not this process's %d", got, pid)
	}
	count, err := strconv.Atoi(env("LISTEN_FDS"))
	if err != nil || count < 1 {
		return 0, fmt.Errorf("LISTEN_FDS is %q, not a number of sockets", env("LISTEN_FDS"))
	}
	given := env("LISTEN_FDNAMES")
	if n := strings.Count(given, ":") + 1; n != count {
		return 0, fmt.Errorf("LISTEN_FDNAMES %q has %d names for %d sockets", given, n, count)
	}
	if names != "" && sorted(names) != sorted(given) {
		return 0, fmt.Errorf("LISTEN_FDNAMES is %q, want %q in any order", given, names)
	}
	return count, nil
}

// open finds out what descriptor fd is.
func open(fd int, name string) (socket, error) {
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Stat(); err != nil {
		return socket{}, fmt.Errorf("descriptor %d (%s): %w", fd, name, err)
	}
	return identify(f, name)
}

// sorted puts a list joined by colons in order.
func sorted(list string) string {
	return strings.Join(slices.Sorted(strings.SplitSeq(list, ":")), ":")
}

// identify takes over f. Package net makes a listener of any unix socket, even of
// one for datagrams, so that the kind of its address must decide.
func identify(f *os.File, name string) (socket, error) {
	if l, err := net.FileListener(f); err == nil {
		if l.Addr().Network() != "unixgram" {
			if u, ok := l.(*net.UnixListener); ok {
				u.SetUnlinkOnClose(false) // the manager's to remove
			}
			return socket{name: name, stream: l}, f.Close()
		}
		if err := l.(*net.UnixListener).Close(); err != nil {
			return socket{}, err
		}
	}
	if p, err := net.FilePacketConn(f); err == nil {
		return socket{name: name, packet: p}, f.Close()
	}
	return socket{name: name, fifo: f}, nil
}

// answer serves all sockets on goroutines of work until ctx ends.
func (s sockets) answer(ctx context.Context, work *sync.WaitGroup, log *logger) {
	for _, k := range s {
		stop := context.AfterFunc(ctx, k.close)
		work.Go(func() {
			defer stop()
			switch {
			case k.stream != nil:
				k.accept(ctx, work, log)
			case k.packet != nil:
				k.receive(log)
			default:
				k.lines(log)
			}
		})
	}
}

// close ends what waits on the descriptor.
func (s socket) close() {
	switch {
	case s.stream != nil:
		s.stream.Close()
	case s.packet != nil:
		s.packet.Close()
	default:
		s.fifo.Close()
	}
}

// reply is what every request gets: who answers, and what was heard.
func (s socket) reply(request string) string {
	return fmt.Sprintf("%s[%d]: %s", s.name, os.Getpid(), request)
}

// accept answers every line of every connection until the listener is closed;
// connections end with ctx.
func (s socket) accept(ctx context.Context, work *sync.WaitGroup, log *logger) {
	for {
		conn, err := s.stream.Accept()
		if err != nil {
			report(err, log)
			return
		}
		work.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			for in := bufio.NewScanner(conn); in.Scan(); {
				log.printf("%s heard %q", s.name, in.Text())
				if _, err := fmt.Fprintln(conn, s.reply(in.Text())); err != nil {
					return
				}
			}
		})
	}
}

// receive answers every datagram that has a sender until the socket is closed.
func (s socket) receive(log *logger) {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.packet.ReadFrom(buf)
		if err != nil {
			report(err, log)
			return
		}
		request := strings.TrimSuffix(string(buf[:n]), "\n")
		log.printf("%s heard %q", s.name, request)
		if from == nil || from.String() == "" {
			continue
		}
		if _, err := s.packet.WriteTo([]byte(s.reply(request)), from); err != nil {
			log.printf("%s: %v", s.name, err)
		}
	}
}

// lines prints every line until the file is closed.
func (s socket) lines(log *logger) {
	in := bufio.NewScanner(s.fifo)
	for in.Scan() {
		log.printf("%s heard %q", s.name, in.Text())
	}
	if err := in.Err(); err != nil {
		report(err, log)
	}
}

// report prints err, unless it only says that the descriptor was closed.
func report(err error, log *logger) {
	if !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
		log.printf("%v", err)
	}
}
