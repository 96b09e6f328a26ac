package scenario

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fds logs the descriptors that were handed over: their names and kinds.
func (a *actor) fds(string) error {
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil {
		return a.say("LISTEN_FDS unset")
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return errors.New("LISTEN_PID is not this process")
	}
	var all []string
	for i := range n {
		all = append(all, names[i]+":"+kindOf(3+i))
	}
	// Systemd has the sockets of several units in no order.
	slices.SortStableFunc(all, func(x, y string) int {
		x, _, _ = strings.Cut(x, ":")
		y, _, _ = strings.Cut(y, ":")
		return strings.Compare(x, y)
	})
	return a.say(fmt.Sprintf("fds=%d %s", n, strings.Join(all, " ")))
}

// kindOf tells what a descriptor is.
func kindOf(fd int) string {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err.Error()
	}
	mode := ""
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil &&
		flags&unix.O_NONBLOCK != 0 {
		mode = "+nonblock"
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil &&
		flags&unix.FD_CLOEXEC != 0 {
		mode += "+cloexec"
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return "fifo" + mode
	case unix.S_IFREG:
		return "file" + mode
	case unix.S_IFCHR:
		return "char" + mode
	case unix.S_IFSOCK:
	default:
		return fmt.Sprintf("mode %o", st.Mode)
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return err.Error()
	}
	types := map[int]string{
		unix.SOCK_STREAM: "stream", unix.SOCK_DGRAM: "dgram",
		unix.SOCK_SEQPACKET: "seqpacket", unix.SOCK_RAW: "raw",
	}
	family := "other"
	sa, err := unix.Getsockname(fd)
	switch sa.(type) {
	case *unix.SockaddrUnix:
		family = "unix"
	case *unix.SockaddrInet4:
		family = "inet"
	case *unix.SockaddrInet6:
		family = "inet6"
	}
	if err == nil {
		if l, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && l == 1 {
			mode = "+listen" + mode
		}
	}
	return family + "-" + types[kind] + mode
}

// reply writes to standard output, which may be a connection.
func (a *actor) reply(text string) error {
	_, err := fmt.Println(os.ExpandEnv(text))
	return err
}

// accept takes a connection on descriptor 3, or "FD:TEXT", answers and closes it.
func (a *actor) accept(value string) error {
	fd, text, ok := strings.Cut(value, ":")
	if !ok {
		fd, text = "3", value
	}
	n, err := strconv.Atoi(fd)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(n), "listener")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return err
	}
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = fmt.Fprintln(c, os.ExpandEnv(text))
	return err
}

// receive reads once from descriptor 3, or the one given, and logs it.
func (a *actor) receive(value string) error {
	fd := 3
	if value != "" {
		var err error
		if fd, err = strconv.Atoi(value); err != nil {
			return err
		}
	}
	buf := make([]byte, 4096)
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		return a.say("received " + strings.TrimSpace(string(buf[:n])))
	}
}
