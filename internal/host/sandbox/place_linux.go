package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"rouse/internal/host/sys"
)

// Make makes what is not there yet. Nobody may do anything with what is inaccessible.
// Devices cannot be made everywhere; a socket takes their place then.
func (p Place) Make() error {
	if p.Incoming != "" {
		if err := os.MkdirAll(filepath.Dir(p.Incoming), 0o755); err != nil {
			return err
		}
		if err := os.Mkdir(p.Incoming, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for _, dir := range []string{p.Base, p.Blocked} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.Mkdir(p.Blocked+"/dir", 0); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, n := range []struct {
		name string
		mode uint32
	}{
		{"reg", sys.TypeFile}, {"fifo", sys.TypeFIFO}, {"sock", sys.TypeSocket},
		{"chr", sys.TypeChar}, {"blk", sys.TypeBlock},
	} {
		err := sys.Mknod(p.Blocked+"/"+n.name, n.mode, 0)
		device := n.mode == sys.TypeChar || n.mode == sys.TypeBlock
		if err != nil && !errors.Is(err, fs.ErrExist) && !(device && errors.Is(err, sys.EPERM)) {
			return &os.PathError{Op: "mknod", Path: p.Blocked + "/" + n.name, Err: err}
		}
	}
	return nil
}
