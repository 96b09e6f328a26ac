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
	"iter"
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

// Make makes the directories of x with their modes and owner. Those that are there get
// both as well, with all that is in them, except those of configuration, which are left
// alone. notes are about what was found.
func Make(x *unit.Exec, b Bases, o Owner) (notes []string, err error) {
	for i := range x.Directories {
		kind := unit.DirectoryKind(i)
		d := &x.Directories[kind]
		if len(d.Paths) == 0 {
			continue
		}
		m := maker{kind: kind, base: b[kind], owner: o, mode: fileMode(d.Mode),
			private: Private(x, kind), mask: anyMode}
		if x.DynamicUser {
			m.mask &^= fs.ModeSetuid | fs.ModeSetgid
		}
		for p := range outermost(d.Paths) {
			note, err := m.make(p)
			if err != nil {
				return notes, &Error{Kind: kind, Path: p.Path, Err: err}
			}
			if note != "" {
				notes = append(notes, note)
			}
		}
	}
	return notes, nil
}

// MakeLinks makes the symlinks to the directories of x, where no mount namespace is to have
// them, which may hide what is above them.
func MakeLinks(x *unit.Exec, b Bases) error {
	for i, d := range x.Directories {
		for p := range outermost(d.Paths) {
			if err := links(filepath.Join(b[i], p.Path), b[i], p.Links); err != nil {
				return &Error{Kind: unit.DirectoryKind(i), Path: p.Path, Err: err}
			}
		}
	}
	return nil
}

// rooted reports whether the processes of x have another root directory.
func rooted(x *unit.Exec) bool {
	return x.RootImage != "" || x.RootDirectory != "" && x.RootDirectory != "/"
}

// A directory is one of a unit's, and whether it is in none of the others.
type directory struct {
	unit.DirectoryPath
	outer bool
}

// outermost gives directories before those in them.
func outermost(paths []unit.DirectoryPath) iter.Seq[directory] {
	return func(yield func(directory) bool) {
		outer := ""
		for _, p := range sorted(paths) {
			in := outer != "" && strings.HasPrefix(p.Path, outer+"/")
			if !in {
				outer = p.Path
			}
			if !yield(directory{p, !in}) {
				return
			}
		}
	}
}

// sorted gives directories before those in them, and these next.
func sorted(paths []unit.DirectoryPath) []unit.DirectoryPath {
	return slices.SortedFunc(slices.Values(paths), func(a, b unit.DirectoryPath) int {
		return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
	})
}

// A maker makes directories of one kind.
type maker struct {
	kind    unit.DirectoryKind
	base    string
	owner   Owner
	mode    fs.FileMode
	private bool
	mask    fs.FileMode // mode bits that may be there
}

func (m *maker) make(p directory) (note string, err error) {
	if !filepath.IsLocal(p.Path) || m.base == "" {
		return "", fmt.Errorf("not a path below %q", m.base)
	}
	path := filepath.Join(m.base, p.Path)
	if err := parents(path); err != nil {
		return "", err
	}
	if m.private {
		if path, note, err = m.makePrivate(p); err != nil {
			return "", err
		}
		return note, m.give(path)
	}
	if m.kind != unit.ConfigurationDirectory {
		if note, err = m.publish(p.Path); err != nil {
			return "", err
		}
	}
	if m.kind == unit.ConfigurationDirectory {
		if err := os.Mkdir(path, 0o700); errors.Is(err, fs.ErrExist) {
			return m.compare(path)
		} else if err != nil {
			return "", err
		}
	} else if err := mkdir(path); err != nil {
		return "", err
	}
	return note, m.give(path)
}

// mkdir makes a directory, unless it is there. A symlink is none, wherever it leads:
// systemd gives away nothing that it has not made.
func mkdir(path string) error {
	err := os.Mkdir(path, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = &os.PathError{Op: "mkdir", Path: path, Err: sys.ENOTDIR}
	}
	return err
}

// compare looks at a directory that is left as it is.
func (m *maker) compare(path string) (note string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if got := info.Mode() & anyMode; got != m.mode {
		note = fmt.Sprintf("%s has mode %v and not %v; leaving it so", path, got, m.mode)
	}
	return note, nil
}

// anyMode are all bits of a mode that chmod(2) changes.
const anyMode = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

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
func (m *maker) give(path string) error {
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	o := m.owner
	uid, gid := sys.Owner(info)
	mine := (o.UID < 0 || uid == o.UID) && (o.GID < 0 || gid == o.GID)
	if mine && info.Mode()&anyMode&^m.mask == 0 {
		return root.Chmod(".", m.mode&m.mask)
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && name != "." {
			err = m.giveOne(root, name, entry)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	// The directory itself comes last: if this is cut short, the next time sees it.
	return errors.Join(err, root.Chown(".", o.UID, o.GID), root.Chmod(".", m.mode&m.mask))
}

// giveOne gives what is in a directory, and keeps the mode, as far as it may be kept,
// where the change of owner takes bits away.
func (m *maker) giveOne(root *os.Root, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if err := root.Lchown(name, m.owner.UID, m.owner.GID); err != nil {
		return err
	}
	const special = fs.ModeSetuid | fs.ModeSetgid
	if info.Mode()&special == 0 || info.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	return root.Chmod(name, info.Mode()&anyMode&m.mask)
}

// links makes symlinks to a directory, relative ones.
func links(path, base string, names []string) error {
	for _, name := range names {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("symlink %q: not a path below %q", name, base)
		}
		at := filepath.Join(base, name)
		if err := parents(at); err != nil {
			return err
		}
		if err := link(path, at); err != nil {
			return err
		}
	}
	return nil
}

// link makes a relative symlink, unless it is there.
func link(path, at string) error {
	to, err := filepath.Rel(filepath.Dir(at), path)
	if err != nil {
		return err
	}
	err = os.Symlink(to, at)
	if errors.Is(err, fs.ErrExist) {
		if is, _ := os.Readlink(at); is == to {
			return nil
		}
	}
	return err
}
