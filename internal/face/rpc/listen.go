package rpc

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"rouse/internal/face/gate"
)

// Listen makes a control socket that only its owner may connect to, and its directory with
// 0755. A socket that nobody listens on any more is replaced; one that is in use is an error.
func Listen(path string) (*net.UnixListener, error) {
	if st, err := os.Lstat(path); err == nil {
		if st.Mode()&fs.ModeSocket == 0 {
			return nil, fmt.Errorf("listen %s: there is a file that is no socket", path)
		}
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			c.Close()
			return nil, fmt.Errorf("listen %s: another manager listens there", path)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("listen %s: %w", path, err)
		}
	}
	return gate.Listen(path, 0o600)
}
