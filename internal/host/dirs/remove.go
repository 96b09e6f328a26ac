package dirs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"rouse/internal/unit"
)

// Remove removes the runtime directories after the unit has stopped, as
// RuntimeDirectoryPreserve= says; restarting tells that it will be started again.
// Directories above the innermost stay, and so does the symlink to a private one.
func Remove(x *unit.Exec, b Bases, restarting bool) error {
	switch x.RuntimeDirectoryPreserve {
	case unit.PreserveYes:
		return nil
	case unit.PreserveRestart:
		if restarting {
			return nil
		}
	case unit.PreserveNo, unit.Preserves:
	}
	base := b[unit.RuntimeDirectory]
	var errs []error
	for _, p := range x.Directories[unit.RuntimeDirectory].Paths {
		if !below(base, p.Path) {
			continue
		}
		path := filepath.Join(base, p.Path)
		if Private(x, unit.RuntimeDirectory) {
			errs = append(errs, os.RemoveAll(filepath.Join(base, privateRoot, p.Path)))
			// It is a symlink, unless there was no hiding anything.
			if info, err := os.Lstat(path); err != nil || !info.IsDir() {
				continue
			}
		}
		errs = append(errs, os.RemoveAll(path))
		for _, l := range p.Links {
			if below(base, l) {
				errs = append(errs, unlink(filepath.Join(base, l)))
			}
		}
	}
	return errors.Join(errs...)
}

// below reports whether a path is one that Make accepts.
func below(base, name string) bool {
	return base != "" && filepath.IsLocal(name) && name != "."
}

// unlink removes a symlink, and nothing else.
func unlink(path string) error {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Clean removes the directories of one kind with all that is in them, the private ones
// too, and their symlinks. It ends early with ctx. systemctl(1), clean.
func Clean(ctx context.Context, x *unit.Exec, b Bases, kind unit.DirectoryKind) error {
	var errs []error
	for _, p := range x.Directories[kind].Paths {
		names := append([]string{p.Path}, p.Links...)
		if kind != unit.ConfigurationDirectory {
			names = append(names, filepath.Join(privateRoot, p.Path))
		}
		for _, name := range names {
			if !below(b[kind], name) {
				continue
			}
			errs = append(errs, removeAll(ctx, filepath.Join(b[kind], name)))
		}
	}
	return errors.Join(errs...)
}

// removeAll removes a tree, and what is left of it when ctx ends stays. Nothing is
// followed out of the tree by symlinks.
func removeAll(ctx context.Context, path string) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		root, err := os.OpenRoot(path)
		if err != nil {
			return err
		}
		defer root.Close()
		if err := empty(ctx, root); err != nil {
			return err
		}
	}
	return os.RemoveAll(path)
}

// empty removes all that is in a directory.
func empty(ctx context.Context, root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			sub, err := root.OpenRoot(e.Name())
			if err != nil {
				return err
			}
			err = empty(ctx, sub)
			sub.Close()
			if err != nil {
				return err
			}
		}
		if err := errors.Join(ctx.Err(), root.RemoveAll(e.Name())); err != nil {
			return err
		}
	}
	return nil
}
