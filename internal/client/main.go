package client

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"rouse/internal/face"
	"rouse/internal/face/rpc"
)

// Main runs the command of this process and gives its exit status.
func Main(version string) int {
	out := int(os.Stdout.Fd())
	width, _, err := term.GetSize(out)
	return Run(context.Background(), Env{
		Args:      os.Args,
		Stdin:     os.Stdin,
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		Getenv:    os.Getenv,
		Environ:   os.Environ,
		Dial:      dial,
		Root:      func(dir string) fs.ReadLinkFS { return os.DirFS(dir).(fs.ReadLinkFS) },
		Now:       time.Now,
		Monotonic: rpc.Monotonic,
		Local:     time.Local,
		ErrorText: errorText,
		Terminal:  err == nil && term.IsTerminal(out),
		Width:     width,
		Version:   version,
	})
}

// dial finds the manager's socket and connects to it.
func dial(ctx context.Context, user bool, socket string) (face.Manager, error) {
	if socket == "" {
		socket = rpc.SocketPath(user, os.Getenv)
	}
	return rpc.Dial(ctx, socket)
}

// errorText begins with a capital, as the C library has it.
func errorText(n int) string {
	text := syscall.Errno(n).Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
