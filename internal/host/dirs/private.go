package dirs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// privateRoot is where the directories of users are that exist for a while: below the
// base of a kind, and open to nobody but root, for the number of such a user is
// somebody else's later on. systemd.exec(5), DynamicUser=.
const privateRoot = "private"

// Private reports whether the directories of that kind are in a place that only root
// and the unit see.
func Private(x *unit.Exec, kind unit.DirectoryKind) bool {
	if !x.DynamicUser || kind == unit.ConfigurationDirectory {
		return false
	}
	return kind != unit.RuntimeDirectory || x.RuntimeDirectoryPreserve != unit.PreserveNo
}

// Owned gives the paths of what the unit's user owns for long: who owns them already, had
// better be that user again.
func Owned(x *unit.Exec, b Bases) []string {
	var list []string
	for i, d := range x.Directories {
		kind := unit.DirectoryKind(i)
		if kind == unit.ConfigurationDirectory || b[kind] == "" {
			continue
		}
		base := b[kind]
		if Private(x, kind) {
			base = filepath.Join(base, privateRoot)
		}
		for _, p := range d.Paths {
			list = append(list, filepath.Join(base, p.Path))
		}
	}
	return list
}

// makePrivate makes a directory below private/, or moves the public one there, and has
// a symlink lead to it from the public place. It gives the path.
func (m *maker) makePrivate(p directory) (path, note string, err error) {
	if err := safeRoot(filepath.Join(m.base, privateRoot)); err != nil {
		return "", "", err
	}
	public := filepath.Join(m.base, p.Path)
	path = filepath.Join(m.base, privateRoot, p.Path)
	if err := parents(path); err != nil {
		return "", "", err
	}
	found, _ := os.Lstat(public)
	_, err = os.Lstat(path)
	if found != nil && found.IsDir() && errors.Is(err, fs.ErrNotExist) {
		note = fmt.Sprintf("%s becomes %s: DynamicUser= was off before", public, path)
		err = os.Rename(public, path)
	} else {
		err = mkdir(path)
	}
	if err == nil && p.outer {
		err = link(path, public)
	}
	return path, note, err
}

// safeRoot makes a directory for root alone. One that is there must be that.
func safeRoot(path string) error {
	err := os.Mkdir(path, 0o700)
	if err == nil {
		return errors.Join(os.Chown(path, os.Geteuid(), os.Getegid()), os.Chmod(path, 0o700))
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	uid, gid := sys.Owner(info)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %v, and must be for its owner alone", path, info.Mode())
	case uid != os.Geteuid() || gid != os.Getegid():
		return fmt.Errorf("%s belongs to %d:%d", path, uid, gid)
	}
	return nil
}

// publish moves a directory back that is below private/, if a symlink leads there.
func (m *maker) publish(name string) (note string, err error) {
	public := filepath.Join(m.base, name)
	if info, err := os.Lstat(public); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return "", nil
	}
	private := filepath.Join(m.base, privateRoot, name)
	to, err := filepath.EvalSymlinks(public)
	if err != nil {
		return "", err
	}
	if from, err := filepath.EvalSymlinks(private); err != nil || from != to {
		return "", nil
	}
	note = fmt.Sprintf("%s becomes %s: DynamicUser= was on before", private, public)
	return note, errors.Join(os.Remove(public), os.Rename(private, public))
}
