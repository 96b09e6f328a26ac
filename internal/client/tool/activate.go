package tool

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"rouse/internal/host/socket"
	"rouse/internal/host/sys"
	"rouse/internal/unit/value"
)

var activateProgram = Program{
	Name: "systemd-socket-activate", Args: "COMMAND ...",
	About: "Listen on sockets and launch child on connection",
	Flags: []Flag{
		{"l", "listen", "ADDR", "Listen for raw connections at ADDR"},
		{"d", "datagram", "", "Listen on datagram instead of stream socket"},
		{"", "seqpacket", "", "Listen on SOCK_SEQPACKET instead of stream socket"},
		{"a", "accept", "", "Spawn separate child for each connection"},
		{"E", "setenv", "NAME[=VALUE]", "Pass an environment variable to children"},
		{"", "fdname", "NAME[:NAME...]", "Specify names for file descriptors"},
		{"", "inetd", "", "Enable inetd file descriptor passing protocol"},
	},
	Stop: true,
	Run:  activate,
}

// firstFD is the number of the first descriptor that is passed. sd_listen_fds(3).
const firstFD = 3

func activate(r *Run) (int, error) {
	name := filepath.Base(r.Env.Args[0])
	switch {
	case r.Has("datagram") && r.Has("seqpacket"):
		return 1, Complain("--seqpacket may not be combined with --datagram.")
	case len(r.Args) == 0:
		return 1, Complain("%s: command to execute is missing.", name)
	case r.Has("datagram") && r.Has("accept"):
		return 1, Complain("Datagram sockets do not accept connections. " +
			"The --datagram and --accept options may not be combined.")
	}
	if r.Getenv(childMark) != "" {
		return activated(r)
	}
	passed := 0
	if pid, _ := strconv.Atoi(r.Getenv("LISTEN_PID")); pid == os.Getpid() {
		passed, _ = strconv.Atoi(r.Getenv("LISTEN_FDS"))
	}
	fds := []int{}
	for i := range passed {
		fds = append(fds, firstFD+i)
	}
	for _, s := range r.Values("listen") {
		fd, err := r.listen(s)
		if err != nil {
			return 1, Complain("Failed to open '%s': %s", s, r.reason(err))
		}
		r.Say("Listening on %s as %d.", s, fd)
		fds = append(fds, fd)
	}
	if len(fds) == 0 {
		return 1, Complain("No sockets to listen on specified or passed in.")
	}
	for {
		ready, err := sys.Readable(fds)
		if err != nil {
			return 1, Complain("epoll_wait() failed: %s", r.reason(err))
		}
		for _, fd := range ready {
			if !r.Has("accept") {
				return 1, r.execute(fds)
			}
			if err := r.serve(fd); err != nil {
				r.Say("%v", err)
			}
		}
	}
}

func (r *Run) listen(address string) (int, error) {
	a, err := socket.ParseAddress(address)
	if err != nil {
		return -1, sys.EINVAL
	}
	kind := sys.Stream
	switch {
	case r.Has("datagram"):
		kind = sys.DatagramT
	case r.Has("seqpacket"):
		kind = sys.SeqPacket
	}
	fd, err := sys.NewSocket(a, kind, 0)
	if err != nil {
		return -1, err
	}
	if a.Unix != "" && a.Unix[0] == '/' {
		if info, err := os.Lstat(a.Unix); err == nil && info.Mode()&os.ModeSocket != 0 {
			os.Remove(a.Unix) // of a former run
		}
	} else if a.Unix == "" {
		sys.SetOption(fd, sys.ReuseAddress, 1)
	}
	if err := sys.Bind(fd, a); err != nil {
		return -1, err
	}
	if kind != sys.DatagramT {
		err = sys.Listen(fd, 4096)
	}
	return fd, err
}

// serve starts a child for one connection. The child is this program, which knows its
// number, and becomes the command: $LISTEN_PID cannot be told beforehand.
func (r *Run) serve(fd int) error {
	conn, err := sys.Accept(fd)
	if err != nil {
		return Complain("Failed to accept connection: %s", r.reason(err))
	}
	sys.SetNonblock(conn, false)
	file := os.NewFile(uintptr(conn), "connection")
	defer file.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{}
	for _, o := range [...]string{"setenv", "fdname"} {
		for _, v := range r.Values(o) {
			args = append(args, "--"+o+"="+v)
		}
	}
	if r.Has("inetd") {
		args = append(args, "--inetd")
	}
	cmd := exec.Command(self, append(append(args, "--"), r.Args...)...)
	cmd.Args[0] = r.Program.Name
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{file}
	cmd.Env = append(r.Environ(), "LISTEN_FDS=1", childMark+"=1")
	if err := cmd.Start(); err != nil {
		return err
	}
	r.Say("Spawned %s (%s) as PID %d.", r.Args[0], strings.Join(r.Args, " "), cmd.Process.Pid)
	go func() { // which ends with the command
		err := cmd.Wait()
		r.Say("Child %d died with code %d", cmd.Process.Pid, cmd.ProcessState.ExitCode())
		_ = err
	}()
	return nil
}

// childMark tells the child of serve that its descriptor is there.
const childMark = "ROUSE_ACTIVATED"

// activated is what the child of serve does.
func activated(r *Run) (int, error) { return 1, r.execute([]int{firstFD}) }

// execute becomes the command, with the descriptors.
func (r *Run) execute(fds []int) error {
	names := strings.Split(r.Value("fdname"), ":")
	if !r.Has("fdname") {
		names = nil
	}
	if len(names) > len(fds) {
		return Complain("The number of fd names specified is too large.")
	}
	env := []string{}
	for _, v := range r.Environ() {
		switch k, _, _ := strings.Cut(v, "="); k {
		case "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", childMark:
		default:
			env = append(env, v)
		}
	}
	for _, v := range r.Values("setenv") {
		if !strings.Contains(v, "=") {
			v += "=" + r.Getenv(v)
		}
		env = value.MergeEnv(env, []string{v})
	}
	if r.Has("inetd") {
		if len(fds) != 1 {
			return Complain("--inetd only supported for single file descriptors.")
		}
		if err := errors.Join(sys.DupTo(fds[0], 0), sys.DupTo(fds[0], 1)); err != nil {
			return err
		}
	} else {
		if err := line(fds); err != nil {
			return err
		}
		env = append(env, fmt.Sprintf("LISTEN_FDS=%d", len(fds)),
			fmt.Sprintf("LISTEN_PID=%d", os.Getpid()))
		if names != nil {
			for len(names) < len(fds) {
				names = append(names, names[len(names)-1])
			}
			env = append(env, "LISTEN_FDNAMES="+strings.Join(names, ":"))
		}
	}
	program, err := r.findProgram(r.Args[0])
	if err == nil {
		r.Say("Execing %s (%s)", r.Args[0], strings.Join(r.Args, " "))
		err = sys.Exec(program, r.Args, env)
	}
	return Complain("Failed to execp %s (%s): %s", r.Args[0], strings.Join(r.Args, " "), r.reason(err))
}

// line puts descriptors at 3 and on, blocking and open over exec.
func line(fds []int) error {
	aside := []int{}
	for _, fd := range fds {
		sys.SetNonblock(fd, false)
		n, err := sys.DupAbove(fd, firstFD+len(fds))
		if err != nil {
			return err
		}
		aside = append(aside, n)
	}
	for i, fd := range aside {
		if err := sys.DupTo(fd, firstFD+i); err != nil {
			return err
		}
	}
	return nil
}
