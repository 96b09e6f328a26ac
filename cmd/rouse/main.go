// Command rouse asks and tells a running roused. Called as systemctl, it takes
// the arguments of systemctl.
package main

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"time"

	"rouse/internal/client"
	"rouse/internal/face"
	"rouse/internal/face/rpc"
	"rouse/internal/host/sys"
)

// version is set when a release is built.
var version = "development"

func main() { os.Exit(run()) }

func run() int {
	width, terminal := sys.TerminalWidth(os.Stdout.Fd())
	return client.Run(context.Background(), client.Env{
		Args:      os.Args,
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		Getenv:    os.Getenv,
		Dial:      dial,
		Root:      func(dir string) fs.ReadLinkFS { return os.DirFS(dir).(fs.ReadLinkFS) },
		Now:       time.Now,
		Monotonic: sys.Monotonic,
		Local:     time.Local,
		ErrorText: errorText,
		Terminal:  terminal,
		Width:     width,
		Version:   version,
	})
}

func dial(ctx context.Context, user bool, socket string) (face.Manager, error) {
	if socket == "" {
		socket = rpc.SocketPath(user, os.Getenv)
	}
	return rpc.Dial(ctx, socket)
}

// errorText begins with a capital, as the C library has it.
func errorText(n int) string {
	text := sys.Errno(n).Error()
	return strings.ToUpper(text[:1]) + text[1:]
}
