package client

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"rouse/internal/face"
	"rouse/internal/face/dbus/client"
	"rouse/internal/face/dbus/remote"
	"rouse/internal/face/rpc"
	"rouse/internal/host/identity"
	"rouse/internal/host/machine"
	"rouse/internal/unit/specifier"
)

// Main runs the command of this process and gives its exit status.
func Main(version string) int {
	out := int(os.Stdout.Fd())
	width, _, err := term.GetSize(out)
	return Run(context.Background(), Env{
		Args:       os.Args,
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		Getenv:     os.Getenv,
		Environ:    os.Environ,
		Dial:       dial,
		DialBus:    dialBus,
		LogControl: logControl,
		Root:       func(dir string) fs.ReadLinkFS { return os.DirFS(dir).(fs.ReadLinkFS) },
		Now:        time.Now,
		Monotonic:  rpc.Monotonic,
		Local:      time.Local,
		Facts:      facts,
		Exec:       execute,
		ErrorText:  errorText,
		Terminal:   err == nil && term.IsTerminal(out),
		Width:      width,
		Version:    version,
	})
}

// dial finds the manager's socket and connects to it. Where no roused listens it speaks
// D-Bus, as with systemd.
func dial(ctx context.Context, user bool, socket string) (face.Manager, error) {
	if socket != "" {
		return rpc.Dial(ctx, socket)
	}
	m, err := rpc.Dial(ctx, rpc.SocketPath(user, os.Getenv))
	if err == nil {
		return m, nil
	}
	if other, busErr := dialBus(user); busErr == nil {
		return other, nil
	}
	return nil, err
}

// dialBus connects to a manager by D-Bus: on its private socket, which root and its own
// user may use, and else on the message bus.
func dialBus(user bool) (face.Manager, error) {
	private, shared, err := sockets(user)
	if err != nil {
		return nil, err
	}
	m, err := remote.Dial(private, false)
	if err != nil {
		m, err = remote.Dial(shared, true)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// sockets are the manager's private one and that of the message bus.
func sockets(user bool) (private, shared string, err error) {
	if !user {
		return client.PrivateSocket, client.SystemBus, nil
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return "", "", errors.New("XDG_RUNTIME_DIR is not set")
	}
	return filepath.Join(dir, "systemd/private"), filepath.Join(dir, "bus"), nil
}

// logControl is Env.LogControl.
func logControl(user bool, name, property, to string) (string, error) {
	_, shared, err := sockets(user)
	if err != nil {
		return "", err
	}
	c, err := client.Dial(shared, true, nil)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.LogControl(name, property, to)
}

// errorText begins with a capital, as the C library has it.
func errorText(n int) string {
	text := syscall.Errno(n).Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// execute runs another program.
func execute(argv []string) (int, error) {
	c := exec.Command(argv[0], argv[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return ended.ExitCode(), nil
	}
	return 0, err
}

// facts gives what specifiers tell of the machine; its ID is that of the root directory.
func facts(root string) *specifier.Machine {
	m := machine.Facts(identity.New(root))
	if root != "/" {
		m.MachineID = func() (string, error) {
			id, err := os.ReadFile(filepath.Join(root, "etc/machine-id"))
			return strings.TrimSpace(string(id)), err
		}
	}
	return m
}
