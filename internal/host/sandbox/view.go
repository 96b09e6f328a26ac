package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"rouse/internal/host/sys"
)

// A view finds files as a process will see them, while the mounts are only planned.
type view struct {
	root   string // on the host
	covers []cover
	looked map[string]look // what Lstat said, by path on the host
}

// A cover is a planned mount: path shows what is at real on the host.
type cover struct {
	path, real string
	// only names what is there, if that is not all that is at real; nil is all.
	only map[string]bool
	// above are directories that are laid over what is at real, the uppermost first.
	above []string
	// made are the directories that were made in a new, empty file system.
	made map[string]bool
}

// A look is what there is at a path: nothing, if err is set.
type look struct {
	mode fs.FileMode
	link string
	err  error
}

// find gives the cover that path is in, and where it really is.
func (v *view) find(path string) (c *cover, real string) {
	for i := len(v.covers) - 1; i >= 0; i-- {
		if c := &v.covers[i]; inside(c.path, path) {
			rest, _ := within(c.path, path)
			return c, join(c.real, rest)
		}
	}
	return nil, join(pathOr(v.root), path)
}

func (v *view) look(path string) look {
	c, real := v.find(path)
	if c != nil && c.made != nil {
		if path == c.path || c.made[path] {
			return look{mode: fs.ModeDir}
		}
		return look{err: sys.ENOENT}
	}
	if c != nil && c.only != nil && path != c.path {
		rest, _ := within(c.path, path)
		first, _, _ := strings.Cut(rest[1:], "/")
		if !c.only[first] {
			return look{err: sys.ENOENT}
		}
	}
	if c != nil {
		rest, _ := within(c.path, path)
		for _, dir := range c.above {
			if l := v.host(join(dir, rest)); l.err == nil {
				return l
			}
		}
	}
	return v.host(real)
}

// host looks at a path of the host.
func (v *view) host(real string) look {
	l, ok := v.looked[real]
	if ok {
		return l
	}
	info, err := os.Lstat(real)
	if l.err = err; err == nil {
		if l.mode = info.Mode(); l.mode&fs.ModeSymlink != 0 {
			l.link, l.err = os.Readlink(real)
		}
	}
	if v.looked == nil {
		v.looked = map[string]look{}
	}
	v.looked[real] = l
	return l
}

// mostLinks is how many symlinks a path may lead over, as for the kernel.
const mostLinks = 40

// chase gives the path without symlinks, and what is there. What comes after a part that
// does not exist stays as it is.
func (v *view) chase(name string) (string, look) {
	at, rest, links := "/", strings.Split(path.Clean("/"+name), "/"), 0
	l := v.look("/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			l = v.look(at)
			continue
		}
		next := join(at, "/"+part)
		l = v.look(next)
		if l.err == nil && l.mode&fs.ModeSymlink != 0 {
			if links++; links > mostLinks {
				return name, look{err: sys.ELOOP}
			}
			if strings.HasPrefix(l.link, "/") {
				at = "/"
			}
			rest = append(strings.Split(l.link, "/"), rest...)
			l = v.look(at)
			continue
		}
		at = next
	}
	return at, l
}

// shows notes that real is mounted at path.
func (v *view) shows(path, real string) {
	v.covers = append(v.covers, cover{path: path, real: real})
}

// showsOnly is shows for a place where only some names are.
func (v *view) showsOnly(path, real string, names []string) {
	only := map[string]bool{}
	for _, n := range names {
		only[n] = true
	}
	v.covers = append(v.covers, cover{path: path, real: real, only: only})
}

// showsNothing notes that an empty file system is mounted at path.
func (v *view) showsNothing(path string) {
	v.covers = append(v.covers, cover{path: path, made: map[string]bool{}})
}

// make notes that a directory is made, with those above it, and gives those that are new.
func (v *view) make(dir string) (list []string) {
	for p := dir; p != "/"; p = path.Dir(p) {
		if l := v.look(p); !errors.Is(l.err, fs.ErrNotExist) {
			break
		}
		list = append([]string{p}, list...)
	}
	for _, p := range list {
		if c, real := v.find(p); c != nil && c.made != nil {
			c.made[p] = true
		} else {
			v.looked[real] = look{mode: fs.ModeDir}
		}
	}
	return list
}
