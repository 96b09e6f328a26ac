// Package links carries out plans about unit files: it makes and removes the symlinks
// by which units are enabled, linked and masked, below a root directory that may be
// another than that of this process. A symlink in a path is followed within that root,
// and never out of it. It knows nothing of why a link is to be. It answers for what
// systemctl(1) says of --root=.
package links

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"rouse/internal/unit/install"
)

// dirMode is that of directories which are made for links.
const dirMode = 0o755

// Apply makes the changes of a plan below the root directory. What cannot be done is
// noted in the plan; the rest is done all the same.
func Apply(root string, plan *install.Plan) {
	if len(plan.Changes) == 0 {
		return
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		for i := range plan.Changes {
			plan.Fail(i, err)
		}
		return
	}
	defer dir.Close()
	files := os.DirFS(root).(fs.ReadLinkFS)
	for i, c := range plan.Changes {
		at := inRoot(install.Real(files, c.Path))
		var err error
		switch {
		case c.Kind == install.Symlink:
			err = link(dir, at, c.Source)
		case c.Kind != install.Unlink, c.Replaced, c.Listed:
		case c.Tree:
			err = dir.RemoveAll(at)
		default:
			err = unlink(dir, at, topOf(files, c.Below))
		}
		if err != nil {
			plan.Fail(i, err)
		}
	}
}

// topOf gives a directory with its own symlinks followed; "" of "".
func topOf(files fs.ReadLinkFS, dir string) string {
	if dir == "" {
		return ""
	}
	return path.Dir(install.Real(files, path.Join(dir, "x")))
}

// inRoot gives a path as an os.Root wants it.
func inRoot(p string) string { return strings.TrimPrefix(p, "/") }

// link makes a symlink. One that is there already is replaced at once, so that there is no
// moment without one.
func link(dir *os.Root, at, target string) error {
	if err := dir.MkdirAll(path.Dir(at), dirMode); err != nil {
		return err
	}
	err := dir.Symlink(target, at)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := dir.Lstat(at); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return fs.ErrExist
	}
	tmp := path.Join(path.Dir(at), ".#"+path.Base(at)+rand.Text())
	if err := dir.Symlink(target, tmp); err != nil {
		return err
	}
	if err := dir.Rename(tmp, at); err != nil {
		dir.Remove(tmp)
		return err
	}
	return nil
}

// unlink removes a file, and directories above it that are empty then, up to below.
func unlink(dir *os.Root, at, below string) error {
	if err := dir.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	top := inRoot(below)
	for up := path.Dir(at); below != "" && strings.HasPrefix(up, top+"/"); up = path.Dir(up) {
		if dir.Remove(up) != nil { // it is not empty
			break
		}
	}
	return nil
}
