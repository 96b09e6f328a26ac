package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
)

// Make puts the credentials of a unit into its directory, readable by the user with that
// number; -1 is the manager's own. What is there already is replaced.
func (s *Store) Make(name string, x *unit.Exec, uid int) error {
	if s.Base == "" {
		return errors.New("there is no place for credentials")
	}
	list, err := s.collect(name, x)
	if err != nil {
		return err
	}
	if err := directory(s.Base, 0o755); err != nil {
		return err
	}
	final := s.Dir(name)
	if err := directory(final, 0o700); err != nil {
		return err
	}
	if sys.IsMount(final) {
		root, err := sys.Writable(final)
		if err == nil {
			defer root.Close()
			return fill(root, list, uid)
		}
		_ = sys.DetachMount(final) // an old kernel: what cannot be changed is made anew
	}
	return hand(final, list, uid)
}

// hand makes a file system on a directory, with the credentials in it from the beginning.
func hand(final string, list []credential, uid int) error {
	root, err := memory()
	if err != nil {
		return inPlace(final, list, uid)
	}
	defer root.Close()
	if err := fill(root, list, uid); err != nil {
		return err
	}
	return sys.PutFileSystem(root, final)
}

// directory makes a directory unless it is there.
func directory(path string, mode fs.FileMode) error {
	err := os.Mkdir(path, mode)
	switch {
	case err == nil:
		return os.Chmod(path, mode) // whatever the umask
	case errors.Is(err, fs.ErrExist):
		return nil
	}
	return err
}

// memories are file systems that are never written to a disk, with their options: ramfs,
// which is never swapped out either, or tmpfs.
var memories = [][]string{
	{"ramfs", "mode", "700"},
	{"tmpfs", "mode", "700", "nr_inodes", "1024", "size", strconv.Itoa(sizeMax)},
}

// memory makes such a file system, which is nowhere yet.
func memory() (root *os.File, err error) {
	for _, m := range memories {
		if root, err = sys.NewFileSystem(m[0], m[1:]...); err == nil {
			break
		}
	}
	return root, err
}

// inPlace is for kernels on which a file system is somewhere from the beginning, and for
// who may not mount any.
func inPlace(final string, list []credential, uid int) (err error) {
	for _, m := range memories {
		if err = sys.MountFileSystem(final, m[0], m[1:]...); err == nil {
			break
		}
	}
	if err != nil {
		return plain(final, list, uid)
	}
	err = plain(final, list, uid)
	if err == nil {
		err = sys.MakeReadOnly(final)
	}
	if err != nil {
		_ = sys.DetachMount(final)
	}
	return err
}

// plain fills a directory. It is not for the user before it is complete.
func plain(final string, list []credential, uid int) error {
	if err := os.Chmod(final, 0o700); err != nil {
		return err
	}
	dir, err := os.Open(final)
	if err != nil {
		return err
	}
	defer dir.Close()
	return fill(dir, list, uid)
}

// unfinished is the name of a credential that is being written.
const unfinished = ".#credential"

// fill writes the credentials, and then has the directory readable.
func fill(root *os.File, list []credential, uid int) error {
	dir, err := sys.OpenDirectoryAt(root, ".") // root may only stand for a path
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, c := range list {
		if err := write(dir, c, uid); err != nil {
			return fmt.Errorf("write credential %s: %w", c.id, err)
		}
	}
	if err := dir.Chmod(0o500); err != nil {
		return err
	}
	return give(dir, uid, true)
}

func write(dir *os.File, c credential, uid int) error {
	if err := sys.RemoveAt(dir, unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := sys.CreateAt(dir, unfinished)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(c.data); err != nil {
		return err
	}
	if err := f.Chmod(0o400); err != nil {
		return err
	}
	if err := give(f, uid, false); err != nil {
		return err
	}
	return sys.RenameAt(dir, unfinished, c.id)
}

// give has the user read what root goes on to own, or has it own that, where there are
// no access control lists: ramfs has none, and is mounted read-only.
func give(f *os.File, uid int, directory bool) error {
	if uid < 0 || uid == os.Geteuid() {
		return nil
	}
	if sys.Grant(f, uid, directory) == nil {
		return nil
	}
	return f.Chown(uid, -1)
}

// Remove removes the credentials of a unit that has stopped.
func (s *Store) Remove(name string) error {
	if s.Base == "" {
		return nil
	}
	final := s.Dir(name)
	if _, err := os.Lstat(final); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_ = sys.DetachMount(final) // or it is a plain directory
	_ = os.Chmod(final, 0o700) // which nobody may write to
	return os.RemoveAll(final)
}
