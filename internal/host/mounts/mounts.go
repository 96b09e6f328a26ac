// Package mounts knows what is mounted where, tells when that changes, and makes
// mount points ready. It knows paths and no units. It answers for the mount table of
// proc(5), and for what systemd.mount(5) says of Where=.
package mounts

import (
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"rouse/internal/host/proc"
	"rouse/internal/host/sys"
	"rouse/internal/unit"
	"rouse/internal/unit/value"
)

// Mount is one entry of the mount table.
type Mount struct{ What, Where, Type, Options string }

// UserOptions is where mount(8) keeps the options that are not the kernel's.
const UserOptions = "/run/mount/utab"

// Read gives the mounts by their mount points; of several at one place it is the
// one on top. What has a mount point only because the system cannot do without it is
// left out, and so are the traps of automounts. sys.ErrUnsupported where there is no
// such table.
func Read() (map[string]Mount, error) {
	text, err := readTable()
	if err != nil {
		return nil, err
	}
	extra, _ := os.ReadFile(UserOptions) // most machines have none
	return table(text, string(extra)), nil
}

// table makes the mounts of the texts of mountinfo and utab.
func table(text, extra string) map[string]Mount {
	users := userTable(extra)
	list := map[string]Mount{}
	for _, m := range proc.ParseMounts(text) {
		if m.Type == "autofs" || !strings.HasPrefix(m.Point, "/") || isSystem(m.Point) {
			continue
		}
		list[m.Point] = Mount{
			What: m.Source, Where: m.Point, Type: m.Type,
			Options: options(m.Options, m.SuperOptions, users[m.Point]),
		}
	}
	return list
}

// options joins those of the mount, of the file system and of mount(8) as findmnt(8) does.
func options(mount, super []string, user string) string {
	list := []string{"rw"}
	if slices.Contains(mount, "ro") || slices.Contains(super, "ro") {
		list[0] = "ro"
	}
	for _, o := range slices.Concat(mount, super) {
		if o != "rw" && o != "ro" && o != "" {
			list = append(list, o)
		}
	}
	if user != "" {
		list = append(list, user)
	}
	return strings.Join(list, ",")
}

// userTable reads utab: the options by mount point.
func userTable(text string) map[string]string {
	users := map[string]string{}
	for line := range strings.Lines(text) {
		var target, options string
		for _, field := range strings.Fields(line) {
			key, v, _ := strings.Cut(field, "=")
			switch key {
			case "TARGET":
				target = proc.Unescape(v)
			case "OPTS":
				options = proc.Unescape(v)
			}
		}
		users[target] = options
	}
	return users
}

// given are more mount points that no unit is made for: what container managers put
// there, and SELinux. They are systemd 252's.
var given = []string{
	"/dev/console", "/proc/kmsg", "/proc/sys", "/proc/sys/kernel/random/boot_id", "/run/host",
	"/sys/fs/selinux", "/selinux",
}

func isSystem(point string) bool {
	return unit.IsSystemMount(point) || slices.Contains(given, point) ||
		strings.HasPrefix(point, "/run/host/")
}

// Table is the mount table as it was when it was last looked at. It is for one
// goroutine only.
type Table struct{ list map[string]Mount }

// At gives what is mounted at a path.
func (t *Table) At(where string) (Mount, bool) {
	m, ok := t.list[where]
	return m, ok
}

// Points lists the mount points, for Expect.
func (t *Table) Points() []string { return slices.Sorted(maps.Keys(t.list)) }

// Expect has the next Refresh tell which of these mount points are gone.
func (t *Table) Expect(points []string) {
	t.list = map[string]Mount{}
	for _, p := range points {
		t.list[p] = Mount{}
	}
}

// Refresh looks again. It gives the mount points that are gone, and the mounts that
// are new or different, both sorted by mount point.
func (t *Table) Refresh() (gone []string, changed []Mount, err error) {
	list, err := Read()
	if err != nil {
		return nil, nil, err
	}
	gone, changed = t.take(list)
	return gone, changed, nil
}

func (t *Table) take(list map[string]Mount) (gone []string, changed []Mount) {
	for where := range t.list {
		if _, ok := list[where]; !ok {
			gone = append(gone, where)
		}
	}
	for where, m := range list {
		if t.list[where] != m {
			changed = append(changed, m)
		}
	}
	t.list = list
	slices.Sort(gone)
	slices.SortFunc(changed, func(a, b Mount) int { return strings.Compare(a.Where, b.Where) })
	return gone, changed
}

// Prepare makes the mount point where, and for a bind mount what shows there, as far
// as they do not exist. A mount point that is reached by a symlink is refused. The
// note is "" or says what is worth a line of the log.
func Prepare(what, where string, bind bool, mode value.Mode) (note string, err error) {
	if err := canonical(where); err != nil {
		return "", err
	}
	perm := os.FileMode(mode)
	isFile := false
	if bind && path.IsAbs(what) {
		info, err := os.Stat(what)
		switch {
		case err == nil:
			isFile = !info.IsDir()
		default:
			if err := mkdir(what, perm); err != nil {
				note = "make what to mount: " + err.Error()
			}
		}
	}
	if isFile {
		return note, touch(where, perm)
	}
	if err := mkdir(where, perm); err != nil {
		return note, err
	}
	if entries, err := os.ReadDir(where); err == nil && len(entries) > 0 {
		note = "Directory " + where + " to mount over is not empty, mounting anyway."
	}
	return note, nil
}

// canonical refuses a path with a symlink in it.
func canonical(where string) error {
	for p := path.Clean(where); p != "/" && p != "."; p = path.Dir(p) {
		info, err := os.Lstat(p)
		if err == nil && info.Mode()&os.ModeSymlink != 0 {
			return &os.PathError{Op: "mount on", Path: where, Err: sys.ELOOP}
		}
	}
	return nil
}

// mkdir makes a directory and those above it, all with the mode.
func mkdir(dir string, perm os.FileMode) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return &os.PathError{Op: "mkdir", Path: dir, Err: sys.ENOTDIR}
	}
	return os.MkdirAll(dir, perm)
}

// touch makes an empty file and the directories above it.
func touch(file string, perm os.FileMode) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := mkdir(path.Dir(file), perm); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}
