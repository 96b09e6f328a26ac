// Package dirs makes and removes the directories a unit asks for and gathers the
// environment its files and the manager provide. It knows paths and owners. It
// answers for RuntimeDirectory=, StateDirectory=, CacheDirectory=,
// LogsDirectory=, ConfigurationDirectory=, EnvironmentFile= and PassEnvironment=
// of systemd.exec(5). All of it may wait for file systems.
package dirs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Bases are the directories that a unit's are made in, by kind.
type Bases [unit.DirectoryKinds]string

// SystemBases are those of the system manager.
var SystemBases = Bases{
	unit.RuntimeDirectory:       "/run",
	unit.StateDirectory:         "/var/lib",
	unit.CacheDirectory:         "/var/cache",
	unit.LogsDirectory:          "/var/log",
	unit.ConfigurationDirectory: "/etc",
}

// UserBases are those of a user manager, from XDG_RUNTIME_DIR and kin, as systemd
// 252 has them: state and logs are below the configuration.
func UserBases(getenv func(string) string) (Bases, error) {
	run, home := getenv("XDG_RUNTIME_DIR"), getenv("HOME")
	if run == "" {
		return Bases{}, errors.New("directories of a user: XDG_RUNTIME_DIR is not set")
	}
	xdg := func(name, byDefault string) (string, error) {
		if dir := getenv(name); filepath.IsAbs(dir) {
			return dir, nil
		}
		if home == "" {
			return "", fmt.Errorf("directories of a user: neither %s nor HOME is set", name)
		}
		return filepath.Join(home, byDefault), nil
	}
	config, err := xdg("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return Bases{}, err
	}
	cache, err := xdg("XDG_CACHE_HOME", ".cache")
	if err != nil {
		return Bases{}, err
	}
	return Bases{
		unit.RuntimeDirectory:       run,
		unit.StateDirectory:         config,
		unit.CacheDirectory:         cache,
		unit.LogsDirectory:          filepath.Join(config, "log"),
		unit.ConfigurationDirectory: config,
	}, nil
}

// Owner says to whom directories are given; -1 leaves that as it is.
type Owner struct{ UID, GID int }

// An Error is a directory that could not be made.
type Error struct {
	Kind unit.DirectoryKind
	Path string // as the unit has it
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%v=%s: %v", e.Kind, e.Path, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Make makes the directories of x with their modes, owner and symlinks. Those
// that are there get mode and owner as well, with all that is in them, except
// those of configuration, which are left alone. notes are about these.
func Make(x *unit.Exec, b Bases, o Owner) (notes []string, err error) {
	for kind := range x.Directories {
		d := &x.Directories[kind]
		if len(d.Paths) == 0 {
			continue
		}
		for _, p := range sorted(d.Paths) {
			note, err := makeOne(unit.DirectoryKind(kind), *d, p, b[kind], o)
			if err != nil {
				return notes, &Error{Kind: unit.DirectoryKind(kind), Path: p.Path, Err: err}
			}
			if note != "" {
				notes = append(notes, note)
			}
		}
	}
	return notes, nil
}

// sorted gives directories before those in them.
func sorted(paths []unit.DirectoryPath) []unit.DirectoryPath {
	return slices.SortedFunc(slices.Values(paths), func(a, b unit.DirectoryPath) int {
		return strings.Compare(a.Path, b.Path)
	})
}

func makeOne(kind unit.DirectoryKind, d unit.Directories, p unit.DirectoryPath, base string,
	o Owner) (note string, err error) {
	if !filepath.IsLocal(p.Path) || base == "" {
		return "", fmt.Errorf("not a path below %q", base)
	}
	path := filepath.Join(base, p.Path)
	if err := parents(path); err != nil {
		return "", err
	}
	mode := fileMode(d.Mode)
	err = os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) && kind == unit.ConfigurationDirectory {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		const bits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
		if got := info.Mode() & bits; got != mode {
			note = fmt.Sprintf("%s has mode %v and not %v; leaving it so", path, got, mode)
		}
		return note, links(path, base, p.Links)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := give(path, mode, o); err != nil {
		return "", err
	}
	return "", links(path, base, p.Links)
}

// fileMode gives a mode of a unit file in Go's terms.
func fileMode(m value.Mode) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for bit, to := range map[value.Mode]fs.FileMode{
		0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky,
	} {
		if m&bit != 0 {
			mode |= to
		}
	}
	return mode
}

// parents makes the directories above a path, with mode 0755 whatever the umask.
func parents(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := parents(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// give sets mode and owner of a directory, and the owner of all that is in it if
// its own was another. Its new owner may change what is in there meanwhile, so
// nothing is followed out of it.
func give(path string, mode fs.FileMode, o Owner) error {
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer root.Close()
	if o.UID < 0 && o.GID < 0 {
		return root.Chmod(".", mode)
	}
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	if uid, gid := sys.Owner(info); (o.UID < 0 || uid == o.UID) && (o.GID < 0 || gid == o.GID) {
		return root.Chmod(".", mode)
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || name == "." {
			return nil
		}
		if err == nil {
			err = root.Lchown(name, o.UID, o.GID)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	// The directory itself comes last: if this is cut short, the next time sees it.
	return errors.Join(err, root.Chown(".", o.UID, o.GID), root.Chmod(".", mode))
}

// links makes symlinks to a directory, relative ones.
func links(path, base string, names []string) error {
	for _, name := range names {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("symlink %q: not a path below %q", name, base)
		}
		link := filepath.Join(base, name)
		if err := parents(link); err != nil {
			return err
		}
		to, err := filepath.Rel(filepath.Dir(link), path)
		if err != nil {
			return err
		}
		err = os.Symlink(to, link)
		if errors.Is(err, fs.ErrExist) {
			if is, _ := os.Readlink(link); is == to {
				continue
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Remove removes the runtime directories after the unit has stopped, as
// RuntimeDirectoryPreserve= says; restarting tells that it will be started again.
// Directories above the innermost stay.
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
	return Clean(x, b, unit.RuntimeDirectory)
}

// Clean removes the directories of one kind with all that is in them, and their
// symlinks. systemctl(1), clean.
func Clean(x *unit.Exec, b Bases, kind unit.DirectoryKind) error {
	var errs []error
	for _, p := range x.Directories[kind].Paths {
		for _, name := range append([]string{p.Path}, p.Links...) {
			if !filepath.IsLocal(name) || name == "." || b[kind] == "" {
				continue // Make has refused it
			}
			errs = append(errs, os.RemoveAll(filepath.Join(b[kind], name)))
		}
	}
	return errors.Join(errs...)
}
