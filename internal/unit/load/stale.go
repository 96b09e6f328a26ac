package load

import (
	"io/fs"
	"slices"
	"strings"

	"rouse/internal/unit"
)

// Stale reports whether a unit would be read otherwise today: its file, its source or
// one of its drop-ins was modified or is gone, or it has other drop-ins than before.
// systemctl(1) then says that a daemon-reload is needed.
func (l *Loader) Stale(u *unit.Unit) bool {
	if u.Load == unit.Masked {
		return false
	}
	if l.newer(u.Fragment, u.FragmentTime) || l.newer(u.SourcePath, u.SourceTime) {
		return true
	}
	for _, path := range u.DropIns {
		if l.newer(path, u.DropInTime) {
			return true
		}
	}
	if u.Load != unit.Loaded {
		return false
	}
	l.Recheck()
	l.scan()
	j := job{Loader: l, u: u}
	var now []string
	if dirs := j.subDirs(".d"); len(dirs) > 0 {
		for _, f := range j.collect(dirs, ".conf") {
			now = append(now, f.path())
		}
	}
	return !slices.Equal(now, u.DropIns)
}

// newer reports whether a file was modified after a time, or is gone.
func (l *Loader) newer(path string, than int64) bool {
	for _, unsteady := range []string{"/proc/", "/sys/", "/dev/"} {
		if path == "" || strings.HasPrefix(path, unsteady) {
			return false
		}
	}
	modified, ok := l.modifiedAt(path)
	return !ok || modified > than
}

// modifiedAt tells when a file was last modified.
func (l *Loader) modifiedAt(path string) (nanoseconds int64, ok bool) {
	info, err := fs.Stat(l.c.FS, inFS(path))
	if err != nil {
		return 0, false
	}
	return info.ModTime().UnixNano(), true
}
