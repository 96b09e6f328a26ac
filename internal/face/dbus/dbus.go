// Package dbus is the place of the D-Bus face. It does not speak D-Bus yet: it
// holds the private socket that systemd's clients connect to and turns each of
// them away at once, so that they fail with a message instead of waiting for an
// answer that nobody gives. It answers for no man page so far.
package dbus

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
)

// PrivateSocket is where systemd's clients look for their manager, below /run or
// $XDG_RUNTIME_DIR.
const PrivateSocket = "systemd/private"

// Listen opens the private socket below dir, in the place of one that is there.
func Listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, PrivateSocket)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}

// Serve turns clients away until ctx ends. It closes l.
func Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		c.Close()
	}
}
